"""A path to play and to scrub, and the place on it where the hand let go."""

import base64
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st

from pages.ui import cache, live, turns
from pages.ui.cache import Code
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import choose_place, row_of_pictures, small, uri
from vae.errors import VAEError
from vae.explore.density import unusual

STEPS = 60  # of the way at least: two seconds of 30 pictures each
BARS = 1 << 16  # bytes of a picture of bars, at most
_SHARE = "muscope.paths.share"  # of the way, where the hand let go


@dataclass(frozen=True)
class Walk:
    """A path, finer than what its strip shows.

    Attributes:
        codes: all frames; the first and the last are the ends.
        stride: from one frame of the strip to the next.
        frame: where the hand let go.
    """

    start: Place
    end: Place
    codes: tuple[Code, ...]
    stride: int
    frame: int

    @property
    def strip(self) -> tuple[Code, ...]:
        return self.codes[:: self.stride]

    @property
    def ends(self) -> str:
        return f"from {self.start.caption} to {self.end.caption}"

    def place(self, frame: int) -> Place:
        """A frame as a place of its own; the ends are the places they are."""
        percent = round(100 * frame / (len(self.codes) - 1))
        whole = {0: self.start, len(self.codes) - 1: self.end}
        return whole.get(frame) or Place(self.codes[frame], None, f"{percent} % of the way {self.ends}")

    @property
    def here(self) -> Place:
        return self.place(self.frame)


def choose_end(state: State, label: str, default: str) -> Place:
    """One end of a path, with its picture beside it. `default`: see `choose_place`."""
    handle = label.lower()
    with st.container(horizontal=True, gap="small"):
        picture = st.container(width=88)
        with st.container(gap="xsmall"):
            place = choose_place(state, label, f"paths.{handle}", default)
        with picture:
            row_of_pictures(state, [cache.picture(state.entry.model_id, place.code)], handle, [place.caption], 88)
    return place


def walk(start: Place, end: Place, steps: int, way: str) -> Walk:
    """The path with `steps` frames in its strip, at the place where the hand let go of the last one."""
    stride = math.ceil(STEPS / (steps - 1))
    codes = cache.path(start.code, end.code, (steps - 1) * stride + 1, way)
    return Walk(start, end, codes, stride, round(st.session_state.get(_SHARE, 0.0) * (len(codes) - 1)))


def draw_player(state: State, path: Walk) -> None:
    """Play, pause and scrub a path. The large picture follows."""
    model_id, shape = state.entry.model_id, state.entry.shape
    strip = enumerate(cache.pictures(model_id, path.strip), start=1)
    data: dict[str, Any] = {
        "codes": base64.b64encode(np.array(path.codes, "<f4").tobytes()).decode(),
        "count": len(path.codes),
        "stride": path.stride,
        "strip": [{"png": uri(png), "alt": f"Frame {number}"} for number, png in strip],
        "unusual": _unusual(model_id, path.codes),
        "bytes": math.prod(shape) if len(shape) == 3 else BARS,
        "crisp": small(state),
        "frame": path.frame,
        "turn": turns.last("player"),
    }
    live.mount(
        "player",
        state,
        "player",
        data,
        settled=turns.heard(state, "player", lambda told: settle(path, told)),
        keep=turns.heard(state, "player", lambda told: keep(state, path, told)),
    )


def settle(path: Walk, told: Told) -> int:
    """The hand let go at "frame": that one is the large picture from now on. VAEError: there is no such frame."""
    frame = told.get("frame")
    if type(frame) is not int or not 0 <= frame < len(path.codes):
        raise VAEError("The player named a frame that this path does not have, so nothing was changed: try once more.")
    st.session_state[_SHARE] = frame / (len(path.codes) - 1)
    return frame


def keep(state: State, path: Walk, told: Told) -> None:
    """Put the frame where the hand let go on the shelf. VAEError: there is no such frame."""
    state.keep(path.place(settle(path, told)))
    st.toast("Kept: find it on the shelf.")


@lru_cache(maxsize=64)
def _unusual(model_id: str, codes: tuple[Code, ...]) -> tuple[dict[str, Any], ...]:
    """How unusual each frame is, as the wire says it."""
    found = unusual(cache.density(model_id), np.array(codes, np.float32))
    return tuple({"percentile": one.percentile, "usual": one.usual, "words": one.sentence} for one in found)
