"""Where images come from: drawn or carried by the program, downloaded, or brought by a person, behind one `load`.

faces, faces-fair, sprites     drawn (drawn.py)
digits                         carried by scikit-learn (digits.py)
mnist, fashion-mnist, kmnist   downloaded (idx.py, download.py), or found in the folder named by MUSCOPE_DATA
folder:PATH                    one sub-folder of images for each label (folder.py)
table:PATH                     rows of numbers, .csv or .npy (table.py)
brought:ID                     made from a person's files of any kind, and kept here (intake, brought)
sized:CxHxW:NAME               one of NAMES or brought:ID, each image brought to that shape (sized.py)
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vae.data import brought, digits, drawn, folder, idx, sized, table
from vae.data.download import Progress, cache_folder
from vae.data.images import SPLITS, DataInfo, Images, public_name
from vae.data.paint import Paint
from vae.errors import VAEError

__all__ = [
    "NAMES",
    "DataInfo",
    "Images",
    "Progress",
    "cache_folder",
    "describe",
    "download_size",
    "fetch",
    "file_names",
    "load",
    "on_machine",
    "originals",
    "paint_of",
    "public_name",
    "source_of",
]

# In the order they are shown to people.
NAMES: tuple[str, ...] = ("faces", "mnist", "fashion-mnist", "kmnist", "sprites", "digits", "faces-fair")

_BROUGHT: dict[str, Callable[[str, str], Images]] = {
    "folder": folder.load,
    "table": table.load,
    brought.KIND: brought.load,
}


def load(
    name: str, split: str, *, limit: int | None = None, download: bool = True, progress: Progress | None = None
) -> Images:
    """One split of a data set.

    Args:
        name: one of NAMES, "folder:PATH", "table:PATH", "brought:ID" or "sized:CxHxW:NAME".
        split: "train" or "test".
        limit: the first so many rows, always the same ones; None for all.
        download: fetch what is not on this machine; False refuses instead.
        progress: called with bytes done and bytes in all while fetching or drawing.

    Returns:
        Images with read-only arrays. (`torch.from_numpy` warns of those: `torch.tensor` copies.)

    Raises:
        VAEError: no such data, a damaged or foreign file, a download that failed.
    """
    _check(name, split)
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise VAEError(f"limit is {limit!r}: give a whole number of images, at least 1, or none for all.")
    if other := sized.parts(name):
        source = load(other[0], split, limit=limit, download=download, progress=progress)
        return sized.images(source, name, other[1], paint_of(other[0]))
    if name in drawn.NAMES:
        return drawn.load(name, split, limit, progress)
    if name in idx.SETS and download and not on_machine(name):
        idx.fetch(name, progress)
    images = _load(name, split)
    return images if limit is None or limit >= len(images) else images.take(slice(limit))


def on_machine(name: str) -> bool:
    """True when `load` needs no network. Cheap: looks for files, does not open them."""
    name = source_of(name)
    _check(name)
    if name in idx.SETS:
        return idx.folder_of(name) is not None
    kind, _, path = name.partition(":")
    if kind == brought.KIND:
        return brought.on_machine(path)
    return kind not in _BROUGHT or Path(path).expanduser().exists()


def originals(name: str, split: str, indices: Sequence[int] | np.ndarray) -> np.ndarray | None:
    """The images at rows `indices` of a split as they were before any model saw them.

    Returns:
        (n, H, W, C) uint8, or (n, D) float32 for tables; None when the data are not on this machine or can no longer
        be read. Never downloads; drawn images are drawn one by one.

    Raises:
        VAEError: no such data set, or no such row in it.
    """
    _check(name, split)
    rows = np.asarray(indices, dtype=np.int64).reshape(-1)
    if other := sized.parts(name):
        found = originals(other[0], split, rows)
        return None if found is None else sized.fitted(found, other[1], paint_of(other[0]))
    if name in drawn.NAMES:
        _check_rows(name, rows, drawn.size(name, split))
        return drawn.originals(name, split, rows)
    if not on_machine(name):
        return None
    try:
        images = _load(name, split)
    except VAEError:
        return None  # the picture then says "reconstruction", and fetching or loading says what is wrong
    _check_rows(name, rows, len(images))
    return images.pixels[rows]


def file_names(name: str, split: str) -> tuple[str, ...] | None:
    """A person's own names of the images of a split, of a set that was brought; None of any other set.

    Raises:
        VAEError: it is gone or damaged.
    """
    kind, _, path = source_of(name).partition(":")
    return brought.file_names(path, split) if kind == brought.KIND else None


def paint_of(name: str) -> Paint | None:
    """In which colours the channels of a data set are shown; None where they are grey, or red, green and blue.

    Raises:
        VAEError: a set that was brought and is gone.
    """
    if other := sized.parts(name):
        paint = paint_of(other[0])
        return paint if paint is not None and len(paint.colours) == other[1][0] else None
    kind, _, path = name.partition(":")
    if kind != brought.KIND:
        return None
    found = brought.get(path)
    return Paint.of(found.channels, found.shape[0]) if len(found.shape) == 3 else None


def fetch(name: str, progress: Progress | None = None) -> None:
    """Make `load` quick and free of the network: download a set, or draw it once and keep it.

    Args:
        progress: called with bytes done and bytes in all, over all files of the set.

    Raises:
        VAEError: no network, a wrong checksum, a full disk, no such set.
    """
    name = source_of(name)
    _check(name)
    if name in drawn.NAMES:
        for split in SPLITS:
            drawn.whole(name, split, progress)
    elif name in idx.SETS:
        idx.fetch(name, progress)


def download_size(name: str) -> int:
    """Bytes that `fetch` would have to download; 0 of what is on this machine. Cheap."""
    name = source_of(name)
    return 0 if on_machine(name) else sum(file.size for file in idx.SETS[name].files) if name in idx.SETS else 0


def describe(name: str) -> DataInfo:
    """What a person wants to know before choosing: title, one sentence, sizes, classes, credit.

    Raises:
        VAEError: no such data set; a folder or table that cannot be read.
    """
    _check(name)
    if other := sized.parts(name):
        return sized.described(describe(other[0]), name, other[1])
    if name in drawn.NAMES:
        return drawn.describe(name)
    if name in idx.SETS:
        return idx.SETS[name].info
    if name == "digits":
        return digits.INFO
    kind, _, path = name.partition(":")
    if kind == brought.KIND:
        return brought.describe(path)
    train, test = _load(name, "train"), _load(name, "test")
    count = len(train) + len(test)
    what = f"{count:,} images of your own" if kind == "folder" else f"{count:,} rows of your own"
    size = f"{train.shape[2]} by {train.shape[1]} pixels" if kind == "folder" else f"{train.shape[0]:,} numbers each"
    return DataInfo(
        name=name,
        title=Path(path).name,
        sentence=f"{what}, {size}.",
        shape=train.shape,
        classes=train.label_names,
        train_size=len(train),
        test_size=len(test),
        credit=train.credit,
        built_in=False,
    )


def source_of(name: str) -> str:
    """The set whose images they are: of a resized one the other, and else the same. Who may see them goes by it."""
    other = sized.parts(name)
    return name if other is None else other[0]


def _load(name: str, split: str) -> Images:
    """A split of whatever is not drawn and is on this machine."""
    kind, _, path = name.partition(":")
    if kind in _BROUGHT:
        return _BROUGHT[kind](path, split)
    return digits.load(split) if name == "digits" else idx.load(name, split)


def _check(name: str, split: str = "train") -> None:
    kind, _, path = name.partition(":") if isinstance(name, str) else ("", "", "")
    if other := sized.parts(name):
        _check_sized(*other)
    elif name not in NAMES and not (kind in _BROUGHT and path):
        raise VAEError(f"There is no data set {name!r}: choose {', '.join(NAMES)}, folder:PATH or table:PATH.")
    if split not in SPLITS:
        raise VAEError(f"There is no split {split!r}: ask for 'train' or 'test'.")


def _check_sized(source: str, shape: tuple[int, ...]) -> None:
    _check(source)
    if not sized.can_become(own := describe(source).shape, shape):
        words = f"{public_name(source)} of shape {own}"
        raise VAEError(f"{words} cannot be brought to {shape}: keep the channels, or ask for 1 or 3.")


def _check_rows(name: str, rows: np.ndarray, count: int) -> None:
    if len(rows) and (rows.min() < 0 or rows.max() >= count):
        raise VAEError(
            f"{public_name(name)} has no row {rows.max() if rows.max() >= count else rows.min()}: "
            f"rows run from 0 to {count - 1}."
        )
