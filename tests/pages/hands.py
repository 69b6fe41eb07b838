"""Buttons in the place of a component that a hand moves: `send` says to Python what the browser would have said."""

from copy import deepcopy
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.ui import live
from pages.ui.errors import careful

NONSENSE = (
    None,
    5,
    "text",
    [],
    {},
    {"turn": "one"},
    {"turn": True},
    {"turn": -1},
    {"turn": 2**60},
    {"turn": float("nan")},
)


class Hand:
    """The component `name`, on whatever page it is.

    Attributes:
        data: what Python gave it last.
    """

    def __init__(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = name
        self.data: dict[str, Any] = {}
        self._told: Any = None
        self._real = live.mount
        monkeypatch.setattr(live, "mount", self._mount)

    def _mount(self, name: str, state: Any, key: str, data: dict[str, Any], **on: Any) -> None:
        if name != self.name:
            return self._real(name, state, key, data, **on)
        self.data = live.live_data(state) | data
        for event, callback in on.items():
            hear = careful(callback)
            st.button(event, key=f"hand.{event}", on_click=lambda hear=hear: hear(deepcopy(self._told)))
        return None

    def send(self, app: AppTest, event: str, **told: Any) -> AppTest:
        """What the component tells when a hand let go: its turn and its model are added."""
        return self.send_raw(app, event, {"turn": self.data["turn"] + 1, "model": self.data["model"]} | told)

    def send_raw(self, app: AppTest, event: str, told: Any) -> AppTest:
        self._told = told
        return app.button(key=f"hand.{event}").click().run()


def everything(app: AppTest) -> Any:
    """Whatever a hand can change, as it is now."""
    state = app.session_state["muscope"]
    return deepcopy((state.model, state.places, state.before, state.after, state.origins, state.shelf, state.keeps))


def told_in_one_line(app: AppTest) -> str:
    """The one plain line on the page. Nothing else went wrong."""
    assert not app.exception, [each.message for each in app.exception]
    (line,) = (each.value for each in app.error)
    assert "\n" not in line and "Muscope itself" not in line, line
    return str(line)
