"""What every data set looks like once it is loaded: rows of pixels, and what is known about each row."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

import numpy as np

from vae.errors import VAEError

SPLITS = ("train", "test")
MIN_SIDE, MAX_SIDE = 8, 128  # pixels; the networks take nothing else
MAX_BYTES = 2 << 30  # of pixels in one data set: it is held in memory as a whole
TEST_IN = 6  # one row in so many is set apart for testing, where the data come without a split of their own
_OF_ROWS = (
    ("an image", "a row"), ("An image", "A row"), ("image", "row"), ("Image", "Row"), ("images", "rows"),
    ("Images", "Rows"), ("pixel", "number"), ("pixels", "numbers"),
)  # fmt: skip
_FROM_ZERO = np.empty(0, np.int64)  # stands for 0, 1, 2, ...


@dataclass(frozen=True, eq=False)
class Images:
    """One split of a data set, or some rows of it. All arrays are read-only: many visitors share them.

    Attributes:
        name: what it was asked by: "mnist", "folder:/path/to/cats", "table:/path/to/rows.csv",
            "brought:0123456789abcdef".
        split: "train" or "test".
        pixels: (N, H, W, C) uint8; flat vectors: (N, D) float32 in [0, 1].
        labels: (N,) int64, rows of `label_names`, or None.
        label_names: () when there are no labels.
        attributes: (N, A) float32, 0 or 1 for those that are yes or no, or None.
        attribute_names: () when there are no attributes.
        credit: one line: who made the data, and under which licence.
        index: (N,) int64, the row of each image within its split; counted from 0 when not given.
    """

    name: str
    split: str
    pixels: np.ndarray
    labels: np.ndarray | None = None
    label_names: tuple[str, ...] = ()
    attributes: np.ndarray | None = None
    attribute_names: tuple[str, ...] = ()
    credit: str = ""
    index: np.ndarray = field(default_factory=lambda: _FROM_ZERO)

    def __post_init__(self) -> None:
        if self.index is _FROM_ZERO:
            object.__setattr__(self, "index", np.arange(len(self.pixels)))
        if self.split not in SPLITS:
            raise VAEError(f"There is no split {self.split!r}: ask for 'train' or 'test'.")
        wanted = {4: np.uint8, 2: np.float32}.get(self.pixels.ndim)
        if self.pixels.dtype != wanted or 0 in self.pixels.shape[1:]:
            raise VAEError(
                f"Pixels are {self.pixels.dtype} {self.pixels.shape}: give uint8 (N, H, W, C) or float32 (N, D)."
            )
        count = len(self.pixels)
        for what, array, dtype, shape in (
            ("labels", self.labels, np.int64, (count,)),
            ("attributes", self.attributes, np.float32, (count, len(self.attribute_names))),
            ("index", self.index, np.int64, (count,)),
        ):
            if array is not None and (array.dtype != dtype or array.shape != shape):
                wish = f"{np.dtype(dtype)} {shape}"
                raise VAEError(f"The {what} of {count} images are {array.dtype} {array.shape}: give {wish}.")
        if (self.labels is None) != (not self.label_names) or (self.attributes is None) != (not self.attribute_names):
            raise VAEError("Labels and attributes come with their names, and names with them: give both or neither.")
        if self.labels is not None and count:
            low, high = int(self.labels.min()), int(self.labels.max())
            if low < 0 or high >= len(self.label_names):
                raise VAEError(f"Labels run from {low} to {high}, and there are {len(self.label_names)} label names.")
        for what in ("pixels", "labels", "attributes", "index"):
            if (array := getattr(self, what)) is not None:
                object.__setattr__(self, what, read_only(array))

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of one image, or (D,) of one vector: what `Config.shape` wants."""
        return shape_of(self.pixels)

    def take(self, rows: Any) -> "Images":
        """The rows asked for, by position, mask or slice, in that order. They keep their ids."""
        return replace(
            self,
            pixels=self.pixels[rows],
            labels=None if self.labels is None else self.labels[rows],
            attributes=None if self.attributes is None else self.attributes[rows],
            index=self.index[rows],
        )

    def batches(self, size: int) -> Iterator[np.ndarray]:
        """The pixels in order, `size` rows at a time (the last may be shorter)."""
        for start in range(0, len(self), size):
            yield self.pixels[start : start + size]

    def ids(self) -> tuple[str, ...]:
        """A stable id for each row, like "mnist/test/17". Never a path."""
        stem = f"{public_name(self.name)}/{self.split}"
        return tuple(f"{stem}/{row}" for row in self.index.tolist())


@dataclass(frozen=True)
class DataInfo:
    """What a person wants to know before choosing a data set.

    Attributes:
        name: what `load` takes. title: a few words. sentence: one plain sentence.
        shape: (C, H, W) of one image, or (D,).
        classes: label names, () when there are none.
        train_size, test_size: images in each split.
        credit: one line: who made it, and under which licence.
        built_in: True when it needs no download and no file of one's own.
    """

    name: str
    title: str
    sentence: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    train_size: int
    test_size: int
    credit: str
    built_in: bool


def worded(words: str, shape: tuple[int, ...]) -> str:
    """A sentence about images of this shape; about vectors the same of rows and their numbers.

    "12 images, 0.1 per pixel" of vectors (D,) is "12 rows, 0.1 per number".
    """
    if len(shape) != 1:
        return words
    for image, row in _OF_ROWS:
        words = re.sub(rf"\b{image}\b", row, words)
    return words


def public_name(name: str) -> str:
    """The name without the path in it: "folder:/home/ada/cats" is "folder:cats", "mnist" stays "mnist".

    What was brought ("brought:ID") is called by its title, what was resized ("sized:...") by what it was made of.
    """
    kind, colon, path = name.partition(":")
    if kind == "sized" and colon:
        return public_name(path.partition(":")[2])
    if kind == "brought" and colon:
        from vae.data import brought  # which itself makes `Images`

        return brought.title_of(path)
    return f"{kind}:{PurePath(path).name or 'data'}" if colon else name


def shape_of(pixels: np.ndarray) -> tuple[int, ...]:
    """(C, H, W) of (N, H, W, C) pixels, (D,) of (N, D) vectors."""
    if pixels.ndim == 2:
        return (pixels.shape[1],)
    _, height, width, channels = pixels.shape
    return (channels, height, width)


def read_only(array: np.ndarray) -> np.ndarray:
    """The same numbers, no copy, that nobody can change by accident."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.setflags(write=False)
    return view


def split_by_hash(keys: list[bytes]) -> np.ndarray:
    """Which rows are for testing: about one in six, decided by each key alone, at least one row on each side.

    Args:
        keys: one digest per row (at least two rows), all different, at least 8 bytes each. A row keeps its side when
            others come or go.

    Returns:
        (N,) bool, True for test.
    """
    numbers = np.array([int.from_bytes(key[:8], "big") for key in keys], dtype=np.uint64)
    test = numbers % TEST_IN == 0
    if not test.any():
        test[numbers.argmin()] = True
    if test.all():
        test[numbers.argmax()] = False
    return test
