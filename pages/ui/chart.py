"""The map as a Plotly figure: what is on its axes, what colours it, and what a press on it means."""

from functools import lru_cache

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.ui import cache
from pages.ui.state import State
from pages.ui.widgets import careful, words

# Okabe and Ito's eight (2008), told apart by colour-blind eyes, and two more for ten classes.
CLASS_COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9",
    "#d55e00", "#b8a700", "#7f7f7f", "#6a3d9a", "#a6761d",
)  # fmt: skip
HEIGHT = 560  # pixels
DIMENSIONS = "two dimensions"
VIEW_WORDS = {"umap": "UMAP", "pca": "PCA", DIMENSIONS: "Two dimensions"}
ON_THE_MAP = {
    "umap": "UMAP keeps neighbours together. Distances between far groups, and the size of a group, mean little.",
    "pca": "PCA looks at the codes from where they spread most. Groups that overlap here may be apart in the others.",
}


def choose_view(state: State) -> str:
    """UMAP or PCA of mu, or two raw dimensions: a name that `cache.xy` knows."""
    model_id = state.entry.model_id
    maps = cache.encodings(model_id).maps
    dims = state.entry.latent_dim
    options = ["umap"] * ("umap" in maps) + ["pca"] + [DIMENSIONS] * (dims > 1)
    if dims == 2:
        options.reverse()  # two latents are a map already: show them as they are
    view = st.segmented_control(
        "View",
        options,
        default=options[0],
        format_func=lambda view: VIEW_WORDS[view],
        key=f"map.view.{state.model}",
        required=True,
        persist_state="session",
    )
    if view != DIMENSIONS:
        return view
    if dims == 2:
        return "0,1"
    strongest = [knob.dim for knob in cache.knobs(model_id)]
    across = st.selectbox("Across", strongest, key=f"map.across.{state.model}", persist_state="session")
    up = st.selectbox("Up", strongest, index=1, key=f"map.up.{state.model}", persist_state="session")
    return f"{across},{up}"


def choose_colour(state: State) -> str:
    """What colours the dots: "label", an attribute, "kl" or "error"."""
    known = cache.encodings(state.entry.model_id)
    options = ["label"] * (known.labels is not None)
    options += [f"attribute:{name}" for name in known.attribute_names] + ["kl", "error", "split"]
    return st.selectbox(
        "Colour",
        options,
        format_func=lambda option: COLOUR_WORDS.get(option) or words(option),
        key=f"map.colour.{state.model}",
        persist_state="session",
    )


COLOUR_WORDS = {
    "label": "label",
    "kl": "KL (nats per image)",
    "error": "reconstruction error (per pixel)",
    "split": "training or test",
}


def draw_map(state: State, view: str, colour: str) -> None:
    """Every encoding as a dot, the one where the tools stand marked. A press on a dot moves them there."""
    model_id = state.entry.model_id
    figure = go.Figure(dots(model_id, view, colour))
    row = cache.encodings(model_id).row_of(_mark(state, view, colour))
    for trace in figure.data if row is not None else ():
        trace.selectedpoints = np.flatnonzero(trace.customdata == row).tolist()
    figure.update_layout(_layout(view))
    st.plotly_chart(
        figure,
        key="map.chart",
        on_select=careful(lambda: _pressed(state)),
        selection_mode="points",
        config={"scrollZoom": True, "displaylogo": False, "displayModeBar": False},
        alt=f"Map of {len(cache.encodings(model_id)):,} images",
    )
    count = len(cache.encodings(model_id))
    st.caption(f"{count:,} images, all drawn.{cache.kept_words(model_id)} {ON_THE_MAP.get(view, '')}")


def _mark(state: State, view: str, colour: str) -> str:
    """The image to mark in the figure: where the tools stand, but for a press on this very map.

    The browser marks what is pressed by itself, and a figure that stays the same keeps its zoom.
    """
    drawn, marked = st.session_state.get("muscope.map.marked", ("", ""))
    here = f"{state.model} {view} {colour}"
    now = state.place.image_id or ""
    if drawn == here and now == st.session_state.get("muscope.map.pressed"):
        return str(marked)
    st.session_state["muscope.map.marked"] = (here, now)
    return now


@lru_cache(maxsize=16)
def dots(model_id: str, view: str, colour: str) -> tuple[go.Scattergl, ...]:
    """One trace for each class, or one with a scale for a continuous colour; `customdata` is the row of each dot."""
    known, xy = cache.encodings(model_id), cache.xy(model_id, view)
    values, names = _values(model_id, colour)
    size = 6 if len(known) < 5_000 else 4 if len(known) < 30_000 else 3
    if names:
        groups = [np.flatnonzero(values == i) for i in range(len(names))]
        return tuple(
            _trace(xy, rows, size, name, {"color": CLASS_COLOURS[i % len(CLASS_COLOURS)]})
            for i, (name, rows) in enumerate(zip(names, groups, strict=True))
        )
    low, high = (float(v) for v in np.quantile(values, (0.01, 0.99)))
    scale = {"color": values, "colorscale": "Cividis", "cmin": low, "cmax": high, "showscale": True}
    scale["colorbar"] = {"title": {"text": COLOUR_WORDS.get(colour) or words(colour), "side": "right"}, "thickness": 12}
    return (_trace(xy, np.arange(len(known)), size, "", scale),)


def _values(model_id: str, colour: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """What a dot is coloured by: class numbers with their names, or a quantity and no names."""
    known = cache.encodings(model_id)
    if colour == "label" and known.labels is not None:
        return known.labels, known.label_names
    if colour == "split":
        return known.split, ("training", "test")
    if colour == "kl":
        return known.kl(), ()
    if colour == "error" or known.attributes is None:
        return known.recon_error, ()
    name = colour.partition(":")[2]
    column = known.attributes[:, known.attribute_names.index(name)]
    return (column, (f"no {words(colour)}", words(colour))) if np.isin(column, (0, 1)).all() else (column, ())


def _trace(xy: np.ndarray, rows: np.ndarray, size: int, name: str, marker: dict[str, object]) -> go.Scattergl:
    return go.Scattergl(
        x=xy[rows, 0],
        y=xy[rows, 1],
        customdata=rows,
        name=name,
        mode="markers",
        marker={"size": size, "opacity": 0.75, **marker},
        selected={"marker": {"opacity": 1.0, "size": 20, "color": "#d81b60"}},
        unselected={"marker": {"opacity": 0.75}},
        hoverinfo="none",
        showlegend=bool(name),
    )


def _layout(view: str) -> dict[str, object]:
    raw = view not in ON_THE_MAP
    axis = {"showgrid": raw, "zeroline": raw, "showticklabels": raw, "title": None}
    across, _, up = view.partition(",")
    return {
        "height": HEIGHT,
        "margin": {"l": 30 * raw, "r": 0, "t": 0, "b": 30 * raw},
        "dragmode": "pan",
        "hovermode": "closest",
        "uirevision": view,  # a press keeps the zoom; another view starts whole
        "legend": {"itemsizing": "constant", "orientation": "h", "yanchor": "bottom", "y": 1.0},
        "xaxis": axis | {"title": f"dimension {across}" if raw else None},
        "yaxis": axis | {"title": f"dimension {up}" if raw else None, "scaleanchor": "x"},
    }


def _pressed(state: State) -> None:
    points = st.session_state["map.chart"]["selection"]["points"]
    if points and "customdata" in points[0]:
        row = points[0]["customdata"]
        known = cache.encodings(state.entry.model_id)
        pressed = known.image_id(int(row[0] if isinstance(row, list) else row))
        state.go(state.of_image(pressed))
        st.session_state["muscope.map.pressed"] = pressed
