"""Anomalies: the images that a model finds strangest, worst first."""

import streamlit as st

from pages.ui import anomaly_grid, anomaly_shown, state
from pages.ui.python_lines import draw_lines

visitor = state.here()
st.title("Anomalies")
st.write("The images that this model finds strangest, worst first: what it never learned to draw, it draws badly.")

left, right = st.columns([6, 8], gap="large")
with right:
    asked = anomaly_grid.choose(visitor)
    ranked = anomaly_grid.draw_ranked(visitor, asked)
with left:
    anomaly_shown.draw_shown(visitor, asked, ranked)
draw_lines(visitor, "anomalies", asked, ranked)
