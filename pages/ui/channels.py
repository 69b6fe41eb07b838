"""The channels of the large picture one by one, where it is painted of several."""

import html

import streamlit as st

from pages.ui import cache
from pages.ui.cache import Code
from pages.ui.state import State
from pages.ui.widgets import small, uri

SIDE = 128  # CSS pixels of each


def draw_channels(state: State, code: Code) -> None:
    """Each channel of what the model draws for a code, alone and in grey, by its name. Nothing for other models."""
    paint = state.entry.paint
    if paint is None:
        return
    with st.container(key="channels"), st.expander("Channels one by one", icon=":material/layers:"):
        kind, pictures = "mu-crisp" if small(state) else "mu-smooth", cache.channels(state.entry.model_id, code)
        st.html('<div class="mu-row mu-channels">' + "".join(
            f'<figure><img class="{kind}" data-muscope="channel" style="width:{SIDE}px" '
            f'alt="{html.escape(name, quote=True)} alone" src="{uri(png)}">'
            f'<figcaption><span style="background:{colour}"></span>{html.escape(name)}</figcaption></figure>'
            for name, colour, png in zip(paint.names, paint.colours, pictures, strict=True)
        ) + "</div>")  # fmt: skip
        st.caption("What the model draws now, each channel alone: black is 0, white is full.")
