"""Map: every image where the encoder puts it."""

import streamlit as st

from pages.ui import cache, chart, state
from pages.ui.widgets import keep_button, show_neighbours, show_stage

visitor = state.here()
model_id = visitor.entry.model_id
st.title("Map")
st.write("Every dot is an image, placed by its code. Press one to see it; the wheel zooms, dragging moves.")

left, right = st.columns([6, 8], gap="large")
with right:
    with st.container(horizontal=True, gap="medium"):
        view = chart.choose_view(visitor)
        colour = chart.choose_colour(visitor)
    chart.draw_map(visitor, view, colour)
with left:
    place = visitor.place
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}", place.image_id)
    if place.image_id is not None:
        st.caption(cache.figures_of(model_id, place.image_id))
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        keep_button(visitor, place, "map.do.keep")
        st.page_link("sliders.py", label="Open in Sliders", icon=":material/tune:")
    show_neighbours(visitor, place.code, place.image_id, count=6)
