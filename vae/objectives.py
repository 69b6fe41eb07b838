"""What is minimised: the negative ELBO, its two terms, and the reductions that other people's recipes give it.

Every term is first written per image, in nats, summed over pixels and over latents; the reductions of a config are
applied in one visible place, `reduce_loss`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from vae.config import Config
from vae.likelihoods import binarise, recon_nll
from vae.model import VAE, Output


@dataclass(frozen=True)
class KLTerm:
    """What the KL costs in one step.

    Attributes:
        beta: its weight (Higgins 2017), before the recipe's reductions.
        capacity: nats: the distance |KL - capacity| is charged instead of the KL (Burgess 2018, eq. 8). None: the KL.
        free_bits: nats of each latent that cost nothing, on the mean over the batch (Kingma 2016, eq. 15).
    """

    beta: float
    capacity: float | None = None
    free_bits: float = 0.0


def reduce_loss(config: Config, recon: Tensor, kl_per_dim: Tensor, kl_term: KLTerm | None = None) -> Tensor:
    """recon (B,) and kl_per_dim (B, L), both in nats, to the scalar that the config's recipe minimises.

    The ELBO sums over pixels and latents and averages over the batch. A mean over pixels divides the first term by
    their number, a mean over latents divides the second by theirs: see `effective_beta` for what that does.
    """
    if config.recon_reduction == "mean":
        recon = recon / config.pixels
    kl = kl_per_dim.mean(dim=1) if config.kl_reduction == "mean" else kl_per_dim.sum(dim=1)
    per_image = recon + (kl_term or KLTerm(config.beta)).beta * kl  # (B,)
    return per_image.sum() if config.batch_reduction == "sum" else per_image.mean()


def effective_beta(config: Config) -> float:
    """The beta that gives the same optimum when both terms are in nats per image.

    Means over pixels weigh the KL up by the number of pixels, means over latents weigh it down by latent_dim: the
    `keras` recipe on MNIST says 1 and means 39.2.
    """
    over_pixels = config.pixels if config.recon_reduction == "mean" else 1
    over_latents = config.latent_dim if config.kl_reduction == "mean" else 1
    return config.beta * over_pixels / over_latents


@dataclass(frozen=True, eq=False)
class Loss:
    """The parts of one evaluation of the loss.

    Attributes:
        total: scalar, what is minimised, with the config's own reductions.
        recon_nll: (B,) nats per image.
        kl_per_dim: (B, L) nats.
        output: the pass that it was computed from.
    """

    total: Tensor
    recon_nll: Tensor
    kl_per_dim: Tensor
    output: Output

    @property
    def kl(self) -> Tensor:
        """(B,) nats per image."""
        return self.kl_per_dim.sum(dim=1)

    @property
    def elbo(self) -> Tensor:
        """(B,) nats per image, at beta 1 whatever was trained: -(recon_nll + kl)."""
        return -(self.recon_nll + self.kl)


def loss(vae: VAE, x: Tensor, generator: torch.Generator | None, kl_term: KLTerm | None = None) -> Loss:
    """The negative ELBO of a batch, z drawn from q by `generator` (Kingma and Welling 2013, eq. 7; beta: Higgins 2017).

    Args:
        x: (B, *shape) float32 in [0, 1]. With dynamic binarisation each pixel is drawn afresh here, in test as in
            training, and the encoder sees the draw.
        kl_term: what the KL costs; None: `config.beta`, nothing else.
    """
    if vae.config.binarise == "dynamic":
        x = binarise(x, generator)
    output = vae(x, generator)
    recon = recon_nll(vae, output.x_params, x)
    kl_per_dim = output.posterior.kl_per_dim()
    return Loss(reduce_loss(vae.config, recon, kl_per_dim, kl_term), recon, kl_per_dim, output)
