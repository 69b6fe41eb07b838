"""Start: a picture, more to tap, and three doors."""

import streamlit as st

from pages.ui import cache, state
from pages.ui.doors import draw_doors
from pages.ui.python_lines import draw_lines
from pages.ui.widgets import keep_button, offer_originals, show_stage, tap

visitor = state.here()
model_id = visitor.entry.model_id
place = visitor.place

st.title("Start")
st.write("What a model makes of a picture: tap one, then walk from it to another, change it, or invent new ones.")

left, right = st.columns([6, 8], gap="large")
with left:
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}", place.image_id)
    keep_button(visitor, place, "start.do.keep")

turn = st.session_state.setdefault("muscope.start.turn", 0)
images = cache.some_images(model_id, 15, turn)
codes = tuple(cache.code_of(model_id, image_id) for image_id in images)
with right:
    st.subheader("Tap one")
    with st.container(horizontal=True, gap="xsmall"):
        for i, (image_id, png) in enumerate(zip(images, cache.pictures(model_id, codes), strict=True)):
            alt = cache.caption_of(model_id, image_id)
            tap(f"start.tap.{i}", png, alt, lambda image_id=image_id: visitor.go(visitor.of_image(image_id)))
    st.button("Show others", key="start.do.others", icon=":material/refresh:", on_click=state.turn_page)

draw_doors(visitor)
offer_originals(visitor.entry.data)
draw_lines(visitor, "start", place)
