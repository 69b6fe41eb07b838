"""Compare: two models on the same images, and all models in one table."""

import streamlit as st

from pages.ui import compare_maps, compare_pair, compare_table, state
from pages.ui.python_lines import draw_lines

visitor = state.here()
st.title("Compare")
st.write("Two models on the same images: what each keeps of them, what it draws where no image is, and at what price.")

other = compare_pair.choose_other(visitor)
if other is not None:
    compare_pair.draw_differences(visitor, other)
    compare_pair.draw_images(visitor, other)
    compare_maps.draw_maps(visitor, other)
    compare_pair.draw_between(visitor, other)
    compare_pair.draw_inventions(visitor, other)
compare_table.draw_models(visitor, other)
compare_table.draw_claims(visitor, other)
draw_lines(visitor, "compare", other)
