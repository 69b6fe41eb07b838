"""All models of one kind of images in figures: a plane of rate and distortion, a table, and what is claimed of VAEs."""

import streamlit as st

from live import reported
from live.engine import ModelEntry, shared
from pages.ui import judged
from pages.ui.figures import show_plane, show_table
from pages.ui.state import State
from pages.ui.widgets import literal
from vae.errors import VAEError
from vae.evaluate.compared import axis

UNKNOWN = "not measured"


def draw_claims(state: State, other: ModelEntry | None) -> None:
    """What textbooks say in adjectives, as figures of these two, and of what they are compared with."""
    st.subheader("What is claimed of VAEs, measured")
    st.write("Blurry, stable, structured, fast: the words of the textbooks, each as a figure.")
    models = [state.entry] if other is None else [state.entry, other]
    rivals = reported.rivals(state.entry.data)
    ours = [reported.claims(_kept(entry), entry.card, _structure(entry)) for entry in models]
    columns = [*ours, *(rival.claims for rival in rivals)]
    rows = [
        (f"{claim.title}: {claim.words}", *(column.get(claim.name, UNKNOWN) for column in columns))
        for claim in reported.CLAIMS
    ]
    head = ("", *(judged.label(entry) for entry in models), *(rival.title for rival in rivals))
    show_table(head, rows, "Claims about VAEs, measured", "claims")
    missing = any(cell == UNKNOWN for row in rows for cell in row)
    if missing:
        st.caption(
            "What is not measured yet can be, on Report: “Likelihood” and “Samples” fill most of this. Speeds are of "
            "the machine that measured."
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
    models = [found for found in shared().models() if found.data == entry.data and found.shape == entry.shape]
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
