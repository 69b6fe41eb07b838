"""Both MIGs and SAP: against closed forms and counting, perfect and useless codes, and what must change nothing."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.feature_selection import mutual_info_regression
from sklearn.metrics import mutual_info_score

from vae.errors import VAEError
from vae.evaluate.codes import gaps as gaps_module
from vae.evaluate.codes.factors import as_factors
from vae.evaluate.codes.gaps import (
    gaps,
    joint,
    log_aggregate,
    mig_of_means,
    mig_of_samples,
    mutual_information,
    sap,
    threshold_accuracy,
)

N, COUNTS = 1_200, (3, 4, 6, 5)
HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2


def chance(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def factors():
    places = np.stack([chance(k).integers(0, count, N) for k, count in enumerate(COUNTS)], axis=1)
    return as_factors(("shape", "scale", "x", "y"), places, np.array([True, False, False, False]))


@pytest.fixture(scope="module")
def perfect(factors):
    """Each factor in a latent of its own, of its own scale, and a dead latent; the posterior is narrow."""
    mu = (factors.values - factors.values.mean(axis=0)) / factors.values.std(axis=0)
    mu = np.concatenate([0.005 * chance(9).normal(size=(N, 1)), mu], axis=1).astype(np.float32)
    logvar = np.full(mu.shape, 2 * np.log(0.02), np.float32)
    logvar[:, 0] = 0
    return mu, logvar


def all_three(mu, logvar, factors):
    active = mu.var(axis=0) > 0.01
    return [
        mig_of_samples(mu, logvar, factors, chance()),
        mig_of_means(mu, factors, chance()),
        sap(mu, factors, active, chance()),
    ]


def test_perfect_codes_score_near_one(factors, perfect):
    for found in all_three(*perfect, factors):
        assert found.score.value > 0.97
        assert found.table.shape == (5, 4)
        assert (found.table.argmax(axis=0) == [1, 2, 3, 4]).all()
        assert found.score.low <= found.score.value <= found.score.high < found.score.low + 0.05


def test_rotated_and_random_codes_score_near_nothing(factors, perfect):
    mu, logvar = perfect
    rotated = (mu[:, 1:] @ HADAMARD).astype(np.float32)
    noise = chance(5).normal(size=mu.shape).astype(np.float32)
    for found in all_three(rotated, logvar[:, 1:], factors) + all_three(noise, logvar, factors):
        assert -1e-9 <= found.score.value < 0.12


def test_a_factor_in_two_latents_has_no_gap(factors, perfect):
    """The gap is taken over latents within a factor. Over factors within a latent these codes would be perfect."""
    twice = [np.concatenate([part, part[:, 1:]], axis=1) for part in perfect]
    for found in all_three(*twice, factors):
        assert found.score.value < 0.02
        assert found.table.max(axis=0).min() > 0.95


def test_two_factors_in_one_latent_both_have_a_gap(factors):
    """One latent that tells two factors, and noise: over factors within that latent they are even."""
    some = as_factors(("a", "b"), factors.values[:, :2])
    mu = np.stack([factors.values[:, 0] * 4 + factors.values[:, 1], chance(1).normal(size=N)], axis=1)
    found = mig_of_samples(mu.astype(np.float32), np.full(mu.shape, -4, np.float32), some, chance())
    assert found.score.value > 0.95


def test_order_sign_and_scale_of_latents_change_nothing(factors):
    mu = (chance(3).normal(size=(N, 4)) + factors.values @ ortho_group.rvs(4, random_state=1)).astype(np.float32)
    logvar = np.log(chance(4).uniform(0.01, 0.2, mu.shape)).astype(np.float32)
    order, sign, scale = [2, 0, 3, 1], np.array([1, -1, -1, 1], np.float32), np.array([3, 0.5, 1, 10], np.float32)
    moved = (mu * sign * scale)[:, order]
    spread = (logvar + 2 * np.log(scale))[:, order]
    before = all_three(mu, logvar, factors)
    after = all_three(moved, spread, factors)
    # The first is from draws, which differ; the others are the same but for the side a bin's edge belongs to.
    for one, other, near in zip(before, after, (0.01, 0.005, 1e-6), strict=True):
        assert other.table == pytest.approx(one.table[order], abs=3 * near)
        assert other.score.value == pytest.approx(one.score.value, abs=near)


def test_thresholds_know_only_the_order(factors):
    some = as_factors(("shape",), factors.values[:, :1], np.array([True]))
    mu = chance(2).normal(size=(N, 2)) + factors.values[:, :1]
    one, other = (sap(z, some, np.ones(2, bool), chance()) for z in (mu, np.exp(mu)))
    assert other.table == pytest.approx(one.table)


# ---- mutual information --------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=60))
def test_discrete_mutual_information_is_scikit_learns(pairs):
    a, b = np.array(pairs).T
    assert mutual_information(joint(a, b)) == pytest.approx(mutual_info_score(a, b), abs=1e-9)


def test_mutual_information_of_a_noisy_switch():
    """A fair coin told right nine times of ten: log 2 - H(0.1)."""
    known = np.log(2) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1)
    assert mutual_information(np.array([[45, 5], [5, 45]])) == pytest.approx(known)


def test_cases_count_as_often_as_they_are_told():
    a, b, times = np.array([0, 1, 1]), np.array([2, 0, 2]), np.array([2, 0, 3])
    assert joint(a, b, times).tolist() == [[0, 0, 2], [0, 0, 3]]


def test_the_aggregate_is_the_mean_density():
    import torch
    from scipy.stats import norm

    mu, std, z = chance(0).normal(size=50), chance(1).uniform(0.1, 2, 50), chance(2).normal(size=7)
    oracle = np.log(norm(mu, std).pdf(z[:, None]).mean(axis=1))
    found = log_aggregate(*(torch.from_numpy(part) for part in (z, mu, std)))
    assert found.numpy() == pytest.approx(oracle)


def test_information_from_samples_is_that_of_the_gaussians():
    """mu is 0 for one value and d for the other: I(z; v) by numerical integration, blurred by the posterior's std."""
    from scipy.integrate import quad
    from scipy.stats import norm

    count, gap, std = 4_000, 1.5, 0.8
    v = chance(0).permutation(count) % 2
    mu = (gap * v)[:, None].astype(np.float32)
    mixed = lambda z: 0.5 * norm.pdf(z, 0, std) + 0.5 * norm.pdf(z, gap, std)  # noqa: E731
    known = quad(lambda z: -mixed(z) * np.log(mixed(z)), -6, 8)[0] - norm(0, std).entropy()
    found = mig_of_samples(mu, np.full(mu.shape, 2 * np.log(std), np.float32), as_factors(("v",), v[:, None]), chance())
    assert found.table[0, 0] * np.log(2) == pytest.approx(known, abs=0.02)
    assert found.score.low < known / np.log(2) < found.score.high  # one latent: the gap is all of it
    assert mig_of_means(mu, as_factors(("v",), v[:, None]), chance()).score.value == pytest.approx(1)  # mu tells all


def test_with_fewer_draws_than_images_it_is_the_same_but_for_chance(factors, perfect, monkeypatch):
    mu, logvar = perfect[0], perfect[1] + 2 * np.log(30)  # wide enough to blur
    every = mig_of_samples(mu, logvar, factors, chance())
    monkeypatch.setattr(gaps_module, "DRAWS", 300)
    some = mig_of_samples(mu, logvar, factors, chance())
    assert some.table == pytest.approx(every.table, abs=0.1) and not np.array_equal(some.table, every.table)
    assert some.score.high - some.score.low > 1.5 * (every.score.high - every.score.low)
    # A class of which nothing was drawn.
    rare = as_factors(("rare",), (np.arange(N) == 5)[:, None])
    monkeypatch.setattr(gaps_module, "DRAWS", 2)
    assert np.isfinite(mig_of_samples(mu, logvar, rare, chance()).table).all()


def test_information_from_samples_agrees_with_a_neighbour_estimate(factors):
    mu = (factors.values + 0.3 * chance(1).normal(size=(N, 4))).astype(np.float32)
    logvar = np.full(mu.shape, 2 * np.log(0.5), np.float32)
    found = mig_of_samples(mu, logvar, factors, chance())
    z = mu + 0.5 * chance(7).normal(size=mu.shape)
    for k in range(4):
        oracle = mutual_info_regression(z, factors.classes[:, k], random_state=0)  # of a class with a number
        assert found.table[:, k] * factors.entropy[k] == pytest.approx(oracle, abs=0.09)


# ---- thresholds ----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=2, max_size=14))
def test_thresholds_are_the_best_there_are(cases):
    """Every way to cut the latent into as many intervals as there are classes, in the order of their means."""
    z, classes = np.array(sorted(cases), float).T
    classes = classes.astype(int)
    kinds = sorted(set(classes), key=lambda kind: (z[classes == kind].mean(), kind))
    best = 0.0
    for cuts in combinations_with_replacement([-1, 0, 1, 2, 3, 4, 5], len(kinds) - 1):
        place = np.searchsorted(np.array(cuts), z, side="left")  # 0 up to and with the first cut, and so on
        best = max(best, np.mean([(place[classes == kind] == at).mean() for at, kind in enumerate(kinds)]))
    chance = 1 / len(kinds)
    expected = max(0.0, (best - chance) / (1 - chance)) if len(kinds) > 1 else 0.0
    assert threshold_accuracy(z, classes) == pytest.approx(expected, abs=1e-9)


def test_equal_codes_tell_nothing(factors):
    assert threshold_accuracy(np.zeros(N), factors.classes[:, 0]) == 0.0
    assert sap(np.zeros((N, 3)), factors, np.ones(3, bool), chance()).score.value == 0.0


def test_a_latent_that_is_not_active_predicts_nothing(factors, perfect):
    mu = perfect[0].copy()
    mu[:, 2] *= 1e-3
    active = mu.var(axis=0) > 0.01
    assert (sap(mu, factors, active, chance()).table[2] == 0).all()


def test_gaps_are_over_latents():
    table = np.array([[0.9, 0.2], [0.4, 0.1], [0.1, 0.8]])
    assert gaps(table) == pytest.approx([0.5, 0.6])
    assert gaps(table[:1]) == pytest.approx([0.9, 0.2])


def test_codes_of_other_images_are_refused(factors):
    with pytest.raises(VAEError, match="do not go together"):
        mig_of_means(np.zeros((3, 2)), factors, chance())
