"""What a step does to attributes, read off codes by a straight line: quick, and blind to what the decoder bends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes

FAINT = 0.1  # R^2 below which a line through the codes says too little of an attribute


@dataclass(frozen=True, eq=False)
class Reading:
    """Lines through the codes, one for each attribute.

    Attributes:
        slopes: (A, L) float32, standard deviations of the attribute for each unit of the code; 0 where all images are
            the same in it.
        reliability: (A,) R^2 of the lines, corrected for their number of slopes (Wherry 1931).
    """

    slopes: Floats
    reliability: Floats

    def of(self, step: ArrayLike) -> Floats:
        """(A,): what a step (L,) does to each attribute, in its standard deviations over the images."""
        step = np.asarray(step, np.float64)
        if step.shape != self.slopes.shape[1:]:
            raise VAEError(f"The step has {step.size} numbers, the codes {self.slopes.shape[1]}: use one model.")
        return (self.slopes @ step).astype(np.float32)


def reading_of(mu: ArrayLike, values: ArrayLike) -> Reading:
    """Least squares of attributes on codes.

    Args:
        mu: (N, L), the codes of the images. values: (N, A), their attributes.

    Raises:
        VAEError: not (N, L) and (N, A), or not finite.
    """
    mu, values = many_codes(mu), np.asarray(values, np.float64)
    if values.ndim != 2 or len(values) != len(mu) or not np.isfinite(values).all():
        raise VAEError(f"The attributes are {values.shape} for {len(mu)} codes: give one finite row for each image.")
    centred = mu - mu.mean(axis=0, dtype=np.float64)
    spread = values.std(axis=0)
    target = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scale = np.where((own := centred.std(axis=0)) > 0, own, 1.0)
    found = np.linalg.lstsq(centred / scale, target, rcond=1e-8)[0]  # (L, A)
    rest = ((target - centred / scale @ found) ** 2).mean(axis=0)
    free = max(len(mu) - mu.shape[1] - 1, 1)
    told = np.where(spread > 0, 1 - rest * (len(mu) - 1) / free, 0.0)
    return Reading((found / scale[:, None]).T.astype(np.float32), told.astype(np.float32))
