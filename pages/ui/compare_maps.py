"""Two maps of the same images: an image pointed at on one is marked on the other, with what that model makes of it."""

from functools import partial
from typing import Any

import streamlit as st

from live.engine import ModelEntry
from pages.ui import cache, judged, live, places, turns
from pages.ui.state import State
from pages.ui.turns import Told
from pages.ui.widgets import literal, small
from vae.errors import VAEError

PICTURES = 8  # small ones in one answer of the wire, at most


def draw_maps(state: State, other: ModelEntry) -> None:
    """Both maps, side by side, each as its model's own page shows it first."""
    st.subheader("Where each puts them")
    st.write("Point at an image on one map: the same image is marked on the other. Press to choose it.")
    for side, (entry, column) in enumerate(zip((state.entry, other), st.columns(2, gap="medium"), strict=True)):
        with column:
            st.markdown(f"**{literal(judged.label(entry))}**")
            common = judged.in_common(entry.model_id, (other, state.entry)[side].model_id)
            _draw_map(state, entry, common, f"compare-map-{side}")
            st.caption(_known_words(entry, common))
            chosen = state.place.image_id
            if chosen is not None and cache.encodings(entry.model_id).row_of(chosen) is None:
                name = literal(cache.caption_of(state.entry.model_id, chosen))
                st.caption(f"The chosen image ({name}) is not on this map: this model does not keep it.")


def _known_words(entry: ModelEntry, common: judged.Common) -> str:
    """What a map shows: the images that the map beside it has, too, and how many it could show."""
    count, words = len(cache.encodings(entry.model_id)), view_words(entry)
    if common.bits is None:
        return f"{words} of {count:,} images: all that it keeps, and all are on the other map, too."
    return f"{words}. It keeps {count:,} images; shown are the {common.count:,} that are on the other map, too."


def view_of(entry: ModelEntry) -> str:
    """Two numbers are a map already; else UMAP where it was made, else PCA."""
    if entry.latent_dim == 2:
        return "0,1"
    return "umap" if "umap" in cache.encodings(entry.model_id).maps else "pca"


def view_words(entry: ModelEntry) -> str:
    return {"umap": "UMAP", "pca": "PCA"}.get(view_of(entry), "The two numbers of the codes")


def _draw_map(state: State, entry: ModelEntry, common: judged.Common, key: str) -> None:
    model_id, view = entry.model_id, view_of(entry)
    known = cache.encodings(model_id)
    image_id = state.place.image_id
    row = None if image_id is None else known.row_of(image_id)
    code = cache.code_of(model_id, image_id if row is not None and image_id else cache.first_image(model_id))
    now = {"kind": "now", "name": state.place.caption}
    data: dict[str, Any] = {
        "model": model_id,
        "view": view,
        "colour": "label" if known.labels is not None else "error",
        "code": list(code),
        "row": row,
        "labels": known.labels is not None,
        "marks": [] if row is None else [now | {"xy": cache.xy(model_id, view)[row].tolist()}],
        "groups": [],
        "crisp": small(state),
        "most": PICTURES,
        "linked": True,
        "only": common.bits,
        "alt": f"Map of {common.count:,} images by {judged.label(entry)}. Arrows look around, Enter chooses, plus and "
        "minus zoom, 0 shows the whole map.",
        "turn": turns.last(key),
    }
    hear = turns.heard(state, key, partial(go, state, entry), model_id)
    live.mount("map", state, key, data, settled=hear, keep=hear)


def go(state: State, entry: ModelEntry, told: Told) -> None:
    """A press on the map of `entry`: {"row" or None, "xy", "view"}. The tools go to that image, or to that code.

    VAEError: the chosen model does not know it, or the code is another model's.
    """
    row, known = told.get("row"), cache.encodings(entry.model_id)
    if entry.model_id == state.entry.model_id:
        state.go(places.place_at(state, str(told.get("view")), row, told.get("xy")))
        return
    if not isinstance(row, int) or isinstance(row, bool) or not 0 <= row < len(known):
        raise VAEError("Between the images a code means nothing to the other model: press a dot.")
    name = known.image_id(row)
    if cache.encodings(state.entry.model_id).row_of(name) is None:
        raise VAEError(
            f"{judged.label(state.entry)} does not keep {cache.caption_of(entry.model_id, name)}: press another."
        )
    state.go(state.of_image(known.image_id(row)))
