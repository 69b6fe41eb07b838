"""Which images a model from elsewhere is looked at with: those that are here first, resized where none are its size."""

from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from pages.ui.errors import plain
from pages.ui.models_given import Given
from pages.ui.state import State
from pages.ui.visitor import brought_sets
from vae import data
from vae.data import allowed, sized
from vae.errors import VAEError
from vae.foreign.known import Understood, fits, resized

T = TypeVar("T", str, int)


@dataclass(frozen=True)
class Suits:
    """A data set that can be shown to a model.

    Attributes:
        name: as `data.load` takes it. title: for people.
        fetched: bytes that are downloaded first; 0 where it is on this machine.
    """

    name: str
    title: str
    fetched: int = 0


def choose_data(state: State, given: Given, found: Understood) -> str:
    """The data set to look at it with; "" where none suits it."""
    suit = suiting(found, [*(one.name for one in brought_sets(state)), *data.NAMES])
    if not suit:
        st.info(f"{reads(found)} None of the data here are like that: bring some of this size, and choose them here.")
        st.page_link("bring.py", label="Your data", icon=":material/upload_file:")
        return ""
    by_name = {one.name: one for one in suit}
    names = list(by_name)
    key = f"models.data.{given.key}"
    if st.session_state.get(key) not in (None, *names):
        del st.session_state[key]  # it was deleted, or is on this machine by now and called otherwise
    wanted = before(f"data.{given.key}", found.data)
    chosen = st.selectbox(
        "Look at it with",
        names,
        index=names.index(wanted) if wanted in names else 0,
        format_func=lambda name: by_name[name].title,
        key=key,
        help="It encodes these images: they become the dots of its map. Best are images like those it learned from.",
    )
    if by_name[chosen].fetched:
        here = any(not one.fetched for one in suit)
        instead = " Those above it in the list are here already." if here else ""
        st.caption(f"They are fetched from the internet first.{instead}")
    elif sized.parts(chosen):
        st.caption(plain(f"{reads(found)} {_resized(chosen)}"))
    return chosen


def remember(chosen: dict[str, Any], key: str) -> None:
    """Keep what was chosen for a model: while it is being opened its controls are not drawn, and then it may fail."""
    for name, value in chosen.items():
        if value:
            st.session_state[f"muscope.models.{name}.{key}"] = value


def before(name: str, otherwise: T) -> T:
    """What was chosen the last time; at first something else."""
    found: T = st.session_state.get(f"muscope.models.{name}", otherwise)
    return found


def suiting(found: Understood, names: list[str]) -> list[Suits]:
    """What a model can be shown: first what is here as it is, then what is here and is resized, then downloads."""
    as_is, changed, fetched = [], [], []
    for name in names:
        try:
            info, here = data.describe(name), data.on_machine(name)
        except VAEError:
            continue  # it went this moment
        wanted = resized(found, info.shape)
        if not here and not fits(found, info.shape):
            size = data.download_size(name)
            fetched.append(Suits(name, f"{info.title} ({allowed.plain(size)}, from the internet)", size))
        elif here and wanted == info.shape:
            as_is.append(Suits(name, info.title))
        elif here and wanted is not None:
            other = sized.name_of(name, wanted)
            changed.append(Suits(other, data.describe(other).title))
    return as_is + changed + fetched


def reads(found: Understood) -> str:
    """What goes into a model, in a sentence."""
    if len(found.shape) == 1:
        return f"It reads rows of {found.shape[0]:,} numbers."
    colours = {1: "grey images", 3: "colour images"}.get(found.shape[0], f"images of {found.shape[0]} channels")
    return f"It reads {colours}{'' if found.free else f' of {found.shape[2]} by {found.shape[1]} pixels'}."


def _resized(name: str) -> str:
    other = sized.parts(name)
    assert other is not None
    own = data.describe(other[0])
    return (
        f"{own.title} are {own.shape[2]} by {own.shape[1]} and are resized, so its pictures of them may be rough: "
        "bring images like those it learned from to see what it can do."
    )
