"""A model of our own that was brought: its config and weights as they are, its card cleaned, its codes where sound."""

import argparse
import contextlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from vae import checkpoint
from vae.cli.bring_codes import data_of, encoded, images_for, may_see, owned
from vae.cli.progress import Reporter
from vae.data.paint import Paint
from vae.encodings import load_encodings
from vae.errors import VAEError
from vae.files import write_folder
from vae.foreign.given import Given
from vae.foreign.known import Understood


def take_ours(
    arguments: argparse.Namespace, brought: Given, found: Understood, title: str, folder: Path, reporter: Reporter
) -> None:
    """Its config and weights as they came, byte for byte, so that it stays the same model; its card anew.

    Where the same model is here already, its weights say a word more, so that codes of other images are not mixed up.
    """
    with tempfile.TemporaryDirectory(prefix="muscope-bring-") as scratch:
        aside = Path(scratch) / "model"
        aside.mkdir()
        names = [checkpoint.CONFIG, checkpoint.WEIGHTS]
        names += [checkpoint.ADAPTER] if checkpoint.ADAPTER in brought else []
        for name in names:
            brought.copy(name, aside)
        card = brought.json(checkpoint.CARD) if checkpoint.CARD in brought else {}
        card = clean_card(card, title, arguments.owner)
        checkpoint.save_card(aside, card)
        model = checkpoint.load(aside)
        kept = b""
        if checkpoint.ENCODINGS in brought and not arguments.data:
            brought.copy(checkpoint.ENCODINGS, aside)
            with contextlib.suppress(VAEError):  # damaged: made anew
                if _sound(load_encodings(aside), model.config.latent_dim):
                    kept = (aside / checkpoint.ENCODINGS).read_bytes()
        if not kept:
            train, test = images_for(arguments, arguments.data or _named_data(card), found, reporter)
            kept = encoded(model.vae, train, test, reporter)
            card["data"] = data_of(train, test)
        files = {name: (aside / name).read_bytes() for name in names}
        card_bytes = json.dumps(card, indent=2, ensure_ascii=False).encode(errors="backslashreplace")
        files |= {checkpoint.CARD: card_bytes, checkpoint.ENCODINGS: kept} | owned(arguments)
        write_folder(checkpoint.check_place(folder), checkpoint.told_apart(files, folder), name="the model")


def clean_card(card: object, title: str, owner: str) -> dict[str, Any]:
    """What is kept of a card that came from elsewhere: short words, numbers, and data that its owner may see.

    Args:
        owner: who brings it, as the books know people; "" for whoever works on this machine.
    """
    card = card if isinstance(card, dict) else {}
    kept: dict[str, Any] = {"title": title}
    for name in ("sentence", "likelihood", "binarisation", "made", "license", "device"):
        if isinstance(card.get(name), str):
            kept[name] = card[name][:300]
    for name in ("effective_beta", "seed", "epochs", "seconds"):
        if _number(card.get(name)):
            kept[name] = card[name]
    figures = card.get("figures")
    if isinstance(figures, dict):
        plain = {k: v for k, v in list(figures.items())[:60] if isinstance(k, str) and len(k) <= 40}
        kept["figures"] = {k: v for k, v in plain.items() if _number(v) or (isinstance(v, str) and len(v) <= 80)}
    said = card.get("data")
    if isinstance(said, dict):
        data = {k: said[k][:300] for k in ("title", "credit") if isinstance(said.get(k), str)}
        data |= {k: said[k] for k in ("train", "test") if type(said.get(k)) is int and 0 <= said[k] < 10**9}
        named = said.get("name")
        # A path of whoever made it means another file here, and would be shown as one of its images.
        if isinstance(named, str) and may_see(named, owner):
            data["name"] = named
        if paint := Paint.of_json(said.get("channels")):
            data["channels"] = paint.to_json()
        kept["data"] = data
    return kept


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12  # nan is not


def _named_data(card: dict[str, Any]) -> str | None:
    data = card.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) else None


def _sound(encodings: Any, latent_dim: int) -> bool:
    """Whether codes that came along can be shown: whole, finite, and of this model."""
    arrays = (encodings.mu, encodings.logvar, encodings.recon_error, *encodings.maps.values())
    names = (*encodings.label_names, *encodings.attribute_names)
    labels, counts = encodings.labels, len(encodings.label_names)
    return bool(
        encodings.latent_dim == latent_dim
        and len(encodings) > 0
        and all(np.isfinite(array).all() for array in arrays)
        and all(xy.shape == (len(encodings), 2) for xy in encodings.maps.values())
        and set(encodings.maps) <= {"pca", "umap"}
        and set(np.unique(encodings.split)) <= {0, 1}
        and encodings.index.min() >= 0
        and len(names) <= 2000
        and all(isinstance(name, str) and len(name) <= 200 for name in names)
        and (labels is None or not len(labels) or (labels.min() >= 0 and labels.max() < counts))
        and (
            encodings.attributes is None
            or encodings.attributes.shape == (len(encodings), len(encodings.attribute_names))
        )
    )
