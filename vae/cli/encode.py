"""`python -m vae encode`: the codes of a model's images, kept beside it."""

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae.cli import options
from vae.cli.progress import Reporter
from vae.errors import VAEError

if TYPE_CHECKING:
    from vae.checkpoint import Checkpoint
    from vae.data import Images
    from vae.encodings import Encodings
    from vae.model import VAE

NAME = "encode"
HELP = "Encode the images a model was trained on and keep their codes, with a PCA map, in its folder."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, and which images."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the model's folder")
    parser.add_argument("--data", metavar="NAME", help="other data of the same shape (as its card says)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images to keep (0)")
    options.add_keep(parser)
    options.add_device(parser)
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Encode, add the PCA map, keep both."""
    from vae.encodings import save_encodings

    began = time.perf_counter()
    reporter = Reporter(arguments.progress)
    model = open_model(arguments)
    train, test = load_data(*data_of(model, arguments.data), reporter)
    rows = choose_rows(arguments.keep_images, train, test, arguments.seed)
    encodings = encode_images(model.vae, train.take(rows[0]), test.take(rows[1]), reporter)

    from vae.cli.project import draw_map

    encodings = draw_map(encodings, "pca", arguments.seed, reporter)
    save_encodings(model.folder, encodings)
    reporter.close()
    result = {"images": len(encodings), "seconds": round(time.perf_counter() - began, 2), "maps": [*encodings.maps]}
    line = f"Encoded {len(encodings):,} images in {result['seconds']} s."
    print(json.dumps(result) if arguments.json else line)


def open_model(arguments: argparse.Namespace) -> "Checkpoint":
    """The model of `arguments.folder` on the device that was asked for."""
    import torch

    from vae import checkpoint
    from vae.device import pick_device

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    return checkpoint.load(arguments.folder, pick_device(arguments.device))


def data_of(model: "Checkpoint", name: str | None) -> tuple[str, int | None]:
    """Name and limit of the data to use: what was asked for, else what the card says it was trained on.

    Raises:
        VAEError: the card does not say, or the images have another shape; told before they are fetched or drawn.
    """
    from vae.data import describe

    said = model.card.get("data")
    said = said if isinstance(said, dict) else {}
    chosen = name or said.get("name")
    if not isinstance(chosen, str):
        raise VAEError(f"The card of {model.folder.name} does not say what it was trained on: add --data NAME.")
    shape = describe(chosen).shape
    if shape != model.config.shape:
        raise VAEError(f"{model.folder.name} reads images of shape {model.config.shape}, not {shape}: choose others.")
    return chosen, None if name else said.get("limit")


def load_data(name: str, limit: int | None, reporter: Reporter) -> "tuple[Images, Images]":
    """Both splits, fetched or drawn where they are not on this machine yet."""
    from vae import data

    drawn = data.describe(name).built_in
    progress = reporter.stage(f"preparing {data.public_name(name)}", kind="data", unit="image" if drawn else "B")
    splits = [data.load(name, split, limit=limit, progress=progress) for split in ("train", "test")]
    reporter.close()
    return splits[0], splits[1]


def choose_rows(
    kept: tuple[int, int] | None, train: "Images", test: "Images", seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which images' codes to keep: all, or as many as were asked for, drawn without favour and put in order."""
    generator = np.random.default_rng(seed)
    counts = kept or (len(train), len(test))
    rows = [np.sort(generator.permutation(len(s))[:n]) for s, n in zip((train, test), counts, strict=True)]
    return rows[0], rows[1]


def encode_images(vae: "VAE", train: "Images", test: "Images", reporter: Reporter) -> "Encodings":
    """The codes of both splits, one after the other."""
    from vae.encodings import encode, join

    parts = [encode(vae, s, progress=reporter.stage(f"encoding {s.split} images")) for s in (train, test)]
    return join(*parts)
