"""Whether samples help a small classifier: few real digits with labels, with and without samples beside them.

The VAE saw all training images, and no label. The samples' labels come from the few real images that have one: a
Gaussian for each class, fitted to their codes. So both classifiers know the same labels.

Options: how many samples of each class (200 where nothing is given).
"""

import time
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.report import measured_on, section

ROOT = Path(__file__).resolve().parents[2]
REAL = (200, 1000)  # images with labels
SAMPLES = 200  # of each class
SEEDS = 3
STEPS, BATCH, RATE = 600, 64, 2e-3
SHRUNK = 0.3  # of a class's covariance goes to that of all: a class of 20 images has none of its own in 16 dimensions

HEAD = """## Whether samples help a small classifier

{measured}

Digits of MNIST: accuracy on 10,000 test images of the small classifier that also judges samples, trained for {steps}
steps on so many real images with labels; with {samples} samples of each class from the model `mnist` beside them; or,
for scale, with the reconstructions of the real images instead. The VAE had learned from all 60,000 images without their
labels, which a classifier from pixels alone had not. Mean and standard deviation over {seeds} seeds (which images, and
every draw).

| real images | alone | with samples | with reconstructions | samples gain |
|---|---|---|---|---|
"""


def main(arguments: list[str]) -> int:
    """Train every classifier, and write the section."""
    samples = int(arguments[0]) if arguments else SAMPLES
    began = time.perf_counter()
    rows = [_row(count, samples) for count in REAL]
    head = HEAD.format(
        measured=measured_on("python -m benchmarks.directions augmentation"),
        **{"steps": STEPS, "samples": samples, "seeds": SEEDS},
    )
    section(
        "directions", "augmentation", head + "\n".join(rows) + f"\n\nAll of it: {time.perf_counter() - began:.0f} s."
    )
    return 0


def _row(count: int, samples: int) -> str:
    from vae import data
    from vae.batches import as_x, stored
    from vae.checkpoint import load
    from vae.evaluate.pictures.quality import decoded, draw_codes

    vae = load(ROOT / "checkpoints" / "mnist").vae
    train, test = data.load("mnist", "train"), data.load("mnist", "test")
    assert train.labels is not None and test.labels is not None
    tested, wanted = as_x(stored(test)), torch.tensor(test.labels)
    found: list[tuple[float, float, float]] = []
    for seed in range(SEEDS):
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(train), generator=generator).numpy()
        each = [order[train.labels[order] == label][: count // 10] for label in range(10)]
        real = train.take(np.sort(np.concatenate(each)))
        assert real.labels is not None
        x, labels = as_x(stored(real)), torch.tensor(real.labels)
        codes = draw_codes(vae, real, generator)
        drawn = drawn_like(codes, labels, samples, generator)
        made, of = decoded(vae, drawn), torch.arange(10).repeat_interleave(samples)
        remade = decoded(vae, draw_codes(vae, real, generator))
        sets = (
            (x, labels),
            (torch.cat([x, made]), torch.cat([labels, of])),
            (torch.cat([x, remade]), labels.repeat(2)),
        )
        found.append(tuple(accuracy(*each, tested, wanted, len(x), seed) for each in sets))  # type: ignore[arg-type]
    columns = [tuple(100 * value for value in column) for column in zip(*found, strict=True)]
    gains = [b - a for a, b in zip(columns[0], columns[1], strict=True)]
    shown = " | ".join(f"{mean(column):.1f} ± {stdev(column):.1f} %" for column in columns)
    return f"| {count:,} | {shown} | {mean(gains):+.1f} ± {stdev(gains):.1f} points |"


def drawn_like(codes: Tensor, labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Codes like those of each class, (classes * count, L), class by class: a Gaussian each, its covariance shrunk."""
    classes = int(labels.max()) + 1
    means = torch.stack([codes[labels == label].mean(dim=0) for label in range(classes)])
    within = torch.cov((codes - means[labels]).T)  # of all classes together
    parts = []
    for label in range(classes):
        own = torch.cov(codes[labels == label].T)
        scale = torch.linalg.cholesky((1 - SHRUNK) * own + SHRUNK * within + 1e-4 * torch.eye(len(within)))
        parts.append(means[label] + torch.randn(count, len(within), generator=generator) @ scale.T)
    return torch.cat(parts)


def accuracy(x: Tensor, labels: Tensor, tested: Tensor, wanted: Tensor, real: int, seed: int) -> float:
    """Of a small classifier, trained so many steps whatever it is trained on; half of a batch is real images.

    Args:
        x, labels: the first `real` of them real images.
    """
    from vae.evaluate.pictures.judge.classifier import Classifier

    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Classifier()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        half = BATCH if len(x) == real else BATCH // 2
        rows = torch.randint(real, (half,), generator=generator)
        if half < BATCH:
            rows = torch.cat([rows, torch.randint(real, len(x), (BATCH - half,), generator=generator)])
        loss = F.cross_entropy(network(x[rows])[1], labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    network.eval()
    with torch.inference_mode():
        said = torch.cat([network(part)[1].argmax(dim=1) for part in tested.split(500)])
    return float((said == wanted).double().mean())
