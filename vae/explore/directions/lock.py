"""Lock: keep some attributes as they are while a direction moves another.

Measured on the faces that ship by `python -m benchmarks.directions entangled`. `locked` takes out of the codes what the
locked attributes do to them and looks for the direction in what is left: the hat that glasses drag along is gone, and
their effect stays. `lock` makes a direction orthogonal to others, plainly or in the metric of the data's covariance: it
needs no attributes of single images, only directions, and takes more of the effect with it.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from vae.conditional import freed
from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes
from vae.explore.directions.found import ESTIMATORS, Direction
from vae.explore.directions.groups import Groups

LEFT = 0.05  # of the direction's length must be left, in the metric: less is what the locked ones already are


def locked(
    mu: ArrayLike,
    groups: Groups,
    values: ArrayLike,
    names: Sequence[str],
    fixed: Sequence[str],
    estimator: str = "difference",
) -> Direction:
    """The direction between two groups with some attributes kept fixed, from codes without what those do.

    Args:
        mu: (N, L), the codes of the images. groups: over the same N images.
        values: (N, A), attributes of the images, all that are known: those that are not locked keep their part.
        names: A. fixed: those of them to keep; none gives the direction as it is.
        estimator: of ESTIMATORS.

    Raises:
        VAEError: an attribute that is not known, codes or attributes of other images, or attributes that are what the
            groups differ in.
    """
    whole = ESTIMATORS[estimator](mu, groups)
    if not fixed:
        return whole
    found = ESTIMATORS[estimator](without(mu, groups, values, names, fixed), groups)
    if found.gap < LEFT * whole.gap:
        raise VAEError(_refusal(groups.names[0], fixed))
    return replace(found, estimator=f"{estimator}, locked")


def without(mu: ArrayLike, groups: Groups, values: ArrayLike, names: Sequence[str], fixed: Sequence[str]) -> Floats:
    """The codes (N, L) without what the fixed attributes do to them: any estimator and any evidence may take them.

    Arguments and errors as those of `locked`.
    """
    mu, values = many_codes(mu), np.asarray(values, np.float64)
    if values.shape != (len(mu), len(names)) or len(groups.positive) != len(mu) or not np.isfinite(values).all():
        raise VAEError(f"The attributes are {values.shape} for {len(mu)} codes: give one finite row for each image.")
    if strange := [name for name in fixed if name not in names]:
        raise VAEError(f"“{strange[0]}” is not known of these images: lock {_listed(names)}.")
    sides = groups.positive.astype(np.int8) - groups.negative.astype(np.int8)
    try:
        return freed(mu, sides, values, np.isin(names, list(fixed))).astype(np.float32)
    except VAEError as error:
        raise VAEError(_refusal(groups.names[0], fixed)) from error


def lock(direction: Direction, others: Sequence[Direction], covariance: ArrayLike | None = None) -> Direction:
    """The part of a direction that is orthogonal to others.

    Args:
        direction: to be kept as far as may be. others: to be kept from moving; none leaves it as it is.
        covariance: (L, L), of the data's codes: orthogonal in its inverse (Mahalanobis 1936), so that the locked
            attributes do not grow where the codes are whitened. None: plainly orthogonal.

    Returns:
        A direction whose gap is what is left of the whole step along it.

    Raises:
        VAEError: directions of another length, a covariance that is not one, directions that are what the others are.
    """
    size = len(direction.vector)
    for other in others:
        _same_length(other, size)
    if not others:
        return direction
    metric = np.eye(size) if covariance is None else _inverse(covariance, size)
    # Unit vectors in the metric, so that long ones do not drown short ones; lstsq copes with others that are alike.
    root = np.linalg.cholesky(metric)  # |root' v| is the length of v in the metric
    known = np.stack([other.vector.astype(np.float64) @ root for other in others], axis=1)  # (L, K)
    known /= np.linalg.norm(known, axis=0)
    step = direction.step.astype(np.float64)
    within = known @ np.linalg.lstsq(known, root.T @ step, rcond=1e-6)[0]
    rest = step - np.linalg.solve(root.T, within)
    how = "orthogonal" if covariance is None else "orthogonal in the data's covariance"
    if rest @ metric @ rest < LEFT**2 * (step @ metric @ step):
        raise VAEError(_refusal(direction.names[0], [other.names[0] for other in others]))
    gap = float(np.linalg.norm(rest))
    estimator = f"{direction.estimator}, {how}"
    return replace(direction, vector=(rest / gap).astype(np.float32), gap=gap, estimator=estimator)


def _inverse(covariance: ArrayLike, size: int) -> np.ndarray:
    found = np.asarray(covariance, np.float64)
    if found.shape != (size, size) or not np.isfinite(found).all() or not np.allclose(found, found.T):
        raise VAEError(f"The covariance is {found.shape}: give a symmetric one of the {size} numbers of a code.")
    scales, vectors = np.linalg.eigh(found)
    if scales[-1] <= 0:
        raise VAEError("The codes do not vary, so they have no covariance: choose images that differ.")
    # A number of the code that never moves would weigh without bound: it is taken to move a little.
    return np.asarray((vectors / np.maximum(scales, 1e-4 * scales[-1])) @ vectors.T)


def _same_length(direction: Direction, size: int) -> None:
    if (mine := len(direction.vector)) != size:
        raise VAEError(f"The direction has {mine} numbers, the codes {size}: use one model.")


def _refusal(name: str, fixed: Sequence[str]) -> str:
    return (
        f"With {_listed(fixed)} locked nothing of the direction “{name}” is left: they are the same, or always go "
        "together. Lock fewer attributes."
    )


def _listed(names: Sequence[str]) -> str:
    quoted = [f"“{name}”" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}" if quoted else "none"


def covariance_of(mu: ArrayLike) -> Floats:
    """(L, L) float32, the covariance of the codes (N, L): what `lock` measures angles in."""
    mu = many_codes(mu)
    return np.cov(mu, rowvar=False, dtype=np.float64).reshape(mu.shape[1], mu.shape[1]).astype(np.float32)
