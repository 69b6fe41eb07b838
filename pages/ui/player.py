"""A path to play and to scrub, and the place on it where the hand let go."""

import base64
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

from pages.ui import cache, live, routes, turns
from pages.ui.cache import Code
from pages.ui.routes import Route, Track
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import small, uri
from vae.errors import VAEError

BARS = 1 << 16  # bytes of a picture of bars, at most
_SHARE = "muscope.paths.share"  # of the way, where the hand let go


@dataclass(frozen=True)
class Walk:
    """A path, finer than what its strip shows.

    Attributes:
        keyframes: what it goes through, in order.
        steps: frames in its strip, at least 2.
        share: of the way, where the hand let go.
    """

    keyframes: tuple[Place, ...]
    route: Route
    steps: int
    share: float

    @property
    def per_leg(self) -> int:
        """Frames from one keyframe to the next."""
        return routes.per_leg(self.route.legs, self.steps)

    @cached_property
    def track(self) -> Track:
        return routes.track(self.route, self.per_leg)

    @property
    def codes(self) -> tuple[Code, ...]:
        """All frames; the first and the last are exactly the ends."""
        return self.track.codes

    @property
    def last(self) -> int:
        return len(self.codes) - 1

    @property
    def shown(self) -> tuple[int, ...]:
        """The frames of the strip, from the first to the last."""
        return tuple(round(i * self.last / (self.steps - 1)) for i in range(self.steps))

    @property
    def strip(self) -> tuple[Code, ...]:
        return tuple(self.codes[frame] for frame in self.shown)

    @property
    def frame(self) -> int:
        """Where the hand let go."""
        return round(self.share * self.last)

    def place(self, frame: int) -> Place:
        """A frame as a place of its own; keyframes are the places they are."""
        at = self.track.at[frame]
        leg = min(int(at), self.route.legs - 1)
        start, end = self.keyframes[leg], self.keyframes[(leg + 1) % len(self.keyframes)]
        for keyframe, share in ((start, 0), (end, 1)):
            if at - leg == share and self.codes[frame] == keyframe.code:
                return keyframe
        words = f"{round(100 * (at - leg))} % of the way from {start.caption} to {end.caption}"
        return Place(self.codes[frame], None, words)

    @property
    def here(self) -> Place:
        return self.place(self.frame)


def walk(keyframes: tuple[Place, ...], model_id: str, steps: int, way: str, closed: bool, even: bool) -> Walk:
    """The path with `steps` frames in its strip, at the place where the hand let go of the last one."""
    route = Route(model_id, tuple(place.code for place in keyframes), way, closed, even)
    return Walk(keyframes, route, steps, st.session_state.get(_SHARE, 0.0))


def draw_player(state: State, path: Walk, fade: bool) -> None:
    """Play, pause and scrub a path. The large picture follows. `fade`: with a cross-fade beneath, for contrast."""
    model_id, shape = state.entry.model_id, state.entry.shape
    strip = enumerate(cache.pictures(model_id, path.strip), start=1)
    at = tuple(path.track.at[frame] for frame in path.shown)
    sparse = tuple(sorted({round(i * path.last / routes.DOTS) for i in range(routes.DOTS + 1)}))
    data: dict[str, Any] = {
        "codes": base64.b64encode(np.array(path.codes, "<f4").tobytes()).decode(),
        "count": len(path.codes),
        "shown": path.shown,
        "strip": [{"png": uri(png), "alt": f"Frame {number}"} for number, png in strip],
        "fade": [uri(png) for png in routes.faded(path.route, at)] if fade else [],
        "unusual": routes.oddness(model_id, path.codes),
        "map": {
            "ground": uri(routes.ground(model_id)),
            "frames": sparse,
            "spots": routes.spots(model_id, tuple(path.codes[frame] for frame in sparse)),
            "stops": routes.spots(model_id, path.route.codes),
        },
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
    st.session_state[_SHARE] = frame / path.last
    return frame


def keep(state: State, path: Walk, told: Told) -> None:
    """Put the frame where the hand let go on the shelf. VAEError: there is no such frame."""
    state.keep(path.place(settle(path, told)))
    st.toast("Kept: it is at hand on every page.")
