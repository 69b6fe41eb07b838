"""What do these codes know? How well each thing that is known of the images can be read off their codes.

Labels, attributes, every column that came along with data of a person's own, and what can be measured on any image:
each is read off the whole code by a line and by neighbours, off its best single number, and off codes that were dealt
out anew, which is chance. What is fitted is fitted on training images; what is said is of test images.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from vae.batches import as_x, stored
from vae.checkpoint import Checkpoint
from vae.data.images import Images
from vae.errors import VAEError
from vae.evaluate.codes.columns import FEWEST, Column, pairs_of
from vae.evaluate.codes.probes import linear_guesses
from vae.evaluate.estimate import RESAMPLES, Estimate, bootstrapped, share
from vae.evaluate.figures import NEIGHBOURS, Stage, knn_labels
from vae.evaluate.strange.strangeness import nearest

LIMIT, TESTED = 4_000, 2_000  # training and test images at most: seconds, and intervals of two points
DEALT = 3  # times that what is known is dealt out anew, for chance
BATCH = 512
BINS, FULL = 20, 25  # parts a single number is cut into at most, and images that each of them should have
WELL, SOME = 0.6, 0.2  # of what there is to know beyond chance
ALONE = 0.8  # of what the whole code tells: then one number tells it
HOW = {  # what is said of things by how well they are told
    "well": "They tell {} well.",
    "partly": "They tell {} in part.",
    "hardly": "They hardly tell {}.",
    "not": "They tell nothing of {}.",
}
ACCURACY, VARIANCE = "accuracy", "R2"


@dataclass(frozen=True)
class Told:
    """How well one thing is read off the codes.

    Attributes:
        name, kind: as of `Column`. measure: "accuracy", or "R2", the share of variance (0 as good as the mean).
        line, near: off the whole code, by a line and by the 5 nearest. single: off the number `best` alone.
        chance: off codes dealt out anew, the best of a few deals.
        train, test: images behind it.
    """

    name: str
    kind: str
    measure: str
    line: Estimate
    near: Estimate
    best: int
    single: Estimate
    chance: float
    train: int
    test: int

    @property
    def whole(self) -> Estimate:
        """The better of line and neighbours."""
        return max(self.line, self.near, key=lambda one: one.value)

    def gain(self, score: Estimate) -> float:
        """Of what there is to know beyond chance, how much a score is: 0 nothing, 1 all; 0 where chance may do it."""
        floor = max(self.chance, 0.0)
        return max(0.0, (score.value - floor) / (1 - floor)) if score.low > floor and floor < 1 else 0.0

    @property
    def said(self) -> str:
        """Its name in a sentence."""
        return "the label" if self.kind == "label" else self.name

    @property
    def how(self) -> str:
        """ "well", "partly", "hardly" or "not"."""
        gain = self.gain(self.whole)
        return "well" if gain >= WELL else "partly" if gain >= SOME else "hardly" if gain > 0 else "not"

    @property
    def alone(self) -> bool:
        """Whether one number tells nearly all that the whole code does."""
        whole = self.gain(self.whole)
        return whole >= SOME and self.gain(self.single) >= ALONE * whole


@dataclass(frozen=True)
class Knows:
    """What `measure_columns` found; `left_out` are (name, why)."""

    told: tuple[Told, ...]
    left_out: tuple[tuple[str, str], ...]
    numbers: int
    train: int
    test: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same in plain words."""
        found = []
        for how, words in HOW.items():
            if names := [one.said for one in self.told if one.how == how]:
                found.append(words.format(_listed(names)))
        found[:1] = [first.replace("They", "These codes", 1) for first in found[:1]]
        if alone := [f"{one.said} (dimension {one.best})" for one in self.told if one.alone]:
            found.append(f"One dimension alone tells nearly as much of {_listed(alone)}.")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal: a table, then what it says in words."""
        rows = [("", "by a line", f"by {NEIGHBOURS} neighbours", "best single dimension", "chance")]
        for one in self.told:
            single = f"{phrase(one.single, one.measure)}, dimension {one.best}"
            cells = (phrase(one.line, one.measure), phrase(one.near, one.measure), single)
            rows.append((one.name, *cells, figure(one.chance, one.measure)))
        wide = [max(len(row[at]) for row in rows) for at in range(5)]
        said = ["  ".join(f"{cell:<{size}}" for cell, size in zip(row, wide, strict=True)).rstrip() for row in rows]
        said.append(f"images  {self.train:,} to fit, {self.test:,} to score")
        return [*said, *self.sentences, *(f"Left out: {name} ({why})." for name, why in self.left_out)]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def figure(value: float, measure: str) -> str:
    """ "95.6%" of what is read rightly, "0.83" of variance."""
    return f"{100 * value:.1f}%" if measure == ACCURACY else f"{round(value, 2) + 0.0:.2f}"


def phrase(score: Estimate, measure: str) -> str:
    """The same with its interval: "95.6% (94.9 to 96.2)"."""
    low, high = (figure(value, measure).removesuffix("%") for value in (score.low, score.high))
    return f"{figure(score.value, measure)} ({low} to {high})"


def read_knows(kept: Any) -> Knows | None:
    """What was kept by `to_json`; None of anything else."""
    if not isinstance(kept, Mapping):
        return None
    try:
        told = tuple(
            Told(
                str(one["name"]),
                str(one["kind"]),
                str(one["measure"]),
                _estimate(one["line"]),
                _estimate(one["near"]),
                int(one["best"]),
                _estimate(one["single"]),
                float(one["chance"]),
                int(one["train"]),
                int(one["test"]),
            )
            for one in kept["told"]
        )
        left = tuple((str(name), str(why)) for name, why in kept["left_out"])
        return Knows(told, left, *(int(kept[name]) for name in ("numbers", "train", "test")))
    except (KeyError, TypeError, ValueError, OverflowError, VAEError):
        return None


def _estimate(kept: Any) -> Estimate:
    found = Estimate(*(float(kept[name]) for name in ("value", "low", "high")))
    if not all(map(math.isfinite, (found.value, found.low, found.high))):
        raise ValueError("no finite figure")
    return found


# ---- measuring -----------------------------------------------------------------------------------------------------


def measure_columns(
    model: Checkpoint,
    train: Images,
    test: Images,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
    limit: int = LIMIT,
    tested: int = TESTED,
) -> Knows:
    """Read everything that is known of the images off their codes (mu).

    The line is a logistic regression of classes and a ridge regression of numbers, on standardised codes. A single
    number is cut into up to 20 parts, each of which says the commonest class, or the mean, of its training images; the
    number that does best on training images is the one that is scored.

    Args:
        seed: chooses the images and deals them out. limit, tested: images at most. More: narrower intervals, longer.

    Raises:
        VAEError: too few images.
    """
    if min(len(train), len(test)) < FEWEST:
        raise VAEError(f"What codes know is measured on at least {FEWEST} images to train and to test: give more.")
    generator = np.random.default_rng(seed)
    some = (np.sort(generator.permutation(len(images))[:most]) for images, most in ((train, limit), (test, tested)))
    train, test = (images.take(rows) for images, rows in zip((train, test), some, strict=True))
    codes = [_codes(model, images, stage("encoding")) for images in (train, test)]
    pairs, left_out = pairs_of(train, test)
    progress = stage("reading the codes")
    told: list[Told] = []
    for done, (known, asked) in enumerate(pairs, start=1):
        told.append(_told(known, asked, codes[0], codes[1], generator))
        progress(done, len(pairs))
    return Knows(tuple(told), tuple(left_out), model.config.latent_dim, len(train), len(test))


@torch.inference_mode()
def _codes(model: Checkpoint, images: Images, progress: Callable[[int, int], None]) -> np.ndarray:
    """mu (N, L) float64. Nothing is decoded: that would take most of the time."""
    device, found = next(model.vae.parameters()).device, []
    pixels = stored(images)
    for start in range(0, len(images), BATCH):
        found.append(model.vae.encode(as_x(pixels[start : start + BATCH].to(device))).mode().cpu())
        progress(min(start + BATCH, len(images)), len(images))
    return torch.cat(found).double().numpy()


def _told(known: Column, asked: Column, fitted: np.ndarray, codes: np.ndarray, generator: np.random.Generator) -> Told:
    """One thing, from codes (N, L) and (M, L)."""
    rows, places = known.known, asked.known
    values, truth, fitted, codes = known.values[rows], asked.values[places], fitted[rows], codes[places]
    near: np.ndarray
    if known.classes:
        near = knn_labels(fitted, values, codes)
    else:
        near = values[nearest(fitted, codes, NEIGHBOURS)].mean(axis=1)
    best, single = _single(fitted, values, codes)
    chance = []
    for _ in range(DEALT):
        dealt = generator.permutation(values)
        guesses = _by_line(fitted, dealt, codes), _single(fitted, dealt, codes)[1]
        chance += [_score(guess, truth, None).value for guess in guesses]
    scored = [_score(guess, truth, generator) for guess in (_by_line(fitted, values, codes), near, single)]
    measure = ACCURACY if known.classes else VARIANCE
    line, neighbours, alone = scored
    return Told(known.name, known.kind, measure, line, neighbours, best, alone, max(chance), len(values), len(truth))


def _by_line(fitted: np.ndarray, values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    guesses = linear_guesses(fitted, values, codes, flows=values.ndim == 2)
    return guesses.reshape(len(codes), *values.shape[1:])  # of one column scikit-learn gives a row


def _single(fitted: np.ndarray, values: np.ndarray, codes: np.ndarray) -> tuple[int, np.ndarray]:
    """The one number (of L) that tells most of `values` on training images, and what it says of others."""
    bins = max(2, min(BINS, len(fitted) // FULL))
    told = np.eye(int(values.max()) + 1)[values] if values.ndim == 1 else values  # (N, classes), counted; or (N, k)
    best, most, guesses = 0, -np.inf, np.empty(0)
    for dim in range(fitted.shape[1]):
        edges = np.unique(np.quantile(fitted[:, dim], np.arange(1, bins) / bins))
        part, asked = (np.searchsorted(edges, side[:, dim], side="right") for side in (fitted, codes))
        sums = np.zeros((len(edges) + 1, told.shape[1]))
        np.add.at(sums, part, told)
        counts = np.bincount(part, minlength=len(sums))[:, None]
        if values.ndim == 1:
            sums[counts[:, 0] == 0] = told.sum(axis=0)  # a part with nobody in it says what is commonest
            says: np.ndarray = sums.argmax(axis=1)
            score = float((says[part] == values).mean())
        else:
            says = np.where(counts > 0, sums / np.maximum(counts, 1), told.mean(axis=0))
            score = -float(np.square(says[part] - values).sum())
        if score > most:
            best, most, guesses = dim, score, says[asked]
    return best, guesses


def _score(guesses: np.ndarray, truth: np.ndarray, generator: np.random.Generator | None) -> Estimate:
    """Accuracy with Wilson's interval, or R2 with a bootstrapped one; without a generator the value alone."""
    assert guesses.shape == truth.shape
    if truth.ndim == 1:
        return share(int((guesses == truth).sum()), len(truth))
    squared = np.square(guesses - truth).sum(axis=1)  # (M,)
    value = _r2(squared, truth, np.ones((1, len(truth))))[0]
    if generator is None:
        return Estimate(value, value, value)
    times = generator.multinomial(len(truth), np.full(len(truth), 1 / len(truth)), RESAMPLES)  # (B, M)
    return bootstrapped(value, _r2(squared, truth, times))


def _r2(squared: np.ndarray, truth: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(B,) of images counted `times` (B, M): 1 - what is left over what there was."""
    count = times.sum(axis=1)
    there = times @ np.square(truth).sum(axis=1) - np.square(times @ truth).sum(axis=1) / count
    found: np.ndarray = 1 - (times @ squared) / np.maximum(there, 1e-12)
    return found
