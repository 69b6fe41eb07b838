"""Tighter bounds than the ELBO: several codes are drawn for each image, and weighed by how well they explain it."""

import math

import torch
from torch import Tensor

from vae.likelihoods import recon_nll, seen
from vae.model import VAE, Output
from vae.objectives import KLTerm, Loss
from vae.posterior import Posterior, Source, log_prior


def iwae(vae: VAE, x: Tensor, generator: Source, kl_term: KLTerm | None = None, *, samples: int = 5) -> Loss:
    """The negative importance-weighted bound, -E log 1/k sum_j w_j, w_j = p(x, z_j) / q(z_j|x) (Burda 2015, eq. 8).

    Args:
        x: (B, *shape) float32 in [0, 1], before any dynamic binarisation.
        kl_term: its beta weighs log p(z) - log q(z|x) in each weight; at 1 this is the paper's bound.
        samples: k. 1 is the ELBO, its KL estimated. More: tighter, k times the work of the decoder.

    Returns:
        `total` is the bound; the reconstruction (its mean over the draws) and the KL are those of the ELBO.
    """
    output, recon = _drawn(vae, x, generator, samples)
    log_w = _log_weights(vae, output.z, output.posterior, recon, kl_term).view(samples, -1)  # (k, B)
    return _loss(vae, _bound(log_w), output, recon, samples)


def dreg(vae: VAE, x: Tensor, generator: Source, kl_term: KLTerm | None = None, *, samples: int = 5) -> Loss:
    """The same bound with doubly reparameterised gradients (Tucker et al. 2018, eq. 8).

    The encoder's gradient of `iwae` drowns in noise as k grows. Here what the encoder says of q is held still inside
    log w, so the gradient reaches it through z alone, and each draw counts with its normalised weight squared: the
    same in expectation, with less noise. The decoder's gradient is that of `iwae`.
    """
    output, recon = _drawn(vae, x, generator, samples)
    z, still = output.z, Posterior(output.posterior.mu.detach(), output.posterior.logvar.detach())
    log_w = _log_weights(vae, z, still, recon, kl_term).view(samples, -1)  # (k, B)
    weights = torch.softmax(log_w.detach(), dim=0)  # (k, B), each image's sum to 1
    if z.requires_grad:
        # One factor of the weight for what lies behind log w, a second one for what lies behind z as well.
        z.register_hook(lambda gradient: gradient * weights.reshape(-1, 1))
    slope = (weights * log_w).sum(dim=0)  # (B,), of no interest but for its gradient
    return _loss(vae, _bound(log_w.detach()) + slope - slope.detach(), output, recon, samples)


def _drawn(vae: VAE, x: Tensor, generator: Source, samples: int) -> tuple[Output, Tensor]:
    """The pass with k draws of each image, and the reconstruction term of each, (k * B,)."""
    x = seen(vae.config, x, generator)
    output = vae(x, generator, samples)
    return output, recon_nll(vae, output.x_params, x.repeat(samples, *[1] * (x.ndim - 1)))


def _log_weights(vae: VAE, z: Tensor, posterior: Posterior, recon: Tensor, kl_term: KLTerm | None) -> Tensor:
    beta = vae.config.beta if kl_term is None else kl_term.beta
    return beta * (log_prior(z) - posterior.log_prob(z)) - recon  # (k * B,)


def _bound(log_w: Tensor) -> Tensor:
    """log of the mean weight of each image: (k, B) to (B,) nats. Its gradient weighs each draw by w_j / sum w."""
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))


def _loss(vae: VAE, bound: Tensor, drawn: Output, recon: Tensor, samples: int) -> Loss:
    """The bound (B,) to what is minimised; what is told besides is of all draws, the pass that of the first."""
    count = len(bound)
    total = -(bound.sum() if vae.config.batch_reduction == "sum" else bound.mean())
    q = drawn.posterior
    kl_per_dim = q.kl_per_dim().detach().view(samples, count, -1).mean(dim=0)
    first = Output(Posterior(q.mu[:count], q.logvar[:count]), drawn.z[:count], drawn.x_params[:count])
    return Loss(total, recon.detach().view(samples, count).mean(dim=0), kl_per_dim, first)
