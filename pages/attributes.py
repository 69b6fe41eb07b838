"""Attributes: add what two groups of images differ in, or compute with three pictures."""

import streamlit as st

from pages.ui import state, sums
from pages.ui.widgets import keep_button, show_neighbours, show_stage

visitor = state.here()
st.title("Attributes")
st.write("What two groups of pictures differ in, added to one picture: a smile, a hat, another class.")

left, right = st.columns([6, 8], gap="large")
with right:
    mode = st.segmented_control(
        "What to do",
        ["Add an attribute", "A − B + C"],
        default="Add an attribute",
        required=True,
        key="attributes.mode",
        persist_state="session",
    )
    result = sums.draw_board(visitor) if mode == "A − B + C" else sums.draw_direction(visitor)
with left:
    if result is not None:
        show_stage(visitor, result.code, result.caption, f"What the model draws for {result.caption}")
        keep_button(visitor, result, "attributes.do.keep")
if result is not None:
    show_neighbours(visitor, result.code, None)
