"""Train: make a model of your own and watch it learn."""

import streamlit as st

from pages.ui import state, train_form, train_list, train_run
from pages.ui.python_lines import draw_lines

visitor = state.here()
st.title("Train")
st.write("Make a model and watch it learn. It goes on in its own process when you leave this page.")
st.html('<a class="mu-way" href="#own">Train one of your own</a>')

left, right = st.columns([8, 5], gap="large")
with right:
    train_form.draw_form(visitor)
    train_list.draw_list(visitor)
with left:
    train_run.draw_run(visitor)
train_run.come_into_sight()
draw_lines(visitor, "train")
