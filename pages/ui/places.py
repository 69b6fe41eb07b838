"""Where codes lie on a map, and the code under a point of it."""

from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st

from pages.ui import cache
from pages.ui.cache import Code
from pages.ui.state import Place, State
from vae.errors import VAEError
from vae.explore import anywhere, gathered, projection
from vae.explore.views import dims_of

DRAWS = 40  # from the posterior of an image
SENT = 500  # images sent from another page that are marked, the newest
_SPOT = "muscope.map.spot"
_DRAWN = "muscope.map.drawn"
_PATH = "muscope.map.path"

Spot = tuple[float, float]


# ---- from the map to a code ----------------------------------------------------------------------------------------


def place_at(state: State, view: str, row: object, xy: object) -> Place:
    """What a press on the map means: the image of a row, or the code under a point.

    Args:
        row: of the encodings, or None for a press beside all dots.
        xy: [x, y] in map coordinates.

    Raises:
        VAEError: there is no such row, point or view. All of it comes from a browser.
    """
    known = cache.encodings(state.entry.model_id)
    if row is not None:
        if not isinstance(row, int) or not 0 <= row < len(known):
            raise VAEError("There is no such image on this map: reload the page.")
        return state.of_image(known.image_id(row))
    if not isinstance(xy, list | tuple) or len(xy) != 2 or not all(isinstance(at, int | float) for at in xy):
        raise VAEError("That is no point of the map: reload the page.")
    spot = (float(xy[0]), float(xy[1]))
    code = code_under(state.entry.model_id, view, spot, state.place.code)
    st.session_state[_SPOT] = (state.entry.model_id, view, code, spot)  # it lies where it was pressed
    return Place(code, None, "a place on the map")


@lru_cache(maxsize=1024)
def code_under(model_id: str, view: str, spot: Spot, code: Code) -> Code:
    """The code under a point of a view: from the nearest images' codes; of two dimensions, `code` with these set."""
    known = cache.encodings(model_id)
    if view in known.maps or view == "pca":
        return tuple(anywhere.code_at(cache.ground(model_id, view), [spot]).codes[0].tolist())
    across, up = dims_of(view, known.latent_dim)
    turned = np.array(code, np.float32)
    turned[[across, up]] = spot
    if not np.isfinite(turned).all():
        raise VAEError("That is no point of the map: reload the page.")
    return tuple(turned.tolist())


# ---- from a code to the map ----------------------------------------------------------------------------------------


def marks(state: State, view: str) -> list[dict[str, Any]]:
    """What is drawn over the dots: kept codes of this model, its path, draws from a posterior, where one stands."""
    model_id, place = state.entry.model_id, state.place
    found = [{"kind": "kept", "name": kept.place.caption, "code": list(kept.place.code)} | _at(state, view, kept.place)
             for kept in reversed(state.shelf) if kept.model == state.model]  # fmt: skip
    of, path = st.session_state.get(_PATH, ("", ()))
    if of == model_id:
        found += [{"kind": "path", "xy": list(spot_of(model_id, view, code))} for code in path]
    sent = [row for group in state.groups.get(state.model, []) if not group.polygon for row in group.rows.tolist()]
    found += [{"kind": "sent", "xy": xy} for xy in cache.xy(model_id, view)[sent[-SENT:]].tolist()]
    if place.image_id is not None and st.session_state.get(_DRAWN) == (model_id, place.image_id):
        found += [{"kind": "draw", "xy": list(xy)} for xy in posterior(model_id, view, place.image_id)]
    return [*found, {"kind": "now", "name": place.caption} | _at(state, view, place)]


def _at(state: State, view: str, place: Place) -> dict[str, Any]:
    model_id = state.entry.model_id
    if place.image_id is not None:
        return {"xy": cache.xy(model_id, view)[cache.row_of(model_id, place.image_id)].tolist()}
    if st.session_state.get(_SPOT, ())[:3] == (model_id, view, place.code):
        return {"xy": list(st.session_state[_SPOT][3])}
    return {"xy": list(spot_of(model_id, view, place.code))}


@lru_cache(maxsize=4096)
def spot_of(model_id: str, view: str, code: Code) -> Spot:
    """Where a code lies on a view: among its nearest encodings, or by its two numbers."""
    known = cache.encodings(model_id)
    if view in known.maps or view == "pca":
        (xy,) = projection.place([code], known.mu, cache.xy(model_id, view)).tolist()
        return (xy[0], xy[1])
    across, up = dims_of(view, known.latent_dim)
    return (code[across], code[up])


def lay_path(state: State, codes: tuple[Code, ...]) -> None:
    """Remember a path, for the map of its model."""
    st.session_state[_PATH] = (state.entry.model_id, codes)


def draw_from_posterior(state: State) -> None:
    """Show or hide draws from the posterior of the current image."""
    wanted = (state.entry.model_id, state.place.image_id)
    st.session_state[_DRAWN] = None if st.session_state.get(_DRAWN) == wanted else wanted


@lru_cache(maxsize=256)
def posterior(model_id: str, view: str, image_id: str) -> tuple[Spot, ...]:
    """Where draws from q(z|x) of an image lie on two dimensions; the same ones each time."""
    known, row = cache.encodings(model_id), cache.row_of(model_id, image_id)
    drawn = gathered.draws(known.mu[row], known.logvar[row], DRAWS, generator=np.random.default_rng(row))
    return tuple((x, y) for x, y in drawn[:, dims_of(view, known.latent_dim)].tolist())
