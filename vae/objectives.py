"""What is minimised: the negative ELBO, its two terms, and the reductions that other people's recipes give it.

Every term is first written per image, in nats, summed over pixels and over latents; the reductions of a config are
applied in one visible place, `reduce_loss`.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vae.config import Config
from vae.model import VAE, Output

# A floor under the learned standard deviation: exp(-5) is 1.7 grey levels of 255, finer than a pixel can say.
LOG_STD_FLOOR = -5.0


def bernoulli_nll(x_logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x|z) of independent Bernoulli pixels (Kingma and Welling 2013, appendix C.1).

    Args:
        x_logits, x: (B, *shape); x in [0, 1]. With x strictly between 0 and 1 this is a pseudo-likelihood.

    Returns:
        (B,) nats per image.
    """
    return F.binary_cross_entropy_with_logits(x_logits, x, reduction="none").flatten(1).sum(dim=1)


def squared_error(x_mean: Tensor, x: Tensor) -> Tensor:
    """Sum of squared differences, (B,): a Gaussian's negative log-likelihood with variance 1/2, up to a constant."""
    return (x_mean - x).square().flatten(1).sum(dim=1)


def gaussian_nll(x_mean: Tensor, x: Tensor, log_std: Tensor) -> Tensor:
    """-log p(x|z) of Gaussian pixels with one shared standard deviation (Rybkin et al. 2021, eq. 4).

    Args:
        x_mean, x: (B, *shape).
        log_std: scalar.

    Returns:
        (B,) nats per image. A density: it can be negative.
    """
    log_std = log_std.clamp(min=LOG_STD_FLOOR)
    per_pixel = 0.5 * ((x_mean - x) / log_std.exp()).square() + log_std + 0.5 * math.log(2 * math.pi)
    return per_pixel.flatten(1).sum(dim=1)


def recon_nll(vae: VAE, x_params: Tensor, x: Tensor) -> Tensor:
    """The reconstruction term under the model's own likelihood, (B,) nats per image."""
    if vae.config.likelihood == "bernoulli":
        return bernoulli_nll(x_params, x)
    if vae.config.likelihood == "gaussian":
        return gaussian_nll(x_params, x, vae.log_std)
    return squared_error(x_params, x)


def reduce_loss(config: Config, recon: Tensor, kl_per_dim: Tensor) -> Tensor:
    """recon (B,) and kl_per_dim (B, L), both in nats, to the scalar that the config's recipe minimises.

    The ELBO sums over pixels and latents and averages over the batch. A mean over pixels divides the first term by
    their number, a mean over latents divides the second by theirs: see `effective_beta` for what that does.
    """
    if config.recon_reduction == "mean":
        recon = recon / config.pixels
    kl = kl_per_dim.mean(dim=1) if config.kl_reduction == "mean" else kl_per_dim.sum(dim=1)
    per_image = recon + config.beta * kl  # (B,)
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


def loss(vae: VAE, x: Tensor, generator: torch.Generator | None) -> Loss:
    """The negative ELBO of a batch, z drawn from q by `generator` (Kingma and Welling 2013, eq. 7; beta: Higgins 2017).

    Args:
        x: (B, *shape) float32 in [0, 1]. With dynamic binarisation each pixel is drawn afresh here, in test as in
            training, and the encoder sees the draw.
    """
    if vae.config.binarise == "dynamic":
        x = binarise(x, generator)
    output = vae(x, generator)
    recon = recon_nll(vae, output.x_params, x)
    kl_per_dim = output.posterior.kl_per_dim()
    return Loss(reduce_loss(vae.config, recon, kl_per_dim), recon, kl_per_dim, output)


def binarise(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Each pixel 1 with probability x, else 0 (Salakhutdinov and Murray 2008), drawn by `generator`. Shape as x."""
    place = x.device if generator is None else generator.device
    return (torch.rand(x.shape, generator=generator, device=place).to(x.device) < x).to(x.dtype)
