"""Train: make a model of your own and watch it learn."""

import streamlit as st

from pages.ui import state, training

visitor = state.here()
st.title("Train")
st.write("Make a model and watch it learn. It goes on in its own process when you leave this page.")

left, right = st.columns([8, 5], gap="large")
with right:
    training.draw_form()
with left:
    training.draw_run(visitor)
