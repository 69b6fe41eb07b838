"""What p(x|z) is: the reconstruction term of each likelihood, per image and in nats, summed over pixels."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from vae.model import VAE

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


def binarise(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """Each pixel 1 with probability x, else 0 (Salakhutdinov and Murray 2008), drawn by `generator`. Shape as x."""
    place = x.device if generator is None else generator.device
    return (torch.rand(x.shape, generator=generator, device=place).to(x.device) < x).to(x.dtype)
