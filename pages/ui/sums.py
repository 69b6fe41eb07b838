"""Arithmetic with codes: a direction added to one, or A − B + C."""

import streamlit as st

from pages.ui import cache
from pages.ui.doors import favourite
from pages.ui.state import Place, State
from pages.ui.widgets import ANY, CURRENT, choose_place, row_of_pictures, words

STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)


def draw_direction(state: State) -> Place | None:
    """A direction, a strength, and the row of pictures it leads through; the code that comes out."""
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
    strength = st.slider(
        "Strength",
        -2.0,
        2.0,
        1.0,
        0.05,
        key="attributes.strength",
        persist_state="session",
        help="1 is the whole step between the means of the two groups; negative takes the attribute away.",
    )
    start = state.place
    steps = tuple(cache.stepped(model_id, start.code, kind, s) for s in STRENGTHS)
    alts = [f"{words(kind)} at strength {s:g}" for s in STRENGTHS]
    row_of_pictures(state, cache.pictures(model_id, steps), "step", alts, 84, one_line=True)
    st.caption(f"The same picture at strength {', '.join(f'{s:g}' for s in STRENGTHS)}.")
    st.caption(cache.direction(model_id, kind).sentence)
    st.caption("A difference of means carries along whatever else the groups differ in: look for what came with it.")
    code = cache.stepped(model_id, start.code, kind, strength)
    return Place(code, None, f"{start.caption}, {words(kind)} {strength:+g}")


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
