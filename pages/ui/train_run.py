"""One training as a page shows it: what it is doing, what may be asked of it, and what it has learned so far."""

import streamlit as st

from live.engine import ModelEntry
from pages.ui import followed, history, seen, train_controls
from pages.ui.errors import plain, plain_errors
from pages.ui.state import State
from pages.ui.visitor import me, this_machine_only
from pages.ui.widgets import literal
from vae.errors import VAEError
from vae.home import runs_folder
from vae.train.run import FINAL, ID, UNDER_WAY, Run
from vae.train.watch import duration

NOTES = 6  # of a run that are told, the newest
REPLAY = "model:"  # what a link to the history of a model begins with, where a link to a run has its id
FIRST = "mnist-2d"  # ships with its history


def draw_run(state: State) -> None:
    """The run of the link, else this visitor's newest, else one that is under way; else how a model once learned."""
    found = chosen(state)
    if found is None:
        st.info("Nothing is being trained. Press Start training: small digits take seconds.")
    elif isinstance(found, ModelEntry):
        _draw_replay(state, found)
    else:
        _draw_one(state, found)


# What is in the upper half of the window is in sight already.
_TURN = """
setTimeout(() => {
  const run = document.getElementById("run");
  const top = run?.getBoundingClientRect().top ?? 0;
  if (top < 0 || top > innerHeight / 2) run?.scrollIntoView({ block: "start" });
}, 150);
"""


def show(state: State, run: str) -> None:
    """Show this one, and bring it into sight: what was pressed may lie far below it."""
    state.run = run
    asked = st.session_state.get("muscope.train.asked", 0) + 1
    st.session_state["muscope.train.asked"] = st.session_state["muscope.train.sight"] = asked


def come_into_sight() -> None:
    """At the end of the page: turn to the run where one was just asked for."""
    if asked := st.session_state.pop("muscope.train.sight", 0):
        # A browser does a script once, so each says which it is.
        st.html(f"<script>/* {asked} */ {_TURN}</script>", unsafe_allow_javascript=True)


def replays() -> list[ModelEntry]:
    """The models whose history is kept, the one that ships first."""
    kept = [entry for entry in seen.models() if history.has_history(entry)]
    return sorted(kept, key=lambda entry: entry.name != FIRST)


def chosen(state: State) -> Run | ModelEntry | None:
    """What Train shows: see `draw_run`."""
    try:
        if state.run.startswith(REPLAY):
            return _replay_of(state.run.removeprefix(REPLAY))
        if state.run:
            return _run_of(state.run)
    except VAEError as error:  # deleted meanwhile, or a link to another machine's
        state.run = ""
        st.warning(plain(error))
    rows = [row for row in followed.board().rows if seen.may_watch(row.owner, row.data)]
    ours = [row for row in rows if row.how != "cancelled" and (row.owner == me(state) or this_machine_only())]
    anybody = [row for row in rows if row.how in UNDER_WAY]
    for row in (*ours, *anybody):
        return Run(runs_folder() / row.id)
    return next(iter(replays()), None)


def _run_of(run_id: str) -> Run:
    if not ID.fullmatch(run_id):  # from a link: it must not lead out of the folder of runs
        raise VAEError(f"The link names no training ({run_id[:40]}), so another is shown.")
    return seen.check_run(Run.open(runs_folder() / run_id))


def _replay_of(name: str) -> ModelEntry:
    for entry in replays():
        if entry.name == name:
            return entry
    raise VAEError(f"The link names a model without a history ({name[:40]}), so another is shown.")


# ---- a run ---------------------------------------------------------------------------------------------------------


def _draw_one(state: State, run: Run) -> None:
    state.link = {"run": run.id}
    how = run.state()
    train_controls.draw(state, run, how)
    before = _moment(run, how)

    @st.fragment(run_every=None if how in FINAL else 1, key="train.run")
    def view() -> None:
        with plain_errors():
            now = run.state()
            _draw_view(state, run, now)
            if _moment(run, now) != before:
                st.rerun()  # the whole page: other buttons, and perhaps a new model in the list

    view()


def _moment(run: Run, how: str) -> tuple[str, bool, str, str]:
    """What the buttons of a run, and its name, depend on."""
    return how, followed.follow(run).seen.ready, run.control().want, run.name


def _draw_view(state: State, run: Run, how: str) -> None:
    seen = followed.follow(run).seen
    if how in ("queued", "interrupted"):
        st.progress(seen.fraction, _turn(run, how, seen.fraction))
    elif how == "cancelled":
        st.info("Cancelled: nothing of it was kept but this line.")
        return
    elif how != "failed":
        st.progress(seen.fraction, seen.line)
    why = run.failure() if how in ("failed", "interrupted") else ""
    if why:
        (st.error if how == "failed" else st.warning)(plain(why))
    notes = [note for note in seen.notes if not why or (note not in why and why not in note)]  # said once
    lines = [seen.state if how in ("running", "paused") else "", *notes[-NOTES:]]
    st.caption("  \n".join(literal(line) for line in lines if line))
    history.draw(state, run)


def _turn(run: Run, how: str, done: float) -> str:
    """Where in the queue a run is, and how long it will wait."""
    board = followed.board()
    place = board.waiting.get(run.id)
    if place is None:
        return "It is about to begin." if how == "queued" else f"Interrupted at {done:.0%}."
    wait = f" Its turn comes in about {duration(place.seconds)}." if place.seconds else ""
    words = board.ahead(run.id)
    return f"{'Waiting' if how == 'queued' else 'Waiting to go on'}. {words[0].upper()}{words[1:]}.{wait}"


# ---- a replay ------------------------------------------------------------------------------------------------------


def _draw_replay(state: State, entry: ModelEntry) -> None:
    if state.run:
        state.link = {"run": f"{REPLAY}{entry.name}"}
    else:
        st.caption("Nothing is being trained. Press Start training, or watch how a model that is here once learned.")
    st.subheader(f"How “{literal(entry.title)}” learned", anchor="run")
    history.draw(state, entry)
