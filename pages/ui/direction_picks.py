"""Two trays: pictures pressed one by one, those that have something and those that have not."""

from collections.abc import Callable, Container
from functools import partial

import numpy as np
import streamlit as st

from pages.ui import cache
from pages.ui.direction_asked import Asked, as_rows
from pages.ui.state import State
from pages.ui.widgets import literal, small, tap
from vae.errors import VAEError
from vae.explore.directions.evidence import SOLID
from vae.explore.directions.groups import FEWEST

OFFERED = 18  # pictures at a time
MOST = 60  # in a tray
SIDES = ("with", "without")
UNNAMED = "the attribute"  # until somebody says what it is
OUT, OVER = "takes it out", "moves it to the other side"
DIM = "<style>{} {{ opacity: 0.3; }}</style>"
Trays = dict[str, list[str]]


def draw_picks(state: State) -> Asked | None:
    """The trays and the pictures to fill them with; what they ask for, once each holds five."""
    model_id = state.entry.model_id
    trays = _trays(model_id)
    name = st.text_input(
        "What is it?",
        key=f"attributes.pick.name.{model_id}",
        max_chars=40,
        placeholder="smile, slant …",
        persist_state="session",
    ).strip()
    called = {each: f"{each} {name or UNNAMED}" for each in SIDES}
    st.caption(
        literal(f"Press pictures {called[SIDES[0]]}, then some {called[SIDES[1]]}.")
        + f" {FEWEST} on each side will do for a start; about {SOLID} on each side for a verdict that holds."
    )
    side = st.segmented_control(
        "A press puts a picture",
        SIDES,
        default=SIDES[0],
        required=True,
        format_func=lambda each: literal(called[each]),
        key=f"attributes.pick.side.{model_id}",
        persist_state="session",
    )
    turns = st.session_state.setdefault("muscope.turns", {})
    box = f"attributes.picks.{model_id}"
    turn = turns.get(box, 0)
    taken = {*trays[SIDES[0]], *trays[SIDES[1]]}
    offered = list(cache.some_images(model_id, OFFERED, turn))
    _pictures(state, offered, "offer", lambda image_id: _press(trays, side or SIDES[0], image_id), taken)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Other pictures",
            key="attributes.pick.do.more",
            icon=":material/refresh:",
            on_click=_next,
            args=(turns, box),
        )
        if taken:
            st.button("Empty both", key="attributes.pick.do.empty", on_click=_empty, args=(model_id,), type="tertiary")
        elif f"{box}.emptied" in st.session_state:
            st.button(
                "Bring the picked ones back",
                key="attributes.pick.do.back",
                on_click=_back,
                args=(model_id,),
                type="tertiary",
            )
    does = OUT
    if taken:
        does = st.segmented_control(
            "A press in a tray",
            (OUT, OVER),
            default=OUT,
            required=True,
            key=f"attributes.pick.does.{model_id}",
            persist_state="session",
        )
    for each in SIDES:
        with st.container(border=each == side, key=f"pick-tray-{each}", gap="xsmall"):
            here = " · the next picture goes here" if each == side else ""
            st.caption(f"**{len(trays[each])} {literal(called[each])}**{here}")
            _pictures(state, trays[each], each, partial(_leave, trays, each, does == OVER))
    if min(len(trays[each]) for each in SIDES) < FEWEST:
        st.info(f"Put at least {FEWEST} pictures into each tray: ones with, and ones without what you look for.")
        return None
    rows = [np.array([cache.row_of(model_id, image_id) for image_id in trays[each]]) for each in SIDES]
    return Asked(rows=(as_rows(rows[0]), as_rows(rows[1])), names=(name or UNNAMED, called[SIDES[1]]))


def _pictures(
    state: State, image_ids: list[str], handle: str, on_press: Callable[[str], None], taken: Container[str] = ()
) -> None:
    """Pictures to press; those that are in a tray keep their place, but are dim."""
    model_id = state.entry.model_id
    originals = [cache.original(state.entry.data, image_id) for image_id in image_ids]
    crisp = "-crisp" if small(state) else ""
    keys = [f"pick{crisp}-tap-{handle}-{place}" for place in range(len(image_ids))]
    dim = [f".st-key-{key} img" for key, image_id in zip(keys, image_ids, strict=True) if image_id in taken]
    if dim:
        st.html(DIM.format(", ".join(dim)))
    with st.container(horizontal=True, gap="xsmall"):
        for key, image_id, png in zip(keys, image_ids, originals, strict=True):
            shown = png or cache.picture(model_id, cache.code_of(model_id, image_id))
            words = cache.caption_of(model_id, image_id) + (
                ", picked: press to take it out" if image_id in taken else ""
            )
            tap(key, shown, words, on_press, image_id, help=words)


def _trays(model_id: str) -> Trays:
    trays: Trays = st.session_state.setdefault(f"attributes.picks.{model_id}", {side: [] for side in SIDES})
    return trays


def _press(trays: Trays, side: str, image_id: str) -> None:
    """Into a tray; out of the one that it is in."""
    held = [each for each in SIDES if image_id in trays[each]]
    if held:
        trays[held[0]].remove(image_id)
    else:
        _put(trays, side, image_id)


def _put(trays: Trays, side: str, image_id: str) -> None:
    if len(trays[side]) >= MOST:
        raise VAEError(f"A tray holds {MOST} pictures: take one out first.")
    trays[side].append(image_id)


def _leave(trays: Trays, side: str, over: bool, image_id: str) -> None:
    """Out of a tray, or over to the other one."""
    if over:
        _put(trays, SIDES[1 - SIDES.index(side)], image_id)
    trays[side].remove(image_id)


def _next(turns: dict[str, int], box: str) -> None:
    turns[box] = turns.get(box, 0) + 1


def _empty(model_id: str) -> None:
    box = f"attributes.picks.{model_id}"
    st.session_state[f"{box}.emptied"] = st.session_state.pop(box)


def _back(model_id: str) -> None:
    box = f"attributes.picks.{model_id}"
    st.session_state[box] = st.session_state.pop(f"{box}.emptied")
