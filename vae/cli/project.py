"""`python -m vae project`: one more map of the codes in a model's folder."""

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli import options
from vae.cli.progress import Reporter

if TYPE_CHECKING:
    from vae.encodings import Encodings

NAME = "project"
HELP = "Lay the codes in a model's folder out as a map, PCA or UMAP, and keep it there."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, and which map."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the model's folder")
    parser.add_argument("--method", choices=("pca", "umap"), default="pca", help="umap keeps neighbours together (pca)")
    parser.add_argument("--seed", type=int, default=0, help="of UMAP (0)")
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Read the codes, draw the map, keep it."""
    from vae import checkpoint
    from vae.encodings import load_encodings, save_encodings

    began = time.perf_counter()
    reporter = Reporter(arguments.progress)
    checkpoint.read_card(arguments.folder)  # says plainly when this is no model
    encodings = draw_map(load_encodings(arguments.folder), arguments.method, arguments.seed, reporter)
    save_encodings(arguments.folder, encodings)
    reporter.close()
    result = {"images": len(encodings), "seconds": round(time.perf_counter() - began, 2), "maps": [*encodings.maps]}
    line = f"Mapped {len(encodings):,} images by {arguments.method.upper()} in {result['seconds']} s."
    print(json.dumps(result) if arguments.json else line)


def draw_map(encodings: "Encodings", method: str, seed: int, reporter: Reporter, **fields: Any) -> "Encodings":
    """The encodings with a map of mu; `fields` go into the events, as `Reporter.stage` has it."""
    from vae.explore import projection

    if method == "pca":
        reporter.stage("PCA map", **fields)
        return encodings.with_map("pca", projection.pca(encodings.mu).xy)
    progress = reporter.stage("UMAP map", unit="%", **fields)
    return encodings.with_map("umap", projection.umap(encodings.mu, seed=seed, progress=progress))
