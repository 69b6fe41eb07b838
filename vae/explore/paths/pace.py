"""How long a path is in pictures, how even its steps are, and the same path at an even pace."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes
from vae.explore.render import Pixels


@dataclass(frozen=True)
class Pace:
    """What is said of the pictures of a path.

    Attributes:
        length: how much a pixel changes along the way, on average and added up, in the whole range from black to white.
        fade: the same of the cross-fade of its keyframes' pictures: nothing is shorter.
        evenness: the largest step between two frames, by the mean step. 1: all alike.
    """

    length: float
    fade: float
    evenness: float

    @property
    def sentence(self) -> str:
        """The same in plain words."""
        if self.length == 0:
            return "All pictures on this way are alike."
        detour = "" if self.fade == 0 else f", {self.length / self.fade:.1f} times that of a cross-fade"
        return (
            f"Along the way a pixel changes by {100 * self.length:.0f} % of the range from black to white on "
            f"average{detour}. The largest step is {self.evenness:.1f} times the mean step."
        )


def measure_pace(pixels: Pixels, keyframes: ArrayLike) -> Pace:
    """Measure the pictures of a path.

    Args:
        pixels: (F, H, W, C) uint8, in order.
        keyframes: (K,), which of them are keyframes; the first and the last must be.

    Raises:
        VAEError: fewer than 2 pictures, or no such keyframes.
    """
    steps, stops = changes(pixels), np.asarray(keyframes, np.int64)
    if stops[0] != 0 or stops[-1] != len(pixels) - 1 or (np.diff(stops) < 0).any():
        raise VAEError(f"The keyframes of a path of {len(pixels)} pictures begin at 0 and end with its last.")
    length = float(steps.sum())
    evenness = float(steps.max() / steps.mean()) if length else 1.0
    return Pace(length, float(changes(pixels[stops]).sum()), evenness)


def changes(pixels: Pixels) -> np.ndarray:
    """From each picture to the next, the mean difference of a pixel: (F - 1,) float64, in the range from 0 to 1.

    VAEError: fewer than 2 pictures.
    """
    if pixels.ndim != 4 or len(pixels) < 2:
        raise VAEError(f"A path has at least two pictures, and here are {pixels.shape}.")
    levels = pixels.reshape(len(pixels), -1).astype(np.int16)
    return np.array([np.abs(b - a).mean() for a, b in zip(levels[:-1], levels[1:], strict=True)]) / 255


def even_pace(codes: ArrayLike, pixels: Pixels) -> tuple[Floats, np.ndarray]:
    """The same path with as many frames, spaced so that the picture changes by the same amount with each.

    Args:
        codes: (F, L). pixels: (F, H, W, C) uint8, their pictures.

    Returns:
        (F, L) float32, the ends exact; and where on the old path each of them lies, (F,) float64 from 0 to F - 1. Where
        all pictures are alike, the path as it is.

    Raises:
        VAEError: as many codes as pictures are needed, at least 2.
    """
    path = many_codes(codes)
    steps = changes(pixels)
    if len(path) != len(pixels):
        raise VAEError(f"{len(path)} codes do not go with {len(pixels)} pictures.")
    frames = np.arange(len(path), dtype=np.float64)
    if not steps.any():
        return path, frames
    along = np.concatenate([[0], steps.cumsum()])
    # A tiny slope where nothing changes: there every place of the old path is as good, and np.interp wants an order.
    along += 1e-9 * along[-1] * frames / frames[-1]
    at = np.interp(np.linspace(0, along[-1], len(path)), along, frames)
    at[0], at[-1] = 0, frames[-1]
    below = np.minimum(at.astype(np.int64), len(path) - 2)
    share = (at - below)[:, None]
    spaced = ((1 - share) * path[below].astype(np.float64) + share * path[below + 1]).astype(np.float32)
    spaced[0], spaced[-1] = path[0], path[-1]
    return spaced, at


def cross_fade(pixels: Pixels, at: ArrayLike) -> Pixels:
    """What one gets without a model: each picture paling into the next.

    Args:
        pixels: (K, H, W, C) uint8, the keyframes' pictures. at: (F,), from 0, the first, to K - 1, the last.

    Returns:
        (F, H, W, C) uint8.

    Raises:
        VAEError: no pictures, or a place beyond them.
    """
    at = np.asarray(at, np.float64)
    if pixels.ndim != 4 or not len(pixels) or at.size and not (at.min() >= 0 and at.max() <= len(pixels) - 1):
        raise VAEError(f"There are {len(pixels)} pictures to fade between: ask for places from 0 to the last.")
    below = np.minimum(at.astype(np.int64), max(0, len(pixels) - 2))
    above = np.minimum(below + 1, len(pixels) - 1)
    share = (at - below)[:, None, None, None]
    return np.floor((1 - share) * pixels[below] + share * pixels[above] + 0.5).astype(np.uint8)
