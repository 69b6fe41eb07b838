"""What stands around every page: the menu, the model picker, what was kept, and the ways to share and to come back."""

import html
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from live import own_models
from live.engine import shared
from pages.ui import cache, seen
from pages.ui.errors import plain
from pages.ui.kept import draw_kept
from pages.ui.share import draw_share
from pages.ui.state import State
from pages.ui.widgets import literal, uri
from vae.data import allowed
from vae.errors import VAEError
from vae.train.watch import duration

LabelVisibility = Literal["visible", "hidden", "collapsed"]

READ = 50e6  # bytes of a model that are read, checked and turned into a network in a second
STYLE = Path(__file__).with_name("style.css").read_text()


def draw_frame(state: State, menu: Mapping[str, Sequence[StreamlitPage]]) -> DeltaGenerator:
    """The style sheet, and what is in the sidebar: the menu, the model, what was kept.

    Returns:
        The place in the sidebar for what can only be drawn after the page.
    """
    st.html(f"<style>{STYLE}</style>")
    with st.sidebar, st.container(key="frame-menu", gap="xxsmall"):
        for group, pages in menu.items():
            st.caption(group)
            for page in pages:
                st.page_link(page)
    with st.sidebar, st.container(key="frame-side"):
        _draw_picker(state)
        _draw_kept(state)
    return st.sidebar.container(key="frame-share")


def open_model(state: State) -> None:
    """Have the chosen model in memory before anything is drawn of it, and say so: a large one takes a while to read."""
    if not state.model or shared().is_open(state.entry.model_id):
        return
    entry = state.entry
    words = f"{literal(entry.title)} is being opened: {_reading(own_models.size(entry))}."
    with st.spinner(words), suppress(VAEError):  # whoever draws something of it tells
        shared().open(entry)
        if (image_id := state.place.image_id) is not None:
            cache.original(entry.data, image_id)  # its images are read once, too


def _reading(size: int) -> str:
    seconds = math.ceil(size / READ)
    return f"{allowed.plain(size)} are read, {'a moment' if seconds < 2 else f'about {duration(seconds)}'}"


def draw_after(state: State, side: DeltaGenerator) -> None:
    """What is drawn when the page has been: the rest of the sidebar, and what a phone finds below the picture."""
    with side:
        draw_share(state)
    _draw_below(state)


def _draw_below(state: State) -> None:
    """The same once more, shorter, for phones: under the picture, or at the foot of a page without one.

    A phone closes the sidebar over the page, and what was kept would be out of sight. The style sheet shows one of the
    two: Python does not know how wide a window is.
    """
    with state.below or st.container(key="frame-below"):
        _choose_model(state, "below.model", "collapsed")
        draw_kept(state, "below.shelf")


def _draw_picker(state: State) -> None:
    for line in shared().broken():
        st.caption(plain(f"Left out: {line}"))
    if not _choose_model(state, "frame.model"):
        return
    picture = ""
    try:
        code = cache.code_of(state.entry.model_id, cache.first_image(state.entry.model_id))
        picture = f'<img class="mu-crisp" alt="" src="{uri(cache.picture(state.entry.model_id, code))}">'
    except VAEError as error:  # a model without encodings can still be chosen, and its page says what to do
        st.warning(plain(error))
    st.html(f'<div class="mu-model">{picture}<p>{html.escape(state.entry.sentence)}</p></div>')


def _choose_model(state: State, key: str, label: LabelVisibility = "visible") -> bool:
    """The list of models; False where there is none."""
    entries = {entry.name: entry for entry in seen.models()}
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


def _draw_kept(state: State) -> None:
    st.subheader("Kept", help="What you kept, at hand on every page. A code is where to start, on any page.")
    draw_kept(state, "shelf")
