"""Figures over a test set are means over its images, however it is cut, and the same every time."""

import itertools

import pytest
import torch

from vae.batches import as_x, stored
from vae.config import REDUCTIONS, Config
from vae.data.images import Images
from vae.likelihoods import bernoulli_nll
from vae.measure import measure
from vae.model import VAE
from vae.objectives import effective_beta, loss


@pytest.fixture
def sure(small: Config) -> VAE:
    """A model whose draws hardly leave mu, so that figures do not depend on chance."""
    vae = VAE(small, seed=1)
    torch.nn.init.constant_(vae.encoder.heads.logvar.bias, -20.0)
    return vae


def test_figures_repeat_and_leave_everything_as_it_was(vae: VAE, images: Images) -> None:
    vae.train()
    before = torch.get_rng_state()
    first, again, other = (measure(vae, stored(images), seed=seed) for seed in (0, 0, 1))
    assert first == again == measure(vae, stored(images))
    assert first.recon_nll != other.recon_nll and first.kl == other.kl
    assert vae.training
    assert torch.equal(before, torch.get_rng_state())
    assert all(weight.grad is None for weight in vae.parameters())
    vae.eval()
    measure(vae, stored(images))
    assert not vae.training


@pytest.mark.parametrize("batch_size", [1, 5, 12, 1000])
def test_a_short_last_batch_weighs_as_its_images_do(batch_size: int, sure: VAE, images: Images) -> None:
    x = as_x(stored(images))
    q = sure.encode(x)
    nll = bernoulli_nll(sure.decode_params(q.mu), x)
    found = measure(sure, stored(images), batch_size=batch_size)
    assert found.recon_nll == pytest.approx(nll.mean().item(), rel=1e-4)
    assert found.kl == pytest.approx(q.kl().mean().item(), rel=1e-5)
    assert found.kl_per_dim == pytest.approx(q.kl_per_dim().mean(dim=0).tolist(), rel=1e-5)
    assert found.loss == pytest.approx(found.recon_nll + found.kl, rel=1e-5)


@pytest.mark.parametrize(("recon", "kl", "batch"), list(itertools.product(REDUCTIONS, repeat=3)))
def test_the_loss_is_per_image_with_the_recipes_own_reductions(recon: str, kl: str, batch: str, images: Images) -> None:
    config = Config(
        (1, 8, 8), 3, beta=2.0, recon_reduction=recon, kl_reduction=kl, batch_reduction=batch, encoder_sizes=(7,)
    )
    found = measure(VAE(config, seed=1), stored(images), batch_size=5)
    over_pixels = 64 if recon == "mean" else 1
    exact = (found.recon_nll + effective_beta(config) * found.kl) / over_pixels
    assert found.loss == pytest.approx(exact, rel=1e-5)


def test_z_is_drawn_from_q_and_not_taken_at_mu(vae: VAE, images: Images) -> None:
    torch.nn.init.constant_(vae.encoder.heads.logvar.bias, 3.0)
    x = as_x(stored(images))
    parts = loss(vae, x, torch.Generator().manual_seed(0))
    found = measure(vae, stored(images))
    assert found.recon_nll == pytest.approx(parts.recon_nll.mean().item(), rel=1e-5)
    at_mu = bernoulli_nll(vae.decode_params(vae.encode(x).mode()), x).mean().item()
    assert found.recon_nll > at_mu + 0.5


def test_kl_is_the_sum_over_dimensions(vae: VAE, images: Images) -> None:
    found = measure(vae, stored(images))
    assert len(found.kl_per_dim) == 3
    assert found.kl == pytest.approx(sum(found.kl_per_dim))


def test_latents_in_use_are_those_that_the_codes_show_also_where_levels_draw() -> None:
    vae = VAE(Config((1, 8, 8), 4, "gated", (8,), (8,), levels=(2, 2)), seed=0)
    x = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    pixels = (x * 255).to(torch.uint8)
    with torch.no_grad():
        variance = vae.eval().encode(as_x(pixels)).mu.var(dim=0, correction=0)
    assert measure(vae, pixels).mu_variance == pytest.approx(variance.tolist(), rel=1e-4)
