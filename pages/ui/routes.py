"""Paths through keyframes as pages ask for them: codes, what their pictures say, films; by names and numbers."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from live.engine import shared
from pages.ui import cache
from pages.ui.cache import Code
from vae.explore import paths, projection, render
from vae.explore.density import unusual
from vae.explore.film import Cut, make_film
from vae.explore.paths import Pace, Roads
from vae.explore.views import dims_of

WAYS = {"slerp": "slerp", "lerp": "lerp", "spline": "spline", "follow": "follow the data"}
LEAST, EACH = 60, 12  # frames of a path at least, and from one keyframe to the next where there are many
DOTS = 60  # of a path on the small map

_SIDE = 96  # squares a side of the ground of the small map
_MARGIN = 0.06  # around the dots, of their range


@dataclass(frozen=True)
class Route:
    """Which path: everything that decides its codes."""

    model_id: str
    codes: tuple[Code, ...]
    way: str
    closed: bool
    even: bool

    @property
    def legs(self) -> int:
        """From one keyframe to the next, how often."""
        return len(self.codes) if self.closed else len(self.codes) - 1


@dataclass(frozen=True)
class Track:
    """The frames of a path.

    Attributes:
        codes: (F, L).
        at: (F,), how many keyframes lie behind each frame: 0 at the first, 1.5 half way from the second to the third.
    """

    codes: tuple[Code, ...]
    at: tuple[float, ...]


@lru_cache(maxsize=8)
def _roads(model_id: str) -> Roads:
    known = cache.encodings(model_id)
    return paths.lay_roads(known.mu, known.split, generator=np.random.default_rng(0))


def per_leg(legs: int, shown: int) -> int:
    """Frames from one keyframe to the next, where the strip shows `shown` frames of the whole.

    Through two keyframes the strip's frames are every so-manieth of the path's.
    """
    if legs == 1:
        return (shown - 1) * math.ceil(LEAST / (shown - 1))
    return max(EACH, math.ceil(LEAST / legs))


@lru_cache(maxsize=128)
def track(route: Route, frames: int) -> Track:
    """A path with that many frames from one keyframe to the next. VAEError: see `vae.explore.paths.through`."""
    roads = _roads(route.model_id) if route.way == "follow" else None
    codes = paths.through(np.array(route.codes, np.float32), frames, route.way, closed=route.closed, roads=roads)
    at = np.arange(len(codes)) / frames
    if route.even:
        codes, along = paths.even_pace(codes, _decoded(route.model_id, codes))
        at = along / frames
    return Track(tuple(tuple(code) for code in codes.tolist()), tuple(at.tolist()))


@lru_cache(maxsize=128)
def pace(route: Route, frames: int) -> Pace:
    """How long the path is in pictures, and how even."""
    found = track(route, frames)
    stops = [int(np.searchsorted(found.at, leg - 1e-9)) for leg in range(route.legs + 1)]
    return paths.measure_pace(_decoded(route.model_id, np.array(found.codes, np.float32)), stops)


@lru_cache(maxsize=64)
def faded(route: Route, at: tuple[float, ...]) -> tuple[bytes, ...]:
    """Where so many keyframes lie behind: their pictures faded into each other, as PNG files."""
    return tuple(render.png(pixels) for pixels in paths.cross_fade(_stops(route), at))


@lru_cache(maxsize=256)
def oddness(model_id: str, codes: tuple[Code, ...]) -> tuple[dict[str, Any], ...]:
    """How unusual each frame is, as the wire says it."""
    found = unusual(cache.density(model_id), np.array(codes, np.float32))
    return tuple({"percentile": one.percentile, "usual": one.usual, "words": one.sentence} for one in found)


@lru_cache(maxsize=16)
def film(route: Route, cut: Cut, words: tuple[str, ...]) -> bytes:
    """A path to take home; `words`: for each keyframe what to write beneath it, () for nothing."""
    frames = max(1, round((cut.frames - 1) / route.legs))
    found = track(route, frames)
    lines = None
    if words:
        stops = [*words, words[0]]
        lines = [stops[round(at)] for at in found.at]
    return make_film(_decoded(route.model_id, np.array(found.codes, np.float32)), cut, lines)


@lru_cache(maxsize=16)
def long_strip(route: Route, frames: int, shown: tuple[int, ...], side: int) -> bytes:
    """The frames of the strip side by side, as one PNG."""
    codes = np.array(track(route, frames).codes, np.float32)[list(shown)]
    return make_film(_decoded(route.model_id, codes), Cut("png", side))


def _decoded(model_id: str, codes: np.ndarray) -> render.Pixels:
    return shared().decode(cache.by_id(model_id), codes)


def _stops(route: Route) -> render.Pixels:
    pixels = _decoded(route.model_id, np.array(route.codes, np.float32))
    return np.concatenate([pixels, pixels[:1]]) if route.closed else pixels


# ---- the small map -------------------------------------------------------------------------------------------------


def view_of(model_id: str) -> str:
    """The map that a path is drawn on: of two numbers their plane, else UMAP, else PCA."""
    known = cache.encodings(model_id)
    if known.latent_dim == 2:
        return "0,1"
    return "umap" if "umap" in known.maps else "pca"


@lru_cache(maxsize=16)
def _box(model_id: str, view: str) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of the small map, (2,) each."""
    low, high = np.quantile(cache.xy(model_id, view), (0.001, 0.999), axis=0)
    room = np.maximum(high - low, 1e-6) * _MARGIN
    return low - room, high + room


@lru_cache(maxsize=16)
def ground(model_id: str) -> bytes:
    """How densely images lie on the small map: a PNG, opaque where most are."""
    view = view_of(model_id)
    low, high = _box(model_id, view)
    share = (cache.xy(model_id, view) - low) / (high - low)
    count, _, _ = np.histogram2d(1 - share[:, 1], share[:, 0], bins=_SIDE, range=((0, 1), (0, 1)))
    level = np.sqrt(count / max(count.max(), 1))
    ink = np.zeros((_SIDE, _SIDE, 4), np.uint8)
    ink[:, :, 3] = 255 * np.minimum(1, 1.6 * level)
    return render.png(ink)


@lru_cache(maxsize=64)
def spots(model_id: str, codes: tuple[Code, ...]) -> tuple[tuple[float, float], ...]:
    """Where codes lie on the small map: from 0, left and top, to 1."""
    view, known = view_of(model_id), cache.encodings(model_id)
    asked = np.array(codes, np.float32)
    if view in known.maps or view == "pca":
        xy = projection.place(asked, known.mu, cache.xy(model_id, view))
    else:
        xy = asked[:, dims_of(view, known.latent_dim)]
    low, high = _box(model_id, view)
    share = np.clip((xy - low) / (high - low), -0.1, 1.1)
    return tuple((round(x, 4), round(1 - y, 4)) for x, y in share.tolist())
