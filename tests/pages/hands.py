"""Hands on components without a browser, and what must hold whatever they say."""

import base64
import zlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import ArrayLike
from streamlit.testing.v1 import AppTest

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


class Hands:
    """What a browser would say of the components on a page: each event is a button beside its component.

    Attributes:
        data: what Python gave each component last, by its name.
    """

    def __init__(self, real: Callable[..., None]) -> None:
        self._real = real
        self._told: Any = None
        self.data: dict[str, dict[str, Any]] = {}

    def mount(self, name: str, key: str, data: dict[str, Any], **on: Callable[[Any], None]) -> None:
        self._real(name, key, data, **on)
        self.data[name] = data
        for event, callback in on.items():
            st.button(event, key=f"hand.{name}.{event}", on_click=lambda hear=callback: hear(deepcopy(self._told)))

    def tell(self, app: AppTest, name: str, event: str, **told: Any) -> AppTest:
        """The hand leaves something on the component `name`: its turn and its model are added. The page is drawn."""
        data = self.data[name]
        return self.tell_raw(app, name, event, {"turn": data.get("turn", 0) + 1, "model": data["model"]} | told)

    def tell_raw(self, app: AppTest, name: str, event: str, told: Any) -> AppTest:
        """Just that, whatever it is."""
        self._told = told
        return app.button(key=f"hand.{name}.{event}").click().run()


class Hand:
    """A hand on one component."""

    def __init__(self, name: str, hands: Hands) -> None:
        self.name, self.hands = name, hands

    @property
    def data(self) -> dict[str, Any]:
        """What Python gave it last."""
        return self.hands.data[self.name]

    def send(self, app: AppTest, event: str, **told: Any) -> AppTest:
        return self.hands.tell(app, self.name, event, **told)

    def send_raw(self, app: AppTest, event: str, told: Any) -> AppTest:
        return self.hands.tell_raw(app, self.name, event, told)


def everything(app: AppTest) -> Any:
    """Whatever a hand can change, as it is now."""
    state = app.session_state["muscope"]
    return deepcopy((state.model, state.places, state.before, state.after, state.origins, state.shelf, state.keeps))


def place_of(app: AppTest) -> Any:
    """Where all tools stand."""
    return app.session_state["muscope"].place


def packed(pixels: ArrayLike) -> str:
    """Pixels as a component sends them: packed by zlib, as base64."""
    return base64.b64encode(zlib.compress(np.asarray(pixels, np.uint8).tobytes())).decode()


def told_in_one_line(app: AppTest) -> str:
    """The one plain line on the page. Nothing else went wrong."""
    assert not app.exception, [each.message for each in app.exception]
    (line,) = (each.value for each in app.error)
    assert "\n" not in line and "Muscope itself" not in line, line
    return str(line)
