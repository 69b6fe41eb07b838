"""VAE-GAN: a critic that learns to tell pictures from reconstructions and samples, and whose features compare them."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.likelihoods import recon_nll, seen
from vae.model import VAE, Output
from vae.objectives import KLTerm, charged_kl
from vae.posterior import Source, normal

# A side is paused while the other is far behind: the critic's mean cross-entropy of a guess is ln 2 = 0.69.
STRONG, WEAK = 0.3, 1.1
# Of the reconstruction, that of the pixels; the rest is that of features. With none of it, as the paper has it, a small
# critic's features let a small decoder draw patterns of its own: the pixels of MNIST were three times as far off.
PIXELS = 0.5
NOISE = 0.1  # on all that the critic sees, as Sonderby et al. 2017 have it: no black is then too black to be drawn


class PictureCritic(nn.Module):
    """x (B, C, H, W) to a logit (B,), above 0 for a picture of the data, and features (B, F), its last but one layer.

    Args:
        channels: of the last of three convolutions, each of which halves the picture. More: a finer eye, slower steps.
    """

    def __init__(self, shape: tuple[int, ...], channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for into, out in pairwise((shape[0], max(channels // 4, 1), max(channels // 2, 1), channels)):
            layers += [nn.Conv2d(into, out, kernel_size=4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers)
        self.out = nn.Linear(channels * (shape[1] // 8) * (shape[2] // 8), 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(2 * x - 1).flatten(1)  # (B, C, H, W) -> (B, F)
        logit: Tensor = self.out(features)
        return logit[:, 0], features


@dataclass(frozen=True, eq=False)
class Judged:
    """One step's terms of a VAE-GAN, nats per image where they are nats.

    Attributes:
        own: (B,) what encoder and decoder both minimise: beta * KL + the reconstruction in the critic's features.
        fooled: scalar, what the decoder minimises besides, times gamma; 0 while the critic is too weak to learn from.
        critic: scalar, what the critic minimises.
        strong: bool scalar, whether the critic is to be paused.
        recon_nll, kl_per_dim: (B,) and (B, L), those of the ELBO.
    """

    own: Tensor
    fooled: Tensor
    critic: Tensor
    strong: Tensor
    recon_nll: Tensor
    kl_per_dim: Tensor
    output: Output


def judged(vae: VAE, x: Tensor, generator: Source, kl_term: KLTerm, critic: nn.Module) -> Judged:
    """The three losses of Larsen et al. 2016, algorithm 1, for a batch x (B, *shape) in [0, 1].

    Encoder: beta * KL + |f(x) - f(x~)|^2 / 2, and `PIXELS` of the likelihood's own reconstruction. Decoder: the latter
    + gamma * -log D of reconstructions x~ and of samples x_p (the paper's log(1 - D), which is flat while the critic is
    sure, turned round as in Goodfellow et al. 2014; its gamma is 1 / ours). Critic: -log D(x) - log(1 - D), of x~ and
    x_p half each.

    Features f count in units of their own size, and together as much as the pixels would: no critic weighs more by
    shouting. While gamma is 0 the reconstruction is the likelihood's alone. What else a likelihood has to learn (a
    spread of the pixels) it learns from the pixels throughout.
    """
    x = seen(vae.config, x, generator)
    output = vae(x, generator)
    recon, kl_per_dim = recon_nll(vae, output.x_params, x), output.posterior.kl_per_dim()
    samples = _picture(vae, vae.decode_params(normal(output.z.shape, generator, x.device)))
    rebuilt = _picture(vae, output.x_params)
    with torch.autocast(x.device.type, enabled=False):
        blur = NOISE * normal(x.shape, generator, x.device)  # the same for both, whose features are compared
        real, features = critic(x + blur)
        again, like = critic(rebuilt + blur)
        drawn, _ = critic(samples + NOISE * normal(x.shape, generator, x.device))
    real_loss, again_loss, drawn_loss = F.softplus(-real).mean(), F.softplus(again).mean(), F.softplus(drawn).mean()
    fake_loss = 0.5 * (again_loss + drawn_loss)
    strong, weak = torch.minimum(real_loss, fake_loss) < STRONG, torch.maximum(real_loss, fake_loss) > WEAK
    fooled = torch.zeros_like(real_loss)
    rest = recon
    if kl_term.gamma:
        fooled = 0.5 * (F.softplus(-again).mean() + F.softplus(-drawn).mean()) * (strong | ~weak)
        pixels = recon_nll(vae, output.x_params.detach(), x)  # from which a learned spread learns
        apart = vae.config.pixels * 0.5 * _apart(features.detach(), like)
        rest = PIXELS * recon + (1 - PIXELS) * (apart + pixels - pixels.detach())
    own = rest + kl_term.beta * charged_kl(kl_per_dim, kl_term)
    return Judged(own, fooled, real_loss + fake_loss, strong & ~weak, recon, kl_per_dim, output)


def _apart(features: Tensor, like: Tensor) -> Tensor:
    """(B,) squared distance of features (B, F), in units of the mean square of the first."""
    return (features - like).square().mean(dim=1) / (features.square().mean() + 1e-12)


def _picture(vae: VAE, x_params: Tensor) -> Tensor:
    return torch.sigmoid(x_params) if vae.config.likelihood == "bernoulli" else x_params
