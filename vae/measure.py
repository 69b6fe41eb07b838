"""The loss over a test set, the same figures every time it is asked for."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vae.batches import as_x
from vae.model import VAE
from vae.objectives import loss

EVALUATION_SEED = 0
ACTIVE = 0.01  # variance of mu over images above which a latent is active (Burda et al. 2015, section 5.2)


@dataclass(frozen=True)
class TestFigures:
    """The loss and its terms over a test set: `loss` per image with the recipe's reductions, the rest in nats.

    `mu_variance` is that of each latent's mu over the images.
    """

    __test__ = False  # not a test class, whatever its name says to pytest

    loss: float
    recon_nll: float
    kl: float
    kl_per_dim: tuple[float, ...]
    mu_variance: tuple[float, ...]

    @property
    def active_units(self) -> int:
        """Latents that tell images apart."""
        return sum(variance > ACTIVE for variance in self.mu_variance)


@torch.no_grad()
def measure(vae: VAE, pixels: Tensor, *, seed: int = EVALUATION_SEED, batch_size: int = 1000) -> TestFigures:
    """The loss over stored images, z drawn from q by a generator of its own: the same figures every time.

    Args:
        pixels: (N, ...) as `stored` gives them, on the model's device.
    """
    training = vae.training
    vae.eval()
    device = pixels.device
    generator = torch.Generator(device).manual_seed(seed)
    total, recon = torch.zeros((), device=device), torch.zeros((), device=device)
    kl_per_dim = torch.zeros(vae.config.latent_dim, device=device)
    mu = []
    for batch in pixels.split(batch_size):
        terms = loss(vae, as_x(batch), generator)
        share = 1 if vae.config.batch_reduction == "sum" else len(batch)
        total += terms.total * share
        recon += terms.recon_nll.sum()
        kl_per_dim += terms.kl_per_dim.sum(dim=0)
        # Of several levels, a drawn path moves the codes below it: what tells images apart is seen along the mode path.
        mu.append(vae.encode(as_x(batch)).mu if vae.config.levels else terms.output.posterior.mu)
    vae.train(training)
    count = len(pixels)
    per_dim = tuple((kl_per_dim / count).tolist())
    variance = tuple(torch.cat(mu).var(dim=0, correction=0).tolist())
    return TestFigures(total.item() / count, recon.item() / count, sum(per_dim), per_dim, variance)
