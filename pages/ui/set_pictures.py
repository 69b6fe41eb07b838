"""The first pictures of a data set that was brought, as models are trained on them."""

import html

import streamlit as st

from pages.ui import cache
from pages.ui.widgets import uri
from vae.data.brought import BroughtSet

FIRST = 8


def images_of(one: BroughtSet) -> list[str]:
    """The names of those pictures: "train/0"."""
    return [f"train/{row}" for row in range(min(FIRST, one.train_size))]


def draw_pictures(one: BroughtSet) -> None:
    """The row of them; nothing where the set is damaged."""
    crisp = "mu-crisp" if one.kind == "images" and max(one.shape[1:]) <= 32 else "mu-smooth"
    wide = " mu-wide-previews" if one.kind == "vectors" else ""
    found = [cache.original(one.name, name) for name in images_of(one)]
    images = "".join(
        f'<img class="{crisp}" data-muscope="set" alt="{html.escape(f"Picture {place} of {one.title}", quote=True)}" '
        f'src="{uri(png)}">'
        for place, png in enumerate(found, start=1)
        if png is not None
    )
    st.html(f'<div class="mu-row mu-previews{wide}">{images}</div>')
