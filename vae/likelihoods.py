"""What p(x|z) is: the reconstruction term of each likelihood, per image and in nats, summed over pixels."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from vae.model import VAE
from vae.posterior import Source, uniform

# A floor under the learned standard deviation: exp(-5) is 1.7 grey levels of 255, finer than a pixel can say.
LOG_STD_FLOOR = -5.0


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


def recon_nll(vae: VAE, x_params: Tensor, x: Tensor) -> Tensor:
    """The reconstruction term under the model's own likelihood, (B,) nats per image."""
    if vae.config.likelihood == "bernoulli":
        return bernoulli_nll(x_params, x)
    if vae.config.likelihood == "gaussian":
        return gaussian_nll(x_params, x, vae.log_std)
    return squared_error(x_params, x)


def binarise(x: Tensor, generator: Source) -> Tensor:
    """Each pixel 1 with probability x, else 0 (Salakhutdinov and Murray 2008), drawn by `generator`. Shape as x."""
    return (uniform(x.shape, generator, x.device) < x).to(x.dtype)
