"""A code is checked once, at the door, and then trusted."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.errors import VAEError

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


def one_code(z: ArrayLike, what: str = "the code") -> Floats:
    """z as (L,) float32. VAEError: another shape, no numbers in it, or one that is not finite."""
    return _finite(z, what, ndim=1)


def many_codes(mu: ArrayLike, what: str = "the codes") -> Floats:
    """mu as (N, L) float32. VAEError: another shape, no rows, or a value that is not finite."""
    return _finite(mu, what, ndim=2)


def _finite(values: ArrayLike, what: str, ndim: int) -> Floats:
    try:
        with np.errstate(over="ignore"):  # a number too large for float32 becomes infinite, and is refused below
            array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise VAEError(f"Expected numbers for {what}, got something else: {error}.") from error
    if array.ndim != ndim:
        wanted = {1: "a list of numbers", 2: "a table with one row for each image"}[ndim]
        raise VAEError(f"Expected {what} as {wanted}, got the shape {array.shape}.")
    if array.size == 0:
        raise VAEError(f"There is nothing in {what}, the shape is {array.shape}: give at least one number.")
    if not np.isfinite(array).all():
        raise VAEError(f"A number in {what} is not finite (NaN, infinity or too large): encode the image again.")
    return array
