"""Map: every image where the encoder puts it, and what the model draws anywhere between."""

import streamlit as st

from pages.ui import chart, groups, state
from pages.ui.channels import draw_channels
from pages.ui.pen import offer_start
from pages.ui.python_lines import draw_lines
from pages.ui.take_home import draw_take_home
from pages.ui.widgets import keep_button, show_neighbours, show_stage
from vae.data.images import worded

visitor = state.here()
st.title("Map")
dot = worded("Every dot is an image.", visitor.entry.shape)
st.write(f"{dot} Point anywhere to see what the model draws; press to choose it, twice to keep it.")

left, right = st.columns([6, 8], gap="large")
with left:
    place = visitor.place
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}", place.image_id)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        keep_button(visitor, place, "map.do.keep")
        for words, step, steps in (("Undo", visitor.undo, visitor.before), ("Redo", visitor.redo, visitor.after)):
            key, icon = f"map.do.{words.lower()}", f":material/{words.lower()}:"
            st.button(words, key=key, icon=icon, on_click=step, disabled=not steps.get(visitor.model))
        st.page_link("sliders.py", label="Open in Sliders", icon=":material/tune:")
    draw_channels(visitor, place.code)
    pad = st.container()
    show_neighbours(visitor, place.code, place.image_id, count=6)
with right:
    above, drawn = st.container(horizontal=True), st.container()
    below = st.container(horizontal=True, vertical_alignment="bottom")
    with above:
        view = chart.choose_view(visitor, below)
        colour = chart.choose_colour(visitor)
    with drawn:
        chart.draw_map(visitor, view, colour, below)
    groups.draw_groups(visitor)
    draw_take_home(visitor, "map")
with pad:
    offer_start(visitor, view)
draw_lines(visitor, "map", place)
