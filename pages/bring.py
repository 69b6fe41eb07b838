"""Your data: bring pictures or a table, see what was understood, and train on it."""

import streamlit as st

from pages.ui import bring_choices, bring_making, state
from pages.ui.bring_given import draw_given
from pages.ui.bring_seen import draw_seen, understand
from pages.ui.bring_sets import draw_sets
from pages.ui.errors import plain_errors
from pages.ui.python_lines import draw_more_lines

visitor = state.here()
st.title("Your data")
st.write("Bring pictures or a table of your own, see what was understood, and train a model on it.")

given = None if bring_making.under_way(visitor) else draw_given(visitor)
bring_making.draw_making(visitor)
with plain_errors():
    if given is not None:
        left, right = st.columns([8, 5], gap="large")
        with right:
            settings = st.container()
        base = understand(visitor, given, bring_choices.NOTHING)
        with settings:
            first = bring_choices.draw_first(base, f"bring.{given.key}")
            base = understand(visitor, given, first)
            choice = bring_choices.draw_choices(base, f"bring.{given.key}.{first.array}")
            bring_making.draw_use(visitor, given, choice)
        with left:
            draw_seen(understand(visitor, given, choice) if choice != base.suggested else base)
draw_sets(visitor)
draw_more_lines(visitor, "bring")
