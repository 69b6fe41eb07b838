"""Lock: keep some attributes as they are while a direction moves another.

Measured on the faces that ship by `python -m benchmarks.directions entangled`. `locked` takes out of the codes what the
locked attributes do to them and looks for the direction in what is left: the hat that glasses drag along is gone, and
their effect stays. `lock` makes a direction orthogonal to others, plainly or in the metric of the data's covariance: it
needs no attributes of single images, only directions, and takes more of the effect with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vae.conditional import freed
from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes
from vae.explore.directions.found import ESTIMATORS, Direction
from vae.explore.directions.groups import Groups

Estimator = Callable[[Any, Groups], Direction]

LEFT = 0.05  # of the direction's length must be left, in the metric: less is what the locked ones already are


def locked(
    mu: ArrayLike,
    groups: Groups,
    values: ArrayLike,
    names: Sequence[str],
    fixed: Sequence[str],
    estimator: str | Estimator = "difference",
) -> Direction:
    """The direction between two groups with some attributes kept fixed, from codes without what those do.

    Args:
        mu: (N, L), the codes of the images. groups: over the same N images.
        values: (N, A), attributes of the images, all that are known: those that are not locked keep their part.
        names: A. fixed: those of them to keep; none gives the direction as it is.
        estimator: of ESTIMATORS, or any function from codes and groups to a direction.

    Raises:
        VAEError: an attribute that is not known, codes or attributes of other images, or attributes that are what the
            groups differ in.
    """
    make = ESTIMATORS[estimator] if isinstance(estimator, str) else estimator
    whole = make(mu, groups)
    if not fixed:
        return whole
    found = make(without(mu, groups, values, names, fixed), groups)
    refuse_if_gone(found, whole, fixed)
    return replace(found, estimator=f"{found.estimator}, locked")


def refuse_if_gone(found: Direction, whole: Direction, fixed: Sequence[str]) -> None:
    """VAEError: of the whole direction hardly anything is left in what was found with others kept fixed."""
    if found.gap < LEFT * whole.gap:
        raise VAEError(_refusal(whole.names[0], fixed))


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
    step = direction.step.astype(np.float64)
    rest = _across([other.vector for other in others], metric) @ step
    how = "orthogonal" if covariance is None else "orthogonal in the data's covariance"
    if rest @ metric @ rest < LEFT**2 * (step @ metric @ step):
        raise VAEError(_refusal(direction.names[0], [other.names[0] for other in others]))
    gap = float(np.linalg.norm(rest))
    estimator = f"{direction.estimator}, {how}"
    return replace(direction, vector=(rest / gap).astype(np.float32), gap=gap, estimator=estimator)


def across(mu: ArrayLike, vectors: Sequence[ArrayLike], covariance: ArrayLike) -> Floats:
    """The codes (N, L) without their part along some directions, as `lock` takes it out of a direction.

    Between the groups of these codes lies just what `lock` leaves, so any estimator and any evidence may take them.

    Args:
        vectors: directions, (L,) each; none leaves the codes as they are. covariance: (L, L), of the data's codes.

    Raises:
        VAEError: directions of another length, or a covariance that is not one.
    """
    mu = many_codes(mu)
    if not vectors:
        return mu
    for vector in vectors:
        if np.shape(vector) != mu.shape[1:]:
            raise VAEError(f"The direction has {np.size(vector)} numbers, the codes {mu.shape[1]}: use one model.")
    middle = mu.mean(axis=0, dtype=np.float64)
    found = (mu - middle) @ _across(vectors, _inverse(covariance, mu.shape[1])).T + middle
    return found.astype(np.float32)


def _across(vectors: Sequence[ArrayLike], metric: np.ndarray) -> np.ndarray:
    """(L, L): what takes out of a step all that lies along some vectors, in a metric."""
    # Unit vectors in the metric, so that long ones do not drown short ones; pinv copes with others that are alike.
    root = np.linalg.cholesky(metric)  # |root' v| is the length of v in the metric
    known = np.stack([np.asarray(vector, np.float64) @ root for vector in vectors], axis=1)  # (L, K)
    known /= np.linalg.norm(known, axis=0)
    off = np.eye(len(metric)) - known @ np.linalg.pinv(known, rcond=1e-6)
    return np.asarray(np.linalg.solve(root.T, off @ root.T))


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
