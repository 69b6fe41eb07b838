"""What was kept, on every page: codes, groups, directions and sums. A press uses one, or takes it out."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.ui import cache, groups, lead
from pages.ui.board_terms import Board, Boards
from pages.ui.direction_source import KEPT
from pages.ui.errors import careful
from pages.ui.state import Group, KeptDirection, State
from pages.ui.widgets import literal, tap

_LONGEST = 28  # letters of a name at the side


def draw_kept(state: State, key: str) -> None:
    """Everything that was kept, with its names, and the way to be rid of it and to have it back.

    Args:
        key: of the place: it stands at the side, and on a phone below the picture.
    """
    things = _things(state)
    if not state.shelf and not things and not key.startswith("below"):
        st.caption("Nothing kept yet. “Keep this code” on any page puts a picture here.")
    tidy = bool(state.shelf or things) and bool(st.session_state.get(f"{key}.tidy"))
    _draw_codes(state, key, tidy)
    if things:
        with st.container(horizontal=True, gap="xsmall", key=f"{key.replace('.', '-')}-things"):
            for place, (thing, name, icon, press, help) in enumerate(things):
                _draw_thing(state, f"{key}.thing.{place}", thing, name, icon, press, help, tidy)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if state.shelf or things:
            st.toggle("Remove some", key=f"{key}.tidy", help="While it is on, a press takes out what is pressed.")
        if state.shelf:
            st.button("Remove all codes", key=f"{key}.do.empty", type="tertiary", on_click=state.empty_shelf)
        elif state.emptied:
            st.button("Put them back", key=f"{key}.do.refill", type="tertiary", on_click=state.refill_shelf)
        if state.removed:
            name = literal(_short(state.removed[-1].name))
            words = f"Bring “{name}” back"
            st.button(words, key=f"{key}.do.bring_back", type="tertiary", on_click=careful(state.bring_back))


def _draw_codes(state: State, key: str, tidy: bool) -> None:
    """The kept codes, of any model, as pictures to press."""
    with st.container(horizontal=True, gap="xsmall"):
        for place, kept in enumerate(state.shelf):
            png = cache.picture(cache.entry(kept.model).model_id, kept.place.code)
            words = kept.place.caption
            what = f"Remove: {words}" if tidy else f"Kept: {words}"
            do: tuple[Any, ...] = (state.remove, kept.model, kept, words) if tidy else (state.take_out, kept)
            tap(f"{key}.tap.{place}", png, what, *do, help=what if tidy else words)


def _things(state: State) -> list[tuple[Any, str, str, Callable[..., None], str]]:
    """What was kept of the chosen model besides codes: the thing, its name, its sign, what a press does, its help."""
    if not state.model:
        return []
    found: list[tuple[Any, str, str, Callable[..., None], str]] = []
    for group in state.groups.get(state.model, []):
        found.append((group, group.name, "lasso_select", _to_group, "A group of images: start from its mean."))
    for kept in state.directions.get(state.model, []):
        found.append((kept, kept.name, "trending_flat", _to_direction, "A direction: open it on Attributes."))
    for board in state.boards.get(state.model, Boards()).kept:
        found.append((board, board.name, "calculate", _to_sum, "A sum: open it on Sums."))
    return found


def _draw_thing(
    state: State,
    key: str,
    thing: Group | KeptDirection | Board,
    name: str,
    icon: str,
    press: Callable[..., None],
    help: str,
    tidy: bool,
) -> None:
    words = literal(_short(name))
    do, of = (state.remove, (state.model, thing, name)) if tidy else (press, (state, thing))
    st.button(
        f"Remove {words}" if tidy else words,
        key=f"{key}.tap",
        icon=":material/close:" if tidy else f":material/{icon}:",
        help=None if tidy else help,
        on_click=careful(do),
        args=of,
    )


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


# ---- what a press does ---------------------------------------------------------------------------------------------


def _to_group(state: State, group: Group) -> None:
    mean = groups.about(state.entry.model_id, group.rows.tobytes()).mean
    groups.go_to_mean(state, group.name, tuple(mean.tolist()))


def _to_direction(state: State, kept: KeptDirection) -> None:
    st.session_state["attributes.source"] = KEPT
    st.session_state[f"attributes.kept.{state.entry.model_id}"] = kept.name
    lead.ask("attributes.py")


def _to_sum(state: State, board: Board) -> None:
    state.boards[state.model].change(board)
    lead.ask("sums.py")
