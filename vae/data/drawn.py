"""Data sets that the program draws: any image can be drawn alone, and a whole set is drawn once and kept.

Twelve thousand faces take half a minute, so the pixels of a whole split are kept in the cache folder, under a name that
holds a hash of the drawing code: change a brush stroke and the old pictures are drawn again, not shown.
"""

import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from vae.data.download import Progress, cache_folder
from vae.data.images import DataInfo, Images, read_only

BATCH = 200  # images between two reports of progress


@dataclass(frozen=True)
class _Source:
    """Who draws a set (its art lies in the files whose names begin with the module's), and words for people."""

    module: str
    title: str
    sentence: str
    options: dict[str, bool] = field(default_factory=dict)  # for the module's `factors`
    label_names: str = ""  # the module's constant, "" for none


_SOURCES = {
    "faces": _Source(
        module="faces",
        title="Cartoon faces",
        sentence="14,000 drawn faces, 64 by 64 pixels: hats go with glasses, smiles with open eyes.",
    ),
    "faces-fair": _Source(
        module="faces",
        title="Cartoon faces, fair",
        sentence="14,000 drawn faces, 64 by 64 pixels, every feature independent of the others.",
        options={"fair": True},
    ),
    "sprites": _Source(
        module="sprites",
        title="Moving shapes",
        sentence="33,000 squares, ellipses and hearts in all sizes, turns and places, 32 by 32 pixels.",
        label_names="SHAPES",
    ),
}
NAMES = tuple(_SOURCES)
_CREDIT = "Drawn by Muscope (MIT licence)"


def _module(name: str) -> Any:
    return import_module(f"vae.data.{_SOURCES[name].module}")  # Pillow and the art: only when somebody asks for them


def size(name: str, split: str) -> int:
    """How many images a split has."""
    module = _module(name)
    return int(module.TRAIN_SIZE if split == "train" else module.TEST_SIZE)


def draw(name: str, split: str, indices: np.ndarray) -> np.ndarray:
    """The images at `indices`, (n, H, W, C) uint8, drawn now, the same bytes each time."""
    pixels: np.ndarray = _module(name).draw_many(_factors(name, split, indices))
    return pixels


def _factors(name: str, split: str, indices: np.ndarray) -> Any:
    return _module(name).factors(split, indices, **_SOURCES[name].options)


def _label_names(name: str) -> tuple[str, ...]:
    constant = _SOURCES[name].label_names
    return tuple(getattr(_module(name), constant)) if constant else ()


def load(name: str, split: str, limit: int | None = None, progress: Progress | None = None) -> Images:
    """A split, or its first `limit` images; a whole split is drawn once and then read from the cache folder."""
    count = size(name, split)
    wanted = count if limit is None else min(limit, count)
    indices = np.arange(wanted)
    if wanted == count or is_kept(name, split):
        pixels = whole(name, split, progress)[:wanted]
    else:
        pixels = draw(name, split, indices)
    module = _module(name)
    factors = _factors(name, split, indices)
    label_names = _label_names(name)
    return Images(
        name=name,
        split=split,
        pixels=pixels,
        labels=module.labels(factors) if label_names else None,
        label_names=label_names,
        attributes=module.attributes(factors),
        attribute_names=tuple(module.ATTRIBUTE_NAMES),
        credit=_CREDIT,
    )


def describe(name: str) -> DataInfo:
    """What a person wants to know of a drawn set."""
    height, width, channels = draw(name, "test", np.arange(1)).shape[1:]
    return DataInfo(
        name=name,
        title=_SOURCES[name].title,
        sentence=_SOURCES[name].sentence,
        shape=(channels, height, width),
        classes=_label_names(name),
        train_size=size(name, "train"),
        test_size=size(name, "test"),
        credit=_CREDIT,
        built_in=True,
    )


def originals(name: str, split: str, indices: np.ndarray) -> np.ndarray:
    """The images at `indices`: from the kept pixels when there are some, else drawn, and nothing else is."""
    return whole(name, split)[indices] if is_kept(name, split) else draw(name, split, indices)


def is_kept(name: str, split: str) -> bool:
    """True when the whole split lies in the cache folder, drawn by the code as it is now."""
    return _kept_path(name, split).is_file()


def whole(name: str, split: str, progress: Progress | None = None) -> np.ndarray:
    """All pixels of a split, (N, H, W, C) uint8, read-only; drawn and kept the first time.

    Args:
        progress: called with bytes done and bytes in all while drawing.
    """
    path = _kept_path(name, split)
    kept = _open(path, size(name, split)) if path.is_file() else None
    if kept is not None:
        return kept
    pixels = _draw_all(name, split, progress)
    # Keeping them only saves time: on a full or read-only disk the set is drawn again next time.
    with contextlib.suppress(OSError):
        _keep(path, pixels)
    return read_only(pixels)


def _draw_all(name: str, split: str, progress: Progress | None) -> np.ndarray:
    count = size(name, split)
    first = draw(name, split, np.arange(1))
    pixels = np.empty((count, *first.shape[1:]), np.uint8)
    for start in range(0, count, BATCH):
        rows = np.arange(start, min(start + BATCH, count))
        pixels[rows] = draw(name, split, rows)
        if progress is not None:
            progress((int(rows[-1]) + 1) * first.nbytes, pixels.nbytes)
    return pixels


def _kept_path(name: str, split: str) -> Path:
    return cache_folder() / "drawn" / f"{name}-{split}-{_fingerprint(_SOURCES[name].module)}.npy"


@lru_cache(maxsize=8)
def _fingerprint(module: str) -> str:
    """Sixteen hex digits of the drawing code (faces*.py for "faces") and of the Pillow and NumPy that run it."""
    import PIL

    digest = hashlib.sha256(f"Pillow {PIL.__version__} NumPy {np.__version__}".encode())
    for path in sorted(Path(__file__).parent.glob(f"{module}*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _open(path: Path, count: int) -> np.ndarray | None:
    """The kept pixels, mapped, not read; None when the file is not what `_keep` writes."""
    try:
        pixels = np.lib.format.open_memmap(path, mode="r")  # unlike np.load, knows neither pickles nor archives
    except (OSError, ValueError, EOFError):
        return None
    good = pixels.dtype == np.uint8 and pixels.ndim == 4 and len(pixels) == count
    return np.asarray(pixels) if good else None


def _keep(path: Path, pixels: np.ndarray) -> None:
    """Write beside and rename: a reader finds all of it or nothing. Pictures of older code are cleared away."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".drawing-", suffix=".npy")
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, pixels, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    stem = path.stem.rpartition("-")[0]
    for old in path.parent.glob(f"{stem}-{'[0-9a-f]' * 16}.npy"):
        if old != path:
            old.unlink(missing_ok=True)
