"""How alike directions are, and how alike directions are that have nothing to do with each other."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes


def cosines(vectors: Sequence[ArrayLike]) -> Floats:
    """The cosine of each direction with each.

    Args:
        vectors: K directions, (L,) each, of any length but none.

    Returns:
        (K, K) float32 in [-1, 1]: 1 the same, 0 at right angles, -1 opposite; the diagonal is exactly 1.

    Raises:
        VAEError: no directions, of different lengths, not finite, or one that is nothing.
    """
    if len({np.shape(each) for each in vectors}) != 1:
        raise VAEError("Angles are between directions of one model: give at least one, all of the same length.")
    rows = many_codes(np.stack([np.asarray(each) for each in vectors]), "the directions").astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        raise VAEError("A direction of length 0 has no angle to any other: leave it out.")
    rows /= lengths
    found = np.clip(rows @ rows.T, -1, 1).astype(np.float32)
    np.fill_diagonal(found, 1)
    return found


def chance_cosine(size: int, share: float = 0.95) -> float:
    """What the cosine of two random directions stays within, up or down, in so many of cases.

    For directions drawn evenly from the sphere in L dimensions, t = cos * sqrt((L - 1) / (1 - cos^2)) is Student's with
    L - 1 degrees of freedom (Muirhead 1982, theorem 1.5.7).

    Args:
        size: L. More: smaller; in one dimension all directions are the same or opposite, and it is 1.
        share: of cases, between 0 and 1.

    Raises:
        VAEError: no dimensions, or a share that is none.
    """
    if size < 1 or not 0 < share < 1:
        raise VAEError(f"Cannot say what {share:g} of random directions do in {size} dimensions: give 1 or more.")
    if size == 1:
        return 1.0
    from scipy.special import stdtrit

    t = float(stdtrit(size - 1, (1 + share) / 2))
    return t / math.sqrt(size - 1 + t * t)


def degrees(cosine: float) -> float:
    """The angle of a cosine, which rounding may have pushed a little beyond 1."""
    return math.degrees(math.acos(max(min(cosine, 1.0), -1.0)))
