"""Every way to make a code, and the knobs that move one."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, Mask, Rows, many_codes, one_code

ACTIVE_VARIANCE = 0.01  # Burda 2015, section 4
MARKS = (0.05, 0.25, 0.5, 0.75, 0.95)  # the quantiles of mu drawn beside a knob

# Below this sine of the angle, two codes count as lying on one line: the plane between them is lost in rounding.
_ON_ONE_LINE = 1e-6


# ---- paths ---------------------------------------------------------------------------------------------------------


def lerp(z_a: ArrayLike, z_b: ArrayLike, steps: int) -> Floats:
    """Walk from z_a to z_b in a straight line, at an even pace.

    Args:
        z_a, z_b: (L,) float32, in standard deviations of the prior.
        steps: frames, both ends included, at least 2. More frames: smoother, same path.

    Returns:
        (steps, L). The first row is z_a and the last is z_b exactly. Between two typical codes the middle falls
        nearer to the origin than either end, where few images live: see slerp.

    Raises:
        VAEError: the two codes differ in length, or are not finite, or steps is below 2.
    """
    a, b, t = _ends(z_a, z_b, steps)
    return _exact_ends((1 - t) * a.astype(np.float64) + t * b.astype(np.float64), a, b)


def slerp(z_a: ArrayLike, z_b: ArrayLike, steps: int) -> Floats:
    """Walk from z_a to z_b along the sphere while the length changes evenly (Shoemake 1985, White 2016).

    The direction turns at an even pace along the great circle; |z| runs linearly from |z_a| to |z_b|. Codes in the
    same direction, or of which one is zero, are joined by a straight line. Opposite codes have no single great circle
    between them: the walk turns first towards the axis they use least, always the same one.

    Args:
        z_a, z_b: (L,) float32, in standard deviations of the prior.
        steps: frames, both ends included, at least 2. More frames: smoother, same path.

    Returns:
        (steps, L). The first row is z_a and the last is z_b exactly; no frame is shorter than the shorter end, except
        when latent_dim is 1, where opposite codes can only be joined through the origin.

    Raises:
        VAEError: the two codes differ in length, or are not finite, or steps is below 2.
    """
    a, b, t = _ends(z_a, z_b, steps)
    length_a, length_b = _length(a), _length(b)
    if length_a == 0 or length_b == 0:
        return lerp(a, b, steps)
    unit_a, unit_b = a.astype(np.float64) / length_a, b.astype(np.float64) / length_b
    cosine = float(unit_a @ unit_b)
    side = unit_b - cosine * unit_a  # the part of b that a does not have
    angle = math.atan2(_length(side), cosine)
    if _length(side) < _ON_ONE_LINE:
        if cosine > 0 or len(a) == 1:
            return lerp(a, b, steps)
        side, angle = _detour(unit_a), math.pi
    turn = np.cos(t * angle) * unit_a + np.sin(t * angle) * (side / _length(side))  # (steps, L), unit rows
    return _exact_ends(((1 - t) * length_a + t * length_b) * turn, a, b)


def _ends(z_a: ArrayLike, z_b: ArrayLike, steps: int) -> tuple[Floats, Floats, np.ndarray]:
    a, b = one_code(z_a, "the first code"), one_code(z_b, "the second code")
    if len(a) != len(b):
        raise VAEError(f"The codes have {len(a)} and {len(b)} numbers: a path joins two codes of one model.")
    if steps < 2:
        raise VAEError(f"A path of {steps} frames has no room for both ends: ask for at least 2.")
    return a, b, np.linspace(0, 1, steps)[:, None]  # t is (steps, 1)


def _exact_ends(path: np.ndarray, a: Floats, b: Floats) -> Floats:
    frames = path.astype(np.float32)
    frames[0], frames[-1] = a, b
    return frames


def _length(z: np.ndarray) -> float:
    return float(np.linalg.norm(z.astype(np.float64)))  # in float32 the square of a long code overflows


def _detour(unit: np.ndarray) -> np.ndarray:
    """The unit vector at a right angle to `unit` that leans towards its smallest axis (the first of equals)."""
    axis = np.zeros_like(unit)
    axis[np.argmin(np.abs(unit))] = 1
    side = axis - (axis @ unit) * unit
    return side / np.linalg.norm(side)


# ---- the prior -----------------------------------------------------------------------------------------------------


def prior(count: int, latent_dim: int, temperature: float = 1.0, *, generator: np.random.Generator) -> Floats:
    """Draw codes from N(0, temperature^2 I).

    Args:
        count: codes, at least 1. The first ones stay the same when more are asked for.
        latent_dim: L, at least 1.
        temperature: standard deviation. 1 is the prior itself; lower: more typical pictures, less variety; 0: the
            origin every time.
        generator: where the randomness comes from; the same generator state gives the same codes, at any temperature
            in the same directions.

    Returns:
        (count, L) float32, in standard deviations of the prior.

    Raises:
        VAEError: count or latent_dim below 1, or a temperature that is negative or not finite.
    """
    if count < 1 or latent_dim < 1:
        raise VAEError(f"Cannot draw {count} codes of {latent_dim} numbers: ask for at least 1 of each.")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise VAEError(f"The temperature is {temperature}: choose 0 or more (1 is the prior itself).")
    draws = generator.standard_normal((count, latent_dim), dtype=np.float32)
    return draws * np.float32(temperature) + np.float32(0)  # + 0 turns -0.0 into 0.0


# ---- knobs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Knob:
    """One latent dimension as something to turn.

    Attributes:
        dim: which latent dimension, from 0.
        kl: nats it carries per image, on average.
        low, high: the range worth turning, in standard deviations of the prior.
        quantiles: where 5, 25, 50, 75 and 95 % of the images lie (MARKS).
        active: False for a dead dimension, one whose mu hardly depends on the image.
    """

    dim: int
    kl: float
    low: float
    high: float
    quantiles: tuple[float, ...]
    active: bool


def rank_by_kl(kl_per_dim: ArrayLike) -> Rows:
    """Latent dimensions, the one that carries most first (equals: the lower dimension first).

    Args:
        kl_per_dim: (L,) nats, mean over the images.

    Returns:
        (L,) int64, a permutation of 0..L-1.

    Raises:
        VAEError: not (L,), or not finite.
    """
    return np.argsort(-one_code(kl_per_dim, "the KL per dimension"), kind="stable")


def active_units(mu: ArrayLike) -> Mask:
    """Which latent dimensions are in use: Var_x(mu) > 0.01 (Burda 2015).

    Args:
        mu: (N, L), the codes of many images.

    Returns:
        (L,) bool. Its sum is the number of active units.

    Raises:
        VAEError: not (N, L), or not finite.
    """
    return many_codes(mu).var(axis=0, dtype=np.float64) > ACTIVE_VARIANCE


def knob_ranges(mu: ArrayLike, kl_per_dim: ArrayLike, low: float = 0.005, high: float = 0.995) -> tuple[Knob, ...]:
    """A knob for each latent dimension, the strongest first.

    An active knob runs over the codes that images really have, not over a fixed -3 to 3. A dead one says nothing
    about the image: its z was always noise from the prior, so its knob runs over the prior.

    Args:
        mu: (N, L), the codes of many images.
        kl_per_dim: (L,) nats, mean over the images.
        low, high: quantiles of mu at which a knob stops. Wider: rarer images, stranger pictures.

    Returns:
        L knobs in the order of rank_by_kl.

    Raises:
        VAEError: shapes that do not agree, values that are not finite, or not 0 <= low < high <= 1.
    """
    mu, kl = many_codes(mu), one_code(kl_per_dim, "the KL per dimension")
    if len(kl) != mu.shape[1]:
        raise VAEError(f"There are {len(kl)} KL values for codes of {mu.shape[1]} numbers: take both from one model.")
    if not 0 <= low < high <= 1:
        raise VAEError(f"A knob cannot run from quantile {low} to {high}: choose 0 <= low < high <= 1.")
    ends = np.quantile(mu, (low, high), axis=0)  # (2, L)
    marks = np.quantile(mu, MARKS, axis=0)  # (5, L)
    active = active_units(mu)
    knobs = []
    for dim in rank_by_kl(kl).tolist():
        alive = bool(active[dim]) and ends[0, dim] < ends[1, dim]
        start, stop = (float(ends[0, dim]), float(ends[1, dim])) if alive else _prior_range(low, high)
        quantiles = tuple(float(mark) for mark in marks[:, dim])
        knobs.append(Knob(dim, float(kl[dim]), start, stop, quantiles, bool(active[dim])))
    return tuple(knobs)


def _prior_range(low: float, high: float) -> tuple[float, float]:
    """The same quantiles of N(0, 1); the outermost ones lie at infinity, so the tails are cut at 1 in 10,000."""
    normal = NormalDist()
    return normal.inv_cdf(max(low, 1e-4)), normal.inv_cdf(min(high, 1 - 1e-4))
