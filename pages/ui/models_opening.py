"""From what was given to a model on the map: what it is, which images to look at it with, and how far that is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import streamlit as st

from live import openings, own_models
from live.openings import HUB, Wish, shared_openings
from pages.ui import bring_making, lead, measuring, models_data, models_given, seen
from pages.ui.errors import careful, plain, plain_errors
from pages.ui.models_data import choose_data, reads
from pages.ui.models_given import Given
from pages.ui.state import State
from pages.ui.visitor import me, seen_by
from pages.ui.widgets import literal, once
from vae.errors import VAEError
from vae.foreign.known import Understood, new_name
from vae.weights import Unopened

MANY = (500, 2000, 4000, 10_000, 30_000)
MADE = "muscope.models.made"  # the model that was opened last, until it is looked at


def under_way(state: State) -> bool:
    """Whether a model of this visitor's is being opened."""
    now = shared_openings().of(me(state))
    return now is not None and now.how != "failed"


def draw_under_way(state: State) -> None:
    """How far it is, or why it could not be; once its codes are there, it can be opened while a second map is made."""
    drawn = under_way(state)

    @st.fragment(run_every=0.5 if drawn else None, key="models.opening")
    def view() -> None:
        with plain_errors():
            _draw_now(state)
        if under_way(state) != drawn:
            st.rerun()  # whether this looks again by itself, and the button below, were decided with the page

    view()


def _draw_now(state: State) -> None:
    asked = shared_openings()
    now, wish = asked.of(me(state)), asked.wish(me(state))
    if now is not None and wish is not None and now.how == "failed":
        st.error(plain(f"{_named(wish)} could not be opened. {now.why}"))
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Try again",
                key="models.do.again",
                icon=":material/refresh:",
                on_click=careful(lambda: asked.ask(me(state), _once_more(wish))),
            )
            st.button("Close", key="models.do.close", on_click=lambda: asked.cancel(me(state)))
    elif now is not None and wish is not None:
        st.markdown(f"**{literal(_named(wish))}** is being {'opened' if wish.name else 'fetched'}.")
        measuring.draw_under_way(state, now, "models.do.cancel", lambda: asked.cancel(me(state)), ())
        if wish.name in {entry.name for entry in seen.models()}:
            st.success(f"{literal(_named(wish))} can be opened already; a second map of it is being made.")
            open_on_map(state, wish.name, "models.do.early")
    elif (done := asked.done(me(state))) is not None:
        if done.name:
            models_given.forget()
            st.session_state[MADE] = done.name
        st.rerun()  # the list has one more, or what was fetched can be looked at
    made = {entry.name: entry for entry in seen.models()}.get(st.session_state.get(MADE, ""))
    if now is None and made is not None:
        with st.container(key="models-made", border=True):
            st.success(f"{literal(made.title)} is open.")
            open_on_map(state, made.name, "models.do.map")


def _named(wish: Wish) -> str:
    return wish.title or wish.what.removeprefix(HUB)


def _once_more(wish: Wish) -> Wish:
    return replace(wish, name=new_name(wish.title)) if wish.name else wish  # half of the first may lie there


def open_on_map(state: State, name: str, key: str, kind: Literal["primary", "secondary"] = "primary") -> None:
    """A button that makes a model the chosen one and shows its map."""

    def choose() -> None:
        st.session_state.pop(MADE, None)
        state.see({entry.name: entry.model_id for entry in seen.models()})
        state.choose(name)

    lead.button("Open on the map", "map.py", key=key, first=choose, type=kind, icon=":material/scatter_plot:")


def draw_open(state: State, given: Given) -> None:
    """What was understood, the images to look at it with, and the button."""
    try:
        with st.spinner("Looking at what it is"):  # code of one's own may load its weights first
            found = openings.look(given.what)
    except Unopened as error:
        st.error(plain(error))
        st.write("On the machine it comes from, these lines write weights that can be opened here:")
        models_given.tell_conversion(error.lines)
        models_given.offer_adapter()
        return
    except VAEError as error:
        st.error(plain(error))
        models_given.offer_adapter()
        return
    with st.container(border=True, key="models-found"):
        st.markdown(f"**{literal(given.title or found.title)}**  \n{literal(found.sentence)}")
        st.caption(reads(found))
        if found.left_out:
            with st.expander(f"{len(found.left_out)} files are left out"):
                st.table([{"File": literal(name), "Why": literal(why)} for name, why in found.left_out])
        again = found.ready and st.toggle(
            "Encode other images",
            key=f"models.again.{given.key}",
            help="Its codes came along. Choose other images where those are not on this machine.",
        )
        ready = found.ready and not again
        name = "" if ready else choose_data(state, given, found)
        images = axes = 0
        if name:
            images = st.select_slider(
                "Images to look at it with",
                MANY,
                value=models_data.before(f"images.{given.key}", 2000),
                key=f"models.images.{given.key}",
                help="More: a fuller map, and it takes longer. Large networks read a few images a second.",
            )
        if name and found.plan is not None and found.plan.axes:
            axes = st.select_slider(
                "Principal axes",
                (8, 16, 32, 64, 128),
                value=models_data.before(f"axes.{given.key}", found.plan.axes),
                key=f"models.axes.{given.key}",
                help="Its code is thousands of numbers. It is turned along the directions in which these images differ "
                "most: more axes hold more of a picture, fewer are easier to turn.",
            )
        title = st.text_input(
            "Name",
            value=models_data.before(f"name.{given.key}", (given.title or found.title)[:80]),
            key=f"models.name.{given.key}",
            max_chars=80,
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
        st.caption(f"{seen_by()} {goes}")


def _start(state: State, given: Given, found: Understood, name: str, title: str, images: int, axes: int) -> None:
    own_models.check_room(me(state))
    days = bring_making.keep_days()
    expires = "" if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
    st.session_state.pop(MADE, None)
    wish = Wish(given.what, new_name(title), name, title, images or MANY[1], axes, expires)
    models_data.remember({"images": images, "axes": axes, "name": title, "data": name}, given.key)
    shared_openings().ask(me(state), wish)
    st.toast(f"{literal(title)} is being opened.")  # on a phone the bar that says how far may be out of sight
    st.rerun()
