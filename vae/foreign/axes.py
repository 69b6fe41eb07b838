"""A long code through its principal axes (Pearson 1901): what a person can turn of a code of thousands of numbers.

An autoencoder of latent diffusion has a small picture as its code, 4,096 numbers and more, of which neighbours say the
same. Its means for many images are laid out along the directions in which they differ most; a code is then a number for
each of the first axes, in standard deviations of those images: 0 is their mean, and 3 is far out.
"""

import torch
from torch import Tensor, nn

from vae.errors import VAEError

LEAST = 1e-6  # standard deviation of an axis below which it says nothing


class Axes(nn.Module):
    """Long codes (B, D) to short ones (B, L) and back.

    Args:
        length: D.
        count: L.
    """

    mean: Tensor
    across: Tensor
    spread: Tensor

    @property
    def count(self) -> int:
        """L."""
        return len(self.spread)

    def __init__(self, length: int, count: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("across", torch.zeros(count, length))  # rows of length 1
        self.register_buffer("spread", torch.ones(count))

    def short(self, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar (B, D) to those along the axes, (B, L): the spread of each number is carried along."""
        along = (mu - self.mean) @ self.across.T / self.spread
        variance = logvar.exp() @ self.across.square().T / self.spread.square()
        return along, variance.clamp(min=1e-12).log()

    def long(self, z: Tensor) -> Tensor:
        """z (B, L) to the whole code (B, D) that has the mean everywhere else."""
        return self.mean + (z * self.spread) @ self.across


def fit(means: Tensor, count: int) -> tuple[Axes, float]:
    """The axes along which N codes differ most.

    Args:
        means: (N, D) float32, of many different images.
        count: how many axes, at most; fewer where there are not that many images.

    Returns:
        The axes, the one that varies most first, each pointing where its largest number is above zero; and the share of
        the variance of the codes that lies along them, 0 to 1.

    Raises:
        VAEError: fewer than three images, or codes that are all the same.
    """
    if len(means) < 3:
        raise VAEError("Principal axes need at least three images: choose a larger data set.")
    mean = means.mean(dim=0)
    away = (means - mean).double()  # (N, D)
    # The smaller of the two matrices of products: N by N where codes are longer than images are many.
    wide = away.shape[1] > away.shape[0]
    values, vectors = torch.linalg.eigh(away @ away.T if wide else away.T @ away)  # ascending
    values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
    spread = (values / (len(means) - 1)).sqrt()
    count = min(count, int((spread > max(LEAST, 1e-7 * float(spread[0]))).sum()), len(means) - 1)
    if count < 1:
        raise VAEError("All these images have the same code in this model: choose other data.")
    across = (away.T @ vectors[:, :count] if wide else vectors[:, :count]).T  # (L, D)
    across = across / across.norm(dim=1, keepdim=True)
    top = across.gather(1, across.abs().argmax(dim=1, keepdim=True))
    axes = Axes(means.shape[1], count)
    axes.mean, axes.across, axes.spread = mean, (across * top.sign()).float(), spread[:count].float()
    return axes, float(values[:count].sum() / values.sum())
