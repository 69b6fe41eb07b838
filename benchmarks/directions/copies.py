"""Copies of training images: planted ones found, images never seen left alone, and how many samples look like copies.

Options: names of models (mnist, fashion-mnist, faces-fair where none is given).
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from benchmarks.report import measured_on, section

if TYPE_CHECKING:
    from vae.checkpoint import Checkpoint
    from vae.data.images import Images

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("mnist", "fashion-mnist", "faces-fair")
PLANTED, NEVER_SEEN, SAMPLES = 100, 1_000, 500
SEEDS = 3
NOISE = 0.03  # standard deviation: 8 grey levels of 255

HEAD = """## Copies of training images

{measured}

A picture is a copy where its nearest training image is so much nearer than the tenth nearest as at most 1 in 100 real
images are by chance, with a confidence of 99 % (`vae/evaluate/pictures/copies.py`). One half of the test images (at
most 2,000) draws the line, the other tries it; three times, with another half each time, all counts added up.
Flagged, of how many: {planted} training images as they are, with noise of 8 grey levels ({noise} of 1) and with twice
that, and moved by a pixel; real images never seen; what the model makes of training images; samples from N(0, I).

| model | line | as they are | noise | twice the noise | moved | never seen | reconstructions | samples | seconds |
|---|---|---|---|---|---|---|---|---|---|
"""


def main(arguments: list[str]) -> int:
    """Plant and look, model by model."""
    rows = [_row(name) for name in arguments or MODELS]
    head = HEAD.format(measured=measured_on("python -m benchmarks.directions copies"), planted=PLANTED, noise=NOISE)
    section("directions", "copies", head + "\n".join(rows))
    return 0


def _row(name: str) -> str:
    from vae import data
    from vae.checkpoint import load

    model = load(ROOT / "checkpoints" / name)
    source = model.card["data"]["name"]
    train, test = data.load(source, "train"), data.load(source, "test")
    began = time.perf_counter()
    lines, counts = zip(*(_counts(model, train, test, seed) for seed in range(SEEDS)), strict=True)
    cells = [f"{sum(hits for hits, _ in cell)} of {sum(of for _, of in cell):,}" for cell in zip(*counts, strict=True)]
    drawn = " to ".join(f"{end:.2f}" for end in (min(lines), max(lines)))
    return f"| {name} | {drawn} | {' | '.join(cells)} | {time.perf_counter() - began:.0f} |"


def _counts(model: "Checkpoint", train: "Images", test: "Images", seed: int) -> tuple[float, list[tuple[int, int]]]:
    """Where the line lies, and flagged, of how many, for each kind of picture."""
    from vae.batches import as_x, stored
    from vae.evaluate.pictures.copies import find_copies, fit_copies
    from vae.evaluate.pictures.quality import decoded, draw_codes

    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(test), generator=generator).numpy()
    known = fit_copies(train, test.take(order[: len(test) // 2]), generator)
    planted = train.take(np.sort(torch.randperm(len(train), generator=generator)[:PLANTED].numpy()))
    x = as_x(stored(planted))
    eps = torch.randn(x.shape, generator=generator)
    tried: list[Callable[[], Tensor]] = [
        lambda: x,
        lambda: (x + NOISE * eps).clamp(0, 1),
        lambda: (x + 2 * NOISE * eps).clamp(0, 1),
        lambda: torch.roll(x, (1, 1), (2, 3)),
        lambda: as_x(stored(test.take(order[len(test) // 2 :][:NEVER_SEEN]))),
        lambda: decoded(model.vae, draw_codes(model.vae, planted, generator)),
        lambda: decoded(model.vae, torch.randn(SAMPLES, model.config.latent_dim, generator=generator)),
    ]
    found = [find_copies(make(), known).copy for make in tried]
    return known.line, [(int(copies.sum()), len(copies)) for copies in found]
