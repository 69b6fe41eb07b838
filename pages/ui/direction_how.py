"""How a direction is made: what is kept fixed, by which estimator, and what counts the same."""

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.ui import cache, direction_asked
from pages.ui.cache import Code
from pages.ui.direction_asked import CLASS, NUMBER, Asked
from pages.ui.direction_matrix import measured
from pages.ui.state import KeptDirection, State
from pages.ui.widgets import words
from vae.explore.directions.found import Direction
from vae.explore.directions.lock import lock

LABEL, KEPT = "label:", "kept:"
ESTIMATOR_WORDS = {
    NUMBER: "Along all its values (linear regression)",
    "difference": "From mean to mean",
    "whitened": "Where the groups are told apart best (whitened)",
    "logistic": "Where the groups are told apart best (logistic regression)",
}
NUMBER_HELP = "Along all its values asks every image. The others compare the upper third with the lower third only. "
ESTIMATOR_HELP = (
    "From mean to mean goes where images go, with all that comes along. The other two leave out what varies within "
    "both groups anyway: a shorter step that changes less else, and sometimes too little."
)
KINDS_HELP = (
    "The two groups are compared within each kind, and the kinds are averaged: what the groups differ in only because "
    "one has more of a kind is left out. Images of a kind that too few of one group are do not count."
)


def how(state: State, asked: Asked) -> Asked:
    """The estimator, what is locked, and what counts the same."""
    model_id = state.entry.model_id
    step = _by_looking(state, asked)
    fixed, apart = ((), ()) if step else hold_fixed(state, asked.kind)
    number = any(name in direction_asked.numbers(model_id) for name in direction_asked.about(asked))
    options = [each for each in ESTIMATOR_WORDS if number or each != NUMBER]
    kinds: tuple[str, ...] = ()
    with st.expander("How the direction is made"):
        estimator = st.radio(
            "How the direction is made",
            options,
            format_func=ESTIMATOR_WORDS.get,
            key="attributes.estimator.number" if number else "attributes.estimator",
            label_visibility="collapsed",
            persist_state="session",
        )
        st.caption(NUMBER_HELP * number + ESTIMATOR_HELP)
        if estimator == "difference" and not step:
            kinds = _kinds(state, asked)
    return replace(asked, estimator=str(estimator), fixed=fixed, apart=apart, step=step, kinds=kinds)


def _kinds(state: State, asked: Asked) -> tuple[str, ...]:
    """What the kinds are of, each of which counts the same."""
    model_id = state.entry.model_id
    offered = direction_asked.kinds_offered(model_id, asked)
    if not offered:
        return ()
    return tuple(
        st.multiselect(
            "Count each kind the same, of",
            offered,
            format_func=lambda name: name.replace("_", " "),
            key=f"attributes.kinds.{model_id}.{asked.kind or 'rows'}",
            placeholder="nothing: every image counts the same",
            persist_state="session",
            help=KINDS_HELP,
        )
    )


# ---- what is kept fixed --------------------------------------------------------------------------------------------


def fixed_box(model_id: str, kind: str) -> str:
    """Where the session keeps what is held fixed beside a kind; "" for groups of their own, KEPT for kept ones."""
    return f"attributes.fixed.{model_id}.{kind or 'rows'}"


def hold_fixed(state: State, kind: str, without: str = "") -> tuple[tuple[str, ...], tuple[tuple[str, Code], ...]]:
    """What is kept fixed: attributes, known of each image; and directions to stay at right angles to.

    Args:
        kind: of the direction in hand. without: an option that is that direction itself.
    """
    model_id = state.entry.model_id
    known = cache.encodings(model_id).attribute_names
    attributes = [name for name in known if f"attribute:{name}" != kind]
    labels = [each for each in cache.directions(model_id) if each.startswith(LABEL) and each != kind]
    kept = [f"{KEPT}{each.name}" for each in state.directions.get(state.model, [])]
    options = [each for each in (*attributes, *labels, *kept) if each != without]
    box = fixed_box(model_id, kind)
    if any(each not in options for each in st.session_state.get(box) or ()):  # one that was kept is gone
        st.session_state[box] = [each for each in st.session_state[box] if each in options]
    if not options:
        return (), ()
    chosen = st.multiselect(
        "Keep fixed",
        options,
        format_func=lambda each: option_words(each, known),
        key=box,
        placeholder="nothing: all that comes along may change",
        persist_state="session",
        help="What attributes do to the codes is taken out before the direction is made. Of classes and kept "
        "directions only the direction is known: what is made stays at right angles to it, as the codes spread.",
    )
    if kind == KEPT:  # nothing is known of its groups: to it, attributes are directions as well
        return (), tuple((option_words(each, known), _vector(state, each, known)) for each in chosen)
    fixed = tuple(each for each in chosen if each in known)
    return fixed, tuple(
        (option_words(each, known), _vector(state, each, known)) for each in chosen if each not in known
    )


def option_words(option: str, attributes: tuple[str, ...]) -> str:
    """ "hat", "class 8", "my slant (kept)"."""
    if option in attributes:
        return option.replace("_", " ")
    return f"{CLASS} {words(option)}" if option.startswith(LABEL) else f"{option.removeprefix(KEPT)} (kept)"


def _vector(state: State, option: str, attributes: tuple[str, ...]) -> Code:
    model_id = state.entry.model_id
    if option in attributes or option.startswith(LABEL):
        kind = f"attribute:{option}" if option in attributes else option
        found = direction_asked.direction(model_id, direction_asked.of_kind(model_id, kind))
        return tuple(found.vector.tolist())
    return next(each.vector for each in state.directions.get(state.model, []) if each.name == option.removeprefix(KEPT))


def kept_locked(state: State, kept: KeptDirection) -> tuple[Direction, tuple[str, ...]]:
    """A kept direction, and what it is held at right angles to. VAEError: nothing is left of it."""
    _, apart = hold_fixed(state, KEPT, f"{KEPT}{kept.name}")
    whole = direction_of(kept.name, kept.vector, kept.gap)
    others = [direction_of(name, vector, 1.0) for name, vector in apart]
    found = lock(whole, others, direction_asked.covariance(state.entry.model_id)) if others else whole
    return found, tuple(name for name, _ in apart)


def direction_of(name: str, vector: Code, gap: float) -> Direction:
    """A direction that is known by its vector alone."""
    return Direction(np.array(vector, np.float32), gap, (0, 0), (name, ""), "kept")


def _by_looking(state: State, asked: Asked) -> Code:
    """The step with all other attributes kept fixed in pictures, where one was measured and is wanted; else ()."""
    seen, about = measured(state), direction_asked.about(asked)
    if seen is None or not about or not (step := seen.step(about[0], "settled")):
        return ()
    wanted = st.toggle(
        "Keep all others fixed, by looking at pictures",
        key=looking_box(state.entry.model_id),
        persist_state="session",
        help="The step was settled by what a network reads off decoded pictures, and judged by another such network.",
    )
    return step if wanted else ()


def looking_box(model_id: str) -> str:
    return f"attributes.looking.{model_id}"
