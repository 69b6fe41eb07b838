"""One strange image: what it is, what the model draws of it, where that is off, and its way to the map."""

import streamlit as st

from pages.ui import anomaly_grid, cache, judged
from pages.ui.anomaly_grid import Asked, Pressed
from pages.ui.errors import careful, plain
from pages.ui.judged import Ranking
from pages.ui.state import State
from pages.ui.widgets import keep_button, offer_originals, row_of_pictures, show_stage
from vae.errors import VAEError
from vae.evaluate.strange.strangeness import NAMES


def draw_shown(state: State, asked: Asked, ranked: Ranking) -> None:
    """The image pressed last, or the strangest."""
    pressed = anomaly_grid.shown(state, ranked)
    place = anomaly_grid.place_of(state, pressed)
    alt = f"What the model draws for {place.caption}"
    original = None
    if pressed.data != state.entry.data:
        original = judged.picture_of(pressed.data, pressed.row)
    show_stage(state, place.code, place.caption, alt, place.image_id, original)
    _draw_map(state, pressed)
    value = next((value for of, name, value in ranked.found if (of, name) == (pressed.data, pressed.name)), None)
    if value is not None:
        side = "above" if value > ranked.line.value else "below"
        st.write(f"Its {NAMES[asked.score]} is {value:.4g}, {side} the threshold.")
    keep_button(state, place, "anomalies.do.keep")
    _draw_ways(state, asked, ranked, pressed)
    offer_originals(state.entry.data)


def _draw_map(state: State, pressed: Pressed) -> None:
    try:
        png, most = judged.error_map(pressed.model_id, pressed.data, pressed.row)
    except VAEError as error:
        st.caption(plain(error))
        return
    words = f"Where the reconstruction is off: yellow most, by up to {most:.2f} of full scale; blue not at all."
    row_of_pictures(state, [png], "error-map", [words], size=196)
    st.caption(words)


def _draw_ways(state: State, asked: Asked, ranked: Ranking, pressed: Pressed) -> None:
    model_id, own = state.entry.model_id, state.entry.data
    above = tuple(Pressed(model_id, of, name) for of, name, _ in ranked.found[: ranked.above] if of == own)
    count = f"the {len(above):,} of its own images" if asked.other else f"all {len(above):,}"
    ours = pressed.data == own
    one = cache.caption_of(model_id, pressed.name) if ours else ""
    ways = [
        (f"Send {count} above the threshold to the map", f"strange by {NAMES[asked.score]}", above, "all"),
        ("Send this one", one, (pressed,) if ours else (), "one"),
    ]
    with st.container(horizontal=True, gap="small"):
        for words, name, images, key in ways:
            st.button(
                words,
                key=f"anomalies.do.send.{key}",
                icon=":material/scatter_plot:",
                disabled=not images,
                on_click=careful(anomaly_grid.send),
                args=(state, name, images),
                help="As a group: it is marked on the map and listed under it.",
            )
        st.page_link("map.py", label="Open the map", icon=":material/map:")
    if asked.other:
        st.caption("Images of another data set are not on this model’s map, so only its own can be sent there.")
    if not above:
        st.caption("None of its own images lies above the threshold.")
