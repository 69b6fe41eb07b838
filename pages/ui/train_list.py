"""Every training of this machine, whose it is, how far it is, and what it takes on the disk."""

import streamlit as st

from pages.ui import followed, seen
from pages.ui.errors import plain_errors
from pages.ui.followed import Board, Row
from pages.ui.state import State
from pages.ui.train_run import REPLAY, replays, show
from pages.ui.visitor import me
from pages.ui.widgets import literal

SHOWN = 8
ICONS = {
    "queued": "hourglass_empty",
    "starting": "hourglass_top",
    "running": "play_circle",
    "encoding": "play_circle",
    "paused": "pause_circle",
    "interrupted": "error",
    "done": "check_circle",
    "stopped": "stop_circle",
    "failed": "error",
    "cancelled": "cancel",
}
WORDS = {"queued": "waiting", "running": "training", "done": "finished", "failed": "broke off"}


def draw_list(state: State) -> None:
    """A line for each; a press shows it above, where it can be renamed and deleted."""
    st.subheader("All trainings", help="Press one to see it. Its own name and its end are under “More” there.")
    busy = followed.board().busy

    @st.fragment(run_every=2 if busy else None, key="train.list")
    def view() -> None:
        with plain_errors():
            _draw_rows(state, followed.board())

    view()


def _draw_rows(state: State, board: Board) -> None:
    rows = [row for row in board.ordered if seen.may_watch(row.owner, row.data)]
    if not rows:
        st.caption("None yet. Yours will stand here, and everybody else’s; a line can be pressed to watch.")
    whole = len(rows) <= SHOWN + 2 or st.session_state.get("muscope.train.whole", False)
    with st.container(key="train-list", gap=None):
        for row in rows if whole else rows[:SHOWN]:
            _draw_row(state, board, row)
        listed = {row.model for row in board.rows}
        for entry in (entry for entry in replays() if entry.folder not in listed):
            words = f":material/replay: **How “{literal(entry.title)}” learned**, to watch again"
            _line(state, words, f"{REPLAY}{entry.name}")
    if not whole:
        st.button(
            f"Show all {len(rows)}",
            key="train.do.whole",
            type="tertiary",
            on_click=lambda: st.session_state.update({"muscope.train.whole": True}),
        )
    if board.rows:
        quota = "" if board.quota is None else f" of the {_bytes(board.quota)} they may"
        st.caption(f"All trainings together take {_bytes(board.used)}{quota}. Models that were kept are not counted.")


def _draw_row(state: State, board: Board, row: Row) -> None:
    how = WORDS.get(row.how, row.how)
    if row.fraction and row.how not in ("done", "stopped"):
        how += f" {row.fraction:.0%}"
    if ahead := board.ahead(row.id):
        how += f", {ahead.removeprefix('it is ')}"
    whose = ", yours" if row.owner == me(state) else ""
    words = f":material/{ICONS[row.how]}: **{literal(row.name)}**  {how}{whose}, {row.when}, {_bytes(row.size)}"
    _line(state, words, row.id)


def _line(state: State, words: str, run: str) -> None:
    if st.button(words, key=f"train.list.{run}", type="tertiary", width="stretch"):
        show(state, run)
        st.rerun()  # the whole page: a press in this list draws the list alone


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 10**9), ("MB", 10**6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size / 1000:.0f} kB"
