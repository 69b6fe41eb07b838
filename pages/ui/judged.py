"""What the pages that judge ask for again and again, kept by names and numbers, as `pages.ui.cache` keeps the rest."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from live import own_models, reported
from live import scored as live_scored
from live.engine import ModelEntry, shared
from live.scored import Scored
from pages.ui import cache, seen
from vae.encodings import SPLITS, Encodings
from vae.errors import VAEError
from vae.evaluate.codes.spectrum import Free, Spectrum, free_figures, spectrum
from vae.evaluate.compared import Standings, standings
from vae.evaluate.estimate import Estimate
from vae.evaluate.pictures.between import Between, measure_between
from vae.evaluate.pictures.judge import has_judge
from vae.evaluate.strange.detection import Threshold, caught, threshold
from vae.train.watch import barely_trained_by

Codes = tuple[cache.Code, ...]


def is_point(entry: ModelEntry) -> bool:
    """A plain autoencoder: one code for an image, no spread, no KL."""
    return entry.config.posterior == "point"


def figures(entry: ModelEntry) -> dict[str, Any]:
    """The measured figures of a model's card; {} where there are none."""
    found = entry.card.get("figures")
    named: dict[str, Any] = {name: entry.card[name] for name in ("likelihood", "binarisation") if name in entry.card}
    return named | found if isinstance(found, dict) and found else {}


def figure(entry: ModelEntry, name: str, form: str) -> str:
    """One of them in words, a dash where it was not measured."""
    value = figures(entry).get(name)
    return format(value, form) if isinstance(value, int | float) else "–"


def label(entry: ModelEntry) -> str:
    """What to call a model beside others: its title, with its name where another has the same."""
    alone = sum(other.title == entry.title for other in seen.models()) < 2
    return entry.title if alone else f"{entry.title} ({entry.name})"


def sums(entry: ModelEntry) -> Standings:
    """A model's card as comparisons read it."""
    return standings(label(entry), entry.card | {"figures": figures(entry)}, is_point(entry))


def report(entry: ModelEntry) -> reported.Report:
    """What was measured beyond the card."""
    return reported.report(entry)


@lru_cache(maxsize=64)
def latents(model_id: str, point: bool) -> Spectrum:
    """What each latent of a model carries, over all images that it knows."""
    known = cache.encodings(model_id)
    return spectrum(known.mu, None if point else known.kl_per_dim())


@lru_cache(maxsize=64)
def free(model_id: str) -> Free:
    """What the kept encodings of a model tell without measuring."""
    return free_figures(cache.encodings(model_id))


def barely(entry: ModelEntry) -> str:
    """That a model has hardly been trained, in words; "" where it has, or where its card does not say."""
    return barely_trained_by(entry.card)


def idle(entry: ModelEntry) -> str:
    """Why latents may say little, where that is not its training here; "" where it is."""
    if own_models.is_from_elsewhere(entry):
        return "Look at it with images like those it learned from: of others its codes may say little."
    return barely(entry)


# ---- anomalies -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def scored(model_id: str, name: str, deep: bool) -> Scored:
    """Test images with their scores.

    Args:
        name: of a data set; "" for the model's own.
        deep: every score, of some of them; else what the encodings of its own hold, of all.
    """
    entry, known = cache.by_id(model_id), cache.encodings(model_id)
    if name:
        return live_scored.other(entry, name)
    return live_scored.own(entry, known) if deep else live_scored.kept(entry, known)


def error_map(model_id: str, name: str, row: int) -> tuple[bytes, float]:
    """Where the reconstruction of a test image is off: a PNG file, and by how much at most.

    VAEError: the images are not on this machine, or not this visitor's to see.
    """
    if not seen.may_use(name):
        raise VAEError("Where it is off is not shown: these images are another visitor's, and are no longer shared.")
    return _error_map(model_id, name, row)


@lru_cache(maxsize=256)
def _error_map(model_id: str, name: str, row: int) -> tuple[bytes, float]:
    return live_scored.error_map(cache.by_id(model_id), name, row)


@lru_cache(maxsize=1024)
def code_of(model_id: str, name: str, row: int) -> cache.Code:
    """mu of a test image of any data set."""
    return live_scored.code_of(cache.by_id(model_id), name, row)


picture_of = lru_cache(maxsize=1024)(live_scored.picture_of)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Images of one or two data sets, the strangest first.

    Attributes:
        found: (data set, "test/17", score) of each.
        line: where the strange begin, with its false alarms.
        above: how many of `found` lie above the line.
        caught: the share of the other set's images above it; None without one.
    """

    found: tuple[tuple[str, str, float], ...]
    line: Threshold
    above: int
    caught: Estimate | None


@lru_cache(maxsize=64)
def ranking(model_id: str, score: str, name: str, rate: float) -> Ranking:
    """Rank by a score; `name`: of another data set mixed in, or ""; `rate`: of false alarms that may be."""
    deep = bool(name) or score != live_scored.ERROR
    sides = [scored(model_id, "", deep)] + ([scored(model_id, name, True)] if name else [])
    line = threshold(sides[0].values[score], rate)
    values = np.concatenate([side.values[score] for side in sides])
    names = [(side.data, each) for side in sides for each in side.names]
    found = tuple((*names[place], float(values[place])) for place in live_scored.worst_first(values).tolist())
    above = sum(value > line.value for _, _, value in found)
    return Ranking(found, line, above, caught(sides[1].values[score], line) if name else None)


def rows(found: tuple[int, ...]) -> np.ndarray:
    """Rows of encodings in order, as a group holds them."""
    return np.array(sorted(found), np.int64)


# ---- two models ----------------------------------------------------------------------------------------------------


def partners(entry: ModelEntry) -> tuple[ModelEntry, ...]:
    """Models of the same images whose codes are kept: a plain autoencoder beside a VAE, and codes as long, first."""
    whole = [other for other in seen.models() if other.name != entry.name and other.data == entry.data]
    ours = [other for other in whole if other.shape == entry.shape and shared().has_encodings(other)]

    def far(other: ModelEntry) -> tuple[bool, bool]:
        return (is_point(other) == is_point(entry), other.latent_dim != entry.latent_dim)

    return tuple(sorted(ours, key=far))


@lru_cache(maxsize=64)
def same_images(first: str, second: str, count: int, turn: int) -> tuple[str, ...]:
    """Test images that two models know, a mixed dozen; another `turn`, another one."""
    known = cache.encodings(second)
    wide = cache.some_images(first, 4 * count, turn)
    return tuple(name for name in wide if known.row_of(name) is not None)[:count]


@lru_cache(maxsize=64)
def between(model_id: str) -> Between | None:
    """How much of what a model draws half way between two classes is recognised; None where nobody can judge that."""
    entry, known = cache.by_id(model_id), cache.encodings(model_id)
    tested = known.split == live_scored.TEST
    if known.labels is None or not has_judge(entry.data) or not tested.any():
        return None
    mu, labels = known.mu[tested], known.labels[tested]
    return measure_between(
        mu, labels, lambda z: shared().decode(entry, z), lambda pixels: live_scored.look(entry.data, pixels)
    )


@dataclass(frozen=True)
class Common:
    """What two models both keep.

    Attributes:
        count: images.
        bits: a bit for each image of the first, the lowest first, in base64: 1 where the second keeps it, too. None
            where it keeps them all.
    """

    count: int
    bits: str | None


@lru_cache(maxsize=64)
def in_common(first: str, second: str) -> Common:
    """Which images of one model another keeps, too."""
    one, other = (_numbers(cache.encodings(model_id)) for model_id in (first, second))
    both = np.isin(one, other)
    bits = None if both.all() else base64.b64encode(np.packbits(both, bitorder="little").tobytes()).decode()
    return Common(int(both.sum()), bits)


def _numbers(known: Encodings) -> np.ndarray:
    """One number for each image (N,): its row in the data set, and its split."""
    return known.index.astype(np.int64) * len(SPLITS) + known.split


@dataclass(frozen=True)
class Crossing:
    """From one image to another: the classes of the two, their ids, and each model's codes on its straight way."""

    kinds: tuple[str, str]
    images: tuple[str, str]
    ways: tuple[Codes, Codes]


@lru_cache(maxsize=64)
def crossing(first: str, second: str, turn: int, count: int = 9) -> Crossing | None:
    """The straight ways of two models between the same two images of different classes.

    None: nobody knows the classes, or the two models share no images of them.
    """
    one, other = (cache.encodings(model_id) for model_id in (first, second))
    if one.labels is None or len(one.label_names) < 2:
        return None
    many = len(one.label_names)
    ends = turn % many, (turn + (many + 1) // 2) % many
    known = np.isin(_numbers(one), _numbers(other))
    kept = [np.flatnonzero(known & (one.labels == kind)) for kind in ends]
    if not all(len(rows) for rows in kept):
        return None
    start, end = (one.image_id(rows[turn % len(rows)]) for rows in kept)

    def way(model_id: str) -> Codes:
        return cache.path(cache.code_of(model_id, start), cache.code_of(model_id, end), count, "lerp")

    kinds = one.label_names[ends[0]], one.label_names[ends[1]]
    return Crossing(kinds, (start, end), (way(first), way(second)))


@lru_cache(maxsize=64)
def traversals(model_id: str, code: cache.Code, dims: int = 3, count: int = 7) -> tuple[tuple[int, Codes], ...]:
    """The strongest latents, each turned from its low to its high end, the rest of the code left: (latent, codes)."""
    found = []
    for knob in cache.knobs(model_id)[:dims]:
        low, high = (tuple(end if at == knob.dim else z for at, z in enumerate(code)) for end in (knob.low, knob.high))
        found.append((knob.dim, cache.path(low, high, count, "lerp")))
    return tuple(found)
