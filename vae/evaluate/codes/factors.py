"""What truly varies in images that a program drew: the factors that a disentangled code should keep apart."""

from dataclasses import dataclass

import numpy as np

from vae.data.images import Images, public_name
from vae.errors import VAEError

KINDS: dict[str, frozenset[str]] = {  # data drawn with independent factors, and those that have no order
    "sprites": frozenset({"shape"}),
    "faces-fair": frozenset(),
}
MOST_VALUES = 64  # a factor with more is cut into BINS equally full parts
BINS = 20


@dataclass(frozen=True, eq=False)
class Factors:
    """K factors of N images.

    Attributes:
        names: K.
        values: (N, K) float64, as the data say them; an angle is the number it is.
        classes: (N, K) int64, from 0 up without a gap: the value's place among those that occur, or its part of 20.
        ordered: (K,) bool; False for those that are kinds (a shape) or yes and no, where only being right counts.
    """

    names: tuple[str, ...]
    values: np.ndarray
    classes: np.ndarray
    ordered: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def counts(self) -> np.ndarray:
        """(K,): classes of each factor."""
        found: np.ndarray = self.classes.max(axis=0) + 1
        return found

    @property
    def entropy(self) -> np.ndarray:
        """(K,) nats: of the classes."""
        shares = [np.bincount(column) / len(self) for column in self.classes.T]
        return np.array([-(share[share > 0] * np.log(share[share > 0])).sum() for share in shares])

    def take(self, rows: np.ndarray) -> "Factors":
        """Those of some images; classes that are left without one close up."""
        return as_factors(self.names, self.values[rows], ~self.ordered)


def as_factors(names: tuple[str, ...], values: np.ndarray, kinds: np.ndarray | None = None) -> Factors:
    """Factors from their values.

    Args:
        values: (N, K). kinds: (K,) bool, those without an order; None: none, save what has two values.

    Raises:
        VAEError: a factor that does not vary.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.shape[1] != len(names):
        raise VAEError(f"{len(names)} factors need a column each, and the values are {values.shape}.")
    classes, ordered = np.empty(values.shape, np.int64), np.empty(len(names), bool)
    for place, (name, column) in enumerate(zip(names, values.T, strict=True)):
        distinct, where = np.unique(column, return_inverse=True)
        if len(distinct) < 2:
            raise VAEError(f"The factor {name} has one value in these images: give more of them.")
        if len(distinct) > MOST_VALUES:
            edges = np.quantile(column, np.arange(1, BINS) / BINS)
            where = np.unique(np.searchsorted(edges, column, side="right"), return_inverse=True)[1]
        classes[:, place] = where
        ordered[place] = len(distinct) > 2 and not (kinds is not None and kinds[place])
    return Factors(tuple(names), values, classes, ordered)


def known_factors(images: Images) -> Factors:
    """The factors of drawn images.

    Raises:
        VAEError: data whose factors are not known, or not independent: every score here would then mean nothing.
    """
    kinds = KINDS.get(images.name)
    if kinds is None or images.attributes is None:
        raise VAEError(
            "Disentanglement is measured where the factors are known and independent, and those of "
            f"{public_name(images.name)} are not: train on {' or '.join(KINDS)}."
        )
    names = images.attribute_names
    return as_factors(names, images.attributes, np.array([name in kinds for name in names]))
