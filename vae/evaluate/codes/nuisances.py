"""What can be measured on any image, whatever it shows: how large, how bright, how long, which way it lies.

A code that is meant to say what an image shows often says these things too, or before all else.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

INK = 0.1  # of full contrast: what differs less from the ground is ground
ROUND = 0.1  # an elongation below it has no direction
BATCH = 1024  # images at a time


@dataclass(frozen=True)
class Nuisance:
    """One thing that is measured.

    Attributes:
        name: for a table. words: what it is.
    """

    name: str
    words: str


IMAGES = (
    Nuisance("size by area", "the share of the picture that is not ground"),
    Nuisance("size by extent", "how far what is shown reaches from its middle"),
    Nuisance("brightness", "the mean of all pixels"),
    Nuisance("elongation", "0 round, 1 a line"),
    Nuisance("orientation", "which way the long side points, where there is one"),
)
ROWS = (
    Nuisance("level", "the mean of the row's numbers"),
    Nuisance("spread", "their standard deviation"),
)


def nuisances(pixels: np.ndarray, progress: Callable[[int, int], None] | None = None) -> dict[str, np.ndarray]:
    """Measure images or rows.

    What an image shows is what differs from its ground, the median along its edge; size, elongation and orientation are
    moments of that difference (Hu 1962). An angle is given as (cos 2a, sin 2a), so that a line that is turned half
    around is the same line.

    Args:
        pixels: (N, H, W, C) uint8, or (N, D) float32 in [0, 1]. progress: called with (images done, N).

    Returns:
        By name, (N, 1) float64, orientation (N, 2). NaN where an image has none: it is empty, or round.
    """
    if pixels.ndim == 2:
        return {"level": pixels.mean(axis=1, keepdims=True), "spread": pixels.std(axis=1, keepdims=True)}
    parts: list[np.ndarray] = []
    for start in range(0, len(pixels), BATCH):
        parts.append(_measure(pixels[start : start + BATCH].astype(np.float64) / 255))
        if progress:
            progress(min(start + BATCH, len(pixels)), len(pixels))
    found = np.concatenate(parts) if parts else np.empty((0, 6))
    ends = (0, 1, 2, 3, 4, 6)
    return {one.name: found[:, ends[at] : ends[at + 1]] for at, one in enumerate(IMAGES)}


def _measure(x: np.ndarray) -> np.ndarray:
    """(N, 6) of x (N, H, W, C) in [0, 1]."""
    count, height, width, channels = x.shape
    top, bottom, left, right = x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]
    ground = np.median(np.concatenate([top, bottom, left, right], axis=1), axis=1)  # (N, C)
    off = np.abs(x - ground[:, None, None]).mean(axis=3)  # (N, H, W)
    off = np.where(off > INK, off, 0.0)
    mass = off.sum(axis=(1, 2))
    there = mass > 0
    weight = off / np.where(there, mass, 1.0)[:, None, None]
    across, down = (np.arange(width) + 0.5) / max(height, width), (np.arange(height) + 0.5) / max(height, width)
    columns, lines = weight.sum(axis=1), weight.sum(axis=2)  # (N, W), (N, H)
    cx, cy = columns @ across, lines @ down
    xx, yy = columns @ across**2 - cx**2, lines @ down**2 - cy**2
    xy = np.einsum("nhw,h,w->n", weight, down, across) - cx * cy
    half, differ = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    wide, narrow = half + differ, np.maximum(half - differ, 0.0)
    long = 1 - np.sqrt(narrow / np.where(wide > 0, wide, 1.0))
    turned = np.arctan2(2 * xy, xx - yy)  # twice the angle
    known, directed = np.where(there, 0.0, np.nan), np.where(there & (long > ROUND), 0.0, np.nan)
    return np.stack(
        [
            (off > 0).mean(axis=(1, 2)),
            np.sqrt(np.maximum(xx + yy, 0.0)) + known,
            x.mean(axis=(1, 2, 3)),
            long + known,
            np.cos(turned) + directed,
            np.sin(turned) + directed,
        ],
        axis=1,
    )
