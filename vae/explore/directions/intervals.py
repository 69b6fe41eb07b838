"""How far a difference of means can be trusted: its effect with an interval, the cone around it, and chance.

The means of two groups are off by an error e of covariance V = S1 / n1 + S2 / n2. It lengthens their difference, the
more so the more dimensions there are: |step|^2 is too large by tr V on average. So the apparent effect of a direction,
on the very images that it was made from, is too large. Here that is taken off again, and the rest follows from V.
"""

import math
from dataclasses import dataclass

import numpy as np

from vae.explore.codes import Floats
from vae.explore.directions.found import Doubles, within

PERMUTED = 1000  # images: for more than these the p-value is that of the F distribution, which is the same by then
NARROW, WIDE = 1.85, 2.1  # standard errors below and above the estimate
SKEW, ROUND = 0.42, 8  # so many fewer below where it is all noise, and noise of so few dimensions that it is skewed


@dataclass(frozen=True)
class Noise:
    """The error of the difference of two groups' means.

    Attributes:
        step: (L,), the difference.
        first, second: (L, L), the covariance that each mean contributes.
        pooled: (L, L), the covariance within the groups.
        counts: images in each group.
    """

    step: Doubles
    first: Doubles
    second: Doubles
    pooled: Doubles
    counts: tuple[int, int]

    @property
    def whole(self) -> Doubles:
        return self.first + self.second

    @property
    def freedom(self) -> int:
        return sum(self.counts) - 2

    def along(self, unit: Doubles) -> tuple[float, float]:
        """The variance along a unit vector that each mean contributes."""
        return float(unit @ self.first @ unit), float(unit @ self.second @ unit)

    def squares(self) -> float:
        """tr V^2 without the bias that few images give it (Bai and Saranadasa 1996, section 3)."""
        own = sum(_squares(part, count - 1) for part, count in zip((self.first, self.second), self.counts, strict=True))
        raw = own + 2 * float((self.first * self.second).sum())
        trace = float(np.trace(self.whole))
        return min(max(raw, trace**2 / len(self.step)), trace**2)


def noise_of(ours: Doubles, theirs: Doubles) -> Noise:
    """Of two groups of codes, (n1, L) and (n2, L), at least two in each."""
    first, second = (np.atleast_2d(np.cov(group, rowvar=False)) for group in (ours, theirs))
    centred = within(ours, theirs)
    pooled = centred.T @ centred / (len(centred) - 2)
    step = ours.mean(axis=0) - theirs.mean(axis=0)
    return Noise(step, first / len(ours), second / len(theirs), pooled, (len(ours), len(theirs)))


def effect_interval(noise: Noise) -> tuple[float, float, float]:
    """Cohen's d of the two groups along the difference of their means, and its 95 % interval.

    What is estimated is how far apart the groups are along this very direction in other images than those that it was
    made from: (unit @ true step) / (standard deviation within the groups along unit). Its numerator is, on average,
    |step| - tr V / |step|; the small bias of the whole is Hedges's (1981). The interval is the estimate less 1.85 and
    plus 2.1 of its standard errors, less on the lower side where the direction is mostly noise of few dimensions: the
    estimate is skewed there. Whether that covers is measured: `python -m benchmarks.directions planted`.

    Returns:
        effect, low, high; infinite where the groups differ and do not spread.
    """
    square = float(noise.step @ noise.step)
    unit = noise.step / math.sqrt(square)
    spread = float(unit @ noise.pooled @ unit)
    if spread <= 1e-14 * square:
        return math.inf, math.inf, math.inf
    trace, squares = float(np.trace(noise.whole)), noise.squares()
    freedom = noise.freedom
    scale = math.sqrt(square * spread)
    effect = (1 - 3 / (4 * freedom - 1)) * (square - trace) / scale
    signal = square * sum(noise.along(unit)) - squares  # step' V step, of the true step
    error = max(signal, 0.0) * _few(noise, unit) + squares + (squares if signal > 0 else signal + squares)
    variance = error / scale**2 + effect**2 / (2 * (freedom - 2))
    mostly_noise = min(2 * squares / error, 1.0)
    lower = NARROW * (1 - 1.2 / freedom) - SKEW * mostly_noise * min(ROUND * squares / trace**2, 1.0)
    return effect, effect - lower * math.sqrt(variance), effect + WIDE * math.sqrt(variance)


def cone(noise: Noise) -> float:
    """The angle in degrees around the step that holds the true direction 95 % of the time; 180 where nothing is sure.

    Across the true direction the step is nothing but error, whatever its length: so the directions across which it is
    no larger than an error can be, in 95 % of cases, are those that are not ruled out (Fieller 1954). How large that
    is is asked of the F distribution with Box's degrees of freedom (1954), for the errors of the dimensions differ.
    """
    from scipy.special import fdtri

    square = float(noise.step @ noise.step)
    if len(noise.step) == 1:  # there are two directions only
        return 0.0 if chance(noise) <= 0.05 else 180.0
    across = _across(noise)
    trace = float(np.trace(across.whole))
    if trace <= 1e-14 * square:  # no image differs from others of its group
        return 0.0
    squares = min(max(across.squares(), trace**2 / (len(noise.step) - 1)), trace**2)
    own = trace**2 / squares
    largest = trace * float(fdtri(own, own * _trace_freedom(across), 0.95))
    return 180.0 if largest >= square else math.degrees(math.asin(math.sqrt(largest / square)))


def chance(noise: Noise) -> float:
    """How often two groups without a difference would have means as far apart, by Box's F: a p-value."""
    from scipy.special import fdtrc

    trace = float(np.trace(noise.whole))
    if not trace > 0:
        return 0.0
    own = trace**2 / noise.squares()
    return float(fdtrc(own, own * _trace_freedom(noise), float(noise.step @ noise.step) / trace))


def permuted(ours: Doubles, theirs: Doubles, times: int, generator: np.random.Generator) -> float:
    """The same by permutation: how often groups of these sizes, drawn at random from both, are as far apart.

    Exact whatever the codes are distributed like (Phipson and Smyth 2010); no smaller than 1 / (times + 1).
    """
    codes = np.concatenate([ours, theirs])
    codes = codes - codes.mean(axis=0)
    count, mine = len(codes), len(ours)
    members = np.zeros((times, count))
    order = np.argpartition(generator.random((times, count), dtype=np.float32), mine - 1, axis=1)[:, :mine]
    np.put_along_axis(members, order, 1.0, axis=1)
    found = ((members @ codes) ** 2).sum(axis=1)  # the step is this sum times count / (mine * (count - mine))
    asked = float((codes[:mine].sum(axis=0) ** 2).sum())
    return float((1 + (found >= asked * (1 - 1e-12)).sum()) / (times + 1))


def angle(unit: Doubles, error: Doubles, freedom: int) -> float:
    """The cone, as of `cone`, of a unit vector whose error has a covariance (L, L) known by so many differences."""
    from scipy.special import fdtri

    off = np.eye(len(unit)) - np.outer(unit, unit)
    across = off @ error @ off
    trace = float(np.trace(across))
    if trace <= 0:
        return 0.0
    squares = min(max(_squares(across, freedom), trace**2 / max(len(unit) - 1, 1)), trace**2)
    own = trace**2 / squares
    largest = trace * float(fdtri(own, own * freedom, 0.95))
    return 180.0 if largest >= 1 else math.degrees(math.asin(math.sqrt(largest)))


# ---- parts ---------------------------------------------------------------------------------------------------------


def _squares(part: Doubles, freedom: int) -> float:
    raw = float((part * part).sum()) - float(np.trace(part)) ** 2 / freedom
    return freedom**2 / max((freedom - 1) * (freedom + 2), 1) * raw


def _trace_freedom(noise: Noise) -> float:
    """Degrees of freedom of tr V, for each that the error itself has: Welch's (1947), of groups of unequal sizes."""
    shares = [float(np.trace(part)) for part in (noise.first, noise.second)]
    return sum(shares) ** 2 / sum(share**2 / (n - 1) for share, n in zip(shares, noise.counts, strict=True))


def _few(noise: Noise, unit: Doubles) -> float:
    """By how much a variance has to be larger because the smaller group alone says most of it: the square of a t."""
    from scipy.special import stdtrit

    parts = noise.along(unit)
    welch = sum(parts) ** 2 / sum(part**2 / (n - 1) for part, n in zip(parts, noise.counts, strict=True))
    excess = 1 / welch - 1 / noise.freedom
    return 1.0 if excess < 1e-6 else float(stdtrit(1 / excess, 0.975) / stdtrit(1e9, 0.975)) ** 2


def _across(noise: Noise) -> Noise:
    """The error across the true direction, as far as that is known: what is hardly more than error is shrunk away."""
    values, axes = np.linalg.eigh(noise.whole)
    parts = axes.T @ noise.step
    kept = np.maximum(1 - np.maximum(values, 0) / np.maximum(parts**2, 1e-300), 0) * parts  # James and Stein 1961
    length = float(np.linalg.norm(kept))
    unit = axes[:, 0] if length == 0 else axes @ kept / length  # else the quietest: the cone errs on the wide side
    square = float(noise.step @ noise.step)
    sure = math.sqrt(max(1 - float(values.sum()) / square, 0.0))  # as far as this is the true direction
    off = np.eye(len(unit)) - (1 - math.sqrt(1 - sure)) * np.outer(unit, unit)  # its square leaves 1 - sure along it
    return Noise(off @ noise.step, off @ noise.first @ off, off @ noise.second @ off, noise.pooled, noise.counts)


def codes_of(mu: Floats, chosen: np.ndarray) -> Doubles:
    """The codes of a group, as float64."""
    return mu[chosen].astype(np.float64)
