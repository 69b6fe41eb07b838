import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vae.errors import VAEError
from vae.explore.directions.confounded import confounders
from vae.explore.directions.found import ESTIMATORS, difference, regression, shrunk_covariance
from vae.explore.directions.groups import Groups, attribute_groups, label_groups, picked_groups
from vae.explore.directions.steps import analogy, apply

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
        (lambda: attribute_groups(np.ones(20), "hat"), "“hat” is 1 for every image"),
        (lambda: attribute_groups([2.0] * 19 + [3.0], "turn"), "2 for most images"),
        (lambda: attribute_groups([math.nan] * 20, "turn"), "not finite"),
        (lambda: Groups(np.ones(9, bool), np.ones(9, bool), ("a", "b")), "are the same 9 images"),
        (lambda: picked_groups(range(6), range(5, 11), 20, ("a", "b")), "share 1 image:"),
        (lambda: picked_groups(range(5), [], 20, ("a", "b")), "“b” has 0 images"),
        (lambda: picked_groups([3] * 9, range(5, 11), 20, ("a", "b")), "“a” has 1 image:"),
        (lambda: picked_groups(range(5), range(16, 21), 20, ("a", "b")), "“b” names an image that is not"),
        (lambda: Groups(np.ones(9, bool), np.ones(8, bool), ("a", "b")), "one set"),
    ],
)
def test_groups_that_cannot_be_compared_are_refused(make, says):
    with pytest.raises(VAEError, match=says):
        make()


# ---- the direction -------------------------------------------------------------------------------------------------


def test_the_direction_is_the_difference_of_the_means():
    mu = shifted([3, 0, -4])
    d = difference(mu, halves())
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
    d = difference(mu, Groups(positive, negative, ("a", "b")))
    alone = np.concatenate([mu[:20], mu[150:]])
    few = Groups(np.arange(70) < 20, np.arange(70) >= 20, ("a", "b"))
    np.testing.assert_allclose(d.vector, difference(alone, few).vector, rtol=1e-5)
    assert d.counts == (20, 50)


def test_the_mean_is_of_each_group_however_unequal_their_sizes():
    mu = np.zeros((1000, 2), np.float32)
    mu[:10, 0] = 2
    mu[::2, 1] = 0.5
    few = np.arange(1000) < 10
    d = difference(mu, Groups(few, ~few, ("few", "many")))
    assert d.gap == pytest.approx(2) and d.vector == pytest.approx([1, 0], abs=1e-6)


def test_balanced_over_classes_what_only_their_shares_explain_is_left_out():
    # Of the first group nine in ten are of class 1, of the second one in ten; only the class moves the second number.
    classes = np.arange(200) % 10 < np.where(np.arange(200) < 100, 9, 1)
    mu = np.zeros((200, 2), np.float32)
    mu[:100, 0] = 3
    mu[classes, 1] = 5
    assert difference(mu, halves()).vector[1] > 0.7
    d = difference(mu, halves(), classes)
    np.testing.assert_allclose(d.step, [3, 0], atol=1e-6)
    with pytest.raises(VAEError, match="No class is in both"):
        difference(mu, halves(), np.arange(200) < 100)


# ---- other estimators ----------------------------------------------------------------------------------------------


def skewed(n=4000, seed=0):
    """Two groups whose codes vary together in two of three dimensions."""
    generator = np.random.default_rng(seed)
    root = np.array([[2.0, 0, 0], [1.5, 0.5, 0], [0, 0, 1]])
    mu = generator.standard_normal((n, 3)) @ root.T
    mu[: n // 2] += [1, 1, 0.5]
    return mu.astype(np.float32), root @ root.T


@pytest.mark.parametrize("name", ["whitened", "logistic"])
def test_the_discriminating_directions_are_the_inverse_covariance_times_the_difference(name):
    mu, covariance = skewed()
    d = ESTIMATORS[name](mu, halves(len(mu)))
    truth = np.linalg.solve(covariance, [1, 1, 0.5])
    assert d.vector @ truth / np.linalg.norm(truth) > 0.98
    assert d.vector @ difference(mu, halves(len(mu))).vector < 0.7  # not the difference of the means
    assert d.gap == pytest.approx(d.vector @ [1, 1, 0.5], abs=0.15) and d.estimator == name


def test_the_covariance_is_shrunk_as_far_as_brings_it_nearest_the_truth():
    truth = np.diag(np.linspace(0.2, 3, 20) ** 2)
    shares, best = [], []
    for seed in range(20):
        rows = np.random.default_rng(seed).standard_normal((30, 20)) * np.linspace(0.2, 3, 20)
        rows -= rows.mean(axis=0)
        raw = rows.T @ rows / len(rows)
        target = np.trace(raw) / 20 * np.eye(20)
        shrunk = shrunk_covariance(rows)
        shares.append(1 - shrunk[0, 1] / raw[0, 1])
        best.append(((truth - raw) * (target - raw)).sum() / ((target - raw) ** 2).sum())
        np.testing.assert_allclose(shrunk, shares[-1] * target + (1 - shares[-1]) * raw, atol=1e-9)
    assert np.mean(shares) == pytest.approx(np.mean(best), abs=0.08) and 0.2 < np.mean(shares) < 0.8


def test_logistic_weights_are_those_that_descent_finds():
    mu, _ = skewed(600)
    few = Groups(np.arange(600) < 300, np.arange(600) >= 450, ("a", "b"))  # unequal: each counts the same
    x = np.concatenate([mu[few.positive], mu[few.negative]]).astype(np.float64)
    spread = x.std(axis=0)
    x, y = (x - x.mean(axis=0)) / spread, np.arange(450) < 300
    weight = np.where(y, 0.5 / 300, 0.5 / 150)
    beta, offset = np.zeros(3), 0.0
    for _ in range(20_000):
        missed = weight * (y - 1 / (1 + np.exp(-(x @ beta + offset))))
        beta, offset = beta + 2 * (x.T @ missed - 1e-3 * beta), offset + 2 * missed.sum()
    found = ESTIMATORS["logistic"](mu, few).vector
    np.testing.assert_allclose(found, beta / spread / np.linalg.norm(beta / spread), atol=1e-3)


def test_a_regression_goes_as_far_as_from_the_lowest_third_to_the_highest():
    values = np.linspace(0, 3, 301)
    mu = np.random.default_rng(0).standard_normal((301, 2)) * 0.01 + values[:, None] * [2, 0]
    d = regression(mu, values, "age")
    np.testing.assert_allclose(d.vector, [1, 0], atol=0.01)
    assert d.gap == pytest.approx(2 * (2.5 - 0.5), rel=0.02) and d.names == ("most age", "least age")
    with pytest.raises(VAEError, match="3 images but there are 301"):
        regression(mu, values[:3], "age")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_refuses_groups_without_a_difference(name):
    with pytest.raises(VAEError, match="same mean"):
        ESTIMATORS[name](np.tile(np.float32([[0.1, 0.2], [3, 4]]), (100, 1)), halves())


# ---- what comes along ----------------------------------------------------------------------------------------------


def test_an_attribute_carried_by_one_group_is_said_and_one_carried_by_both_is_not():
    generator = np.random.default_rng(0)
    hat = generator.random(200) < np.where(np.arange(200) < 100, 0.9, 0.1)
    age = generator.standard_normal(200) + (np.arange(200) < 100)
    values = np.stack([np.arange(200) < 100, hat, age, generator.random(200) < 0.5, np.ones(200)], axis=1)
    names = ("smile", "hat", "age", "coin", "all")
    found = confounders(halves(), values, names, without=("smile",))
    assert [one.name for one in found] == ["hat", "age"]
    assert found[0].mine == pytest.approx(hat[:100].mean()) and found[0].theirs == pytest.approx(hat[100:].mean())
    assert not found[0].whole and not found[1].whole
    values[:, 2] = np.arange(200) < 99  # all of one group but one
    assert [one.whole for one in confounders(halves(), values, names) if one.name in ("smile", "age")] == [True, True]
    assert "of “first” have “hat”, but" in found[0].sentence(("first", "second"))
    assert "has more “age” than “second”, by" in found[1].sentence(("first", "second"))
    with pytest.raises(VAEError, match="one row for each image"):
        confounders(halves(), values[:5], names)


def test_a_direction_between_groups_that_are_alike_is_refused():
    with pytest.raises(VAEError, match="same mean"):
        difference(np.tile(np.float32([[0.1, 0.2], [3, 4]]), (100, 1)), halves())
    with pytest.raises(VAEError, match="one set"):
        difference(np.zeros((7, 2)), halves())


# ---- steps ---------------------------------------------------------------------------------------------------------


def test_strength_one_carries_one_groups_mean_to_the_others():
    mu = shifted([3, 1, -2])
    d = difference(mu, halves())
    moved = apply(mu[100:], d, 1.0)
    np.testing.assert_allclose(moved.mean(axis=0), mu[:100].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(apply(moved, d, -1.0), mu[100:], atol=1e-5)
    np.testing.assert_allclose(apply(mu[0], d, 2.0) - mu[0], 2 * d.gap * d.vector, atol=1e-5)
    assert apply(mu[0], d, 0).tobytes() == mu[0].tobytes()
    assert apply(mu[0], d, 1).shape == (3,) and apply(mu[0], d, 1).dtype == np.float32


def test_steps_of_another_model_or_to_nowhere_are_refused():
    d = difference(shifted([3, 1, -2]), halves())
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
