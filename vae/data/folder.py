"""`folder:PATH`: a person's own images, one sub-folder for each label.

Everything is checked before anything is trained: one kind of size, formats from a short list, limits read from the
header before a picture is unpacked. Which images are for testing follows from each file's name alone, so the same
folder gives the same split on every machine.
"""

import hashlib
import os
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vae.data.images import MAX_BYTES, MAX_SIDE, MIN_SIDE, Images, read_only, split_by_hash
from vae.errors import VAEError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # what Pillow may open here, whatever a file is called
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"})
FOREIGN = frozenset({".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".ppm", ".pgm", ".tga", ".psd", ".svg"})
MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})  # eight bits a channel
MAX_IMAGES = 1_000_000
MAX_FILE = 32 << 20  # bytes; 128 x 128 pixels need far fewer


@dataclass(frozen=True)
class _Entry:
    """One image file: its label's row, its name below the folder ("cats/tom.png"), and when it last changed."""

    label: int
    name: str
    size: int
    changed: int


@dataclass(frozen=True, eq=False)
class _Contents:
    """A folder once read: rows in the order of `load`, train and test together."""

    pixels: np.ndarray  # (N, H, W, C) uint8
    labels: np.ndarray  # (N,) int64
    test: np.ndarray  # (N,) bool


def load(path: str, split: str) -> Images:
    """The images of one split, about five in six for training; grey (C = 1) if all are grey, else RGB (C = 3).

    Rows stand in an order that mixes the labels and depends on the file names alone. Transparent parts become white,
    and of an animation the first picture counts.

    Args:
        path: a folder with one sub-folder for each label, images of one size in them, 8 to 128 pixels a side.
        split: "train" or "test".

    Raises:
        VAEError: the folder or an image is missing, unreadable, empty, of another size or format.
    """
    root = Path(path).expanduser()
    names, entries = _listing(root)
    contents = _read(root, tuple(entries))
    rows = np.flatnonzero(contents.test if split == "test" else ~contents.test)
    return Images(
        name=f"folder:{path}",
        split=split,
        pixels=contents.pixels[rows],
        labels=contents.labels[rows],
        label_names=names,
        credit=f"Images from the folder {root.name!r} on this machine",
    )


def _listing(root: Path) -> tuple[tuple[str, ...], list[_Entry]]:
    """The label names, sorted, and every image file below them."""
    if not root.name or not root.exists():
        raise VAEError(f"There is no folder {root.name or str(root)!r}: check the path after 'folder:'.")
    if not root.is_dir():
        raise VAEError(f"{root.name!r} is a file, not a folder: give a folder with one sub-folder for each label.")
    try:
        with os.scandir(root) as inside:
            listed = list(inside)
        folders = sorted(entry.name for entry in listed if entry.is_dir() and entry.name[0] not in "._")
        entries: list[_Entry] = []
        labels: list[str] = []
        for folder in folders:
            found = _files(root, folder, len(labels))
            if found:
                labels.append(folder)
                entries += found
        loose = not entries and any(Path(entry.name).suffix.lower() in SUFFIXES for entry in listed)
    except OSError as error:
        raise VAEError(
            f"The folder {root.name!r} cannot be read ({error.strerror}): allow Muscope to read it, or copy it."
        ) from None
    if loose:
        raise VAEError(
            f"The images of {root.name!r} lie side by side: put them into a sub-folder for each label (one is enough)."
        )
    if not entries:
        raise VAEError(
            f"The folder {root.name!r} holds no images: put PNG, JPEG, WebP, GIF or BMP files into "
            "one sub-folder for each label."
        )
    if len(entries) < 2:
        raise VAEError(f"The folder {root.name!r} holds one image: at least two are needed, to train and to test.")
    if len(entries) > MAX_IMAGES:
        raise VAEError(f"The folder {root.name!r} holds {len(entries):,} images: give at most {MAX_IMAGES:,}.")
    return tuple(labels), entries


def _files(root: Path, folder: str, label: int) -> list[_Entry]:
    """The image files right inside one sub-folder."""
    found = []
    with os.scandir(root / folder) as inside:
        listed = list(inside)
    for entry in listed:
        suffix = Path(entry.name).suffix.lower()
        if entry.name.startswith(".") or not entry.is_file():
            continue
        if suffix in FOREIGN:
            raise VAEError(
                f"{folder}/{entry.name} is of a kind that is not read here: save it as PNG, JPEG, WebP, GIF or BMP."
            )
        if suffix in SUFFIXES:
            stat = entry.stat()
            found.append(_Entry(label, f"{folder}/{entry.name}", stat.st_size, stat.st_mtime_ns))
    return sorted(found, key=lambda one: one.name)


def _digest(name: str) -> bytes:
    # The same name is spelt in two ways by Linux and macOS where it has accents.
    return hashlib.sha256(unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")).digest()


@lru_cache(maxsize=2)  # the entries carry sizes and times: a changed folder is read again
def _read(root: Path, entries: tuple[_Entry, ...]) -> _Contents:
    keyed = sorted(((_digest(entry.name), entry) for entry in entries), key=lambda pair: pair[0])
    ordered = [entry for _, entry in keyed]
    first = _pixels(root, ordered[0])
    if len(ordered) * first.nbytes > MAX_BYTES:
        raise VAEError(
            f"The folder {root.name!r} unpacks to {len(ordered) * first.nbytes / 1e9:.1f} GB: "
            f"give fewer or smaller images, at most {MAX_BYTES / 1e9:.1f} GB."
        )
    pixels = np.empty((len(ordered), *first.shape), np.uint8)
    for row, entry in enumerate(ordered):
        picture = first if row == 0 else _pixels(root, entry)
        if picture.shape != first.shape:
            raise VAEError(
                f"The images differ in size: {ordered[0].name} is {_size(first)} and {entry.name} is {_size(picture)} "
                "pixels; make them all the same size."
            )
        pixels[row] = picture
    if (pixels[..., :1] == pixels[..., 1:]).all():
        pixels = np.ascontiguousarray(pixels[..., :1])
    return _Contents(
        pixels=read_only(pixels),
        labels=read_only(np.array([entry.label for entry in ordered], np.int64)),
        test=read_only(split_by_hash([key for key, _ in keyed])),
    )


def _pixels(root: Path, entry: _Entry) -> np.ndarray:
    """(H, W, 3) uint8 of one file."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if entry.size > MAX_FILE:
        raise VAEError(f"{entry.name} is a file of {entry.size / 1e6:.0f} MB: give smaller images.")
    try:
        with (root / entry.name).open("rb") as file, Image.open(file, formats=FORMATS) as image:
            _check_header(image, entry.name)
            image.load()
            return np.asarray(_on_white(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError:
        why = _unknown(root / entry.name)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        why = "it is far too large"
    except OSError as error:
        why = error.strerror or "it is damaged or cut short"
    except (ValueError, SyntaxError, EOFError, IndexError, TypeError, OverflowError, MemoryError):
        why = "it is damaged"  # Pillow's readers raise all of these on broken files
    raise VAEError(f"The image {entry.name} cannot be read ({why}): replace it or take it out of the folder.")


def _unknown(path: Path) -> str:
    return "the file is empty" if path.stat().st_size == 0 else "it is no PNG, JPEG, WebP, GIF or BMP"


def _check_header(image: Any, name: str) -> None:
    """Refuse by size and depth before a single pixel is unpacked."""
    width, height = image.size
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        raise VAEError(
            f"{name} is {width} x {height} pixels, and sides must be {MIN_SIDE} to {MAX_SIDE}: "
            "resize all images, for instance to 64 x 64."
        )
    if image.mode not in MODES:
        raise VAEError(f"{name} has more than 8 bits for each colour ({image.mode}): save it with 8 bits.")


def _on_white(image: Any) -> Any:
    """RGB; what shines through is white, since the colour under a transparent pixel is anything at all."""
    from PIL import Image

    if "transparency" not in image.info and image.mode not in ("LA", "PA", "RGBA"):
        return image.convert("RGB")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"
