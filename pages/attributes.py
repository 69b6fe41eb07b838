"""Attributes: what two groups of pictures differ in, added to one picture, with how far to trust it."""

import streamlit as st

from pages.ui import state
from pages.ui.direction_hand import draw_direction
from pages.ui.kept_directions import draw_kept_directions
from pages.ui.python_lines import draw_lines
from pages.ui.widgets import keep_button, show_neighbours, show_stage

visitor = state.here()
st.title("Attributes")
st.write("What two groups of pictures differ in, added to one picture: a smile, a hat, another class.")

left, right = st.columns([6, 8], gap="large")
with right:
    result = draw_direction(visitor)
with left:
    place = visitor.place if result is None else result
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}", place.image_id)
    if result is not None:
        keep_button(visitor, result, "attributes.do.keep")
    draw_kept_directions(visitor)
if result is not None:
    show_neighbours(visitor, result.code, None)
draw_lines(visitor, "attributes", result)
