"""A direction under a hand: what it is made of, the knob along it, its evidence, and the way to keep it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from pages.ui import cache, direction_asked
from pages.ui.cache import Code
from pages.ui.direction_asked import Asked
from pages.ui.direction_evidence import draw_evidence, rests_on
from pages.ui.direction_matrix import measured
from pages.ui.direction_picks import UNNAMED
from pages.ui.direction_source import draw_source
from pages.ui.errors import careful
from pages.ui.knobs import REACH, along, mount_knobs, numbers
from pages.ui.state import KeptDirection, Place, State
from pages.ui.widgets import literal, words
from vae.errors import VAEError
from vae.explore.directions.found import Direction
from vae.explore.directions.steps import apply

STRENGTH = "attributes.strength"  # where the session keeps it
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
NAME_LIMIT = 60
ESTIMATOR_WORDS = {
    "difference": "From mean to mean",
    "whitened": "Where the groups are told apart best (whitened)",
    "logistic": "Where the groups are told apart best (logistic regression)",
}
ESTIMATOR_HELP = (
    "From mean to mean goes where images go, with all that comes along. The other two leave out what varies within "
    "both groups anyway: a shorter step that changes less else, and sometimes too little."
)


def draw_direction(state: State) -> Place | None:
    """Everything about one direction; the code that comes out, None where there is no direction."""
    cache.encodings(state.entry.model_id)  # a model without them is told about once, in place of the page
    asked = draw_source(state)
    if asked is None:
        return None
    if isinstance(asked, KeptDirection):
        found = Direction(np.array(asked.vector, np.float32), asked.gap, (0, 0), (asked.name, ""), "kept")
        result = _knob(state, found, asked.name)
        st.caption(literal(asked.words))
        return result
    try:
        whole = direction_asked.direction(state.entry.model_id, asked)
        asked = _how(state, asked)
        found = direction_asked.direction(state.entry.model_id, asked)
    except VAEError as error:
        st.error(str(error))
        return None
    fixed = direction_asked.fixed_words(asked)
    result = _knob(state, found, words(asked.kind) if asked.kind else asked.names[0], f", {fixed}" if fixed else "")
    draw_evidence(state, asked, found, whole)
    _keep(state, asked, found)
    return result


def _how(state: State, asked: Asked) -> Asked:
    """The estimator and what is locked."""
    model_id = state.entry.model_id
    names = [name for name in cache.encodings(model_id).attribute_names if name not in direction_asked.about(asked)]
    fixed: tuple[str, ...] = ()
    step = _by_looking(state, asked)
    if names and not step:
        fixed = tuple(
            st.multiselect(
                "Keep fixed",
                names,
                format_func=lambda name: name.replace("_", " "),
                key=f"attributes.fixed.{model_id}.{asked.kind or 'rows'}",
                placeholder="nothing: all that comes along may change",
                persist_state="session",
                help="What these attributes do to the codes is taken out before the direction is made.",
            )
        )
    with st.expander("How the direction is made"):
        estimator = st.radio(
            "How the direction is made",
            list(ESTIMATOR_WORDS),
            format_func=ESTIMATOR_WORDS.get,
            key="attributes.estimator",
            label_visibility="collapsed",
            persist_state="session",
        )
        st.caption(ESTIMATOR_HELP)
    return Asked(asked.kind, asked.rows, asked.names, str(estimator), fixed, step)


def _by_looking(state: State, asked: Asked) -> Code:
    """The step with all other attributes kept fixed in pictures, where one was measured and is wanted; else ()."""
    seen, about = measured(state), direction_asked.about(asked)
    if seen is None or not about or not (step := seen.step(about[0], "settled")):
        return ()
    wanted = st.toggle(
        "Keep all others fixed, by looking at pictures",
        key=f"attributes.looking.{state.entry.model_id}",
        persist_state="session",
        help="The step was settled by what a network reads off decoded pictures, and judged by another such network.",
    )
    return step if wanted else ()


def _knob(state: State, found: Direction, name: str, fixed: str = "") -> Place:
    strength: float = st.session_state.setdefault(STRENGTH, 1.0)
    start = state.place
    knob = along(
        "strength",
        "Strength",
        "1 is the whole step between the means of the two groups; negative takes it away.",
        [found.gap * number for number in found.vector.tolist()],
        strength,
        reach=REACH,
        stops=STRENGTHS,
        marks=STRENGTHS,
        film="on the same picture",
    )
    mount_knobs(state, "attributes.knobs", base=start.code, knobs=[knob], settled=_settled)
    code = tuple(apply(np.array(start.code, np.float32), found, strength).tolist())
    return Place(code, None, f"{start.caption}, {name} {round(strength, 2):+g}{fixed}")


def _settled(told: Mapping[str, Any]) -> None:
    st.session_state[STRENGTH] = numbers(told, {"strength": REACH})["strength"]


def _keep(state: State, asked: Asked, found: Direction) -> None:
    name = (words(asked.kind) if asked.kind else asked.names[0])[:40]
    if name == UNNAMED:
        name = ""
    elif fixed := direction_asked.fixed_words(asked):
        name = f"{name}, {fixed}"[:NAME_LIMIT]
    box = f"attributes.name.{state.entry.model_id}.{name}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.text_input("Name", value=name, key=box, max_chars=NAME_LIMIT, width=260, placeholder="smile, slant …")
        said = rests_on(state, asked)
        kept = KeptDirection(name, tuple(found.vector.tolist()), found.gap, said)
        st.button(
            "Keep this direction",
            key="attributes.do.keep_direction",
            icon=":material/bookmark_add:",
            on_click=careful(_kept),
            args=(state, kept, box),
            help="It is then here under Kept, on Sums and on Sliders.",
        )


def _kept(state: State, kept: KeptDirection, box: str) -> None:
    name = st.session_state[box].strip()
    if not name:
        raise VAEError("A direction needs a name: type one, then keep it.")
    state.keep_direction(KeptDirection(name, kept.vector, kept.gap, kept.words))
    st.toast(f"Kept: {literal(name)} is on Attributes under Kept, on Sums and on Sliders.")
