"""Images by what is known of them: those with a label or an attribute, those for which a typed condition holds."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from vae.errors import VAEError
from vae.explore.codes import Mask, Rows
from vae.explore.directions.condition import images_where
from vae.explore.directions.groups import Groups, attribute_groups, label_groups


class Known(Protocol):
    """What is known of N images; `vae.encodings.Encodings` is one.

    Attributes:
        labels: (N,) places in `label_names`, or None. attributes: (N, A), one column for each name, or None.
    """

    @property
    def labels(self) -> np.ndarray | None: ...
    @property
    def label_names(self) -> Sequence[str]: ...
    @property
    def attributes(self) -> np.ndarray | None: ...
    @property
    def attribute_names(self) -> Sequence[str]: ...


def kind_groups(known: Known, kind: str) -> Groups:
    """The images of a kind, "label:3" or "attribute:smile", against the rest. VAEError: the data know no such kind."""
    what, _, name = kind.partition(":")
    if what == "label" and known.labels is not None and name in known.label_names:
        return label_groups(known.labels, known.label_names.index(name), name)
    if what == "attribute" and known.attributes is not None and name in known.attribute_names:
        return attribute_groups(known.attributes[:, known.attribute_names.index(name)], name)
    raise VAEError(f"This model's data know nothing called {name[:40]}: choose another.")


def belongs(known: Known, kind: str) -> Mask:
    """(N,): which images are of a kind; of an attribute that is not yes or no, its upper third.

    Raises:
        VAEError: the data know nothing of that name.
    """
    what, _, name = kind.partition(":")
    if what == "label" and known.labels is not None and name in known.label_names:
        return np.asarray(known.labels == known.label_names.index(name))
    if what == "attribute" and known.attributes is not None and name in known.attribute_names:
        values = known.attributes[:, known.attribute_names.index(name)]
        return np.asarray(values == 1 if np.isin(values, (0, 1)).all() else values >= np.quantile(values, 2 / 3))
    raise VAEError(f"This model's data know nothing called {name or kind!r}: choose another.")


def rows_where(known: Known, text: str) -> Rows:
    """The images for which a typed condition holds (`images_where`). VAEError: it cannot be read, or holds for none."""
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
    return found
