"""The way to another page by a press that cannot be lost.

A page may be drawn anew in the very instant of a press, by a training that ends or by another part of it. Then the run
that heard the press may be given up before it comes to the button, or the button is not drawn any more. So a press is
written down before anything is drawn, and counts until its page is there.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.ui.errors import careful

_TO = "muscope.lead"  # the page that was asked for and is not there yet


def button(words: str, page: str, *, key: str, first: Callable[[], None] | None = None, **look: Any) -> None:
    """A button that leads to a page.

    Args:
        page: its file, "map.py".
        first: what is done before; what it raises is told, and leads nowhere.
        look: as of `st.button`.
    """

    def press() -> None:
        if first is not None:
            first()
        ask(page)

    st.button(words, key=key, on_click=careful(press), **look)


def ask(page: str) -> None:
    """For a callback, which cannot turn to a page itself: the next run does."""
    st.session_state[_TO] = page


def go(page: str) -> None:
    """Turn to a page now."""
    ask(page)
    st.switch_page(page)


def follow(here: StreamlitPage) -> None:
    """Turn to the page that was asked for, where this one is another. For the router, before it draws anything."""
    page = st.session_state.get(_TO, "")
    if page and here.url_path == page.removesuffix(".py"):
        del st.session_state[_TO]
    elif page:
        st.switch_page(page)
