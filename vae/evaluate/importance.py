"""log p(x) of single images by importance weights: many draws of each code, in tiles that stay in the cache."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vae.batches import as_x
from vae.likelihoods import recon_nll
from vae.model import VAE
from vae.posterior import Posterior, Source, log_normal, log_prior, reparameterize

# Numbers in the widest layer of a tile. Measured with 200-200 units and 784 pixels: 4 MB stay near the cores, and from
# half to twice as many cost the same; an eighth costs a quarter more. A GPU wants rows to fill it: 0.5 GB. Fewer than
# ten such tiles are held at once, whatever k is: 40 MB, or 5 GB on a GPU.
CPU_TILE, GPU_TILE = 2**20, 2**27
ENCODED = 1024  # images encoded in one pass


@dataclass(frozen=True, eq=False)
class Weighed:
    """What the draws say of each image. All float64, nats.

    Attributes:
        log_likelihood: (N,) log of the mean weight: a lower bound of log p(x) on average, tighter with more draws.
        recon_nll: (N,) mean over the draws of -log p(x|z).
        kl_per_dim: (N, L) KL of the posterior to the prior, exact; of several levels: mean over the draws.
        mu: (N, L) codes.
        logvar: (N, L), or None of several levels, where it depends on the draw.
        effective: (N,) draws that count: 1 where one weight outweighs all others, at most k.
        draws: k.
    """

    log_likelihood: np.ndarray
    recon_nll: np.ndarray
    kl_per_dim: np.ndarray
    mu: np.ndarray
    logvar: np.ndarray | None
    effective: np.ndarray
    draws: int

    @property
    def elbo(self) -> np.ndarray:
        """(N,) -(reconstruction + KL)."""
        return -(self.recon_nll + self.kl_per_dim.sum(axis=1))

    @property
    def draw_variance(self) -> np.ndarray:
        """(N,) of log_likelihood over other draws, to first order: the variance of the weights over k mean^2."""
        return np.maximum(1 / self.effective - 1 / self.draws, 0)


class _Running:
    """log of the mean of weights that come a tile at a time, and what they spread. (B,) each, float64 on the CPU."""

    def __init__(self, images: int) -> None:
        self.top = torch.full((images,), -torch.inf, dtype=torch.float64)  # the largest log weight so far
        self.sum = torch.zeros(images, dtype=torch.float64)  # of weights / exp(top)
        self.squares = torch.zeros(images, dtype=torch.float64)
        self.count = 0

    def add(self, log_w: Tensor) -> None:
        """log_w (k, B) of k more draws."""
        log_w = log_w.cpu().double()
        top = torch.maximum(self.top, log_w.amax(dim=0))
        shrink = torch.exp(self.top - top)
        w = torch.exp(log_w - top)
        self.sum = self.sum * shrink + w.sum(dim=0)
        self.squares = self.squares * shrink.square() + w.square().sum(dim=0)
        self.top = top
        self.count += len(log_w)

    @property
    def log_mean(self) -> Tensor:
        return self.top + torch.log(self.sum / self.count)

    @property
    def effective(self) -> Tensor:
        return self.sum.square() / self.squares


@torch.inference_mode()
def weigh(
    vae: VAE,
    pixels: Tensor,
    generator: Source,
    k: int,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Weighed:
    """Estimate log p(x) = log E_q[p(x, z) / q(z|x)] of each image from k draws (Burda et al. 2015, eq. 8).

    Each image is encoded once, and no more draws are held than a tile has rows, however large k is.

    Args:
        vae: any kind with a posterior and a likelihood.
        pixels: (N, *shape) as `stored` keeps them, on the model's device, binarised already if they are to be.
        generator: of every draw. The same one gives the same bytes on the same machine with the same threads.
        k: draws of each image. More: a tighter bound, and as much longer.
        progress: called with (images done, N).
    """
    one_level = not vae.config.levels
    device = pixels.device
    q = _encoded(vae, pixels)
    rows = tile_rows(vae, device)
    at_once = max(1, rows // k)  # images
    found, recon, kl = [], [], [q.kl_per_dim().cpu().double()] if one_level else []
    effective = []
    for start in range(0, len(pixels), at_once):
        x = as_x(pixels[start : start + at_once])  # (B, *shape)
        part = Posterior(q.mu[start : start + at_once], q.logvar[start : start + at_once])
        weights = _Running(len(x))
        nll_sum = torch.zeros(len(x), dtype=torch.float64)
        kl_sum = torch.zeros(len(x), vae.config.latent_dim, dtype=torch.float64)
        for done in range(0, k, rows):
            count = min(rows, k - done)
            if one_level:
                z = reparameterize(part.mu.expand(count, *part.mu.shape), part.logvar, generator)  # (k, B, L)
                log_q = log_normal(z, part.mu, part.logvar).sum(dim=2)  # (k, B)
                z = z.flatten(0, 1)
            else:
                drawn, z = vae.draw(x, generator, count)
                log_q = drawn.log_prob(z).view(count, len(x))
                kl_sum += drawn.kl_per_dim().view(count, len(x), -1).sum(dim=0).cpu()
            nll = _nll(vae, vae.decode_params(z), x)  # (k, B)
            weights.add(log_prior(z).view(count, len(x)) - log_q - nll)
            nll_sum += nll.sum(dim=0, dtype=torch.float64 if device.type != "mps" else None).cpu()
        found.append(weights.log_mean)
        effective.append(weights.effective)
        recon.append(nll_sum / k)
        if not one_level:
            kl.append(kl_sum / k)
        if progress:
            progress(min(start + at_once, len(pixels)), len(pixels))
    return Weighed(
        log_likelihood=torch.cat(found).numpy(),
        recon_nll=torch.cat(recon).numpy(),
        kl_per_dim=torch.cat(kl).numpy(),
        mu=q.mu.cpu().double().numpy(),
        logvar=q.logvar.cpu().double().numpy() if one_level else None,
        effective=torch.cat(effective).numpy(),
        draws=k,
    )


def tile_rows(vae: VAE, device: torch.device) -> int:
    """Codes decoded at a time, at least 1: so many that the widest layer fills a tile. The same on every machine."""
    widths = [vae.config.latent_dim, vae.config.pixels]
    twin = copy.deepcopy(vae)  # its own: somebody else may be decoding with this one
    for module in twin.modules():
        module.register_forward_hook(lambda module, given, said: widths.extend(map(torch.numel, _tensors(said))))
    twin.decode_params(torch.zeros(1, vae.config.latent_dim, device=device))
    return max(1, (CPU_TILE if device.type == "cpu" else GPU_TILE) // max(widths))


def _tensors(said: object) -> list[Tensor]:
    parts = said if isinstance(said, tuple | list) else (said,)
    return [part for part in parts if isinstance(part, Tensor)]


def _encoded(vae: VAE, pixels: Tensor) -> Posterior:
    """q(z|x) of all images, along the mode path where there are several levels."""
    parts = [vae.encode(as_x(batch)) for batch in pixels.split(ENCODED)]
    return Posterior(torch.cat([part.mu for part in parts]), torch.cat([part.logvar for part in parts]))


def _nll(vae: VAE, x_params: Tensor, x: Tensor) -> Tensor:
    """-log p(x|z), (k, B) nats. x_params (k * B, *shape), row j * B + i of image i; x (B, *shape)."""
    count, images = len(x_params) // len(x), len(x)
    if vae.config.likelihood != "bernoulli":
        again = x.expand(count, *x.shape).flatten(0, 1)  # (k * B, *shape)
        return recon_nll(vae, x_params, again).view(count, images)
    # sum over pixels of softplus(l) - x l: the second is a product with x, so that x is not repeated for each draw.
    x_logits = x_params.view(count, images, -1)  # (k, B, D)
    total = F.softplus(x_logits).sum(dim=2)
    if images == 1:
        return total - x_logits[:, 0] @ x.flatten()[:, None]
    return total - torch.einsum("kbd,bd->kb", x_logits, x.flatten(1))
