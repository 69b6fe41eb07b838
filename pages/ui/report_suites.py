"""What can be measured of a model beyond its card: what was found, what is being measured, and how to have the rest."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from live import measurable, measures, reported
from live.engine import ModelEntry
from live.errands import Standing
from pages.ui import judged, report_knows
from pages.ui.errors import careful, plain, plain_errors
from pages.ui.figures import show_table
from pages.ui.measuring import draw_under_way
from pages.ui.state import State
from pages.ui.visitor import me
from pages.ui.widgets import literal
from vae.data.images import worded
from vae.evaluate.codes.probes import lines_of
from vae.train.watch import duration

WORDS = {
    "likelihood": (
        "Likelihood",
        "How probable test images are to it, log p(x), by importance weights: the figure that papers print.",
    ),
    "disentanglement": (
        "Disentanglement",
        "Whether each latent stands for one factor of the pictures: MIG (two of that name), DCI, FactorVAE score, SAP.",
    ),
    "probes": (
        "Probes",
        "What a simple reader can tell from its codes, against raw pixels and PCA of the same size.",
    ),
    "anomaly": ("Anomalies", "How well its scores tell other images from its own: AUROC of each score."),
    "samples": (
        "Samples",
        "How near its samples are to real images: Fréchet distance, precision and recall, sharpness, copies.",
    ),
    "directions": (
        "Directions",
        "What the direction of each attribute does to every other one, read from the pixels of decoded pictures.",
    ),
    "pca": (
        "Against PCA",
        "Whether a network was worth it: how well it redraws test images, beside PCA with as many numbers.",
    ),
    "columns": (
        "What do these codes know?",
        "How well each label and attribute, and the size, brightness and slant of what is shown, is read off a code.",
    ),
}
ORDER = ("columns", "pca", *(name for name in WORDS if name not in ("columns", "pca")))  # what takes seconds first

MEANINGS = {  # of lines of a suite that do not explain themselves
    "effective draws": "Effective draws: how many of the draws of an image carry its figure; with few it is less sure.",
    "information": "Information: what the code tells of which image it was, the useful part of the rate.",
    "codes against prior": "Codes against prior: the rest of the rate, how far all codes together are from N(0, I).",
}

CANCELLED = "muscope.report.cancelled"  # what this visitor cancelled and has not asked for again


def draw_suites(state: State) -> None:
    """A part for each suite. It follows what is being measured, whoever asked for it."""
    st.subheader("Measured beyond its card")
    st.caption("Times are of a computer with nothing else to do; a busy one may take several times as long.")
    busy = measures.shared().busy

    @st.fragment(run_every=1 if busy else None, key="report.suites")
    def view() -> None:
        with plain_errors():
            _draw_all(state)
            if measures.shared().busy != busy:
                st.rerun()  # the whole page: to look every second, or no longer

    view()


def _draw_all(state: State) -> None:
    entry = state.entry
    kept, unfit = judged.report(entry), measurable.unfit(entry)
    for name in ORDER:
        with st.container(border=True, key=f"report-suite-{name}", gap="small"):
            title, words = WORDS[name]
            now = measures.shared().of(entry.model_id, name)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{title}**")
                    st.caption(worded(words, entry.shape))
                if now is None or now.how == "failed":
                    _draw_button(state, name, kept.get(name), unfit.get(name, ""))
            if name in unfit:
                if name not in kept:
                    st.caption(plain(unfit[name]))
            elif now is None or now.how == "failed":
                st.caption(_price(entry, name, kept.get(name)))
            if now is not None:
                _draw_standing(state, name, now)
            elif (entry.model_id, name) in st.session_state.get(CANCELLED, ()):
                st.caption("Cancelled.")
            if name in kept:
                _draw_kept(entry, name, kept[name])


def _verb(part: Mapping[str, Any] | None) -> str:
    """What the button says of a suite, measured before or not."""
    return "Measure" if part is None else "Measure again"


def _price(entry: ModelEntry, name: str, part: Mapping[str, Any] | None) -> str:
    """What a press costs: how long, and of how many images where the page chooses that."""
    known = part or {}
    said = f"“{_verb(part)}” takes about {duration(measurable.expected(entry, name, known))}"
    if name != "likelihood":
        return f"{said}."
    images, draws = measurable.amount(entry, known)
    return worded(f"{said}: {images:,} test images, {draws:,} draws each.", entry.shape)


def _draw_button(state: State, name: str, part: Mapping[str, Any] | None, why: str) -> None:
    st.button(
        _verb(part),
        key=f"report.do.measure.{name}",
        help=why or f"Measures {WORDS[name][0].lower()} in a process of its own. It goes on when you leave the page.",
        disabled=bool(why),
        type="secondary",
        icon=":material/straighten:",
        on_click=careful(_ask),
        args=(state, name, part or {}),
    )


def _ask(state: State, name: str, part: Mapping[str, Any]) -> None:
    entry = state.entry
    measures.shared().ask(entry.folder, entry.model_id, name, me(state), measurable.options_of(entry, name, part))
    st.session_state.get(CANCELLED, set()).discard((entry.model_id, name))


def _draw_standing(state: State, name: str, now: Standing) -> None:
    if now.how == "failed":
        st.error(plain(now.why))
        return
    draw_under_way(state, now, f"report.do.cancel.{name}", _cancel, (state, name), step=" of this step")


def _cancel(state: State, name: str) -> None:
    measures.shared().cancel(state.entry.model_id, name)
    st.session_state.setdefault(CANCELLED, set()).add((state.entry.model_id, name))


def _draw_kept(entry: ModelEntry, name: str, part: Mapping[str, Any]) -> None:
    if not (name == "columns" and report_knows.draw_knows(entry, part)):
        _draw_lines(entry, name, part)
    took = f" in {duration(part['seconds'])}" if isinstance(part.get("seconds"), int | float) else ""
    st.caption(f"Measured {str(part.get('measured', ''))[:10]}{took}.")
    if isinstance(part.get("command"), str):
        st.code(part["command"], language="sh", wrap_lines=True)


def _draw_lines(entry: ModelEntry, name: str, part: Mapping[str, Any]) -> None:
    """What a suite says itself: a table, and remarks below it."""
    lines = reported.lines_of({**part, "lines": lines_of(part)} if name == "probes" else part)
    rows = [line for line in lines if len(line) > 1]
    if name == "likelihood" and isinstance(images := part.get("images"), int):
        rows = [(*row[:-1], f"{row[-1]}, of {images:,} test images") if row[0] == "ELBO" else row for row in rows]
    head = bool(rows) and not any(letter.isdigit() for cell in rows[0] for letter in cell)  # names alone, no figure
    rows = [tuple(worded(cell, entry.shape) for cell in row) for row in rows]
    show_table(rows[0] if head else (), rows[head:], f"{WORDS[name][0]} of {entry.title}", f"suite-{name}")
    if told := [MEANINGS[row[0]] for row in rows if row[0] in MEANINGS]:
        st.caption(worded(" ".join(told), entry.shape))
    for remark in (line for line in lines if len(line) == 1):
        st.caption(literal(remark[0]))
