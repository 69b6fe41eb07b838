"""What a direction rests on, in words first; what comes along, what the lock does, what was measured in pictures."""

import math

import streamlit as st

from pages.ui import direction_asked
from pages.ui.direction_asked import Asked
from pages.ui.direction_changes import SAID, draw_kinds, draw_lock, number
from pages.ui.direction_matrix import draw_matrix, measured
from pages.ui.figures import show_table
from pages.ui.state import State
from pages.ui.widgets import literal
from vae.explore.directions.evidence import SOLID, Evidence
from vae.explore.directions.found import Direction
from vae.explore.directions.groups import percent
from vae.explore.directions.number import NumberEvidence

PAIRS = (
    "Pairs: a step leads from an image without it to an image with it. A cosine near 1 means that all such steps point "
    "the same way; near that of random pairs, that they have nothing in common."
)


def draw_evidence(state: State, asked: Asked, found: Direction, whole: Direction) -> None:
    """The verdict, what comes along, before and after the lock; the figures and matrices folded."""
    model_id, seen = state.entry.model_id, measured(state)
    told = direction_asked.evidence(model_id, asked)
    with st.container(key="attributes-verdict"):
        verdict, _, rest = rests_on(state, asked).partition(": ")
        st.markdown(f"**{literal(verdict)}:** {literal(rest)}")
    if asked.step:
        st.caption(f"Of the direction without the lock: {literal(told.sentence)}")
    along = [] if asked.step else direction_asked.comes_along(model_id, asked)
    along = [one for one in along if one.name not in asked.fixed]
    own = [] if asked.step else [name for name in direction_asked.differ_in(model_id, asked) if name not in asked.fixed]
    names = direction_asked.groups(model_id, asked).names
    if own:
        st.caption(f"These groups differ in: {literal(', '.join(own).replace('_', ' '))}.")
    if along:
        said = " ".join(one.sentence(names) for one in along[:SAID]).replace("_", " ")
        more = len(along) - SAID
        if more > 0:
            said += f" {more} other attribute{'s differ' if more > 1 else ' differs'}, too."
        them = "it" if len(along) == 1 else "them"
        st.caption(
            f"What comes along: {literal(said)} Keep {them} fixed above to leave {them} out"
            + ", or count each kind the same, under “How the direction is made”." * (asked.estimator == "difference")
            + "." * (asked.estimator != "difference")
        )
    few = isinstance(told, Evidence) and min(told.counts) < SOLID
    if not asked.step and few:
        first, second = direction_asked.groups(model_id, asked).counts
        sides = f"{first:,} images on each side" if first == second else f"{first:,} and {second:,} images"
        st.caption(f"With {sides} it also carries whatever these {first + second:,} happen to differ in.")
    elif not along and not asked.held and not asked.step and not asked.kinds:
        what = "goes with it in the data" if isinstance(told, NumberEvidence) else "the groups differ in"
        st.caption(f"The direction carries along whatever else {what}: look for what came with it.")
    if asked.kinds:
        draw_kinds(model_id, asked, found)
    if asked.held or asked.step:
        draw_lock(state, asked, found, whole)
    with st.expander("Figures"):
        show_table(
            ("", "value", "95 % interval", "what it is"), _figures(told), "How far to trust it, in figures", "proof"
        )
        if isinstance(told, Evidence):
            st.caption(PAIRS)
    if seen is not None:
        with st.expander("What directions do to other attributes, measured on decoded pictures"):
            draw_matrix(state, seen)


def rests_on(state: State, asked: Asked) -> str:
    """What a direction rests on, in words: its verdict, or what was measured of it in pictures."""
    seen = measured(state)
    if asked.step and seen is not None:
        return f"Measured in pictures: {seen.sentence(direction_asked.about(asked)[0], 'settled')}"
    return direction_asked.evidence(state.entry.model_id, asked).sentence


def _figures(told: Evidence | NumberEvidence) -> list[tuple[str, ...]]:
    return _ofnumber(told) if isinstance(told, NumberEvidence) else _of_groups(told)


def _ofnumber(told: NumberEvidence) -> list[tuple[str, ...]]:
    cone = f"{told.cone:.0f}°" if told.cone < 180 else "any direction"
    sure = told.verdict != "chance"  # held-out figures err low where there is nothing to find, and so do their ends
    return [
        (
            "Correlation",
            number(told.r),
            _ends(told.r_low, told.r_high) if sure else "",
            "held-out images: the number with what the place along the direction says; 0 is chance",
        ),
        (
            "Told (R²)",
            number(told.explained),
            _ends(told.explained_low, told.explained_high) if sure else "",
            "held-out images: share of how they differ in it; below 0 the mean would be the better guess",
        ),
        ("Cone", cone, "", "holds the true direction 95 % of the time"),
        ("Chance", _chance(told.p), "", "share of numbers dealt out at random that move the codes as much"),
        ("Images", f"{told.count:,}", "", "all of them"),
    ]


def _chance(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def _of_groups(told: Evidence) -> list[tuple[str, ...]]:
    first, second = told.counts
    cone = f"{told.cone:.0f}°" if told.cone < 180 else "any direction"
    return [
        (
            "Effect",
            number(told.effect),
            _ends(told.low, told.high),
            "Cohen's d: standard deviations within the groups",
        ),
        ("Cone", cone, "", "holds the true direction 95 % of the time"),
        ("AUC", f"{told.auc:.2f}", _ends(told.auc_low, told.auc_high), "held-out images; 0.5 is chance"),
        ("Accuracy", percent(told.accuracy), "", "held-out images, each group counting the same; 50 % is chance"),
        (
            "Pairs",
            number(told.pair_cosine),
            "",
            f"mean cosine of two pairs' steps; random pairs {number(told.random_cosine)}",
        ),
        ("Pairs against random", number(told.pair_d), "", "Cohen's d of the first against the second"),
        ("Chance", _chance(told.p), "", "share of random groups that differ as much"),
        ("Images", f"{first:,} + {second:,}", "", "in the two groups"),
    ]


def _ends(low: float, high: float) -> str:
    return "" if math.isinf(low) else f"{number(low)} to {number(high)}"
