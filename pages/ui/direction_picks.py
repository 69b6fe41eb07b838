"""Two trays: pictures pressed one by one, those that have something and those that have not."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from pages.ui import cache
from pages.ui.direction_asked import Asked, as_rows
from pages.ui.state import State
from pages.ui.widgets import small, tap
from vae.explore.directions.groups import FEWEST

OFFERED = 18  # pictures at a time
MOST = 60  # in a tray
SIDES = ("with it", "without it")
Trays = dict[str, list[str]]


def draw_picks(state: State) -> Asked | None:
    """The trays and the pictures to fill them with; what they ask for, once each holds five."""
    model_id = state.entry.model_id
    trays = _trays(model_id)
    name = st.text_input(
        "What is it?", value="it", key=f"attributes.pick.name.{model_id}", max_chars=40, persist_state="session"
    ).strip()
    side = st.segmented_control(
        "A press puts a picture",
        SIDES,
        default=SIDES[0],
        required=True,
        key=f"attributes.pick.side.{model_id}",
        persist_state="session",
    )
    turns = st.session_state.setdefault("muscope.turns", {})
    box = f"attributes.picks.{model_id}"
    turn = turns.get(box, 0)
    taken = {*trays[SIDES[0]], *trays[SIDES[1]]}
    offered = [each for each in cache.some_images(model_id, OFFERED, turn) if each not in taken]
    _pictures(state, offered, "offer", lambda image_id: _put(trays, side or SIDES[0], image_id))
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
    for each in SIDES:
        st.caption(f"{len(trays[each])} {each}" + (": press one to take it out" if trays[each] else ""))
        _pictures(state, trays[each], each.split()[0], trays[each].remove)
    if min(len(trays[each]) for each in SIDES) < FEWEST:
        st.info(f"Put at least {FEWEST} pictures into each tray: ones with, and ones without what you look for.")
        return None
    rows = [np.array([cache.row_of(model_id, image_id) for image_id in trays[each]]) for each in SIDES]
    return Asked(rows=(as_rows(rows[0]), as_rows(rows[1])), names=(name or "it", f"no {name or 'it'}"))


def _pictures(state: State, image_ids: list[str], handle: str, on_press: Callable[[str], None]) -> None:
    model_id = state.entry.model_id
    originals = [cache.original(state.entry.data, image_id) for image_id in image_ids]
    crisp = "-crisp" if small(state) else ""
    with st.container(horizontal=True, gap="xsmall"):
        for place, (image_id, png) in enumerate(zip(image_ids, originals, strict=True)):
            shown = png or cache.picture(model_id, cache.code_of(model_id, image_id))
            words = cache.caption_of(model_id, image_id)
            tap(f"pick{crisp}-tap-{handle}-{place}", shown, words, on_press, image_id, help=words)


def _trays(model_id: str) -> Trays:
    trays: Trays = st.session_state.setdefault(f"attributes.picks.{model_id}", {side: [] for side in SIDES})
    return trays


def _put(trays: Trays, side: str, image_id: str) -> None:
    if image_id not in trays[SIDES[0]] + trays[SIDES[1]] and len(trays[side]) < MOST:
        trays[side].append(image_id)


def _next(turns: dict[str, int], box: str) -> None:
    turns[box] = turns.get(box, 0) + 1


def _empty(model_id: str) -> None:
    box = f"attributes.picks.{model_id}"
    st.session_state[f"{box}.emptied"] = st.session_state.pop(box)


def _back(model_id: str) -> None:
    box = f"attributes.picks.{model_id}"
    st.session_state[box] = st.session_state.pop(f"{box}.emptied")
