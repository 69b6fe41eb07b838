"""The direction between two groups of a model's images, as the pages make it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vae.encodings import Encodings
from vae.errors import VAEError
from vae.explore.directions.balance import kinds_in
from vae.explore.directions.found import ESTIMATORS, Direction, difference, regression
from vae.explore.directions.groups import Groups
from vae.explore.directions.lock import across, covariance_of, locked, refuse_if_gone

NUMBER = "regression"  # the estimator that goes along all values of an attribute
CLASS = "class"  # what the label is called where an attribute can be meant, too

Estimator = Callable[[Any, Groups], Direction]


def between(
    known: Encodings,
    groups: Groups,
    make: Estimator,
    fixed: Sequence[str] = (),
    apart: Sequence[Direction | ArrayLike] = (),
) -> Direction:
    """The direction between two groups, some attributes kept fixed, at right angles to others as the codes spread.

    Args:
        make: see `estimator`.
        fixed: names of attributes. apart: directions, or their vectors (L,).

    Raises:
        VAEError: nothing is left of it, or the data know none of these attributes.
    """
    vectors = [one.vector if isinstance(one, Direction) else np.asarray(one, np.float32) for one in apart]
    mu = across(known.mu, vectors, covariance_of(known.mu)) if vectors else known.mu
    if not fixed:
        found = make(mu, groups)
    elif known.attributes is None:
        raise VAEError("This model's data know no attributes, so none can be kept fixed.")
    else:
        found = locked(mu, groups, known.attributes, known.attribute_names, tuple(fixed), make)
    if vectors:
        refuse_if_gone(found, make(known.mu, groups), (*fixed, "directions"))
    return found


def estimator(known: Encodings, groups: Groups, name: str, kind: str = "", alike: Sequence[str] = ()) -> Estimator:
    """What makes a direction of codes and groups.

    Args:
        name: of ESTIMATORS, or NUMBER. kind: what the groups are of, where they are of one.
        alike: attributes, or CLASS, of which each kind counts the same; the direction is then from mean to mean.

    Raises:
        VAEError: there is no such estimator, or the data do not know these attributes.
    """
    if name == NUMBER:
        what, _, attribute = kind.partition(":")
        if what != "attribute":
            raise VAEError(f"A regression goes along an attribute that is a number, not {kind[:40]!r}.")
        values = _column(known, attribute)
        return lambda mu, _: regression(mu, values, attribute)
    if name not in ESTIMATORS:
        raise VAEError(f"There is no estimator {name[:40]!r}: choose {', '.join(ESTIMATORS)}.")
    if alike:
        kinds = kinds_in(groups, {each: _column(known, each) for each in alike})
        return lambda mu, found: difference(mu, kinds.among(found), kinds.of)
    return ESTIMATORS[name]


def _column(known: Encodings, name: str) -> np.ndarray:
    if known.attributes is not None and name in known.attribute_names:
        return known.attributes[:, known.attribute_names.index(name)]
    if known.labels is not None and name == CLASS:
        return known.labels
    raise VAEError(f"This model's data know no attribute called {name[:40]}: choose another.")
