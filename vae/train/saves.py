"""Saves of a run: everything needed to go on from a step as if nothing had happened.

    saves/000001407/           the step it was taken at
        state.safetensors      weights, Adam's moments, the states of the generators
        facts.json             where the run stands
        manifest.json          the size and sha256 of both, and the test loss if an epoch was finished here

A save is written under another name, flushed, and takes its own name last; that name is new each time (the step, or the
step and a number), so no save is ever written over. Whatever interrupts this leaves the older ones as they are. What
comes back from a disk after that is believed only when the manifest agrees with it.
"""

import errno
import hashlib
import json
import math
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from vae.errors import VAEError
from vae.files import flush, plain_disk_errors, write_folder

STATE, FACTS, MANIFEST = "state.safetensors", "facts.json", "manifest.json"
NAME = re.compile(r"(\d{9,})(?:-(\d+))?")
KEPT = 2  # the newest saves that stay, and so many of those set aside


@dataclass(frozen=True, eq=False)
class Save:
    """A save that was read and found whole.

    Attributes:
        step: steps done when it was written.
        tensors, facts: as they were given to `write`, bit for bit; tuples among the facts have become lists.
    """

    folder: Path
    step: int
    tensors: dict[str, Tensor]
    facts: dict[str, Any]


class _BadSave(Exception):
    """What is wrong with a save, in a few words."""


def write(saves: Path, step: int, tensors: dict[str, Tensor], facts: dict[str, Any], *, loss: float | None) -> Path:
    """Write a save; when this returns, it is on the disk. Only one process may do so at a time.

    A save of this step that is there already (a run that goes on from an older save comes by again) stays if it says
    the same and verifies; else the new one gets a name beside it, and is the newer of the two.

    Args:
        tensors: on the CPU, none of them lying over another.
        facts: JSON values; numbers come back exactly, also those that are not finite.
        loss: test loss where an epoch was finished, by which `tidy` knows the best; None in the middle of one.

    Returns:
        Its folder.

    Raises:
        VAEError: the disk is full or cannot be written. The saves before it are untouched.
    """
    saves = Path(saves)
    packed = {name: value.contiguous() for name, value in tensors.items()}  # a convolution may lie channels last
    files = {STATE: save_tensors(packed), FACTS: json.dumps(facts, indent=1).encode()}
    described = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    manifest = {"step": step, "loss": loss, "files": described}
    with plain_disk_errors(saves):
        same = [folder for folder in _found(saves) if _step(folder) == step]
    if same and _says(same[0], manifest):
        return same[0]
    folder = saves / (f"{step:09d}-{_turn(same[0]) + 1}" if same else f"{step:09d}")
    files[MANIFEST] = json.dumps(manifest, indent=1).encode()
    write_folder(folder, files, name=f"the state after step {step:,}")
    return folder


def newest(saves: Path) -> tuple[Save | None, list[str]]:
    """The newest save that verifies, and a plain line about each that did not and was set aside.

    A bad save is renamed `bad-...`, so that a person may look at it and no run will. No folder yet is no save yet.

    Raises:
        VAEError: the folder cannot be read, or not now (too many open files, no permission): nothing is set aside.
    """
    saves, bad = Path(saves), []
    save = None
    try:
        for folder in _found(saves):
            try:
                save = _read(folder)
                break
            except _BadSave as why:
                bad.append((_step(folder), str(why), _set_aside(folder).name))
    except OSError as error:
        raise VAEError(f"The saves of this training cannot be read ({error.strerror}): try again.") from error
    instead = f"the training goes on from step {save.step:,}" if save else "no earlier one is good"
    return save, [
        f"The save of step {step:,} is damaged ({why}): it was set aside as {name}, and {instead}."
        for step, why, name in bad
    ]


def tidy(saves: Path) -> None:
    """Delete all saves but the last two and the best finished epoch, and what an interrupted `write` left behind.

    A save loses its name before its files, so one that is half gone is never taken for a damaged one.

    Raises:
        VAEError: the disk cannot be written.
    """
    saves = Path(saves)
    with plain_disk_errors(saves):
        found = _found(saves)
        losses = {folder: _loss(folder) for folder in found}
        best = min(found, key=lambda folder: losses[folder], default=None)  # of equals the newest
        keep = set(found[:KEPT]) | ({best} if best is not None and losses[best] < math.inf else set())
        old = [folder for folder in found if folder not in keep]
        for folder in old:
            os.rename(folder, folder.with_name(f".{folder.name}.old"))
        if old:
            flush(saves)  # its files lie in another folder than its name: a disk may be quicker there
        names = sorted(os.listdir(saves)) if saves.is_dir() else []
        bad = [name for name in names if name.startswith("bad-")]
        gone = [name for name in names if name.startswith(".") and name.endswith((".part", ".old"))]
        for name in gone + bad[:-KEPT]:
            shutil.rmtree(saves / name, ignore_errors=True)


def _found(saves: Path) -> list[Path]:
    """The saves by name, newest first; whether they are good is not known yet."""
    if not saves.is_dir():
        return []
    names = [name for name in os.listdir(saves) if NAME.fullmatch(name)]
    return sorted((saves / name for name in names), key=lambda folder: (_step(folder), _turn(folder)), reverse=True)


def _step(folder: Path) -> int:
    return int(folder.name.split("-")[0])


def _turn(folder: Path) -> int:
    """1 for the first save of a step, then 2 and so on."""
    return int(folder.name.partition("-")[2] or 1)


def _read(folder: Path) -> Save:
    """Read a save and check every byte of it."""
    manifest = _manifest(folder)
    if manifest.get("step") != _step(folder):
        raise _BadSave(f"{MANIFEST} is of another step")
    files = manifest.get("files")
    if not isinstance(files, dict) or set(files) != {STATE, FACTS}:
        raise _BadSave(f"{MANIFEST} names other files")
    data = {name: _bytes(folder / name) for name in (STATE, FACTS)}
    for name, there in data.items():
        told = files[name] if isinstance(files[name], dict) else {}
        if told.get("size") != len(there):
            raise _BadSave(f"{name} has {len(there):,} bytes, not {told.get('size')}")
        if told.get("sha256") != hashlib.sha256(there).hexdigest():
            raise _BadSave(f"{name} is not what was written")
    try:
        tensors, facts = load_tensors(data[STATE]), json.loads(data[FACTS])
    except (SafetensorError, ValueError, KeyError) as error:
        raise _BadSave("it cannot be understood") from error
    return Save(folder, _step(folder), tensors, facts)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(_bytes(folder / MANIFEST))
    except (ValueError, RecursionError) as error:
        raise _BadSave(f"{MANIFEST} is not JSON") from error
    if not isinstance(manifest, dict):
        raise _BadSave(f"{MANIFEST} holds no object")
    return manifest


def _bytes(path: Path) -> bytes:
    """A file of a save. What a disk lost or can no longer read makes the save bad; anything else is not its fault."""
    try:
        return path.read_bytes()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO):
            raise _BadSave(f"{path.name}: {error.strerror}") from error
        raise


def _says(folder: Path, manifest: dict[str, Any]) -> bool:
    """Whether a save verifies and has this manifest."""
    try:
        _read(folder)
        return _manifest(folder) == manifest
    except (_BadSave, OSError):
        return False


def _loss(folder: Path) -> float:
    """Test loss of a finished epoch; infinity in the middle of one, and where it cannot be known."""
    try:
        loss = _manifest(folder).get("loss")
    except _BadSave:
        return math.inf
    return float(loss) if isinstance(loss, int | float) and not math.isnan(loss) else math.inf


def _set_aside(folder: Path) -> Path:
    aside, turn = folder.with_name(f"bad-{folder.name}"), 1
    while aside.exists():
        turn += 1
        aside = folder.with_name(f"bad-{folder.name}.{turn}")
    os.rename(folder, aside)
    return aside
