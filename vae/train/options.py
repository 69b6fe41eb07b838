"""The options of a training, as `python -m vae train` takes them and a run keeps them."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from vae.config import ACTIVATIONS, BINARISATIONS, LIKELIHOODS, NETWORKS, OUTPUTS, POSTERIORS
from vae.errors import VAEError


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one plain line, as all others here; it wants options in full."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**({"allow_abbrev": False} | kwargs))

    def error(self, message: str) -> NoReturn:
        raise VAEError(f"{message}: see `{self.prog} --help`.")


def parse(words: Sequence[str]) -> argparse.Namespace:
    """What a run's arguments say.

    Raises:
        VAEError: an option that does not exist, or a value that cannot be read.
    """
    parser = Parser(prog="python -m vae train", add_help=False)
    add_arguments(parser)
    return parser.parse_args(words)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything a run can be asked for; what is left out follows the recipe or the size of the images."""
    parser.add_argument("--data", required=True, metavar="NAME", help="see `data list`; or folder:PATH, table:PATH")

    model = parser.add_argument_group("model (a recipe or a network)")
    model.add_argument(
        "--recipe", help="pytorch, keras, edifice, scratch, burda or tomczak, exact as its source has it"
    )
    model.add_argument("--model", choices=NETWORKS, help="a network of your own; every term summed, in nats")
    model.add_argument("--latent-dim", type=int, metavar="L", help="numbers in a code (16, or as the recipe has it)")
    model.add_argument("--levels", type=sizes, metavar="4,12", help="latents of each level, most abstract first (one)")
    model.add_argument("--blocks", type=int, metavar="N", help="of a conv network with levels, at each of them (1)")
    model.add_argument("--posterior", choices=POSTERIORS, help="point: a plain autoencoder, without KL (gaussian)")
    model.add_argument("--beta", type=float, metavar="B", help="weight of the KL (1); of tc, of the total correlation")
    model.add_argument("--encoder-sizes", type=sizes, metavar="32,64", help="units or channels, layer by layer")
    model.add_argument("--decoder-sizes", type=sizes, metavar="64,32", help="likewise (the encoder's, reversed)")
    model.add_argument("--activation", choices=ACTIVATIONS, help="between layers (relu)")
    model.add_argument("--likelihood", choices=LIKELIHOODS, help="of the pixels (bernoulli; of linear gaussian)")
    model.add_argument("--std", type=float, metavar="S", help="of a gaussian likelihood, pixels 0 to 1 (learned)")
    model.add_argument("--output", choices=OUTPUTS, help="linear leaves the mean free (sigmoid; of linear linear)")
    model.add_argument(
        "--binarise", choices=BINARISATIONS, help="draw pixels as 0 or 1: afresh each time, or once for all (none)"
    )

    objective = parser.add_argument_group("objective (what is minimised, and what the KL costs over the run)")
    objective.add_argument(
        "--objective",
        metavar="KIND",
        help="fixed, warmup, cyclical, capacity, free-bits, iwae, dreg, tc, factor or gan (fixed)",
    )
    objective.add_argument("--samples", type=int, metavar="K", help="draws of z for each image, of iwae and dreg (5)")
    objective.add_argument("--gamma", type=float, metavar="G", help="weight of the critic, of factor and gan (10)")
    objective.add_argument("--critic", type=int, metavar="N", help="units of its layers; of gan 4 x channels (256)")
    objective.add_argument(
        "--rise", type=float, metavar="R", help="part of the run, or cycle, of the rise; of gan before its critic (0.5)"
    )
    objective.add_argument("--cycles", type=int, metavar="N", help="of cyclical (4)")
    objective.add_argument("--nats", type=float, metavar="N", help="capacity of a code, or free in each latent (0.5)")

    run = parser.add_argument_group("run")
    run.add_argument("--epochs", type=int, metavar="N", help="passes over the training images (10)")
    run.add_argument("--minutes", type=float, metavar="M", help="end after so long; --epochs is then the most")
    run.add_argument("--batch-size", type=int, metavar="N", help="images in one step (128)")
    run.add_argument("--rate", type=float, help="learning rate of Adam (0.001)")
    run.add_argument("--decay", type=float, default=0.0, help="last part of the run in which the rate falls to 0 (0)")
    run.add_argument("--seed", type=int, default=0, help="of weights, order and draws (0)")
    run.add_argument("--limit", type=whole, metavar="N", help="use only the first N images of each split")
    run.add_argument("--precision", metavar="KIND", help="float32, bfloat16, or auto: what pays on the device (auto)")
    add_device(run)  # type: ignore[arg-type]  # a group adds options as a parser does

    result = parser.add_argument_group("result")
    result.add_argument("--out", type=Path, metavar="DIR", help="the model's folder (inside the run's own)")
    result.add_argument("--half", action="store_true", help="keep the weights as float16: half the size")
    result.add_argument("--title", default="", help="what people call the model")
    result.add_argument("--sentence", default="", help="what it is, in one sentence")
    result.add_argument(
        "--map", choices=("pca", "umap", "both", "none"), default="pca", help="maps to draw; umap takes a minute (pca)"
    )
    add_keep(result)  # type: ignore[arg-type]
    result.add_argument("--evaluate", action="store_true", help="measure every figure of `evaluate` for the card")


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device and --threads."""
    parser.add_argument("--device", default="auto", help="auto (the fastest there is), cpu, cuda or mps")
    parser.add_argument("--threads", type=whole, metavar="N", help="processor threads; fewer leave room for others")


def add_keep(parser: argparse.ArgumentParser) -> None:
    """--keep-images."""
    parser.add_argument(
        "--keep-images",
        type=kept,
        metavar="N:M",
        help="keep the codes of N training and M test images, chosen at random by the seed (default: all)",
    )


def whole(text: str) -> int:
    """A whole number from 1 up."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return number


def sizes(text: str) -> tuple[int, ...]:
    """ "32,64" to (32, 64)."""
    return tuple(whole(part.strip()) for part in text.split(","))


def kept(text: str) -> tuple[int, int]:
    """ "8000:2000" to (8000, 2000)."""
    train, colon, test = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers like 8000:2000")
    return whole(train), whole(test)
