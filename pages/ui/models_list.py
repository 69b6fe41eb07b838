"""The models that were brought: to open, to share, to delete, and to take back."""

from datetime import datetime

import streamlit as st

from live import own_models
from live.engine import ModelEntry
from pages.ui import seen, uploader
from pages.ui.errors import careful
from pages.ui.models_opening import open_on_map
from pages.ui.state import State
from pages.ui.visitor import me, this_machine_only
from pages.ui.widgets import literal
from vae.data import allowed

DELETED = "muscope.models.deleted"


def draw_list(state: State) -> None:
    """A line for each, the newest first: what came from elsewhere, then what was trained here and is somebody's."""
    st.subheader("Brought here", anchor="models")
    if name := st.session_state.get(DELETED, ""):
        st.info("It is deleted. It can be taken back for an hour.")
        st.button(
            "Take it back", key="models.do.undo", icon=":material/undo:", on_click=careful(_restore), args=(name,)
        )
    found = [entry for entry in seen.models() if own_models.is_brought(entry)]
    brought = [entry for entry in found if own_models.is_from_elsewhere(entry)]
    if not brought:
        st.caption("Nothing yet. A model that you open stands here, and in the list of models on every page.")
    _draw_each(state, brought)
    if trained := [entry for entry in found if entry not in brought]:
        st.subheader("Trained here", anchor="trained", help="On data that somebody brought. Others are on Train.")
        _draw_each(state, trained)
    uploader.draw_room(state)


def _draw_each(state: State, entries: list[ModelEntry]) -> None:
    for entry in entries:
        with st.container(key=f"models-one-{entry.name}", border=True):
            _draw_one(state, entry)


def _draw_one(state: State, entry: ModelEntry) -> None:
    mine = this_machine_only() or entry.owner.owner == me(state)
    by = "you" if mine else "another visitor"
    shared = f", shared by {by}" if entry.owner.shared and entry.owner.owner else ""
    st.markdown(f"**{literal(entry.title)}**{shared}  \n{literal(entry.sentence)}")
    goes = f", goes on {_day(entry.owner.expires)}" if entry.owner.expires else ""
    st.caption(f"{entry.latent_dim} numbers in a code, {allowed.plain(own_models.size(entry))}{goes}")
    with st.container(horizontal=True, gap="small"):
        open_on_map(state, entry.name, f"models.do.map.{entry.name}", "secondary")
        if not mine:
            return
        if entry.owner.owner:  # what the owner of the machine made by hand is everybody's
            _draw_share(entry)
        st.button(
            "Delete",
            key=f"models.do.delete.{entry.name}",
            icon=":material/delete:",
            on_click=careful(_delete),
            args=(entry,),
            help="It can be taken back for an hour.",
        )


def _draw_share(entry: ModelEntry) -> None:
    st.button(
        "Stop sharing" if entry.owner.shared else "Share",
        key=f"models.do.share.{entry.name}",
        icon=":material/lock:" if entry.owner.shared else ":material/group:",
        on_click=careful(own_models.share),
        args=(entry, not entry.owner.shared),
        help="Nobody else sees it from then on." if entry.owner.shared else "Everybody who opens this server sees it.",
    )


def _delete(entry: ModelEntry) -> None:
    st.session_state[DELETED] = own_models.remove(entry)


def _restore(name: str) -> None:
    st.session_state.pop(DELETED, None)
    own_models.restore(name)


def _day(expires: str) -> str:
    try:
        return f"{datetime.fromisoformat(expires).astimezone():%-d %B}"
    except ValueError:
        return "a day nobody knows"
