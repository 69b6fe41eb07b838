"""Directions that nobody named: found in the codes or in the decoder, tried with a hand, named and kept."""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
import streamlit as st

from live.engine import shared
from pages.ui import cache
from pages.ui.cache import Code
from pages.ui.errors import plain
from pages.ui.kept_directions import keep_row
from pages.ui.knobs import along, mount_knobs, name_of, numbers
from pages.ui.state import KeptDirection, Place, State
from pages.ui.turns import Told
from pages.ui.widgets import uri
from vae.errors import VAEError
from vae.explore.choose import rows_in_turn
from vae.explore.directions.groups import percent
from vae.explore.directions.unlabelled import Axis, grey_levels, kl_axes, principal_axes, visible_axes
from vae.explore.sums import weighted_sum
from vae.explore.visible import pulled_back

SHOWN = 6  # more are harder to tell apart
EVERYWHERE = 12  # images at which the decoder is asked, for what it shows everywhere
REACH = 2.0  # spreads, on both sides of zero
FRAMES = (-2.0, -1.0, 0.0, 1.0, 2.0)
PRINCIPAL, DIMENSIONS, HERE, ALL = "principal", "dimensions", "here", "everywhere"
TITLES = {
    PRINCIPAL: "Spread",
    DIMENSIONS: "Dimensions",
    HERE: "Visible here",
    ALL: "Visible everywhere",
}
ABOUT = {
    PRINCIPAL: "Where the codes of the images differ most (their principal axes).",
    DIMENSIONS: "The numbers of the code one by one, the one that tells most about an image first.",
    HERE: "What changes this very picture most (singular vectors of the decoder's Jacobian).",
    ALL: f"What changes pictures most wherever one stands: the same, averaged over {EVERYWHERE} images.",
}
_TURNED = "muscope.unlabelled"


# ---- finding them --------------------------------------------------------------------------------------------------


def axes(model_id: str, way: str, code: Code) -> tuple[Axis, ...]:
    """The directions of a model found in one of the ways of TITLES, the strongest first. `code`: where one stands."""
    return _axes(model_id, way, code if way == HERE else ())


@lru_cache(maxsize=64)
def _axes(model_id: str, way: str, code: Code) -> tuple[Axis, ...]:
    known, count = cache.encodings(model_id), cache.by_id(model_id).latent_dim
    if way == PRINCIPAL:
        return principal_axes(known.mu, count)
    if way == DIMENSIONS:
        return kl_axes(known.mu, known.carried(), count)
    where = [code] if way == HERE else known.mu[rows_in_turn(np.ones(len(known), bool), EVERYWHERE)]
    return visible_axes(known.mu, pulled_back(partial(shared().x_of, cache.by_id(model_id)), where), count)


def words_of(model_id: str, way: str, axis: Axis) -> str:
    """What is known of a direction, in one line."""
    entry = cache.by_id(model_id)
    if way == PRINCIPAL:
        return f"{percent(axis.share)} of the variance of the codes"
    if way == DIMENSIONS:
        unit = "in variance of the codes" if entry.config.posterior == "point" else "nats of KL"
        return f"{axis.strength:.2f} {unit}, {percent(axis.share)} of all"
    levels = grey_levels(axis, int(np.prod(entry.shape)))
    where = "here" if way == HERE else "on average"
    seen = f"{percent(axis.share)} of what can be seen {where}"
    return f"{seen}; one step changes a pixel by {levels:.0f} of 255 grey levels"


def title_of(model_id: str, way: str, place: int, axis: Axis) -> str:
    """What a direction is called until somebody names it."""
    if way == DIMENSIONS:
        return name_of(cache.by_id(model_id).config.levels, int(np.argmax(axis.vector)))
    return f"{'Axis' if way == PRINCIPAL else 'Visible'} {place + 1}"


# ---- on the page ---------------------------------------------------------------------------------------------------


def draw_axes(state: State) -> Place:
    """The ways to find directions, a knob and a film for each that was found; the place the knobs lead to."""
    way = st.segmented_control(
        "How to find them",
        list(TITLES),
        default=PRINCIPAL,
        required=True,
        format_func=TITLES.__getitem__,
        key="directions.way",
        persist_state="session",
        help="\n\n".join(f"**{TITLES[each]}:** {ABOUT[each]}" for each in TITLES),
    )
    st.caption(ABOUT[way])
    model_id, start = state.entry.model_id, state.place
    try:
        found = axes(model_id, way, start.code)[:SHOWN]
    except VAEError as why:  # a collapsed model is no mistake of the visitor's
        st.info(plain(why))
        return start
    turned = _turned(state, way, len(found))
    _mount(state, way, found, turned)
    st.caption(
        "Each knob goes two standard deviations of the images' codes to either side. Name what you find and keep it: "
        "it is then on Attributes under Kept, on Sums and on Sliders."
    )
    for place, axis in enumerate(found):
        _draw_axis(state, way, place, axis)
    if not any(turned):
        return start
    code = weighted_sum([axis.step for axis in found], turned, start.code)
    return Place(tuple(code.tolist()), None, f"{start.caption}, moved")


def _mount(state: State, way: str, found: tuple[Axis, ...], turned: tuple[float, ...]) -> None:
    knobs = [_knob(state, way, place, axis, turned[place]) for place, axis in enumerate(found)]
    key = key_of(state, way)
    mount_knobs(
        state,
        "directions.knobs",
        base=state.place.code,
        knobs=knobs,
        tools={"back": any(turned)},
        settled=partial(_settle, key, turned),
        back=lambda _: st.session_state.pop(_TURNED, None),
    )


def _knob(state: State, way: str, place: int, axis: Axis, value: float) -> dict[str, Any]:
    model_id = state.entry.model_id
    words = f"{words_of(model_id, way, axis)}. 1 is one standard deviation of the images' codes."
    return along(
        str(place),
        title_of(model_id, way, place, axis),
        words,
        axis.step.tolist(),
        value,
        ends=REACH,
        reach=5 * REACH,
        marks=FRAMES,
        film="on the same picture",
    )


def _turned(state: State, way: str, count: int) -> tuple[float, ...]:
    """How far each knob is turned, in spreads: not at all where the picture or the way is another."""
    key, values = st.session_state.get(_TURNED, ("", ()))
    return values if key == key_of(state, way) else (0.0,) * count


def turned_now(state: State) -> tuple[str, tuple[float, ...]]:
    """The way that is shown, and how far each of its knobs is turned, in spreads; () where none is."""
    way = str(st.session_state.get("directions.way") or PRINCIPAL)
    key, values = st.session_state.get(_TURNED, ("", ()))
    return way, values if key == key_of(state, way) else ()


def key_of(state: State, way: str) -> str:
    """What the knobs of a way are turned for: this picture."""
    return f"{state.entry.model_id} {way} {state.place.code}"


def _settle(key: str, turned: tuple[float, ...], told: Told | Mapping[str, Any]) -> None:
    values = numbers(told, {str(place): 5 * REACH for place in range(len(turned))})
    st.session_state[_TURNED] = (key, tuple(values.get(str(place), old) for place, old in enumerate(turned)))


def _draw_axis(state: State, way: str, place: int, axis: Axis) -> None:
    """A film from -2 to +2 spreads, what is known of it, and a name under which to keep it."""
    model_id, name = state.entry.model_id, title_of(state.entry.model_id, way, place, axis)
    codes = tuple(tuple(weighted_sum([axis.step], [value], state.place.code).tolist()) for value in FRAMES)
    png = cache.strip(model_id, codes, 96)
    with st.container(key=f"directions-axis-{place}", gap="xsmall"):
        st.caption(f"**{name}** · {words_of(model_id, way, axis)}")
        alt = f"{name}: the picture from two spreads less to two more, in five steps"
        st.html(f'<div class="mu-strip"><img data-muscope="axis" alt="{alt}" src="{uri(png)}"></div>')
        words = f"Found without labels: {words_of(model_id, way, axis)}."
        kept = KeptDirection(name, tuple(axis.vector.tolist()), axis.spread, words)
        box = f"directions.name.{model_id}.{way}.{place}"
        keep_row(state, f"directions.do.keep.{place}", box, f"Name for {name}", "", kept)
