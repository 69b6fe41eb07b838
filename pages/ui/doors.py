"""The three doors of the first page, each with a picture of what is behind it."""

import streamlit as st

from pages.ui import cache
from pages.ui.state import State
from pages.ui.widgets import uri, words

FAVOURITES = ("attribute:glasses", "attribute:smile")  # the first of these that the data know


def draw_doors(state: State) -> None:
    """Walk between two, add an attribute, invent new ones; each made with the picture that is chosen now."""
    model_id, code = state.entry.model_id, state.place.code
    other = cache.code_of(model_id, cache.some_images(model_id, 15, 0)[:6][-1])
    walk, change, invent = st.columns(3, gap="medium")
    with walk:
        _door(cache.strip(model_id, cache.path(code, other, 5, "slerp")), "A walk between two pictures in five steps")
        st.page_link("paths.py", label="**Walk between two**", icon=":material/timeline:")
    with change:
        kind = favourite(model_id)
        if kind is None:
            _door(cache.strip(model_id, cache.turned(model_id, code)), "One number of the code turned from low to high")
            st.page_link("sliders.py", label="**Turn one number**", icon=":material/tune:")
        else:
            steps = tuple(cache.stepped(model_id, code, kind, s) for s in (-0.5, 0.0, 0.5, 1.0, 1.5))
            _door(cache.strip(model_id, steps), f"The same picture with more and more {words(kind)}")
            verb = "Add" if kind.startswith("attribute") else "Turn it into"
            st.page_link("attributes.py", label=f"**{verb} {words(kind)}**", icon=":material/add_reaction:")
    with invent:
        _door(cache.strip(model_id, cache.random_codes(model_id, 5, 1.0, 3)), "Five pictures of random codes")
        st.page_link("sample.py", label="**Invent new ones**", icon=":material/casino:")


def favourite(model_id: str) -> str | None:
    """The direction to show first: one that people know, else the first there is; None where nothing differs."""
    kinds = cache.directions(model_id)
    return next((kind for kind in FAVOURITES if kind in kinds), kinds[0] if kinds else None)


def _door(png: bytes, alt: str) -> None:
    st.html(f'<div class="mu-door"><img alt="{alt}" src="{uri(png)}"></div>')
