"""Test digits drawn with the pen: do they land among their own kind?

Each of 200 MNIST test digits is turned into strokes: enlarged, thinned to a line (Zhang and Suen 1984), and the line
followed from end to end. The strokes are moved and resized at random, as nobody fills the pad exactly, and drawn with
the pad's round pen. From there it goes as it does in the app: `vae.explore.drawing.centred`, the model's encoder, and
the nearest encodings among all images of the model except the digit itself. The digit as MNIST has it goes the same
way, for comparison. Scaling each digit with the pen's width left alone makes thin and thick pictures of it.

`strokes` and `ink` are for whoever wants a browser to draw them.
"""

import argparse
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw

from benchmarks.report import measured_on, section
from live.engine import SHIPPED
from vae import data
from vae.checkpoint import load
from vae.encodings import load_encodings
from vae.explore.drawing import PEN_WIDTH, centred
from vae.explore.neighbours import nearest

COMMAND = "python -m benchmarks.live pen"
BAR = 0.85  # right class among the 5 nearest
SIDE = 112  # pixels of the ink that a pad sends
_FINE = 4  # times finer it is drawn, for smooth edges

Strokes = list[np.ndarray]


# ---- from a picture to strokes -------------------------------------------------------------------------------------


def strokes(digit: np.ndarray) -> Strokes:
    """A digit (28, 28) uint8 as a pen would have drawn it: polylines (n, 2) of x, y as shares of the picture's side."""
    large = np.asarray(Image.fromarray(digit).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    lines = _follow(thinned(large > 127))
    return [(_smooth(line) + 0.5) / SIDE for line in lines]


def thinned(shape: np.ndarray) -> np.ndarray:
    """A shape (H, W) bool worn down to lines one pixel wide, without breaking it (Zhang and Suen 1984)."""
    shape = np.pad(shape, 1)
    while True:
        before = shape.sum()
        for corner in (0, 1):
            p = _around(shape)  # (8, H, W), from north clockwise
            count = p.sum(axis=0)
            steps = (~p & np.roll(p, -1, axis=0)).sum(axis=0)  # from paper to ink, once round
            north, east, south, west = p[::2]
            if corner == 0:
                outer = ~(north & east & south) & ~(east & south & west)
            else:
                outer = ~(north & east & west) & ~(north & south & west)
            shape = shape & ~((count >= 2) & (count <= 6) & (steps == 1) & outer)
        if shape.sum() == before:
            return shape[1:-1, 1:-1]


def _around(shape: np.ndarray) -> np.ndarray:
    shifts = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
    return np.stack([np.roll(shape, shift, axis=(0, 1)) for shift in shifts])


def _follow(line: np.ndarray) -> Strokes:
    """The pixels of thin lines as polylines (n, 2) of x, y: from loose ends first, then whatever is left."""
    left = {(int(x), int(y)) for y, x in np.argwhere(line)}
    every = set(left)
    found: Strokes = []
    while left:
        ends = [pixel for pixel in left if len(_beside(pixel, every)) == 1]
        branches = [pixel for pixel in left if len(_beside(pixel, left)) < len(_beside(pixel, every))]
        start = min(ends or branches or left)
        path = [*_beside(start, every - left)[:1], start]  # a branch begins on the line it leaves
        left.discard(start)
        while step := _beside(path[-1], left):
            path.append(min(step, key=lambda pixel: _turn(path, pixel)))
            left.discard(path[-1])
        joint = [pixel for pixel in _beside(path[-1], every) if pixel not in path[-3:]]
        found.append(np.array(path + joint[:1], float))
    return found


def _beside(pixel: tuple[int, int], among: set[tuple[int, int]]) -> list[tuple[int, int]]:
    x, y = pixel
    steps = ((0, -1), (1, 0), (0, 1), (-1, 0), (1, -1), (1, 1), (-1, 1), (-1, -1))  # the straight ones first
    return [(x + dx, y + dy) for dx, dy in steps if (x + dx, y + dy) in among]


def _turn(path: list[tuple[int, int]], pixel: tuple[int, int]) -> float:
    """How far from straight on a next pixel lies, seen from a few pixels back."""
    back = path[max(0, len(path) - 6)]
    along = np.subtract(path[-1], back)
    return -float(along @ np.subtract(pixel, path[-1])) / float(np.hypot(*np.subtract(pixel, path[-1])))


def _smooth(line: np.ndarray, reach: int = 3) -> np.ndarray:
    """Without the stairs of the pixels; the ends stay."""
    return np.stack([line[max(0, i - w) : i + w + 1].mean(axis=0) for i, w in _widths(len(line), reach)])


def _widths(count: int, reach: int) -> list[tuple[int, int]]:
    return [(i, min(reach, i, count - 1 - i)) for i in range(count)]


# ---- from strokes to ink -------------------------------------------------------------------------------------------


def placed(lines: Strokes, size: float, middle: np.ndarray) -> Strokes:
    """Strokes with the longer side of their box `size` long and their box around `middle`, as shares of the pad."""
    every = np.concatenate(lines)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = size / max((high - low).max(), 1 / SIDE)
    return [(line - (low + high) / 2) * scale + middle for line in lines]


def ink(lines: Strokes, pen: float = PEN_WIDTH) -> np.ndarray:
    """What the pad sends: strokes drawn with a round pen, (112, 112) uint8, 0 paper to 255 ink."""
    side = SIDE * _FINE
    sheet = Image.new("L", (side, side))
    brush = ImageDraw.Draw(sheet)
    radius = pen * side / 2
    for line in lines:
        dots = [(float(x), float(y)) for x, y in line * side - 0.5]
        brush.line(dots, fill=255, width=max(1, round(2 * radius)))
        for x, y in dots:
            brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(sheet.reduce(_FINE))


# ---- where it lands ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Landed:
    """Of the digits, the share whose class is that of the nearest encoding, and among the 5 nearest."""

    nearest: float
    among_5: float


def landed(name: str, drawings: np.ndarray, rows: np.ndarray) -> Landed:
    """Where drawings (N, H, W) of the test images `rows` land in a model, the images themselves left out."""
    encodings = load_encodings(SHIPPED / name)
    assert encodings.labels is not None
    x = np.stack([centred(drawing) for drawing in drawings]).astype(np.float32)[:, None] / 255
    with torch.inference_mode():
        z = load(SHIPPED / name, "cpu").vae.encode(torch.from_numpy(x)).mu.numpy()
    right = np.zeros((len(rows), 5), bool)
    near = nearest(encodings.mu, z, 6).rows
    for i, row in enumerate(rows):
        own = encodings.row_of(f"test/{row}")
        assert own is not None
        others = [other for other in near[i] if other != own][:5]
        right[i] = encodings.labels[others] == encodings.labels[own]
    return Landed(float(right[:, 0].mean()), float(right.any(axis=1).mean()))


def some_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows of the MNIST test set, the digits (count, 28, 28) uint8)."""
    images = data.load("mnist", "test")
    rows = np.sort(np.random.default_rng(seed).choice(len(images), count, replace=False))
    return rows, np.asarray(images.pixels)[rows].reshape(count, 28, 28)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Digits drawn with the pen: where do they land?")
    parser.add_argument("--digits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pen", type=float, nargs="+", default=[PEN_WIDTH], help="width, as a share of the pad's side")
    parser.add_argument("--sizes", type=float, nargs=2, default=[0.5, 0.8], help="of the drawing, shares of the pad")
    asked = parser.parse_args(arguments)
    rows, digits = some_digits(asked.digits, asked.seed)
    generator = np.random.default_rng(asked.seed)
    lines = []
    for digit in digits:
        size = generator.uniform(*asked.sizes)
        room = (1 - size - max(asked.pen)) / 2
        lines.append(placed(strokes(digit), size, 0.5 + generator.uniform(-room, room, 2)))
    table = [
        "## The pen",
        "",
        measured_on(COMMAND),
        f"{asked.digits} MNIST test digits as pen strokes, {asked.sizes[0]:.0%} to {asked.sizes[1]:.0%} of the pad "
        "high or wide, anywhere on it; the images themselves left out.",
        "",
        "| model | drawing | class of the nearest | class among the 5 nearest |",
        "|---|---|---|---|",
    ]
    passed = True
    for name in ("mnist", "mnist-2d"):
        for pen in asked.pen:
            found = landed(name, np.stack([ink(line, pen) for line in lines]), rows)
            passed &= found.among_5 >= BAR
            words = f"pen, {pen:.1%} of the side wide"
            table.append(f"| {name} | {words} | {found.nearest:.1%} | {found.among_5:.1%} |")
        found = landed(name, digits, rows)
        table.append(f"| {name} | as MNIST has it | {found.nearest:.1%} | {found.among_5:.1%} |")
    table += ["", f"Bar: the right class among the 5 nearest in {BAR:.0%}. {'Met.' if passed else '**Not met.**'}"]
    section("live", "pen", "\n".join(table))
    return 0 if passed else 1
