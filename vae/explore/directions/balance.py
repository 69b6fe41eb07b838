"""Kinds of images that are to count the same in both groups, and what a direction made that way rests on.

If most glasses come with a hat, the mean of those with glasses is mostly one of hats. Counted by kind (hat, no hat) it
is not: the difference of the two groups is taken within each kind, and the kinds' differences are averaged (direct
standardisation; Rosenbaum and Rubin 1984 call it subclassification). Evidence follows: every error, fold, pair and
permutation stays within a kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.errors import VAEError
from vae.explore.codes import Floats
from vae.explore.directions.found import Doubles
from vae.explore.directions.groups import FEWEST, Groups
from vae.explore.directions.heldout import FOLDS, MANY, PAIRS, SMALL, TIMES, HeldOut, auc_interval, beyond, compared
from vae.explore.directions.intervals import Noise

Cells = list[tuple[NDArray[np.int64], NDArray[np.int64]]]  # for each kind its rows of the positive and negative group


@dataclass(frozen=True, eq=False)
class Kinds:
    """The kinds of images that two groups share.

    Attributes:
        of: (N,) int64, the kind of each image from 0; -1 where it is of a kind that too few of one group are.
        by: what they are kinds of: ("hat",).
        count: how many kinds there are.
        left_out: images of the groups that do not count, for their kind is too rare on one side.
    """

    of: NDArray[np.int64]
    by: tuple[str, ...]
    count: int
    left_out: int

    def among(self, groups: Groups) -> Groups:
        """The images of the groups that count."""
        return groups.among(self.of >= 0)

    def cells(self, groups: Groups) -> Cells:
        """Rows of each kind in the positive and in the negative group."""
        return [
            (np.flatnonzero(groups.positive & (self.of == one)), np.flatnonzero(groups.negative & (self.of == one)))
            for one in range(self.count)
        ]

    def weights(self, groups: Groups) -> Doubles:
        """(N,): how much each image counts, so that within a group each kind counts the same; 0 of those in neither.

        Those of each group sum to 1.
        """
        found = np.zeros(len(self.of))
        for cell in self.cells(groups):
            for rows in cell:
                found[rows] = 1 / (self.count * len(rows))
        return found


def kinds_in(groups: Groups, columns: Mapping[str, ArrayLike]) -> Kinds:
    """The kinds of images, by one or more columns, of which both groups have at least 5.

    Args:
        groups: over N images.
        columns: name to (N,). Whole numbers are classes, zeros and ones have or have not; anything else is low, middle
            or high, by its thirds. With several columns, each combination is a kind.

    Raises:
        VAEError: no columns, columns of another length, or no kind that both groups have enough of.
    """
    if not columns:
        raise VAEError("Nothing was named whose kinds should count the same: choose an attribute, or leave it.")
    parts = []
    for name, column in columns.items():
        values = np.asarray(column)
        if values.shape != groups.positive.shape or not np.isfinite(values).all():
            raise VAEError(f"“{name}” has the shape {values.shape}: there should be one finite number for each image.")
        parts.append(_numbered(values))
    kind = np.unique(np.stack(parts, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    sizes = np.stack([np.bincount(kind[side], minlength=kind.max() + 1) for side in (groups.positive, groups.negative)])
    enough = np.flatnonzero(sizes.min(axis=0) >= FEWEST)
    if not len(enough):
        named = " and ".join(f"“{name}”" for name in columns)
        raise VAEError(
            f"No kind of {named} has {FEWEST} images in both groups, so nothing can count the same: leave it out."
        )
    renumbered = np.full(sizes.shape[1], -1)
    renumbered[enough] = np.arange(len(enough))
    return Kinds(renumbered[kind], tuple(columns), len(enough), int(sizes.sum() - sizes[:, enough].sum()))


def _numbered(values: np.ndarray) -> np.ndarray:
    if np.issubdtype(values.dtype, np.integer) or np.isin(values, (0, 1)).all():
        return np.unique(values, return_inverse=True)[1].reshape(-1)
    return np.searchsorted(np.quantile(values, (1 / 3, 2 / 3)), values, "right")


# ---- evidence ------------------------------------------------------------------------------------------------------


def noise_within(mu: Floats, cells: Cells) -> Noise:
    """The error of a difference of means in which each kind counts the same.

    Its counts are those of groups of a single kind whose means would be as uncertain (Satterthwaite 1946).
    """
    step = np.zeros(mu.shape[1])
    whole = [np.zeros((mu.shape[1], mu.shape[1])) for _ in range(2)]
    pooled = np.zeros_like(whole[0])
    told: list[list[tuple[float, int]]] = [[], []]
    for cell in cells:
        codes = [mu[rows].astype(np.float64) for rows in cell]
        step += (codes[0].mean(axis=0) - codes[1].mean(axis=0)) / len(cells)
        for side, group in enumerate(codes):
            own = np.atleast_2d(np.cov(group, rowvar=False))
            part = own / len(group) / len(cells) ** 2
            whole[side] += part
            pooled += own / (2 * len(cells))
            told[side].append((float(np.trace(part)), len(group)))
    return Noise(step, whole[0], whole[1], pooled, (_as_one(told[0]), _as_one(told[1])))


def _as_one(parts: list[tuple[float, int]]) -> int:
    """Images of one kind whose mean is as uncertain as the average of several kinds' means."""
    squares = sum(part**2 / (count - 1) for part, count in parts)
    total = sum(part for part, _ in parts)
    return int(1 + total**2 / squares) if squares > 0 else sum(count for _, count in parts)


def permuted_within(mu: Floats, cells: Cells, times: int, generator: np.random.Generator) -> float:
    """How often groups drawn at random, of the same sizes within each kind, are as far apart: a p-value."""
    asked, found = np.zeros(mu.shape[1]), np.zeros((times, mu.shape[1]))
    for ours, theirs in cells:
        codes = mu[np.concatenate([ours, theirs])].astype(np.float64)
        codes -= codes.mean(axis=0)
        members = np.zeros((times, len(codes)))
        order = np.argpartition(generator.random(members.shape, dtype=np.float32), len(ours) - 1, axis=1)
        np.put_along_axis(members, order[:, : len(ours)], 1.0, axis=1)
        scale = len(codes) / (len(ours) * len(theirs))  # from the sum of the ours to the difference of the means
        asked += scale * codes[: len(ours)].sum(axis=0)
        found += scale * (members @ codes)
    beyond_it = (found**2).sum(axis=1) >= float(asked @ asked) * (1 - 1e-12)
    return float((1 + beyond_it.sum()) / (times + 1))


def held_out_within(mu: Floats, cells: Cells, generator: np.random.Generator) -> HeldOut:
    """Make the direction from all folds but one and try it on that one: images against others of their own kind."""
    sizes = np.array([[len(rows) for rows in cell] for cell in cells])  # (K, 2)
    folds = int(min(FOLDS if sizes.sum() <= MANY else FOLDS // 2, sizes.min()))
    times = TIMES if sizes.sum() < SMALL else 1
    codes = [[mu[rows].astype(np.float64) for rows in cell] for cell in cells]
    right, above, vectors = np.zeros(sizes.shape), np.zeros(len(cells)), []
    for time in range(times):
        parts = [[generator.permutation(np.arange(size) % folds) for size in cell] for cell in sizes.tolist()]
        for fold in range(folds):
            means = np.array(
                [
                    [own[part != fold].mean(axis=0) for own, part in zip(*both, strict=True)]
                    for both in zip(codes, parts, strict=True)
                ]
            )  # (K, 2, L)
            step = (means[:, 0] - means[:, 1]).mean(axis=0)
            unit = step / (np.linalg.norm(step) or 1.0)
            if time == 0:
                vectors.append(unit)
            for kind, middle in enumerate((means @ unit).mean(axis=1)):
                ours, theirs = (own[part == fold] @ unit for own, part in zip(codes[kind], parts[kind], strict=True))
                right[kind] += ((ours > middle).sum(), (theirs < middle).sum())
                right[kind] += ((ours == middle).sum() / 2, (theirs == middle).sum() / 2)
                above[kind] += len(ours) * beyond(ours, theirs).mean()
    auc = float((above / sizes[:, 0]).mean() / times)
    low, high = auc_interval(auc, counting(cells))
    return HeldOut(float((right / sizes).mean() / times), auc, low, high, np.nan, np.array(vectors))


def counting(cells: Cells) -> tuple[int, int]:
    """How many images each group counts like, when each kind counts the same (Kish 1965): the rare kinds decide."""
    ours, theirs = (int(len(cells) ** 2 / sum(1 / len(cell[side]) for cell in cells)) for side in (0, 1))
    return ours, theirs


def pairs_within(mu: Floats, cells: Cells, generator: np.random.Generator) -> tuple[float, float, float]:
    """As `heldout.pair_cosines`, each step between two images of one kind."""
    one, two = generator.integers(len(cells), size=(2, PAIRS))
    sides = [_draw([cell[side] for cell in cells], one, two, generator) for side in (0, 1)]
    everyone = [np.concatenate(cell) for cell in cells]
    first, second = _draw(everyone, one, one, generator), _draw(everyone, two, two, generator)
    own = mu[sides[0][0]] - mu[sides[1][0]], mu[sides[0][1]] - mu[sides[1][1]]
    return compared(*own, mu[first[0]] - mu[first[1]], mu[second[0]] - mu[second[1]])


def _draw(
    rows: list[NDArray[np.int64]], one: np.ndarray, two: np.ndarray, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """For each pair of kinds a row of the first and a row of the second; two different ones where they are the same."""
    sizes = np.array([len(each) for each in rows])
    flat, start = np.concatenate(rows), np.concatenate([[0], sizes.cumsum()[:-1]])
    first = generator.integers(sizes[one])
    second = np.where(
        one == two, (first + generator.integers(1, sizes[one])) % sizes[one], generator.integers(sizes[two])
    )
    return flat[start[one] + first], flat[start[two] + second]
