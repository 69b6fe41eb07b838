"""What may be asked of a training: by its owner nearly everything, by everybody else to train again."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from live.engine import ModelEntry, shared
from pages.ui import followed, train_fork
from pages.ui.errors import careful
from pages.ui.state import State
from pages.ui.visitor import may_control, me, this_machine_only
from pages.ui.widgets import literal, once
from vae.train.run import FINAL, UNDER_WAY, Run

FORK = "The form is filled with these settings: change what you like, and start another."
STOP = "After the step it is in. The model is kept as it is then, and can be opened."
PAUSE = "After the step it is in. It goes on from there whenever you like; others may train meanwhile."
ASKED = {
    "pause": "It pauses after the step it is in.",
    "stop": "It stops after the step it is in, and the model is kept.",
    "cancel": "It is being cancelled.",
}


def draw(state: State, run: Run, how: str) -> None:
    """The name, and the buttons for a run in this state."""
    mine, want = may_control(state, run), run.control().want
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="train-head"):
        st.subheader(literal(run.name), anchor="run")
        _draw_share(state, run)
        if mine:
            _draw_more(state, run, how)
    st.caption(_origin(state, run))
    with st.container(horizontal=True, gap="xsmall", key="train-controls"):
        _draw_open(state, run)
        if mine:
            _draw_course(state, run, how, want)
            if how in ("running", "paused"):
                _draw_change(state, run)
        _button(state, "Train again", "fork", "edit_note", train_fork.fork_of, run, help=FORK)
    if train_fork.parent() == run.id:
        st.caption("Its settings are in the form: [change what you like](#own).")
    if how in UNDER_WAY and want in ASKED:
        st.caption(ASKED[want])
    elif not mine and how not in FINAL:
        st.caption("You watch it. Whoever started it can pause and stop it; “Train again” makes one of your own.")


def _origin(state: State, run: Run) -> str:
    """Whose it is, since when, and whose settings it has."""
    whose = "yours" if run.owner == me(state) else "from this machine" if not run.owner else "somebody else’s"
    words = [whose, f"{run.created.astimezone():%-d %b, %H:%M}"]
    if run.parent:
        parents = [row.name for row in followed.board().rows if row.id == run.parent]
        words.append(f"with the settings of {literal(parents[0])}, changed" if parents else "made from another")
    line = ", ".join(words)
    return f"{line[0].upper()}{line[1:]}."


def _draw_open(state: State, run: Run) -> None:
    entry = _model_of(run)
    if entry is None:
        return
    for words, page, icon in (
        ("Open it on the map", "map.py", "scatter_plot"),
        ("Turn its sliders", "sliders.py", "tune"),
    ):
        kind: Any = "primary" if page == "map.py" else "secondary"
        if st.button(words, key=f"train.do.open.{page[:-3]}", type=kind, icon=f":material/{icon}:"):
            state.choose(entry.name)
            st.switch_page(page)


def _model_of(run: Run) -> ModelEntry | None:
    """The model that came of it, if it can be chosen: the last of its files is there when its codes are."""
    folder = run.model_folder
    if not (folder / "encodings.safetensors").is_file():
        return None
    return next((entry for entry in shared().models() if entry.folder == folder), None)


def _draw_course(state: State, run: Run, how: str, want: str) -> None:
    """Pause, go on, stop."""
    if how in ("queued", "starting", "running"):
        _button(state, "Pause", "pause", "pause", run.pause, off=want != "run", help=PAUSE)
    if run.can_resume or (how in UNDER_WAY and want == "pause"):
        _button(state, "Resume", "resume", "play_arrow", run.resume, kind="primary" if run.can_resume else "secondary")
    if how in ("starting", "running") or (how in ("paused", "interrupted") and run.saved_step() is not None):
        _button(state, "Stop and keep", "stop", "stop", run.stop, off=want in ("stop", "cancel"), help=STOP)


def _draw_change(state: State, run: Run) -> None:
    """Another beta or rate, from the next step on."""
    now, control = followed.follow(run), run.control()
    old_beta, old_rate = control.beta or now.beta, control.rate or now.rate
    if not old_rate:
        return  # it has not begun: what it begins with is not known yet
    with _popover(state, "Beta and rate", "speed"):
        st.caption("From the next step on. The curves show where it was changed.")
        beta = st.number_input("Beta now", 0.0, 10_000.0, old_beta, 0.5, "%.2f", key=f"train.beta.{run.id}.{old_beta}")
        rate = st.number_input(
            "Learning rate now", 1e-6, 1.0, old_rate, 1e-4, "%.5f", key=f"train.rate.{run.id}.{old_rate}"
        )
        changed = (beta if beta != old_beta else None, rate if rate != old_rate else None)
        _button(
            state, "Change it", "change", "check", run.change, *changed, off=changed == (None, None), kind="primary"
        )


def _draw_share(state: State, run: Run) -> None:
    with _popover(state, "Link", "link"):
        st.caption("Whoever opens it watches this training, and can train again from its settings.")
        parts = urlsplit(st.context.url or "")
        st.code(f"{parts.scheme}://{parts.netloc}{parts.path}?run={run.id}", language=None, wrap_lines=True)
        if this_machine_only():
            st.caption("This server answers this machine only: the README says how to open it to a class.")


def _draw_more(state: State, run: Run, how: str) -> None:
    """A new name, and the two that cannot be undone: each is asked once more, by opening this."""
    with _popover(state, "More", "more_horiz"):
        name = st.text_input("New name", run.name, key=f"train.rename.{run.id}.{run.name}", max_chars=80)
        _button(state, "Rename", "rename", "edit", run.rename, name, off=name.strip() in ("", run.name))
        if how not in ("done", "stopped", "cancelled"):
            st.caption("Cancel throws away what it has learned. It cannot be undone.")
            _button(state, "Cancel this training", "cancel", "cancel", run.cancel, off=run.control().want == "cancel")
        if how not in UNDER_WAY:
            kept = _model_of(run)
            st.caption(
                "Delete takes its pictures and saves off the disk."
                + (f" The model {literal(kept.title)} stays." if kept else " What it has learned is lost.")
            )
            _button(state, "Delete this training", "delete", "delete", _delete, state, run)


def _delete(state: State, run: Run) -> None:
    run.delete()
    state.run = ""


def _popover(state: State, words: str, icon: str) -> Any:
    """It closes after a press in it: what is asked next must not lie under a finger that presses twice."""
    return st.popover(words, icon=f":material/{icon}:", key=f"train.open.{words}.{state.presses}")


def _button(
    state: State,
    words: str,
    name: str,
    icon: str,
    ask: Callable[..., None],
    *args: Any,
    kind: Any = "secondary",
    off: bool = False,
    help: str | None = None,
) -> None:
    def press(*given: Any) -> None:
        try:
            ask(*given)
        finally:
            followed.look_again()

    key, sign = f"train.do.{name}", f":material/{icon}:"
    st.button(
        words, key=key, icon=sign, type=kind, disabled=off, help=help, on_click=once(state, careful(press)), args=args
    )
