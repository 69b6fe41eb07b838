"""A small GAN and a small diffusion model, trained on MNIST, sampled and judged as a VAE's samples are.

Each is trained once for each seed and leaves one row, `rows/NAME.json`, which a comparison shows beside the models.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vae import data
from vae.batches import stored
from vae.cli.progress import Reporter
from vae.device import pick_device
from vae.evaluate.pictures.quality import Quality, Source, judged, reference
from vae.files import write_aside
from vae.rivals.diffusion import STEPS, sample_diffusion, train_diffusion
from vae.rivals.gan import sample_gan, train_gan

COMMAND = "python -m benchmarks.family rivals"
ROWS = Path(__file__).resolve().parent / "rows"


@dataclass(frozen=True)
class Rival:
    """How one is trained and sampled.

    Attributes:
        passes: through its network for one picture. epochs: as many as fit a few minutes on two cores.
    """

    title: str
    sentence: str
    train: Callable[..., nn.Module]
    sample: Callable[..., Tensor]
    passes: int
    epochs: int


RIVALS = {
    "gan": Rival(
        "GAN",
        "Two networks against each other; no encoder, so no code of a given image, and no likelihood.",
        train_gan,
        sample_gan,
        1,
        8,
    ),
    "diffusion": Rival(
        "Diffusion",
        f"A network that takes noise away, {STEPS} times for one picture; no code smaller than the picture.",
        train_diffusion,
        sample_diffusion,
        STEPS,
        6,
    ),
}


def measured(name: str, dataset: str, epochs: int, seeds: int, n: int, device: torch.device) -> dict[str, Any]:
    """The row of one rival: JSON values."""
    rival, reporter = RIVALS[name], Reporter()
    train, test = data.load(dataset, "train"), data.load(dataset, "test")
    real = reference(train, test, n, torch.Generator().manual_seed(0))
    pixels = stored(train, device)
    found: list[Quality] = []
    speeds: list[float] = []
    times: list[float] = []
    weights = 0
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        began = time.perf_counter()
        network = rival.train(pixels, generator, epochs=epochs, progress=reporter.stage(f"{name} {seed}", unit="step"))
        times.append(time.perf_counter() - began)
        weights = sum(weight.numel() for weight in network.parameters())
        began = time.perf_counter()
        x = rival.sample(network, n, generator)
        speeds.append(n / (time.perf_counter() - began))
        found.append(judged(x, real))
        print(f"{name}, seed {seed}: {times[-1]:.0f} s, {found[-1]}", file=sys.stderr, flush=True)
    reporter.close()
    return {
        "name": name,
        "title": rival.title,
        "sentence": rival.sentence,
        "data": dataset,
        "samples": Source(name, tuple(found), tuple(times), tuple(speeds)).to_json(),
        "pictures": n,
        "seeds": seeds,
        "epochs": epochs,
        "weights": weights,
        "passes": rival.passes,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "judge": real.judge.name,
        "command": f"{COMMAND} -- --only {name} --epochs {epochs} --seeds {seeds}",
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Train, sample and judge a GAN and a diffusion model.")
    parser.add_argument("--only", nargs="+", choices=RIVALS, default=list(RIVALS), metavar="NAME")
    parser.add_argument("--data", default="mnist", metavar="NAME", help="28 by 28, with a judge (mnist)")
    parser.add_argument("--epochs", type=int, default=0, metavar="N", help="0: as many as fit a few minutes (0)")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="trainings of each (1)")
    parser.add_argument("--pictures", type=int, default=5000, metavar="N", help="that are judged (5000)")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    device = pick_device(options.device)
    for name in options.only:
        epochs = options.epochs or RIVALS[name].epochs
        row = measured(name, options.data, epochs, options.seeds, options.pictures, device)
        text = json.dumps(row, indent=2) + "\n"
        write_aside(
            ROWS / f"{name}.json" if options.data == "mnist" else ROWS / f"{name}-{options.data}.json", text.encode()
        )
        print(text)
    return 0
