"""Where the two groups of a direction come from: the data, the map, pictures picked by hand, a typed condition."""

import streamlit as st

from pages.ui import cache, direction_asked, groups
from pages.ui.direction_asked import Asked, as_rows
from pages.ui.direction_picks import draw_picks
from pages.ui.doors import favourite
from pages.ui.errors import plain
from pages.ui.state import KeptDirection, State
from pages.ui.widgets import words
from vae.errors import VAEError

OF_DATA, OF_MAP, PICKED, TYPED, KEPT = "Attributes", "Groups of the map", "Picked by hand", "A condition", "Kept"
OTHERS = "all other images"


def draw_source(state: State) -> Asked | KeptDirection | None:
    """What is asked for; None where there is nothing yet, which the page then says."""
    kept = state.directions.get(state.model, [])
    options = [OF_DATA, OF_MAP, PICKED, TYPED, *([KEPT] if kept else [])]
    box = "attributes.source"
    if st.session_state.get(box) not in (None, *options):
        del st.session_state[box]
    source = st.segmented_control(
        "The two groups come from", options, default=OF_DATA, required=True, key=box, persist_state="session"
    )
    if source == OF_MAP:
        return _of_map(state)
    if source == PICKED:
        return draw_picks(state)
    if source == TYPED:
        return _typed(state)
    if source == KEPT:
        return _kept(state, kept)
    return _of_data(state)


def _of_data(state: State) -> Asked | None:
    model_id = state.entry.model_id
    kinds = cache.directions(model_id)
    if not kinds:
        st.info(
            "There are no two groups of images whose codes differ, so there is nothing to add. If images of this model "
            "differ in something you can see, pick them by hand, or draw around them on the Map."
        )
        return None
    kind = st.selectbox(
        "Attribute",
        kinds,
        index=kinds.index(favourite(model_id) or kinds[0]),
        format_func=words,
        key=f"attributes.kind.{model_id}",
        persist_state="session",
    )
    return direction_asked.of_kind(model_id, kind)


def _of_map(state: State) -> Asked | None:
    model_id, known = state.entry.model_id, {group.name: group for group in groups.of(state)}
    if not known:
        st.info("No group has been gathered yet: draw around dots on the Map, then come back.")
        st.page_link("map.py", label="To the Map", icon=":material/scatter_plot:")
        return None
    names = list(known)
    mine = _choose("With it", names, f"attributes.group.{model_id}", len(names) - 1)
    others = _choose(
        "Without it", [OTHERS, *(name for name in names if name != mine)], f"attributes.rest.{model_id}", 0
    )
    rows = as_rows(known[mine].rows)
    rest = direction_asked.complement(model_id, rows) if others == OTHERS else as_rows(known[others].rows)
    return Asked(rows=(rows, rest), names=(mine, "the others" if others == OTHERS else others))


def _typed(state: State) -> Asked | None:
    model_id = state.entry.model_id
    text = st.text_input(
        "With it: images for which",
        key=f"attributes.where.{model_id}",
        max_chars=300,
        placeholder=_example(model_id),
        persist_state="session",
        help="Names of labels and attributes, numbers, < <= > >= =, and, or, not, brackets. "
        "A name alone means above 0.5.",
    )
    rest = st.text_input(
        "Without it: images for which",
        key=f"attributes.rest_where.{model_id}",
        max_chars=300,
        placeholder="nothing typed: all other images",
        persist_state="session",
    )
    if not text.strip():
        st.info(f"Type a condition, such as: {_example(model_id)}")
        return None
    try:
        rows = direction_asked.rows_where(model_id, text)
        others = (
            direction_asked.rows_where(model_id, rest) if rest.strip() else direction_asked.complement(model_id, rows)
        )
    except VAEError as error:
        st.error(plain(error))
        return None
    return Asked(rows=(rows, others), names=(text.strip(), rest.strip() or "the others"))


def _kept(state: State, kept: list[KeptDirection]) -> KeptDirection:
    names = [each.name for each in kept]
    chosen = _choose("Kept direction", names, f"attributes.kept.{state.entry.model_id}", len(names) - 1)
    return kept[names.index(chosen)]


def _choose(label: str, options: list[str], box: str, first: int) -> str:
    if st.session_state.get(box) not in (None, *options):
        del st.session_state[box]
    return str(st.selectbox(label, options, index=first, key=box, persist_state="session"))


def _example(model_id: str) -> str:
    known = cache.encodings(model_id)
    if len(known.attribute_names) > 1:
        return f"{known.attribute_names[0]} > 0.7 and not {known.attribute_names[1]}".replace("_", " ")
    return " or ".join(known.label_names[:2]) if known.label_names else "smile > 0.7 and not hat"
