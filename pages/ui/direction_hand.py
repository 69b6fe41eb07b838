"""A direction under a hand: what it is made of, the knob along it, its evidence, and the way to keep it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui import direction_asked
from pages.ui.cache import encodings
from pages.ui.direction_angles import draw_angles
from pages.ui.direction_asked import Asked
from pages.ui.direction_evidence import draw_evidence, rests_on
from pages.ui.direction_how import KEPT, how, kept_locked
from pages.ui.direction_picks import UNNAMED
from pages.ui.direction_source import draw_source
from pages.ui.errors import plain
from pages.ui.kept_directions import NAME_LIMIT, keep_row
from pages.ui.knobs import REACH, along, mount_knobs, numbers
from pages.ui.state import KeptDirection, Place, State
from pages.ui.widgets import literal, words
from vae.errors import VAEError
from vae.explore.directions.found import Direction
from vae.explore.directions.steps import apply

SHOWN = "muscope.attributes.shown"  # of which model, what was asked (None: kept), and the direction on the screen
STRENGTH = "attributes.strength"  # where the session keeps it, in whole steps
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
FIRST_OF_A_NUMBER = 0.5
READABLE = (0.2, 1000.0)  # reach of a number whose units two decimals can show


def draw_direction(state: State) -> Place | None:
    """Everything about one direction; the code that comes out, None where there is no direction."""
    encodings(state.entry.model_id)  # a model without them is told about once, in place of the page
    # Each part has its own place, however much stands in the others: a fold that is open stays open.
    source, *places = (st.container() for _ in range(6))
    with source:
        asked = draw_source(state)
    if asked is None:
        return None
    try:
        return _draw_kept(state, asked, *places) if isinstance(asked, KeptDirection) else _draw(state, asked, *places)
    except VAEError as error:
        st.error(plain(error))
        return None


def _draw(state: State, asked: Asked, *places: DeltaGenerator) -> Place:
    """A direction between groups. `places`: for how it is made, the knob, the evidence, the angles, the keeping."""
    model_id, (made, hand, rests, angles, keep) = state.entry.model_id, places
    direction_asked.direction(model_id, asked)  # groups that have none are refused before anything is asked of them
    with made:
        asked = how(state, asked)
    found = direction_asked.direction(model_id, asked)
    whole = direction_asked.direction(model_id, asked.unlocked)
    st.session_state[SHOWN] = (model_id, asked, found)
    name, fixed = words(asked.kind) if asked.kind else asked.names[0], direction_asked.fixed_words(asked)
    with hand:
        result = _knob(state, found, name, f", {fixed}" if fixed else "")
    with rests:
        draw_evidence(state, asked, found, whole)
    with angles:
        draw_angles(state, asked, found)
    with keep:
        named = "" if name == UNNAMED else f"{name[:40]}{f', {fixed}' if fixed else ''}"
        _keep(state, named, found, rests_on(state, asked))
    return result


def _draw_kept(state: State, kept: KeptDirection, *places: DeltaGenerator) -> Place:
    """A direction that was kept: the same hand, and what it was said to rest on."""
    made, hand, rests, angles, keep = places
    with made:
        found, fixed = kept_locked(state, kept)
    st.session_state[SHOWN] = (state.entry.model_id, None, found)
    said = f"{' and '.join(fixed)} fixed" if fixed else ""
    with hand:
        result = _knob(state, found, kept.name, f", {said}" if said else "")
    with rests:
        st.caption(literal(kept.words))
        if fixed:
            st.caption(literal(f"The whole step is {found.gap:.2f} long, without the lock {kept.gap:.2f}."))
    with angles:
        draw_angles(state, Asked(kind=f"{KEPT}{kept.name}", apart=tuple((name, ()) for name in fixed)), found)
    if fixed:
        with keep:
            words = f"{kept.words} At right angles to {' and '.join(fixed)}, as the codes spread."
            _keep(state, f"{kept.name}, {said}", found, words)
    return result


def _knob(state: State, found: Direction, name: str, fixed: str = "") -> Place:
    start = state.place
    unit = found.reach if READABLE[0] <= found.reach <= READABLE[1] else 1.0  # of the knob, in whole steps: 1
    # A whole step of a number leads from its least to its most: an image that has most of it already would leave all.
    strength: float = st.session_state.setdefault(STRENGTH, FIRST_OF_A_NUMBER if unit == found.reach else 1.0)
    if unit == found.reach:
        about = (
            f"In units of {name}: {unit:+.2f} leads from the images that have least of it to those that have most, a "
            "third of them each."
        )
    else:
        about = "1 is the whole step between the means of the two groups; negative takes it away."
    marks = [unit * each for each in STRENGTHS]
    knob = along(
        "strength",
        f"More {name}" if unit == found.reach else "Strength",
        about,
        [found.gap / unit * number for number in found.vector.tolist()],
        strength * unit,
        reach=REACH * unit,
        stops=marks,
        marks=marks,
        film="on the same picture",
    )
    mount_knobs(state, "attributes.knobs", base=start.code, knobs=[knob], settled=partial(_settled, unit))
    code = tuple(apply(np.array(start.code, np.float32), found, strength).tolist())
    return Place(code, None, f"{start.caption}, {name} {round(strength * unit, 2):+g}{fixed}")


def _settled(unit: float, told: Mapping[str, Any]) -> None:
    st.session_state[STRENGTH] = numbers(told, {"strength": REACH * unit})["strength"] / unit


def _keep(state: State, name: str, found: Direction, rests: str) -> None:
    name = name[:NAME_LIMIT]
    kept = KeptDirection("", tuple(found.vector.tolist()), found.gap, rests)
    keep_row(
        state, "attributes.do.keep_direction", f"attributes.name.{state.entry.model_id}.{name}", "Name", name, kept
    )
