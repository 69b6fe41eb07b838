"""Paths: walk from one code to another."""

import streamlit as st

from pages.ui import cache, state
from pages.ui.state import Place
from pages.ui.widgets import ANY, CURRENT, choose_place, draw_downloads, keep_button, row_of_pictures, show_film

visitor = state.here()
model_id = visitor.entry.model_id
st.title("Paths")
st.write("Walk from one picture to another, and watch what lies between.")

left, right = st.columns([6, 8], gap="large")
with right:
    first, last = st.columns(2, gap="medium")
    with first:
        start = choose_place(visitor, "From", "paths.from", CURRENT)
        row_of_pictures(visitor, [cache.picture(model_id, start.code)], "from", [start.caption], 96)
    with last:
        end = choose_place(visitor, "To", "paths.to", cache.another_kind(model_id, start.image_id) or ANY)
        row_of_pictures(visitor, [cache.picture(model_id, end.code)], "to", [end.caption], 96)
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
    codes = cache.path(start.code, end.code, steps, way)
    row_of_pictures(visitor, cache.pictures(model_id, codes), "frame", [f"Frame {i}" for i in range(1, steps + 1)])
    st.session_state["paths.frame"] = min(st.session_state.get("paths.frame", 1), steps)
    keep_at = st.slider("Frame to keep", 1, steps, key="paths.frame", persist_state="session")
    keep_button(visitor, Place(codes[keep_at - 1], None, f"frame {keep_at} of a path"), "paths.do.keep")
with left:
    show_film(visitor, cache.film(model_id, codes), f"From {start.caption} to {end.caption} and back")
    with st.container(horizontal=True, gap="small"):
        draw_downloads(visitor, codes)
