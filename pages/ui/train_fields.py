"""The controls of a form: each remembers what it was given, and says itself as an option of `python -m vae train`."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.ui import train_words
from pages.ui.errors import plain
from pages.ui.train_words import FIELDS
from vae.errors import VAEError


def one_of(own: str, option: str, words: Mapping[str, str], first: str | None = None) -> list[str]:
    """One of a list of words, as an option; as usual `first`, or else the first of them."""
    field = FIELDS[option]
    key = f"{own}.{option.strip('-')}"
    first = first or next(iter(words))
    chosen = choose(field.label, list(words), key, words.__getitem__, first=first, help=field.help)
    return [option, chosen]


def number(own: str, option: str, usual: float) -> list[str]:
    """One number to set, as an option of `python -m vae train`."""
    field = FIELDS[option]
    key = given(f"{own}.{option.strip('-')}", usual)
    chosen = st.number_input(
        field.label,
        key=key,
        step=1 if field.whole else field.step,  # no least and most: the browser would keep the number before, unsaid
        help=field.help,
        format=field.format,
        persist_state="session",
    )
    warn(option, str(chosen))
    return [option, str(chosen)]


def warn(option: str, value: str) -> None:
    """Under a field: what is wrong with its value, in the words that Start would refuse it with."""
    try:
        train_words.check(option, value)
    except VAEError as error:
        st.warning(plain(error))


def choose(
    label: str, options: list[str], key: str, words: Callable[[str], str], first: str, help: str | None = None
) -> str:
    """One of `options`, each shown as `words` has it. One that is no longer offered becomes `first`."""
    if st.session_state.get(key) not in (None, *options):
        del st.session_state[key]
    given(key, first)
    return st.selectbox(label, options, format_func=words, key=key, help=help, persist_state="session")


def given(key: str, usual: Any) -> str:
    """The key of a widget, which is as usual until somebody changes it or a fork fills it."""
    if key not in st.session_state:
        st.session_state[key] = usual
    return key
