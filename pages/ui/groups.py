"""Groups of images gathered on the map: made by a line drawn around them, named, looked at, given up."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import streamlit as st

from live import points
from pages.ui import cache
from pages.ui.cache import Code
from pages.ui.errors import careful
from pages.ui.state import Group, Place, State
from pages.ui.turns import Told
from pages.ui.widgets import tap
from vae.errors import VAEError
from vae.explore.gathered import Gathered, gathered
from vae.explore.regions import inside

CORNERS = 1000  # of a line; the map sends 200 at most


def gather(state: State, told: Told) -> None:
    """Make a group of the images inside a line; those that the legend hides stay out.

    Args:
        told: {"view", "polygon": [[x, y], ...] in map coordinates, "colour", "hidden": classes not shown}.

    Raises:
        VAEError: no image is inside, or the line is none. It comes from a browser.
    """
    model_id, view, polygon = state.entry.model_id, str(told.get("view")), told.get("polygon")
    if not isinstance(polygon, list) or not 3 <= len(polygon) <= CORNERS:
        raise VAEError("That line has too few or too many corners: draw around some dots once more.")
    rows = inside(cache.xy(model_id, view), polygon)
    if hidden := told.get("hidden"):
        values, names = points.column(cache.encodings(model_id), str(told.get("colour")))
        rows = rows[~np.isin(values[rows], hidden)] if names else rows
    if not len(rows):
        raise VAEError("There is no image inside that line: draw around some dots.")
    corners = tuple((float(x), float(y)) for x, y in polygon)
    state.gather(Group(_free_name(state), rows, view, corners))


def _free_name(state: State) -> str:
    taken = {group.name for group in of(state)}
    return next(name for number in range(1, len(taken) + 2) if (name := f"group {number}") not in taken)


def of(state: State) -> list[Group]:
    """The groups of the chosen model, the oldest first."""
    return state.groups.get(state.model, [])


def outlines(state: State, view: str) -> list[dict[str, Any]]:
    """The groups drawn on a view, for the map."""
    return [
        {"name": group.name, "polygon": np.round(group.polygon, 4).tolist()}
        for group in of(state)
        if group.view == view
    ]


def draw_groups(state: State) -> None:
    """The list of groups, newest first; nothing where there is none."""
    for number, group in reversed(list(enumerate(of(state)))):
        known = about(state.entry.model_id, group.rows.tobytes())
        code = tuple(known.mean.tolist())
        to_mean = (state, group.name, code)
        with st.container(horizontal=True, gap="small", key=f"map-group-{number}"):
            png = cache.picture(state.entry.model_id, code)
            tap(f"map.group.tap.{number}", png, f"The mean of {group.name}", go_to_mean, *to_mean)
            with st.container(width="stretch", gap="xsmall"):
                _draw_controls(state, number, to_mean)
                st.caption(_words(known))


def _draw_controls(state: State, number: int, to_mean: tuple[State, str, Code]) -> None:
    name, box = to_mean[1], f"map.group.name.{number}"
    st.session_state[box] = name
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.text_input(
            "Name of the group",
            key=box,
            max_chars=40,
            label_visibility="collapsed",
            width=170,
            on_change=careful(_rename),
            args=(state, number, box),
        )
        st.button("Go to its mean", key=f"map.group.do.mean.{number}", on_click=careful(go_to_mean), args=to_mean)
        st.button(
            f"Delete {name}",
            key=f"map.group.do.delete.{number}",
            type="tertiary",
            on_click=careful(_delete),
            args=(state, number),
        )


@lru_cache(maxsize=64)
def about(model_id: str, rows: bytes) -> Gathered:
    known = cache.encodings(model_id)
    return gathered(
        known.mu,
        np.frombuffer(rows, np.int64),
        known.labels,
        known.label_names,
        known.attributes,
        known.attribute_names,
    )


def _words(known: Gathered) -> str:
    images = "1 image" if known.count == 1 else f"{known.count:,} images"
    if not known.most:
        return images
    return f"{images}. {known.share:.0%} are {known.most} (of all images {known.usual:.0%})."


def go_to_mean(state: State, name: str, code: Code) -> None:
    state.go(Place(code, None, f"the mean of {name}"))


def _rename(state: State, number: int, box: str) -> None:
    name = st.session_state[box].strip()
    groups = of(state)
    if not name or any(other.name == name for at, other in enumerate(groups) if at != number):
        raise VAEError("A group needs a name that no other has: choose another.")
    groups[number] = replace(groups[number], name=name)


def _delete(state: State, number: int) -> None:
    state.remove(state.model, of(state)[number], of(state)[number].name)
