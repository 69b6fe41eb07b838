"""The data sets that a visitor brought, and those that others share: to train on, to share, to delete."""

from datetime import datetime

import streamlit as st

from live import privacy, takeaways
from pages.ui import cache, lead, uploader
from pages.ui.bring_making import choose_set, made_of
from pages.ui.errors import careful
from pages.ui.state import State
from pages.ui.visitor import brought_sets, me, this_machine_only
from pages.ui.widgets import literal
from vae.data import allowed, brought
from vae.data.brought import BroughtSet


def draw_sets(state: State) -> None:
    """A line for each, the newest first."""
    st.subheader("What you have brought", anchor="sets")
    found = brought_sets(state)
    if not found:
        st.caption("Nothing yet. What you bring will stand here, to train on, to share, or to delete.")
    for one in found:
        _draw_set(state, one)
    uploader.draw_room(state)


def _draw_set(state: State, one: BroughtSet) -> None:
    mine = this_machine_only() or one.owner == me(state)
    with st.container(key=f"bring-set-{one.id}", border=True):
        words, buttons = st.columns([6, 7], vertical_alignment="center")
        with words:
            shared = "" if not one.shared else ", shared by you" if mine else ", shared by another visitor"
            st.markdown(f"**{literal(one.title)}**  \n{made_of(one)}{shared}")
            st.caption(f"{allowed.plain(brought.size(one.id))}{_goes(one)}")
        with buttons, st.container(horizontal=True, gap="small", horizontal_alignment="right"):
            lead.button(
                "Train on it",
                "train.py",
                key=f"bring.do.train.{one.id}",
                first=lambda: choose_set(one.id),
                icon=":material/model_training:",
            )
            if mine:
                _draw_own(one)


def _draw_own(one: BroughtSet) -> None:
    st.button(
        "Stop sharing" if one.shared else "Share",
        key=f"bring.do.share.{one.id}",
        icon=":material/lock:" if one.shared else ":material/group:",
        on_click=careful(_share),
        args=(one.id, not one.shared),
        help="Everybody who opens this server may train on it, and sees its pictures."
        if not one.shared
        else "Nobody else can train on it from then on. Models that others made of it keep its pictures.",
    )
    with st.popover("Delete", icon=":material/delete:"):
        st.write(f"**{literal(one.title)}** goes for good. Models that were made of it stay.")
        key = f"bring.do.delete.{one.id}"
        st.button("Delete it", key=key, type="primary", on_click=careful(_delete), args=(one.id,))


def _share(set_id: str, shared: bool) -> None:
    brought.share(set_id, shared)
    privacy.withdraw(privacy.made_of(set_id))


def _delete(set_id: str) -> None:
    brought.delete(set_id)
    cache.forget_originals()
    takeaways.sweep()
    privacy.withdraw(privacy.made_of(set_id))


def _goes(one: BroughtSet) -> str:
    if one.expires is None:
        return ""
    return f", goes on {datetime.fromisoformat(one.expires).astimezone():%-d %B}"
