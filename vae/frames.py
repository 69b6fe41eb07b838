"""The frames of a training's unfolding map, as they are recorded: files in the run's folder, a few for each moment.

frames/images.safetensors        which test images the dots are, and what is known of each
frames/<step>.safetensors        where each dot lies, and how far the codes spread
pictures-<step>, samples-<step>  test images above their reconstructions; what the model draws from fixed codes
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from vae.errors import VAEError
from vae.files import plain_disk_errors

FRAMES, IMAGES = "frames", "images.safetensors"
SAMPLES, ACROSS = 32, 8  # codes drawn from the prior once, and how many stand in a row of a frame's `samples`
MAX_BYTES = 64 << 20  # of a file that is read here
DAMAGED = (SafetensorError, KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, OSError)


@dataclass(frozen=True, eq=False)
class Dots:
    """The N test images whose codes are the dots, the same ones throughout.

    Attributes:
        index: (N,) int32, the row of each within the test split.
        labels: (N,) int32, what colours each.
        names: of the labels, in order. title: what the labels are about: "label", "glasses".
        shown: test images in a frame's `pictures`, side by side.
    """

    index: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    title: str = "label"
    shown: int = 1

    def __post_init__(self) -> None:
        if self.labels.shape != self.index.shape or self.index.ndim != 1:
            raise VAEError(f"{len(self.index)} dots need {len(self.index)} labels: train the model again.")
        if self.labels.min(initial=0) < 0 or self.labels.max(initial=-1) >= len(self.names):
            raise VAEError("The dots of a history have labels without a name: train the model again.")

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, eq=False)
class Frame:
    """One moment of the unfolding map.

    Attributes:
        step: since the start of the run. at: the same in epochs, a fraction.
        xy: (N, 2) float16, the dots.
        spread: (L,) float32, standard deviation of each latent's mu over the dots.
        pictures: PNG or JPEG, test images above their reconstructions at mu.
        samples: PNG or JPEG, what the decoder draws from the same codes in every frame.
    """

    step: int
    at: float
    xy: np.ndarray
    spread: np.ndarray
    pictures: bytes
    samples: bytes

    def __post_init__(self) -> None:
        if self.xy.ndim != 2 or self.xy.shape[1] != 2 or self.spread.ndim != 1:
            raise VAEError(f"A frame of {self.xy.shape} is no map: train the model again.")

    @property
    def tag(self) -> str:
        """A name of its content: another picture, another tag."""
        digest = blake2b(f"{self.step} {self.at:.6f}".encode(), digest_size=8)
        for part in (self.xy.tobytes(), self.spread.tobytes(), self.pictures, self.samples):
            digest.update(part)
        return digest.hexdigest()


# ---- in a run's folder --------------------------------------------------------------------------------------------


def write_dots(folder: Path, dots: Dots, flat: str) -> None:
    """Say once which images the dots of a run are."""
    _put(folder / FRAMES / IMAGES, packed({"index": dots.index, "labels": dots.labels}, facts_of(dots, flat)))


def read_dots(folder: Path) -> tuple[Dots, str]:
    """The dots of a run, and what their plane is (`History.flat`). VAEError: there are none, or they are damaged."""
    try:
        columns, facts = unpacked(folder / FRAMES / IMAGES)
        return as_dots(columns["index"], columns["labels"], facts), str(facts["flat"])
    except DAMAGED as error:
        raise VAEError(f"The training {folder.name} has no map to show yet: wait for its first frame.") from error


def write_frame(folder: Path, frame: Frame) -> dict[str, Any]:
    """Write the files of a frame into a run's folder; the fields of its "frame" event.

    Each file appears whole. They are not flushed to the disk one by one: a save is what must outlive a power cut.

    Raises:
        VAEError: the disk is full or cannot be written.
    """
    name = f"{frame.step:09d}"
    pictures, samples = (f"{what}-{name}{_ending(getattr(frame, what))}" for what in ("pictures", "samples"))
    _put(folder / pictures, frame.pictures)
    _put(folder / samples, frame.samples)
    _put(folder / FRAMES / f"{name}.safetensors", packed({"xy": frame.xy, "spread": frame.spread}, {}))
    files = {"pictures": pictures, "samples": samples, "frame": f"{name}.safetensors"}
    return {"step": frame.step, "at": round(frame.at, 6)} | files | {"tag": frame.tag}


def read_frame(folder: Path, shot: Mapping[str, Any]) -> Frame:
    """The frame that a "frame" event tells of. VAEError: its files are gone or damaged."""
    try:
        columns, _ = unpacked(folder / FRAMES / Path(shot["frame"]).name)
        pictures, samples = ((folder / Path(shot[what]).name).read_bytes() for what in ("pictures", "samples"))
        return Frame(int(shot["step"]), float(shot["at"]), columns["xy"], columns["spread"], pictures, samples)
    except DAMAGED as error:
        raise VAEError(f"A picture of the training {folder.name} cannot be read: it may have been deleted.") from error


def map_before(folder: Path, step: int, count: int) -> np.ndarray | None:
    """xy (N, 2) of the newest frame before a step in a run's folder, if it has `count` dots; None without one."""
    names = sorted((folder / FRAMES).glob("[0-9]*.safetensors"), reverse=True)
    for path in names:
        if path.stem.isdecimal() and int(path.stem) < step:
            try:
                xy = unpacked(path)[0]["xy"]
            except DAMAGED:
                continue
            return xy if xy.shape == (count, 2) else None
    return None


def _ending(picture: bytes) -> str:
    return ".jpg" if picture.startswith(b"\xff\xd8") else ".png"


def _put(path: Path, data: bytes) -> None:
    with plain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.part")
        try:
            aside.write_bytes(data)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)


def shots(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The "frame" events that have dots, in the order of their steps: at most one for each.

    Args:
        events: of a run, those that stand (`vae.train.watch.standing`).
    """
    found = {event["step"]: event for event in events if event["kind"] == "frame" and event.get("frame")}
    return [found[step] for step in sorted(found)]


# ---- arrays and facts as one file ----------------------------------------------------------------------------------


def facts_of(dots: Dots, flat: str) -> dict[str, Any]:
    """What is known of dots besides their numbers, as JSON values; `as_dots` reads it."""
    return {"names": list(dots.names), "title": dots.title, "shown": dots.shown, "flat": flat}


def as_dots(index: np.ndarray, labels: np.ndarray, facts: Mapping[str, Any]) -> Dots:
    """The dots that were written. KeyError, TypeError, ValueError or VAEError: they are damaged."""
    return Dots(index, labels.astype(np.int32), tuple(facts["names"]), str(facts["title"]), int(facts["shown"]))


def packed(columns: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> bytes:
    """A safetensors file of arrays, with JSON values beside them."""
    ordered = {name: np.ascontiguousarray(column) for name, column in columns.items()}
    return save_arrays(ordered, metadata={"facts": json.dumps(facts)})


def unpacked(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `packed` wrote, read-only. One of `DAMAGED`: it is not whole, or holds numbers that are not finite."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError
    data = path.read_bytes()
    columns = load_arrays(data)
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])  # as safetensors writes it: its length, then it
    for name, column in columns.items():
        if column.dtype.kind == "f" and not name.startswith("curves.") and not np.isfinite(column).all():
            raise ValueError
        column.setflags(write=False)
    return columns, json.loads(head["__metadata__"]["facts"])
