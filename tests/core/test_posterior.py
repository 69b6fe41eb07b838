"""q(z|x) against torch.distributions, and the gradient of the draw against its derivation."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal
from torch.distributions import kl_divergence as exact_kl

from vae.errors import VAEError
from vae.model import Posterior, kl_divergence, reparameterize
from vae.posterior import log_normal, log_prior, per_level


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_kl_is_that_of_torch_distributions() -> None:
    mu, logvar = normal(64, 9, scale=2), normal(64, 9, seed=1, scale=2)
    exact = exact_kl(Normal(mu, torch.exp(logvar / 2)), Normal(torch.zeros(9), torch.ones(9)))
    torch.testing.assert_close(kl_divergence(mu, logvar), exact, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(kl_divergence(mu.float(), logvar.float()), exact.float(), rtol=1e-6, atol=1e-6)


@given(mu=st.floats(-30, 30), logvar=st.floats(-20, 20))
def test_kl_of_one_dimension_is_that_of_torch_distributions(mu: float, logvar: float) -> None:
    m, v = torch.tensor([[mu]], dtype=torch.float64), torch.tensor([[logvar]], dtype=torch.float64)
    exact = exact_kl(Normal(m, torch.exp(v / 2)), Normal(torch.zeros_like(m), torch.ones_like(v)))
    torch.testing.assert_close(kl_divergence(m, v), exact, rtol=1e-6, atol=1e-6)


def test_kl_is_zero_at_the_prior_alone_and_has_no_floor() -> None:
    zero = torch.zeros(1, 4)
    assert kl_divergence(zero, zero).tolist() == [[0.0] * 4]
    assert (kl_divergence(zero, torch.tensor([[-1.0, -0.1, 0.1, 1.0]])) > 0).all()
    # No floor: a code that says next to nothing costs next to nothing, mu**2 / 2, and pulls with gradient mu.
    mu = torch.tensor([[-1e-3, 1e-6]], dtype=torch.float64, requires_grad=True)
    tiny = kl_divergence(mu, torch.zeros_like(mu))
    torch.testing.assert_close(tiny, mu.detach() ** 2 / 2, rtol=1e-3, atol=0)
    tiny.sum().backward()
    torch.testing.assert_close(mu.grad, mu.detach())


def test_the_posterior_sums_its_kl_over_dimensions_only() -> None:
    q = Posterior(normal(5, 3), normal(5, 3, seed=1))
    assert q.kl_per_dim().shape == (5, 3)
    assert q.kl().shape == (5,)
    torch.testing.assert_close(q.kl(), kl_divergence(q.mu, q.logvar).sum(dim=1))


def test_std_is_the_square_root_of_the_variance_and_mode_is_mu() -> None:
    q = Posterior(normal(5, 3), normal(5, 3, seed=1))
    torch.testing.assert_close(q.std**2, q.logvar.exp())
    assert q.mode() is q.mu


def test_draws_have_the_mean_and_the_spread_of_the_posterior(generator: torch.Generator) -> None:
    mu, logvar = torch.tensor([[-2.0, 0.0, 3.0]]), torch.tensor([[-2.0, 0.0, 2.0]])
    draws = Posterior(mu.repeat(40_000, 1), logvar.repeat(40_000, 1)).sample(generator)  # (40000, 3)
    std = torch.exp(logvar / 2)[0]
    assert ((draws.mean(dim=0) - mu[0]).abs() < 5 * std / 200).all()
    assert ((draws.std(dim=0) / std - 1).abs() < 0.02).all()
    off_diagonal = torch.corrcoef(draws.T) - torch.eye(3)
    assert off_diagonal.abs().max() < 0.03


def test_the_gradient_reaches_mu_and_logvar_through_the_draw(generator: torch.Generator) -> None:
    mu, logvar = normal(6, 4).requires_grad_(), normal(6, 4, seed=1).requires_grad_()
    z = reparameterize(mu, logvar, generator)
    z.sum().backward()
    std = torch.exp(logvar.detach() / 2)
    eps = (z.detach() - mu.detach()) / std
    torch.testing.assert_close(mu.grad, torch.ones(6, 4, dtype=torch.float64))
    torch.testing.assert_close(logvar.grad, 0.5 * std * eps)  # d/dv exp(v/2) eps


def test_the_generator_alone_decides_the_draw() -> None:
    q = Posterior(torch.zeros(4, 2), torch.zeros(4, 2))
    first = q.sample(torch.Generator().manual_seed(7))
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert torch.equal(first, q.sample(torch.Generator().manual_seed(7)))
    assert not torch.equal(first, q.sample(torch.Generator().manual_seed(8)))
    assert torch.equal(before, torch.get_rng_state())


def test_without_a_generator_the_global_one_is_used() -> None:
    q = Posterior(torch.zeros(4, 2), torch.zeros(4, 2))
    torch.manual_seed(3)
    first = q.sample(None)
    torch.manual_seed(3)
    assert torch.equal(first, q.sample(None))


@pytest.mark.parametrize("shapes", [((2, 3), (2, 4)), ((3,), (3,)), ((1, 2, 3), (1, 2, 3))])
def test_mu_and_logvar_of_another_shape_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(VAEError, match=r"must both be \(B, L\)"):
        Posterior(torch.zeros(shapes[0]), torch.zeros(shapes[1]))


def test_log_densities_are_those_of_torch_distributions() -> None:
    z, mu, logvar = normal(6, 4, seed=2), normal(6, 4), normal(6, 4, seed=1)
    exact = Normal(mu, torch.exp(logvar / 2)).log_prob(z)
    torch.testing.assert_close(log_normal(z, mu, logvar), exact)
    torch.testing.assert_close(Posterior(mu, logvar).log_prob(z), exact.sum(dim=1))
    zero = torch.zeros(4, dtype=torch.float64)
    torch.testing.assert_close(log_prior(z), Normal(zero, zero + 1).log_prob(z).sum(dim=1))


def test_the_kl_of_levels_is_that_of_their_latents() -> None:
    kl = normal(5, 6)
    levels = per_level(kl, (1, 3, 2))
    torch.testing.assert_close(levels, torch.stack([kl[:, 0], kl[:, 1:4].sum(1), kl[:, 4:].sum(1)], dim=1))
    torch.testing.assert_close(per_level(kl[0], (1, 3, 2)), levels[0])


def test_a_point_is_its_mode_and_has_no_density(generator: torch.Generator) -> None:
    q = Posterior(normal(5, 3), torch.full((5, 3), -30.0, dtype=torch.float64), point=True)
    assert torch.equal(q.sample(generator), q.mu) and torch.equal(q.kl(), torch.zeros(5, dtype=torch.float64))
    with pytest.raises(VAEError, match="no density over codes, so it has no likelihood"):
        q.log_prob(q.mu)
