"""Noise drawn closer in: against SciPy's truncated normal, and that a hand moves it evenly."""

import pytest
import torch
from scipy import stats

from vae.errors import VAEError
from vae.priors.noise import Standard, tightened


@pytest.fixture(scope="module")
def noise():
    return torch.randn(20_000, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("limit", [0.5, 1.0, 2.5])
def test_what_is_left_is_the_truncated_normal(noise, limit):
    found = tightened(noise, limit=limit)
    assert found.abs().max() <= limit
    assert stats.kstest(found.flatten().double().numpy(), stats.truncnorm(-limit, limit).cdf).pvalue > 0.001


def test_the_order_of_the_noise_stays_and_a_wide_limit_changes_nothing(noise):
    order = noise[:, 0].argsort()
    assert (tightened(noise, limit=1.0)[order, 0].diff() >= 0).all()
    assert torch.allclose(tightened(noise, limit=8.0), noise, atol=1e-4)
    assert tightened(noise) is noise


def test_the_temperature_comes_after_the_limit(noise):
    assert torch.equal(tightened(noise, 2.0, 1.0), 2 * tightened(noise, 1.0, 1.0))
    middle = tightened(noise, 0.0)
    assert not middle.any() and not torch.signbit(middle).any()


@pytest.mark.parametrize("how", [(-1.0, 0.0), (1.0, -0.5), (float("nan"), 0.0), (1.0, float("inf"))])
def test_numbers_that_cannot_be_are_refused(noise, how):
    with pytest.raises(VAEError, match="choose a number from 0 on"):
        tightened(noise, *how)


def test_the_standard_prior_leaves_noise_as_it_is(noise):
    assert Standard(2).place(noise, noise[:, 0]) is noise
    assert Standard(2).sample(3, torch.Generator().manual_seed(1)).shape == (3, 2)
