"""Sample: invent pictures from random codes."""

import streamlit as st

from pages.ui import samples, state
from pages.ui.widgets import show_stage

visitor = state.here()
st.title("Sample")
st.write("Codes drawn at random from N(0, I), the prior. Each becomes a picture nobody took. Press one to keep it.")

left, right = st.columns([6, 8], gap="large")
with right:
    samples.draw_samples(visitor)
with left:
    place = samples.shown(visitor)
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}")
