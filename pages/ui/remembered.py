"""What the controls of a page show, as plain JSON, and back.

Streamlit keeps the value of a widget under "<page>.<name>", and a few pages keep something of their own in the session,
such as which draw is on the screen: `remembered_parts` says how each of those is written and read.
A value of a widget is read as a plain short value; should the page not be able to take it, it is as usual again
(`on_trial`).
"""

import math
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from pages.ui.documents import refused, text
from pages.ui.remembered_parts import EVERYWHERE, NAME, PARTS
from pages.ui.state import State
from vae.errors import VAEError

# What stands before the names of a page's widgets, where it is not the page's own name.
OTHER_NAMES = {"sums": "board", "": "start"}
PAGES = (
    *("start", "map", "sliders", "paths", "attributes", "directions", "board", "sample"),
    *("report", "compare", "anomalies"),
)
FORMS = ("train", "bring", "models")  # what is typed there is nobody else's business: in no link and no file
MOST = 400  # values in one document
LONGEST = 300  # letters of one
_BUTTON = re.compile(r"\.(do|tap|open|list)\.|-tap-|\.upload")  # to press again by itself is not what was meant
_FIRST = "muscope.first"  # what each widget showed when it was first seen
_TRIAL = "muscope.trial"  # values of widgets that no page has shown yet
_ASKED = object()  # stands for what a widget showed first, where a document said what it shall show


# ---- widgets -------------------------------------------------------------------------------------------------------


def name_of(page: str) -> str:
    """What stands before the names of a page's widgets."""
    return OTHER_NAMES.get(page, page)


def see_first(page: str) -> None:
    """Note what the widgets of a page show before anybody has touched them: that need not be said."""
    first = st.session_state.setdefault(_FIRST, {})
    for key, value in _widgets([name_of(page)]).items():
        first.setdefault(key, value)


def touched(pages: Collection[str]) -> dict[str, Any]:
    """The widgets of some pages, as in PAGES, that show something else than at first."""
    first = st.session_state.get(_FIRST, {})
    return {key: value for key, value in _widgets(pages).items() if key in first and not _same(first[key], value)}


def _widgets(pages: Collection[str]) -> dict[str, Any]:
    """What can be said of the values that the session holds for some pages."""
    found = {}
    for key in list(st.session_state):
        if isinstance(key, str) and key.partition(".")[0] in pages and NAME.fullmatch(key) and not _BUTTON.search(key):
            value = st.session_state[key]
            if _plain(value) and not (isinstance(value, str) and len(value) > LONGEST):
                found[key] = value
    return found


def _plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return len(value) <= 100 and all(isinstance(one, str) and len(one) <= LONGEST for one in value)
    return type(value) in (bool, int, str) or (type(value) is float and math.isfinite(value))


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


# ---- all of it -----------------------------------------------------------------------------------------------------


def values(state: State, page: str | None = None, forms: bool = False) -> dict[str, Any]:
    """What the controls of a page show, or those of all pages; nothing is said of what is as usual.

    Args:
        page: as in its address; None for all.
        forms: with what is typed into those of FORMS.
    """
    known = {part.key(state): part for part in PARTS} if state.model else {}
    wanted = [name_of(page)] if page is not None else [*PAGES, *FORMS]
    wanted = [each for each in wanted if forms or each not in FORMS]
    found = {key: value for key, value in touched(wanted).items() if key not in known}
    found = {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}
    for key, part in known.items():
        here = page is None or part.page in (name_of(page), EVERYWHERE)
        if key in st.session_state and here and (forms or not part.private):
            said = part.write(state, st.session_state[key])
            if said is not None and said is not False:
                found[key] = said
    return found


def put_back(state: State, said: object, forms: bool = False) -> None:
    """Have the controls show what `values` said.

    Args:
        forms: what was typed into the forms of FORMS comes back as well.

    Raises:
        VAEError: one line; nothing was changed.
    """
    read = check(state, said, forms)
    known = {part.key(state) for part in PARTS} if state.model else set()
    first, trial = st.session_state.setdefault(_FIRST, {}), st.session_state.setdefault(_TRIAL, set())
    for key, value in read.items():
        st.session_state[key] = value
        if key not in known:
            first[key] = _ASKED
            trial.add(key)


def check(state: State, said: object, forms: bool = False) -> dict[str, Any]:
    """What `put_back` would put into the session. VAEError: it cannot be what `values` said."""
    if not isinstance(said, dict) or len(said) > MOST:
        raise refused(f"there are no values of {MOST} controls at most")
    known = {part.key(state): part for part in PARTS} if state.model else {}
    read: dict[str, Any] = {}
    for key, value in said.items():
        if key in known and (forms or not known[key].private):
            read[key] = known[key].read(state, value)
        elif _is_widget(key, forms) and _plain(value) and (not isinstance(value, str) or len(value) <= LONGEST):
            read[key] = value
        elif not _of_another(key):
            raise refused(f"it names a control that there is not ({text(str(key)[:60], 'a control', 60)})")
    return read


def _is_widget(key: str, forms: bool) -> bool:
    return (
        key.partition(".")[0] in (*PAGES, *(FORMS if forms else ()))
        and bool(NAME.fullmatch(key))
        and not _BUTTON.search(key)
    )


def _of_another(key: str) -> bool:
    """Whether it is a part of a model that is not the chosen one here."""
    names = [re.escape(part.name) for part in PARTS if "{" in part.name]
    return any(re.fullmatch(name.replace(r"\{id\}", ".+").replace(r"\{model\}", ".+"), key) for name in names)


def without(state: State, said: dict[str, Any], page: str) -> dict[str, Any]:
    """The same values but those of one page: a link says what that one shows. What no link ever says stays."""
    of_page = [part for part in PARTS if part.page in (name_of(page), EVERYWHERE) and not part.private]
    parts = {part.key(state) for part in of_page} if state.model else set()
    return {key: value for key, value in said.items() if key not in parts and key.partition(".")[0] != name_of(page)}


def clear(state: State) -> None:
    """Have every control as usual."""
    parts = {part.key(state) for part in PARTS} if state.model else set()
    for key in [*_widgets([*PAGES, *FORMS]), *parts]:
        st.session_state.pop(key, None)
    st.session_state.get(_FIRST, {}).clear()


@contextmanager
def on_trial(state: State, page: str) -> Iterator[None]:
    """Draw a page; where it cannot take a value that a document brought, its controls are as usual again."""
    trial: set[str] = st.session_state.get(_TRIAL, set())
    brought = {key for key in trial if key.startswith(f"{name_of(page)}.")}
    try:
        yield
    except VAEError:
        raise
    except Exception:
        if not brought:
            raise
        for key in brought:
            st.session_state.pop(key, None)
            st.session_state.get(_FIRST, {}).pop(key, None)
        trial -= brought
        state.notice = "Some controls of this page could not be set as the link or the session says: they are as usual."
        st.rerun()
    trial -= brought
