"""A - B + C with known answers: A and B are one drawn face with and without a feature, C is another face.

The answer is C as it would be drawn with A's feature. The result is decoded and read from its pixels, and the nearest
of the 12,000 drawn training faces is looked up: by the code that the model gives the result's picture, since sums of
codes leave the places where codes of pictures are; and, for comparison, by the sum itself and by pixels.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.report import measured_on, section
from vae import checkpoint, data
from vae.batches import as_x
from vae.data import faces
from vae.data.images import Images
from vae.encodings import encode
from vae.evaluate.estimate import share
from vae.evaluate.moves.regressors import reader_for
from vae.explore.directions.steps import analogy

COMMAND = "python -m benchmarks.directions analogies"
FOLDER = Path(__file__).resolve().parents[2] / "checkpoints" / "faces-fair"
FEATURES = ("smile", "glasses", "hat", "long_hair", "dark_hair")
BAR = 0.85


def triples(count: int, seed: int) -> tuple[list[list[faces.FaceFactors]], list[str]]:
    """A, B, C and the answer, `count` of each, of held-out faces, and the features, which come or go by turns."""
    generator = np.random.default_rng(seed)
    drawn = faces.factors("test", generator.permutation(faces.TEST_SIZE)[: 2 * count], fair=True)
    asked = [FEATURES[place % len(FEATURES)] for place in range(count)]
    rows = []
    for place, name in enumerate(asked):
        one, other, value = drawn[2 * place], drawn[2 * place + 1], (place // len(FEATURES)) % 2
        has, lacks = ({name: value}, {name: 1 - value})
        rows.append([replace(one, **has), replace(one, **lacks), replace(other, **lacks), replace(other, **has)])
    return [list(column) for column in zip(*rows, strict=True)], asked


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Analogies between drawn faces, with known answers.")
    parser.add_argument("--triples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    model = checkpoint.load(FOLDER)
    train, test = (data.load("faces-fair", split) for split in ("train", "test"))
    reader = reader_for("faces-fair", train, test, seed=options.seed)
    (a, b, c, answer), asked = triples(options.triples, options.seed)
    with torch.inference_mode():
        codes = [model.vae.encode(_x(faces.draw_many(column))).mu.numpy() for column in (a, b, c, answer)]
        wished = np.stack([analogy(*row) for row in zip(*codes[:3], strict=True)])
        pictures = model.vae.decode(torch.from_numpy(wished))
        seen = model.vae.encode(pictures).mu
    said, truth = reader.read(pictures), faces.attributes(answer)
    binary = reader.binary
    columns = np.array([FEATURES.index(name) for name in asked])
    rows = np.arange(len(asked))
    right = (said > 0.5)[:, binary] == (truth[:, binary] > 0.5)  # (N, 5)
    gallery = torch.from_numpy(encode(model.vae, train).mu)
    places = [_nearest(codes, gallery) for codes in (seen, torch.from_numpy(wished))]
    places.append(_nearest_pictures(pictures, train))
    assert train.attributes is not None
    has, summed, looks = (train.attributes[place][rows, columns] == truth[rows, columns] for place in places)
    off = np.sqrt(np.square(wished - codes[3]).sum(axis=1).mean() / np.square(codes[2] - codes[3]).sum(axis=1).mean())
    figures = [share(int(one.sum()), len(one)) for one in (right[rows, columns], has, summed, looks, right.all(axis=1))]
    missed = [figure for figure in figures[:2] if figure.value < BAR]
    by = ", ".join(f"{name} {right[rows, columns][columns == place].mean():.0%}" for place, name in enumerate(FEATURES))
    page = f"""## Analogies

{measured_on(f"{COMMAND} -- --triples {options.triples}")} `faces-fair`, {options.triples} drawn triples A - B + C: A \
and B are one held-out face with and without a feature (or without and with it), C is another. Read from the pixels of \
the decoded result; nearest of {len(train):,} drawn training faces. Bar: {BAR:.0%} for the first two. \
{"Missed." if missed else "Met."}

| | share, 95 % interval |
|---|---|
| the result has the feature as it should | {figures[0].phrase(".1%")} |
| the drawn face nearest by the code of its picture has it so, too | {figures[1].phrase(".1%")} |
| the drawn face nearest by the sum itself | {figures[2].phrase(".1%")} |
| the drawn face nearest by pixels | {figures[3].phrase(".1%")} |
| all five yes-or-no features of the result are right | {figures[4].phrase(".1%")} |

By feature: {by}. The code of the result lies {off:.2f} times as far from that of the answer as C does.
"""
    section("directions", "analogies", page)
    return int(bool(missed))


def _x(pixels: np.ndarray) -> torch.Tensor:
    return as_x(torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).contiguous())


def _nearest(asked: torch.Tensor, known: torch.Tensor) -> np.ndarray:
    """(N,) rows of the known pictures (M, D) nearest to (N, D)."""
    lengths = known.square().sum(dim=1)
    found: np.ndarray = (lengths - 2 * asked @ known.T).argmin(dim=1).numpy()
    return found


def _nearest_pictures(asked: torch.Tensor, known: Images) -> np.ndarray:
    """(N,) rows of the images nearest to pictures (N, C, H, W) by squared error, some at a time."""
    best, found = torch.full((len(asked),), torch.inf), np.zeros(len(asked), np.int64)
    flat = asked.flatten(1)
    for start in range(0, len(known), 1000):
        part = _x(known.pixels[start : start + 1000]).flatten(1)
        off, place = (part.square().sum(dim=1) - 2 * flat @ part.T).min(dim=1)
        nearer = off < best
        best, found[nearer.numpy()] = torch.where(nearer, off, best), start + place[nearer].numpy()
    return found
