"""A model's card: what it is in sentences, what was measured in figures, and what each of its latents carries."""

import streamlit as st

from live.engine import ModelEntry
from pages.ui import judged
from pages.ui.figures import show_bars, show_split, show_table
from pages.ui.state import State
from pages.ui.widgets import literal
from vae.errors import VAEError
from vae.train.watch import duration

NETWORKS = {
    "mlp": "dense layers",
    "gated": "gated dense layers",
    "conv": "convolutions",
    "linear": "no hidden layers (linear)",
}
NO_KL = (
    "This is a plain autoencoder: the code of an image is one point, without a spread. So there is no KL and no "
    "likelihood to state, and nothing holds its codes near N(0, I): look between its clusters on Compare."
)


def draw_sentences(entry: ModelEntry) -> None:
    """What it was trained on, what it is made of, how long that took."""
    card, config = entry.card, entry.config
    data = card.get("data", {}) if isinstance(card.get("data"), dict) else {}
    shape = " × ".join(map(str, reversed(config.shape)))
    title = literal(str(data.get("title") or entry.data or "images that its card does not name"))
    count = f"{data['train']:,} images of " if isinstance(data.get("train"), int) else ""
    said = [f"It learned from {count}{title}, {shape}."]
    widths = ", ".join(map(str, config.encoder_sizes)) or "none"
    levels = f" in {len(config.levels)} levels" if config.levels else ""
    network = NETWORKS.get(config.network, config.network)
    said.append(f"Its code has {config.latent_dim} numbers{levels}; its network is of {network} ({widths}).")
    if isinstance(card.get("seconds"), int | float):
        epochs = f"{card['epochs']} epochs, " if isinstance(card.get("epochs"), int) else ""
        device = f" on {literal(str(card.get('device', '')))}" if card.get("device") else ""
        said.append(f"Training took {epochs}{duration(card['seconds'])}{device}.")
    if isinstance(data.get("credit"), str) and data["credit"]:
        said.append(f"Data: {literal(data['credit'])}.")
    st.write(" ".join(said))
    if isinstance(card.get("command"), str):
        with st.expander("The command that made it"):
            st.code(card["command"], language="sh", wrap_lines=True)


def draw_figures(entry: ModelEntry) -> None:
    """The figures, each with its unit and what it means; rate and distortion as one bar."""
    figures, point = judged.figures(entry), judged.is_point(entry)
    st.subheader("Measured on test images")
    if not figures:
        st.info("Its card has no figures: it was trained without being measured at the end.")
        return
    rows = []
    if not point:
        rows += [
            (
                "ELBO",
                f"{judged.figure(entry, 'elbo', '.1f')} nats per image",
                "a lower bound of log p(x); higher is better",
            ),
            ("KL (rate)", f"{judged.figure(entry, 'kl', '.1f')} nats per image", "what the code costs, and tells"),
        ]
    rows.append(
        (
            "Reconstruction (distortion)",
            f"{judged.figure(entry, 'recon_nll', '.1f')} nats per image",
            "what the code leaves open",
        )
    )
    rows += [
        ("Squared error", f"{judged.figure(entry, 'recon_mse', '.4f')} per pixel", "of reconstructions at mu"),
        (
            "Active latents",
            f"{judged.figure(entry, 'active_units', 'd')} of {judged.figure(entry, 'latent_dim', 'd')}",
            "mu varies by more than 0.01 over images",
        ),
        (
            "Nearest codes",
            judged.figure(entry, "knn_accuracy", ".1%"),
            "of test images named rightly by 5 nearest codes",
        ),
        (
            "Map",
            judged.figure(entry, "trustworthiness", ".3f"),
            "neighbours on the UMAP map that are neighbours in the codes; 1 all",
        ),
    ]
    show_table(
        ("", "", ""), [row for row in rows if not row[1].startswith("–")], f"Figures of {entry.title}", "figures"
    )
    count = figures.get("images")
    counted = f", {count:,} test images" if isinstance(count, int) else ""
    st.caption(
        f"{literal(str(figures.get('likelihood', '')))}; binarisation {figures.get('binarisation', 'none')}{counted}."
    )
    if point:
        st.info(NO_KL)
    else:
        _draw_split(entry)


def _draw_split(entry: ModelEntry) -> None:
    sums = judged.sums(entry)
    if sums.kl is None or sums.recon_nll is None or sums.recon_nll <= 0:
        return  # a density can be above 1: then its nats are below 0 and are no part of anything
    parts = [
        (f"code (rate) {sums.kl:.1f} nats", sums.kl),
        (f"the rest (distortion) {sums.recon_nll:.1f} nats", sums.recon_nll),
    ]
    alt = f"An image costs {sums.kl:.1f} nats for its code and {sums.recon_nll:.1f} for what the code leaves open."
    show_split(parts, alt, "rate-distortion")


def _level(entry: ModelEntry, latent: int) -> str:
    return f"level {entry.config.level_of[latent] + 1}, " if entry.config.levels else ""


def draw_spectrum(state: State) -> None:
    """A bar for each latent, the collapsed ones named, and what to do about them."""
    entry = state.entry
    point = judged.is_point(entry)
    st.subheader("What each latent carries")
    try:
        found = judged.latents(entry.model_id, point)
    except VAEError as error:
        st.info(str(error))
        return
    unit = "variance of mu" if point else "nats per image"
    bars = [
        (
            str(latent),
            share,
            f"{_level(entry, latent)}latent {latent}: {value:.3g} {unit}{'' if active else ', collapsed'}",
            active,
        )
        for latent, value, share, active in found.bars
    ]
    strongest = ", ".join(f"{latent}: {value:.2f}" for latent, value, _, _ in found.bars[:5])
    what = "Variance of the codes" if point else "KL"
    alt = f"{what} of {len(bars)} latents, {unit}, largest first. {strongest}. {len(found.collapsed)} collapsed."
    show_bars(bars, alt, "spectrum")
    axis = "Variance of mu over images" if point else "KL to N(0, I), nats per image"
    st.caption(
        f"{axis}, over all images; the tallest bar is {found.bars[0][1]:.2f}. A dashed bar says the same of all."
    )
    if entry.config.levels:
        each = ", ".join(f"{nats:.2f}" for nats in found.per_level(entry.config.level_of))
        st.caption(f"Level by level, the most abstract first: {each} {unit}.")
    beta = entry.card.get("effective_beta")
    if words := found.advice(float(beta) if isinstance(beta, int | float) else None):
        (st.warning if found.collapsed else st.write)(words)
