"""What else two groups differ in: an attribute that comes along is carried along."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.directions.found import Doubles
from vae.explore.directions.groups import Groups, percent

WHOLE = 0.975  # of all pairs of an image of one group and one of the other: an attribute that separates the groups
MUCH = 0.1  # difference of rates, or of means in standard deviations, below which nothing is said


@dataclass(frozen=True)
class Confounder:
    """An attribute that two groups differ in, though they are not about it.

    Attributes:
        name: of the attribute.
        mine, theirs: its rate in the positive and in the negative group; of a continuous one, its mean.
        apart: the difference, in standard deviations of the attribute over both groups.
        share: whether mine and theirs are rates.
        whole: whether it separates the groups (nearly) completely: it may be what they are about.
    """

    name: str
    mine: float
    theirs: float
    apart: float
    share: bool
    whole: bool = False

    def sentence(self, names: tuple[str, str]) -> str:
        """For a person: what would come along."""
        what = f"“{self.name}”"
        if self.share:
            mine, theirs = percent(self.mine), percent(self.theirs)
            return f"{mine} of “{names[0]}” have {what}, but {theirs} of “{names[1]}”."
        more = "more" if self.apart > 0 else "less"
        return f"“{names[0]}” has {more} {what} than “{names[1]}”, by {abs(self.apart):.1f} standard deviations."


def confounders(
    groups: Groups,
    values: ArrayLike,
    names: tuple[str, ...],
    without: tuple[str, ...] = (),
    weights: ArrayLike | None = None,
) -> tuple[Confounder, ...]:
    """The attributes that two groups differ in by more than chance would make them, the most different first.

    Args:
        groups: over N images.
        values: (N, A), 0 and 1 where an attribute is present or absent.
        names: A names.
        without: attributes that the groups are about.
        weights: (N,) how much each image counts, where not all count the same (see `balance.Kinds.weights`).

    Raises:
        VAEError: values are not (N, A) of the groups' N and the names' A.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (len(groups.positive), len(names)):
        raise VAEError(f"The attributes have the shape {values.shape}: there should be one row for each image.")
    counted = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    sides = [mask & (counted > 0) for mask in (groups.positive, groups.negative)]
    shares = [counted[mask] / counted[mask].sum() for mask in sides]
    error = float(np.sqrt(sum((share**2).sum() for share in shares)))  # 1 / n of each, where all count the same
    found = []
    for name, column in zip(names, values.T, strict=True):
        ours, theirs = (column[mask] for mask in sides)
        spread = np.concatenate([ours, theirs]).std()
        if name in without or not spread > 0:
            continue
        mine, other = (float(share @ side) for share, side in zip(shares, (ours, theirs), strict=True))
        apart = (mine - other) / float(spread)
        share = bool(np.isin(column, (0, 1)).all())
        large = abs(mine - other if share else apart) >= MUCH
        if large and abs(apart) > 3 * error:  # of dozens of attributes one is beyond two errors by chance
            whole = _told_apart(ours, theirs) >= WHOLE
            found.append(Confounder(name, mine, other, apart, share, whole))
    return tuple(sorted(found, key=lambda one: -abs(one.apart)))


def _told_apart(ours: Doubles, theirs: Doubles) -> float:
    """In which share of pairs, one of each group, the same group has more (ties count half): 1 is no overlap at all."""
    theirs = np.sort(theirs)
    below, above = (float(np.searchsorted(theirs, ours, side).mean()) / len(theirs) for side in ("left", "right"))
    more = (below + above) / 2
    return max(more, 1 - more)
