"""A VAE-GAN beside its VAE: the same network, data, epochs and seeds, one with a critic of pictures and one without.

Sharper is easily had at the price of variety, so both are counted. Each training leaves a row in `rows/`; the command
goes on where it was interrupted.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from statistics import mean
from typing import Any

import torch

from benchmarks.family.rivals import ROWS
from benchmarks.report import measured_on, section
from vae import data
from vae.batches import as_x, stored
from vae.config import Config
from vae.device import pick_device
from vae.evaluate.pictures.quality import Reference, decoded, draw_codes, judged, reference, spread
from vae.files import write_aside
from vae.model import VAE
from vae.posterior import normal
from vae.train.loop import Trainer
from vae.train.settings import Objective, Settings

COMMAND = "python -m benchmarks.family adversary"
KINDS = {"VAE": Objective(), "VAE-GAN": Objective("gan", rise=0.2)}
LOSES = 0.10  # of recall, at most: a tenth of the real images no longer within reach of the samples
FIGURES = ("sharpness", "frechet", "precision", "recall", "recognised", "squared error")


def trained(kind: str, seed: int, options: argparse.Namespace, real: Reference) -> dict[str, Any]:
    """Train one, draw from N(0, I), judge: JSON values."""
    train, test = data.load("mnist", "train"), data.load("mnist", "test")
    device = pick_device(options.device)
    config = Config(train.shape, 16, "conv", encoder_sizes=(16, 32), decoder_sizes=(32, 16))
    vae = VAE(config, seed).to(device)
    settings = Settings(epochs=options.epochs, seed=seed, objective=KINDS[kind], precision="float32")
    began = time.perf_counter()
    for _ in Trainer(vae, train, test, settings).run():
        pass
    took = time.perf_counter() - began
    vae.eval()
    generator = torch.Generator().manual_seed(seed)
    z = normal((options.pictures, config.latent_dim), generator, torch.device("cpu"))
    quality = asdict(judged(decoded(vae, z), real))
    remade = decoded(vae, draw_codes(vae, test, generator))
    error = (remade - as_x(stored(test))).square().flatten(1).sum(dim=1).mean()
    return quality | {"squared error": float(error), "seconds": took, "device": device.type, "epochs": options.epochs}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Compare a VAE-GAN with its VAE.")
    parser.add_argument("--epochs", type=int, default=5, metavar="N")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    parser.add_argument("--pictures", type=int, default=5000, metavar="N")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    train, test = data.load("mnist", "train"), data.load("mnist", "test")
    real = reference(train, test, options.pictures, torch.Generator().manual_seed(0))
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for seed in range(options.seeds):
        for kind in KINDS:
            row = ROWS / "adversary" / f"{kind.lower()}-{options.epochs}-{seed}.json"
            if not row.exists():
                values = trained(kind, seed, options, real)
                write_aside(row, (json.dumps(values, indent=2) + "\n").encode())
                print(f"{kind}, seed {seed}: {values}", file=sys.stderr, flush=True)
            found[kind].append(json.loads(row.read_text(encoding="utf-8")))
    lines = []
    for kind, rows in found.items():
        cells = [spread(tuple(row[name] for row in rows)) for name in FIGURES]
        words = [f"{cell['mean']:.3g} ± {cell['sd']:.2g}" for cell in cells]
        lines.append(f"| {kind} | {' | '.join(words)} | {mean(row['seconds'] for row in rows):,.0f} |")
    sharper, reached = ([mean(row[name] for row in found[kind]) for kind in KINDS] for name in ("sharpness", "recall"))
    lost = reached[0] - reached[1]
    met = sharper[1] > sharper[0] and lost <= LOSES
    section(
        "family",
        "adversary",
        f"""## A critic makes a VAE sharper

{measured_on(f"{COMMAND} -- --epochs {options.epochs} --seeds {options.seeds}")} MNIST, convolutional 16-32, 16 \
latents, {options.epochs} epochs, {options.seeds} seeds (0 and up), mean and standard deviation; {options.pictures:,} \
samples from N(0, I) against as many test images. Sharpness: variance of the Laplacian over that of real images. \
Squared error: of reconstructions from draws of q(z|x), summed over pixels. Bar: sharper, and at most {LOSES:g} less \
recall: {"met" if met else "missed"} ({sharper[1] / sharper[0]:.2f} times as sharp, recall {-lost:+.3f}).

| kind | {" | ".join(FIGURES)} | seconds |
|---|{"---:|" * (len(FIGURES) + 1)}
{chr(10).join(lines)}
""",
    )
    return int(not met)
