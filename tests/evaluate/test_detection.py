"""AUROC and thresholds, against counting every pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae.errors import VAEError
from vae.evaluate.strange.detection import auroc, auroc_estimate, caught, threshold

SCORES = arrays(np.float32, st.integers(1, 30), elements=st.integers(-4, 4).map(float))  # many ties


def by_pairs(usual, strange):
    higher = strange[:, None] > usual[None]
    return float((higher + 0.5 * (strange[:, None] == usual[None])).mean())


@given(SCORES, SCORES)
def test_the_area_is_the_share_of_pairs_in_order_ties_counted_half(usual, strange):
    assert auroc(usual, strange) == pytest.approx(by_pairs(usual, strange), abs=1e-12)
    assert auroc(strange, usual) == pytest.approx(1 - auroc(usual, strange), abs=1e-12)


@given(SCORES, SCORES)
def test_only_the_order_of_scores_counts(usual, strange):
    assert auroc(np.exp(usual), np.exp(strange)) == auroc(usual, strange)


def test_ends_and_a_coin():
    assert auroc(np.zeros(3), np.ones(2)) == 1
    assert auroc(np.ones(3), np.zeros(2)) == 0
    assert auroc(np.ones(3), np.ones(2)) == 0.5


def test_the_interval_is_that_of_drawing_again():
    """Two normals one standard deviation apart: the area is 0.7602, and the interval finds it nineteen times of 20."""
    generator = np.random.default_rng(0)
    found = [auroc_estimate(generator.normal(size=60), generator.normal(1, 1, 80), seed=seed) for seed in range(200)]
    assert 0.9 < np.mean([one.low <= 0.7602 <= one.high for one in found]) < 0.99
    assert len({one.low for one in found}) == 200
    usual, strange = generator.normal(size=60), generator.normal(1, 1, 80)
    assert auroc_estimate(usual, strange, seed=1) == auroc_estimate(usual, strange, seed=1)
    assert auroc_estimate(usual, strange, seed=1).value == auroc(usual, strange)


@given(SCORES, st.integers(0, 100))
def test_a_threshold_is_the_lowest_that_keeps_its_promise(usual, percent):
    line = threshold(usual, percent / 100)
    assert (usual > line.value).mean() <= percent / 100 + 1e-9
    assert line.false_alarms.value == pytest.approx((usual > line.value).mean())
    lower = usual[usual < line.value]
    if len(lower):  # one step further down it would be broken
        assert (usual > lower.max()).mean() > percent / 100
    assert line.images == len(usual)


def test_what_is_caught_lies_above_the_line():
    line = threshold(np.arange(100.0), 0.05)
    assert line.value == 94 and line.false_alarms.value == 0.05
    assert caught(np.array([94.0, 94.5, 200.0, 3.0]), line).value == 0.5


def test_nothing_to_compare_is_refused():
    with pytest.raises(VAEError, match="at least one"):
        auroc(np.array([]), np.ones(2))
    with pytest.raises(VAEError, match="not finite"):
        auroc(np.array([np.nan]), np.ones(2))
    with pytest.raises(VAEError, match="0 to 1"):
        threshold(np.ones(3), 1.5)
    with pytest.raises(VAEError, match="all finite"):
        threshold(np.array([np.inf]), 0.5)
