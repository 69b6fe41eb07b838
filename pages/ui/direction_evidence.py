"""What a direction rests on, in words first; what comes along, what the lock does, what was measured in pictures."""

import math

import streamlit as st

from pages.ui import direction_asked
from pages.ui.direction_asked import Asked
from pages.ui.direction_matrix import draw_matrix, measured
from pages.ui.figures import show_table
from pages.ui.state import State
from pages.ui.widgets import literal
from vae.explore.directions.evidence import SOLID, Evidence
from vae.explore.directions.found import Direction
from vae.explore.directions.groups import percent

SAID = 3  # of what comes along
MINUS = "\u2212"


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
        st.caption(f"What comes along: {literal(said)} Keep {them} fixed above to leave {them} out.")
    if not asked.step and min(told.counts) < SOLID:
        first, second = told.counts
        sides = f"{first:,} images on each side" if first == second else f"{first:,} and {second:,} images"
        st.caption(f"With {sides} it also carries whatever these {first + second:,} happen to differ in.")
    elif not along and not asked.fixed and not asked.step:
        st.caption("The direction carries along whatever else the groups differ in: look for what came with it.")
    if asked.fixed or asked.step:
        _draw_lock(model_id, asked, found, whole)
    with st.expander("Figures"):
        show_table(
            ("", "value", "95 % interval", "what it is"), _figures(told), "How far to trust it, in figures", "proof"
        )
        st.caption(
            "Pairs: a step leads from an image without it to an image with it. A cosine near 1 means that all such "
            "steps point the same way; near that of random pairs, that they have nothing in common."
        )
    if seen is not None:
        with st.expander("What directions do to other attributes, measured on decoded pictures"):
            draw_matrix(state, seen)
    with st.expander("Angles to the directions of other attributes"):
        _draw_cosines(model_id, found, asked)


def rests_on(state: State, asked: Asked) -> str:
    """What a direction rests on, in words: its verdict, or what was measured of it in pictures."""
    seen = measured(state)
    if asked.step and seen is not None:
        return f"Measured in pictures: {seen.sentence(direction_asked.about(asked)[0], 'settled')}"
    return direction_asked.evidence(state.entry.model_id, asked).sentence


def _figures(told: Evidence) -> list[tuple[str, ...]]:
    first, second = told.counts
    cone = f"{told.cone:.0f}°" if told.cone < 180 else "any direction"
    return [
        (
            "Effect",
            _number(told.effect),
            _ends(told.low, told.high),
            "Cohen's d: standard deviations within the groups",
        ),
        ("Cone", cone, "", "holds the true direction 95 % of the time"),
        ("AUC", f"{told.auc:.2f}", _ends(told.auc_low, told.auc_high), "held-out images; 0.5 is chance"),
        ("Accuracy", percent(told.accuracy), "", "held-out images, each group counting the same; 50 % is chance"),
        (
            "Pairs",
            _number(told.pair_cosine),
            "",
            f"mean cosine of two pairs' steps; random pairs {_number(told.random_cosine)}",
        ),
        ("Pairs against random", _number(told.pair_d), "", "Cohen's d of the first against the second"),
        ("Chance", f"{told.p:.3f}" if told.p >= 0.001 else "< 0.001", "", "share of random groups that differ as much"),
        ("Images", f"{first:,} + {second:,}", "", "in the two groups"),
    ]


def _draw_lock(model_id: str, asked: Asked, found: Direction, whole: Direction) -> None:
    """What the lock took and what it left."""
    before = direction_asked.cosines(model_id, tuple(whole.vector.tolist()))
    after = direction_asked.cosines(model_id, tuple(found.vector.tolist()))
    fixed = asked.fixed or tuple(name for name in before if name not in direction_asked.about(asked))
    rows = [(name.replace("_", " "), _number(before[name]), _number(after[name])) for name in fixed if name in before]
    if asked.step:
        kept = "All other attributes are kept as they are, as far as can be seen in pictures"
    elif len(asked.fixed) > 2:
        kept = f"These {len(asked.fixed)} are kept as they are"
    else:
        kept = " and ".join(asked.fixed).replace("_", " ") + (" is" if len(asked.fixed) == 1 else " are")
        kept = f"{kept[0].upper()}{kept[1:]} kept as {'it is' if len(asked.fixed) == 1 else 'they are'}"
    st.caption(literal(f"{kept}. The whole step is {found.gap:.2f} long, without the lock {whole.gap:.2f}."))
    if rows:
        show_table(("cosine with", "without the lock", "with it"), rows, "What the lock changes", "lock")
        others = fixed[0].replace("_", " ") if len(fixed) == 1 else "each attribute"
        st.caption(
            literal(
                f"Cosines are with the unlocked direction of {others}, which itself carries other things "
                "along: they need not become 0."
            )
        )


def _draw_cosines(model_id: str, found: Direction, asked: Asked) -> None:
    cosines = direction_asked.cosines(model_id, tuple(found.vector.tolist()))
    others = sorted(cosines.items(), key=lambda each: -abs(each[1]))
    rows = [
        (name.replace("_", " "), _number(value), f"{math.degrees(math.acos(max(min(value, 1), -1))):.0f}°")
        for name, value in others
        if name not in direction_asked.about(asked)
    ]
    if rows:
        show_table(("attribute", "cosine", "angle"), rows, "Cosines with other directions", "cosines")
    st.caption("1 is the same direction, 0 has nothing to do with it, −1 is the opposite.")


def _number(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.2f}".replace("-", MINUS)


def _ends(low: float, high: float) -> str:
    return "" if math.isinf(low) else f"{_number(low)} to {_number(high)}"
