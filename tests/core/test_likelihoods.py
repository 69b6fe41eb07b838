"""What each likelihood says of pixels: against torch.distributions, against torch's own loss, and its gradient."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal
from torch.nn import functional as F

from vae.config import Config
from vae.likelihoods import (
    LOG_STD_FLOOR,
    bernoulli_nll,
    binarise,
    binarise_once,
    gaussian_nll,
    logistic_nll,
    recon_nll,
    seen,
    squared_error,
)
from vae.model import VAE

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


def test_the_gradient_of_bernoulli_is_that_of_torchs_own_loss() -> None:
    x_logits, weights = normal(*SHAPE, scale=4).requires_grad_(), uniform(5, seed=2)
    x = uniform(*SHAPE, seed=1).requires_grad_()
    (bernoulli_nll(x_logits, x) * weights).sum().backward()
    given = x_logits.grad, x.grad
    x_logits.grad = x.grad = None
    torchs = F.binary_cross_entropy_with_logits(x_logits, x, reduction="none").flatten(1).sum(dim=1)
    (torchs * weights).sum().backward()
    torch.testing.assert_close(given, (x_logits.grad, x.grad), rtol=1e-9, atol=1e-12)


def test_the_gradient_of_bernoulli_is_that_of_small_steps() -> None:
    x_logits, x = normal(3, 4, scale=2).requires_grad_(), uniform(3, 4)
    assert torch.autograd.gradcheck(lambda logits: bernoulli_nll(logits, x), x_logits)


@pytest.mark.parametrize("logit", [-100.0, -30.0, 30.0, 100.0])
@pytest.mark.parametrize("pixel", [0.0, 1.0])
def test_bernoulli_loses_nothing_of_a_sure_and_right_pixel_among_wrong_ones(logit: float, pixel: float) -> None:
    x_logits = torch.tensor([[logit, 1e4, -1e4]])
    x = torch.tensor([[pixel, 1.0, 0.0]])
    exact = F.binary_cross_entropy_with_logits(x_logits, x, reduction="none").sum()
    assert bernoulli_nll(x_logits, x).item() == pytest.approx(exact.item(), rel=1e-6, abs=1e-6)


def test_the_loss_of_float32_is_that_of_float64() -> None:
    """Each pixel is summed up before the image is: no large numbers are taken from each other."""
    x_logits, x = normal(16, 784, scale=8), uniform(16, 784)
    exact = bernoulli_nll(x_logits, x)
    torch.testing.assert_close(bernoulli_nll(x_logits.float(), x.float()).double(), exact, rtol=1e-6, atol=0)


LEVELS = torch.arange(256, dtype=torch.float64) / 255


@pytest.mark.parametrize("log_scale", [-9.0, -5.0, -2.6, 0.0, 3.0])
@pytest.mark.parametrize("mean", [-0.5, 0.0, 0.3, 1.0, 1.7])
def test_the_masses_of_the_256_grey_levels_sum_to_one(mean: float, log_scale: float) -> None:
    masses = torch.exp(-logistic_nll(torch.full((256, 1), mean), LEVELS[:, None], torch.tensor(log_scale)))
    assert masses.sum().item() == pytest.approx(1, abs=1e-6)
    assert (masses >= 0).all()


def test_a_mass_is_the_difference_of_the_distribution_at_the_edges_of_its_level() -> None:
    mean, scale = 0.42, 0.07
    edges = torch.cat([torch.tensor([-math.inf]), (LEVELS[:-1] + LEVELS[1:]) / 2, torch.tensor([math.inf])])
    below = torch.sigmoid((edges - mean) / scale)
    nll = logistic_nll(torch.full((256, 1), mean), LEVELS[:, None], torch.tensor(math.log(scale), dtype=torch.float64))
    torch.testing.assert_close(nll, -(below[1:] - below[:-1]).log(), rtol=1e-5, atol=0)


def test_the_logistic_of_float32_is_that_of_float64_far_out_too() -> None:
    x, mean = LEVELS.repeat(3, 1), torch.tensor([[0.5], [3.0], [-20.0]], dtype=torch.float64).expand(3, 256)
    scale = torch.tensor(-5.0, dtype=torch.float64)
    exact, given = logistic_nll(mean, x, scale), logistic_nll(mean.float(), x.float(), scale.float())
    assert given.isfinite().all()
    torch.testing.assert_close(given.double(), exact, rtol=1e-5, atol=0)


def test_the_gradient_of_the_logistic_is_that_of_small_steps() -> None:
    mean, scale = uniform(3, 6).requires_grad_(), torch.tensor(-2.0, dtype=torch.float64, requires_grad=True)
    x = LEVELS[[0, 3, 100, 101, 254, 255]].repeat(3, 1)
    assert torch.autograd.gradcheck(lambda m, s: logistic_nll(m, x, s), (mean, scale))


def test_a_fixed_spread_is_no_weight_and_a_logistic_learns_its_scale(small: Config) -> None:
    fixed = VAE(small.with_(likelihood="gaussian", std=0.3))
    x_params, x = normal(4, 1, 8, 8), uniform(4, 1, 8, 8)
    exact = -Normal(x_params, 0.3).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(recon_nll(fixed, x_params, x), exact, rtol=1e-6, atol=0)
    assert set(fixed.state_dict()) == set(VAE(small).state_dict())
    logistic = VAE(small.with_(likelihood="logistic"))
    x = (x * 255).round() / 255
    given = recon_nll(logistic, x_params, x)
    assert torch.equal(given, logistic_nll(x_params, x, logistic.log_scale))
    given.sum().backward()
    assert logistic.log_scale.grad is not None and logistic.log_scale.grad.abs() > 0


def pictures(count: int, *shape: int, seed: int = 0) -> torch.Tensor:
    """x of `count` grey pictures, each pixel another one of 256 levels."""
    return torch.randint(0, 256, (count, *shape), generator=torch.Generator().manual_seed(seed)) / 255


def test_static_pixels_belong_to_their_image_alone(small: Config) -> None:
    x = pictures(20, 1, 8, 8)
    drawn = binarise_once(x)
    assert drawn.shape == x.shape and set(drawn.unique().tolist()) == {0.0, 1.0}
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    assert torch.equal(binarise_once(x[order]), drawn[order])
    assert torch.equal(binarise_once(x[3:4]), drawn[3:4])
    assert torch.equal(binarise_once(drawn), drawn)  # data that come binarised stay as they are
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(0)
    kinds = {kind: seen(small.with_(binarise=kind), x, generator) for kind in ("none", "static", "dynamic")}
    assert torch.equal(kinds["none"], x) and torch.equal(kinds["static"], drawn)
    assert torch.equal(kinds["dynamic"], binarise(x, torch.Generator().manual_seed(0)))
    assert torch.equal(before, torch.get_rng_state())


def test_static_pixels_are_one_as_often_as_they_are_bright() -> None:
    """And know nothing of each other: neighbours in one image, nor one pixel in two images that are nearly the same."""
    x = pictures(4000, 25)
    x[:, :5] = torch.tensor([0.0, 26.0, 128.0, 230.0, 255.0]) / 255
    drawn = binarise_once(x)
    mean = drawn[:, :5].mean(dim=0)
    assert mean[0] == 0 and mean[4] == 1
    assert ((mean - x[0, :5]).abs() < 5 * 0.5 / 4000**0.5).all()
    apart = drawn - x
    together = (apart[:, 5:].T @ apart[:, 5:]) / 4000
    assert (together - together.diag().diag()).abs().max() < 5 * 0.25 / 4000**0.5
    alike = torch.full((4000, 60), 128 / 255)
    alike[torch.arange(4000), torch.arange(4000) % 60] = (
        torch.arange(4000) // 60 * 3 / 255
    )  # 4000 images, all but the same
    apart = binarise_once(alike) - alike
    assert abs((apart[:-1] * apart[1:]).mean().item()) < 5 * 0.25 / 240_000**0.5
    assert (apart.mean(dim=1).abs() < 6 * 0.5 / 60**0.5).all() and apart.mean(dim=1).std() > 0.8 * 0.5 / 60**0.5
