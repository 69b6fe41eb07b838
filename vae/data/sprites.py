"""Sprites: one white shape on black, with five known factors and nothing else, after dSprites (Matthey et al., 2017).

The full grid is that of dSprites: 3 shapes x 6 scales x 40 angles x 32 places across x 32 places down = 737,280
pictures. A fixed shuffle of the grid says which of them are train and which are test, so every picture is a function of
(split, index) alone and no picture is in both. The shapes are drawn here, with smooth edges, and are not the dSprites
files; a few pictures of different factors look alike, as they do there (a square turned by a quarter is that square).
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from vae.errors import VAEError

SEED = 0
TRAIN_SIZE = 30_000
TEST_SIZE = 3_000
SPLITS = {"train": (0, TRAIN_SIZE), "test": (TRAIN_SIZE, TEST_SIZE)}  # first place in the shuffle, and how many

SHAPES: tuple[str, ...] = ("square", "ellipse", "heart")
FACTORS: tuple[str, ...] = ("shape", "scale", "angle", "x", "y")
ATTRIBUTE_NAMES = FACTORS
GRID: tuple[int, ...] = (len(SHAPES), 6, 40, 32, 32)  # values of each factor
GRID_SIZE = int(np.prod(GRID))

_CHUNK = 2_048  # pictures drawn at once: some tens of megabytes of distances at most


def factors(split: str, indices: Sequence[int] | np.ndarray | int) -> np.ndarray:
    """int64 (N, 5), places on the grid: column j counts from 0 to GRID[j] - 1, columns as in FACTORS.

    Args:
        split: "train" (30,000 pictures) or "test" (3,000).
        indices: whole numbers from 0, in any order, repeats allowed; or one of them.

    Raises:
        VAEError: no such split, or no such picture in it.
    """
    if split not in SPLITS:
        raise VAEError(f"Sprites have no split called {split!r}: ask for 'train' or 'test'.")
    rows = np.atleast_1d(np.asarray(indices))
    if rows.size == 0:
        return np.empty((0, len(GRID)), dtype=np.int64)
    if rows.ndim != 1 or not np.issubdtype(rows.dtype, np.integer):
        raise VAEError("Sprites are asked for by whole numbers: give one index or a flat list of them.")
    first, count = SPLITS[split]
    outside = rows[(rows < 0) | (rows >= count)]
    if outside.size:
        raise VAEError(f"There is no {split} sprite {outside[0]}: ask for 0 to {count - 1}.")
    return np.stack(np.unravel_index(_shuffle()[first + rows], GRID), axis=1).astype(np.int64)


def attributes(places: np.ndarray) -> np.ndarray:
    """float32 (N, 5), what the places mean: shape 0 to 2, scale 0.5 to 1, angle in radians from 0, x and y 0 to 1."""
    shape, scale, angle, x, y = np.asarray(places, dtype=np.float64).reshape(-1, len(GRID)).T
    columns = (shape, 0.5 + scale / 10, angle * (2 * np.pi / GRID[2]), x / (GRID[3] - 1), y / (GRID[4] - 1))
    return np.stack(columns, axis=1).astype(np.float32)


def labels(places: np.ndarray) -> np.ndarray:
    """int64 (N,): the shape, a place in SHAPES."""
    return np.asarray(places, dtype=np.int64).reshape(-1, len(GRID))[:, 0]


def draw_many(places: np.ndarray, size: int = 32) -> np.ndarray:
    """Draw sprites: uint8 (N, size, size, 1), 0 background and 255 inside, grey along the edge.

    Args:
        places: (N, 5), places on the grid, as `factors` returns them.
        size: pixels a side, 8 to 64. More: smoother edges, the same picture.

    Raises:
        VAEError: a place off the grid, or a size out of range.
    """
    places = np.asarray(places)
    if places.ndim != 2 or places.shape[1] != len(GRID):
        raise VAEError(f"A sprite has five factors ({', '.join(FACTORS)}): give rows of five numbers.")
    if not np.issubdtype(places.dtype, np.integer) or np.any((places < 0) | (places >= np.array(GRID))):
        raise VAEError(f"A sprite is off the grid: its five factors are whole numbers from 0, fewer than {GRID}.")
    if not 8 <= size <= 64:
        raise VAEError(f"Sprites are drawn 8 to 64 pixels a side, not {size}: choose a size in between.")
    pictures = np.empty((len(places), size, size, 1), dtype=np.uint8)
    for shape, distance in enumerate((_square, _ellipse, _heart)):
        rows = np.flatnonzero(places[:, 0] == shape)
        for start in range(0, len(rows), _CHUNK):
            some = rows[start : start + _CHUNK]
            values = attributes(places[some])
            u, v = _shape_axes(values, size)
            scale = values[:, 1, None, None]
            # Distances are in sides of the picture; an edge pixel is as white as the share of it that is inside.
            inside = np.clip(0.5 - distance(u, v) * scale * size, 0, 1)
            pictures[some, :, :, 0] = np.rint(inside * 255)
    return pictures


def draw(place: np.ndarray, size: int = 32) -> np.ndarray:
    """One sprite, uint8 (size, size, 1), of one place on the grid (5,); see `draw_many`."""
    return draw_many(np.asarray(place)[None], size)[0]


def _shape_axes(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel lies in the upright shape of scale one: u, v (N, size, size), in sides of the picture."""
    pixel = (np.arange(size, dtype=np.float32) + 0.5) / size
    scale, angle, x, y = (column[:, None, None] for column in values.T[1:])
    # The middle of the shape stays in the middle half of the picture, so that the largest shape is never cut.
    dx = pixel[None, None, :] - (0.25 + 0.5 * x)  # (N, 1, size)
    dy = pixel[None, :, None] - (0.25 + 0.5 * y)  # (N, size, 1)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    return cos * dx + sin * dy, cos * dy - sin * dx


# Distances to the edge of a shape of scale one, in sides of the picture, negative inside. Each fits a circle of 0.25.


def _square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(u), np.abs(v)) - 0.15


def _ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    a, b = 0.215, 0.125
    # With r = |(u/a, v/b)|, r (r - 1) over half the slope of r^2: exact on the edge, and only edge pixels matter.
    r = np.sqrt((u / a) ** 2 + (v / b) ** 2)
    slope = np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2)
    return r * (r - 1) / np.maximum(slope, 1e-6)


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A square on its corner with a half disc on each upper side."""
    half, root = 0.112, np.float32(np.sqrt(0.5))
    v = v - 0.035  # the middle of the square lies a little below the middle of the heart
    p, q = (u + v) * root, (v - u) * root  # along the sides of the square; both are negative above it
    square = np.maximum(np.abs(p), np.abs(q)) - half
    left = np.sqrt(p**2 + (q + half) ** 2) - half
    right = np.sqrt((p + half) ** 2 + q**2) - half
    return np.minimum(square, np.minimum(left, right))


@lru_cache(maxsize=1)
def _shuffle() -> np.ndarray:
    """int64 (TRAIN_SIZE + TEST_SIZE,): different points of the grid, in a fixed random order."""
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence(SEED)))
    return stream.permutation(GRID_SIZE)[: TRAIN_SIZE + TEST_SIZE]
