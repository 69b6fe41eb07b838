"""Your models: open a model that was trained elsewhere, and keep it here."""

import streamlit as st

from pages.ui import models_given, models_list, models_opening, state
from pages.ui.errors import plain_errors

visitor = state.here()
st.title("Your models")
st.write("Open a model that was trained elsewhere, and look into it on the map, the sliders and every other page.")

left, right = st.columns([7, 6], gap="large")
with left:
    given = None if models_opening.under_way(visitor) else models_given.draw_given(visitor)
    models_opening.draw_under_way(visitor)
    with plain_errors():
        if given is not None:
            models_opening.draw_open(visitor, given)
with right:
    models_list.draw_list(visitor)
