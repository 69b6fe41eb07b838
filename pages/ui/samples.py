"""Samples from a prior: which draw is on the screen, and keeping one picture of it."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import streamlit as st

from live.answers import BYTES
from live.desk import shared_desk
from live.samples import STANDARD
from live.wire import Sample
from pages.ui import cache, live, turns
from pages.ui.cache import Code
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import small, uri, words
from vae.errors import VAEError

COUNTS = (4, 16, 36, 64)
HOTTEST, LOOSEST = 2.0, 4.0  # temperature; limit of the noise
_NOW, _KEPT = "muscope.sample.now", "muscope.sample.kept"


@dataclass(frozen=True)
class Draw:
    """What the grid shows.

    Attributes:
        draw: the seed of its random numbers.
        count: how many samples.
        temperature: the spread of the noise, 1 the prior's own. limit: how far out it may lie, 0 for no limit.
        prior: where codes come from (`live.samples.PRIORS`). of: what they shall show, "label:3", or "" for anything.
        pace: pictures a second while it refills.
        live: its pictures come by the wire, so a page need not carry them.
    """

    draw: int = 1
    count: int = 36
    temperature: float = 1.0
    limit: float = 0.0
    prior: str = STANDARD
    of: str = ""
    pace: float = 2.0
    live: bool = False


def now(state: State, prior: str = STANDARD, of: str = "") -> Draw:
    """What the grid shows, as far as Python was told, from this prior."""
    found: Draw = st.session_state.setdefault(_NOW, Draw())
    return replace(found, count=min(found.count, counts(state)[-1]), prior=prior, of=of)


def counts(state: State) -> list[int]:
    """How many samples can be asked for: as many as fit into one reply of the wire."""
    return [count for count in COUNTS if count * math.prod(state.entry.shape) <= BYTES]


def codes(state: State, drawn: Draw, count: int) -> tuple[Code, ...]:
    """The first codes of a draw, as the wire draws them. VAEError: that prior cannot be drawn from."""
    wish = Sample(count, drawn.draw, drawn.temperature, drawn.limit, drawn.prior, drawn.of)
    return tuple(tuple(z) for z in shared_desk().answers.samples.codes(state.entry, wish).tolist())


def sample(state: State, drawn: Draw, index: int) -> Place:
    """Picture `index` (from 0) of a draw."""
    code = codes(state, drawn, max(COUNTS[0], index + 1))[index]
    warm = "" if drawn.temperature == 1 else f" at temperature {drawn.temperature:.2f}"
    tight = f" truncated at {drawn.limit:.1f}" if drawn.limit else ""
    where = "" if drawn.prior == STANDARD else f" by {drawn.prior}"
    what = f" of {words(drawn.of)}" if drawn.of else ""
    return Place(code, None, f"sample {index + 1} of draw {drawn.draw}{what}{where}{warm}{tight}")


def number_of(state: State, drawn: Draw, place: Place) -> tuple[int, int] | None:
    """Which of a draw a place is, from 0, and how many codes it was drawn with; None where it is none of them."""
    drawn_together = max(COUNTS[0], drawn.count)
    for count in (COUNTS[0], drawn_together):
        found = codes(state, drawn, count)
        if place.code in found:
            return found.index(place.code), count
    return None


def shown(state: State, drawn: Draw) -> Place:
    """The one to show large: kept last of what is on the screen, or the first of it."""
    kept = st.session_state.get(_KEPT)
    if kept is not None and kept[0] == (state.entry.model_id, _name(drawn)):
        place: Place = kept[1]
        return place
    return sample(state, drawn, 0)


def _name(drawn: Draw) -> Draw:
    """A draw by what decides its codes alone."""
    return replace(drawn, count=0, pace=0.0, live=False)


def draw_samples(state: State, drawn: Draw) -> None:
    """The grid and what it is worked with. The large picture shows what is looked at."""
    model_id = state.entry.model_id
    data: dict[str, Any] = {name: getattr(drawn, name) for name in ("draw", "count", "temperature", "limit", "pace")}
    data |= {"prior": drawn.prior, "of": drawn.of, "counts": counts(state), "pictures": None}
    data |= {"crisp": small(state), "turn": turns.last("shower")}
    if not drawn.live:
        data["pictures"] = [uri(png) for png in cache.pictures(model_id, codes(state, drawn, drawn.count))]
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
    st.session_state[_NOW] = read_draw(told)


def keep(state: State, told: Told) -> None:
    """Put picture "index" of draw "from" on the shelf, and show it large; VAEError: no such one.

    It had the temperature "at" and the limit "within".
    """
    drawn = read_draw(told)
    of = read_draw({**told, "draw": told.get("from"), "temperature": told.get("at"), "limit": told.get("within")})
    index = told.get("index")
    if type(index) is not int or not 0 <= index < COUNTS[-1]:
        raise VAEError("The page named a sample that was not drawn, so nothing was changed: try once more.")
    place = sample(state, of, index)
    state.keep(place)
    st.session_state[_NOW] = drawn
    st.session_state[_KEPT] = ((state.entry.model_id, _name(drawn)), place)
    st.toast("Kept: it is at hand on every page.")


def read_draw(told: Told) -> Draw:
    """A draw as a page tells it; checked, because anything can come over a network."""
    drawn: dict[str, Any] = {field.name: told.get(field.name) for field in fields(Draw)}
    whole = type(drawn["draw"]) is int and 0 <= drawn["draw"] < 2**32
    whole &= type(drawn["count"]) is int and drawn["count"] in COUNTS and type(drawn["live"]) is bool
    whole &= type(drawn["prior"]) is str and type(drawn["of"]) is str  # what they name is looked for when it is drawn
    whole &= _between(drawn["temperature"], 0, HOTTEST) and _between(drawn["limit"], 0, LOOSEST)
    if not (whole and _between(drawn["pace"], 0.1, 100)):
        raise VAEError("The page named a draw that cannot be, so nothing was changed: try once more.")
    # The wire carries float32: the same numbers here, or the codes would differ in their last digits.
    said = {name: float(np.float32(drawn[name])) for name in ("temperature", "limit")}
    return Draw(**drawn | said | {"pace": float(drawn["pace"])})


def _between(value: Any, low: float, high: float) -> bool:
    return type(value) in (int, float) and low <= value <= high  # not a number is not between
