"""The map: what is on its axes, what colours it, and what a hand leaves there."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from live import points
from pages.ui import cache, groups, live, places, seen, turns
from pages.ui.errors import careful
from pages.ui.state import State
from pages.ui.turns import Told
from pages.ui.widgets import small
from vae.data.images import worded

DIMENSIONS = "two dimensions"
VIEW_WORDS = {"umap": "UMAP", "pca": "PCA", DIMENSIONS: "Two dimensions"}
ON_THE_MAP = {
    "umap": "UMAP keeps neighbours together. Distances between far groups, and the size of a group, mean little.",
    "pca": "PCA looks at the codes from where they spread most. Groups that overlap here may be apart in the others.",
}
ON_TWO = (
    "Between the dots, the map turns these two numbers of the current code and leaves the others. "
    "An ellipse is one standard deviation of where the encoder puts an image, the dashed one of the chosen image two."
)
COLOUR_WORDS = {
    "label": "label",
    "kl": "KL (nats per image)",
    "error": "reconstruction error (per pixel)",
    "split": "training or test",
}


def choose_view(state: State, below: DeltaGenerator) -> str:
    """UMAP or PCA of mu, or two raw dimensions, which are chosen `below`: a name that `cache.xy` knows."""
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
    across, up = (
        below.selectbox(
            f"Dimension {words}",
            strongest,
            index=index,
            width=150,
            key=f"map.{words}.{state.model}",
            persist_state="session",
        )
        for index, words in enumerate(("across", "up"))
    )
    return f"{across},{up}"


def choose_colour(state: State) -> str:
    """What colours the dots: "label", an attribute, "kl", "error" or "split"."""
    known = cache.encodings(state.entry.model_id)
    options = ["label"] * (known.labels is not None)
    kinds = points.kinds(known)
    apart = {at for places in kinds.values() for at in places}
    options += [f"attribute:{name}" for at, name in enumerate(known.attribute_names) if at not in apart]
    options += [f"kinds:{name}" for name in kinds] + ["kl"] * (not known.point) + ["error", "split"]
    return st.selectbox(
        "Colour",
        options,
        format_func=lambda option: worded(COLOUR_WORDS.get(option, ""), state.entry.shape) or points.words(option),
        key=f"map.colour.{state.model}",
        persist_state="session",
    )


def draw_map(state: State, view: str, colour: str, below: DeltaGenerator) -> None:
    """Every encoding as a dot, and what else lies on the map. A press moves the tools there, a line gathers images."""
    model_id, place = state.entry.model_id, state.place
    known = cache.encodings(model_id)
    data = {
        "view": view,
        "colour": colour,
        "code": list(place.code),
        "row": None if place.image_id is None else cache.row_of(model_id, place.image_id),
        "labels": known.labels is not None,
        "files": seen.has_files(state.entry.data),
        "marks": places.marks(state, view),
        "groups": groups.outlines(state, view),
        "crisp": small(state),
        "most": _pictures_at_once(state),
        "alt": worded(f"Map of {len(known):,} images.", state.entry.shape)
        + " Arrows look around, Enter chooses, K keeps, plus and minus zoom, 0 shows the whole map, L gathers.",
        "turn": turns.last("map"),
    }
    acts = {"settled": go, "keep": keep, "region": groups.gather}
    live.mount(
        "map",
        state,
        "map",
        data,
        **{name: turns.heard(state, "map", partial(act, state)) for name, act in acts.items()},
    )
    words = ON_THE_MAP.get(view, ON_TWO)
    said = f"{len(known):,} images, all drawn.{cache.kept_words(model_id)} {words}"
    st.caption(worded(said, state.entry.shape))
    if view not in ON_THE_MAP and place.image_id is not None and not known.point:
        below.button(
            "Draw from its posterior",
            key="map.do.draw",
            icon=":material/scatter_plot:",
            on_click=careful(places.draw_from_posterior),
            args=(state,),
            help=f"{places.DRAWS} codes from q(z|x) of this image: to the model they are all the same picture. "
            "Press again to take them away.",
        )


def _pictures_at_once(state: State) -> int:
    """Small pictures in one answer of the wire, which holds 4 MB and 128 of them."""
    shape = state.entry.shape
    side = 128 * 64 if len(shape) == 1 else shape[1] * shape[2]
    return max(1, min(32, (2 << 20) // (3 * side)))


# ---- what a hand leaves --------------------------------------------------------------------------------------------


def go(state: State, told: Told) -> None:
    """A press: {"view", "row" or None, "xy"}."""
    state.go(places.place_at(state, str(told.get("view")), told.get("row"), told.get("xy")))


def keep(state: State, told: Told) -> None:
    """A double press: the same, and onto the shelf."""
    go(state, told)
    state.keep(state.place)
    st.toast("Kept: it is at hand on every page.")
