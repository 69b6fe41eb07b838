"""From what was given to a model on the map: what it is, which images to look at it with, and how far that is."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import streamlit as st

from live import openings, own_models
from live.openings import Wish, shared_openings
from pages.ui import bring_making, measuring, models_given, seen
from pages.ui.errors import plain, plain_errors
from pages.ui.models_given import Given
from pages.ui.state import State
from pages.ui.visitor import brought_sets, me
from pages.ui.widgets import literal, once
from vae import data
from vae.errors import VAEError
from vae.foreign.known import Understood, fits, new_name
from vae.weights import Unopened

MANY = (500, 2000, 4000, 10_000, 30_000)


def under_way(state: State) -> bool:
    """Whether a model of this visitor's is being opened, or could not be."""
    return shared_openings().of(me(state)) is not None


def draw_under_way(state: State) -> None:
    """How far it is; once its codes are there, it can be opened while a second map is made."""

    @st.fragment(run_every=0.5 if under_way(state) else None, key="models.opening")
    def view() -> None:
        with plain_errors():
            _draw_now(state)

    view()


def _draw_now(state: State) -> None:
    asked = shared_openings()
    now, wish = asked.of(me(state)), asked.wish(me(state))
    if now is not None and now.how == "failed":
        st.error(plain(now.why))
        st.button("Try again", key="models.do.again", on_click=lambda: asked.cancel(me(state)))
    elif now is not None:
        measuring.draw_under_way(state, now, "models.do.cancel", lambda: asked.cancel(me(state)), ())
        if wish is not None and wish.name in {entry.name for entry in seen.models()}:
            st.success("It can be opened already; a second map of it is being made.")
            open_on_map(state, wish.name, "models.do.early")
    elif (done := asked.done(me(state))) is not None:
        if done.name:
            models_given.forget(state)
            st.session_state["muscope.models.made"] = done.name
        st.rerun()  # the list has one more, or what was fetched can be looked at
    made = st.session_state.get("muscope.models.made", "")
    if now is None and made in {entry.name for entry in seen.models()}:
        st.success("It is open.")
        open_on_map(state, made, "models.do.map")


def open_on_map(state: State, name: str, key: str, kind: Literal["primary", "secondary"] = "primary") -> None:
    """A button that makes a model the chosen one and shows its map."""
    if st.button("Open on the map", key=key, type=kind, icon=":material/scatter_plot:"):
        st.session_state.pop("muscope.models.made", None)
        state.see({entry.name: entry.model_id for entry in seen.models()})
        state.choose(name)
        st.switch_page("map.py")


def draw_open(state: State, given: Given) -> None:
    """What was understood, the images to look at it with, and the button."""
    try:
        found = openings.look(given.what)
    except Unopened as error:
        st.error(plain(error))
        st.write("On the machine it comes from, these lines write the file that can be opened here:")
        st.code(error.lines, language="python")
        return
    with st.container(border=True, key="models-found"):
        st.markdown(f"**{literal(given.title or found.title)}**  \n{literal(found.sentence)}")
        st.caption(_reads(found))
        if found.left_out:
            with st.expander(f"{len(found.left_out)} files are left out"):
                st.table([{"File": literal(name), "Why": why} for name, why in found.left_out])
        again = found.ready and st.toggle(
            "Encode other images",
            key=f"models.again.{given.key}",
            help="Its codes came along. Choose other images where those are not on this machine.",
        )
        ready = found.ready and not again
        name = "" if ready else _choose_data(state, given, found)
        images = axes = 0
        if name:
            images = st.select_slider(
                "Images to look at it with",
                MANY,
                value=2000,
                key=f"models.images.{given.key}",
                help="More: a fuller map, and it takes longer. Large networks read a few images a second.",
            )
        if name and found.plan is not None and found.plan.axes:
            axes = st.select_slider(
                "Principal axes",
                (8, 16, 32, 64, 128),
                value=found.plan.axes,
                key=f"models.axes.{given.key}",
                help="Its code is thousands of numbers. It is turned along the directions in which these images differ "
                "most: more axes hold more of a picture, fewer are easier to turn.",
            )
        title = st.text_input(
            "Name", value=(given.title or found.title)[:80], key=f"models.name.{given.key}", max_chars=80
        )
        if not (name or ready):
            return
        # Begun here and not in the callback, which knows only what was chosen before the last thing was typed.
        if st.session_state.pop("muscope.models.start", False):
            _start(state, given, found, name, title.strip() or found.title, images, axes)
        st.button(
            "Open it",
            key="models.do.open",
            type="primary",
            icon=":material/check:",
            width="stretch",
            on_click=once(state, lambda: st.session_state.update({"muscope.models.start": True})),
        )
        days = bring_making.keep_days()
        goes = "It stays until you delete it." if days is None else f"It is deleted after {days:g} days."
        st.caption(f"Only you see it until you share it. {goes}")


def _start(state: State, given: Given, found: Understood, name: str, title: str, images: int, axes: int) -> None:
    own_models.check_room(me(state))
    days = bring_making.keep_days()
    expires = "" if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
    st.session_state.pop("muscope.models.made", None)
    wish = Wish(given.what, new_name(title), name, title, images or MANY[1], axes, expires)
    shared_openings().ask(me(state), wish)
    st.rerun()


def _reads(found: Understood) -> str:
    if len(found.shape) == 1:
        return f"It reads rows of {found.shape[0]:,} numbers."
    colours = {1: "grey images", 3: "colour images"}.get(found.shape[0], f"images of {found.shape[0]} channels")
    return f"It reads {colours}{'' if found.free else f' of {found.shape[2]} by {found.shape[1]} pixels'}."


def _choose_data(state: State, given: Given, found: Understood) -> str:
    """The data set to look at it with; "" where none suits it."""
    titles: dict[str, str] = {}
    for name in [*data.NAMES, *(one.name for one in brought_sets(state))]:
        try:
            info = data.describe(name)
        except VAEError:
            continue  # it went this moment
        if not fits(found, info.shape):
            titles[name] = info.title
    if not titles:
        st.info(f"{_reads(found)} None of the data here are like that: bring some of this size, and choose them here.")
        st.page_link("bring.py", label="Your data", icon=":material/upload_file:")
        return ""
    names = list(titles)
    at = names.index(found.data) if found.data in names else 0
    return st.selectbox(
        "Look at it with",
        names,
        index=at,
        format_func=lambda name: titles[name],
        key=f"models.data.{given.key}",
        help="It encodes these images: they become the dots of its map. Best are images like those it learned from.",
    )
