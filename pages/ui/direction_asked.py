"""What a direction is asked of, and what comes of it: kept by names and numbers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from pages.ui import cache
from vae.errors import VAEError
from vae.explore.directions import named
from vae.explore.directions.balance import Kinds, kinds_in
from vae.explore.directions.confounded import Confounder, confounders
from vae.explore.directions.evidence import Evidence, measure_evidence
from vae.explore.directions.found import ESTIMATORS, Direction, difference, measured_direction, regression
from vae.explore.directions.groups import Groups, picked_groups
from vae.explore.directions.lock import across, covariance_of, locked, refuse_if_gone, without
from vae.explore.directions.number import NumberEvidence, number_evidence
from vae.explore.directions.reading import FAINT, Reading, reading_of

NUMBER = "regression"  # the estimator of attributes that are numbers
CLASS = "class"  # what labels are called where an attribute can be meant, too


@dataclass(frozen=True)
class Asked:
    """Two groups of a model's images, the estimator, and what to keep fixed.

    Attributes:
        kind: "attribute:smile" or "label:3"; "" where the groups are rows of their own.
        rows: of the positive and the negative group, int64 as bytes.
        names: of such groups, the positive one first.
        estimator: a name of ESTIMATORS, or NUMBER.
        fixed: attributes that are locked.
        step: the direction itself, where all others were locked by looking at pictures; () otherwise.
        kinds: attributes, or CLASS, of which each kind counts the same.
        apart: names and unit vectors of directions to stay at right angles to.
    """

    kind: str = ""
    rows: tuple[bytes, bytes] = (b"", b"")
    names: tuple[str, str] = ("", "")
    estimator: str = "difference"
    fixed: tuple[str, ...] = ()
    step: cache.Code = ()
    kinds: tuple[str, ...] = ()
    apart: tuple[tuple[str, cache.Code], ...] = ()

    @property
    def unlocked(self) -> "Asked":
        """The same with nothing kept fixed."""
        return replace(self, fixed=(), step=(), apart=())

    @property
    def held(self) -> tuple[str, ...]:
        """Names of all that is kept fixed one by one."""
        return (*self.fixed, *(name for name, _ in self.apart))


def fixed_words(asked: Asked) -> str:
    """ "hat fixed", "4 fixed", "all others fixed", "by kinds of hat"; "" where nothing is."""
    said = []
    if asked.step:
        said.append("all others fixed")
    elif len(asked.held) > 2:
        said.append(f"{len(asked.held)} fixed")
    elif asked.held:
        said.append(f"{' and '.join(asked.held)} fixed".replace("_", " "))
    if asked.kinds:
        said.append(f"by kinds of {' and '.join(asked.kinds)}".replace("_", " "))
    return ", ".join(said)


def as_rows(rows: np.ndarray) -> bytes:
    return np.asarray(rows, np.int64).tobytes()


@lru_cache(maxsize=32)
def numbers(model_id: str) -> tuple[str, ...]:
    """Attributes that are numbers: neither there nor not there, but more or less."""
    known = cache.encodings(model_id)
    if known.attributes is None:
        return ()
    columns = zip(known.attribute_names, known.attributes.T, strict=True)
    return tuple(name for name, column in columns if not np.isin(column, (0, 1)).all())


def of_kind(model_id: str, kind: str) -> Asked:
    """What is asked first of a label or an attribute: a number's direction goes along all its values."""
    number = kind.partition(":")[2] in numbers(model_id) and kind.startswith("attribute:")
    return Asked(kind=kind, estimator=NUMBER if number else "difference")


@lru_cache(maxsize=64)
def groups(model_id: str, asked: Asked) -> Groups:
    """The two groups. VAEError: too small, or overlapping."""
    if asked.kind:
        return cache.groups(model_id, asked.kind)
    mine, others = (np.frombuffer(rows, np.int64) for rows in asked.rows)
    return picked_groups(mine, others, len(cache.encodings(model_id)), asked.names)


# ---- the direction and its evidence --------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def direction(model_id: str, asked: Asked) -> Direction:
    """What leads from the negative group to the positive one. VAEError: nothing does, or nothing is left of it."""
    known, found = cache.encodings(model_id), groups(model_id, asked)
    if asked.step:
        return measured_direction(asked.step, found)
    make = _estimator(model_id, asked)
    mu = _across(model_id, known.mu, asked)
    made = make(mu, found)
    if asked.fixed and known.attributes is not None:
        made = locked(mu, found, known.attributes, known.attribute_names, asked.fixed, make)
    if asked.apart:
        refuse_if_gone(made, make(known.mu, found), asked.held)
    return made


@lru_cache(maxsize=128)
def evidence(model_id: str, asked: Asked) -> Evidence | NumberEvidence:
    """How far to trust it; with something locked, in codes without what that does to them."""
    known, found = cache.encodings(model_id), groups(model_id, asked)
    mu = _across(model_id, known.mu, asked)
    if asked.fixed and known.attributes is not None:
        mu = without(mu, found, known.attributes, known.attribute_names, asked.fixed)
    if asked.estimator == NUMBER:
        return number_evidence(mu, *_number(model_id, asked))
    kinds = kinds_of(model_id, asked) if asked.kinds else None
    return measure_evidence(mu, found, asked.estimator, kinds=kinds)


def _estimator(model_id: str, asked: Asked) -> Callable[[Any, Groups], Direction]:
    if asked.estimator == NUMBER:
        values, name = _number(model_id, asked)
        return lambda mu, _: regression(mu, values, name)
    if asked.kinds:
        kinds = kinds_of(model_id, asked)
        return lambda mu, found: difference(mu, kinds.among(found), kinds.of)
    return ESTIMATORS[asked.estimator]


def _number(model_id: str, asked: Asked) -> tuple[np.ndarray, str]:
    known, (name,) = cache.encodings(model_id), about(asked)
    if known.attributes is None:
        raise VAEError(f"This model's data know nothing called {name}: choose another.")
    return known.attributes[:, known.attribute_names.index(name)], name


def _across(model_id: str, mu: np.ndarray, asked: Asked) -> np.ndarray:
    return across(mu, [vector for _, vector in asked.apart], covariance(model_id)) if asked.apart else mu


@lru_cache(maxsize=32)
def covariance(model_id: str) -> np.ndarray:
    """(L, L), of the codes of the model's images."""
    return covariance_of(cache.encodings(model_id).mu)


# ---- kinds that count the same -------------------------------------------------------------------------------------


def kinds_offered(model_id: str, asked: Asked) -> tuple[str, ...]:
    """Attributes, or CLASS, by which images can be counted, without those that the groups are about."""
    known = cache.encodings(model_id)
    labels = (CLASS,) if known.labels is not None and not asked.kind.startswith("label:") else ()
    return (*labels, *(name for name in known.attribute_names if name not in about(asked)))


@lru_cache(maxsize=64)
def kinds_of(model_id: str, asked: Asked) -> Kinds:
    """The kinds of images that count the same. VAEError: the groups share none."""
    known = cache.encodings(model_id)
    columns: dict[str, np.ndarray] = {}
    for name in asked.kinds:
        if name in known.attribute_names and known.attributes is not None:
            columns[name] = known.attributes[:, known.attribute_names.index(name)]
        elif known.labels is not None:
            columns[name] = known.labels
    return kinds_in(groups(model_id, asked), columns)


# ---- what else groups differ in ------------------------------------------------------------------------------------


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
    found = groups(model_id, asked)
    weights = kinds_of(model_id, asked).weights(found) if asked.kinds else None
    return confounders(found, known.attributes, known.attribute_names, about(asked), weights)


def _plain(words: str) -> str:
    """Words in small letters, a space around each: "Smile>0.7 and not long_hair" names " long hair "."""
    return " " + " ".join(re.findall(r"[^\W_]+", words.lower())) + " "


def about(asked: Asked) -> tuple[str, ...]:
    """The attribute that the groups are about, if any: it cannot be locked."""
    return (asked.kind.partition(":")[2],) if asked.kind.startswith("attribute:") else ()


# ---- what a step does, read off the codes --------------------------------------------------------------------------


@lru_cache(maxsize=32)
def reading(model_id: str) -> tuple[tuple[str, ...], Reading]:
    """Lines through the codes for each "attribute:smile" and "label:3", and these names."""
    known = cache.encodings(model_id)
    columns = [np.zeros((len(known), 0), np.float32)]
    names: list[str] = []
    if known.attributes is not None:
        columns.append(known.attributes)
        names += [f"attribute:{name}" for name in known.attribute_names]
    if known.labels is not None:
        columns.append(np.equal.outer(known.labels, np.arange(len(known.label_names))).astype(np.float32))
        names += [f"label:{name}" for name in known.label_names]
    return tuple(names), reading_of(known.mu, np.concatenate(columns, axis=1))


def done_by(model_id: str, step: np.ndarray) -> dict[str, tuple[float, bool]]:
    """What a step does to each attribute and class, in standard deviations, and whether that can be read off codes."""
    names, found = reading(model_id)
    return {
        name: (value, reliable >= FAINT)
        for name, value, reliable in zip(names, found.of(step).tolist(), found.reliability.tolist(), strict=True)
    }


# ---- images by a typed condition -----------------------------------------------------------------------------------


@lru_cache(maxsize=128)
def rows_where(model_id: str, text: str) -> bytes:
    """Rows of the images for which a typed condition holds. VAEError: it cannot be read, or holds for none."""
    return as_rows(named.rows_where(cache.encodings(model_id), text))


def complement(model_id: str, rows: bytes) -> bytes:
    """Rows of all the other images."""
    others = np.ones(len(cache.encodings(model_id)), bool)
    others[np.frombuffer(rows, np.int64)] = False
    return as_rows(np.flatnonzero(others))
