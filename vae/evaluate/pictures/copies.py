"""Whether a picture is a copy of an image that the model learned from, one picture at a time.

A distance alone does not tell: smooth pictures lie near to everything. A copy lies much nearer to one image than to all
the others, so what is looked at is the distance to the nearest training image over that to the tenth nearest. How small
that ratio gets by chance, real images that the model never saw tell: below the line falls at most 1 in 100 of all there
could be, with a confidence of 99 % (in the spirit of Meehan et al. 2020, whose test is of all samples at once).

Pictures are compared small, averaged down to at most 16 pixels a side, and in nine places, moved by a pixel or not: a
copy with noise on it, or one moved by a pixel, is still a copy.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vae.batches import as_x, stored
from vae.data.images import Images
from vae.errors import VAEError

SIDE = 16  # pixels at most that are compared: more see finer, and take as many times longer
NEIGHBOUR = 10  # the nearest that is compared with the first
ALARMS = 0.01  # of real images that lie below the line, at most
SURE = 0.99  # how sure of that, as few tell where the line is
HELD_OUT = 2_000  # real images that tell where the line is
_BLOCK = 100  # pictures at once


@dataclass(frozen=True, eq=False)
class Copies:
    """Training images, ready to be compared with. Made by `fit_copies`.

    Attributes:
        small: (M, D) float32, each image averaged down. line: the ratio below which a picture is a copy.
        held_out: how many real images tell where it lies.
    """

    small: Tensor
    line: float
    held_out: int


@dataclass(frozen=True, eq=False)
class Nearest:
    """What was found for N pictures.

    Attributes:
        rows: (N,) the nearest training image. distance: (N,) root mean squared difference per pixel to it, 0 to 1.
        ratio: (N,) of that to the tenth nearest. copy: (N,) bool, whether it is below the line.
    """

    rows: Tensor
    distance: Tensor
    ratio: Tensor
    copy: Tensor


def fit_copies(train: Images, held_out: Images, generator: torch.Generator) -> Copies:
    """Have training images ready, and draw the line.

    Args:
        train: what the model learned from. held_out: real images that it did not learn from.
        generator: chooses at most 2,000 of those. More of them: the line lies better. Fewer than 459 cannot promise
            what they should: then a copy must be nearer than any of them.

    Raises:
        VAEError: fewer than 11 training or 20 held-out images, or shapes that differ.
    """
    if len(train) <= NEIGHBOUR or len(held_out) < 20 or train.shape != held_out.shape:
        raise VAEError(
            f"Copies are looked for among more than {NEIGHBOUR} training images, with 20 held-out ones of their shape: "
            f"there are {len(train):,} and {len(held_out):,}."
        )
    kept = stored(train)
    small = torch.cat([_small(as_x(part)).flatten(1) for part in kept.split(1000)])
    chosen = torch.randperm(len(held_out), generator=generator)[:HELD_OUT]
    ratio = _look(as_x(stored(held_out)[chosen]), small)[2].sort().values
    return Copies(small, float(ratio[_place(len(ratio))]), len(chosen))


def _place(count: int) -> int:
    """Which of `count` sorted ratios is the line: the largest that keeps the promise (Wilks 1941, tolerance limits).

    Of all images, the share below the k-th smallest of n is Beta(k, n - k + 1), so it is over ALARMS with the
    probability that a Binomial(n, ALARMS) is below k.
    """
    place, passed = 0, (1 - ALARMS) ** count
    term = passed
    while passed <= 1 - SURE:  # the probability with one more below the line
        place += 1
        term *= (count - place + 1) / place * ALARMS / (1 - ALARMS)
        passed += term
    return max(place - 1, 0)


def find_copies(x: Tensor, known: Copies) -> Nearest:
    """Compare pictures x (N, C, H, W) or (N, D), in [0, 1], with every training image."""
    rows, distance, ratio = _look(x, known.small)
    return Nearest(rows, distance, ratio, ratio < known.line)


def _look(x: Tensor, small: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Nearest row (N,), root mean squared difference (N,) and ratio (N,) of pictures among small ones (M, D)."""
    centre = small.mean(dim=0)  # |a - b|^2 is a small difference of large numbers
    small = small - centre
    lengths = small.square().sum(dim=1)  # (M,)
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    for part in x.split(_BLOCK):
        nearest: Tensor | None = None
        for moved in _moved(part):
            a = _small(moved).flatten(1) - centre
            squares = torch.addmm(lengths, a, small.T, alpha=-2).add_(a.square().sum(dim=1, keepdim=True))  # (B, M)
            nearest = squares if nearest is None else torch.minimum(nearest, squares, out=nearest)
        assert nearest is not None
        near = nearest.topk(NEIGHBOUR, largest=False)
        first, tenth = near.values[:, 0].clamp(min=0).sqrt(), near.values[:, -1].clamp(min=0).sqrt()
        ratio = first / tenth.clamp(min=1e-6)  # where all ten are the same picture, that is a copy, too
        found.append((near.indices[:, 0], first / small.shape[1] ** 0.5, ratio))
    rows, distance, ratio = (torch.cat(column) for column in zip(*found, strict=True))
    return rows, distance, ratio


def _small(x: Tensor) -> Tensor:
    if x.ndim == 2 or max(x.shape[2:]) <= SIDE:
        return x
    return F.avg_pool2d(x, -(-max(x.shape[2:]) // SIDE), ceil_mode=True, count_include_pad=False)


def _moved(x: Tensor) -> list[Tensor]:
    """The pictures in nine places, their edges drawn out; vectors stay where they are."""
    if x.ndim == 2:
        return [x]
    height, width = x.shape[2:]
    wide = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return [wide[:, :, down : down + height, right : right + width] for down in range(3) for right in range(3)]
