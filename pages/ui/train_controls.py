"""What may be asked of a training: by its owner nearly everything, by everybody else to train again."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from live.engine import ModelEntry
from pages.ui import followed, lead, seen, train_fork, train_settings, train_words
from pages.ui.errors import careful
from pages.ui.state import State
from pages.ui.visitor import may_control, me, this_machine_only
from pages.ui.widgets import literal, once
from vae.checkpoint import CONFIG
from vae.errors import VAEError
from vae.home import home, runs_folder
from vae.train.run import FINAL, UNDER_WAY, Run

FORK = "The form is filled with these settings: change what you like, and start another."
CANCEL = "Cancel throws away what it has learned. It cannot be undone."
SURE = "muscope.train.sure"  # (run, "cancel" or "delete") that is asked once more
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
    _draw_sure(state, run, how)
    st.caption(_origin(state, run))
    if settings := train_settings.line(run.arguments):
        st.caption(literal(f"{settings[0].upper()}{settings[1:]}."))
    with st.container(horizontal=True, gap="xsmall", key="train-controls"):
        _draw_open(state, run)
        if mine:
            _draw_course(state, run, how, want)
            if how in ("running", "paused"):
                _draw_change(state, run)
        _button(state, "Train again", "fork", "edit_note", train_fork.fork_of, run, help=FORK)
    if words := _elsewhere(run):
        st.caption(words)
    if train_fork.parent() == run.id:
        st.caption("Its settings are in the form: [change what you like](#own).")
    if how in ("starting", "running") and want in ASKED:
        st.caption(ASKED[want])
    elif not mine and how not in FINAL:
        st.caption("You watch it. Whoever started it can pause and stop it; “Train again” makes one of your own.")


def _origin(state: State, run: Run) -> str:
    """Whose it is, since when, and whose settings it has."""
    mine = run.owner == me(state)
    whose = "yours" if mine else "from this machine" if not run.owner else "somebody else’s"
    words = [whose, f"{run.created.astimezone():%-d %b, %H:%M}"]
    if run.parent:
        words.append(_parent(run))
    line = ", ".join(words)
    all_may = " Everybody at this machine may control it." if run.owner and not mine and this_machine_only() else ""
    return f"{line[0].upper()}{line[1:]}.{all_may}"


def _parent(run: Run) -> str:
    """Whose settings it was begun with, and which of them were changed."""
    if all(row.id != run.parent for row in followed.board().rows):
        return "made from another, which was deleted"
    parent = Run(runs_folder() / run.parent)
    changed = train_settings.differences(run.arguments, parent.arguments)
    return f"with the settings of {literal(parent.name)}" + (f", but {literal(', '.join(changed))}" if changed else "")


def _draw_open(state: State, run: Run) -> None:
    entry = _model_of(run)
    if entry is None:
        return
    for words, page, icon in (
        ("Open it on the map", "map.py", "scatter_plot"),
        ("Turn its sliders", "sliders.py", "tune"),
    ):
        kind: Any = "primary" if page == "map.py" else "secondary"
        lead.button(
            words,
            page,
            key=f"train.do.open.{page[:-3]}",
            first=lambda: state.choose(entry.name),
            type=kind,
            icon=f":material/{icon}:",
        )


def _elsewhere(run: Run) -> str:
    """Where a model lies that this server does not offer, and what would change that; "" for any other."""
    folder, models = run.model_folder, home() / "models"
    if not (folder / CONFIG).is_file() or any(entry.folder == folder for entry in seen.models()):
        return ""
    if folder.resolve().parent == models.resolve():
        return ""
    if not this_machine_only():
        return "Its model lies in another folder of that machine, so it cannot be opened here."
    return (
        f"Its model lies in {literal(str(folder))}. A copy of that folder in {literal(str(models))} can be opened here."
    )


def _model_of(run: Run) -> ModelEntry | None:
    """The model that came of it, if it can be chosen: the last of its files is there when its codes are."""
    folder = run.model_folder
    if not (folder / "encodings.safetensors").is_file():
        return None
    return next((entry for entry in seen.models() if entry.folder == folder), None)


def _draw_course(state: State, run: Run, how: str, want: str) -> None:
    """Pause, go on, stop."""
    if how in ("queued", "starting", "running"):
        _button(state, "Pause", "pause", "pause", run.pause, off=want != "run", help=PAUSE)
    if run.can_resume or (how in UNDER_WAY and want == "pause"):
        main = how == "paused"  # one that ran away would do so again; one that is kept is first of all opened
        _button(state, "Resume", "resume", "play_arrow", run.resume, kind="primary" if main else "secondary")
    if how in ("starting", "running") or (how in ("paused", "interrupted") and run.saved_step() is not None):
        _button(state, "Stop and keep", "stop", "stop", run.stop, off=want in ("stop", "cancel"), help=STOP)


def _draw_change(state: State, run: Run) -> None:
    """Another beta or rate, from the next step on."""
    now, control = followed.follow(run), run.control()
    old_beta, old_rate = control.beta or now.beta, control.rate or now.rate
    if not old_rate:
        return  # it has not begun: what it begins with is not known yet
    with _popover(state, "Beta and rate", "speed"):
        st.caption("From the next step on. A line below will say from which epoch.")
        keys = f"train.beta.{run.id}.{old_beta}", f"train.rate.{run.id}.{old_rate}"
        beta, rate = (train_words.FIELDS[option] for option in ("--beta", "--rate"))
        st.number_input("Beta now", value=old_beta, step=beta.step, format=beta.format, key=keys[0])
        st.number_input("Learning rate now", value=old_rate, step=rate.step, format=rate.format, key=keys[1])
        _button(state, "Change it", "change", "check", _change, run, keys, (old_beta, old_rate))


def _change(run: Run, keys: tuple[str, str], old: tuple[float, float]) -> None:
    """As the boxes say at the press: when the button was drawn, the newest number may not have been typed yet."""
    new = [float(st.session_state.get(key, before)) for key, before in zip(keys, old, strict=True)]
    changed = [None if now == before else now for now, before in zip(new, old, strict=True)]
    if changed == [None, None]:
        raise VAEError("Nothing was changed: both numbers are as they were.")
    for option, now in zip(("--beta", "--rate"), changed, strict=True):
        if now is not None:
            train_words.check(option, str(now))
    run.change(*changed)


def _draw_share(state: State, run: Run) -> None:
    with _popover(state, "Link", "link"):
        st.caption("Whoever opens it watches this training, and can train again from its settings.")
        parts = urlsplit(st.context.url or "")
        st.code(f"{parts.scheme}://{parts.netloc}{parts.path}?run={run.id}", language=None, wrap_lines=True)
        if this_machine_only():
            st.caption("This server answers this machine only: the README says how to open it to a class.")


def _draw_more(state: State, run: Run, how: str) -> None:
    """A new name, and the two that cannot be undone: each is asked once more."""
    with _popover(state, "More", "more_horiz"):
        key = f"train.rename.{run.id}.{run.name}"
        st.text_input("New name", run.name, key=key, max_chars=80)
        _button(state, "Rename", "rename", "edit", _rename, run, key)
        if "cancel" in _ends(how):
            st.caption(CANCEL)
            off = run.control().want == "cancel"
            _button(state, "Cancel this training", "cancel", "cancel", _ask_again, run, "cancel", off=off)
        if "delete" in _ends(how):
            st.caption(_delete_words(run))
            _button(state, "Delete this training", "delete", "delete", _ask_again, run, "delete")


def _ends(how: str) -> tuple[str, ...]:
    """Which of "cancel" and "delete" make sense in a state: what waits is cancelled, what is over is deleted."""
    if how in FINAL:
        return ("delete",)
    return ("cancel", "delete") if how == "paused" else ("cancel",)


def _delete_words(run: Run) -> str:
    kept = _model_of(run)
    lost = f"The model {literal(kept.title)} stays." if kept else "What it has learned is lost."
    return f"Delete takes its pictures and saves off the disk. {lost}"


def _draw_sure(state: State, run: Run, how: str) -> None:
    """The question after a press on Cancel or Delete, until it is answered."""
    asked, what = st.session_state.get(SURE, ("", ""))
    if asked != run.id or what not in _ends(how) or not may_control(state, run):
        return
    st.warning(CANCEL if what == "cancel" else _delete_words(run))
    with st.container(horizontal=True, gap="xsmall", key="train-sure"):
        if what == "cancel":
            _button(state, "Yes, cancel it", "sure", "cancel", _sure, run.cancel)
        else:
            _button(state, "Yes, delete it", "sure", "delete", _sure, _delete, state, run)
        _button(state, "No, keep it", "unsure", "undo", _sure, lambda: None)


def _ask_again(run: Run, what: str) -> None:
    st.session_state[SURE] = (run.id, what)


def _sure(act: Callable[..., None], *args: Any) -> None:
    st.session_state.pop(SURE, None)
    act(*args)


def _rename(run: Run, key: str) -> None:
    """As the box says at the press."""
    name = str(st.session_state.get(key, run.name)).strip()
    if name == run.name:
        raise VAEError("Nothing was changed: the name is as it was.")
    run.rename(name)


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
