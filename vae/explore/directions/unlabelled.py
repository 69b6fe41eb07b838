"""Directions found without labels: where the codes spread, what carries most, what the decoder shows most."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes, one_code

FAINT = 1e-6  # of the largest: what lies below is rounding, not a direction


@dataclass(frozen=True, eq=False)
class Axis:
    """A direction that nobody had to name.

    Attributes:
        vector: (L,) float32, a unit vector; its largest number is positive, so that it is the same each time.
        spread: standard deviation of the images' codes along it, in standard deviations of the prior.
        share: its part of what it was found by, 0 to 1; those of all L sum to 1.
        strength: what it was found by, in its own unit: variance, nats, or the root of the summed squares by which
            the picture changes for a step of 1.
    """

    vector: Floats
    spread: float
    share: float
    strength: float

    @property
    def step(self) -> Floats:
        """(L,) one standard deviation of the images along it."""
        return (self.spread * self.vector.astype(np.float64)).astype(np.float32)


def principal_axes(mu: ArrayLike, count: int = 8) -> tuple[Axis, ...]:
    """Principal axes of the encodings (Pearson 1901), the widest first.

    Args:
        mu: (N, L), the codes of many images.
        count: how many, at least 1; fewer come back where the codes spread in fewer ways.

    Returns:
        Axes at right angles; `share` is that of the variance.

    Raises:
        VAEError: codes that are none, fewer than two, or all the same; a count below 1.
    """
    mu = _many(mu, count)
    variances, vectors = np.linalg.eigh(np.cov(mu, rowvar=False, dtype=np.float64).reshape(mu.shape[1], -1))
    return _strongest(mu, variances, vectors, variances, count)


def kl_axes(mu: ArrayLike, kl_per_dim: ArrayLike, count: int = 8) -> tuple[Axis, ...]:
    """The latent dimensions themselves, the one that carries most first.

    Args:
        mu: (N, L), the codes of many images.
        kl_per_dim: (L,) nats, mean over the images; of a plain autoencoder, what stands in for it.
        count: how many, at least 1; dead dimensions are left out.

    Returns:
        Unit vectors along the axes; `share` is that of the KL.

    Raises:
        VAEError: as `principal_axes`, or not one KL for each dimension.
    """
    mu, kl = _many(mu, count), one_code(kl_per_dim, "the KL per dimension").astype(np.float64)
    if len(kl) != mu.shape[1]:
        raise VAEError(f"There are {len(kl)} KL values for codes of {mu.shape[1]} numbers: take both from one model.")
    return _strongest(mu, kl.clip(min=0), np.eye(len(kl)), kl, count)


def visible_axes(mu: ArrayLike, metric: ArrayLike, count: int = 8) -> tuple[Axis, ...]:
    """What the decoder shows most of: leading right singular vectors of its Jacobian J, from the metric J^T J.

    At one code these are its singular vectors there (Ramesh et al. 2018, "A spectral regularizer", section 2); from the
    mean of J^T J over many codes, those of all these Jacobians stacked.

    Args:
        mu: (N, L), the codes of many images: how far they reach along each axis.
        metric: (L, L) symmetric, squared change of the picture for a squared step.
        count: how many, at least 1; fewer come back where the decoder shows fewer.

    Returns:
        Axes at right angles, the most visible first; `share` is that of the squared change, `strength` the singular
        value.

    Raises:
        VAEError: as `principal_axes`, a metric of another size, or one that is zero: the decoder shows nothing.
    """
    mu, metric = _many(mu, count), np.asarray(many_codes(metric, "the metric"), np.float64)
    if metric.shape != (mu.shape[1], mu.shape[1]):
        raise VAEError(f"The metric is {metric.shape} for codes of {mu.shape[1]} numbers: take both from one model.")
    squares, vectors = np.linalg.eigh((metric + metric.T) / 2)
    if squares[-1] <= 0:
        raise VAEError("The decoder draws the same picture whatever the code: there is no direction to see.")
    return _strongest(mu, squares, vectors, np.sqrt(squares.clip(min=0)), count)


def _many(mu: ArrayLike, count: int) -> Floats:
    mu = many_codes(mu)
    if count < 1:
        raise VAEError(f"Cannot find {count} directions: ask for at least 1.")
    if len(mu) < 2:
        raise VAEError("One image has no directions of its own: take a model with more.")
    if np.ptp(mu, axis=0).max() <= FAINT * max(1.0, float(np.abs(mu).max())):
        raise VAEError(
            "The codes of all images are the same, so no direction sets them apart: train with a smaller beta."
        )
    return mu


def _strongest(
    mu: Floats, found: np.ndarray, vectors: np.ndarray, strengths: np.ndarray, count: int
) -> tuple[Axis, ...]:
    """The columns of `vectors` (L, L) by what they were `found` by (L,), the largest first, the faint left out."""
    axes = []
    for place in np.argsort(-found, kind="stable")[:count].tolist():
        if found[place] <= FAINT * found.max():
            break
        vector = _turned(vectors[:, place])
        spread = float((mu.astype(np.float64) @ vector).std(ddof=1))
        share = float(found[place] / found.clip(min=0).sum())
        axes.append(Axis(vector.astype(np.float32), spread, share, float(strengths[place])))
    return tuple(axes)


def _turned(vector: np.ndarray) -> np.ndarray:
    """The unit vector or its opposite: of both, the one whose largest number is positive."""
    largest = np.argmax(np.abs(vector) > np.abs(vector).max() * (1 - 1e-6))  # the first of equals
    return vector * np.sign(vector[largest])


def grey_levels(axis: Axis, pixels: int) -> float:
    """How much one spread along a visible axis changes a pixel, of 255 grey levels: root mean square over the picture.

    Args:
        axis: of `visible_axes`.
        pixels: D, pixels times channels.
    """
    return float(255 * axis.spread * axis.strength / np.sqrt(pixels))
