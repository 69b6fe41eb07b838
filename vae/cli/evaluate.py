"""`python -m vae evaluate`: the figures of a model, measured as its card's were."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli import options
from vae.cli.encode import data_of, load_data, open_model
from vae.cli.progress import Reporter

if TYPE_CHECKING:
    import numpy as np

    from vae.checkpoint import Checkpoint
    from vae.data import Images

NAME = "evaluate"
HELP = "Measure a model on its test images: likelihood, reconstruction, and how well its map keeps neighbours."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, and which data."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the model's folder")
    parser.add_argument("--data", metavar="NAME", help="other data of the same shape (as its card says)")
    options.add_device(parser)
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Measure, then print."""
    reporter = Reporter(arguments.progress)
    model = open_model(arguments)
    train, test = load_data(*data_of(model, arguments.data), reporter)
    figures = figures_of(model, train, test, reporter, own_data=arguments.data is None)
    figures["model_id"] = model.model_id
    print(json.dumps(figures) if arguments.json else _summary(figures))


def figures_of(
    model: "Checkpoint", train: "Images", test: "Images", reporter: Reporter, own_data: bool = True
) -> dict[str, Any]:
    """The figures as JSON values, rounded; the map kept in the model's folder is used where it is of the same data."""
    from vae.checkpoint import ENCODINGS
    from vae.cli.card import round_figures
    from vae.encodings import load_encodings
    from vae.evaluate import evaluate
    from vae.explore import projection

    def embed(mu: "np.ndarray") -> "np.ndarray":
        return projection.umap(mu, seed=0, progress=reporter.stage("UMAP map of the test images", unit="%"))

    encodings = load_encodings(model.folder) if own_data and (model.folder / ENCODINGS).is_file() else None
    figures = evaluate(model, train, test, encodings, embed=embed, stage=reporter.stage)
    reporter.close()
    return round_figures(figures.to_json())


def _summary(figures: dict[str, Any]) -> str:
    def shown(name: str, form: str) -> str:
        return "-" if figures[name] is None else format(figures[name], form)

    lines = [
        f"test images          {figures['images']:,}",
        f"test loss            {figures['test_loss']:.2f} (with the reductions the model was trained with)",
        f"reconstruction       {figures['recon_nll']:.2f} nats per image ({figures['likelihood']})",
        f"KL                   {figures['kl']:.2f} nats per image",
        f"ELBO                 {figures['elbo']:.2f} nats per image",
        f"squared error        {figures['recon_mse']:.5f} per pixel at mu",
        f"active units         {figures['active_units']} of {figures['latent_dim']}",
        f"5-NN accuracy        {shown('knn_accuracy', '.2%')}",
        f"trustworthiness      {shown('trustworthiness', '.4f')}",
    ]
    return "\n".join(lines)
