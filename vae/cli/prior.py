"""`python -m vae prior`: learn where the codes of a model really lie, and keep that beside it."""

import argparse
import json
import time
from pathlib import Path

from vae.cli import options
from vae.cli.progress import Reporter

NAME = "prior"
HELP = "Learn where a model's codes lie, by a mixture of Gaussians or by diffusion, and keep that beside it."
CHOICES = ("mixture", "diffusion")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, and which prior."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the model's folder")
    parser.add_argument(
        "--kind", choices=CHOICES, default="diffusion", help="diffusion follows the codes closer, a mixture is quick"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the fit (0)")
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Read the codes, fit, keep."""
    import torch

    from vae import checkpoint
    from vae.encodings import load_encodings
    from vae.priors import codes_for_prior, fit_prior, save_prior

    began = time.perf_counter()
    reporter = Reporter(arguments.progress)
    _, _, model_id = checkpoint.read_card(arguments.folder)  # says plainly when this is no model
    generator = torch.Generator().manual_seed(arguments.seed)
    codes = codes_for_prior(load_encodings(arguments.folder), generator)
    prior = fit_prior(arguments.kind, codes, generator, progress=reporter.stage(arguments.kind, unit="step"))
    save_prior(arguments.folder, model_id, prior)
    reporter.close()
    seconds = round(time.perf_counter() - began, 2)
    result = {"kind": arguments.kind, "codes": len(codes), "seconds": seconds, "model_id": model_id}
    line = f"Fitted a {arguments.kind} on {len(codes):,} codes in {seconds} s: it is kept beside the model."
    print(json.dumps(result) if arguments.json else line)
