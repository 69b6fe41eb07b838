"""Columns that come along: what each looks like, which says the class, which the split."""

import hashlib
import math
import unicodedata
from collections import Counter

import numpy as np

from vae.data.images import split_by_hash
from vae.data.intake.choice import Column
from vae.data.intake.limits import MAX_CLASSES
from vae.data.intake.source import Cells
from vae.errors import VAEError

NOTHING = "(none)"  # the class of a row whose cell is empty
LABEL_WORDS = ("label", "labels", "class", "classes", "target", "y", "category", "kind", "species", "subject", "folder")
GROUP_WORDS = ("patient", "patient_id", "subject_id", "donor", "animal", "mouse", "plate", "slide", "video", "session")
ROW_WORDS = ("", "id", "index", "row", "unnamed: 0", "level_0", "no", "nr")  # a number of the row, no measurement
SPLIT_WORDS = ("split", "partition", "subset", "set", "fold")
TRAIN = frozenset({"train", "training", "0"})
TEST = frozenset({"test", "testing", "val", "valid", "validation", "dev", "1", "2"})
YES_NO = (  # what says no and yes, and which of them yes
    ({"0", "1"}, "1"),
    ({"-1", "1"}, "1"),
    ({"yes", "no"}, "yes"),
    ({"true", "false"}, "true"),
    ({"y", "n"}, "y"),
    ({"t", "f"}, "t"),
)
_CODES = 50  # a column of whole numbers with so many different ones at most may be classes


def understand(name: str, cells: Cells, path: bool = False) -> Column:
    """What one column looks like."""
    said = [text(cell) for cell in cells]
    there = [one for one in said if one]
    different = Counter(there)
    examples = tuple(one[:60] for one in list(different)[:3])
    numeric = bool(different) and all(number(one) is not None for one in different)
    kind = "path" if path else _kind(name, there, different, numeric)
    return Column(name, kind, len(different), examples, numeric)


def _kind(name: str, there: list[str], different: "Counter[str]", numbers: bool) -> str:
    lowered = {one.lower() for one in different}
    if len(lowered) == 2 and any(lowered <= values for values, _ in YES_NO):
        return "yes/no"
    repeats = 1 < len(different) <= MAX_CLASSES and len(different) <= max(2, len(there) // 2)
    if numbers:
        whole = all(float(one).is_integer() for one in different)
        named = name.strip().lower() in LABEL_WORDS
        return (
            "label"
            if repeats and whole and (named or len(different) <= _CODES) and _from_nothing(different)
            else "number"
        )
    return "label" if repeats else "text"


def _from_nothing(different: "Counter[str]") -> bool:
    """Whether whole numbers run from 0 or 1 without large gaps, as classes do and measurements do not."""
    values = sorted(float(one) for one in different)
    return values[0] in (0, 1) and values[-1] <= 2 * len(values) + 1


def suggest_label(columns: list[Column], hint: str = "") -> str:
    """The column that most looks like the class; "" where none does."""
    able = {one.name: one for one in columns if one.kind in ("label", "yes/no") and one.distinct >= 2}
    if hint in able:
        return hint
    for word in LABEL_WORDS:
        for name in able:
            if name.strip().lower() == word:
                return name
    labels = [one for one in able.values() if one.kind == "label"]
    return min(labels, key=lambda one: one.distinct).name if labels else ""


def suggest_split(columns: list[Column], cells: dict[str, Cells], hint: str = "") -> str:
    """The column that says train and test by name; "" where none does."""
    if hint:
        return hint
    for one in columns:
        if one.name.strip().lower() in SPLIT_WORDS and by_name(cells[one.name]) is not None:
            return one.name
    return ""


def by_name(cells: Cells) -> np.ndarray | None:
    """(N,) bool, True for test, where a column says train and test in words or as 0, 1, 2; None where it does not."""
    said = [text(cell).lower() for cell in cells]
    different = set(said)
    if not (different & TRAIN and different & TEST and different <= TRAIN | TEST):
        return None
    return np.array([one in TEST for one in said])


def split(names: list[str], cells: Cells | None, column: str) -> tuple[np.ndarray, str]:
    """Which rows are for testing, and one sentence about it.

    Args:
        names: her file names; they alone decide where no column does, so the same files give the same split.
        cells: the column that was chosen, or None.

    Returns:
        (N,) bool, True for test.

    Raises:
        VAEError: everything would be on one side.
    """
    if cells is None:
        return split_by_hash(
            [digest(name) for name in names]
        ), "One in six is set apart for testing, by its name alone."
    said = by_name(cells)
    if said is not None:
        return said, f"Column {column} says what is for training and what for testing."
    groups = sorted({text(cell) or NOTHING for cell in cells})
    if len(groups) < 2:
        raise VAEError(f"Column {column} has only one value: choose another to split by, or none.")
    side = dict(zip(groups, split_by_hash([digest(group) for group in groups]), strict=True))
    test = np.array([side[text(cell) or NOTHING] for cell in cells])
    apart = [group for group in groups if side[group]]
    shown = ", ".join(group[:40] for group in apart[:5]) + (f" and {len(apart) - 5:,} more" if len(apart) > 5 else "")
    return test, (
        f"What has the same {column} stays together: {shown} ({len(apart):,} of {len(groups):,}) for testing, "
        f"{int(test.sum()):,} of {len(test):,} in all."
    )


def labels(cells: Cells, column: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(N,) int64 and the names of the classes, sorted; numbers by size.

    Raises:
        VAEError: more classes than are allowed.
    """
    said = [text(cell) or NOTHING for cell in cells]
    names = sorted(set(said), key=order)
    if len(names) > MAX_CLASSES:
        raise VAEError(
            f"Column {column} has {len(names):,} different values, and {MAX_CLASSES:,} classes are the most: "
            "choose another, or none."
        )
    rows = {name: row for row, name in enumerate(names)}
    return np.array([rows[one] for one in said], np.int64), tuple(names)


def is_row_number(one: Column, count: int) -> bool:
    """Whether a column only counts the rows."""
    return one.name.strip().lower() in ROW_WORDS and one.distinct == count


def text(cell: object) -> str:
    """A cell in words; "" where there is nothing. 3.0 is "3"."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        if math.isnan(cell):
            return ""
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    return str(cell).strip()


def number(said: str) -> float | None:
    """The finite number a text says, or None."""
    try:
        value = float(said)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in said else None


def digest(name: str) -> bytes:
    """Decides order and split. The same name is spelt in two ways by Linux and macOS where it has accents."""
    return hashlib.sha256(unicodedata.normalize("NFC", name).encode("utf-8", "surrogatepass")).digest()


def order(name: str) -> tuple[int, float, str]:
    """Sorts kinds: numbers by size, then words."""
    value = number(name)
    return (0, value, name) if value is not None else (1, 0.0, name)
