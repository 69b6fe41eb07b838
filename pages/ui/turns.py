"""What a hand leaves on a component: it counts its turns, and hears back the last one that Python has seen.

Until it does, it knows that what Python says is older than itself, and does not jump back.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.ui.state import State
from vae.errors import VAEError

Told = dict[str, Any]


def last(key: str) -> int:
    """The last turn of a component that Python has seen."""
    turn: int = st.session_state.get(_name(key), 0)
    return turn


def heard(state: State, key: str, callback: Callable[[Told], object], model: str = "") -> Callable[[Any], None]:
    """`callback`, called with what a component told: its turn noted first, whatever is wrong with the rest.

    `model`: the model_id that it is about; the chosen model's where none is given.

    VAEError: it is not what a component tells, or it is about another model.
    """

    def hear(told: Any) -> None:
        turn = told.get("turn") if isinstance(told, dict) else None
        if type(turn) is not int or not 0 < turn < 2**53:
            raise VAEError("The page told something that cannot be read, so nothing was changed: try once more.")
        st.session_state[_name(key)] = turn
        if told.get("model") != (model or state.entry.model_id):
            raise VAEError("What was moved belonged to another model, so nothing was changed.")
        callback(told)

    return hear


def _name(key: str) -> str:
    return f"muscope.{key}.turn"
