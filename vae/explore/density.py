"""How unusual a code is. A decoder draws something for any code, so its picture alone does not tell.

Two questions, each answered by rank among images that the model did not learn from (the held-out ones):

* Is the code **far from every image** the model learned from? The distance to its second nearest encoding; the second,
  because an image of the training set is its own nearest and should read as its neighbours see it. Whitened, weighted
  by the spread of the posterior, or compared with that of its neighbours only, it was not better for every model.
* Is it **closer to the average code** than images are? In many dimensions nearly nobody is average: codes lie in a
  shell around a middle that is empty (the "typical set", Nalisnick 2019), yet the middle is near to all of them, and
  its picture is smooth. The distance to the mean encoding tells.

Dead dimensions (Burda 2015) are left out of both: the decoder ignores them, so moving along one changes nothing.
A code that reads as usual can still be wrong: where a data set fills its few dimensions there is hardly a place far
from it. `benchmarks/live.md` has what this finds and what it misses, model by model.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, Mask, many_codes
from vae.explore.latents import active_units

REFERENCE = 65_536  # training encodings looked at: 0.1 ms a code, 8 MB for codes of 16 numbers
CALIBRATION = 4_096  # held-out images ranked against: the 97.5th of 100 is then known to half of one
TAIL = 2.5  # percent on either side that read as unusual

_LEAST_HELD_OUT = 40  # with fewer, one image is more than a fortieth: 2.5 of 100 cannot be told
_BLOCK = 64  # codes asked about at once: 16 MB of distances
_FAR = 1e6  # beyond it all codes are as strange, and squares stay finite


@dataclass(frozen=True)
class Unusual:
    """What is said of one code.

    Attributes:
        percentile: 0 to 100. Above 97.5: the share of real images that lie nearer to those the model learned from.
            Below 2.5: the share that lie closer to the average code. Between: as the first, and usual.
        usual: 2.5 <= percentile <= 97.5.
        sentence: the same in plain words.
    """

    percentile: float
    usual: bool
    sentence: str


@dataclass(frozen=True, eq=False)
class Density:
    """Where the images of a model live, ready to be asked. Built by `fit_density`.

    Attributes:
        reference: (M, A) float32, encodings of training images in the active dimensions, their mean taken off.
        mean: (L,) float32, the average code.
        active: (L,) bool, the A dimensions that count.
        calibration: (K,) float32, how far held-out images lie from the reference, the smallest first.
        lengths: (K,) float32, how far they lie from the average code, the smallest first.

    Raises:
        VAEError: shapes that do not agree, or nothing to compare with.
    """

    reference: Floats
    mean: Floats
    active: Mask
    calibration: Floats
    lengths: Floats

    def __post_init__(self) -> None:
        if self.reference.shape[1:] != (self.active.sum(),) or self.mean.shape != self.active.shape:
            raise VAEError(f"A reference of {self.reference.shape} does not go with {self.active.sum()} dimensions.")
        if self.calibration.shape != self.lengths.shape or not self.calibration.size:
            raise VAEError("How unusual a code is needs held-out images to compare with: give at least one.")

    @property
    def compared(self) -> str:
        """What a code is compared with, for where there is room to say so."""
        return f"Compared with {len(self.calibration):,} images the model did not learn from."

    @cached_property
    def _table(self) -> Floats:
        """(A + 1, M): with (-2z, 1) before it, |r|^2 - 2 r.z for all of the reference in one product."""
        squared = (self.reference**2).sum(axis=1, keepdims=True)
        return np.ascontiguousarray(np.concatenate([self.reference, squared], axis=1).T)


def fit_density(mu: ArrayLike, split: ArrayLike, *, generator: np.random.Generator) -> Density:
    """Learn where a model's images live. Takes about a quarter of a second for 70,000 codes of 16 numbers.

    Args:
        mu: (N, L), the codes of the images.
        split: (N,), 0 for images the model learned from, else held out. With fewer than 40 held out, a fifth of all
            images (of 200 or fewer: 40, at most half) is left out instead. The model knows these, so others will seem
            a little stranger than they are.
        generator: chooses among more than 65,536 training and 4,096 held-out images; the same gives the same answers.

    Raises:
        VAEError: shapes that do not agree, values that are not finite, or fewer than 5 images.
    """
    mu, split = many_codes(mu), np.asarray(split)
    if split.shape != (len(mu),):
        raise VAEError(f"{len(mu)} codes need one split each, and there are {split.shape}: encode the data again.")
    if len(mu) < 5:
        raise VAEError(f"{len(mu)} images are too few to say what is unusual: encode at least 5.")
    train, held_out = np.flatnonzero(split == 0), np.flatnonzero(split != 0)
    if len(held_out) < _LEAST_HELD_OUT or len(train) < _LEAST_HELD_OUT:
        left_out = max(len(mu) // 5, min(_LEAST_HELD_OUT, len(mu) // 2))
        held_out, train = np.split(generator.permutation(len(mu)), [left_out])
    train = _some(train, REFERENCE, generator)
    held_out = _some(held_out, CALIBRATION, generator)

    active = active_units(mu[train])  # none in a model that tells nothing apart: there every code is as usual
    mean = mu[train].mean(axis=0, dtype=np.float64).astype(np.float32)
    reference = np.ascontiguousarray((mu[train] - mean)[:, active])
    nobody = np.zeros(1, np.float32)
    blank = Density(reference, mean, active, nobody, nobody)  # only to measure with
    distances, lengths = _measure(blank, mu[held_out])
    return Density(reference, mean, active, np.sort(distances), np.sort(lengths))


def unusual(density: Density, z: ArrayLike) -> tuple[Unusual, ...]:
    """How unusual each code is among real images. About 0.1 ms for one code of 16 numbers.

    Args:
        density: of the model the codes belong to.
        z: (B, L).

    Returns:
        B answers.

    Raises:
        VAEError: codes of another length, or not finite.
    """
    z = many_codes(z)
    if z.shape[1] != len(density.mean):
        raise VAEError(f"The code has {z.shape[1]} numbers and the images' have {len(density.mean)}: use one model.")
    distances, lengths = _measure(density, z)
    further = np.searchsorted(density.calibration, distances).tolist()
    closer = np.searchsorted(density.lengths, lengths, side="right").tolist()
    return tuple(_say(*counts, len(density.calibration)) for counts in zip(further, closer, strict=True))


def _some(rows: np.ndarray, most: int, generator: np.random.Generator) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(generator.choice(rows, most, replace=False))


def _measure(density: Density, z: Floats) -> tuple[Floats, Floats]:
    """(distance to the second nearest of the reference, distance to the average code) of each code, (B,) each."""
    asked = (z.clip(-_FAR, _FAR) - density.mean)[:, density.active]  # (B, A)
    distances = np.empty(len(z), np.float32)
    for start in range(0, len(z), _BLOCK):
        block = asked[start : start + _BLOCK]
        with_one = np.concatenate([-2 * block, np.ones((len(block), 1), np.float32)], axis=1)
        rough = with_one @ density._table  # (b, M), short of |z|^2, which changes no order
        each = np.arange(len(block))
        for _ in range(min(2, rough.shape[1])):
            near = rough.argmin(axis=1)
            rough[each, near] = np.inf
        # The differences themselves: the product has lost the last digits of a small distance.
        distances[start : start + _BLOCK] = np.linalg.norm(density.reference[near] - block, axis=1)
    return distances, np.linalg.norm(asked, axis=1)


def _say(further: int, closer: int, count: int) -> Unusual:
    """In words: of `count` real images `further` lie nearer to the reference, and `closer` as near to the average."""
    strange, plain = 100 * further / count, 100 * closer / count
    everybody = f"all of the {count:,} real images it was compared with"
    if strange > 100 - TAIL:
        many = everybody if further == count else f"{int(strange)} of 100 real images"
        return Unusual(strange, False, f"Stranger than {many}.")
    if plain < TAIL:
        if closer == 0:
            return Unusual(plain, False, f"Closer to the average than {everybody}: none looks quite like this.")
        return Unusual(
            plain, False, f"Closer to the average than {int(100 - plain)} of 100 real images: few look like this."
        )
    share = max(strange, TAIL)  # very near to known images is as usual as can be
    if share >= 75:
        return Unusual(share, True, f"Stranger than {int(share)} of 100 real images, which is still usual.")
    return Unusual(share, True, "About as usual as most real images.")
