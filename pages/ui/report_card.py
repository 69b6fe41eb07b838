"""A model's card: what it is in sentences, what was measured in figures, and what each of its latents carries."""

from contextlib import suppress

import streamlit as st

from live.engine import ModelEntry
from live.reported import signed
from pages.ui import cache, judged, report_knows
from pages.ui.errors import plain
from pages.ui.figures import show_bars, show_split, show_table
from pages.ui.state import State
from pages.ui.widgets import literal
from vae.config import ADAPTED
from vae.data.images import worded
from vae.errors import VAEError
from vae.evaluate.codes.spectrum import Free
from vae.train.watch import duration

NETWORKS = {
    "mlp": "dense layers",
    "gated": "gated dense layers",
    "conv": "convolutions",
    "linear": "no hidden layers (linear)",
    ADAPTED: "another library’s or somebody’s own layers",
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
    count = worded(f"{data['train']:,} images of ", entry.shape) if isinstance(data.get("train"), int) else ""
    foreign = config.network == ADAPTED
    learned = "It was trained elsewhere, and is shown" if foreign else "It learned from"
    said = [f"{learned} {count}{title}, {shape}."]
    widths = ", ".join(map(str, config.encoder_sizes)) or "none"
    levels = f" in {len(config.levels)} levels" if config.levels else ""
    network = NETWORKS.get(config.network, config.network)
    widths = "" if foreign else f" ({widths})"
    said.append(f"Its code has {config.latent_dim} numbers{levels}; its network is of {network}{widths}.")
    if isinstance(card.get("seconds"), int | float):
        epochs = f"{card['epochs']} epochs, " if isinstance(card.get("epochs"), int) else ""
        named = str(card.get("device") or "")
        device = f" on {literal('the CPU' if named == 'cpu' else named)}" if named else ""
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
    st.subheader(worded("Measured on test images", entry.shape))
    if not figures:
        foreign = entry.config.network == ADAPTED
        why = "how it was trained is not known here" if foreign else "it was trained without being measured at the end"
        st.info(f"Its card has no figures: {plain(why)}.")
        return
    missing: list[str] = []
    told = _told(entry, missing)
    shape = entry.shape
    told = [(title, worded(figure, shape), worded(words, shape)) for title, figure, words in told]
    show_table(("", "", ""), told, f"Figures of {entry.title}", "figures")
    count = _tested(entry)
    counted = worded(f", {count:,} test images", entry.shape) if count else ""
    st.caption(
        f"{literal(str(figures.get('likelihood') or 'Likelihood not named'))}; "
        f"binarisation {figures.get('binarisation', 'none')}{counted}."
    )
    if missing:
        st.caption(
            f"Not measured when it was trained: {' and '.join(missing)}. "
            f"python -m vae evaluate {literal(entry.name)} measures them; training with `--evaluate` keeps them."
        )
    report_knows.draw_against_pca(entry)
    if point:
        st.info(NO_KL)
    else:
        _draw_split(entry)


def _told(entry: ModelEntry, missing: list[str]) -> list[tuple[str, str, str]]:
    """The rows of figures. What its training did not measure is taken from the kept codes, or named in `missing`."""
    figures, free, point = judged.figures(entry), None, judged.is_point(entry)
    count = _tested(entry)
    over = f"; of {count:,} test images" if count else ""
    with suppress(VAEError):  # no codes are kept
        free = judged.free(entry.model_id)

    def nats(name: str) -> str:
        return signed(f"{judged.figure(entry, name, '.1f')} nats per image")

    rows = []
    if not point:
        drawn = "; at codes drawn at random" if entry.config.levels else ""
        rows += [
            ("ELBO", nats("elbo"), f"a lower bound of log p(x); higher is better{over}"),
            ("KL (rate)", nats("kl"), f"what the code costs, and tells{drawn}"),
        ]
    rows.append(("Reconstruction (distortion)", nats("recon_nll"), "what the code leaves open"))
    kept = f"; of {free.images:,} kept images" if free else ""
    for name, title, form, unit, words, own in (
        ("recon_mse", "Squared error", ".4f", " per pixel", "of reconstructions at mu", free and free.recon_mse),
        (
            "active_units",
            "Active latents",
            "d",
            f" of {entry.latent_dim}",
            "mu varies by more than 0.01 over images",
            free and free.active_units,
        ),
    ):
        if name in figures:
            rows.append((title, f"{judged.figure(entry, name, form)}{unit}", words))
        elif own is not None:
            rows.append((title, f"{own:{form}}{unit}", words + kept))
        else:
            missing.append(title.lower())
    if "knn_accuracy" in figures:
        rows.append(("Nearest codes", judged.figure(entry, "knn_accuracy", ".1%"), _of_neighbours(entry, free)))
    elif free and free.chance is not None:
        missing.append("nearest codes")
    if "trustworthiness" in figures:
        words = "neighbours on the UMAP map that are neighbours in the codes; 1 all"
        rows.append(("Map", judged.figure(entry, "trustworthiness", ".3f"), words))
    else:
        missing.append("the map")
    return [row for row in rows if not row[1].startswith("–")]


def _of_data(entry: ModelEntry, split: str) -> int | None:
    data = entry.card.get("data")
    count = data.get(split) if isinstance(data, dict) else None
    return count if isinstance(count, int) else None


def _tested(entry: ModelEntry) -> int | None:
    """The test images that the card's figures are of."""
    count = judged.figures(entry).get("images", _of_data(entry, "test"))
    return count if isinstance(count, int) else None


def _of_neighbours(entry: ModelEntry, free: Free | None) -> str:
    """What the accuracy of neighbours is of, and what a guess reaches."""
    voters = _of_data(entry, "train")
    of = f" of {voters:,} training images" if voters else ""
    words = f"of test images named rightly by the 5 nearest codes{of}"
    if free is None or free.chance is None:
        return words
    words += f"; always naming the commonest class: {free.chance:.1%}"
    accuracy = judged.figures(entry).get("knn_accuracy")
    ignored = judged.figures(entry).get("active_units") == 0
    if ignored and isinstance(accuracy, int | float) and accuracy > free.chance:
        words += ". Its codes still differ by tiny amounts: neighbours see them, the decoder does not"
    return words


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
        st.info(plain(error))
        return
    unit = "variance of mu" if point else worded("nats per image", entry.shape)
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
    axis = "Variance of mu" if point else "KL to N(0, I), nats per image"
    count = len(cache.encodings(entry.model_id))
    said = [f"{axis}, over all {count:,} kept images. A bar of full height is {found.full:.2f}."]
    if entry.config.levels:
        said.append("At the most probable code of each level, not at drawn ones: the sum differs from the KL above.")
    elif not point:
        said.append("The KL above is of test images only.")
    if found.collapsed:
        said.append("Dashed: mu is almost the same for every image, so this latent tells nothing.")
    st.caption(worded(" ".join(said), entry.shape))
    if entry.config.levels:
        each = ", ".join(f"{nats:.2f}" for nats in found.per_level(entry.config.level_of))
        st.caption(f"Level by level, the most abstract first: {each} {unit}.")
    beta = entry.card.get("effective_beta")
    if words := found.advice(float(beta) if isinstance(beta, int | float) else None, judged.idle(entry)):
        (st.warning if found.collapsed else st.write)(words)
