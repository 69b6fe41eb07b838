"""Paths: walk from one code to another."""

import streamlit as st

from pages.ui import cache, state
from pages.ui.places import lay_path
from pages.ui.player import choose_end, draw_player, walk
from pages.ui.widgets import ANY, CURRENT, draw_downloads, show_stage

visitor = state.here()
model_id = visitor.entry.model_id
st.title("Paths")
st.write("Walk from one picture to another, and watch what lies between.")

left, right = st.columns([6, 8], gap="large")
with right:
    first, last = st.columns(2, gap="medium")
    with first:
        start = choose_end(visitor, "From", CURRENT)
    with last:
        end = choose_end(visitor, "To", cache.another_kind(model_id, start.image_id) or ANY)
    with st.container(horizontal=True, gap="large", vertical_alignment="bottom"):
        steps = st.slider(
            "Frames", 2, 36, 12, key="paths.steps", persist_state="session", help="More: smoother, same path."
        )
        way = st.segmented_control(
            "Way",
            ["slerp", "lerp"],
            default="slerp",
            required=True,
            key="paths.way",
            persist_state="session",
            help="slerp turns around the origin while the length changes evenly. lerp is the straight line: in the "
            "middle its codes are shorter than those of real images, so its pictures get paler.",
        )
    path = walk(start, end, steps, way)
    draw_player(visitor, path)
    lay_path(visitor, path.strip)  # on the map, until another one is walked
with left:
    show_stage(visitor, path.here.code, f"on the way {path.ends}", f"What the model draws for {path.here.caption}")
    with st.container(horizontal=True, gap="small"):
        draw_downloads(visitor, path.strip)
