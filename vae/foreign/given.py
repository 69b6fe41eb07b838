"""What a person brings of a model: files by the names they came with, a folder, a zip, or a name on the Hub.

Nothing is unpacked to look at it. A file is known by the last part of its name, if that is one a model has; no name
that came along is ever used as a path.
"""

import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from vae.checkpoint import ADAPTER, CARD, CONFIG, ENCODINGS, MAX_JSON_BYTES, WEIGHTS
from vae.errors import VAEError
from vae.weights import MAX_BYTES, may_be_program, refuse_pickle

NAMES = "names.json"  # of an upload: what each of its files was called
SPATIAL_WEIGHTS, DENSE_CONFIG = "diffusion_pytorch_model.safetensors", "model_config.json"
# All that is read of a model, and how large it may be.
WANTED = {
    CONFIG: MAX_JSON_BYTES,
    CARD: MAX_JSON_BYTES,
    ADAPTER: MAX_JSON_BYTES,
    DENSE_CONFIG: MAX_JSON_BYTES,
    WEIGHTS: MAX_BYTES,
    SPATIAL_WEIGHTS: MAX_BYTES,
    ENCODINGS: MAX_BYTES,
}
MOST_FILES = 10_000  # in one zip or folder
MOST_DIRECTORY = 4_000_000  # bytes of a zip's list of its files
LISTED = 50  # files left out that are named
_FETCHED = [*WANTED, f"vae/{CONFIG}", f"vae/{SPATIAL_WEIGHTS}"]  # of the Hub, and nothing else
HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


@dataclass(frozen=True)
class Given:
    """The files of one model.

    Attributes:
        title: what the folder or zip was called.
        files: name to where it lies: a path, or a member of a zip.
        left_out: (name, why) of what is not read, at most LISTED.
    """

    title: str
    files: dict[str, Path | tuple[Path, str]]
    left_out: tuple[tuple[str, str], ...]

    def __contains__(self, name: str) -> bool:
        return name in self.files

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """One of its files, to read. VAEError: it cannot be read."""
        place = self.files[name]
        try:
            if isinstance(place, Path):
                with place.open("rb") as file:
                    yield file
            else:
                with zipfile.ZipFile(place[0]) as whole, whole.open(place[1]) as member:
                    yield member  # type: ignore[misc]
        except (OSError, zipfile.BadZipFile, RuntimeError, EOFError, NotImplementedError, zlib.error) as error:
            raise VAEError(f"{name} could not be read: it is damaged. Copy the model again.") from error

    def json(self, name: str) -> object:
        """What one of its small files says. VAEError: no JSON, or too large to be what it is called."""
        with self.open(name) as file:
            data = file.read(MAX_JSON_BYTES + 1)
        if len(data) > MAX_JSON_BYTES:
            raise VAEError(f"{name} is too large to be one: it was not read.")
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise VAEError(f"{name} is not JSON: copy the model again.") from error

    def copy(self, name: str, folder: Path) -> None:
        """Put one of its files into a folder, under its own name. VAEError: it is damaged, or larger than it may be."""
        with self.open(name) as file, (folder / name).open("xb") as out:
            left = WANTED[name]
            while block := file.read(1 << 20):
                left -= len(block)
                if left < 0:
                    raise VAEError(f"{name} is larger than a model's may be: bring a smaller model.")
                out.write(block)


def given(place: Path) -> Given:
    """The model in an upload, a folder or a zip.

    Raises:
        Unopened: all there is may hold a program.
        VAEError: nothing there is a model's, or it cannot be read.
    """
    try:
        files, title = _listed(place)
    except OSError as error:
        raise VAEError(f"{place.name} could not be read ({error.strerror}): check the path.") from error
    if len(files) == 1 and (only := next(iter(files.items())))[0].lower().endswith(".zip"):
        files, title = _members(only[1]), PurePosixPath(only[0]).stem
    return _chosen(files, title)


def on_machine(name: str, cache: Path | None = None) -> Path | None:
    """The folder of a model from the Hub that was fetched before; None where it was not. Asks nobody.

    Args:
        name: "owner/model". cache: where copies lie (the Hub's own place).

    Raises:
        VAEError: that is no name, or the extra is not installed.
    """
    if not HUB.fullmatch(name):
        raise VAEError(f"{name[:80]!r} is no name on the Hub: it looks like owner/model.")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise VAEError('Models from the Hub need an extra: pip install "huggingface-hub>=0.28".') from error
    try:
        here = Path(snapshot_download(name, allow_patterns=_FETCHED, cache_dir=cache, local_files_only=True))
    except (OSError, ValueError):  # its own kinds of "not found" are both
        return None
    return here if any((here / each).exists() for each in _FETCHED if each.endswith(".safetensors")) else None


def from_hub(name: str, cache: Path | None = None) -> Path:
    """The folder of a model on the Hugging Face Hub, from this machine's copy where there is one, else fetched.

    Raises:
        VAEError: no such model here or there, no network, too large, or the extra is not installed.
    """
    here = on_machine(name, cache)
    if here is not None:
        return here
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        said = HfApi().model_info(name, files_metadata=True, timeout=20)
        there = {each.rfilename: each.size or 0 for each in said.siblings or [] if each.rfilename in _FETCHED}
        if sum(there.values()) > MAX_BYTES:
            raise VAEError(f"{name} is larger than {MAX_BYTES // 10**9} GB: Muscope opens smaller models.")
        if not any(each.endswith(".safetensors") for each in there):
            raise VAEError(f"{name} has no weights as safetensors that Muscope knows: convert it, or write an adapter.")
        return Path(snapshot_download(name, allow_patterns=_FETCHED, cache_dir=cache, max_workers=2))
    except HfHubHTTPError as error:
        raise VAEError(f"The Hub has no model {name}, or does not show it to this server: check its name.") from error
    except (OSError, ValueError) as error:
        raise VAEError(f"{name} is not on this machine and the Hub cannot be reached: try again later.") from error


# ---- what lies there -----------------------------------------------------------------------------------------------

_Place = Path | tuple[Path, str]


def _listed(place: Path) -> tuple[dict[str, _Place], str]:
    """Every file of it by the name it came with, and what it is called."""
    if place.is_file():
        return {place.name: place}, place.stem
    if not place.is_dir():
        raise VAEError(f"There is nothing called {place.name[:80]}: check the path.")
    if (place / NAMES).is_file():
        return _uploaded(place)
    found: dict[str, _Place] = {}
    for folder in (place, place / "vae"):  # a pipeline of diffusers has its autoencoder in a folder of its own
        if folder.is_dir():
            found |= {str(each.relative_to(place)): each for each in sorted(folder.iterdir()) if each.is_file()}
    return found, place.name


def _uploaded(place: Path) -> tuple[dict[str, _Place], str]:
    try:
        said = json.loads((place / NAMES).read_bytes()[: 10 * MAX_JSON_BYTES])
    except (ValueError, RecursionError) as error:
        raise VAEError("The upload is not whole: bring the files again.") from error
    names = said.get("files", said) if isinstance(said, dict) else {}
    found: dict[str, _Place] = {}
    for stored, name in names.items():
        if isinstance(name, str) and re.fullmatch(r"[0-9]{1,6}\.bin", stored) and (place / stored).is_file():
            found[name] = place / stored
    tops = {name.partition("/")[0] for name in found if "/" in name} - {"", "."}
    return found, next(iter(tops)) if len(tops) == 1 else "A model"


def _members(place: _Place) -> dict[str, _Place]:
    assert isinstance(place, Path)
    _check_directory(place)
    try:
        with zipfile.ZipFile(place) as whole:
            members = whole.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise VAEError(f"{place.name} is damaged or no zip: make it again.") from error
    found: dict[str, _Place] = {}
    for each in members:
        plain = each.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not each.flag_bits & 1
        link = (each.external_attr >> 28) == 0xA
        if not each.is_dir() and plain and not link:
            found[each.filename] = (place, each.filename)
    return found


def _check_directory(place: Path) -> None:
    """Before Python reads a zip's whole list of files into memory: how long that is, from its last bytes."""
    with place.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_557))
        end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) < at + 22:
        raise VAEError("This zip is damaged: make it again.")
    if end[max(0, at - 20) : at].startswith(b"PK\x06\x07"):  # which would count, and not what follows
        raise VAEError("This zip is of the kind for very many files: bring one with the model's files alone.")
    count, length = int.from_bytes(end[at + 10 : at + 12], "little"), int.from_bytes(end[at + 12 : at + 16], "little")
    if count > MOST_FILES or length > MOST_DIRECTORY:
        raise VAEError(f"This zip holds more than {MOST_FILES:,} files: bring one with the model's files alone.")


def _chosen(files: dict[str, _Place], title: str) -> Given:
    """Of everything that lies there, the files of one model: those of the folder that has weights."""
    if len(files) > MOST_FILES:
        raise VAEError(f"More than {MOST_FILES:,} files: bring the model's own.")
    folders: dict[str, dict[str, _Place]] = {}
    for name, place in files.items():
        path = PurePosixPath(name.replace("\\", "/"))
        if path.name in WANTED:
            folders.setdefault(str(path.parent), {})[path.name] = place

    def worth(folder: str) -> tuple[bool, bool, int]:
        names = folders[folder]
        weights = WEIGHTS in names or SPATIAL_WEIGHTS in names
        return weights, PurePosixPath(folder).name == "vae", -len(PurePosixPath(folder).parts)

    best = max(folders, key=worth, default="")
    chosen = folders.get(best, {})
    if WEIGHTS not in chosen and SPATIAL_WEIGHTS not in chosen:
        programs = [name for name, place in files.items() if may_be_program(name, _start(place))]
        if programs:
            saved = SPATIAL_WEIGHTS if "diffusion_pytorch" in programs[0] else WEIGHTS
            raise refuse_pickle(programs[0], saved)
        raise VAEError(
            f"There is no model here: it needs weights as {WEIGHTS} (or {SPATIAL_WEIGHTS}) beside its config."
        )
    kept = set(map(str, chosen.values()))
    left = [
        (
            name[-80:],
            "may hold a program: it was not opened" if may_be_program(name, b"") else "no file that Muscope reads",
        )
        for name, place in files.items()
        if str(place) not in kept
    ]
    return Given(title[:80], chosen, tuple(left[:LISTED]))


def _start(place: _Place) -> bytes:
    if isinstance(place, Path):
        with place.open("rb") as file:
            return file.read(16)
    return b""  # in a zip its name must do
