"""How well a direction tells groups apart in images that it was not made from, and how alike pairs of images are."""

import math
from dataclasses import dataclass

import numpy as np

from vae.errors import VAEError
from vae.explore.codes import Floats
from vae.explore.directions.found import ESTIMATORS, Doubles
from vae.explore.directions.groups import FEWEST, Groups

FOLDS = 10
MANY = 2000  # images: with more, half as many folds say as much
SMALL = 200  # images: with fewer the folds are drawn several times, for a single drawing says much about itself
TIMES = 10
PAIRS = 1000


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What directions made without some images say of those images.

    Attributes:
        accuracy: share of images on the right side of the middle between the groups, each group counting the same.
        auc: how often an image of the positive group lies further along than one of the negative group.
        auc_low, auc_high: its 95 % interval.
        effect: Cohen's d with Hedges's correction.
        vectors: (K, L), the unit vectors of the first drawing of folds.
    """

    accuracy: float
    auc: float
    auc_low: float
    auc_high: float
    effect: float
    vectors: Doubles


def held_out(mu: Floats, groups: Groups, estimator: str, generator: np.random.Generator) -> HeldOut:
    """Make the direction from all folds but one and try it on that one, for every fold.

    Images are compared with others of their own fold only: directions of different folds have no common zero.
    """
    counts = groups.counts
    folds = min(FOLDS if sum(counts) <= MANY else FOLDS // 2, *counts)
    rows = np.flatnonzero(groups.positive), np.flatnonzero(groups.negative)
    above, below = np.zeros(counts[0]), np.zeros(counts[1])  # share of the other group that an image lies beyond
    right = np.zeros(2)
    apart, spread, vectors = 0.0, 0.0, []
    times = TIMES if sum(counts) < SMALL else 1
    for time in range(times):
        parts = [generator.permutation(np.arange(count) % folds) for count in counts]
        for fold in range(folds):
            made = [own[part != fold] for own, part in zip(rows, parts, strict=True)]
            tried = [part == fold for part in parts]
            unit, ends = _made(mu, groups, made, estimator)
            middle = sum(ends) / 2
            if time == 0:
                vectors.append(unit)
            ours, theirs = (mu[own[part]] @ unit for own, part in zip(rows, tried, strict=True))
            above[tried[0]] += beyond(ours, theirs)
            below[tried[1]] += 1 - beyond(theirs, ours)
            right += (
                (ours > middle).sum() + (ours == middle).sum() / 2,
                (theirs < middle).sum() + (theirs == middle).sum() / 2,
            )
            apart += (ours.mean() - theirs.mean()) / folds
            for values, end, own in zip((ours, theirs), ends, made, strict=True):
                spread += ((values - end) ** 2).sum() * len(own) / (len(own) + 1)  # the mean of `own` is off, too
    auc = float((above.mean() + below.mean()) / 2 / times)
    return HeldOut(
        accuracy=float((right / counts).mean() / times),
        auc=auc,
        **dict(zip(("auc_low", "auc_high"), auc_interval(auc, counts), strict=True)),
        effect=_d(apart / times, spread / times, sum(counts)),
        vectors=np.array(vectors),
    )


def auc_interval(auc: float, counts: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of an area under the curve: the values from which this one is 1.96 of its errors away.

    Hanley and McNeil's (1982) error at that value, in the form of Newcombe (2006), method 5: it holds at 1 too.
    """
    first, second = counts
    more = (first + second) / 2 - 1

    def error(value: float) -> float:
        inner = 1 + more * ((1 - value) / (2 - value) + value / (1 + value))
        return math.sqrt(max(value * (1 - value), 0.0) * inner / (first * second))

    ends = []
    for sign in (-1.0, 1.0):
        near, far = auc, 0.0 if sign < 0 else 1.0
        for _ in range(50):
            between = (near + far) / 2
            if abs(between - auc) <= 1.959964 * error(between):
                near = between
            else:
                far = between
        ends.append(near)
    return ends[0], ends[1]


def pair_cosines(mu: Floats, groups: Groups, generator: np.random.Generator) -> tuple[float, float, float]:
    """How alike the steps from one group to the other are (Liu and others 2019, Latent Space Cartography, section 5).

    A pair is the step from an image of one group to an image of the other. Two such steps between four different images
    are compared by their cosine, and so are two steps between images drawn from both groups without regard to them.

    Returns:
        The mean cosine of pairs, that of random pairs, and Cohen's d of the first against the second.
    """
    ours, theirs = np.flatnonzero(groups.positive), np.flatnonzero(groups.negative)
    everyone = np.concatenate([ours, theirs])
    a, b = _two(ours, generator), _two(theirs, generator)
    four = generator.integers(len(everyone), size=(4 * PAIRS, 4))
    ordered = np.sort(four, axis=1)
    four = everyone[four[(np.diff(ordered, axis=1) > 0).all(axis=1)][:PAIRS]]  # four different ones
    one, two, three, last = (mu[four[:, column]] for column in range(4))
    return compared(mu[a[0]] - mu[b[0]], mu[a[1]] - mu[b[1]], one - two, three - last)


# ---- parts ---------------------------------------------------------------------------------------------------------


def _made(mu: Floats, groups: Groups, rows: list[np.ndarray], estimator: str) -> tuple[Doubles, list[float]]:
    """A unit vector from these rows of each group, and how far along it their means lie."""
    means = [np.ones(len(own), np.float32) @ mu[own] / np.float64(len(own)) for own in rows]
    if estimator == "difference" or min(len(own) for own in rows) < FEWEST:  # too few for anything but their means
        unit = means[0] - means[1]
        unit /= np.linalg.norm(unit) or 1.0
    else:
        masks = [np.zeros(len(mu), bool) for _ in rows]
        for mask, own in zip(masks, rows, strict=True):
            mask[own] = True
        try:
            unit = ESTIMATORS[estimator](mu, Groups(masks[0], masks[1], groups.names)).vector.astype(np.float64)
        except VAEError:  # without these images the means are the same: no direction, so no image is told apart
            unit = np.zeros(mu.shape[1])
    return unit, [float(unit @ mean) for mean in means]


def compared(one: Floats, two: Floats, three: Floats, four: Floats) -> tuple[float, float, float]:
    """Steps (n, L): the mean cosine of the first with the second, of the third with the fourth, and Cohen's d."""
    own, other = _cosines(one, two), _cosines(three, four)
    spread = math.sqrt((own.var(ddof=1) + other.var(ddof=1)) / 2)
    apart = float(own.mean() - other.mean())
    return float(own.mean()), float(other.mean()), apart / spread if spread > 0 else 0.0


def beyond(these: Doubles, those: Doubles) -> Doubles:
    """Of each of these, the share of those that are smaller; ties count half."""
    ordered = np.sort(those)
    left, right = np.searchsorted(ordered, these, "left"), np.searchsorted(ordered, these, "right")
    return np.asarray((left + right) / 2 / len(those))


def _d(apart: float, squares: float, count: int) -> float:
    spread = math.sqrt(squares / count)
    return float((1 - 3 / (4 * count - 9)) * apart / spread) if spread > 0 else math.inf


def _two(rows: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two different rows, PAIRS times."""
    first = generator.integers(len(rows), size=PAIRS)
    second = (first + generator.integers(1, len(rows), size=PAIRS)) % len(rows)
    return rows[first], rows[second]


def _cosines(steps: Floats, others: Floats) -> Doubles:
    lengths = np.linalg.norm(steps, axis=1) * np.linalg.norm(others, axis=1)
    return np.asarray((steps * others).sum(axis=1) / np.where(lengths > 0, lengths, 1), dtype=np.float64)
