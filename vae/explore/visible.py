"""What a decoder shows of a step in a code: its slope, and the metric that pictures give to codes."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.errors import VAEError
from vae.explore.codes import Floats, one_code

STEP = 0.01  # standard deviations of the prior: float32 leaves four digits of the difference, curvature none of them
BATCH = 16  # codes decoded at once, so that whoever else waits for the decoder has a turn in between

Decode = Callable[[Floats], NDArray[np.floating]]
Doubles = NDArray[np.float64]


def jacobian(decode: Decode, z: ArrayLike) -> Doubles:
    """How the picture of a code changes with each of its numbers, by central differences.

    Not by differentiating: a decoder may be anything that draws, and 2 L pictures cost what L slopes would.

    Args:
        decode: codes (B, L) float32 to pictures (B, ...), intensity from 0 to 1. It is called with few at a time.
        z: (L,).

    Returns:
        (D, L), D numbers of a picture: change of each for a step of 1.

    Raises:
        VAEError: z is no code, or the decoder is so steep there that a number is not finite.
    """
    code = one_code(z)
    codes = code + np.concatenate([np.eye(len(code)), -np.eye(len(code))]).astype(np.float32) * np.float32(STEP)
    batches = [decode(codes[start : start + BATCH]) for start in range(0, len(codes), BATCH)]
    up, down = np.split(np.concatenate(batches).reshape(len(codes), -1).astype(np.float64), 2)  # (L, D) each
    apart = (np.diag(codes[: len(code)]) - np.diag(codes[len(code) :])).astype(np.float64)  # as float32 rounded it
    slope: Doubles = ((up - down) / apart[:, None]).T
    if not np.isfinite(slope).all():
        raise VAEError("The decoder is so steep at this code that its slope is not finite: start from another image.")
    return slope


def pulled_back(decode: Decode, codes: ArrayLike) -> Doubles:
    """The pull-back metric J^T J of a decoder (Arvanitidis et al. 2018, eq. 3, its mean only), averaged over codes.

    Args:
        decode: as for `jacobian`.
        codes: (B, L), at least one.

    Returns:
        (L, L). A small step s changes the picture by sqrt(s^T M s), the root of its summed squares.

    Raises:
        VAEError: as `jacobian`.
    """
    slopes = [jacobian(decode, code) for code in np.atleast_2d(np.asarray(codes, np.float32))]
    return np.asarray(np.mean([slope.T @ slope for slope in slopes], axis=0))
