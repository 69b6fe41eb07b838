"""Sums of codes and directions: A - B + C with any number of terms, each with a weight."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes, one_code


def weighted_sum(vectors: ArrayLike, weights: Sequence[float], base: ArrayLike | None = None) -> Floats:
    """base + the sum of weight * vector: a - b + c (Mikolov 2013, Radford 2016) with any number of terms.

    Args:
        vectors: (T, L), codes or whole steps of directions, of one model.
        weights: T numbers.
        base: (L,), where the sum starts; the origin where None.

    Returns:
        (L,) float32. It is added up in float64.

    Raises:
        VAEError: shapes that do not agree, or a vector, a weight or the result that is not finite.
    """
    vectors = many_codes(vectors, "the terms")
    if len(weights) != len(vectors):
        raise VAEError(f"There are {len(weights)} weights for {len(vectors)} terms: give each term one.")
    start = np.zeros(vectors.shape[1]) if base is None else one_code(base, "where the sum starts").astype(np.float64)
    if len(start) != vectors.shape[1]:
        raise VAEError(f"The sum starts at {len(start)} numbers and adds {vectors.shape[1]}: take one model's.")
    return one_code(start + np.asarray(weights, np.float64) @ vectors.astype(np.float64), "the sum")


def balanced(weights: Sequence[float], limit: float) -> tuple[float, ...] | None:
    """The same weights, scaled so that they sum to 1: then the sum lies where pictures lie, not farther out.

    Args:
        weights: of the pictures among the terms.
        limit: how far from zero a weight may be.

    Returns:
        None where no scale does it: they sum to nothing, to less than nothing, or one would pass the limit.
    """
    total = float(np.sum(weights))
    if total <= 1e-6:
        return None
    scaled = tuple(float(weight) / total for weight in weights)
    return scaled if max(map(abs, scaled)) <= limit else None
