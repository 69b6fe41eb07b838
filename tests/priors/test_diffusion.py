"""Diffusion: the schedule and the way back against closed forms, and a network that learns a ring."""

import math

import pytest
import torch

from vae.errors import VAEError
from vae.priors.diffusion import Denoiser, LatentDiffusion, fit_diffusion
from vae.priors.schedule import alpha_sigma, ddim, flow, mean_velocity, noised, time_features


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


# ---- the schedule --------------------------------------------------------------------------------------------------


def test_the_variance_stays_at_one_and_time_ends_in_noise(generator):
    x, eps = (torch.randn(5, 3, generator=generator) for _ in "ab")
    alpha, sigma = alpha_sigma(torch.linspace(0, 1, 5), x)
    assert torch.allclose(alpha**2 + sigma**2, torch.ones(5, 1))
    assert torch.allclose(noised(x, eps, torch.zeros(5))[0], x)
    assert torch.allclose(noised(x, eps, torch.ones(5))[0], eps, atol=1e-6)


def test_data_and_noise_follow_from_the_velocity(generator):
    x, eps, t = torch.randn(9, 2, 4, generator=generator), torch.randn(9, 2, 4, generator=generator), torch.rand(9)
    x_t, v = noised(x, eps, t)
    alpha, sigma = alpha_sigma(t, x)
    assert torch.allclose(alpha * x_t - sigma * v, x, atol=1e-5)
    assert torch.allclose(sigma * x_t + alpha * v, eps, atol=1e-5)


def best_velocity(mean, std):
    """What a perfect network says where the data are N(mean, std^2): E[v | x_t], in closed form."""

    def velocity(x, t):
        alpha, sigma = alpha_sigma(t, x)
        variance = alpha**2 * std**2 + sigma**2
        x_0 = mean + alpha * std**2 / variance * (x - alpha * mean)
        eps = sigma / variance * (x - alpha * mean)
        return alpha * eps - sigma * x_0

    return velocity


def test_the_mean_velocity_is_that_over_the_codes_it_may_have_come_from(generator):
    """Written out: each code's own velocity, weighed by how probable it makes x_t."""
    codes, t = torch.randn(7, 3, generator=generator).double(), torch.linspace(0.05, 0.95, 5).double()
    x_t = torch.randn(5, 3, generator=generator).double()
    alpha, sigma = alpha_sigma(t, x_t)
    eps = (x_t[:, None] - alpha[:, None] * codes) / sigma[:, None]  # (5, 7, 3)
    weights = torch.exp(-0.5 * eps.square().sum(dim=2))
    each = alpha[:, None] * eps - sigma[:, None] * codes
    wanted = (weights[:, :, None] * each).sum(dim=1) / weights.sum(dim=1, keepdim=True)
    assert torch.allclose(mean_velocity(x_t, t, codes), wanted)
    x_t, v = noised(codes[:5], torch.randn(5, 3, generator=generator).double(), t)
    for row in range(5):  # of a single code it is that code's own
        assert torch.allclose(mean_velocity(x_t[[row]], t[[row]], codes[[row]]), v[[row]])


def test_the_mean_velocity_of_many_codes_is_the_perfect_one(generator):
    codes = 0.5 * torch.randn(40_000, 1, generator=generator) + 2
    x_t, t = torch.tensor([[0.3], [1.2], [0.9]]), torch.tensor([0.7, 0.4, 0.9])
    perfect = best_velocity(torch.tensor(2.0), torch.tensor(0.5))(x_t, t)
    assert torch.allclose(mean_velocity(x_t, t, codes), perfect, atol=0.02)


def test_the_way_back_of_a_gaussian_is_exact(generator):
    """The flow of N(m, s^2) data carries noise e to m + s e (Song et al. 2021): the more steps, the closer."""
    mean, std = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 0.1])
    noise = torch.randn(200, 2, generator=generator)
    errors = [
        (ddim(best_velocity(mean, std), noise, steps) - (mean + std * noise)).abs().max().item()
        for steps in (10, 40, 160)
    ]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 0.03


def test_the_midpoint_way_nears_the_same_end_by_the_square_of_its_steps(generator):
    mean, std = torch.tensor([2.0, -1.0], dtype=torch.float64), torch.tensor([0.5, 0.3], dtype=torch.float64)
    noise = torch.randn(200, 2, generator=generator, dtype=torch.float64)
    errors = [
        (flow(best_velocity(mean, std), noise, steps) - (mean + std * noise)).abs().max().item()
        for steps in (10, 20, 40)
    ]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 0.005


def test_one_step_goes_to_the_mean_and_progress_counts(generator):
    noise, seen = torch.randn(5, 2, generator=generator), []
    found = ddim(best_velocity(torch.zeros(2) + 3, torch.ones(2)), noise, 1, lambda *done: seen.append(done))
    assert torch.allclose(found, torch.full((5, 2), 3.0), atol=1e-5)
    assert seen == [(1, 1)]


def test_times_look_different_and_their_features_are_bounded():
    features = time_features(torch.linspace(0, 1, 50), 16)
    assert features.shape == (50, 16) and features.abs().max() <= 1
    assert torch.cdist(features, features).fill_diagonal_(9).min() > 0.05


# ---- on codes ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ring():
    """Codes on a ring of radius 3 around (5, 0), which no Gaussian could be."""
    angle = 2 * math.pi * torch.rand(2000, generator=torch.Generator().manual_seed(1))
    return torch.stack([5 + 3 * angle.cos(), 3 * angle.sin()], dim=1)


@pytest.fixture(scope="module")
def fitted(ring):
    return fit_diffusion(ring, torch.Generator().manual_seed(2), steps=300, width=48, batch=256)


def test_it_learns_a_ring_where_a_gaussian_would_fill_the_hole(fitted, generator):
    z = fitted.sample(500, generator)
    radius = (z - torch.tensor([5.0, 0])).norm(dim=1)
    assert ((radius > 2.2) & (radius < 3.8)).float().mean() > 0.93  # of a Gaussian 0.34
    angle = torch.atan2(z[:, 1], z[:, 0] - 5)
    assert torch.histc(angle, 4, -math.pi, math.pi).min() > 60  # all the way round


def test_a_dimension_that_never_varies_stays_where_it_is(ring, generator):
    """A dead unit of a plain autoencoder."""
    still = torch.cat([ring, torch.full((len(ring), 1), 0.7)], dim=1)
    z = fit_diffusion(still, generator, steps=3, width=8).sample(20, generator)
    assert torch.allclose(z[:, 2], torch.tensor(0.7), atol=1e-4)


def test_chance_is_in_the_generator_alone(ring, fitted):
    one, two = (fit_diffusion(ring, torch.Generator().manual_seed(3), steps=3, width=16) for _ in "ab")
    torch.rand(1)
    for name, value in one.tensors().items():
        assert torch.equal(value, two.tensors()[name]), name
    draws = [fitted.sample(6, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


def test_an_untrained_network_says_that_nothing_moves(generator):
    network = Denoiser(4, width=8, blocks=1)
    assert torch.equal(network(torch.randn(3, 4, generator=generator), torch.rand(3)), network.outlet.bias.expand(3, 4))


def test_what_is_kept_of_it_is_all_of_it(fitted):
    again = LatentDiffusion.from_tensors({name: value.clone() for name, value in fitted.tensors().items()})
    draws = [each.sample(8, torch.Generator().manual_seed(0)) for each in (fitted, again)]
    assert torch.equal(*draws)


@pytest.mark.parametrize("codes", [torch.zeros(19, 2), torch.full((30, 2), torch.inf)])
def test_too_few_codes_or_none_finite_are_refused(codes, generator):
    with pytest.raises(VAEError, match="20 finite codes"):
        fit_diffusion(codes, generator, steps=1)


@pytest.mark.gpu
def test_codes_on_a_gpu_stay_there(ring, generator):
    z = fit_diffusion(ring.to("cuda"), generator, steps=3, width=8).sample(5, generator)
    assert z.device.type == "cuda" and torch.isfinite(z).all()
