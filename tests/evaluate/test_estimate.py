"""Intervals: they hold the truth as often as they say, and their own value always."""

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

from vae.errors import VAEError
from vae.evaluate.estimate import Estimate, bootstrapped, mean_of, mean_of_few, resampled, share


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (0, 40), (7, 10), (40, 40), (9_300, 10_000)])
def test_the_interval_of_a_share_is_wilsons(hits, count):
    oracle = binomtest(hits, count).proportion_ci(method="wilson")
    found = share(hits, count)
    assert found.value == hits / count
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-6)


def test_means_hold_the_truth_nineteen_times_in_twenty():
    generator = np.random.default_rng(0)
    many = [mean_of(generator.exponential(size=400)) for _ in range(1_000)]
    few = [mean_of_few(generator.normal(1, 3, 5).tolist()) for _ in range(1_000)]
    for found in (many, few):
        assert 0.93 < np.mean([one.low <= 1 <= one.high for one in found]) < 0.97


def test_a_few_values_go_by_student():
    low, high = student.interval(0.95, 4, 3, np.std([1, 2, 3, 4, 5], ddof=1) / 5**0.5)
    found = mean_of_few([1, 2, 3, 4, 5])
    assert (found.value, found.low, found.high) == pytest.approx((3, low, high))
    assert mean_of_few([2.5]) == Estimate(2.5, 2.5, 2.5)
    assert mean_of(np.array([2.5])) == Estimate(2.5, 2.5, 2.5)


def test_a_bootstrap_takes_the_middle_and_holds_its_value():
    again = np.linspace(0, 1, 1001)
    found = bootstrapped(0.5, again)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.025, 0.975))
    assert bootstrapped(2.0, again).high == 2.0 and bootstrapped(-1.0, again).low == -1.0


def test_resamples_have_as_many_cases_and_repeat():
    rows = list(resampled(30, np.random.default_rng(3), times=50))
    assert len(rows) == 50 and all(row.shape == (30,) and row.sum() == 30 for row in rows)
    again = list(resampled(30, np.random.default_rng(3), times=50))
    assert (np.array(rows) == np.array(again)).all() and len({row.tobytes() for row in rows}) == 50


def test_what_is_no_share_or_no_interval_is_refused():
    for hits, count in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(VAEError, match="no share"):
            share(hits, count)
    with pytest.raises(VAEError, match="does not hold"):
        Estimate(2.0, 0.0, 1.0)
