"""The exact likelihood of a linear VAE: against scipy's Gaussian, and no bound above it."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from vae.config import Config
from vae.likelihoods import recon_nll
from vae.linear import marginal_log_prob
from vae.model import VAE
from vae.posterior import log_prior

LINEAR = Config((9,), 3, "linear", (), (), likelihood="gaussian", output="linear")


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def made(config: Config = LINEAR, std: float = 0.6) -> tuple[VAE, torch.Tensor]:
    """A linear VAE in float64 whose posterior is the exact one, and images of its own."""
    vae = VAE(config).double()
    weight = torch.linalg.qr(normal(9, 3))[0] * torch.tensor([1.5, 1.0, 0.4])  # columns at right angles
    variance = std**2 / ((weight**2).sum(dim=0) + std**2)
    with torch.no_grad():
        vae.decoder.out.weight.copy_(weight)
        vae.decoder.out.bias.copy_(normal(9, seed=1))
        vae.log_std.fill_(np.log(std))
        vae.encoder.heads.mu.weight.copy_((weight * variance).T / std**2)
        vae.encoder.heads.mu.bias.copy_(-vae.encoder.heads.mu.weight @ vae.decoder.out.bias)
        vae.encoder.heads.logvar.copy_(variance.log())
    return vae, vae.decode(normal(20, 3, seed=2)).detach() + std * normal(20, 9, seed=3)


@pytest.mark.parametrize("latents", [1, 3, 9, 12])
def test_the_exact_likelihood_is_that_of_scipy(latents: int) -> None:
    x, weight, bias, std = normal(7, 9), normal(9, latents, seed=1), normal(9, seed=2), torch.tensor(0.3)
    covariance = (weight @ weight.T).numpy() + 0.3**2 * np.eye(9)
    exact = multivariate_normal(bias.numpy(), covariance).logpdf(x.numpy())
    np.testing.assert_allclose(marginal_log_prob(x, weight, bias, std.double()).numpy(), exact, rtol=1e-6)


def test_the_bound_of_the_exact_posterior_is_the_exact_likelihood() -> None:
    """log p(x|z) + log p(z) - log q(z|x) is log p(x) for every z, and the bound is exact."""
    vae, x = made()
    exact = vae.log_likelihood_exact(x)
    q, z = vae.draw(x, torch.Generator().manual_seed(0), 5)
    weights = -recon_nll(vae, vae.decode_params(z), x.repeat(5, 1)) + log_prior(z) - q.log_prob(z)  # (5 * 20,)
    torch.testing.assert_close(weights, exact.repeat(5), rtol=1e-6, atol=1e-6)


def test_any_other_posterior_gives_a_lower_bound() -> None:
    vae, x = made()
    exact = vae.log_likelihood_exact(x)
    with torch.no_grad():
        vae.encoder.heads.logvar.add_(1.0)
    q, z = vae.draw(x, torch.Generator().manual_seed(0), 4000)
    weights = (-recon_nll(vae, vae.decode_params(z), x.repeat(4000, 1)) + log_prior(z) - q.log_prob(z)).view(4000, 20)
    assert (weights.mean(dim=0) < exact - 0.3).all()
    bounds = torch.stack([torch.logsumexp(weights.view(-1, k, 20), 1).mean(0) - np.log(k) for k in (1, 10, 100, 4000)])
    assert (bounds.mean(dim=1).diff() > 0).all()
    torch.testing.assert_close(bounds[-1], exact, rtol=0, atol=0.05)


def test_a_fixed_spread_is_the_one_that_counts() -> None:
    vae, x = made(LINEAR.with_(std=0.25), std=0.25)
    covariance = (vae.decoder.out.weight @ vae.decoder.out.weight.T).detach().numpy() + 0.25**2 * np.eye(9)
    exact = multivariate_normal(vae.decoder.out.bias.detach().numpy(), covariance).logpdf(x.numpy())
    np.testing.assert_allclose(vae.log_likelihood_exact(x).detach().numpy(), exact, rtol=1e-6)


@pytest.mark.parametrize(
    "config",
    [
        Config((9,), 3),
        LINEAR.with_(output="sigmoid"),
        LINEAR.with_(likelihood="mse"),
        Config((9,), 3, "mlp", (), (), likelihood="gaussian", output="linear"),
    ],
)
def test_other_models_have_no_exact_likelihood(config: Config, refused: Any) -> None:
    with refused("Only a linear network with a Gaussian likelihood"):
        VAE(config).log_likelihood_exact(torch.rand(2, 9))
