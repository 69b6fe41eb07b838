"""The mixture of Gaussians: against torch's own distributions, and against what it was made of."""

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from vae.errors import VAEError
from vae.priors.mixture import Mixture, fit_mixture


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def mixture(generator):
    scales = 0.3 * torch.randn(3, 2, 2, generator=generator).tril(-1) + torch.diag(torch.tensor([0.5, 0.8]))
    return Mixture(torch.tensor([0.5, 0.3, 0.2]), torch.tensor([[-3.0, 0], [3.0, 1], [0.0, 4]]), scales)


def test_the_density_is_that_of_torch_distributions(mixture, generator):
    z = 3 * torch.randn(40, 2, generator=generator)
    parts = MultivariateNormal(mixture.means, scale_tril=mixture.scales)
    wanted = MixtureSameFamily(Categorical(mixture.weights), parts).log_prob(z)
    assert torch.allclose(mixture.log_prob(z), wanted, atol=1e-4)


def test_draws_have_each_components_share_mean_and_covariance(mixture, generator):
    z = mixture.sample(30_000, generator)
    which = torch.cdist(z, mixture.means).argmin(dim=1)  # they lie far apart
    for k in range(3):
        mine = z[which == k]
        assert len(mine) / len(z) == pytest.approx(mixture.weights[k].item(), abs=0.01)
        assert torch.allclose(mine.mean(0), mixture.means[k], atol=0.05)
        assert torch.allclose(torch.cov(mine.T), mixture.scales[k] @ mixture.scales[k].T, atol=0.05)


def test_a_fit_finds_what_the_codes_were_drawn_from(mixture, generator):
    """As likely as the truth is, on codes it never saw; one Gaussian is much less so."""
    codes, new = mixture.sample(3000, generator), mixture.sample(3000, generator)
    found = fit_mixture(codes, generator, sizes=(1, 3, 8))
    assert found.log_prob(new).mean() == pytest.approx(mixture.log_prob(new).mean().item(), abs=0.03)
    assert len(fit_mixture(codes, generator, sizes=(1,)).weights) == 1
    assert fit_mixture(codes, generator, sizes=(1,)).log_prob(new).mean() < mixture.log_prob(new).mean() - 0.5


def test_held_out_codes_decide_how_many_components(generator):
    """One Gaussian in twelve dimensions: forty components would fit the noise of 1,200 codes."""
    codes = torch.randn(1200, 12, generator=generator)
    assert len(fit_mixture(codes, generator, sizes=(1, 5, 40)).weights) == 1


def test_the_generator_decides_everything(mixture, generator):
    codes = mixture.sample(400, generator)
    one, two = (fit_mixture(codes, torch.Generator().manual_seed(4), sizes=(2,)) for _ in "ab")
    assert torch.equal(one.means, two.means)
    draws = [one.sample(9, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


def test_codes_that_never_vary_are_no_trouble(generator):
    """A collapsed model, or a plain autoencoder with a dead unit."""
    codes = torch.cat([torch.randn(100, 1, generator=generator), torch.zeros(100, 1)], dim=1)
    z = fit_mixture(codes, generator, sizes=(1,)).sample(50, generator)
    assert torch.isfinite(z).all() and z[:, 1].abs().max() < 0.1


@pytest.mark.parametrize("codes", [torch.zeros(19, 2), torch.full((30, 2), torch.nan)])
def test_too_few_codes_or_none_finite_are_refused(codes, generator):
    with pytest.raises(VAEError, match="20 finite codes"):
        fit_mixture(codes, generator)
