"""How near pictures that a model made come to real ones, in what a judge sees and in the pixels themselves."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vae.errors import VAEError

NEIGHBOURS = 3  # that make the radius of a ball (Kynkaanniemi et al. 2019)
_BLOCK = 2**24  # distances held at once: 64 MB


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean (D,) and covariance (D, D) of the features of `count` pictures, float64."""

    mean: Tensor
    covariance: Tensor
    count: int


def moments(features: Tensor) -> Moments:
    """Mean and covariance of features (N, D), over at least D + 1 pictures: fewer leave it singular.

    Raises:
        VAEError: too few.
    """
    count, width = features.shape
    if count <= width:
        raise VAEError(f"A Frechet distance in {width} features needs more than {width} pictures: got {count}.")
    features = features.double()
    return Moments(features.mean(dim=0), torch.cov(features.T).reshape(width, width), count)


def frechet(a: Moments, b: Moments) -> float:
    """The Frechet distance of two Gaussians, squared as is the custom (Heusel et al. 2017, eq. 6; Dowson 1982).

    |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^1/2). Estimated from N pictures it is too large, by about a constant over N
    (Chong and Forsyth 2020): figures compare at the same N only, and as many real images do not reach 0.
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T  # (D, D), the root of A
    cross = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp(min=0).sqrt().sum()  # tr (A B)^1/2, symmetric
    spread = a.covariance.trace() + b.covariance.trace() - 2 * cross
    return float((a.mean - b.mean).square().sum() + spread)


@dataclass(frozen=True, eq=False)
class Manifold:
    """Where pictures lie: a ball around the features of each, that reaches to its third nearest other one.

    Attributes:
        features: (N, D). radii: (N,), both float64.
    """

    features: Tensor
    radii: Tensor

    def holds(self, features: Tensor) -> Tensor:
        """(M,) bool: which of the features (M, D) lie in one of the balls."""
        near = [(part <= self.radii).any(dim=1) for part in _distances(features.double(), self.features)]
        return torch.cat(near)


def manifold(features: Tensor, k: int = NEIGHBOURS) -> Manifold:
    """The balls of Kynkaanniemi et al. 2019, eq. 1.

    Args:
        features: (N, D), N more than k.
        k: which neighbour the ball reaches to. More: larger balls, and everything lies in one.

    Raises:
        VAEError: too few.
    """
    if len(features) <= k:
        raise VAEError(
            f"Precision and recall look at the {k} nearest pictures: give more than {k}, not {len(features)}."
        )
    features = features.double()
    reach = [part.topk(k + 1, largest=False).values[:, -1] for part in _distances(features, features)]  # itself is one
    return Manifold(features, torch.cat(reach))


def precision_recall(real: Manifold, made: Manifold) -> tuple[float, float]:
    """Share of made pictures that lie where real ones do, and of real ones that lie where made ones do (eq. 2)."""
    precision, recall = real.holds(made.features), made.holds(real.features)
    return float(precision.double().mean()), float(recall.double().mean())


def sharpness(x: Tensor) -> Tensor:
    """The variance of the Laplacian over the pixels of each picture (Pech-Pacheco et al. 2000): more, sharper.

    Args:
        x: (N, C, H, W) in [0, 1]. Noise counts as sharp, too: look at it beside precision.

    Returns:
        (N,).
    """
    kernel = x.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(x, kernel, groups=x.shape[1]).flatten(1).var(dim=1, correction=0)


def nearest(x: Tensor, known: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The k nearest known images of each picture, by the distance over pixels.

    Args:
        x: (N, ...) float32. known: (M, ...) of the same shape, M at least k.

    Returns:
        rows (N, k) of `known`, the nearest first, and distances (N, k).
    """
    parts = [part.topk(k, largest=False) for part in _distances(x.flatten(1), known.flatten(1))]
    return torch.cat([part.indices for part in parts]), torch.cat([part.values for part in parts])


def copied(x: Tensor, train: Tensor, held_out: Tensor) -> float:
    """How many more pictures look like copies of images that the model learned from than of images it never saw.

    A picture looks like a copy of its nearest image where it lies closer to it than that image's own nearest one does
    (Alaa et al. 2022, authenticity). Smooth pictures lie close to everything, and look like copies of held-out images
    as often: only what is beyond that tells. The difference of the two shares: about 0 where nothing is copied (below
    it by chance), and at most as large as the share that is.

    Args:
        x: (N, ...) pictures. train, held_out: (M, ...), (K, ...) images, at least 2 of each. More: more
            copies are seen.
    """
    return _suspected(x, train) - _suspected(x, held_out)


def _suspected(x: Tensor, images: Tensor) -> float:
    rows, distances = nearest(x, images)
    near, where = rows[:, 0].unique(return_inverse=True)
    reach = nearest(images[near], images, k=2)[1][:, 1]  # the nearest of all is the image itself
    return float((distances[:, 0] < reach[where]).double().mean())


def _distances(a: Tensor, b: Tensor) -> Iterator[Tensor]:
    """Distances of rows of a (N, D) to all of b (M, D), some rows at a time."""
    centre = b.mean(dim=0)  # |a - b|^2 is a small difference of large numbers
    a, b = a - centre, b - centre
    lengths = b.square().sum(dim=1)  # (M,)
    for part in a.split(max(1, _BLOCK // len(b))):
        squares = torch.addmm(lengths, part, b.T, alpha=-2) + part.square().sum(dim=1, keepdim=True)
        yield squares.clamp(min=0).sqrt()
