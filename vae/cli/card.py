"""The card: what a person should know of a model before trusting it."""

import argparse
import platform
import shlex
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from vae.config import Config
from vae.data import Images, describe, paint_of
from vae.evaluate.figures import likelihood_phrase
from vae.train.run import Run
from vae.train.settings import Settings


def make_card(
    run: Run,
    arguments: argparse.Namespace,
    settings: Settings,
    config: Config,
    data: tuple[Images, Images],
    result: dict[str, Any],
) -> dict[str, Any]:
    """Everything but the figures, as JSON values.

    Args:
        arguments: what the run's own say. data: what it was trained and tested on.
        result: epochs, seconds, images_per_second, device, effective_beta.
    """
    train, test = data
    info = describe(train.name)
    kept = arguments.keep_images or (len(train), len(test))
    return {
        "name": run.model_folder.name if arguments.out else run.id,
        "title": arguments.title or f"{info.title}, {config.latent_dim} latents",
        "sentence": arguments.sentence or info.sentence,
        "data": {
            "name": train.name,
            "title": info.title,
            "credit": train.credit,
            "train": len(train),
            "test": len(test),
            "kept": {"train": min(kept[0], len(train)), "test": min(kept[1], len(test))},
            "limit": arguments.limit,
        }
        | said_channels(train.name),
        "likelihood": likelihood_phrase(config),
        "binarisation": config.binarise,
        "effective_beta": result["effective_beta"],
        "seed": settings.seed,
        "epochs": result["epochs"],
        "settings": asdict(settings) | {"half": arguments.half, "threads": torch.get_num_threads()},
        "seconds": result["seconds"],
        "images_per_second": result["images_per_second"],
        "device": result["device"],
        "versions": {"python": platform.python_version(), "torch": str(torch.__version__), "muscope": own_version()},
        "command": shlex.join(["python", "-m", "vae", "train", *(_relative(word) for word in run.arguments)]),
        "figures": {},
        "made": datetime.now(UTC).date().isoformat(),
    }


def said_channels(name: str) -> dict[str, Any]:
    """{"channels": ...} of data of several channels: names and colours, so that the model can do without the data."""
    paint = paint_of(name)
    return {} if paint is None else {"channels": paint.to_json()}


def own_version() -> str:
    """Muscope's version, from the project file beside the program: it is run from its folder, not installed."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    if not project.is_file():
        return "unknown"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


def _relative(word: str) -> str:
    """ "folder:/here/cats" and "/here/models/x" to what they are called from here."""
    here = str(Path.cwd())
    return word.replace(here + "/", "") if here != "/" else word


def round_figures(figures: dict[str, Any]) -> dict[str, Any]:
    """Six significant digits: more would be the machine's, not the model's."""
    return {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in figures.items()}
