"""Directions: what a model has learned by itself, found without labels, to be tried, named and kept."""

import streamlit as st

from pages.ui import state
from pages.ui.kept_directions import draw_kept_directions
from pages.ui.python_lines import draw_lines
from pages.ui.unlabelled import draw_axes
from pages.ui.widgets import keep_button, show_neighbours, show_stage

visitor = state.here()
st.title("Directions")
st.write("Directions that the model has by itself, found without labels: see what each does, name it, keep it.")

left, right = st.columns([6, 8], gap="large")
with right:
    result = draw_axes(visitor)
with left:
    show_stage(visitor, result.code, result.caption, f"What the model draws for {result.caption}", result.image_id)
    keep_button(visitor, result, "directions.do.shelf")
    draw_kept_directions(visitor)
show_neighbours(visitor, result.code, result.image_id)
draw_lines(visitor, "directions", result)
