"""A measurement under way, as every page shows it: how far it is, how long it still takes, and the way to end it."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from live.errands import Standing
from pages.ui.errors import careful
from pages.ui.state import State
from pages.ui.visitor import me, this_machine_only
from pages.ui.widgets import literal
from vae.train.watch import duration


def waiting(now: Standing) -> str:
    """How long the line is, and how long it takes where that can be said: "Waiting: 2 before it, about 40 s." """
    wait = f", about {duration(now.left)}" if now.left else ""
    return f"Waiting: {now.ahead} before it{wait}."


def draw_under_way(
    state: State, now: Standing, key: str, cancel: Callable[..., None], args: tuple[Any, ...], step: str = ""
) -> None:
    """A bar, and "Cancel" for who may.

    Args:
        now: waiting, or being measured.
        key, cancel, args: of the button.
        step: what the time is left of, where that is not the whole.
    """
    if now.how == "waiting":
        st.progress(0.0, waiting(now))
    else:
        left = f", about {duration(now.left)} left{step}" if now.left is not None else ""
        words = literal(now.what[:1].upper() + now.what[1:])
        st.progress(now.fraction, f"{words}{left}" if now.what else "Starting: a few seconds.")
    if this_machine_only() or now.owner == me(state):
        st.button(
            "Cancel",
            key=key,
            icon=":material/close:",
            on_click=careful(cancel),
            args=args,
            help="What was not finished is not kept.",
        )
