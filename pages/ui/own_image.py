"""One image of a visitor's own: a picture that is cut out in the browser, or a pasted row; all tools stand on it."""

from typing import Any

import streamlit as st

from live.engine import ModelEntry
from pages.ui import cache, live, own_picture, turns
from pages.ui.errors import careful
from pages.ui.own_picture import Own
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import literal, row_of_pictures, small, uri
from vae.explore.one_image import read_row


def offer_own(state: State, view: str = "") -> None:
    """A picture or a row of one's own as the start of every page, where the model can read one.

    Args:
        view: of the map on the same page, on which it lands; "" where there is none.
    """
    entry = state.entry
    if own_picture.reads_pictures(entry):
        with st.container(key="own-picture"), st.expander("Bring a picture", icon=":material/add_photo_alternate:"):
            st.caption(
                "Choose, photograph, paste or drop one: the model draws it its way, and every page starts from it. "
                "It is cut out in your browser; only those pixels are sent."
            )
            _draw_picture(state, view)
    elif len(entry.shape) == 1:
        with st.container(key="own-row"), st.expander("Bring a row", icon=":material/data_array:"):
            _draw_row(state)


def _draw_picture(state: State, view: str) -> None:
    entry = state.entry
    own = own_picture.newest(entry.model_id)
    data: dict[str, Any] = {
        "shape": list(entry.shape),
        "ground": own_picture.ground(entry.model_id),
        "crisp": small(state),
        "view": view,
        "turn": turns.last("bring_image"),
        "near": [],
    }
    if own is not None:
        seen = own_picture.seen(entry.model_id, own)
        near = cache.neighbours(entry.model_id, own.code, 3, None)
        data |= {"given": uri(seen.original), "made": uri(seen.made)}
        data["near"] = [cache.caption_of(entry.model_id, name) for name, _ in near]
    heard = turns.heard(state, "bring_image", lambda told: settle(state, told))
    live.mount("bring_image", state, "bring_image", data, settled=heard)
    if own is not None:
        _draw_evidence(state, own)


def settle(state: State, told: Told) -> None:
    """The hand left a picture: "picture". All tools stand on it. VAEError: it did not arrive whole."""
    entry = state.entry
    pixels = own_picture.unpack(entry, told.get("picture"))
    _stand_on(state, entry, own_picture.as_own(entry, own_picture.x_of_pixels(pixels)), own_picture.PICTURE)


def _stand_on(state: State, entry: ModelEntry, own: Own, caption: str) -> None:
    own_picture.keep(entry.model_id, own)
    state.go(Place(own.code, None, caption))


def _draw_evidence(state: State, own: Own) -> None:
    """What the model's picture of it rests on: how well it is redrawn, and where the model is unsure."""
    seen = own_picture.seen(state.entry.model_id, own)
    if seen.fit is not None:
        (st.warning if seen.fit.odd else st.caption)(seen.fit.sentence)
    if not seen.draws:
        st.caption("This is a plain autoencoder: it gives an image one code, and says nothing of how unsure it is.")
        return
    st.caption("Draws from its posterior: to the model all of these are that image.")
    words = [f"Draw {place} from the posterior of it" for place in range(1, len(seen.draws) + 1)]
    row_of_pictures(state, seen.draws, "own-draw", words, 46)
    if seen.unsure is not None:
        picture, most = seen.unsure
        st.caption(f"Where they differ: blue nowhere, yellow most (there by {most:.2f}; black to white is 1).")
        row_of_pictures(state, [picture], "own-unsure", ["Where the draws differ"], 84)


# ---- rows ----------------------------------------------------------------------------------------------------------


def _draw_row(state: State) -> None:
    entry = state.entry
    (count,) = entry.shape
    st.caption(
        f"Paste {count:,} numbers, commas or spaces between them, each from 0 to 1 as the data were scaled: "
        "every page starts from that row."
    )
    key = f"own.row.{entry.model_id}"
    st.text_area("The row", key=key, placeholder="0.12, 0.5, 0.98 …", height=90)
    st.button("Use this row", key="own.do.row", icon=":material/check:", on_click=careful(use_row), args=(state, key))
    own = own_picture.newest(entry.model_id)
    if own is None:
        return
    seen = own_picture.seen(entry.model_id, own)
    row_of_pictures(state, [seen.original, seen.made], "own-row", ["Your row", "What the model makes of it"], 128)
    st.caption("Your row, and what the model makes of it.")
    near = ", ".join(
        cache.caption_of(entry.model_id, name) for name, _ in cache.neighbours(entry.model_id, own.code, 3, None)
    )
    st.caption("Closest: " + literal(f"{near}."))
    _draw_evidence(state, own)


def use_row(state: State, key: str) -> None:
    """The row in that text box becomes where all tools stand. VAEError: it is no row of this model."""
    entry = state.entry
    x = read_row(str(st.session_state.get(key, "")), entry.shape[0])
    _stand_on(state, entry, own_picture.as_own(entry, x), own_picture.ROW)
