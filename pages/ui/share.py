"""The ways to share what a page shows and to come back to it: a link, a file."""

from typing import Any

import streamlit as st

from live import own_models, privacy
from pages.ui import live, sessions
from pages.ui.errors import careful
from pages.ui.state import State
from pages.ui.visitor import this_machine_only
from pages.ui.widgets import literal

_LOADED = "muscope.share.loaded"  # how many files were opened: another box for the next one


def draw_share(state: State) -> None:
    """The link to this page as it is, and the visit as a file. Drawn after the page, so that it knows all of it."""
    if not state.model:
        return
    _tell_private(state)
    live.mount("copy_link", state, "frame.copy", {}, copied=lambda told: _copied(state, told))
    with st.expander("Save and open", icon=":material/save:"):
        st.caption(
            "A link shows this page as it is, with what you kept of this model, to whoever may see the model, and so "
            "its images: what you brought stays yours until you share it. A session file holds all you kept, of all "
            "models. Models and images are in neither."
        )
        st.download_button(
            "Save this session",
            sessions.session_file(state),
            sessions.FILE,
            "application/json",
            key="frame.do.save",
            icon=":material/download:",
            on_click="ignore",
        )
        box = f"frame.session.{st.session_state.get(_LOADED, 0)}"
        st.file_uploader(
            "Open a session",
            "json",
            key=box,
            max_upload_size=4,
            on_change=careful(_open),
            args=(state, box),
            help="What is on the screen now can be brought back.",
        )
        if sessions.can_close():
            st.button(
                "Back to before it was opened",
                key="frame.do.close",
                icon=":material/undo:",
                on_click=careful(sessions.close_file),
                args=(state,),
            )


def _tell_private(state: State) -> None:
    """Who cannot open the link, where that is everybody else, and the way to let them."""
    entry = state.entry
    if this_machine_only() or not privacy.is_private(entry):
        return
    with st.container(key="frame-private", gap="xsmall"):
        st.caption(f"{literal(entry.title)} is not shared: only you can open a link to it.")
        st.button(
            "Share it",
            key="frame.do.share",
            icon=":material/group:",
            on_click=careful(own_models.share),
            args=(entry, True),
            help="Everybody who opens this server then sees the model and what it draws. Your models takes it back.",
        )


def _copied(state: State, told: Any) -> None:
    sessions.copied(state)


def _open(state: State, box: str) -> None:
    given = st.session_state.get(box)
    if given is None:
        return
    st.session_state[_LOADED] = st.session_state.get(_LOADED, 0) + 1
    sessions.open_file(state, given.getvalue())
