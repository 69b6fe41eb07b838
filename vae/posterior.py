"""q(z|x): what the encoder says about one image's code, as a small object."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vae.errors import VAEError


class Draws(Protocol):
    """What may stand in a generator's place: a process with a part of each batch takes its part of the draws."""

    def normal(self, shape: Sequence[int], device: torch.device, dtype: torch.dtype) -> Tensor: ...

    def uniform(self, shape: Sequence[int], device: torch.device, dtype: torch.dtype) -> Tensor: ...


Source = torch.Generator | Draws | None  # of every random number; None: torch's own generator of the device


def normal(shape: Sequence[int], source: Source, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """N(0, 1), drawn on the generator's own device and then moved. Here and in `uniform` is all chance of a step."""
    if source is not None and not isinstance(source, torch.Generator):
        return source.normal(shape, device, dtype)
    place = device if source is None else source.device
    return torch.randn(*shape, generator=source, device=place, dtype=dtype).to(device)


def uniform(shape: Sequence[int], source: Source, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Between 0 and 1, 1 left out, drawn as `normal` does."""
    if source is not None and not isinstance(source, torch.Generator):
        return source.uniform(shape, device, dtype)
    place = device if source is None else source.device
    return torch.rand(*shape, generator=source, device=place, dtype=dtype).to(device)


def reparameterize(mu: Tensor, logvar: Tensor, generator: Source) -> Tensor:
    """Draw z ~ N(mu, diag(exp(logvar))) so that the gradient reaches mu and logvar (Kingma and Welling 2013, eq. 10).

    Args:
        mu, logvar: (B, L).
        generator: source of eps ~ N(0, I); eps is drawn on the generator's own device, then moved.

    Returns:
        (B, L), z = mu + std * eps.
    """
    eps = normal(mu.shape, generator, mu.device, mu.dtype)  # (B, L)
    return mu + torch.exp(0.5 * logvar) * eps


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) of each latent dimension, in nats (Kingma and Welling 2013, appendix B).

    Args:
        mu, logvar: (B, L).

    Returns:
        (B, L), never below zero but for rounding, and never clamped: a negative value would be a bug worth seeing.
    """
    return -0.5 * (1 + logvar - mu.square() - logvar.exp())


def log_normal(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """log N(z; mu, exp(logvar)) of each number, in nats; shape as z. The prior: mu and logvar 0."""
    return -0.5 * (math.log(2 * math.pi) + logvar + (z - mu).square() * torch.exp(-logvar))


def log_prior(z: Tensor) -> Tensor:
    """(B,) log N(z; 0, I) in nats of z (B, L)."""
    return -0.5 * (math.log(2 * math.pi) + z.square()).sum(dim=1)


# What a plain autoencoder says where a VAE says log of the variance: lower than any Gaussian posterior may go, finite
# so that it survives float16, and exp(-15) is a spread that no picture shows.
POINT_LOGVAR = -30.0


@dataclass(frozen=True, eq=False)
class Posterior:
    """A diagonal Gaussian for each image of a batch.

    Attributes:
        mu: (B, L), the code.
        logvar: (B, L), log of the variance; POINT_LOGVAR of a point.
        point: a plain autoencoder's: all of q lies on mu. Its KL to the prior would be infinite and is not charged, so
            it counts as 0, and its density is refused.
    """

    mu: Tensor
    logvar: Tensor
    point: bool = False

    def __post_init__(self) -> None:
        if self.mu.shape != self.logvar.shape or self.mu.ndim != 2:
            raise VAEError(f"mu {tuple(self.mu.shape)} and logvar {tuple(self.logvar.shape)} must both be (B, L).")

    @property
    def std(self) -> Tensor:
        """(B, L), the spread of the code: exp(logvar / 2)."""
        return torch.exp(0.5 * self.logvar)

    def mode(self) -> Tensor:
        """(B, L), the most likely code: mu. Pictures of reconstructions use it."""
        return self.mu

    def sample(self, generator: Source) -> Tensor:
        """(B, L), one draw of z for each image. Likelihoods use it. Of a point: mu, and nothing is drawn."""
        if self.point:
            return self.mu
        return reparameterize(self.mu, self.logvar, generator)

    def log_prob(self, z: Tensor) -> Tensor:
        """(B,) log q(z|x) in nats of z (B, L), one for each image. VAEError: a point has no density."""
        if self.point:
            raise VAEError(
                "A plain autoencoder gives each image one code and no density over codes, so it has no likelihood: "
                "look at its reconstruction error, or choose a VAE."
            )
        return log_normal(z, self.mu, self.logvar).sum(dim=1)

    def kl_per_dim(self) -> Tensor:
        """(B, L) nats; 0 of a point, which is charged none."""
        if self.point:
            return torch.zeros_like(self.mu)
        return kl_divergence(self.mu, self.logvar)

    def kl(self) -> Tensor:
        """(B,) nats per image: the sum over dimensions."""
        return self.kl_per_dim().sum(dim=1)


def per_level(kl_per_dim: Tensor, levels: Sequence[int]) -> Tensor:
    """KL of each latent (..., L) to the KL of each level (..., levels), nats, the most abstract level first.

    In codes as they are kept, each in units of the prior given the levels above, this is KL(q || p) of the level on the
    path that was drawn.
    """
    return torch.stack([part.sum(dim=-1) for part in kl_per_dim.split(list(levels), dim=-1)], dim=-1)
