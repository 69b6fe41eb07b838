"""From what was understood to a data set, and on to Train."""

import streamlit as st

from live import own_models
from live.takings import shared_takings
from pages.ui import bring_given, lead
from pages.ui.bring_given import Given
from pages.ui.errors import plain, plain_errors
from pages.ui.measuring import draw_under_way
from pages.ui.state import State
from pages.ui.train_form import choose_data
from pages.ui.visitor import me, seen_by, this_machine_only
from pages.ui.widgets import literal, once
from vae.data import allowed, brought
from vae.data.intake import Choice

MINE = "My data"  # what several files are called that lie in no folder


def draw_use(state: State, given: Given, choice: Choice) -> None:
    """A name, and the button that makes a set of it."""
    key = f"bring.name.{given.key}"
    if key not in st.session_state:
        st.session_state[key] = (given.title or MINE)[:80]
    title = st.text_input("Name", key=key, max_chars=80, persist_state="session")
    # Begun here and not in the callback, which knows only what was chosen before the last thing was typed.
    if st.session_state.pop("muscope.bring.start", False):
        if not this_machine_only():
            own_models.check_room(me(state))
        st.session_state["muscope.bring.making"] = True
        shared_takings().ask(me(state), given.where, choice, title.strip() or MINE, keep_days())
        st.rerun()
    st.button(
        "Use these",
        key="bring.do.use",
        type="primary",
        icon=":material/check:",
        width="stretch",
        on_click=once(state, lambda: st.session_state.update({"muscope.bring.start": True})),
    )
    days = keep_days()
    goes = "until you delete it" if days is None else f"for {days:g} days, or until you delete it"
    st.caption(f"{seen_by()} It stays {goes}.")


def under_way(state: State) -> bool:
    """Whether a set of this visitor's is being made, or could not be."""
    return shared_takings().of(me(state)) is not None


def draw_making(state: State) -> None:
    """How far it is; once it is made, Train opens with it."""

    @st.fragment(run_every=0.5 if under_way(state) else None, key="bring.making")
    def view() -> None:
        with plain_errors():
            now = shared_takings().of(me(state))
            if now is not None and now.how == "failed":
                st.error(plain(now.why))
                st.button("Try again", key="bring.do.again", on_click=lambda: shared_takings().cancel(me(state)))
            elif now is not None:
                draw_under_way(state, now, "bring.do.cancel", lambda: shared_takings().cancel(me(state)), ())
            elif made := shared_takings().made(me(state)):
                bring_given.forget(state)
                choose_set(made)
                lead.go("train.py")
            elif st.session_state.pop("muscope.bring.making", False):
                st.rerun()  # it was cancelled: what can be chosen is there again

    view()


def choose_set(made: str) -> None:
    """Train will open with this set chosen."""
    choose_data(f"{brought.KIND}:{made}")


def keep_days() -> float | None:
    """Days until a set is deleted; None where it is kept until somebody says so."""
    return None if this_machine_only() else allowed.days()


def made_of(one: brought.BroughtSet) -> str:
    """A set in a few words: "400 images, 64 by 64"."""
    if one.kind == "vectors":
        return f"{len(one):,} rows of {one.shape[0]:,} numbers"
    return f"{len(one):,} images, {one.shape[2]} by {one.shape[1]}, from {literal(one.source)}"
