"""`sized:CxHxW:NAME`: the images of another data set, each brought to one shape, so that any model can look at them.

A model that came from elsewhere reads images of its own size, and none of that size may be at hand. Nothing is kept on
the disk: whatever is asked for is resized as it is read. Rows, labels and names stay those of the other set.
"""

import re
from dataclasses import replace

import numpy as np

from vae.data.images import MAX_BYTES, MAX_SIDE, MIN_SIDE, DataInfo, Images
from vae.data.intake.fit import coloured, resized
from vae.data.paint import Paint, on_screen
from vae.errors import VAEError

KIND = "sized"
_NAME = re.compile(rf"{KIND}:([1-9]\d?)x([1-9]\d{{0,2}})x([1-9]\d{{0,2}}):([a-z-]+|brought:[0-9a-f]+)", re.ASCII)


def name_of(source: str, shape: tuple[int, ...]) -> str:
    """What the images of `source` are called once each is of `shape`, (C, H, W)."""
    return f"{KIND}:{'x'.join(map(str, shape))}:{source}"


def parts(name: str) -> tuple[str, tuple[int, ...]] | None:
    """The set that is resized and the shape (C, H, W) of its images then; None of a name that says neither."""
    found = _NAME.fullmatch(name) if isinstance(name, str) else None  # who asks for no name is told so elsewhere
    if found is None:
        return None
    shape = tuple(int(number) for number in found.groups()[:3])
    within = all(MIN_SIDE <= side <= MAX_SIDE for side in shape[1:])
    return (found[4], shape) if within else None


def can_become(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether images of one shape can be brought to another: to another size, and between grey and colours.

    Args:
        shape, wanted: (C, H, W); rows of numbers, (D,), stay as they are.
    """
    if len(shape) != 3 or len(wanted) != 3 or not all(MIN_SIDE <= side <= MAX_SIDE for side in wanted[1:]):
        return False
    return wanted[0] in (1, 3, shape[0])


def fitted(pixels: np.ndarray, shape: tuple[int, ...], paint: Paint | None) -> np.ndarray:
    """(N, H, W, C) uint8 to (N, h, w, c) uint8: cropped from the middle to the new proportions, then resampled.

    Args:
        shape: (c, h, w). paint: in which colours the channels that there are are shown; used where c is another number.

    Raises:
        VAEError: more than a data set may hold.
    """
    channels, side = shape[0], (shape[1], shape[2])
    if len(pixels) * channels * side[0] * side[1] > MAX_BYTES:
        raise VAEError(
            f"{len(pixels):,} images of {side[1]} by {side[0]} pixels are more than {MAX_BYTES >> 30} GB: take fewer."
        )
    out = np.empty((len(pixels), *side, channels), np.uint8)
    for row, one in enumerate(pixels):
        if channels != one.shape[2]:
            one = on_screen(one, paint)
            one = coloured(one, "grey", ()) if channels == 1 else one
        one = resized(one, side, "crop")
        out[row] = one  # grey becomes a colour by being there three times
    return out


def images(source: Images, name: str, shape: tuple[int, ...], paint: Paint | None) -> Images:
    """A split, or some rows of it, under its new name."""
    return replace(source, name=name, pixels=fitted(source.pixels, shape, paint))


def described(source: DataInfo, name: str, shape: tuple[int, ...]) -> DataInfo:
    """What a person is told of it."""
    size = f"{shape[2]} by {shape[1]}"
    looks = "" if shape[0] == source.shape[0] else {1: ", in grey", 3: ", in colour"}.get(shape[0], "")
    return replace(
        source,
        name=name,
        title=f"{source.title}, resized to {size}{looks}",
        sentence=f"{source.sentence} Here each is resized to {size} pixels{looks}.",
        shape=shape,
    )
