"""The lines that make a direction between two groups: by what the groups are, where few lines say it."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from pages.ui import cache, direction_asked, groups
from pages.ui.direction_asked import Asked
from pages.ui.python_words import listed, numbers, text
from pages.ui.state import State
from vae.errors import VAEError
from vae.explore.directions.found import Direction
from vae.explore.regions import inside

HANDFUL = 40  # images that are named one by one
KEPT = "# a direction that was kept, in its numbers: its way, and how long its whole step is"
LOOKED_AT = "# found by looking at decoded pictures for minutes, so here are its numbers and the length of its step"
MANY = "# between two groups that have no short name, so here are its numbers and the length of its step"


def direction(state: State, asked: Asked | None, found: Direction) -> list[str]:
    """The lines that make `direction`.

    Args:
        asked: what it was made of; None for one that was kept.
        found: the direction itself.
    """
    if asked is None or asked.step:
        return _written(KEPT if asked is None else LOOKED_AT, found)
    how = [] if asked.estimator == "difference" else [text(asked.estimator)]
    how += [f"{name}=[{', '.join(map(text, names))}]" for name, names in _held(asked) if names]
    before = _apart(state, asked)
    how += ["apart=apart"] if before else []
    if asked.kind:
        return [*before, _called("direction", [text(asked.kind), *how])]
    sides = _sides(state, asked)
    if sides is None:
        return _written(MANY, found)
    if len(sides) == 1:
        return [*before, *sides[0], _called("direction_between", ["these", *_named(how)])]
    return [*before, *sides[0], *sides[1], _called("direction_between", ["these", "others", *how])]


def _written(why: str, found: Direction) -> list[str]:
    *most, last = numbers(found.vector.tolist(), "vector = ")
    return [why, *most, last, f"direction = as_direction(vector, {found.gap!r})"]


def _called(name: str, arguments: Sequence[str]) -> str:
    return f"direction = model.{name}({', '.join(arguments)})"


def _named(how: Sequence[str]) -> list[str]:
    """The same arguments where one before them is left out."""
    return [each if "=" in each else f"estimator={each}" for each in how]


def _held(asked: Asked) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("fixed", asked.fixed), ("alike", asked.kinds)


def _apart(state: State, asked: Asked) -> list[str]:
    """The lines that make what the direction is at right angles to."""
    if not asked.apart:
        return []
    model_id, lines = state.entry.model_id, ["apart = ["]
    labels = [kind for kind in cache.directions(model_id) if kind.startswith("label:")]
    known = {tuple(cache.direction(model_id, kind).vector.tolist()): kind for kind in labels}
    for _, vector in asked.apart:
        kind = known.get(vector)
        *most, last = numbers(vector) if kind is None else [f"model.direction({text(kind)})"]
        lines += [f"    {line}" for line in (*most, f"{last},")]
    return [*lines, "]"]


# ---- which images --------------------------------------------------------------------------------------------------


def _sides(state: State, asked: Asked) -> list[list[str]] | None:
    """The lines that name `these` images, and `others` where these are not simply all others; None without such."""
    model_id = state.entry.model_id
    found: list[list[str]] = []
    for name, called, rows in zip(("these", "others"), asked.names, asked.rows, strict=True):
        if found and rows == direction_asked.complement(model_id, asked.rows[0]):
            return found
        lines = _images(state, name, called, rows)
        if lines is None:
            return None
        found.append(lines)
    return found


def _images(state: State, name: str, called: str, rows: bytes) -> list[str] | None:
    """The lines that name a group of images: by a condition, by a line on the map, one by one."""
    known = cache.encodings(state.entry.model_id)
    with suppress(VAEError):
        if direction_asked.rows_where(state.entry.model_id, called) == rows:
            return [f"{name} = model.where({text(called)})"]
    if (drawn := _drawn_around(state, name, called, rows)) is not None:
        return drawn
    if len(rows) // np.dtype(np.int64).itemsize <= HANDFUL:
        return listed([text(known.image_id(row)) for row in np.frombuffer(rows, np.int64).tolist()], f"{name} = ")
    return None


def _drawn_around(state: State, name: str, called: str, rows: bytes) -> list[str] | None:
    """The line that was drawn around a group; None where it holds others as well, which were hidden."""
    group = next((each for each in groups.of(state) if each.name == called), None)
    if group is None or len(group.polygon) < 3:
        return None
    xy = cache.xy(state.entry.model_id, group.view)
    for digits in (3, 4, 6, None):  # as few as still tell the same images apart
        corners = group.polygon if digits is None else np.round(group.polygon, digits).tolist()
        if direction_asked.as_rows(inside(xy, corners)) == rows:
            lines = listed([f"({x!r}, {y!r})" for x, y in corners], "line = ")
            return [*lines, f"{name} = model.inside({text(group.view)}, line)"]
    return None
