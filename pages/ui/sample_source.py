"""Where samples come from: the choice of a prior, what they shall show, and fitting a prior that is not there yet."""

import streamlit as st

from live import measures
from live.desk import shared_desk
from live.errands import Standing
from live.measures import FITS
from live.samples import PRIORS, STANDARD
from pages.ui import cache
from pages.ui.errors import careful, plain, plain_errors
from pages.ui.measuring import draw_under_way
from pages.ui.state import State
from pages.ui.visitor import me
from pages.ui.widgets import words

NAMES = {STANDARD: "N(0, I)", "mixture": "Where images are", "diffusion": "Diffusion"}
TELLS = {
    STANDARD: "Plain noise: what the VAE was asked to make of its codes, and never quite did.",
    "mixture": "A mixture of Gaussians fitted to the codes of the training images: the aggregate posterior.",
    "diffusion": "A small network that turns noise into codes like those of the training images, step by step.",
}
TAKES = {"mixture": "about a minute", "diffusion": "some minutes"}
ANYTHING = ""


def choose(state: State) -> tuple[str, str]:
    """The prior to draw from and what samples shall show, both ready: N(0, I) until another one is fitted."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chosen = st.segmented_control(
            "Drawn from",
            PRIORS,
            default=STANDARD,
            required=True,
            format_func=lambda kind: NAMES[kind],
            key="sample.prior",
            persist_state="session",
        )
        of = _choose_kind(state)
    kind = chosen or STANDARD
    st.caption(TELLS[kind])
    if shared_desk().answers.samples.has(state.entry, kind):
        return kind, of
    _offer_fit(state, kind)
    return STANDARD, of


def _choose_kind(state: State) -> str:
    kinds = [ANYTHING, *cache.kinds(state.entry.model_id)]
    if len(kinds) == 1:
        return ANYTHING
    key = f"sample.of.{state.entry.model_id}"
    return st.selectbox(
        "Only",
        kinds,
        format_func=lambda kind: words(kind) or "anything",
        key=key,
        persist_state="session",
        help="Draws again and again, and takes the codes whose nearest images are mostly of that kind.",
    )


def _offer_fit(state: State, kind: str) -> None:
    """A button that fits, then how far that is. Until it is done the grid shows N(0, I)."""
    entry, name = state.entry, next(name for name, each in FITS.items() if each == kind)
    asked = measures.shared().of(entry.model_id, name)

    @st.fragment(run_every=None if _ended(asked) else 1, key="sample.fit")
    def view() -> None:
        with plain_errors():
            now = measures.shared().of(entry.model_id, name)
            if _ended(asked) != _ended(now):
                st.rerun()  # the whole page: there is something to draw from, or to say
            _draw_fit(state, kind, name, now)

    view()


def _ended(now: Standing | None) -> bool:
    return now is None or now.how == "failed"


def _draw_fit(state: State, kind: str, name: str, now: Standing | None) -> None:
    if now is not None and now.how == "failed":
        st.error(plain(now.why))
    if now is None or now.how == "failed":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"Fit it ({TAKES[kind]})",
                key="sample.do.fit",
                icon=":material/target:",
                on_click=careful(_ask),
                args=(state, name),
                help="In a process of its own; it goes on when you leave the page, and is kept on this machine.",
            )
            st.caption("It was not fitted to this model yet: the grid shows N(0, I) until then.")
        return
    draw_under_way(state, now, "sample.do.cancel", measures.shared().cancel, (state.entry.model_id, name))


def _ask(state: State, name: str) -> None:
    entry = state.entry
    measures.shared().ask(entry.folder, entry.model_id, name, me(state))
