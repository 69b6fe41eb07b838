"""Paths: walk from one code to another, through as many as one likes."""

import streamlit as st

from pages.ui import routes, state
from pages.ui.films import draw_films
from pages.ui.keyframes import draw_keyframes
from pages.ui.places import lay_path
from pages.ui.player import draw_player, walk
from pages.ui.python_lines import draw_lines
from pages.ui.widgets import show_stage

WAY_HELP = (
    "slerp turns around the origin while the length changes evenly. lerp is the straight line: in the middle its codes "
    "are shorter than those of real images, so its pictures get paler. spline bends through all keyframes without a "
    "corner. follow the data goes by way of real images, around the places where none are: longer, and each picture "
    "looks like something."
)

visitor = state.here()
st.title("Paths")
st.write("Walk from one picture to another, through as many as you like, and watch what lies between.")

left, right = st.columns([6, 8], gap="large")
with right:
    keyframes = draw_keyframes(visitor)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        way = st.segmented_control(
            "Way",
            list(routes.WAYS),
            default="slerp",
            required=True,
            format_func=routes.WAYS.__getitem__,
            key="paths.way",
            persist_state="session",
            help=WAY_HELP,
        )
        with st.container(width=150):
            steps = st.slider("Frames", 2, 36, 12, key="paths.steps", persist_state="session", help="Of the strip.")
    with st.container(horizontal=True, gap="medium"):
        closed = st.toggle("Back to the first", key="paths.closed", persist_state="session")
        even = st.toggle(
            "Even pace",
            key="paths.even",
            persist_state="session",
            help="Frames are spaced so that each changes the picture by the same amount.",
        )
        fade = st.toggle(
            "Cross-fade",
            key="paths.fade",
            persist_state="session",
            help="For contrast: the same keyframes' pictures faded into each other, which needs no model.",
        )
    path = walk(keyframes, visitor.entry.model_id, steps, way, closed, even)
    draw_player(visitor, path, fade)
    st.caption(routes.pace(path.route, path.per_leg).sentence)
    lay_path(visitor, path.strip)  # on the map, until another one is walked
with left:
    place = path.here
    show_stage(visitor, place.code, place.caption, f"What the model draws for {place.caption}")
    draw_films(path)
draw_lines(visitor, "paths", path)
