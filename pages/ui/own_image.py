"""One image of a visitor's own: a picture that is cut out in the browser, or a pasted row; all tools stand on it."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from live.engine import ModelEntry
from pages.ui import cache, live, own_picture, seen, turns, visitor
from pages.ui.errors import careful
from pages.ui.own_picture import Own
from pages.ui.state import Place, State
from pages.ui.turns import Told
from pages.ui.widgets import literal, row_of_pictures, small, uri
from vae.data.brought import BroughtSet
from vae.errors import VAEError
from vae.explore.one_image import read_row

_BACK = "muscope.own.back"  # whether there was an image of their own when the visit began


def offer_own(state: State, view: str = "") -> None:
    """A picture or a row of one's own as the start of every page, where the model can read one.

    Args:
        view: of the map on the same page, on which it lands; "" where there is none.
    """
    entry = state.entry
    if own_picture.reads_pictures(entry):
        with st.container(key="own-picture"), _folded(state, "Bring a picture", "add_photo_alternate"):
            st.caption(
                "Choose, photograph, paste or drop one: the model draws it its way, and every page starts from it. "
                "It is cut out in your browser; only those pixels are sent."
            )
            _draw_picture(state, view)
    elif len(entry.shape) == 1:
        with st.container(key="own-row"), _folded(state, "Bring a row", "data_array"):
            _draw_row(state)
    else:
        with st.container(key="own-channels"), _folded(state, "Bring an image", "add_photo_alternate"):
            _draw_channels(state)


def _folded(state: State, title: str, icon: str) -> DeltaGenerator:
    """Folded away, but to whoever comes back to an image of their own: what it rests on is seen again."""
    own = own_picture.newest(state.entry.model_id)
    back = st.session_state.setdefault(_BACK, own is not None)  # decided once: later a press folds and unfolds
    stands = own is not None and own.code == state.place.code
    return st.expander(title, icon=f":material/{icon}:", expanded=back and stands)


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
        shown = own_picture.seen(entry.model_id, own)
        near = cache.neighbours(entry.model_id, own.code, 3, None)
        data |= {"given": uri(shown.original), "made": uri(shown.made)}
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
    state.start_from(Place(own.code, None, caption))


def _draw_evidence(state: State, own: Own) -> None:
    """What the model's picture of it rests on: how well it is redrawn, and where the model is unsure."""
    shown = own_picture.seen(state.entry.model_id, own)
    if shown.fit is not None:
        (st.warning if shown.fit.odd else st.caption)(shown.fit.sentence)
    if not shown.draws:
        st.caption("This is a plain autoencoder: it gives an image one code, and says nothing of how unsure it is.")
        return
    st.caption("Draws from its posterior: to the model all of these are that image.")
    words = [f"Draw {place} from the posterior of it" for place in range(1, len(shown.draws) + 1)]
    row_of_pictures(state, shown.draws, "own-draw", words, 46)
    if shown.unsure is not None:
        picture, most = shown.unsure
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
    _draw_pair(state, "row")


def use_row(state: State, key: str) -> None:
    """The row in that text box becomes where all tools stand. VAEError: it is no row of this model."""
    entry = state.entry
    x = read_row(str(st.session_state.get(key, "")), entry.shape[0])
    _stand_on(state, entry, own_picture.as_own(entry, x), own_picture.ROW)


def _draw_pair(state: State, what: str) -> None:
    """The one brought last beside what the model makes of it, and what that rests on; nothing where there is none."""
    model_id = state.entry.model_id
    own = own_picture.newest(model_id)
    if own is None:
        return
    shown = own_picture.seen(model_id, own)
    words = [f"Your {what}", "What the model makes of it"]
    row_of_pictures(state, [shown.original, shown.made], f"own-{what}", words, 128)
    st.caption(f"Your {what}, and what the model makes of it.")
    near = ", ".join(cache.caption_of(model_id, name) for name, _ in cache.neighbours(model_id, own.code, 3, None))
    st.caption("Closest: " + literal(f"{near}."))
    _draw_evidence(state, own)


# ---- images of several channels ------------------------------------------------------------------------------------


def _draw_channels(state: State) -> None:
    """Why no picture can be brought, and one of a set of the visitor's own in its place."""
    entry = state.entry
    names = f" ({literal(', '.join(entry.paint.names))})" if entry.paint else ""
    st.caption(
        f"This model reads {entry.shape[0]} channels at once{names}, and a picture from a camera or a browser "
        "has grey or red, green and blue. Bring such images on Your data, with the windows that this model’s own have: "
        "then one of them can be taken here."
    )
    sets = {one.id: one for one in visitor.brought_sets(state) if one.shape == entry.shape}
    if sets:
        key = f"own.set.{entry.model_id}"
        chosen = st.selectbox("Of which set", list(sets), format_func=lambda id_: sets[id_].title, key=key)
        number = f"own.number.{chosen}"
        st.number_input("Which image", 1, len(sets[chosen]), key=number)
        press = careful(use_image)
        st.button("Use this image", key="own.do.image", icon=":material/check:", on_click=press,
                  args=(state, sets[chosen], number))  # fmt: skip
    _draw_pair(state, "image")


def use_image(state: State, of: BroughtSet, key: str) -> None:
    """The image of a set whose number is in that box, counted from 1, training first, becomes where all tools stand.

    VAEError: it is not there.
    """
    if not seen.may_use(of.name):
        raise VAEError("This data set is no longer shared with you: choose another.")
    pixels = own_picture.of_set(of, int(st.session_state.get(key, 1)) - 1)
    _stand_on(state, state.entry, own_picture.as_own(state.entry, own_picture.x_of_pixels(pixels)), own_picture.IMAGE)
