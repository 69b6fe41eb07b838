"""The direction between two groups of images, by several estimators.

All of them point from the negative group to the positive one. They differ in what they ask for: the difference of means
goes where the images go, with all that comes along; the whitened and the logistic one go where the groups are best told
apart, which is shorter and leaves out what varies within both groups anyway.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes, one_code
from vae.explore.directions.groups import FEWEST, Groups, attribute_groups

Doubles = NDArray[np.float64]

RIDGE = 1e-3  # of the mean curvature: keeps weights finite where groups do not overlap
NEWTON_STEPS = 25


@dataclass(frozen=True, eq=False)
class Direction:
    """From one group's codes to the other's.

    Attributes:
        vector: (L,) float32, a unit vector.
        gap: the whole step between the groups' means along it, in the units of the code (standard deviations of the
            prior, where there is one).
        counts: images in the positive and the negative group.
        names: of the groups, the positive one first.
        estimator: a name of ESTIMATORS, or what else made it.
        reach: of a number's direction, by how much the number grows over the whole step; 0 where it is between groups.
    """

    vector: Floats
    gap: float
    counts: tuple[int, int]
    names: tuple[str, str]
    estimator: str
    reach: float = 0.0

    @property
    def step(self) -> Floats:
        """(L,): the whole step, gap * vector."""
        return np.asarray(self.gap * self.vector, dtype=np.float32)


def difference(mu: ArrayLike, groups: Groups, strata: ArrayLike | None = None) -> Direction:
    """The difference of the two groups' mean codes (Larsen 2016): add it, and the picture gains the attribute.

    It carries along whatever else differs between the groups: if most hats come with glasses, so does this one.

    Args:
        mu: (N, L), the codes of the images.
        groups: over the same N images.
        strata: (N,) integers, a class for each image. Where given, each class that is in both groups counts the same:
            what the classes differ in, and the groups only have in other shares, is left out.

    Raises:
        VAEError: not (N, L) with the N of the groups, not finite, groups with the same mean, or no class in both.
    """
    mu, ours, theirs = _parts(mu, groups)
    if strata is None:
        step = ours.mean(axis=0) - theirs.mean(axis=0)  # (L,)
    else:
        step = _balanced(ours, theirs, np.asarray(strata), groups)
    return _direction(step, step, groups, "difference", mu)


def whitened(mu: ArrayLike, groups: Groups) -> Direction:
    """Fisher's linear discriminant: S^-1 (m1 - m2), S the covariance within the groups (Fisher 1936).

    S is shrunk towards a multiple of the identity by as much as its own noise asks for (Ledoit and Wolf 2004).

    Args:
        mu: (N, L), the codes of the images.
        groups: over the same N images.

    Raises:
        VAEError: as for `difference`.
    """
    mu, ours, theirs = _parts(mu, groups)
    step = ours.mean(axis=0) - theirs.mean(axis=0)
    shrunk = shrunk_covariance(within(ours, theirs))
    return _direction(np.linalg.lstsq(shrunk, step, rcond=None)[0], step, groups, "whitened", mu)


def logistic(mu: ArrayLike, groups: Groups) -> Direction:
    """The weights of a logistic regression of the group on the code, both groups counting the same.

    Newton's method (Hastie, Tibshirani and Friedman 2009, eq. 4.26) with a small ridge, so that groups that do not
    overlap have an answer too.

    Args:
        mu: (N, L), the codes of the images.
        groups: over the same N images.

    Raises:
        VAEError: as for `difference`.
    """
    mu, ours, theirs = _parts(mu, groups)
    step = ours.mean(axis=0) - theirs.mean(axis=0)
    codes = np.concatenate([ours, theirs])
    spread = codes.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    x = np.column_stack([(codes - codes.mean(axis=0)) / scale, np.ones(len(codes))])  # (n, L + 1)
    y = np.repeat([1.0, 0.0], [len(ours), len(theirs)])
    weights = np.repeat([0.5 / len(ours), 0.5 / len(theirs)], [len(ours), len(theirs)])  # they sum to 1
    penalty = np.diag(np.append(np.full(x.shape[1] - 1, RIDGE), 0.0))
    beta = np.zeros(x.shape[1])
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weights * (y - p)) - penalty @ beta
        curvature = (x * (weights * p * (1 - p))[:, None]).T @ x + penalty + 1e-9 * np.eye(x.shape[1])
        move = np.linalg.solve(curvature, gradient)
        beta += move
        if np.abs(move).max() < 1e-6:
            break
    return _direction(beta[:-1] / scale, step, groups, "logistic", mu)


ESTIMATORS: dict[str, Callable[[Any, Groups], Direction]] = {
    "difference": difference,
    "whitened": whitened,
    "logistic": logistic,
}


def regression(mu: ArrayLike, values: ArrayLike, name: str) -> Direction:
    """How the codes move as a continuous attribute grows: the slope of the codes on its values, by least squares.

    Args:
        mu: (N, L), the codes of the images.
        values: (N,), the attribute.
        name: of the attribute.

    Returns:
        A direction whose gap is the step from the mean of the lowest third of the values to that of the highest, and
        whose reach is how far these lie apart.

    Raises:
        VAEError: not (N, L) and (N,), not finite, too few, or values that hardly vary.
    """
    mu, values = many_codes(mu), one_code(values, f"the attribute “{name}”")
    if len(mu) != len(values):
        raise VAEError(f"“{name}” is known of {len(values)} images but there are {len(mu)} codes: use one set.")
    if len(mu) < 2 * FEWEST:
        raise VAEError(f"There are {len(mu)} images: a direction needs at least {2 * FEWEST}.")
    groups = attribute_groups(values, name)
    centred = values - values.mean(dtype=np.float64)
    slope = centred @ (mu - mu.mean(axis=0, dtype=np.float64)) / (centred @ centred)  # (L,), code for each unit
    reach = values[groups.positive].mean(dtype=np.float64) - values[groups.negative].mean(dtype=np.float64)
    return replace(_direction(slope * reach, slope * reach, groups, "regression", mu), reach=float(reach))


def measured_direction(step: ArrayLike, groups: Groups) -> Direction:
    """A step (L,) that was found by looking at pictures, as the direction between two groups.

    Raises:
        VAEError: a step that is nothing, or not finite.
    """
    step = one_code(step, "the step")
    length = float(np.linalg.norm(step.astype(np.float64)))
    if not length > 0:
        raise VAEError(f"Nothing of the direction “{groups.names[0]}” is left: lock fewer attributes.")
    return Direction((step / length).astype(np.float32), length, groups.counts, groups.names, "looking at pictures")


# ---- what they share -----------------------------------------------------------------------------------------------


def within(ours: Doubles, theirs: Doubles) -> Doubles:
    """The codes of two groups less the mean of their own group: (n, L)."""
    return np.concatenate([ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)])


def shrunk_covariance(centred: Doubles) -> Doubles:
    """(L, L): the covariance of (n, L) centred rows, shrunk towards its mean variance (Ledoit, Wolf 2004, eq. 14)."""
    count, size = centred.shape
    raw = centred.T @ centred / count
    target = np.trace(raw) / size * np.eye(size)
    apart = ((raw - target) ** 2).sum()
    noise = (((centred**2).sum(axis=1) ** 2).sum() / count - (raw**2).sum()) / count
    share = min(noise / apart, 1.0) if apart > 0 else 1.0
    return np.asarray(share * target + (1 - share) * raw)


def _parts(mu: ArrayLike, groups: Groups) -> tuple[Floats, Doubles, Doubles]:
    mu = many_codes(mu)
    if len(mu) != len(groups.positive):
        raise VAEError(f"The groups are over {len(groups.positive)} images but there are {len(mu)} codes: use one set.")
    return mu, mu[groups.positive].astype(np.float64), mu[groups.negative].astype(np.float64)


def _balanced(ours: Doubles, theirs: Doubles, strata: np.ndarray, groups: Groups) -> Doubles:
    if strata.shape != groups.positive.shape:
        raise VAEError(f"The classes to balance have the shape {strata.shape}: there should be one for each image.")
    mine, other = strata[groups.positive], strata[groups.negative]
    shared = np.intersect1d(mine, other)
    if not len(shared):
        raise VAEError("No class is in both groups, so nothing can be balanced: leave the classes out.")
    steps = [ours[mine == one].mean(axis=0) - theirs[other == one].mean(axis=0) for one in shared]
    return np.asarray(np.mean(steps, axis=0))


def _direction(vector: Doubles, step: Doubles, groups: Groups, estimator: str, mu: Floats) -> Direction:
    """A unit vector along `vector`, as long as `step` reaches along it."""
    length = float(np.linalg.norm(vector))
    if np.linalg.norm(step) <= 1e-7 * float(np.abs(mu).max()) or not length > 0:  # float32's own rounding
        names = f"“{groups.names[0]}” and “{groups.names[1]}”"
        raise VAEError(
            f"{names} have the same mean code, so no direction leads from one to the other: choose other groups."
        )
    unit = vector / length
    return Direction(unit.astype(np.float32), float(unit @ step), groups.counts, groups.names, estimator)
