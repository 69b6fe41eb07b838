import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vae.errors import VAEError
from vae.explore.attributes import Groups, analogy, apply, attribute_groups, direction, label_groups

CODES = hnp.arrays(np.float32, 4, elements=st.floats(-100, 100, width=32))


def halves(n=200):
    """The first half against the second."""
    first = np.arange(n) < n // 2
    return Groups(first, ~first, ("first", "second"))


def shifted(step, n=200, seed=0):
    """Standard normal codes, those of the first half moved by `step`."""
    mu = np.random.default_rng(seed).standard_normal((n, len(step)))
    mu[: n // 2] += step
    return mu.astype(np.float32)


# ---- groups --------------------------------------------------------------------------------------------------------


def test_a_class_stands_against_all_the_others():
    groups = label_groups(np.arange(30) % 3, 1, "cat")
    np.testing.assert_array_equal(groups.positive, np.arange(30) % 3 == 1)
    np.testing.assert_array_equal(groups.negative, ~groups.positive)
    assert groups.names == ("cat", "the others")


def test_an_attribute_of_zeros_and_ones_is_split_by_its_value():
    values = np.float32([0, 1, 1, 0] * 5)
    groups = attribute_groups(values, "hat")
    np.testing.assert_array_equal(groups.positive, values == 1)
    np.testing.assert_array_equal(groups.negative, values == 0)
    assert groups.names == ("hat", "no hat")


def test_a_continuous_attribute_is_split_into_its_thirds():
    values = np.random.default_rng(0).permutation(300) / 7
    groups = attribute_groups(values, "turn")
    assert groups.positive.sum() == groups.negative.sum() == 100
    assert values[groups.positive].min() > values[groups.negative].max()
    assert groups.names == ("most turn", "least turn")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: label_groups(np.zeros(20), 3, "bird"), "“bird” has 0 images"),
        (lambda: label_groups(np.arange(20) < 4, 1, "bird"), "“bird” has 4 images"),
        (lambda: label_groups(np.ones(20), 1), "“the others” has 0 images"),
        (lambda: label_groups(np.zeros((4, 5)), 0), "one for each image"),
        (lambda: attribute_groups(np.ones(20), "hat"), "“no hat” has 0 images"),
        (lambda: attribute_groups([2.0] * 19 + [3.0], "turn"), "2 for most images"),
        (lambda: attribute_groups([math.nan] * 20, "turn"), "not finite"),
        (lambda: Groups(np.ones(9, bool), np.ones(9, bool), ("a", "b")), "share 9 images"),
        (lambda: Groups(np.ones(9, bool), np.ones(8, bool), ("a", "b")), "one set"),
    ],
)
def test_groups_that_cannot_be_compared_are_refused(make, says):
    with pytest.raises(VAEError, match=says):
        make()


# ---- the direction -------------------------------------------------------------------------------------------------


def test_the_direction_is_the_difference_of_the_means():
    mu = shifted([3, 0, -4])
    d = direction(mu, halves())
    step = mu[:100].mean(axis=0) - mu[100:].mean(axis=0)
    np.testing.assert_allclose(d.gap * d.vector, step, rtol=1e-4)
    assert np.linalg.norm(d.vector) == pytest.approx(1, abs=1e-6) and d.vector.dtype == np.float32
    assert d.gap == pytest.approx(5, abs=0.4)
    assert d.counts == (100, 100)
    with pytest.raises(FrozenInstanceError):
        d.gap = 1.0


def test_images_in_neither_group_do_not_count():
    mu = shifted([2, 2])
    positive, negative = np.arange(200) < 20, np.arange(200) >= 150
    d = direction(mu, Groups(positive, negative, ("a", "b")))
    alone = np.concatenate([mu[:20], mu[150:]])
    few = Groups(np.arange(70) < 20, np.arange(70) >= 20, ("a", "b"))
    np.testing.assert_allclose(d.vector, direction(alone, few).vector, rtol=1e-5)
    assert d.counts == (20, 50)


def test_the_mean_is_of_each_group_however_unequal_their_sizes():
    mu = np.zeros((1000, 2), np.float32)
    mu[:10, 0] = 2
    mu[::2, 1] = 0.5
    few = np.arange(1000) < 10
    d = direction(mu, Groups(few, ~few, ("few", "many")))
    assert d.gap == pytest.approx(2) and d.vector == pytest.approx([1, 0], abs=1e-6)


def test_the_effect_is_cohens_d_along_the_vector():
    # Along the only axis: means 10 and 0, and sample standard deviations both sqrt(2.5).
    mu = np.float32([[8], [9], [10], [11], [12], [-2], [-1], [0], [1], [2]])
    assert direction(mu, halves(10)).effect == pytest.approx(10 / math.sqrt(2.5))
    assert direction(np.float32([[1]] * 5 + [[0]] * 5), halves(10)).effect == math.inf


def test_chance_is_the_gap_that_groups_without_a_difference_show():
    gaps, chances = [], []
    for seed in range(200):
        d = direction(shifted([0.0] * 16, n=40, seed=seed), halves(40))
        gaps.append(d.gap**2)
        chances.append(d.chance**2)
    assert np.mean(gaps) == pytest.approx(np.mean(chances), rel=0.1)


def test_the_sentence_says_on_what_a_direction_rests():
    strong = direction(shifted([5.0, 0]), halves())
    assert strong.sentence == "Measured on 100 images of “first” and 100 of “second”."
    few = np.arange(2000) < 12
    small = direction(np.where(few[:, None], 9, 0) + shifted([0.0, 0], 2000), Groups(few, ~few, ("hat", "no hat")))
    assert small.sentence.startswith("Measured on 12 images of “hat” and 1,988 of “no hat”.")
    assert "smaller group" in small.sentence
    assert "chance" in direction(shifted([0.0] * 16), halves()).sentence


def test_a_direction_between_groups_that_are_alike_is_refused():
    with pytest.raises(VAEError, match="same mean"):
        direction(np.tile(np.float32([[0.1, 0.2], [3, 4]]), (100, 1)), halves())
    with pytest.raises(VAEError, match="one set"):
        direction(np.zeros((7, 2)), halves())


# ---- steps ---------------------------------------------------------------------------------------------------------


def test_strength_one_carries_one_groups_mean_to_the_others():
    mu = shifted([3, 1, -2])
    d = direction(mu, halves())
    moved = apply(mu[100:], d, 1.0)
    np.testing.assert_allclose(moved.mean(axis=0), mu[:100].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(apply(moved, d, -1.0), mu[100:], atol=1e-5)
    np.testing.assert_allclose(apply(mu[0], d, 2.0) - mu[0], 2 * d.gap * d.vector, atol=1e-5)
    assert apply(mu[0], d, 0).tobytes() == mu[0].tobytes()
    assert apply(mu[0], d, 1).shape == (3,) and apply(mu[0], d, 1).dtype == np.float32


def test_steps_of_another_model_or_to_nowhere_are_refused():
    d = direction(shifted([3, 1, -2]), halves())
    for z, strength in (([1, 2], 1), ([1, 2, math.nan], 1), ([1, 2, 3], math.inf), ([1, 2, 3], 1e300)):
        with pytest.raises(VAEError):
            apply(z, d, strength)


@settings(max_examples=100, deadline=None)
@given(a=CODES, b=CODES, c=CODES)
def test_analogy_adds_what_a_has_and_b_has_not(a, b, c):
    np.testing.assert_allclose(analogy(a, b, c), a.astype(np.float64) - b + c, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(analogy(a, a, c), c, rtol=1e-6)
    np.testing.assert_allclose(analogy(a, b, b), a, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("codes", [([1, 2], [1, 2], [1, 2, 3]), ([1, 2], [1, math.nan], [1, 2]), ([[1]], [1], [1])])
def test_an_analogy_of_unlike_things_is_refused(codes):
    with pytest.raises(VAEError):
        analogy(*codes)
