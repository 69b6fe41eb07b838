"""Samples from the prior: which draw is on the screen, and keeping one picture of it."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import streamlit as st

from live.answers import BYTES
from pages.ui import cache, live, turns
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import small, uri
from vae.errors import VAEError

COUNTS = (4, 16, 36, 64)
HOTTEST = 2.0  # temperature
_NOW, _KEPT = "muscope.sample.now", "muscope.sample.kept"


@dataclass(frozen=True)
class Draw:
    """What the grid shows.

    Attributes:
        draw: the seed of its random numbers.
        count: how many samples.
        temperature: their spread, in standard deviations of the prior.
        pace: pictures a second while it refills.
        live: its pictures come by the wire, so a page need not carry them.
    """

    draw: int = 1
    count: int = 36
    temperature: float = 1.0
    pace: float = 2.0
    live: bool = False


def now(state: State) -> Draw:
    """What the grid shows, as far as Python was told."""
    found: Draw = st.session_state.setdefault(_NOW, Draw())
    return replace(found, count=min(found.count, counts(state)[-1]))


def counts(state: State) -> list[int]:
    """How many samples can be asked for: as many as fit into one reply of the wire."""
    return [count for count in COUNTS if count * math.prod(state.entry.shape) <= BYTES]


def sample(state: State, draw: int, index: int, temperature: float) -> Place:
    """Picture `index` (from 0) of a draw."""
    code = cache.random_codes(state.entry.model_id, COUNTS[-1], temperature, draw)[index]
    warm = "" if temperature == 1 else f" at temperature {temperature:.2f}"
    return Place(code, None, f"sample {index + 1} of draw {draw}{warm}")


def shown(state: State) -> Place:
    """The one to show large: kept last of what is on the screen, or the first of it."""
    drawn = now(state)
    kept = st.session_state.get(_KEPT)
    if kept is not None and kept[0] == (state.entry.model_id, drawn.draw, drawn.temperature):
        place: Place = kept[1]
        return place
    return sample(state, drawn.draw, 0, drawn.temperature)


def draw_samples(state: State) -> None:
    """The grid and what it is worked with. The large picture shows what is looked at."""
    drawn, model_id = now(state), state.entry.model_id
    data: dict[str, Any] = {"draw": drawn.draw, "count": drawn.count, "counts": counts(state), "pictures": None}
    data |= {"temperature": drawn.temperature, "pace": drawn.pace, "crisp": small(state), "turn": turns.last("shower")}
    if not drawn.live:
        codes = cache.random_codes(model_id, drawn.count, drawn.temperature, drawn.draw)
        data["pictures"] = [uri(png) for png in cache.pictures(model_id, codes)]
    live.mount(
        "shower",
        state,
        "shower",
        data,
        settled=turns.heard(state, "shower", settle),
        keep=turns.heard(state, "shower", lambda told: keep(state, told)),
    )


def settle(told: Told) -> None:
    """What the hand left: the fields of a `Draw`. VAEError: there is no such draw."""
    st.session_state[_NOW] = _read(told)


def keep(state: State, told: Told) -> None:
    """Put picture "index" of draw "of" at temperature "at" on the shelf, and show it large. VAEError: no such one."""
    drawn, of = _read(told), _read({**told, "draw": told.get("of"), "temperature": told.get("at")})
    index = told.get("index")
    if type(index) is not int or not 0 <= index < COUNTS[-1]:
        raise VAEError("The page named a sample that was not drawn, so nothing was changed: try once more.")
    place = sample(state, of.draw, index, of.temperature)
    state.keep(place)
    st.session_state[_NOW] = drawn
    st.session_state[_KEPT] = ((state.entry.model_id, drawn.draw, drawn.temperature), place)
    st.toast("Kept: find it on the shelf.")


def _read(told: Told) -> Draw:
    """A draw as a page tells it; checked, because anything can come over a network."""
    drawn: dict[str, Any] = {field.name: told.get(field.name) for field in fields(Draw)}
    whole = type(drawn["draw"]) is int and 0 <= drawn["draw"] < 2**32
    whole &= type(drawn["count"]) is int and drawn["count"] in COUNTS and type(drawn["live"]) is bool
    if not (whole and _between(drawn["temperature"], 0, HOTTEST) and _between(drawn["pace"], 0.1, 100)):
        raise VAEError("The page named a draw that cannot be, so nothing was changed: try once more.")
    # The wire carries a float32: the same number here, or the codes would differ in their last digits.
    return Draw(**drawn | {"temperature": float(np.float32(drawn["temperature"])), "pace": float(drawn["pace"])})


def _between(value: Any, low: float, high: float) -> bool:
    return type(value) in (int, float) and low <= value <= high  # not a number is not between
