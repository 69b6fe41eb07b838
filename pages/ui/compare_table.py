"""All models of one kind of images in figures: a plane of rate and distortion, a table, and what is claimed of VAEs."""

from collections.abc import Mapping

import streamlit as st

from live import measurable, reported
from live.engine import ModelEntry
from pages.ui import judged, lead, seen
from pages.ui.figures import show_plane, show_table
from pages.ui.report_suites import WORDS
from pages.ui.state import State
from pages.ui.widgets import literal
from vae.errors import VAEError
from vae.evaluate.compared import axis

CANNOT = "cannot be measured"
UNKNOWN = "not measured yet"
STABILITY = (
    "Stability of a model here is that of draws from one training. Whether another training comes out alike is another "
    "question: train twice with two seeds and compare the two."
)


def draw_claims(state: State, other: ModelEntry | None) -> None:
    """What textbooks say in adjectives, as figures of these two, and of what they are compared with."""
    st.subheader("What is claimed of VAEs, measured")
    st.write("Blurry, stable, structured, fast: the words of the textbooks, each as a figure.")
    models = [state.entry] if other is None else [state.entry, other]
    rivals = reported.rivals(state.entry.data)
    ours = [_without(entry) | reported.claims(_kept(entry), entry.card, _structure(entry)) for entry in models]
    columns = [*ours, *(rival.claims for rival in rivals)]
    rows = [
        (f"{claim.title}: {claim.words}", *(column.get(claim.name, UNKNOWN) for column in columns))
        for claim in reported.CLAIMS
    ]
    head = ("", *(judged.label(entry) for entry in models), *(rival.title for rival in rivals))
    show_table(head, rows, "Claims about VAEs, measured", "claims")
    st.caption(f"{STABILITY} Speeds are of the machine that measured.")
    for entry, column in zip(models, ours, strict=True):
        _draw_missing(state, entry, column)


def _without(entry: ModelEntry) -> dict[str, str]:
    """Claims that cannot be measured of a model."""
    unfit = measurable.unfit(entry)
    found = {claim.name: CANNOT for claim in reported.CLAIMS if claim.suite in unfit}
    return found if judged.between(entry.model_id) is not None else found | {"structure": CANNOT}


def _draw_missing(state: State, entry: ModelEntry, column: Mapping[str, str]) -> None:
    """What to press for what is not known of a model yet, and why the rest cannot be known."""
    suites = dict.fromkeys(claim.suite for claim in reported.CLAIMS if claim.suite and claim.name not in column)
    cannot = {claim.suite for claim in reported.CLAIMS if column.get(claim.name) == CANNOT}
    named = literal(judged.label(entry))
    for suite in sorted(cannot - {""}):
        st.caption(f"{named}: {measurable.unfit(entry)[suite]}")
    if not suites:
        return
    titles = " and ".join(f"“{WORDS[suite][0]}”" for suite in suites)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(f"{named}: press “Measure” beside {titles} on Report. It takes minutes, behind the page.")
        lead.button(
            "Open its Report",
            "report.py",
            key=f"compare.do.report.{entry.name}",
            first=lambda: state.choose(entry.name),
            icon=":material/assessment:",
        )


def _kept(entry: ModelEntry) -> reported.Report:
    """What was measured of a model; nothing where its report cannot be read: its own page says why."""
    try:
        return judged.report(entry)
    except VAEError:
        return {}


def _structure(entry: ModelEntry) -> str:
    found = judged.between(entry.model_id)
    return "" if found is None else f"{found.kinds:.1f} of {found.classes}, {found.prior.value:.1%} recognised"


def draw_models(state: State, other: ModelEntry | None) -> None:
    """Every model of these images: rate against distortion, then all figures."""
    entry = state.entry
    models = [found for found in seen.models() if found.data == entry.data and found.shape == entry.shape]
    st.subheader("All models of these images")
    chosen = {entry.name, other.name if other else ""}
    measure = judged.sums(entry).measure
    points = [
        (sums.name, sums.kl, sums.recon_nll, found.name in chosen)
        for found in models
        if (sums := judged.sums(found)).kl is not None and sums.recon_nll is not None and sums.measure == measure
    ]
    whole = [(title, kl, nll, ours) for title, kl, nll, ours in points if kl is not None and nll is not None]
    if len(whole) > 1:
        across, up = axis([kl for _, kl, _, _ in whole]), axis([nll for _, _, nll, _ in whole])
        show_plane(whole, across, up, ("rate (KL), nats per image", "distortion, nats per image"), "plane")
        st.caption(f"Lower left is better. Only models that count alike are here: {literal(measure)}.")
    else:
        st.caption("A plane of rate and distortion needs two models with the same likelihood. Train another on Train.")
    rows = [
        reported.row(_kept(found), judged.label(found), found.card, judged.is_point(found))
        for found in sorted(models, key=lambda found: reported.beta(found.card, judged.is_point(found)))
    ]
    show_table(reported.HEAD, rows, "Figures of all models of these images", "models")
