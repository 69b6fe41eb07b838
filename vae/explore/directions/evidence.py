"""What a direction rests on, in figures and in one sentence.

Whatever is said of how well it works is measured on images that it was not made from.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes
from vae.explore.directions.balance import (
    Kinds,
    counting,
    held_out_within,
    noise_within,
    pairs_within,
    permuted_within,
)
from vae.explore.directions.found import ESTIMATORS, Doubles, difference
from vae.explore.directions.groups import Groups, images, percent
from vae.explore.directions.heldout import HeldOut, held_out, pair_cosines
from vae.explore.directions.intervals import (
    NARROW,
    PERMUTED,
    WIDE,
    Noise,
    angle,
    chance,
    codes_of,
    cone,
    effect_interval,
    noise_of,
    permuted,
)

SOLID = 20  # images in each group: with fewer no direction is called strong
LARGE = 0.8  # standard deviations between the groups: what Cohen (1988) calls a large effect
NARROW_CONE = 30.0  # degrees
CHANCE = 0.05
RESAMPLES = 999


@dataclass(frozen=True)
class Evidence:
    """How far to trust the direction between two groups.

    Attributes:
        effect: Cohen's d, in standard deviations within the groups: how far apart the groups lie along this direction
            in images that it was not made from. Above 2 they hardly overlap.
        low, high: its 95 % interval.
        cone: degrees around the direction that hold the true one 95 % of the time; 180 where nothing is sure.
        accuracy: share of held-out images on the right side of the middle, each group counting the same; 0.5 is chance.
        auc: how often a held-out image of the positive group lies further along than one of the other; 0.5 is chance.
        auc_low, auc_high: its 95 % interval.
        pair_cosine: mean cosine of two steps from an image of one group to one of the other.
        random_cosine: the same of steps between images drawn without regard to the groups.
        pair_d: Cohen's d of the first against the second.
        p: how often groups of these sizes drawn at random differ as much.
        counts: images in the positive and the negative group.
        verdict: "strong", "weak" or "chance".
        sentence: the verdict and why, for a person.
    """

    effect: float
    low: float
    high: float
    cone: float
    accuracy: float
    auc: float
    auc_low: float
    auc_high: float
    pair_cosine: float
    random_cosine: float
    pair_d: float
    p: float
    counts: tuple[int, int]
    verdict: str
    sentence: str


def measure_evidence(
    mu: ArrayLike,
    groups: Groups,
    estimator: str = "difference",
    *,
    kinds: Kinds | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Evidence:
    """The evidence for the direction between two groups.

    Args:
        mu: (N, L), the codes of the images.
        groups: over the same N images.
        estimator: a name of ESTIMATORS.
        kinds: each of which counts the same, whatever its share in either group; of the difference of means only.
            Images are then compared with others of their kind, and the effect is in standard deviations within kinds.
        seed: of the folds, the pairs and the permutations. The same seed, the same figures.
        resamples: permutations, at least 99, for groups of up to 1,000 images in all.

    Raises:
        VAEError: as for the estimator, there is no estimator of that name, or it cannot count kinds the same.
    """
    if estimator not in ESTIMATORS:
        raise VAEError(f"There is no estimator called {estimator}: choose one of {', '.join(ESTIMATORS)}.")
    mu = many_codes(mu)
    if kinds is not None:
        if estimator != "difference":
            raise VAEError("Kinds count the same in a difference of means only: choose that, or count every image.")
        return _within(mu, groups, kinds, np.random.default_rng(seed), resamples)
    vector = ESTIMATORS[estimator](mu, groups).vector.astype(np.float64)  # refuses what has no direction
    generator = np.random.default_rng(seed)
    ours, theirs = codes_of(mu, groups.positive), codes_of(mu, groups.negative)
    noise = noise_of(ours, theirs)
    p = by_chance(noise, ours, theirs, resamples, generator)
    tried = held_out(mu, groups, estimator, generator)
    if estimator == "difference":
        effect, low, high = effect_interval(noise)
        degrees = cone(noise)
    else:
        effect, low, high, degrees = _of_folds(noise, vector, tried)
    pair, random, pair_d = pair_cosines(mu, groups, generator)
    on = f"{images(groups.counts[0])} of “{groups.names[0]}” and {groups.counts[1]:,} of “{groups.names[1]}”"
    said = _verdict(p, (effect, low, high), degrees, min(groups.counts), on)
    return _evidence((effect, low, high), degrees, tried, (pair, random, pair_d), p, groups.counts, said)


def _within(mu: Floats, groups: Groups, kinds: Kinds, generator: np.random.Generator, resamples: int) -> Evidence:
    """The evidence for a difference of means in which each kind counts the same."""
    groups = kinds.among(groups)
    difference(mu, groups, kinds.of)  # refuses what has no direction
    cells = kinds.cells(groups)
    noise = noise_within(mu, cells)
    few = sum(groups.counts) <= PERMUTED
    p = permuted_within(mu, cells, resamples, generator) if few else chance(noise)
    tried = held_out_within(mu, cells, generator)
    effect, degrees = effect_interval(noise), cone(noise)
    on = (
        f"{images(groups.counts[0])} of “{groups.names[0]}” and {groups.counts[1]:,} of “{groups.names[1]}”, each kind "
        f"of {' and '.join(kinds.by).replace('_', ' ')} counting the same,"
    )
    said = _verdict(p, effect, degrees, min(counting(cells)), on)
    return _evidence(effect, degrees, tried, pairs_within(mu, cells, generator), p, groups.counts, said)


def _evidence(
    effect: tuple[float, float, float],
    degrees: float,
    tried: HeldOut,
    pairs: tuple[float, float, float],
    p: float,
    counts: tuple[int, int],
    said: tuple[str, str],
) -> Evidence:
    return Evidence(
        effect=effect[0],
        low=effect[1],
        high=effect[2],
        cone=degrees,
        accuracy=tried.accuracy,
        auc=tried.auc,
        auc_low=tried.auc_low,
        auc_high=tried.auc_high,
        pair_cosine=pairs[0],
        random_cosine=pairs[1],
        pair_d=pairs[2],
        p=p,
        counts=counts,
        verdict=said[0],
        sentence=said[1],
    )


def by_chance(noise: Noise, ours: Doubles, theirs: Doubles, resamples: int, generator: np.random.Generator) -> float:
    """How often groups drawn at random are as far apart: by permutation of up to 1,000 images, else by the F test."""
    few = len(ours) + len(theirs) <= PERMUTED
    return permuted(ours, theirs, resamples, generator) if few else chance(noise)


def _of_folds(noise: Noise, vector: Doubles, tried: HeldOut) -> tuple[float, float, float, float]:
    """Effect, its interval and the cone of a direction for which there is no formula: how it differs between folds.

    The error of the vector is the jackknife's, of the vectors made without each fold in turn (Shao and Wu 1989).
    """
    if not math.isfinite(tried.effect):
        return tried.effect, tried.effect, tried.effect, 0.0
    count = len(tried.vectors)
    off = tried.vectors - tried.vectors.mean(axis=0)
    error = off.T @ off * (count - 1) / count  # (L, L)
    own = float(vector @ noise.pooled @ vector)
    share = min(float((error * noise.pooled).sum()) / own, 1.0) if own > 0 else 1.0  # of the spread along: noise
    first, second = noise.counts
    variance = (1 / first + 1 / second) * (1 + share) + tried.effect**2 / (2 * noise.freedom)
    low, high = tried.effect - NARROW * math.sqrt(variance), tried.effect + WIDE * math.sqrt(variance)
    return tried.effect, low, high, angle(vector, error, count - 1)


def _verdict(p: float, effect: tuple[float, float, float], cone: float, fewest: int, on: str) -> tuple[str, str]:
    """Which of the three it is, and why. `fewest`: images that the smaller group counts like; `on`: the groups."""
    value, low, high = effect
    if p > CHANCE:
        return "chance", (
            f"Not distinguishable from chance: {on} differ no more than groups drawn at random, {percent(p)} of which "
            "differ as much. Take more images, or groups that differ more."
        )
    reasons = []
    if fewest < SOLID:
        reasons.append(f"{fewest} images in a group say little about others of its kind")
    if low < LARGE:
        reasons.append(
            "the groups overlap a lot along it" if high < 2 * LARGE else "the groups may overlap a lot along it"
        )
    if cone > NARROW_CONE:
        away = f"up to {cone:.0f}° away" if cone < 180 else "anywhere"
        reasons.append(f"other images could give a direction {away}")
    far = f"{value:.1f} standard deviations apart (95\u00a0% interval {low:.1f} to {high:.1f})".replace("-", "−")
    if math.isinf(value):
        far = "apart without any overlap"
    if reasons:
        return "weak", f"Weak: {', and '.join(reasons)}. {on} lie {far}."
    return "strong", f"Strong: {on} lie {far}. Other images would turn it by {max(cone, 1):.0f}° at most."
