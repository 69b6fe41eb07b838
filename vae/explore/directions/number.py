"""What the direction of a number rests on: how well the place along it tells the number of images not seen."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.explore.codes import Floats, many_codes, one_code
from vae.explore.directions.found import Doubles, regression
from vae.explore.directions.groups import images, percent
from vae.explore.directions.heldout import FOLDS, MANY, SMALL, TIMES
from vae.explore.directions.intervals import PERMUTED, Noise, chance, cone

SOLID = 40  # images: with fewer no direction of a number is called strong
CLEAR = 0.5  # correlation that Cohen (1988) calls large
NARROW_CONE = 30.0  # degrees
CHANCE = 0.05
RESAMPLES = 999
SURE = 1.959964  # standard errors to either side


@dataclass(frozen=True)
class NumberEvidence:
    """How far to trust the direction along which a number grows.

    Attributes:
        r: correlation between the number and what a line along the direction says it is, of images that neither was
            made from; r_low, r_high its 95 % interval where there is a signal (tried: it holds the truth in 93 to 97 %;
            with 30 images in 82 to 90 %, without a signal in about 80 %: a page leaves it out where it is chance).
        explained: R^2 of the same, the share of the number's variance that the place along the direction tells; below
            0 where the mean of all images would be the better guess. explained_low, explained_high: its interval.
        cone: degrees around the direction that hold the true one 95 % of the time; 180 where nothing is sure.
        p: how often the same numbers, dealt out at random, move the codes as much.
        count: images.
        verdict: "strong", "weak" or "chance".
        sentence: the verdict and why, for a person.
    """

    r: float
    r_low: float
    r_high: float
    explained: float
    explained_low: float
    explained_high: float
    cone: float
    p: float
    count: int
    verdict: str
    sentence: str


def number_evidence(
    mu: ArrayLike, values: ArrayLike, name: str, *, seed: int = 0, resamples: int = RESAMPLES
) -> NumberEvidence:
    """The evidence for the direction of `regression`.

    Args:
        mu: (N, L), the codes of the images. values: (N,), the number. name: of the number.
        seed: of the folds and the permutations. The same seed, the same figures.
        resamples: permutations, at least 99, for up to 1,000 images.

    Raises:
        VAEError: as for `regression`.
    """
    regression(mu, values, name)  # refuses what has no direction
    mu, values = many_codes(mu), one_code(values).astype(np.float64)
    generator = np.random.default_rng(seed)
    noise = noise_of_slope(mu, values)
    few = len(mu) <= PERMUTED
    p = _dealt(mu, values, resamples, generator) if few else chance(noise)
    tried = told_of_unseen(mu, values, generator)
    degrees = cone(noise)
    verdict, why = _verdict(p, tried, degrees, name, len(mu))
    return NumberEvidence(*tried, cone=degrees, p=p, count=len(mu), verdict=verdict, sentence=why)


def noise_of_slope(mu: Floats, values: Doubles) -> Noise:
    """The slope of the codes on a number, and its error whatever the residuals are like (White 1980, HC1)."""
    off = values - values.mean()
    centred = mu - mu.mean(axis=0, dtype=np.float64)
    square = float(off @ off)
    slope = off @ centred / square
    rest = centred - np.outer(off, slope)  # (N, L)
    free = len(mu) - 2
    weighted = rest * off[:, None]
    error = weighted.T @ weighted / square**2 * len(mu) / free
    # All of the error comes from one fit: the second mean that a difference would have adds none.
    return Noise(slope, error, np.zeros_like(error), rest.T @ rest / free, (free + 1, free + 1))


def told_of_unseen(
    mu: Floats, values: Doubles, generator: np.random.Generator
) -> tuple[float, float, float, float, float, float]:
    """r and R^2 with their intervals: the direction, and a line along it, from all folds but one, tried on that one.

    The interval of r is Fisher's (1921); that of R^2 follows from how the squared errors differ between images.
    """
    count = len(mu)
    folds = FOLDS if count <= MANY else FOLDS // 2
    times = TIMES if count < SMALL else 1
    missed, blind = np.zeros(count), np.zeros(count)  # squared errors, of the line and of the mean
    z = 0.0
    for _ in range(times):
        part = generator.permutation(np.arange(count) % folds)
        said = np.empty(count)
        for fold in range(folds):
            made, tried = part != fold, part == fold
            middle, mean = mu[made].mean(axis=0, dtype=np.float64), float(values[made].mean())
            off = values[made] - mean
            vector = off @ (mu[made] - middle)
            along = (mu[made] - middle) @ vector
            square = float(along @ along)
            slope = float(off @ along) / square if square > 0 else 0.0
            said[tried] = mean + slope * ((mu[tried] - middle) @ vector)
            blind[tried] += (values[tried] - mean) ** 2 / times
        missed += (values - said) ** 2 / times
        z += math.atanh(np.clip(_correlation(values, said), -0.999999, 0.999999)) / times
    error = 1 / math.sqrt(count - 3)
    ends = (math.tanh(z + sign * SURE * error) for sign in (0, -1, 1))
    share = float(missed.sum() / blind.sum())
    wide = SURE * math.sqrt(float(((missed - share * blind) ** 2).sum()) * count / (count - 1)) / float(blind.sum())
    r, low, high = ends
    return r, low, high, 1 - share, 1 - share - wide, min(1 - share + wide, 1.0)


def _correlation(one: Doubles, other: Doubles) -> float:
    a, b = one - one.mean(), other - other.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale > 0 else 0.0


def _dealt(mu: Floats, values: Doubles, times: int, generator: np.random.Generator) -> float:
    """How often the numbers, dealt out at random, move the codes as much: at least 1 / (times + 1)."""
    off = values - values.mean()
    centred = mu - mu.mean(axis=0, dtype=np.float64)
    dealt = generator.permuted(np.broadcast_to(off, (times, len(off))), axis=1)
    found = ((dealt @ centred) ** 2).sum(axis=1)
    asked = float(((off @ centred) ** 2).sum())
    return float((1 + (found >= asked * (1 - 1e-12)).sum()) / (times + 1))


def _verdict(
    p: float, tried: tuple[float, float, float, float, float, float], cone: float, name: str, count: int
) -> tuple[str, str]:
    (r, low, high, explained), on = tried[:4], images(count)
    if p > CHANCE:
        return "chance", (
            f"Not distinguishable from chance: over {on} the codes follow “{name}” no more than numbers dealt out at "
            f"random, {percent(p)} of which move them as much. Take more images, or another number."
        )
    reasons = []
    if count < SOLID:
        reasons.append(f"{on} say little about others")
    if low < CLEAR:
        reasons.append(f"the place along it tells “{name}” of an image badly")
    if cone > NARROW_CONE:
        away = f"up to {cone:.0f}° away" if cone < 180 else "anywhere"
        reasons.append(f"other images could give a direction {away}")
    told = (
        f"In images that it was not made from, the place along it goes with “{name}” by a correlation of {r:.2f} "
        f"(95\u00a0% interval {low:.2f} to {high:.2f}) and tells "
        f"{percent(max(explained, 0.0))} of how they differ in it"
    ).replace("-", "−")
    if reasons:
        return "weak", f"Weak: {', and '.join(reasons)}. {told} ({on})."
    return "strong", f"Strong: {told} ({on}). Other images would turn it by {max(cone, 1):.0f}° at most."
