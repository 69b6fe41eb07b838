"""The terms of the loss against torch.distributions, and its reductions against what they do to the gradient."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal

from vae.config import REDUCTIONS, Config
from vae.likelihoods import LOG_STD_FLOOR, bernoulli_nll, binarise, gaussian_nll, recon_nll, squared_error
from vae.model import VAE
from vae.objectives import Loss, effective_beta, loss, reduce_loss

SHAPE = (5, 2, 3, 4)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def uniform(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_bernoulli_of_black_and_white_is_that_of_torch_distributions() -> None:
    x_logits, x = normal(*SHAPE, scale=3), (uniform(*SHAPE) < 0.5).double()
    exact = -Bernoulli(logits=x_logits).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(bernoulli_nll(x_logits, x), exact, rtol=1e-9, atol=1e-9)


def test_bernoulli_of_grey_is_the_cross_entropy() -> None:
    x_logits, x = normal(*SHAPE), uniform(*SHAPE)
    p = 1 / (1 + np.exp(-x_logits.numpy()))
    exact = -(x.numpy() * np.log(p) + (1 - x.numpy()) * np.log(1 - p)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(bernoulli_nll(x_logits, x).numpy(), exact, rtol=1e-9)


def test_bernoulli_is_finite_when_it_is_sure_and_wrong() -> None:
    x_logits, x = torch.tensor([[1e4, -1e4]]), torch.tensor([[0.0, 1.0]])
    assert bernoulli_nll(x_logits, x).tolist() == [2e4]


@pytest.mark.parametrize("log_std", [-3.0, -0.7, 0.0, 1.2])
def test_gaussian_is_that_of_torch_distributions(log_std: float) -> None:
    x_mean, x = normal(*SHAPE), uniform(*SHAPE)
    exact = -Normal(x_mean, math.exp(log_std)).log_prob(x).sum(dim=(1, 2, 3))
    given = gaussian_nll(x_mean, x, torch.tensor(log_std, dtype=torch.float64))
    torch.testing.assert_close(given, exact, rtol=1e-9, atol=1e-9)


def test_a_density_may_be_negative_and_is_not_clamped() -> None:
    x = uniform(*SHAPE)
    sure = gaussian_nll(x, x, torch.tensor(-2.0, dtype=torch.float64))
    torch.testing.assert_close(sure, torch.full((5,), 24 * (-2 + 0.5 * math.log(2 * math.pi)), dtype=torch.float64))
    assert (sure < -20).all()


def test_the_learned_spread_has_a_floor() -> None:
    x = uniform(*SHAPE)
    at_floor, below = (gaussian_nll(x, x, torch.tensor(value)) for value in (LOG_STD_FLOOR, LOG_STD_FLOOR - 50))
    assert torch.equal(at_floor, below)


def test_the_best_learned_spread_is_the_mean_error() -> None:
    """The gradient of log_std vanishes where the variance is the mean squared error (Rybkin et al. 2021, eq. 5)."""
    x_mean, x = normal(*SHAPE), uniform(*SHAPE)
    log_std = (0.5 * (x_mean - x).square().mean().log()).requires_grad_()
    gaussian_nll(x_mean, x, log_std).sum().backward()
    assert log_std.grad is not None
    assert abs(log_std.grad.item()) < 1e-9


def test_squared_error_is_a_gaussian_of_variance_one_half_up_to_a_constant() -> None:
    x_mean, x = normal(*SHAPE), uniform(*SHAPE)
    np.testing.assert_allclose(squared_error(x_mean, x), ((x_mean - x).numpy() ** 2).sum(axis=(1, 2, 3)), rtol=1e-12)
    gap = -Normal(x_mean, math.sqrt(0.5)).log_prob(x).sum(dim=(1, 2, 3)) - squared_error(x_mean, x)
    torch.testing.assert_close(gap, torch.full((5,), 12 * math.log(math.pi), dtype=torch.float64))


def test_each_likelihood_uses_its_own_term(small: Config) -> None:
    x_params, x = normal(4, 1, 8, 8), uniform(4, 1, 8, 8)
    gaussian = VAE(small.with_(likelihood="gaussian"))
    torch.nn.init.constant_(gaussian.log_std, -1.5)
    assert torch.equal(recon_nll(VAE(small), x_params, x), bernoulli_nll(x_params, x))
    assert torch.equal(recon_nll(VAE(small.with_(likelihood="mse")), x_params, x), squared_error(x_params, x))
    given = recon_nll(gaussian, x_params, x)
    assert torch.equal(given, gaussian_nll(x_params, x, torch.tensor(-1.5)))
    given.sum().backward()
    assert gaussian.log_std.grad is not None and gaussian.log_std.grad.abs() > 0


@pytest.mark.parametrize(("recon", "kl", "batch"), list(itertools.product(REDUCTIONS, repeat=3)))
def test_every_combination_of_reductions(recon: str, kl: str, batch: str, small: Config) -> None:
    config = small.with_(beta=2.5, recon_reduction=recon, kl_reduction=kl, batch_reduction=batch)
    nll, kl_per_dim = uniform(6), uniform(6, 3, seed=1)
    total = 0.0
    for row in range(6):  # written out: 64 pixels, 3 latents, 6 images
        pixels = nll[row].item() / (64 if recon == "mean" else 1)
        latents = sum(kl_per_dim[row].tolist()) / (3 if kl == "mean" else 1)
        total += pixels + 2.5 * latents
    exact = total / (6 if batch == "mean" else 1)
    assert reduce_loss(config, nll, kl_per_dim).item() == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize(("recon", "kl", "batch"), list(itertools.product(REDUCTIONS, repeat=3)))
def test_effective_beta_is_the_ratio_of_the_gradients(recon: str, kl: str, batch: str, small: Config) -> None:
    config = small.with_(beta=0.75, recon_reduction=recon, kl_reduction=kl, batch_reduction=batch)
    nll, kl_per_dim = uniform(6).requires_grad_(), uniform(6, 3).requires_grad_()
    reduce_loss(config, nll, kl_per_dim).backward()
    # One more nat of KL in any latent against one more nat of reconstruction: what beta means in nats per image.
    ratio = kl_per_dim.grad / nll.grad[:, None]
    torch.testing.assert_close(ratio, torch.full((6, 3), effective_beta(config), dtype=torch.float64))


@pytest.mark.parametrize("likelihood", ["bernoulli", "mse", "gaussian"])
def test_the_loss_is_made_of_its_parts(likelihood: str, small: Config, generator: torch.Generator) -> None:
    vae = VAE(small.with_(likelihood=likelihood, beta=3.0))
    x = torch.rand(6, 1, 8, 8, generator=generator)
    parts = loss(vae, x, torch.Generator().manual_seed(4))
    out = vae(x, torch.Generator().manual_seed(4))
    assert torch.equal(parts.output.z, out.z)
    assert parts.recon_nll.shape == parts.kl.shape == parts.elbo.shape == (6,)
    torch.testing.assert_close(parts.recon_nll, recon_nll(vae, out.x_params, x))
    torch.testing.assert_close(parts.kl, out.posterior.kl())
    torch.testing.assert_close(parts.elbo, -parts.recon_nll - parts.kl)  # beta 1, whatever was trained
    torch.testing.assert_close(parts.total, (parts.recon_nll + 3 * parts.kl).mean())


def test_the_draw_of_the_loss_is_the_generators(vae: VAE) -> None:
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    before = torch.get_rng_state()
    first, again, other = (loss(vae, x, torch.Generator().manual_seed(seed)).total.item() for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(before, torch.get_rng_state())


def test_the_loss_is_estimated_with_z_drawn_not_at_mu(small: Config) -> None:
    vae = VAE(small)
    torch.nn.init.constant_(vae.encoder.heads.logvar.bias, 2.0)
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    parts = loss(vae, x, torch.Generator().manual_seed(1))
    assert not torch.isclose(parts.recon_nll, bernoulli_nll(vae.decode_params(vae.encode(x).mode()), x)).any()


def test_binarised_pixels_are_one_as_often_as_they_are_bright(generator: torch.Generator) -> None:
    x = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0]).repeat(20_000, 1)
    drawn = binarise(x, generator)
    assert drawn.shape == x.shape and drawn.dtype == x.dtype
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    mean = drawn.mean(dim=0)
    assert mean[0] == 0 and mean[4] == 1
    assert ((mean - x[0]).abs() < 5 * 0.5 / 20_000**0.5).all()


def test_binarised_pixels_are_drawn_afresh_and_repeat_with_their_generator() -> None:
    x = torch.full((2, 50), 0.5)
    generator = torch.Generator().manual_seed(0)
    first, second = binarise(x, generator), binarise(x, generator)
    assert not torch.equal(first, second) and not torch.equal(first[0], first[1])
    before = torch.get_rng_state()
    assert torch.equal(first, binarise(x, torch.Generator().manual_seed(0)))
    assert torch.equal(before, torch.get_rng_state())


def test_dynamic_binarisation_reaches_the_encoder_and_the_likelihood(small: Config) -> None:
    config = small.with_(binarise="dynamic")
    vae = VAE(config)
    x = torch.full((4, 1, 8, 8), 0.5)
    parts = loss(vae, x, torch.Generator().manual_seed(3))
    drawn = binarise(x, torch.Generator().manual_seed(3))
    assert torch.equal(parts.output.posterior.mu, vae.encode(drawn).mu)
    torch.testing.assert_close(parts.recon_nll, bernoulli_nll(parts.output.x_params, drawn))
    still = loss(VAE(config.with_(binarise="none")), x, torch.Generator().manual_seed(3))
    assert torch.equal(still.output.posterior.mu, vae.encode(x).mu)


def test_a_loss_sums_its_kl_over_latents() -> None:
    parts = Loss(torch.zeros(()), torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 4.0], [5.0, 6.0]]), None)  # type: ignore[arg-type]
    assert parts.kl.tolist() == [7.0, 11.0]
    assert parts.elbo.tolist() == [-8.0, -13.0]


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_beta_weighs_the_kl_alone(beta: float, small: Config) -> None:
    x = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    totals: list[Any] = [loss(VAE(small.with_(beta=b)), x, torch.Generator().manual_seed(1)) for b in (beta, 1.0)]
    torch.testing.assert_close(totals[0].total - totals[1].total, (beta - 1) * totals[1].kl.mean())
