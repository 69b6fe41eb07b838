"""Two groups of pictures that a direction is asked of, and what comes of it: kept by names and numbers."""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pages.ui import cache
from vae.errors import VAEError
from vae.explore.directions.condition import images_where
from vae.explore.directions.confounded import Confounder, confounders
from vae.explore.directions.evidence import Evidence, measure_evidence
from vae.explore.directions.found import ESTIMATORS, Direction, measured_direction
from vae.explore.directions.groups import Groups, picked_groups
from vae.explore.directions.lock import locked, without


@dataclass(frozen=True)
class Asked:
    """Two groups of a model's images, the estimator, and the attributes to keep fixed.

    Attributes:
        kind: "attribute:smile" or "label:3"; "" where the groups are rows of their own.
        rows: of the positive and the negative group, int64 as bytes.
        names: of such groups, the positive one first.
        estimator: a name of ESTIMATORS. fixed: attributes that are locked.
        step: the direction itself, where all others were locked by looking at pictures; () otherwise.
    """

    kind: str = ""
    rows: tuple[bytes, bytes] = (b"", b"")
    names: tuple[str, str] = ("", "")
    estimator: str = "difference"
    fixed: tuple[str, ...] = ()
    step: cache.Code = ()


def fixed_words(asked: Asked) -> str:
    """ "hat fixed", "4 fixed", "all others fixed"; "" where nothing is."""
    if asked.step:
        return "all others fixed"
    if len(asked.fixed) > 2:
        return f"{len(asked.fixed)} fixed"
    return f"{' and '.join(asked.fixed)} fixed".replace("_", " ") if asked.fixed else ""


def as_rows(rows: np.ndarray) -> bytes:
    return np.asarray(rows, np.int64).tobytes()


@lru_cache(maxsize=64)
def groups(model_id: str, asked: Asked) -> Groups:
    """The two groups. VAEError: too small, or overlapping."""
    if asked.kind:
        return cache.groups(model_id, asked.kind)
    mine, others = (np.frombuffer(rows, np.int64) for rows in asked.rows)
    return picked_groups(mine, others, len(cache.encodings(model_id)), asked.names)


@lru_cache(maxsize=128)
def direction(model_id: str, asked: Asked) -> Direction:
    """What leads from the negative group to the positive one. VAEError: nothing does, or nothing is left of it."""
    known, found = cache.encodings(model_id), groups(model_id, asked)
    if asked.step:
        return measured_direction(asked.step, found)
    if not asked.fixed or known.attributes is None:
        return ESTIMATORS[asked.estimator](known.mu, found)
    return locked(known.mu, found, known.attributes, known.attribute_names, asked.fixed, asked.estimator)


@lru_cache(maxsize=128)
def evidence(model_id: str, asked: Asked) -> Evidence:
    """How far to trust it; with attributes locked, in codes without what those do to them."""
    known, found = cache.encodings(model_id), groups(model_id, asked)
    mu = known.mu
    if asked.fixed and known.attributes is not None:
        mu = without(mu, found, known.attributes, known.attribute_names, asked.fixed)
    return measure_evidence(mu, found, asked.estimator)


@lru_cache(maxsize=128)
def comes_along(model_id: str, asked: Asked) -> tuple[Confounder, ...]:
    """Other attributes that the groups differ in, without those that the groups are about."""
    own = differ_in(model_id, asked)
    return tuple(one for one in _differing(model_id, asked) if one.name not in own)


@lru_cache(maxsize=128)
def differ_in(model_id: str, asked: Asked) -> tuple[str, ...]:
    """What groups are about, of the attributes that they differ in: named with them, or separating them completely."""
    said = "" if asked.kind else _plain(" ".join(asked.names))
    return tuple(
        one.name for one in _differing(model_id, asked) if one.whole or f" {_plain(one.name).strip()} " in said
    )


@lru_cache(maxsize=128)
def _differing(model_id: str, asked: Asked) -> tuple[Confounder, ...]:
    known = cache.encodings(model_id)
    if known.attributes is None:
        return ()
    return confounders(groups(model_id, asked), known.attributes, known.attribute_names, about(asked))


def _plain(words: str) -> str:
    """Words in small letters, a space around each: "Smile>0.7 and not long_hair" names " long hair "."""
    return " " + " ".join(re.findall(r"[^\W_]+", words.lower())) + " "


def about(asked: Asked) -> tuple[str, ...]:
    """The attribute that the groups are about, if any: it cannot be locked."""
    return (asked.kind.partition(":")[2],) if asked.kind.startswith("attribute:") else ()


@lru_cache(maxsize=16)
def attribute_directions(model_id: str) -> tuple[tuple[str, Direction], ...]:
    """(attribute, its difference of means), of all that have one."""
    found = []
    for name in cache.encodings(model_id).attribute_names:
        with suppress(VAEError):
            found.append((name, cache.direction(model_id, f"attribute:{name}")))
    return tuple(found)


def cosines(model_id: str, vector: cache.Code) -> dict[str, float]:
    """The cosine of a unit vector with the direction of each attribute: 1 is the same, 0 has nothing to do with it."""
    unit = np.asarray(vector)
    return {name: float(unit @ other.vector) for name, other in attribute_directions(model_id)}


@lru_cache(maxsize=128)
def rows_where(model_id: str, text: str) -> bytes:
    """Rows of the images for which a typed condition holds. VAEError: it cannot be read, or holds for none."""
    known = cache.encodings(model_id)
    columns: dict[str, np.ndarray] = {}
    if known.labels is not None:
        columns |= {name: (known.labels == place).astype(np.float32) for place, name in enumerate(known.label_names)}
    if known.attributes is not None:
        columns |= dict(zip(known.attribute_names, known.attributes.T, strict=True))
    if not columns:
        raise VAEError("This model's data know no labels and no attributes to ask for: pick pictures by hand.")
    found = np.flatnonzero(images_where(text, columns))
    if not len(found):
        raise VAEError(f"The condition “{text}” holds for no image: ask for less.")
    return as_rows(found)


def complement(model_id: str, rows: bytes) -> bytes:
    """Rows of all the other images."""
    others = np.ones(len(cache.encodings(model_id)), bool)
    others[np.frombuffer(rows, np.int64)] = False
    return as_rows(np.flatnonzero(others))
