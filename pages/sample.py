"""Sample: invent pictures from random codes."""

import streamlit as st

from pages.ui import state
from pages.ui.samples import draw_grid

visitor = state.here()
st.title("Sample")
st.write("Codes drawn at random from N(0, I), the prior. Each becomes a picture nobody took. Press one to keep it.")

with st.container(horizontal=True, gap="large", vertical_alignment="bottom"):
    count = st.select_slider("How many", [4, 16, 36, 64], 36, key="sample.count", persist_state="session")
    temperature = st.slider(
        "Temperature",
        0.0,
        2.0,
        1.0,
        0.05,
        key="sample.temperature",
        persist_state="session",
        help="The spread of the draw. 1 is the prior; less: more typical pictures, less variety.",
    )
    st.button("Draw again", key="sample.do.draw", icon=":material/casino:", on_click=state.draw_again)
    live = st.toggle("Keep drawing", key="sample.live", persist_state="session", help="A new draw every 2 seconds.")

draw_grid(visitor, count, temperature, live)
