"""Whose training this is: the owner of it may pause, stop and delete it; everybody else watches."""

import streamlit as st

from live.visitor import owner_of, short
from pages.ui.state import State
from vae.train.runs import Run


def me(state: State) -> str:
    """This visitor as the books of a training know them; the same tomorrow where the browser keeps cookies."""
    return owner_of(st.context.cookies) or short(state.name)


def may_control(state: State, run: Run) -> bool:
    """Whether this visitor may do more than watch: it is theirs, or nobody but this machine is answered."""
    return this_machine_only() or run.owner == me(state)


def this_machine_only() -> bool:
    """Whether whoever sees the page sits at this machine, and has its rights anyway."""
    return st.get_option("server.address") in ("127.0.0.1", "localhost", "::1")
