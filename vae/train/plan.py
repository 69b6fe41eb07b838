"""From the options of a training to what is to be done: checked, and refused before anything is trained."""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from vae import checkpoint
from vae.config import NETWORKS, Config
from vae.data import describe
from vae.device import pick_device
from vae.errors import VAEError
from vae.files import plain_disk_errors
from vae.objectives import check_objective
from vae.recipes import RECIPES, make_config
from vae.train.parallel import processes
from vae.train.settings import Objective, Settings
from vae.train.step import pick_precision
from vae.weights import PICKLES

MOST_EPOCHS = 100_000


def check(arguments: argparse.Namespace) -> None:
    """Refuse in one line what cannot work, as far as that can be told without reading the images.

    Raises:
        VAEError: a setting out of range, settings that do not go together, data or a device that are not there, or a
            folder that holds other things.
    """
    settings = make_settings(arguments)
    pick_precision(settings.precision, pick_device(arguments.device))
    config = make_model_config(arguments, describe(arguments.data).shape)
    check_objective(settings.objective, config, alone=processes() == 1)
    if arguments.out:
        check_out(arguments.out)


def make_settings(arguments: argparse.Namespace) -> Settings:
    """The run's settings; what was left out is as the recipe's source has it."""
    usual = RECIPES.get(arguments.recipe or "")
    given = {"epochs": arguments.epochs, "batch_size": arguments.batch_size, "rate": arguments.rate}
    defaults = {name: getattr(usual, name) for name in given} if usual else {}
    chosen = defaults | {name: value for name, value in given.items() if value is not None}
    if arguments.minutes is not None and arguments.epochs is None:
        chosen["epochs"] = MOST_EPOCHS  # the clock alone ends it
    if arguments.precision:
        chosen["precision"] = arguments.precision
    named = ("rise", "cycles", "nats", "samples", "gamma", "critic")
    bend = {"kind": arguments.objective} | {name: getattr(arguments, name) for name in named}
    objective = Objective(**{name: value for name, value in bend.items() if value is not None})
    return Settings(
        **chosen, minutes=arguments.minutes, seed=arguments.seed, decay=arguments.decay, objective=objective
    )


def make_model_config(arguments: argparse.Namespace, shape: tuple[int, ...]) -> Config:
    """The config that the options describe, for images of `shape`.

    Raises:
        VAEError: neither a recipe nor a network was named, or the options do not go together.
    """
    if not arguments.recipe and not arguments.model:
        raise VAEError(f"Nothing says which model to train: add --recipe NAME or --model {'|'.join(NETWORKS)}.")
    encoder_sizes, decoder_sizes = arguments.encoder_sizes, arguments.decoder_sizes
    if encoder_sizes and not decoder_sizes:
        decoder_sizes = encoder_sizes[::-1]
    if not arguments.recipe and not encoder_sizes:
        encoder_sizes = usual_sizes(arguments.model, shape)
        decoder_sizes = decoder_sizes or encoder_sizes[::-1]
    latent_dim = sum(arguments.levels) if arguments.levels and arguments.latent_dim is None else arguments.latent_dim
    options = {
        "latent_dim" if arguments.model and not arguments.recipe else "latent_size": latent_dim,
        "beta": arguments.beta,
        "encoder_sizes": encoder_sizes,
        "decoder_sizes": decoder_sizes,
        "activation": arguments.activation,
        "likelihood": arguments.likelihood,
        "network": arguments.model,
    }
    given = {name: value for name, value in options.items() if value is not None}
    names = ("posterior", "levels", "blocks", "std", "output", "binarise")  # no recipe has an option for these
    more = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if arguments.recipe:
        return make_config(arguments.recipe, input_size=shape, **given).with_(**more)
    usual: dict[str, Any] = {"latent_dim": 16}
    if arguments.model == "linear":
        usual |= {"likelihood": "gaussian"}
        if given.get("likelihood") != "bernoulli":
            usual |= {"output": "linear"}
    return Config(shape=shape, **(usual | given | more))


def usual_sizes(network: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Encoder sizes when none were given: enough halvings to leave 2 to 10 pixels a side."""
    if network != "conv":
        return {"linear": (), "gated": (300, 300)}.get(network, (400,))
    side = min(shape[-2:])  # a flat vector gets some sizes too, and the config says why it cannot be
    if side < 48:
        return (32, 64)
    return (32, 64, 64, 128) if side < 96 else (32, 64, 64, 128, 128)


def check_out(out: Path) -> None:
    """Refuse a folder that is not a model's, or cannot be written, before hours are spent on what goes there."""
    if out.name in ("", ".."):
        raise VAEError(f"--out {out} has no name of its own: give the folder of a model, such as models/mine.")
    if out.suffix.lower() in PICKLES:
        raise VAEError(f"{out.name} is the name of a file: --out takes the folder of a model, such as models/mine.")
    checkpoint.check_place(out)
    with plain_disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
