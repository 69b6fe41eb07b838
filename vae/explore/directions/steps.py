"""Steps along directions, and sums of codes."""

import math

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes, one_code
from vae.explore.directions.found import Direction


def apply(z: ArrayLike, direction: Direction, strength: float) -> Floats:
    """Step from z along a direction.

    Args:
        z: (L,) or (B, L).
        direction: where to.
        strength: 1 is the whole step between the groups' means; 0 stays exactly where z is; negative goes back.

    Returns:
        The shape of z, float32.

    Raises:
        VAEError: z is of another length than the direction, or z, strength or the result is not finite.
    """
    codes = many_codes(np.atleast_2d(np.asarray(z, dtype=np.float32)), "the code")
    if codes.shape[1] != len(direction.vector):
        raise VAEError(f"The code has {codes.shape[1]} numbers, the direction {len(direction.vector)}: use one model.")
    if not math.isfinite(strength):
        raise VAEError(f"The strength is {strength}: choose a number, 1 is the whole step.")
    moved = codes + strength * direction.gap * direction.vector.astype(np.float64)
    return many_codes(moved, "the code after the step").reshape(np.shape(z))


def analogy(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Floats:
    """a - b + c: what a has and b has not, given to c (Mikolov 2013, Radford 2016).

    Args:
        a, b, c: (L,), codes of one model.

    Returns:
        (L,) float32.

    Raises:
        VAEError: the codes differ in length, or are not finite.
    """
    a, b, c = one_code(a, "A"), one_code(b, "B"), one_code(c, "C")
    if not len(a) == len(b) == len(c):
        raise VAEError(f"A, B and C have {len(a)}, {len(b)} and {len(c)} numbers: take all three from one model.")
    return one_code(a.astype(np.float64) - b + c, "A - B + C")
