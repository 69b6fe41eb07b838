"""What `vae.explore.density` finds unusual, and what it misses, for every model that ships.

The held-out images are split in halves at random, five times. It is calibrated on one half (with the training images as
they are) and asked about:

* the **other half**: 95 of 100 should read as usual;
* the same codes at **3 times** their length: hardly any should;
* codes of **another data set**'s test images: Fashion-MNIST for the digits, MNIST for the clothes and the faces (for
  these each pixel becomes 2 x 2, with a margin of 4, the same in red, green and blue);
* draws from **N(0, I)**, codes **halfway to the average** (half the length), **mixtures** (the mean of two images'
  codes), and **z = 0**: no bar, only told.

Milliseconds are for one code, asked alone.
"""

import argparse
import time
from statistics import median

import numpy as np
import torch

from benchmarks.report import measured_on, section
from live.engine import FIRST, SHIPPED
from vae import data
from vae.checkpoint import load
from vae.encodings import load_encodings
from vae.explore.density import Unusual, fit_density, unusual

COMMAND = "python -m benchmarks.live unusual"
OTHER = {"mnist": "fashion-mnist", "mnist-2d": "fashion-mnist"}  # for the others MNIST
ASKED = 2000  # codes of each kind
USUAL, LONG, FOREIGN = (0.93, 0.97), 0.99, 0.80  # the bars

KINDS = ("other half", "3 times", "another data set", "N(0, I)", "half the length", "mean of two")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="What reads as unusual, model by model.")
    parser.add_argument("--models", nargs="+", default=list(FIRST))
    parser.add_argument("--halves", type=int, default=5)
    asked = parser.parse_args(arguments)
    lines = [
        "## How unusual a code is",
        "",
        measured_on(COMMAND),
        "Of 100 codes, how many read as unusual (strange + too close to the average); medians over "
        f"{asked.halves} random halves. For the other half: how many read as usual, lowest to highest in brackets.",
        "",
        "| model | other half: usual | 3 times the length | another data set | N(0, I) | half the length | mean of two "
        "| z = 0 | ms for one |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    missed: list[str] = []
    for name in asked.models:
        lines.append(f"| {name} | {' | '.join(_model(name, asked.halves, missed))} |")
    lines += [
        "",
        f"Bars: usual {USUAL[0]:.0%} to {USUAL[1]:.0%}; at 3 times the length at least {LONG:.0%} unusual; of another "
        f"data set at least {FOREIGN:.0%}. " + (f"**Missed: {'; '.join(missed)}.**" if missed else "All met."),
    ]
    section("live", "unusual", "\n".join(lines))
    return 1 if missed else 0


def _model(name: str, halves: int, missed: list[str]) -> list[str]:
    """The cells of one model; what is below its bar is added to `missed`."""
    foreign = _foreign(name)
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    zeros: list[Unusual] = []
    taken: list[float] = []
    for seed in range(halves):
        for kind, said in _asked(name, seed, foreign, taken).items():
            if kind == "z = 0":
                zeros += said
            else:
                found[kind].append(_shares(said))

    usual = [1 - strange - plain for strange, plain in found["other half"]]
    cells = [f"{100 * median(usual):.1f} ({100 * min(usual):.1f} to {100 * max(usual):.1f})"]
    if not USUAL[0] <= median(usual) <= USUAL[1]:
        missed.append(f"{name}, usual {median(usual):.1%}")
    for kind in KINDS[1:]:
        strange, plain = (100 * median(side) for side in zip(*found[kind], strict=True))
        together = median(sum(sides) for sides in found[kind])
        cells.append(f"{100 * together:.1f} ({strange:.1f} + {plain:.1f})")
        bar = {"3 times": LONG, "another data set": FOREIGN}.get(kind, 0)
        if together < bar:
            missed.append(f"{name}, {kind} {together:.1%}")
    middle = sorted(zeros, key=lambda said: said.percentile)[len(zeros) // 2]
    return [*cells, middle.sentence, f"{median(taken):.2f}"]


def _asked(name: str, seed: int, foreign: np.ndarray, taken: list[float]) -> dict[str, tuple[Unusual, ...]]:
    """What is said of each kind of code, calibrated on one half of the held-out images."""
    encodings = load_encodings(SHIPPED / name)
    generator = np.random.default_rng(seed)
    held_out = generator.permutation(np.flatnonzero(encodings.split == 1))
    half, other = np.split(held_out, 2)
    known = np.concatenate([np.flatnonzero(encodings.split == 0), half])
    density = fit_density(encodings.mu[known], encodings.split[known], generator=generator)
    z = encodings.mu[other[:ASKED]]
    kinds = {
        "other half": encodings.mu[other],
        "3 times": 3 * z,
        "N(0, I)": generator.standard_normal((ASKED, z.shape[1]), dtype=np.float32),
        "half the length": z / 2,
        "mean of two": (z + generator.permutation(z)) / 2,
        "another data set": foreign,
        "z = 0": np.zeros_like(z[:1]),
    }
    said = {kind: unusual(density, codes) for kind, codes in kinds.items()}
    for code in z[:200]:
        started = time.perf_counter()
        unusual(density, code[None])
        taken.append(1e3 * (time.perf_counter() - started))
    return said


def _foreign(name: str) -> np.ndarray:
    """Codes of another data set's test images, (ASKED, L)."""
    vae = load(SHIPPED / name, "cpu").vae
    images = data.load(OTHER.get(name, "mnist"), "test", limit=ASKED)
    x = np.asarray(images.pixels).reshape(ASKED, 1, 28, 28).astype(np.float32) / 255
    if vae.config.shape == (3, 64, 64):
        x = np.pad(x.repeat(2, axis=2).repeat(2, axis=3), ((0, 0), (0, 0), (4, 4), (4, 4))).repeat(3, axis=1)
    with torch.inference_mode():
        return np.concatenate([vae.encode(torch.from_numpy(part)).mu.numpy() for part in np.split(x, 10)])


def _shares(said: tuple[Unusual, ...]) -> tuple[float, float]:
    """(strange, too close to the average), as shares of the codes."""
    strange = np.mean([not each.usual and each.percentile > 50 for each in said])
    plain = np.mean([not each.usual and each.percentile < 50 for each in said])
    return float(strange), float(plain)
