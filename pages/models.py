"""Your models: open a model that was trained elsewhere, and keep it here."""

import streamlit as st

from pages.ui import models_given, models_list, models_opening, state
from pages.ui.errors import plain_errors
from pages.ui.python_lines import draw_more_lines

visitor = state.here()
st.title("Your models")
st.write("Open a model that was trained elsewhere, and look into it on the map, the sliders and every other page.")

left, right = st.columns([7, 6], gap="large")
with left, plain_errors():
    given = models_given.draw_given(visitor)
    models_opening.draw_under_way(visitor)
    if given is not None and not models_opening.under_way(visitor):
        models_opening.draw_open(visitor, given)
with right:
    models_list.draw_list(visitor)
draw_more_lines(visitor, "models")
