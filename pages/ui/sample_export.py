"""Samples to take home, as a data set with labels."""

import streamlit as st

from live.desk import shared_desk
from live.engine import shared
from live.parcel import most, parcel
from live.wire import Sample
from pages.ui import cache
from pages.ui.errors import careful, plain_errors
from pages.ui.samples import Draw
from pages.ui.state import State
from pages.ui.widgets import words

_MADE = "muscope.sample.parcel"
USUAL = 500


def draw_export(state: State, drawn: Draw) -> None:
    """How many, of which labels, and the file once it is made."""
    with st.expander("Take a data set of samples home", icon=":material/download:"), plain_errors():
        st.caption("A zip of PNG files with a table of what each one is: from this prior, at this temperature.")
        largest = most(state.entry)
        kinds = cache.kinds(state.entry.model_id)
        labels = tuple(kind for kind in kinds if kind.startswith("label:"))
        count = st.number_input("Pictures", 1, largest, min(USUAL, largest), key="sample.export.count")
        each = bool(labels) and st.toggle(
            f"Every label in turn ({len(labels)})",
            key="sample.export.each",
            help="As many pictures of each label; without it they show what is chosen above.",
        )
        wish = Sample(int(count), drawn.draw, drawn.temperature, drawn.limit, drawn.prior, drawn.of)
        key = (state.entry.model_id, wish, each)
        st.button(
            "Make the file",
            key="sample.do.export",
            icon=":material/folder_zip:",
            on_click=careful(_make),
            args=(state, wish, labels if each else (), key),
        )
        made = st.session_state.get(_MADE)
        if made is not None and made[0] == key:
            what = "every-label" if each else words(drawn.of).replace(" ", "-") or "samples"
            st.download_button(
                f"Download ({len(made[1]) / 1e6:.1f} MB)",
                made[1],
                f"{state.entry.name}-{what}.zip",
                "application/zip",
                key="sample.do.download",
                icon=":material/download:",
                on_click="ignore",
            )


def _make(state: State, wish: Sample, labels: tuple[str, ...], key: object) -> None:
    made = parcel(shared(), shared_desk().answers.samples, state.entry, wish, labels)
    st.session_state[_MADE] = (key, made)
