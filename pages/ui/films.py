"""A path to take home, as a film or as one long picture."""

from collections.abc import Callable

import streamlit as st

from pages.ui import routes
from pages.ui.player import Walk
from vae.explore.film import KINDS, LARGEST, LONGEST, NO_MP4, ORDERS, SMALLEST, TOO_LARGE, Cut, has_mp4

_WORDS = {"gif": "GIF", "mp4": "MP4", "webp": "WebP", "png": "Strip (PNG)"}
_HELP = {
    "gif": "Plays everywhere, in at most 256 colours.",
    "mp4": "The smallest file; for slides and phones. It has an end, unless its player repeats it.",
    "webp": "As a GIF, in all colours and a tenth of its size; for web pages.",
    "png": "The frames of the strip side by side.",
}


def draw_films(path: Walk) -> None:
    """What kind of file, how large, how long; the file is made when it is asked for."""
    with st.popover("Take it home", icon=":material/download:"):
        kind = st.segmented_control(
            "As",
            list(KINDS),
            default="gif",
            required=True,
            format_func=_WORDS.__getitem__,
            key="paths.kind",
            persist_state="session",
        )
        st.caption(_HELP[kind])
        side = st.slider(
            "Size", SMALLEST, LARGEST, 256, 64, format="%d pixels", key="paths.side", persist_state="session"
        )
        if kind == "png":
            _button(kind, side, lambda: routes.long_strip(path.route, path.per_leg, path.shown, side))
            return
        seconds = st.slider(
            "Length", 1.0, LONGEST / 2, 4.0, 0.5, format="%.1f s", key="paths.seconds", persist_state="session"
        )
        order = st.segmented_control(
            "Plays", list(ORDERS), default=ORDERS[1], required=True, key="paths.order", persist_state="session"
        )
        titled = st.toggle("Name the keyframes beneath", key="paths.titled", persist_state="session")
        if kind == "mp4" and not has_mp4():
            st.info(NO_MP4)
            return
        words = tuple(place.caption for place in path.keyframes) if titled else ()
        cut = Cut(kind, side, seconds, order)
        if cut.too_large:
            st.info(TOO_LARGE)
            return
        _button(kind, side, lambda: routes.film(path.route, cut, words))


def _button(kind: str, side: int, make: Callable[[], bytes]) -> None:
    st.download_button(
        f"Download {_WORDS[kind]}",
        make,
        f"path-{side}.{kind}",
        KINDS[kind],
        key=f"paths.do.{kind}",
        icon=":material/download:",
        on_click="ignore",
        type="primary",
    )
