"""q(z|x): what the encoder says about one image's code, as a small object."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vae.errors import VAEError


def reparameterize(mu: Tensor, logvar: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw z ~ N(mu, diag(exp(logvar))) so that the gradient reaches mu and logvar (Kingma and Welling 2013, eq. 10).

    Args:
        mu, logvar: (B, L).
        generator: source of eps ~ N(0, I); eps is drawn on the generator's own device, then moved.

    Returns:
        (B, L), z = mu + std * eps.
    """
    place = mu.device if generator is None else generator.device
    eps = torch.randn(mu.shape, generator=generator, device=place, dtype=mu.dtype).to(mu.device)  # (B, L)
    return mu + torch.exp(0.5 * logvar) * eps


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) of each latent dimension, in nats (Kingma and Welling 2013, appendix B).

    Args:
        mu, logvar: (B, L).

    Returns:
        (B, L), never below zero but for rounding, and never clamped: a negative value would be a bug worth seeing.
    """
    return -0.5 * (1 + logvar - mu.square() - logvar.exp())


@dataclass(frozen=True, eq=False)
class Posterior:
    """A diagonal Gaussian for each image of a batch.

    Attributes:
        mu: (B, L), the code.
        logvar: (B, L), log of the variance.
    """

    mu: Tensor
    logvar: Tensor

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

    def sample(self, generator: torch.Generator | None) -> Tensor:
        """(B, L), one draw of z for each image. Likelihoods use it."""
        return reparameterize(self.mu, self.logvar, generator)

    def kl_per_dim(self) -> Tensor:
        """(B, L) nats."""
        return kl_divergence(self.mu, self.logvar)

    def kl(self) -> Tensor:
        """(B,) nats per image: the sum over dimensions."""
        return self.kl_per_dim().sum(dim=1)
