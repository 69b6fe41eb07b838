"""What p(x|z) is: the reconstruction term of each likelihood, per image and in nats, summed over pixels."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from vae.config import Config
from vae.model import LOG_STD_FLOOR, VAE
from vae.posterior import Source, uniform

__all__ = [
    "LOG_STD_FLOOR",
    "bernoulli_nll",
    "binarise",
    "binarise_once",
    "gaussian_nll",
    "logistic_nll",
    "recon_nll",
    "seen",
    "squared_error",
]

# A floor under the learned scale of a logistic: exp(-8) is a twelfth of a grey level, and every mass is then 0 or 1.
LOG_SCALE_FLOOR = -8.0
GREYS = 255  # steps between black and white


def bernoulli_nll(x_logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x|z) of independent Bernoulli pixels (Kingma and Welling 2013, appendix C.1).

    Args:
        x_logits, x: (B, *shape); x in [0, 1]. With x strictly between 0 and 1 this is a pseudo-likelihood.

    Returns:
        (B,) nats per image.
    """
    return _BernoulliNLL.apply(x_logits, x)


class _BernoulliNLL(torch.autograd.Function):
    """softplus(logit) - x * logit, summed; its gradient is the mean minus x. Fewer passes than torch's own makes."""

    @staticmethod
    def forward(ctx: Any, x_logits: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(x_logits, x)
        return F.softplus(x_logits).addcmul_(x, x_logits, value=-1).flatten(1).sum(dim=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x_logits, x = ctx.saved_tensors
        grad = grad.view(-1, *[1] * (x.ndim - 1))  # (B, 1, ...)
        return (
            torch.sigmoid(x_logits).sub_(x).mul_(grad) if ctx.needs_input_grad[0] else None,
            -grad * x_logits if ctx.needs_input_grad[1] else None,
        )


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


def logistic_nll(x_mean: Tensor, x: Tensor, log_scale: Tensor) -> Tensor:
    """-log p(x|z) of pixels of 256 grey levels: the mass that a logistic puts on a level (Kingma et al. 2016, eq. 13).

    A level holds what lies within half a step of it; black also all below and white all above (Salimans et al. 2017,
    eq. 2), so the masses of the 256 sum to 1.

    Args:
        x_mean, x: (B, *shape); x a multiple of 1/255.
        log_scale: scalar. The logistic's standard deviation is exp(log_scale) * pi / sqrt(3).

    Returns:
        (B,) nats per image, of a probability: never below zero, and not to be compared with a density.
    """
    log_scale = log_scale.clamp(min=LOG_SCALE_FLOOR)
    per_unit, half = torch.exp(-log_scale), 0.5 / GREYS
    above, below = (x + half - x_mean) * per_unit, (x - half - x_mean) * per_unit
    # s(a) - s(b) = s(a) s(-b) (1 - exp(b - a)) of the sigmoid s: no difference of two numbers that are nearly equal.
    at_most, at_least = F.logsigmoid(above), F.logsigmoid(-below)
    between = at_most + at_least + torch.log(-torch.expm1(-per_unit / GREYS))
    log_mass = torch.where(x < half, at_most, torch.where(x > 1 - half, at_least, between))
    return -log_mass.flatten(1).sum(dim=1)


def recon_nll(vae: VAE, x_params: Tensor, x: Tensor) -> Tensor:
    """The reconstruction term under the model's own likelihood, (B,) nats per image."""
    if vae.config.likelihood == "bernoulli":
        return bernoulli_nll(x_params, x)
    if vae.config.likelihood == "gaussian":
        return gaussian_nll(x_params, x, vae.log_std)
    if vae.config.likelihood == "logistic":
        return logistic_nll(x_params, x, vae.log_scale)
    return squared_error(x_params, x)


def binarise(x: Tensor, generator: Source) -> Tensor:
    """Each pixel 1 with probability x, else 0 (Salakhutdinov and Murray 2008), drawn by `generator`. Shape as x."""
    return (uniform(x.shape, generator, x.device) < x).to(x.dtype)


def binarise_once(x: Tensor) -> Tensor:
    """Each pixel 1 with probability x, else 0, and for one image always the same draw. Shape as x.

    What stands for chance is a hash of the image's own pixels and of each one's place, so no seed, order, split or
    device matters, and an image that is drawn already stays as it is. Two images with the same pixels are drawn alike.
    """
    levels = (x.flatten(1) * GREYS).round().long()  # (B, D)
    places = torch.arange(levels.shape[1], device=x.device)  # (D,)
    image = (levels * (_mixed(places) >> 1)).sum(dim=1, keepdim=True)  # (B, 1), below 2^62
    image = _mixed(image & _32_BITS) ^ _mixed((image >> 32) + 1)
    chance = _mixed(image ^ _mixed(places + _PLACES)) >> 8  # (B, D) in steps of 2^-24, all of which float32 has
    return (chance.to(torch.float32) * 2.0**-24 < x.flatten(1)).to(x.dtype).view_as(x)


_32_BITS, _PLACES = 0xFFFFFFFF, 0x9E3779B9


def _mixed(bits: Tensor) -> Tensor:
    """32 bits in int64 to 32 others without a pattern: shift, multiply, twice, as hashes end (Appleby 2011)."""
    for shift, factor in ((16, 0x45D9F3B), (15, 0x119DE1F3)):  # odd and below 2^31: a product stays below 2^63
        bits = ((bits ^ (bits >> shift)) * factor) & _32_BITS
    return bits ^ (bits >> 16)


def seen(config: Config, x: Tensor, generator: Source) -> Tensor:
    """What a model of this config is shown and judged by: x (B, *shape) itself, or 0 and 1 for its pixels."""
    if config.binarise == "dynamic":
        return binarise(x, generator)
    return binarise_once(x) if config.binarise == "static" else x
