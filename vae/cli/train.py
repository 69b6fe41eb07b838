"""`python -m vae train`: the options of a run. The run itself is in `training`."""

import argparse
import json
from pathlib import Path

from vae.cli import options
from vae.config import ACTIVATIONS, BINARISATIONS, LIKELIHOODS, NETWORKS

NAME = "train"
HELP = "Train a model, keep it with the codes of its images, and say what came of it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every option of a run; what is left out follows the recipe or the size of the images."""
    parser.add_argument("--data", required=True, metavar="NAME", help="see `data list`; or folder:PATH, table:PATH")

    model = parser.add_argument_group("model (a recipe or a network)")
    model.add_argument("--recipe", help="pytorch, keras, edifice or scratch, exact as its source has it")
    model.add_argument("--model", choices=NETWORKS, help="a network of your own; every term summed, in nats")
    model.add_argument("--latent-dim", type=int, metavar="L", help="numbers in a code (16, or as the recipe has it)")
    model.add_argument("--beta", type=float, metavar="B", help="weight of the KL (1)")
    model.add_argument("--encoder-sizes", type=options.sizes, metavar="32,64", help="units or channels, layer by layer")
    model.add_argument(
        "--decoder-sizes", type=options.sizes, metavar="64,32", help="likewise (the encoder's, reversed)"
    )
    model.add_argument("--activation", choices=ACTIVATIONS, help="between layers (relu)")
    model.add_argument("--likelihood", choices=LIKELIHOODS, help="of the pixels (bernoulli)")
    model.add_argument("--binarise", choices=BINARISATIONS, help="draw pixels as 0 or 1 afresh each time (none)")

    run = parser.add_argument_group("run")
    run.add_argument("--epochs", type=int, metavar="N", help="passes over the training images (10)")
    run.add_argument("--batch-size", type=int, metavar="N", help="images in one step (128)")
    run.add_argument("--rate", type=float, help="learning rate of Adam (0.001)")
    run.add_argument("--decay", type=float, default=0.0, help="last part of the run in which the rate falls to 0 (0)")
    run.add_argument("--seed", type=int, default=0, help="of weights, order and draws (0)")
    run.add_argument("--limit", type=options.whole, metavar="N", help="use only the first N images of each split")
    options.add_device(run)  # type: ignore[arg-type]  # a group adds options as a parser does

    result = parser.add_argument_group("result")
    result.add_argument("--out", type=Path, metavar="DIR", help="the model's folder; without it nothing is kept")
    result.add_argument("--half", action="store_true", help="keep the weights as float16: half the size")
    result.add_argument("--title", default="", help="what people call the model")
    result.add_argument("--sentence", default="", help="what it is, in one sentence")
    result.add_argument(
        "--map", choices=("pca", "umap", "both", "none"), default="pca", help="maps to draw; umap takes a minute (pca)"
    )
    options.add_keep(result)  # type: ignore[arg-type]
    result.add_argument("--evaluate", action="store_true", help="measure every figure of `evaluate` for the card")

    watch = parser.add_argument_group("watching")
    watch.add_argument("--events", type=Path, metavar="FILE", help="append what happens, one JSON object a line")
    watch.add_argument("--stop-file", type=Path, metavar="FILE", help="stop and keep the model when this file appears")
    options.add_output(watch)  # type: ignore[arg-type]


def run(arguments: argparse.Namespace) -> None:
    """Train, then print what came of it."""
    from vae.cli.training import train_model  # torch takes seconds to import: not for --help, not for bad options

    result = train_model(arguments)
    print(json.dumps(result) if arguments.json else _summary(result, arguments.out))


def _summary(result: dict[str, object], out: Path | None) -> str:
    lines = [
        f"test loss            {result['test_loss']:.2f}",
        f"reconstruction       {result['recon_nll']:.2f} nats per image ({result['likelihood']})",
        f"KL                   {result['kl']:.2f} nats per image",
        f"ELBO                 {result['elbo']:.2f} nats per image",
        f"effective beta       {result['effective_beta']:g}",
        f"trained              {result['epochs']:g} epochs in {result['seconds']:.1f} s on {result['device']}"
        f" ({result['images_per_second']:,.0f} images/s)",
        f"kept as              {out} ({result['model_id']})"
        if out
        else "not kept             give --out DIR to keep it",
    ]
    return "\n".join(lines)
