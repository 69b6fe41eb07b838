"""Report: what one model is, what was measured of it, and what else can be."""

import streamlit as st

from pages.ui import report_card, report_suites, state
from pages.ui.python_lines import draw_lines
from pages.ui.take_home import draw_take_home
from pages.ui.widgets import show_stage

visitor = state.here()
entry = visitor.entry
st.title("Report")
st.write("What this model is and how good it is, in figures with their units, and what to do where it falls short.")

left, right = st.columns([6, 8], gap="large")
with left:
    place = visitor.place
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}", place.image_id)
    report_card.draw_sentences(entry)
    draw_take_home(visitor, "report")
with right:
    report_card.draw_figures(entry)
    report_card.draw_spectrum(visitor)
report_suites.draw_suites(visitor)
draw_lines(visitor, "report", place)
