"""Boards that were kept under a name: to open again, or to give up."""

import streamlit as st

from pages.ui import cache
from pages.ui.board import boards, shown
from pages.ui.board_offers import average
from pages.ui.board_terms import NAME_LIMIT, Board
from pages.ui.errors import careful
from pages.ui.state import State
from pages.ui.widgets import literal, tap

NAME = "board.name"


def draw_kept(state: State) -> None:
    """A name for this board, and the boards that have one."""
    board, kept = shown(state), boards(state)
    box = f"{NAME}.{state.entry.model_id}.{board.name}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.text_input("Name of this sum", board.name or _free_name(state), max_chars=NAME_LIMIT, key=box, width=240)
        st.button(
            "Keep this sum",
            key="board.do.keep",
            icon=":material/bookmark_add:",
            on_click=careful(_keep),
            args=(state, box),
        )
    if not kept.kept and not kept.deleted:
        st.caption("Kept sums stand here, to be opened again.")
    for place, each in enumerate(kept.kept):
        _draw_one(state, place, each)
    if kept.deleted:
        name = kept.deleted[-1][1].name
        st.button(
            f"Bring “{literal(name)}” back", key="board.do.restore", type="tertiary", on_click=careful(kept.restore)
        )


def _draw_one(state: State, place: int, board: Board) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"board-kept-{place}"):
        model_id = state.entry.model_id
        png = cache.picture(model_id, board.code(average(model_id)))
        tap(f"board.kept.tap.{place}", png, f"The sum {board.name}", boards(state).change, board, help=board.words())
        st.button(
            f"Open {literal(board.name)}",
            key=f"board.do.open.{place}",
            on_click=careful(boards(state).change),
            args=(board,),
        )
        st.button(
            f"Delete {literal(board.name)}",
            key=f"board.do.delete.{place}",
            type="tertiary",
            on_click=boards(state).delete,
            args=(board.name,),
        )


def _keep(state: State, box: str) -> None:
    boards(state).keep(shown(state), st.session_state[box])
    st.toast("Kept: it stands below, and stays while you visit other pages.")


def _free_name(state: State) -> str:
    taken = {board.name for board in boards(state).kept}
    return next(name for number in range(1, len(taken) + 2) if (name := f"sum {number}") not in taken)
