"""Whose training this is: the owner of it may pause, stop and delete it; everybody else watches."""

import streamlit as st

from live import components
from live.visitor import who
from pages.ui.state import State
from vae.data import brought
from vae.train.runs import Run


def me(state: State) -> str:
    """This visitor as the books of a training know them; the same tomorrow where the browser keeps cookies."""
    return who(st.context.cookies, state.name)


def may_control(state: State, run: Run) -> bool:
    """Whether this visitor may do more than watch: it is theirs, or nobody but this machine is answered."""
    return this_machine_only() or run.owner == me(state)


def this_machine_only() -> bool:
    """Whether whoever sees the page sits at this machine, and has its rights anyway."""
    return components.this_machine_only()


def seen_by() -> str:
    """Who sees what this visitor brings, in a sentence that is true of this server."""
    if this_machine_only():
        return "Whoever works at this computer sees it: the server answers no other."
    return "Only you see it until you share it."


def brought_sets(state: State) -> list[brought.BroughtSet]:
    """The data sets that this visitor may train on: their own and those that others share, the newest first."""
    return brought.sets(None if this_machine_only() else me(state))
