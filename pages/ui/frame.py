"""What stands around every page: the model picker and the shelf of kept codes."""

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from live.engine import shared
from pages.ui import cache
from pages.ui.state import State
from pages.ui.widgets import tap, uri
from vae.errors import VAEError

LabelVisibility = Literal["visible", "hidden", "collapsed"]

STYLE = Path(__file__).with_name("style.css").read_text()


def draw_frame(state: State, menu: Mapping[str, Sequence[StreamlitPage]]) -> None:
    """The style sheet, and everything in the sidebar: the menu, the model, the shelf."""
    st.html(f"<style>{STYLE}</style>")
    with st.sidebar, st.container(key="frame-menu", gap="xxsmall"):
        for group, pages in menu.items():
            st.caption(group)
            for page in pages:
                st.page_link(page)
    with st.sidebar, st.container(key="frame-side"):
        _draw_picker(state)
        _draw_shelf(state)


def draw_below(state: State) -> None:
    """The same once more, shorter, for phones: under the picture, or at the foot of a page without one.

    A phone closes the sidebar over the page, and what was kept would be out of sight. The style sheet shows one of the
    two: Python does not know how wide a window is.
    """
    with state.below or st.container(key="frame-below"):
        _choose_model(state, "below.model", "collapsed")
        if state.shelf:
            st.caption("Kept codes: press one to start from it.")
        _draw_kept(state, "below.shelf")


def _draw_picker(state: State) -> None:
    for line in shared().broken():
        st.caption(f"Left out: {line}")
    if not _choose_model(state, "frame.model"):
        return
    picture = ""
    try:
        code = cache.code_of(state.entry.model_id, cache.first_image(state.entry.model_id))
        picture = f'<img class="mu-crisp" alt="" src="{uri(cache.picture(state.entry.model_id, code))}">'
    except VAEError as error:  # a model without encodings can still be chosen, and its page says what to do
        st.warning(str(error))
    st.html(f'<div class="mu-model">{picture}<p>{html.escape(state.entry.sentence)}</p></div>')


def _choose_model(state: State, key: str, label: LabelVisibility = "visible") -> bool:
    """The list of models; False where there is none."""
    entries = {entry.name: entry for entry in shared().models()}
    if not entries:
        return False
    # Streamlit tells options apart by their words: two models of one title need their names, too.
    titles = Counter(entry.title for entry in entries.values())
    labels = {name: e.title if titles[e.title] == 1 else f"{e.title} ({name})" for name, e in entries.items()}
    st.session_state[key] = state.model
    st.selectbox(
        "Model",
        list(entries),
        format_func=labels.__getitem__,
        key=key,
        on_change=lambda: state.choose(st.session_state[key]),
        label_visibility=label,
    )
    return True


def _draw_shelf(state: State) -> None:
    st.subheader("Shelf", help="Codes you kept. Press one to start from it on any page.")
    if not state.shelf:
        st.caption("Nothing kept yet. “Keep this code” on any page puts a picture here.")
    _draw_kept(state, "shelf")


def _draw_kept(state: State, key: str) -> None:
    """The kept codes as pictures to press, and the way to be rid of them."""
    with st.container(horizontal=True, gap="xsmall"):
        for place, kept in enumerate(state.shelf):
            png = cache.picture(cache.entry(kept.model).model_id, kept.place.code)
            tap(f"{key}.tap.{place}", png, f"Kept: {kept.place.caption}", state.take_out, kept, help=kept.place.caption)
    if state.shelf:
        st.button("Empty the shelf", key=f"{key}.do.empty", type="tertiary", on_click=state.empty_shelf)
    elif state.emptied:
        st.button("Put them back", key=f"{key}.do.refill", type="tertiary", on_click=state.refill_shelf)
