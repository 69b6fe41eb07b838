"""An error is a line: what a person reads when something goes wrong on a page, in a callback or in a fragment."""

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from vae.errors import VAEError


def plain(line: object) -> str:
    """A line for a place that reads Markdown: a name in it, whoever gave it, makes no picture and no link of it."""
    return re.sub(r"([\\\[])", r"\\\1", str(line))


@contextmanager
def plain_errors() -> Iterator[None]:
    """What a person can mend in one line; anything else in the terminal, with a line that says so."""
    try:
        yield
    except VAEError as error:
        st.error(plain(error))
    except Exception:
        traceback.print_exc()
        st.error("Muscope itself made a mistake here. The details are in the terminal; other pages go on working.")


def careful(callback: Callable[..., None]) -> Callable[..., None]:
    """The same callback, its errors told as a page's own are: it runs before any page is drawn."""

    def press(*args: Any) -> None:
        with plain_errors():
            callback(*args)

    return press
