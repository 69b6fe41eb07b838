"""How alike directions are: the cosine of each with each, as a grid that can be pressed."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from pages.ui import cache, direction_asked, live, turns
from pages.ui.direction_asked import Asked
from pages.ui.direction_how import KEPT, fixed_box, looking_box
from pages.ui.direction_source import KEPT as KEPT_SOURCE
from pages.ui.direction_source import OF_DATA
from pages.ui.state import State
from pages.ui.widgets import words
from vae.errors import VAEError
from vae.explore.directions.angles import chance_cosine, cosines
from vae.explore.directions.found import Direction

MOST = 40  # directions: more are a carpet
MOST_KEPT = 20  # of them
HAND = "hand"  # the direction in hand, where it is none of the others
CHANCE = 0.95
ATTRIBUTE = "attribute:"


@dataclass(frozen=True, eq=False)
class Entry:
    """One direction of the grid: HAND, "attribute:smile", "label:3" or "kept:slant"; its name; its unit vector."""

    option: str
    name: str
    vector: np.ndarray


def draw_angles(state: State, asked: Asked, found: Direction) -> None:
    """The grid, folded. `asked.kind` is "kept:slant" of a kept direction."""
    entries, left_out = _entries(state, asked, found)
    if len(entries) < 2:
        return
    within = chance_cosine(len(found.vector), CHANCE)
    with st.expander("Angles between directions"):
        st.caption(
            "Cosines: 1 is the same direction, 0 has nothing to do with it, −1 is the opposite. Press a cell: the "
            "direction of its row comes into hand, that of its column kept fixed; on the diagonal, the row alone."
        )
        _mount(state, asked, entries, within)
        more = f" {left_out} more directions are not shown." if left_out else ""
        st.caption(
            f"In {len(found.vector)} dimensions the cosine of two random directions lies within ±{within:.2f} in "
            f"{100 * CHANCE:.0f} of 100 cases: such cells are pale.{more}"
        )


def _entries(state: State, asked: Asked, found: Direction) -> tuple[list[Entry], int]:
    """What the grid shows, what is in hand first, and how many are left out."""
    model_id = state.entry.model_id
    kept = state.directions.get(state.model, [])
    told = [Entry(f"{KEPT}{each.name}", each.name, np.array(each.vector)) for each in kept[-MOST_KEPT:]]
    plain = asked.kind.startswith(KEPT) and not asked.apart
    if not plain and (not asked.kind or asked != direction_asked.of_kind(model_id, asked.kind)):
        told.insert(0, Entry(HAND, "in hand", found.vector))
    kinds = []
    for kind in cache.directions(model_id):
        with suppress(VAEError):
            step = direction_asked.direction(model_id, direction_asked.of_kind(model_id, kind))
            kinds.append(Entry(kind, words(kind), step.vector))
    room = MOST - len(told)
    left_out = max(len(kinds) - room, 0) + max(len(kept) - MOST_KEPT, 0)
    first = 1 if told and told[0].option == HAND else 0
    return [*told[:first], *kinds[:room], *told[first:]], left_out


def _mount(state: State, asked: Asked, entries: list[Entry], within: float) -> None:
    values = cosines([each.vector for each in entries]).astype(np.float64)
    options = [each.option for each in entries]
    held = [option for option in options if _option(option) in _held(state, asked)]
    chosen = [options.index(asked.kind), options.index(held[0])] if len(held) == 1 and asked.kind in options else None
    data = {
        "options": options,
        "names": [each.name for each in entries],
        "values": [[round(value, 4) for value in row] for row in values.tolist()],
        "chance": within,
        "chosen": chosen,
        "turn": turns.last("attributes.angles"),
    }
    pressed = turns.heard(state, "attributes.angles", partial(_press, state, asked, tuple(options)))
    live.mount("cosines", state, "attributes.angles", data, press=pressed)


def _held(state: State, asked: Asked) -> list[str]:
    kind = KEPT if asked.kind.startswith(KEPT) else asked.kind
    return list(st.session_state.get(fixed_box(state.entry.model_id, kind)) or ())


def _option(entry: str) -> str:
    """What the box of what is kept fixed calls an entry."""
    return entry.removeprefix(ATTRIBUTE)


# ---- what a press does ---------------------------------------------------------------------------------------------


def _press(state: State, asked: Asked, options: tuple[str, ...], told: Mapping[str, Any]) -> None:
    """The row into hand, the column fixed. What is in hand already stays there, and the other is fixed beside it."""
    row, column = told.get("row"), told.get("column")
    if row not in options or column not in options:
        raise VAEError("The press named no two of these directions, so nothing was changed: press again.")
    if column == HAND:
        row, column = column, row
    model_id = state.entry.model_id
    st.session_state[looking_box(model_id)] = False
    fixed = [] if row == column else [_option(str(column))]
    if row == HAND:
        kind = KEPT if asked.kind.startswith(KEPT) else asked.kind
        own = column in (asked.kind, HAND)
        held = _held(state, asked)
        st.session_state[fixed_box(model_id, kind)] = (
            held if own else [*(one for one in held if one not in fixed), *fixed]
        )
        return
    _take(state, str(row))
    st.session_state[fixed_box(model_id, KEPT if str(row).startswith(KEPT) else str(row))] = fixed


def _take(state: State, option: str) -> None:
    """Put a direction into hand."""
    model_id = state.entry.model_id
    if option.startswith(KEPT):
        st.session_state["attributes.source"] = KEPT_SOURCE
        st.session_state[f"attributes.kept.{model_id}"] = option.removeprefix(KEPT)
    else:
        st.session_state["attributes.source"] = OF_DATA
        st.session_state[f"attributes.kind.{model_id}"] = option
