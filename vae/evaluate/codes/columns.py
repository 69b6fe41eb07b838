"""What is known of images, as columns: labels, attributes, what came along with data of one's own, what is measured."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from vae.data.images import Images
from vae.evaluate.codes.nuisances import nuisances

MOST_CLASSES, FEWEST = 50, 20  # of a column of words; images that must be known on either side


@dataclass(frozen=True, eq=False)
class Column:
    """One thing that is known of N images.

    Attributes:
        name: for a table. kind: "label", "attribute", "column" or "measured".
        values: (N,) int64, a class each, -1 where it is not known; or (N, k) float64, NaN where it is not.
    """

    name: str
    kind: str
    values: np.ndarray

    @property
    def classes(self) -> bool:
        return self.values.ndim == 1

    @property
    def known(self) -> np.ndarray:
        """(N,) bool."""
        found: np.ndarray = self.values >= 0 if self.classes else np.isfinite(self.values).all(axis=1)
        return found


def pairs_of(train: Images, test: Images) -> tuple[list[tuple[Column, Column]], list[tuple[str, str]]]:
    """Everything that varies, as (training, test), and what cannot be measured with the reason."""
    sides = [{column.name: column for column in _columns(images)} for images in (train, test)]
    came = _brought(train, test)
    for side in sides:  # a column is measured as it came, not once more for each of its kinds
        for name in [name for name in side if ": " in name and name.partition(": ")[0] in came]:
            del side[name]
    for name, found in came.items():
        if name not in sides[0]:
            for side, column in zip(sides, found, strict=True):
                side[name] = column
    for side, images in zip(sides, (train, test), strict=True):
        for name, values in nuisances(images.pixels).items():
            side[name if name not in side else f"{name} (measured)"] = Column(
                name, "measured", values.astype(np.float64)
            )
    pairs, left_out = [], []
    for name in sides[0]:
        known, asked = (side[name] for side in sides)
        if why := _unfit(known, asked):
            left_out.append((name, why))
        else:
            pairs.append((known, asked))
    return pairs, left_out


def _unfit(known: Column, asked: Column) -> str:
    """Why a column cannot be measured; "" where it can."""
    values = [column.values[column.known] for column in (known, asked)]
    if min(map(len, values)) < FEWEST:
        return "known of too few images"
    same = [len(np.unique(side, axis=0)) < 2 for side in values]
    if any(same):
        which = "images" if all(same) else "training images" if same[0] else "test images"
        return f"the same for all {which}"
    if known.classes and len(np.unique(values[0])) > max(2, len(values[0]) // 2):
        return "nearly every image has its own"
    return ""


def _columns(images: Images) -> list[Column]:
    """The label and the attributes."""
    found = []
    if images.labels is not None:
        found.append(Column("label", "label", np.asarray(images.labels)))
    if images.attributes is not None:
        for name, values in zip(images.attribute_names, np.asarray(images.attributes, np.float64).T, strict=True):
            there = np.isfinite(values)
            if set(np.unique(values[there])) <= {0.0, 1.0}:  # two values are a class, whatever they are
                column = np.where(there, values, -1).astype(np.int64)
            else:
                column = values[:, None]
            found.append(Column(name.replace("_", " "), "attribute", column))
    return found


def _brought(train: Images, test: Images) -> dict[str, tuple[Column, Column]]:
    """Columns that came along with data of a person's own and are not among its attributes; {} of other data."""
    from vae.data import brought, source_of

    kind, _, set_id = source_of(train.name).partition(":")
    if kind != "brought" or test.name != train.name:
        return {}
    known = brought.get(set_id)
    taken = {known.label_column, brought.FILE, *known.attribute_names}
    tables = [brought.rows(set_id, images.split).take(images.index) for images in (train, test)]
    found = {}
    for name in known.columns:
        if name not in taken:
            sides = as_columns(name, *(table.column(name).to_pylist() for table in tables))
            if sides is not None:
                found[name] = sides
    return found


def as_columns(name: str, known: list[Any], asked: list[Any]) -> tuple[Column, Column] | None:
    """Cells of training and test images as numbers, else as classes; None of words of which each is another."""
    numbers = [[_number(cell) for cell in side] for side in (known, asked)]
    said = [[str(cell).strip() if cell is not None else "" for cell in side] for side in (known, asked)]
    if all(
        not word or number is not None
        for side in zip(said, numbers, strict=True)
        for word, number in zip(*side, strict=True)
    ):
        values = [np.array([math.nan if one is None else one for one in side]) for side in numbers]
        if set(np.unique(values[0][np.isfinite(values[0])])) - {0.0, 1.0}:
            return Column(name, "column", values[0][:, None]), Column(name, "column", values[1][:, None])
        said = [["" if math.isnan(one) else str(int(one)) for one in side] for side in values]
    names = sorted({word for word in said[0] if word})
    if not 2 <= len(names) <= MOST_CLASSES:
        return None
    place = {word: at for at, word in enumerate(names)}
    first, second = (np.array([place.get(word, -1) for word in side], np.int64) for side in said)
    return Column(name, "column", first), Column(name, "column", second)


def _number(cell: Any) -> float | None:
    """A cell as a number; None where it is none, or nothing."""
    try:
        found = float(cell)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
