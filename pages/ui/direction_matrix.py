"""A matrix of what each direction does to each attribute: a row for each direction; a press on its name takes it."""

import html
import math
from collections.abc import Mapping
from contextlib import suppress

import streamlit as st

from live.reported import find, report
from pages.ui import cache
from pages.ui.errors import careful
from pages.ui.state import State
from vae.errors import VAEError
from vae.evaluate.moves.entangle import Entangled

WAYS = {"effect": "As it is", "locked": "All others fixed in codes", "settled": "Fixed by looking"}
SHOWN = 0.1  # standard deviations: less is shown pale


def measured(state: State) -> Entangled | None:
    """What was measured of the model's directions in pictures; None where nothing was, or by another version."""
    with suppress(VAEError):  # Report says what is wrong with the file
        kept = find(report(state.entry), "directions")
        if isinstance(kept, Mapping):
            return Entangled.from_json(kept)
    return None


def draw_matrix(state: State, measured: Entangled) -> None:
    """The matrix of what was measured."""
    way = st.segmented_control(
        "Directions",
        list(WAYS),
        default="effect",
        required=True,
        format_func=lambda each: WAYS[each],
        key="attributes.matrix",
    )
    table = getattr(measured, way or "effect")
    heads = "".join(f"<b>{html.escape(name.replace('_', ' '))}</b>" for name in measured.attributes)
    st.html(f'<div class="mu-matrix mu-matrix-head" aria-hidden="true">{heads}</div>')
    kinds = cache.directions(state.entry.model_id)
    for place, (name, row) in enumerate(zip(measured.directions, table, strict=True)):
        with st.container(gap=None, key=f"matrix-row-{place}"):
            st.button(
                name.replace("_", " "),
                key=f"attributes.matrix.do.{place}",
                type="tertiary",
                disabled=f"attribute:{name}" not in kinds,
                on_click=careful(_take),
                args=(state, f"attribute:{name}"),
                help="Take this direction",
                width="content",
            )
            st.html(_row(name, measured, row))
    st.caption(
        "Each row is a direction, its whole step; each column what it does to an attribute, in standard deviations of "
        f"real images, read from the pixels of {measured.images:,} decoded held-out images by a network that never saw "
        f"the model. Below {SHOWN} is pale. Attributes in brackets are read too weakly to be believed."
    )


def _row(name: str, measured: Entangled, row: tuple[float, ...]) -> str:
    cells, told = [], []
    for other, value, weak in zip(measured.attributes, row, measured.weak, strict=True):
        shown = "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "\u2212")
        shown = f"({shown})" if weak else shown
        strength = 0 if math.isnan(value) or abs(value) < SHOWN else min(abs(value), 1)
        mine = " mu-own" if other == name else ""
        title = html.escape(f"{name} does {shown} to {other}".replace("_", " "), quote=True)
        cells.append(f'<span class="mu-cell{mine}" style="--much:{strength:.2f}" title="{title}">{shown}</span>')
        told.append(f"{other.replace('_', ' ')} {shown}")
    alt = html.escape(f"{name.replace('_', ' ')}: {', '.join(told)}", quote=True)
    return f'<div class="mu-matrix" role="img" aria-label="{alt}">{"".join(cells)}</div>'


def _take(state: State, kind: str) -> None:
    st.session_state["attributes.source"] = "Attributes"
    st.session_state[f"attributes.kind.{state.entry.model_id}"] = kind
