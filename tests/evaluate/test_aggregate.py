"""The rate in its two parts: against mixtures whose parts are known."""

import math

import numpy as np
import pytest

from vae.evaluate.codes import aggregate as module
from vae.evaluate.codes.aggregate import aggregate, radii


def spread(count, mean_std, post_std, latents=1, seed=0):
    """Posteriors whose means are N(0, mean_std^2): together they are N(0, mean_std^2 + post_std^2)."""
    mu = np.random.default_rng(seed).normal(size=(count, latents)) * mean_std
    return mu, np.full_like(mu, 2 * math.log(post_std))


@pytest.mark.parametrize(("mean_std", "post_std"), [(1.0, 0.5), (2.0, 1.0), (0.5, 0.9)])
def test_a_gaussian_aggregate_has_the_closed_forms(mean_std, post_std):
    found = aggregate(*spread(8000, mean_std, post_std))
    variance = mean_std**2 + post_std**2
    assert found.information == pytest.approx(0.5 * math.log(variance / post_std**2), abs=4 * found.error + 0.02)
    assert found.marginal_kl == pytest.approx(0.5 * (variance - 1 - math.log(variance)), abs=0.08)


def test_the_two_parts_are_the_rate():
    mu, logvar = spread(1500, 1.0, 0.6, latents=4)
    rate = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(axis=1).mean()
    found = aggregate(mu, logvar)
    assert found.draws == 1500
    assert found.information + found.marginal_kl == pytest.approx(rate, abs=0.15)


def test_information_is_log_n_where_codes_are_far_apart_and_nothing_where_they_are_one():
    far = np.arange(100.0)[:, None] * 100
    assert aggregate(far, np.zeros((100, 1))).information == pytest.approx(math.log(100), abs=1e-6)
    same = aggregate(np.zeros((100, 2)), np.zeros((100, 2)))
    assert same.information == pytest.approx(0, abs=1e-9) and same.marginal_kl == pytest.approx(0, abs=1e-9)


def test_each_latent_has_its_own_and_two_that_go_together_have_more_than_their_sum():
    mu = np.random.default_rng(0).normal(size=(2000, 1))
    pair = np.hstack([mu, mu]) * 0.95
    found = aggregate(pair, np.full_like(pair, math.log(1 - 0.95**2)))
    assert found.marginal_kl_per_dim == pytest.approx((0, 0), abs=0.05)  # each alone is N(0, 1)
    expected = -0.5 * math.log(1 - 0.95**4)  # of two standard normals with that correlation
    assert found.marginal_kl == pytest.approx(expected, abs=0.15)


def test_narrow_codes_far_out_lose_nothing_to_rounding():
    mu = np.array([[1000.0], [1000.001]])
    logvar = np.full((2, 1), 2 * math.log(1e-4))  # ten of its own spreads apart
    assert aggregate(mu, logvar).information == pytest.approx(math.log(2), abs=1e-3)


def test_pieces_do_not_show_and_the_seed_does(monkeypatch):
    mu, logvar = spread(300, 1.0, 0.5, latents=2)
    whole = aggregate(mu, logvar)
    monkeypatch.setattr(module, "HELD", 700)
    pieces = aggregate(mu, logvar)
    assert pieces.information == pytest.approx(whole.information) and aggregate(mu, logvar) == pieces
    assert aggregate(mu, logvar, seed=1) != pieces


def test_many_images_and_latents_are_looked_at_through_fewer_draws(monkeypatch):
    monkeypatch.setattr(module, "WORK", 300 * 2 * 10)
    assert aggregate(*spread(300, 1.0, 0.5, latents=2)).draws == 10


def test_radii_of_the_prior_itself_are_those_of_a_chi_distribution():
    from scipy import stats

    zero = np.zeros((40_000, 5), np.float32)
    found = radii(zero, zero, bins=20)
    wanted = np.diff(stats.chi(5).cdf(np.array(found.edges)))
    assert found.prior == pytest.approx(wanted, abs=1e-9)
    assert found.images == pytest.approx(wanted, abs=0.01) and found.shared > 0.97
    assert found.usual_prior == pytest.approx(stats.chi(5).median(), abs=0.02)
    assert found.usual_images == pytest.approx(found.usual_prior, abs=0.02)


def test_codes_on_a_far_shell_share_nothing_with_the_prior():
    mu = np.zeros((500, 3), np.float32)
    mu[:, 0] = 9
    found = radii(mu, np.full((500, 3), -8, np.float32))
    assert found.shared < 0.01 and found.usual_images == pytest.approx(9, abs=0.05)
    assert sum(found.images) == pytest.approx(1, abs=0.01)


def test_fewer_draws_can_be_asked_for():
    mu = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    assert aggregate(mu, np.zeros_like(mu), most=50).draws == 50
