"""Sliders over latent dimensions: the ones that carry most first, dead ones folded away."""

import streamlit as st

from pages.ui import cache
from pages.ui.state import State
from pages.ui.widgets import careful
from vae.explore.latents import Knob

SHOWN = 8  # more sliders are harder to search by hand


def draw_knobs(state: State) -> None:
    """Sliders for the current code, two columns of the strongest, the rest folded."""
    knobs = cache.knobs(state.entry.model_id)
    active = [knob for knob in knobs if knob.active]
    dead = [knob for knob in knobs if not knob.active]
    if not active:
        st.info("No dimension of this model carries anything: the codes collapsed. Train with a smaller beta.")
    _columns(state, active[:SHOWN])
    if active[SHOWN:]:
        with st.expander(f"{len(active[SHOWN:])} more that carry less"):
            _columns(state, active[SHOWN:])
    if dead:
        with st.expander("1 dead dimension" if len(dead) == 1 else f"{len(dead)} dead dimensions"):
            st.caption("Its mu is almost the same for every image: the decoder has learned to do without.")
            _columns(state, dead)
    st.caption(
        "KL is how much a dimension tells about an image, in nats. "
        "Ranges run over the middle 99\u00a0% of the data's codes, in standard deviations of the prior."
    )


def _columns(state: State, knobs: list[Knob]) -> None:
    columns = st.columns(2, gap="medium")
    for place, knob in enumerate(knobs):
        with columns[place % 2]:
            _slider(state, knob)


def _slider(state: State, knob: Knob) -> None:
    value = state.place.code[knob.dim]
    key = f"sliders.{state.model}.{knob.dim}"
    st.session_state[key] = value  # the code may have moved elsewhere: the slider follows it
    st.slider(
        f"Dimension {knob.dim} · {knob.kl:.2f} nats",
        min_value=min(knob.low, value),
        max_value=max(knob.high, value),
        step=0.01,
        format="%.2f",
        key=key,
        on_change=careful(lambda: state.turn(knob.dim, st.session_state[key])),
        help=f"Half of all images lie between {knob.quantiles[1]:.2f} and {knob.quantiles[3]:.2f}.",
    )
