"""Sliders: turn the numbers of one code and see what each of them draws."""

import streamlit as st

from pages.ui import state
from pages.ui.knobs import draw_knobs
from pages.ui.widgets import careful, keep_button, show_neighbours, show_stage

visitor = state.here()
model_id = visitor.entry.model_id
st.title("Sliders")
st.write("A code is a short list of numbers. Turn one, and see what it draws.")

left, right = st.columns([6, 8], gap="large")
with right:
    draw_knobs(visitor)
with left:
    place = visitor.place
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}", place.image_id)
    with st.container(horizontal=True, gap="small"):
        keep_button(visitor, place, "sliders.do.keep")
        undoable = bool(visitor.before.get(visitor.model))
        st.button("Undo", key="sliders.do.undo", icon=":material/undo:", on_click=visitor.undo, disabled=not undoable)
        st.button("Back to the image", key="sliders.do.back", on_click=careful(visitor.back_to_image))
        st.button("Random code", key="sliders.do.random", icon=":material/casino:", on_click=careful(visitor.go_random))
show_neighbours(visitor, place.code, place.image_id)
