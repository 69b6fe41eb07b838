"""The keyframes of a path: taken from anywhere, put in order by hand, taken out, and brought back."""

from typing import Any

import streamlit as st

from pages.ui import cache, live, turns
from pages.ui.errors import careful
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import ANY, choose_place, once, row_of_pictures, small, uri
from vae.errors import VAEError
from vae.explore.paths import MOST

_CHOSEN = "muscope.paths.keyframe"  # which one is chosen
_UNREADABLE = "The row of keyframes told something that cannot be read, so nothing was changed: try once more."


def keyframes(state: State) -> tuple[Place, ...]:
    """What the path of the chosen model goes through: at first from this picture to one of another kind."""
    arranged = state.keyframes.get(state.model)
    return arranged[-1] if arranged else _at_first(state)


def _at_first(state: State) -> tuple[Place, ...]:
    model_id, here = state.entry.model_id, state.place
    other = cache.image_of_kind(model_id, cache.another_kind(model_id, here.image_id) or "", 0)
    return (here, state.of_image(other))


def draw_keyframes(state: State) -> tuple[Place, ...]:
    """The row of keyframes, and where more of them come from."""
    found = keyframes(state)
    codes = tuple(place.code for place in found)
    chosen = min(st.session_state.get(_CHOSEN, len(found) - 1), len(found) - 1)
    pngs = cache.pictures(state.entry.model_id, codes)
    data: dict[str, Any] = {
        "frames": [{"png": uri(png), "alt": place.caption} for png, place in zip(pngs, found, strict=True)],
        "chosen": chosen,
        "crisp": small(state),
        "base": len(state.keyframes.get(state.model, ())),
        "turn": turns.last("keyframes"),
    }
    live.mount(
        "keyframes",
        state,
        "keyframes",
        data,
        settled=turns.heard(state, "keyframes", lambda told: arrange(state, told)),
        undo=turns.heard(state, "keyframes", lambda told: undo(state)),
    )
    _draw_source(state, found, chosen)
    return found


def _draw_source(state: State, found: tuple[Place, ...], chosen: int) -> None:
    """Another picture, and what to do with it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        shown = st.container(width=56)
        with st.container(width=190):
            place = choose_place(state, "Another picture", "paths.next", ANY)
        with shown:
            row_of_pictures(state, [cache.picture(state.entry.model_id, place.code)], "next", [place.caption], 56)
        with st.container(horizontal=True, width="content", gap="small"):
            st.button(
                "Add",
                key="paths.do.add",
                icon=":material/add:",
                disabled=len(found) >= MOST,
                on_click=careful(once(state, add)),
                args=(state, place, chosen),
                help=f"The path goes through it after keyframe {chosen + 1}. Up to {MOST} keyframes.",
            )
            st.button(
                f"Put in place of {chosen + 1}",
                key="paths.do.replace",
                icon=":material/swap_horiz:",
                on_click=careful(once(state, replace)),
                args=(state, place, chosen),
                help="Press a keyframe to choose it.",
            )


def _arranged(state: State, found: tuple[Place, ...], chosen: int) -> None:
    if len(found) < 2:
        raise VAEError("A path of one keyframe goes nowhere: add another one first.")
    if len(found) > MOST:
        raise VAEError(f"A path goes through {MOST} keyframes at most: take one out first.")
    if found != keyframes(state):
        state.keyframes.setdefault(state.model, []).append(found)
    st.session_state[_CHOSEN] = chosen


def add(state: State, place: Place, after: int) -> None:
    """One more keyframe behind number `after`, and it is the chosen one. VAEError: there is no room."""
    found = keyframes(state)
    _arranged(state, (*found[: after + 1], place, *found[after + 1 :]), after + 1)


def replace(state: State, place: Place, at: int) -> None:
    """Another picture in the place of one."""
    found = keyframes(state)
    _arranged(state, (*found[:at], place, *found[at + 1 :]), at)


def arrange(state: State, told: Told) -> None:
    """What a hand left: {"order": which of the old ones, in their new order, "chosen": which of these, "base": the
    arrangement that the old ones are of}: a second change, made before the first was heard, counts from the same one.

    VAEError: there are no such keyframes, or fewer than two are left.
    """
    order, chosen, base = told.get("order"), told.get("chosen"), told.get("base")
    history = state.keyframes.get(state.model, [])
    if type(base) is not int or not 0 <= base <= len(history):
        raise VAEError(_UNREADABLE)
    found = history[base - 1] if base else _at_first(state)
    if not isinstance(order, list) or not all(type(number) is int for number in order):
        raise VAEError(_UNREADABLE)
    if len(set(order)) != len(order) or not set(order) <= set(range(len(found))):
        raise VAEError(_UNREADABLE)
    if type(chosen) is not int or not 0 <= chosen < max(1, len(order)):
        raise VAEError(_UNREADABLE)
    _arranged(state, tuple(found[number] for number in order), chosen)


def undo(state: State) -> None:
    """The keyframes as they were before the last change."""
    history = state.keyframes.get(state.model)
    if history:
        history.pop()
