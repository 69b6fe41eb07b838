"""The models and trainings that a visitor may see: every page lists these and no others."""

import streamlit as st

from live import components, privacy
from live.engine import ModelEntry, shared
from live.visitor import who
from vae.errors import VAEError
from vae.train.run import Run


def models() -> tuple[ModelEntry, ...]:
    """Every model that this visitor may see, in the order of the picker."""
    found = shared().models()
    return found if components.this_machine_only() else tuple(e for e in found if privacy.may_see(e, visitor()))


def may_use(data: str) -> bool:
    """Whether a data set is this visitor's to see: of one that is no longer shared the images are not, though models
    that others made of it may be."""
    return components.this_machine_only() or privacy.may_use(data, visitor())


def has_files(name: str) -> bool:
    """Whether its images have names of their own, and this visitor may read them."""
    return privacy.may_read_rows(name, visitor())


def may_watch(owner: str, data: str) -> bool:
    """Whether a training by `owner` of the data set `data` is this visitor's to watch."""
    return components.this_machine_only() or privacy.may_watch(owner, data, visitor())


def check_run(run: Run) -> Run:
    """The same run. VAEError: its images are another visitor's."""
    if not may_watch(run.owner, privacy.data_of(run)):
        raise VAEError("That training is of data that another visitor keeps private, so another is shown.")
    return run


def visitor() -> str:
    """Who looks: by the cookie, or by the session of a browser that keeps none."""
    state = st.session_state.get("muscope")
    return who(st.context.cookies, "" if state is None else state.name)
