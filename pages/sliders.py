"""Sliders: turn the numbers of one code and see what each of them draws."""

import streamlit as st

from pages.ui import state
from pages.ui.channels import draw_channels
from pages.ui.knobs import draw_knobs
from pages.ui.pen import offer_start
from pages.ui.python_lines import draw_lines
from pages.ui.widgets import keep_button, show_neighbours, show_stage

visitor = state.here()
st.title("Sliders")
st.write("A code is a short list of numbers. Turn one, and see what it draws.")

left, right = st.columns([6, 8], gap="large")
with left:
    place = visitor.place
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}", place.image_id)
    keep_button(visitor, place, "sliders.do.keep")
    draw_channels(visitor, place.code)
    offer_start(visitor)
with right:
    draw_knobs(visitor)
show_neighbours(visitor, place.code, place.image_id)
draw_lines(visitor, "sliders", place)
