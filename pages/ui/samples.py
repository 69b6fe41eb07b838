"""A grid of samples from the prior, redrawn on its own while it is asked to."""

import streamlit as st

from pages.ui import cache
from pages.ui.state import Place, State, draw_again
from pages.ui.widgets import plain_errors, tap

SECONDS = 2  # between draws


def draw_grid(state: State, count: int, temperature: float, live: bool) -> None:
    """`count` samples; with `live`, others every two seconds until it is switched off."""

    @st.fragment(run_every=SECONDS if live else None, key="sample.grid")
    def grid() -> None:
        if st.session_state.pop("muscope.sample.kept", False):
            st.toast("Kept: find it on the shelf.")
            st.rerun()  # the whole page, and so the shelf: a press in the grid draws the grid alone
        with plain_errors():  # here, too: a fragment runs without the page around it
            if live:
                draw_again()
            _draw_one(state, count, temperature, st.session_state.get("muscope.sample.seed", 0))

    grid()


def _draw_one(state: State, count: int, temperature: float, seed: int) -> None:
    model_id = state.entry.model_id
    codes = cache.random_codes(model_id, count, temperature, seed)
    with st.container(horizontal=True, gap="xsmall"):
        for place, (code, png) in enumerate(zip(codes, cache.pictures(model_id, codes), strict=True), start=1):
            made = Place(code, None, f"sample {place} of draw {seed}")
            tap(f"sample.grid.tap.{place}", png, f"Sample {place}", _keep, state, made)
    st.caption(f"Draw {seed}: the same number gives the same codes. What you press goes on the shelf.")


def _keep(state: State, place: Place) -> None:
    state.keep(place)
    st.session_state["muscope.sample.kept"] = True
