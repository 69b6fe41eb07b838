"""Lock: what is kept fixed stays fixed, what is left is said to be left."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.errors import VAEError
from vae.explore.directions.found import ESTIMATORS, Direction, difference
from vae.explore.directions.groups import Groups, attribute_groups
from vae.explore.directions.lock import covariance_of, lock, locked, without

NAMES = ("hat", "glasses", "beard")


def faces(count=3000, seed=0, along=0.9):
    """Hats along the first number of the code, glasses along the second and the third, and most glasses with a hat."""
    chance = np.random.default_rng(seed)
    glasses = chance.random(count) < 0.5
    hat = chance.random(count) < np.where(glasses, along, 1 - along)
    beard = chance.random(count) < 0.5
    mu = 0.6 * chance.normal(size=(count, 5))
    mu[:, 0] += 2 * hat
    mu[:, 1] += 2 * glasses
    mu[:, 2] += 1 * glasses
    mu[:, 3] += 2 * beard
    return mu.astype(np.float32), np.column_stack([hat, glasses, beard]).astype(np.float32)


def towards(vector, gap=1.0, name="a"):
    vector = np.asarray(vector, np.float32)
    return Direction(vector / np.linalg.norm(vector), gap, (50, 50), (name, f"no {name}"), "difference")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_glasses_lose_the_hat_and_stay_glasses(estimator):
    mu, values = faces()
    groups = attribute_groups(values[:, 1], "glasses")
    found = locked(mu, groups, values, NAMES, ["hat"], estimator)
    assert abs(found.step[0]) < 0.1
    assert found.step[1] > 1.2 and found.step[2] > 0.5
    assert found.estimator == f"{estimator}, locked" and found.counts == groups.counts


def test_the_hat_came_along_before():
    mu, values = faces()
    whole = difference(mu, attribute_groups(values[:, 1], "glasses"))
    assert whole.step[0] == pytest.approx(2 * 0.8, abs=0.15)


def test_five_and_five_of_which_most_wear_a_hat():
    mu, values = faces()
    hats, bare = (np.flatnonzero((values[:, 0] == hat) & (values[:, 1] == 1)) for hat in (1, 0))
    none = np.flatnonzero((values[:, 0] == 0) & (values[:, 1] == 0))
    positive, negative = np.zeros((2, len(mu)), bool)
    positive[[*hats[:4], bare[0]]] = True
    negative[none[:5]] = True
    found = locked(mu, Groups(positive, negative, ("these", "those")), values, NAMES, ["hat"])
    assert abs(found.step[0]) < 0.8  # 1.6 without the lock
    assert found.step[1] > 1


def test_nothing_locked_is_the_direction_itself():
    mu, values = faces()
    groups = attribute_groups(values[:, 1], "glasses")
    assert (locked(mu, groups, values, NAMES, []).step == difference(mu, groups).step).all()
    one = towards([1, 2, 3])
    assert lock(one, []) is one


def test_without_leaves_codes_in_which_the_hat_does_not_show():
    mu, values = faces()
    rest = without(mu, attribute_groups(values[:, 1], "glasses"), values, NAMES, ["hat"])
    for glasses in (0, 1):
        same = values[:, 1] == glasses
        hat, bare = (rest[same & (values[:, 0] == one), 0].mean() for one in (1, 0))
        assert abs(hat - bare) < 0.15
    assert rest.dtype == np.float32


@pytest.mark.parametrize(
    ("fixed", "line"),
    [
        (["glasses"], r"With “glasses” locked nothing of the direction “glasses” is left.*Lock fewer attributes\."),
        (["hat", "glasses"], "With “hat” and “glasses” locked nothing"),
        (["scarf"], "“scarf” is not known of these images: lock “hat”, “glasses” and “beard”"),
    ],
)
def test_a_lock_that_cannot_be_is_one_line(fixed, line):
    mu, values = faces()
    with pytest.raises(VAEError, match=line) as refused:
        locked(mu, attribute_groups(values[:, 1], "glasses"), values, NAMES, fixed)
    assert "\n" not in str(refused.value)


def test_attributes_of_other_images_are_refused():
    mu, values = faces()
    with pytest.raises(VAEError, match="one finite row for each image"):
        locked(mu, attribute_groups(values[:, 1], "glasses"), values[:-1], NAMES, ["hat"])


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_lock_is_orthogonal_to_each_in_its_metric(seed, many):
    chance = np.random.default_rng(seed)
    covariance = np.cov(chance.normal(size=(50, 8)) @ (np.eye(8) + 0.2 * chance.normal(size=(8, 8))), rowvar=False)
    one, *others = (towards(chance.normal(size=8)) for _ in range(many + 1))
    plain, inside = lock(one, others), lock(one, others, covariance)
    inverse = np.linalg.inv(covariance)
    for other in others:
        assert abs(plain.vector @ other.vector) < 1e-5
        scale = np.sqrt((other.vector @ inverse @ other.vector) * (inside.vector @ inverse @ inside.vector))
        assert abs(inside.vector @ inverse @ other.vector) < 1e-3 * scale
    assert plain.gap <= one.gap * (1 + 1e-6)
    # What is left and what was taken make up the step again, at right angles.
    assert plain.step @ (one.step - plain.step) == pytest.approx(0, abs=1e-5)


def test_a_covariance_of_the_identity_is_no_covariance():
    one, other = towards([1, 1, 0]), towards([1, 0, 0])
    np.testing.assert_allclose(lock(one, [other], np.eye(3)).step, lock(one, [other]).step, atol=1e-6)
    np.testing.assert_allclose(lock(one, [other]).vector, [0, 1, 0], atol=1e-6)


def test_two_that_are_alike_lock_as_one():
    one, other = towards([1, 1, 0]), towards([1, 0, 0])
    np.testing.assert_allclose(lock(one, [other, other]).step, lock(one, [other]).step, atol=1e-6)


def test_a_number_of_the_code_that_never_moves_does_not_take_over():
    mu, _ = faces()
    mu = np.column_stack([mu, np.zeros(len(mu), np.float32)])
    found = lock(towards([1, 1, 0, 0, 0, 0]), [towards([1, 0, 0, 0, 0, 0])], covariance_of(mu))
    assert np.isfinite(found.step).all() and abs(found.step[-1]) < 1e-6


def test_locking_what_it_is_and_what_does_not_fit_is_refused():
    one = towards([1, 0, 0], name="smile")
    with pytest.raises(VAEError, match="With “smile” locked nothing of the direction “smile” is left"):
        lock(one, [towards([-1, 1e-3, 0], name="smile")])
    with pytest.raises(VAEError, match="use one model"):
        lock(one, [towards([1, 0])])
    with pytest.raises(VAEError, match="give a symmetric one of the 3 numbers"):
        lock(one, [towards([0, 1, 0])], np.eye(2))
    with pytest.raises(VAEError, match="do not vary"):
        lock(one, [towards([0, 1, 0])], np.zeros((3, 3)))
