"""Arithmetic with codes: a direction added to one, or A − B + C."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.ui import cache
from pages.ui.doors import favourite
from pages.ui.knobs import REACH, mount_knobs, numbers
from pages.ui.state import Place, State
from pages.ui.widgets import ANY, CURRENT, choose_place, row_of_pictures, words

STRENGTH = "attributes.strength"  # where the session keeps it
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
LOW, HIGH = -2.0, 2.0


def draw_direction(state: State) -> Place | None:
    """A direction and a knob along it; the code that comes out."""
    model_id = state.entry.model_id
    kinds = cache.directions(model_id)
    if not kinds:
        st.info("There are no two groups of images whose codes differ, so there is nothing to add. Try A − B + C.")
        return None
    kind = st.selectbox(
        "Attribute",
        kinds,
        index=kinds.index(favourite(model_id) or kinds[0]),
        format_func=words,
        key=f"attributes.kind.{model_id}",
        persist_state="session",
    )
    strength: float = st.session_state.setdefault(STRENGTH, 1.0)
    start, direction = state.place, cache.direction(model_id, kind)
    knob = {
        "id": "strength",
        "label": "Strength",
        "words": "1 is the whole step between the means of the two groups; negative takes the attribute away.",
        "vector": [direction.gap * number for number in direction.vector.tolist()],
        "value": strength,
        "low": LOW,
        "high": HIGH,
        "reach": REACH,
        "stops": STRENGTHS,
        "marks": STRENGTHS,
        "ticks": None,
        "own": None,
        "kl": None,
        "share": None,
        "locked": None,
        "film": "on the same picture",
        "fold": "",
    }
    mount_knobs(state, "attributes.knobs", base=start.code, knobs=[knob], settled=_settled)
    st.caption(direction.sentence)
    st.caption("A difference of means carries along whatever else the groups differ in: look for what came with it.")
    code = cache.stepped(model_id, start.code, kind, strength)
    return Place(code, None, f"{start.caption}, {words(kind)} {round(strength, 2):+g}")


def _settled(told: Mapping[str, Any]) -> None:
    st.session_state[STRENGTH] = numbers(told, {"strength": REACH})["strength"]


def draw_board(state: State) -> Place:
    """Three pictures, and what A has and B has not given to C."""
    model_id = state.entry.model_id
    kind = favourite(model_id)
    columns = st.columns(3, gap="medium")
    terms = []
    for column, name, default in zip(columns, "ABC", (kind or ANY, ANY, CURRENT), strict=True):
        with column:
            place = choose_place(state, name, f"attributes.{name}", default)
            row_of_pictures(state, [cache.picture(model_id, place.code)], f"term-{name}", [place.caption], 110)
            terms.append(place)
    a, b, c = terms
    st.caption("A − B is what the first picture has and the second has not. It is added to the third.")
    return Place(cache.analogy(a.code, b.code, c.code), None, f"{a.caption} − {b.caption} + {c.caption}")
