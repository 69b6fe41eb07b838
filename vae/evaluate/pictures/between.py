"""The hole between the clusters: does what a model draws between images look like anything?

A plain autoencoder is only ever asked to decode the codes of images, and nothing holds these near N(0, I). A VAE
decodes a cloud around each image, and the KL draws the clouds towards N(0, I). What that comes to is measured, not
presumed: half way between two codes says little where classes touch.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vae.errors import VAEError
from vae.evaluate.estimate import Estimate, share

POINTS = 1000
BATCH = 250  # codes decoded in one go: a server has other things to answer

Decode = Callable[[np.ndarray], np.ndarray]  # codes (N, L) to pictures (N, ...)
Look = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]  # pictures to: recognised (N,) bool, likeliest class (N,)


@dataclass(frozen=True)
class Between:
    """What was recognised of the pictures that a model draws.

    Attributes:
        halfway: share of codes half way between two images of different classes.
        prior: of codes drawn from N(0, I).
        at: of the codes of the same images: what the model can draw at best.
        kinds: how many classes the pictures from N(0, I) are spread over: the exponential of the entropy of their
            likeliest classes (Hill 1973, order 1). All alike: 1; evenly spread: as many as there are.
        classes: of the images.
        points: pictures behind each share.
    """

    halfway: Estimate
    prior: Estimate
    at: Estimate
    kinds: float
    classes: int
    points: int


def measure_between(
    mu: np.ndarray, labels: np.ndarray, decode: Decode, look: Look, *, points: int = POINTS, seed: int = 0
) -> Between:
    """How many of the pictures that belong to no image are recognised: half way between two classes, and anywhere.

    Args:
        mu: (N, L), the codes of images. labels: (N,), their classes.
        look: a judge's verdict on pictures.
        points: pairs of images. More: a narrower interval, longer.
        seed: of the choice of pairs; two models asked about the same images get the same pairs.

    Raises:
        VAEError: fewer than two classes.
    """
    known = np.unique(labels)
    if len(known) < 2:
        raise VAEError("To look between the classes of a data set it needs two of them at least.")
    generator = np.random.default_rng(seed)
    first = generator.integers(len(mu), size=points)
    second = first.copy()
    while len(alike := np.flatnonzero(labels[first] == labels[second])):
        second[alike] = generator.integers(len(mu), size=len(alike))
    halfway, _ = _seen((mu[first] + mu[second]) / 2, decode, look)
    at, _ = _seen(mu[first], decode, look)
    drawn = generator.standard_normal((points, mu.shape[1])).astype(np.float32)
    prior, kinds = _seen(drawn, decode, look)
    return Between(halfway, prior, at, kinds, len(known), points)


def contrast(one: str, a: Between, other: str, b: Between) -> tuple[str, ...]:
    """Two models' figures in words, a sentence for each question, whichever of them comes out ahead.

    Args:
        one, other: what to call them.
    """
    said = []
    for where, of_a, of_b in (("Half way", a.halfway, b.halfway), ("From N(0, I)", a.prior, b.prior)):
        both = f"{of_a.value:.1%} and {of_b.value:.1%}"
        if of_a.low <= of_b.high and of_b.low <= of_a.high:
            said.append(f"{where}, neither is clearly ahead: {both} are recognised, and their intervals overlap.")
        else:
            (more, high), (_, low) = sorted([(one, of_a), (other, of_b)], key=lambda pair: -pair[1].value)
            said.append(
                f"{where}, what “{more}” draws is recognised more often: {high.value:.1%} against {low.value:.1%}."
            )
    said.append(
        f"Draws of N(0, I) are spread over {a.kinds:.1f} of {a.classes} kinds by “{one}”, "
        f"over {b.kinds:.1f} by “{other}”."
    )
    return tuple(said)


def _seen(codes: np.ndarray, decode: Decode, look: Look) -> tuple[Estimate, float]:
    """(share that is recognised, how many classes they are spread over)."""
    parts = [look(decode(codes[start : start + BATCH])) for start in range(0, len(codes), BATCH)]
    recognised, classes = (np.concatenate(column) for column in zip(*parts, strict=True))
    shares = np.unique(classes, return_counts=True)[1] / len(classes)
    kinds = float(np.exp(-(shares * np.log(shares)).sum()))
    return share(int(np.count_nonzero(recognised)), len(codes)), kinds
