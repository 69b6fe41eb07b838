"""What of the difference between two groups of images is their own, and what only comes along with other attributes.

Between images with glasses and without lies a step of the mean code. If most glasses come with a hat, part of that step
is the hat's. A linear regression of the codes on all attributes at once says how far each attribute alone moves the
code; the difference of the groups in an attribute times that is what it brought along (Blinder 1973, Oaxaca 1973).
"""

import numpy as np
from numpy.typing import NDArray

from vae.errors import VAEError

Doubles = NDArray[np.float64]

LEAST = 5  # images on each side: fewer say more about themselves
SAME = 0.98  # share of the groups' difference that attributes explain, from which on they are what it is


def sides_of(values: np.ndarray) -> NDArray[np.int8]:
    """Which images stand on which side of an attribute.

    Args:
        values: (N,). Of zeros and ones: the ones against the zeros. Else the upper third against the lower third.

    Returns:
        (N,): 1 on the upper side, -1 on the lower, 0 between.

    Raises:
        VAEError: fewer than 5 images on a side, or an attribute that hardly varies.
    """
    values = np.asarray(values, np.float64)
    lower, upper = (0.0, 1.0) if np.isin(values, (0, 1)).all() else np.quantile(values, (1 / 3, 2 / 3))
    if lower == upper:
        raise VAEError("The attribute is the same for most images: it has no upper and lower third.")
    sides = (values >= upper).astype(np.int8) - (values <= lower).astype(np.int8)
    for side, word in ((1, "upper"), (-1, "lower")):
        if (count := int((sides == side).sum())) < LEAST:
            raise VAEError(f"The attribute has {count} images on its {word} side: a direction needs at least {LEAST}.")
    return sides


def step_between(mu: np.ndarray, sides: np.ndarray) -> Doubles:
    """(L,): the mean code (N, L) of one side less that of the other, sides (N,) being 1, -1 or 0."""
    step: Doubles = mu[sides == 1].mean(axis=0, dtype=np.float64) - mu[sides == -1].mean(axis=0, dtype=np.float64)
    return step


def slopes(mu: np.ndarray, values: np.ndarray) -> Doubles:
    """How far each attribute alone moves the code, the others as they are: least squares of all at once.

    Args:
        mu: (N, L), the codes of the images. values: (N, A), their attributes, not all the same.

    Returns:
        (A, L), code for each unit of the attribute. Of attributes that say the same each has its part.
    """
    centred = values - values.mean(axis=0, dtype=np.float64)
    scale = np.where((spread := centred.std(axis=0)) > 0, spread, 1.0)  # so that small units are not rounding
    found = np.linalg.lstsq(centred / scale, mu - mu.mean(axis=0, dtype=np.float64), rcond=1e-8)[0]
    return np.asarray(found / scale[:, None])


def freed(mu: np.ndarray, sides: np.ndarray, values: np.ndarray, locked: np.ndarray) -> Doubles:
    """The codes without what the locked attributes do to them, so that what is found in them holds those fixed.

    Args:
        mu: (N, L). sides: (N,), 1, -1 or 0. values: (N, A), all attributes that are known: those that are not locked
            keep their part, and keep it out of the locked ones'.
        locked: (A,) bool.

    Returns:
        (N, L). The step between the sides is shorter by what the locked attributes brought along.

    Raises:
        VAEError: the locked attributes are what the sides differ in, so that nothing would be left.
    """
    chosen = sides != 0
    if explained(sides[chosen], values[chosen][:, locked]) > SAME:
        raise VAEError(
            "The two groups differ in just what is to be locked, so nothing of the direction would be left: "
            "lock fewer attributes, or gather groups in which they mix."
        )
    # The sides take part, so that what is the groups' own and no attribute is not laid upon the locked ones.
    alone = slopes(mu, np.column_stack([values, sides == 1, sides == -1]))[: values.shape[1]]  # (A, L)
    off = values - values.mean(axis=0, dtype=np.float64)
    return np.asarray(mu - off[:, locked] @ alone[locked])


def explained(sides: np.ndarray, values: np.ndarray) -> float:
    """Share of the variance of sides (n,) that a line through attributes (n, K) explains."""
    target = sides - sides.mean(dtype=np.float64)
    found = slopes(target[:, None], values)  # (K, 1)
    rest = target - (values - values.mean(axis=0, dtype=np.float64)) @ found[:, 0]
    return float(1 - np.square(rest).sum() / np.square(target).sum())
