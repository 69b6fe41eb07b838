"""Sums: add and subtract pictures and directions, as many as are wanted."""

import streamlit as st

from pages.ui import state
from pages.ui.board import draw_board
from pages.ui.board_kept import draw_kept
from pages.ui.pen import offer_start
from pages.ui.python_lines import draw_lines
from pages.ui.widgets import keep_button, show_neighbours, show_stage

visitor = state.here()
st.title("Sums")
st.write("Add and subtract pictures: what A has and B has not, given to C. Weigh each term and see what comes out.")

left, right = st.columns([6, 8], gap="large")
with right:
    result = draw_board(visitor)
with left:
    show_stage(visitor, result.code, result.caption, f"What the model draws for {result.caption}")
    with st.container(horizontal=True, gap="small"):
        keep_button(visitor, result, "board.do.shelf")
        st.button("Start from this everywhere", key="board.do.go", on_click=visitor.go, args=(result,))
    draw_kept(visitor)
    offer_start(visitor)
show_neighbours(visitor, result.code, None)
draw_lines(visitor, "sums", result)
