"""Codes moved along directions, and sums of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vae.explore.codes import Floats, one_code
from vae.explore.directions.found import Direction
from vae.explore.directions.steps import apply
from vae.explore.directions.unlabelled import Axis
from vae.explore.sums import weighted_sum


def as_direction(vector: ArrayLike, gap: float) -> Direction:
    """A direction that is known by its numbers alone: one that was kept, or found by looking at pictures.

    Args:
        vector: (L,), a unit vector.
        gap: the length of the whole step along it.
    """
    return Direction(one_code(vector, "the direction"), gap, (0, 0), ("", ""), "kept")


def move(z: ArrayLike, along: Direction | Axis | ArrayLike, strength: float) -> Floats:
    """A code (L,) moved along a direction by `strength` whole steps; of an axis spreads, of a vector (L,) lengths."""
    if isinstance(along, Direction):
        return apply(z, along, strength)
    return add([(strength, along)], z)


def add(terms: Sequence[tuple[float, Direction | Axis | ArrayLike]], base: ArrayLike | None = None) -> Floats:
    """The sum of (weight, code or direction), each (L,), starting at `base` (L,) or at the origin."""
    return weighted_sum([_step(vector) for _, vector in terms], [weight for weight, _ in terms], base)


def _step(vector: Direction | Axis | ArrayLike) -> np.ndarray:
    if isinstance(vector, Direction):
        return np.asarray(vector.gap * vector.vector.astype(np.float64))  # rounded once, where it is added
    return np.asarray(vector.step if isinstance(vector, Axis) else vector)
