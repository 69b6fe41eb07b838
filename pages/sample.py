"""Sample: invent pictures from random codes."""

import streamlit as st

from pages.ui import sample_export, sample_gap, sample_source, samples, state
from pages.ui.python_lines import draw_lines
from pages.ui.widgets import show_stage

visitor = state.here()
st.title("Sample")
st.write(
    "Codes drawn at random, each of which becomes a picture nobody took: from N(0, I), the prior, or from where the "
    "codes of images really lie. Press one to keep it."
)

left, right = st.columns([6, 8], gap="large")
with right:
    drawn = samples.now(visitor, *sample_source.choose(visitor))
    samples.draw_samples(visitor, drawn)
    sample_gap.draw_where(visitor, drawn)
    sample_export.draw_export(visitor, drawn)
with left:
    place = samples.shown(visitor, drawn)
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}")
    sample_gap.draw_copies(visitor, drawn, place)
draw_lines(visitor, "sample", drawn, place)
