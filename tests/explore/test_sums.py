"""Sums of codes: the arithmetic of numbers, whatever the number of terms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.errors import VAEError
from vae.explore.sums import balanced, weighted_sum

weights = st.lists(st.floats(-2, 2, width=32), min_size=2, max_size=12)


def drawn(terms, size=5, seed=0):
    return np.random.default_rng(seed).normal(size=(terms, size)).astype(np.float32)


def test_a_minus_b_plus_c_is_that():
    a, b, c = drawn(3)
    assert np.allclose(weighted_sum([a, b, c], [1, -1, 1]), a - b + c, atol=1e-6)
    assert np.array_equal(weighted_sum([a, a, c], [1, -1, 1]), c)


@given(weights)
def test_a_sum_is_the_terms_one_after_the_other_and_its_order_means_nothing(given_weights):
    vectors = drawn(len(given_weights))
    wanted = np.zeros(5)
    for vector, weight in zip(vectors, given_weights, strict=True):
        wanted = wanted + weight * vector.astype(np.float64)
    found = weighted_sum(vectors, given_weights)
    assert found.dtype == np.float32 and np.allclose(found, wanted, atol=1e-5)
    assert np.allclose(found, weighted_sum(vectors[::-1], given_weights[::-1]), atol=1e-5)


def test_a_sum_starts_where_it_is_told_to():
    base, step = drawn(2)
    assert np.allclose(weighted_sum([step], [2.0], base), base + 2 * step, atol=1e-6)
    assert np.array_equal(weighted_sum([step], [0.0], base), base)


def test_large_terms_that_cancel_leave_the_small_one():
    """Added in float32 from the left, 1e8 + 1 - 1e8 is 0."""
    assert weighted_sum([[1e8], [1.0], [1e8]], [1, 1, -1]).tolist() == [1.0]


@pytest.mark.parametrize(
    ("vectors", "given_weights", "base", "words"),
    [
        ([[1.0, 2.0]], [1.0, 1.0], None, "2 weights for 1 terms"),
        ([[1.0, 2.0]], [1.0], [0.0], "starts at 1 numbers and adds 2"),
        ([[1.0, float("nan")]], [1.0], None, "not finite"),
        ([[1.0, 2.0]], [float("inf")], None, "not finite"),
        ([], [], None, "the terms"),
    ],
)
def test_what_cannot_be_added_is_told_in_a_line(vectors, given_weights, base, words):
    with pytest.raises(VAEError, match=words):
        weighted_sum(vectors, given_weights, base)


@given(weights)
def test_balanced_weights_sum_to_one_keep_their_proportions_and_stay_within_the_limit(given_weights):
    found = balanced(given_weights, 2.0)
    total = sum(given_weights)
    if found is None:
        assert total <= 1e-6 or max(abs(weight / total) for weight in given_weights) > 2
        return
    assert sum(found) == pytest.approx(1, abs=1e-6) and max(map(abs, found)) <= 2
    assert np.allclose(np.array(found) * total, given_weights, atol=1e-5)


def test_a_difference_cannot_be_balanced():
    assert balanced([1.0, -1.0], 2.0) is None
    assert balanced([0.5, -1.0], 2.0) is None
    assert balanced([1.0, -0.9], 2.0) is None  # it would take weights of 10
    assert balanced([1.0, 1.0], 2.0) == (0.5, 0.5)
