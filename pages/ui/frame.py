"""What stands around every page: the model picker and the shelf of kept codes."""

import html
from collections import Counter
from pathlib import Path

import streamlit as st

from live.engine import shared
from pages.ui import cache
from pages.ui.state import State
from pages.ui.widgets import tap, uri
from vae.errors import VAEError

STYLE = Path(__file__).with_name("style.css").read_text()


def draw_frame(state: State) -> None:
    """The style sheet, and everything in the sidebar below the menu."""
    st.html(f"<style>{STYLE}</style>")
    with st.sidebar:
        _draw_picker(state)
        _draw_shelf(state)


def _draw_picker(state: State) -> None:
    entries = {entry.name: entry for entry in shared().models()}
    for line in shared().broken():
        st.caption(f"Left out: {line}")
    if not entries:
        return
    # Streamlit tells options apart by their words: two models of one title need their names, too.
    titles = Counter(entry.title for entry in entries.values())
    labels = {name: e.title if titles[e.title] == 1 else f"{e.title} ({name})" for name, e in entries.items()}
    st.session_state["frame.model"] = state.model
    st.selectbox(
        "Model",
        list(entries),
        format_func=labels.__getitem__,
        key="frame.model",
        on_change=lambda: state.choose(st.session_state["frame.model"]),
    )
    entry = state.entry
    try:
        code = cache.code_of(entry.model_id, cache.first_image(entry.model_id))
        picture = f'<img class="mu-crisp" alt="" src="{uri(cache.picture(entry.model_id, code))}">'
    except VAEError as error:  # a model without encodings can still be chosen, and its page says what to do
        picture = ""
        st.warning(str(error))
    st.html(f'<div class="mu-model">{picture}<p>{html.escape(entry.sentence)}</p></div>')


def _draw_shelf(state: State) -> None:
    st.subheader("Shelf", help="Codes you kept. Press one to start from it on any page.")
    if not state.shelf:
        st.caption("Nothing kept yet. “Keep this code” on any page puts a picture here.")
    with st.container(horizontal=True, gap="xsmall"):
        for place, kept in enumerate(state.shelf):
            png = cache.picture(cache.entry(kept.model).model_id, kept.place.code)
            tap(f"shelf.tap.{place}", png, f"Kept: {kept.place.caption}", state.take_out, kept, help=kept.place.caption)
    if state.shelf:
        st.button("Empty the shelf", key="shelf.do.empty", type="tertiary", on_click=state.empty_shelf)
    elif state.emptied:
        st.button("Put them back", key="shelf.do.refill", type="tertiary", on_click=state.refill_shelf)
