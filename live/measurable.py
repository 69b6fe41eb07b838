"""What can be measured of a model, on how much, and how long that takes."""

from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any

from live.engine import ModelEntry
from vae import data
from vae.errors import VAEError
from vae.evaluate.pictures.judge import JUDGED, has_judge
from vae.evaluate.suites import SUITES

DENSE = (1_000, 5_000)  # test images and draws of each: minutes at most where a picture is made by dense layers
CONVOLUTIONAL = (500, 500)  # a picture costs some hundred times as much there
DEAR = 1_500_000  # weights of a dense decoder from which on it is measured on less
LARGE = (1_000, 1_000)
SPEED = 2e10  # weights of a dense decoder that two cores go through in a second
SECONDS = {  # of the models that ship, on two cores with nothing else to do
    "likelihood": 300.0,  # by convolutions
    "disentanglement": 240.0,
    "probes": 120.0,
    "anomaly": 540.0,
    "samples": 900.0,
    "directions": 600.0,
    "pca": 20.0,
    "columns": 20.0,
}
NOTHING: Mapping[str, Any] = {}  # was measured
FACTORS = ("sprites", "faces-fair")  # data drawn from factors that are independent of each other


def _weights(entry: ModelEntry) -> int:
    """Of a dense decoder."""
    config = entry.config
    widths = (config.latent_dim, *config.decoder_sizes, config.pixels)
    return sum(before * after for before, after in pairwise(widths)) * max(1, len(config.levels))


def amount(entry: ModelEntry, kept: Mapping[str, Any] = NOTHING) -> tuple[int, int]:
    """What a likelihood is measured on: test images, draws of each.

    Args:
        kept: the likelihood that was measured before, if any. Again is on as much; at first it is by what a picture
            costs.
    """
    images, draws = kept.get("images"), kept.get("draws")
    if isinstance(images, int) and isinstance(draws, int) and images > 0 and draws > 0:
        return images, draws
    if entry.config.network == "conv":
        images, draws = CONVOLUTIONAL
    else:
        images, draws = LARGE if _weights(entry) > DEAR else DENSE
    known = entry.card.get("data")
    there = known.get("test") if isinstance(known, dict) else None
    return (min(images, there) if isinstance(there, int) and there > 1 else images), draws


def options_of(entry: ModelEntry, suite: str, kept: Mapping[str, Any] = NOTHING) -> tuple[str, ...]:
    """More words of the command that measures a suite of this model, of which `kept` was measured before."""
    if suite != "likelihood":
        return ()
    images, draws = amount(entry, kept)
    return ("--images", str(images), "--k", str(draws))


def expected(entry: ModelEntry, suite: str, kept: Mapping[str, Any] = NOTHING) -> float:
    """Seconds that a suite may take on a machine with nothing else to do: as long as last time, else a guess."""
    last = kept.get("seconds")
    if isinstance(last, int | float) and last > 0:
        return float(last)
    if suite == "likelihood" and entry.config.network != "conv":
        images, draws = amount(entry)
        return max(5.0, images * draws * _weights(entry) / SPEED)
    return SECONDS[suite]


def unfit(entry: ModelEntry) -> dict[str, str]:
    """The suites that cannot be measured of a model, each with the reason and what to do, in one line."""
    why: dict[str, str] = {}
    if not entry.data:
        return dict.fromkeys(SUITES, "Its card does not say which images it was trained on.")
    point = getattr(entry.config, "posterior", "gaussian") == "point"
    if entry.config.likelihood == "mse":
        why["likelihood"] = "Its squared error is no likelihood: train one with “bernoulli” or “gaussian” for that."
    if point:
        why["likelihood"] = "A plain autoencoder gives no likelihood: train a VAE for that."
    if not has_judge(entry.data):
        named = " and ".join(data.describe(name).title for name in JUDGED)
        why["samples"] = f"Samples are judged by a classifier of these images, and only those of {named} ship."
    if entry.data not in FACTORS:
        why["disentanglement"] = f"Only where the factors of the images are known: in {' and '.join(FACTORS)}."
    with suppress(VAEError):
        if not data.on_machine(entry.data):
            why |= dict.fromkeys((name for name in SUITES if name not in why), "Its images are not on this machine.")
    return why
