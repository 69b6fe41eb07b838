"""A drawing made ready for a model of MNIST: centred and scaled as its digits were."""

import numpy as np

from vae.errors import VAEError
from vae.explore.render import Pixels

# Of the pad's side. Half of MNIST's strokes are 1.9 to 2.7 pixels wide, the middle 2.3 (ink by the length of its
# thinned line), in digits of 20 pixels; a drawing takes about 0.65 of the pad. Between 0.05 and 0.1 it hardly matters.
PEN_WIDTH = 20 / 280
_BOX = 20 / 28  # of the side: the square a digit is fitted into
_PAPER = 0.05  # of the darkest ink: what is fainter does not count for the size


def centred(ink: Pixels, side: int = 28) -> Pixels:
    """Centre and scale a drawing as MNIST's digits were (LeCun 1998): its box fitted into 20 x 20 pixels keeping its
    shape, antialiased, and its centre of mass put in the middle of 28 x 28.

    MNIST's own digits, enlarged and moved about on a pad, come back as they were (94 of 100 to the byte).

    Args:
        ink: (H, W) uint8, 0 paper to 255 ink.
        side: pixels of the result's side, at least 4; the box is 20/28 of it.

    Returns:
        (side, side) uint8.

    Raises:
        VAEError: not such an array, nothing drawn, or so little that nothing is left when it is made small.
    """
    ink = np.asarray(ink)
    if ink.ndim != 2 or ink.dtype != np.uint8 or not ink.size:
        raise VAEError(f"A drawing is a flat grid of bytes, got {ink.dtype} of the shape {ink.shape}.")
    if side < 4:
        raise VAEError(f"A picture of {side} pixels has no room for a drawing: ask for at least 4.")
    if not ink.any():
        raise VAEError("Nothing is drawn yet: draw on the pad first.")
    drawn = ink > _PAPER * ink.max()
    (top, bottom), (left, right) = _ends(drawn.any(axis=1)), _ends(drawn.any(axis=0))
    height, width = bottom - top, right - left
    scale = round(side * _BOX) / max(height, width)
    down, across = _shares(height, max(1, round(height * scale))), _shares(width, max(1, round(width * scale)))
    digit = (down @ ink[top:bottom, left:right] @ across.T).round().astype(np.uint8)
    mass = int(digit.sum())
    if not mass:
        raise VAEError("The drawing is too faint to be seen when it is made small: use a thicker pen.")
    rows, columns = np.indices(digit.shape)
    middle = side / 2  # as a pixel: measured on MNIST, the mass of every digit lies within half a pixel of (14, 14)
    picture = np.zeros((side, side), np.uint8)
    y = _within(middle - (rows * digit).sum() / mass, side - digit.shape[0])
    x = _within(middle - (columns * digit).sum() / mass, side - digit.shape[1])
    picture[y : y + digit.shape[0], x : x + digit.shape[1]] = digit
    return picture


def _ends(line: np.ndarray) -> tuple[int, int]:
    """The first place that is drawn on, and the one behind the last."""
    places = np.flatnonzero(line)
    return int(places[0]), int(places[-1]) + 1


def _shares(before: int, after: int) -> np.ndarray:
    """(after, before): how much of each new pixel lies on each old one, so that it is the mean of the ink there."""
    edges = np.linspace(0, before, after + 1)[:, None]
    old = np.arange(before)
    on = np.minimum(edges[1:], old + 1) - np.maximum(edges[:-1], old)
    return on.clip(0) * (after / before)


def _within(place: float, last: int) -> int:
    """The nearest whole number from 0 to last: no ink may fall off the edge."""
    return min(max(round(float(place)), 0), last)
