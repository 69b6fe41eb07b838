"""`python -m vae prior`: learn where the codes of a model really lie, and keep it."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from vae.cli import options
from vae.cli.progress import Reporter
from vae.errors import VAEError

NAME = "prior"
HELP = "Learn where a model's codes lie, by a mixture of Gaussians or by diffusion, and keep it for sampling."
CHOICES = ("mixture", "diffusion")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, and which prior."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the model's folder")
    parser.add_argument(
        "--kind", choices=CHOICES, default="diffusion", help="diffusion follows the codes closer, a mixture is quick"
    )
    parser.add_argument(
        "--keep-here", action="store_true", help="keep it in the model's own folder (else on this machine, for the app)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the fit (0)")
    parser.add_argument("--events", type=Path, metavar="FILE", help="append how it goes to FILE, a JSON object a line")
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Read the codes, fit, keep; say in the events, if there is a file for them, how it ended."""
    from vae.train.events import EventLog

    began = time.perf_counter()
    reporter = Reporter(arguments.progress, EventLog(arguments.events) if arguments.events else None)
    try:
        result = _fit(arguments, reporter)
    except VAEError as error:
        reporter.close()
        reporter.say("failed", line=str(error))
        raise
    reporter.close()
    reporter.say("done", prior=arguments.kind)
    result["seconds"] = seconds = round(time.perf_counter() - began, 2)
    where = "in the model's folder" if arguments.keep_here else "on this machine"
    line = f"Fitted a {arguments.kind} on {result['codes']:,} codes in {seconds} s: it is kept {where}."
    print(json.dumps(result) if arguments.json else line)


def _fit(arguments: argparse.Namespace, reporter: Reporter) -> dict[str, Any]:
    import torch

    from vae import checkpoint
    from vae.encodings import load_encodings
    from vae.home import priors_folder
    from vae.priors import codes_for_prior, fit_prior, save_prior

    _, _, model_id = checkpoint.read_card(arguments.folder)  # says plainly when this is no model
    generator = torch.Generator().manual_seed(arguments.seed)
    codes = codes_for_prior(load_encodings(arguments.folder), generator)
    told = reporter.stage(f"fitting a {arguments.kind} to the codes", unit="step")
    prior = fit_prior(arguments.kind, codes, generator, progress=told)
    save_prior(arguments.folder if arguments.keep_here else priors_folder(model_id), model_id, prior)
    return {"kind": arguments.kind, "codes": len(codes), "model_id": model_id}
