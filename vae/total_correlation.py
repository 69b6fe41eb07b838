"""What latents have in common: beta-TCVAE charges it by a formula, FactorVAE by a critic that learns to see it.

KL(q(z) || q(z_1) ... q(z_L)), the total correlation of the codes of all images, is 0 where the latents are independent.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.model import VAE
from vae.objectives import KLTerm, Loss, loss
from vae.posterior import Posterior, Source, log_normal, uniform

CODE_LAYERS = 5  # hidden ones of the critic (Kim and Mnih 2018, appendix A: of 1,000 units each)


def tc(vae: VAE, x: Tensor, generator: Source, kl_term: KLTerm | None = None, *, images: int) -> Loss:
    """beta-TCVAE: recon + I(z; n) + beta * total correlation + KL of each latent (Chen 2018, eq. 4, alpha = gamma = 1).

    The three terms of the KL that are charged once are charged together as the KL in closed form, which they sum to:
    recon + KL + (beta - 1) * total correlation. At beta 1 it is the ELBO.

    Args:
        x: (B, *shape) float32 in [0, 1]. A larger batch: a truer total correlation.
        images: N, of the whole training set, from which the batch was drawn without return.
    """
    found = loss(vae, x, generator, KLTerm(1.0))
    beta = vae.config.beta if kl_term is None else kl_term.beta
    common = total_correlation(found.output.z, found.output.posterior, images)  # (B,)
    charged = (beta - 1) * (common.sum() if vae.config.batch_reduction == "sum" else common.mean())
    return Loss(found.total + charged, found.recon_nll, found.kl_per_dim, found.output)


def total_correlation(z: Tensor, posterior: Posterior, images: int) -> Tensor:
    """log q(z) - sum over latents of log q(z_l), (B,) nats, q(z) estimated from the batch (Chen 2018, appendix C.2).

    Args:
        z: (B, L), row i drawn from row i of the posterior.
        images: N, over which q(z) is the mean of q(z|x).
    """
    log_q = log_normal(z[:, None], posterior.mu[None], posterior.logvar[None])  # (B, B, L): of code i under image j
    weights = stratified(len(z), images, z.device)  # (B, B)
    log_joint = torch.logsumexp(weights + log_q.sum(dim=2), dim=1)
    log_each = torch.logsumexp(weights[:, :, None] + log_q, dim=1)  # (B, L)
    return log_joint - log_each.sum(dim=1)


def stratified(count: int, images: int, device: torch.device) -> Tensor:
    """log of what each image of a batch counts in q(z) (Chen 2018, eq. S7): (B, B), row i for the code of image i.

    An image counts 1/N for its own code. Of the M = B - 1 others each stands for 1/M of all images; all but one, which
    makes up for the one image too many, so that the estimate is right on average.
    """
    if count == 1:
        return torch.zeros(1, 1, device=device)
    others, everyone = count - 1, max(images, count)
    own = torch.eye(count, dtype=torch.bool, device=device)
    weights = torch.full((count, count), -math.log(others), device=device)
    weights = weights.masked_fill(own.roll(1, dims=1), math.log((everyone - others) / (everyone * others)))
    return weights.masked_fill(own, -math.log(everyone))


class CodeCritic(nn.Module):
    """Tells codes of images from codes whose latents were shuffled: z (B, L) to a logit (B,), above 0 for images.

    Where it cannot be told better, the logit is log q(z) / prod q(z_l) (Kim and Mnih 2018, eq. 3).

    Args:
        units: of each hidden layer. More: a finer eye, slower steps.
    """

    def __init__(self, latent_dim: int, units: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (latent_dim, *[units] * (CODE_LAYERS - 1)):
            layers += [nn.Linear(width, units), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers, nn.Linear(units, 1))

    def forward(self, z: Tensor) -> Tensor:
        logit: Tensor = self.body(z)
        return logit[:, 0]


def factor(vae: VAE, x: Tensor, generator: Source, kl_term: KLTerm, *, critic: nn.Module) -> Loss:
    """FactorVAE: the loss + gamma * the total correlation as the critic sees it (Kim and Mnih 2018, eq. 2 and 3).

    Args:
        kl_term: its gamma is the paper's; its beta weighs the KL and is 1 in the paper.
        critic: a `CodeCritic` whose weights need no gradient.
    """
    found = loss(vae, x, generator, kl_term)
    with torch.autocast(x.device.type, enabled=False):
        common = critic(found.output.z)  # (B,)
    charged = kl_term.gamma * (common.sum() if vae.config.batch_reduction == "sum" else common.mean())
    return Loss(found.total + charged, found.recon_nll, found.kl_per_dim, found.output)


def code_critic_loss(critic: nn.Module, z: Tensor, shuffled: Tensor) -> Tensor:
    """What the critic of codes minimises: the cross-entropy of its guesses (Kim and Mnih 2018, algorithm 2)."""
    return 0.5 * (F.softplus(-critic(z)).mean() + F.softplus(critic(shuffled)).mean())


def permuted(z: Tensor, generator: Source) -> Tensor:
    """Codes (B, L) with each latent shuffled over the batch by itself (Kim and Mnih 2018, algorithm 1)."""
    return z.gather(0, uniform(z.shape, generator, z.device).argsort(dim=0))
