"""What the columns beside images mean for a model's map: numbers, yes and no, kinds; or kept beside them, and why."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vae.data.intake.choice import Column
from vae.data.intake.columns import LABEL_WORDS, NOTHING, YES_NO, is_row_number, number, order, text
from vae.data.intake.limits import KINDS, MAX_ATTRIBUTES, MAX_KINDS
from vae.data.intake.source import Cells
from vae.errors import VAEError

KEPT = "kept beside the rows"  # how `Column.use` begins where a column is not on the map
_FOUND = {
    "number": "colours the map, and gives a direction on Attributes",
    "kinds": "colours the map, and each of its kinds gives a direction on Attributes",
}


def read_as(one: Column, count: int, said: Mapping[str, str]) -> str:
    """What a column is read as: "number" (yes and no are 1 and 0), "kinds" or "leave".

    Args:
        count: rows. said: column -> what somebody said that it is.

    Raises:
        VAEError: what was said cannot be.
    """
    wish = said.get(one.name)
    if wish == "number" and not one.numeric and one.kind != "yes/no":
        raise VAEError(f"Column {one.name} holds words, such as {', '.join(one.examples[:2])}: it is no number.")
    if wish == "kinds" and one.distinct > MAX_KINDS:
        raise VAEError(
            f"Column {one.name} has {one.distinct:,} kinds, and {MAX_KINDS} are the most: choose it under Labels, "
            "where the map is to be coloured by it."
        )
    if wish is not None:
        return wish
    if is_row_number(one, count) or one.kind == "path":
        return "leave"
    if one.kind in ("number", "yes/no"):
        return "number"
    if one.kind == "label":
        # A day of 1 to 5 is a number, a class of 1 to 5 is none.
        if one.numeric and one.name.strip().lower() not in LABEL_WORDS:
            return "number"
        return "kinds" if one.distinct <= KINDS else "leave"
    return "leave"


def attributes(
    known: list[Column], cells: Mapping[str, Cells], without: set[str]
) -> tuple[dict[str, np.ndarray], list[Column]]:
    """The columns that become attributes, and every column with where it will be found.

    Args:
        known: their `reading` is settled. without: those that are something else.

    Returns:
        name -> (N,) float32: numbers; 1 for yes; of kinds one of zeros and ones for each, "column: kind".
    """
    found: dict[str, np.ndarray] = {}
    told: list[Column] = []
    for one in known:
        if one.name in without:
            told.append(one)
            continue
        why = _why_not(one, len(cells[one.name]))
        if not why:
            made = _kinds(one.name, cells[one.name]) if one.reading == "kinds" else _numbers(one, cells[one.name])
            if not made:
                why = "it has gaps"
            elif len(found) + len(made) > MAX_ATTRIBUTES:
                why = f"{MAX_ATTRIBUTES} attributes are the most, and others come first"
            else:
                found |= {name: values for name, values in made.items() if name not in found}
        told.append(replace(one, use=f"{KEPT}: {why}" if why else _FOUND[one.reading]))
    return found, told


def _why_not(one: Column, count: int) -> str:
    if one.distinct < 2:
        return "all are the same"
    if one.reading != "leave":
        return ""
    if is_row_number(one, count):
        return "it only counts the rows"
    if one.distinct == count:
        return "every row has its own"
    if one.kind == "label" and one.distinct > KINDS:
        return f"it has {one.distinct:,} kinds, so choose it under Labels to colour the map by it"
    return "to take home with the codes"


def _numbers(one: Column, cells: Cells) -> dict[str, np.ndarray]:
    values = _yes(cells) if one.kind == "yes/no" else [number(text(cell)) for cell in cells]
    return {} if any(value is None for value in values) else {one.name: np.array(values, np.float32)}


def _yes(cells: Cells) -> list[float | None]:
    said = [text(cell).lower() for cell in cells]
    yes = next(word for values, word in YES_NO if set(said) - {""} <= values)
    return [None if not one else float(one == yes) for one in said]


def _kinds(name: str, cells: Cells) -> dict[str, np.ndarray]:
    said = [text(cell) or NOTHING for cell in cells]
    return {
        f"{name}: {kind}": np.array([one == kind for one in said], np.float32) for kind in sorted(set(said), key=order)
    }
