import math

import numpy as np
import pytest

from vae.errors import VAEError
from vae.explore.directions.angles import chance_cosine, cosines, degrees
from vae.explore.directions.found import Direction, difference, regression
from vae.explore.directions.groups import Groups
from vae.explore.directions.intervals import cone
from vae.explore.directions.lock import across, covariance_of, lock, locked
from vae.explore.directions.number import noise_of_slope, number_evidence, told_of_unseen
from vae.explore.directions.reading import reading_of

SPREAD = 1 / np.sqrt(np.arange(1, 7))


def planted(n, slope, generator, uneven=0.0):
    """Codes that a number in [0, 1] moves along a direction, `slope` standard deviations of the noise in all."""
    values = generator.random(n)
    unit = generator.standard_normal(6) * SPREAD
    unit /= np.linalg.norm(unit)
    noise = generator.standard_normal((n, 6)) * SPREAD * (1 + uneven * values[:, None])
    return (noise + slope * np.linalg.norm(unit * SPREAD) * values[:, None] * unit).astype(np.float32), values, unit


# ---- a number's evidence -------------------------------------------------------------------------------------------


def test_the_cone_and_the_ends_hold_the_truth_as_often_as_they_claim():
    inside, told, explained = [], [], []
    generator = np.random.default_rng(0)
    for trial in range(150):
        mu, values, unit = planted(120, 3, generator, uneven=2.0 * (trial % 2))
        noise = noise_of_slope(mu, values)
        along = noise.step / np.linalg.norm(noise.step)
        inside.append(math.degrees(math.acos(np.clip(along @ unit, -1, 1))) <= cone(noise))
        if trial % 2:
            continue
        _, low, high, _, least, most = told_of_unseen(mu, values, generator)
        fresh = generator.random(4000)
        scale = 3 * np.linalg.norm(unit * SPREAD)
        place = (generator.standard_normal((4000, 6)) * SPREAD + scale * fresh[:, None] * unit) @ along
        told.append(low <= np.corrcoef(place, fresh)[0, 1] <= high)
        own = mu @ along
        line = values.mean() + np.cov(own, values)[0, 1] / own.var(ddof=1) * (place - own.mean())
        explained.append(least <= 1 - ((fresh - line) ** 2).mean() / fresh.var() <= most)
    assert 0.89 <= np.mean(inside) <= 0.99
    assert np.mean(told) >= 0.89 and np.mean(explained) >= 0.87


def test_a_number_that_the_codes_follow_is_strong_and_dealt_out_it_is_chance():
    generator = np.random.default_rng(1)
    mu, values, unit = planted(400, 12, generator)
    found = number_evidence(mu, values, "age")
    direction = regression(mu, values, "age")
    assert direction.vector @ unit > 0.99 and direction.reach == pytest.approx(2 / 3, abs=0.03)
    assert found.verdict == "strong" and "correlation of 0.9" in found.sentence and found.count == 400
    place = mu @ direction.vector
    assert found.r_low < np.corrcoef(place, values)[0, 1] < found.r_high
    assert found.explained == pytest.approx(found.r**2, abs=0.02) and found.p < 0.01
    assert found == number_evidence(mu, values, "age")
    dealt = [number_evidence(mu[:100], generator.permutation(values[:100]), "age", resamples=199) for _ in range(12)]
    assert sum(one.p <= 0.05 for one in dealt) <= 3 and np.mean([one.r for one in dealt]) < 0.1
    assert np.mean([one.explained for one in dealt]) < 0.02
    chance = next(one for one in dealt if one.p > 0.05)
    assert chance.verdict == "chance" and chance.sentence.startswith("Not distinguishable from chance: over 100 images")


def test_few_images_and_a_faint_number_are_weak():
    mu, values, _ = planted(20, 20, np.random.default_rng(2))
    few = number_evidence(mu, values, "age")
    assert few.verdict == "weak" and "20 images say little about others" in few.sentence
    mu, values, _ = planted(3000, 1, np.random.default_rng(2))
    faint = number_evidence(mu, values, "age")
    assert faint.verdict == "weak" and "tells “age” of an image badly" in faint.sentence
    with pytest.raises(VAEError, match="is 1 for every image"):
        number_evidence(mu, np.ones(3000), "age")


# ---- angles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 16])
def test_random_directions_have_the_cosines_that_chance_allows(size):
    drawn = np.random.default_rng(size).standard_normal((40_000, 2, size))
    drawn /= np.linalg.norm(drawn, axis=2, keepdims=True)
    found = np.abs((drawn[:, 0] * drawn[:, 1]).sum(axis=1))
    assert (found <= chance_cosine(size)).mean() == pytest.approx(0.95, abs=0.005)
    assert (found <= chance_cosine(size, 0.5)).mean() == pytest.approx(0.5, abs=0.01)


def test_in_three_dimensions_the_cosine_is_even():
    assert chance_cosine(3, 0.7) == pytest.approx(0.7)  # Archimedes's hat-box
    assert chance_cosine(1) == 1.0
    for size, share in ((0, 0.95), (3, 1.0), (3, 0.0)):
        with pytest.raises(VAEError):
            chance_cosine(size, share)


def test_cosines_are_of_directions_however_long():
    found = cosines([[2, 0], [0, 5], [1, 1], [-3, 0]])
    half = math.sqrt(0.5)
    np.testing.assert_allclose(found[0], [1, 0, half, -1], atol=1e-6)
    np.testing.assert_array_equal(found, found.T)
    assert degrees(float(found[0, 2])) == pytest.approx(45, abs=1e-4) and degrees(1.0000001) == 0
    for wrong in ([], [[1, 0], [1, 0, 0]], [[1, 0], [0, 0]], [[1, math.nan]]):
        with pytest.raises(VAEError):
            cosines(wrong)


# ---- what a step does, and locks by directions ---------------------------------------------------------------------


def test_a_line_reads_off_codes_what_a_step_does():
    generator = np.random.default_rng(3)
    mu = (generator.standard_normal((5000, 4)) * [1, 2, 0.5, 1]).astype(np.float32)
    age = 3 * mu[:, 0] - mu[:, 1] + 7
    coin = (generator.random(5000) < 0.5).astype(float)
    found = reading_of(mu, np.stack([age, coin, np.ones(5000)], axis=1))
    np.testing.assert_allclose(found.slopes[0] * age.std(), [3, -1, 0, 0], atol=1e-4)
    assert found.of([1, 0, 0, 0])[0] == pytest.approx(3 / age.std(), rel=1e-4)
    np.testing.assert_allclose(found.reliability, [1, 0, 0], atol=0.003)
    assert found.of([1, 1, 1, 1])[2] == 0
    few = reading_of(mu[:12], coin[:12, None])
    assert abs(few.reliability[0]) < 0.6  # corrected: a line with four slopes fits twelve images anyhow
    with pytest.raises(VAEError, match="one finite row"):
        reading_of(mu, age)
    with pytest.raises(VAEError, match="2 numbers, the codes 4"):
        found.of([1, 0])


def test_between_groups_of_codes_across_a_direction_lies_what_the_lock_leaves():
    generator = np.random.default_rng(4)
    mu = (generator.standard_normal((300, 5)) @ generator.standard_normal((5, 5))).astype(np.float32)
    first = np.arange(300) < 100
    groups = Groups(first, ~first, ("a", "b"))
    mu[first] += generator.standard_normal(5).astype(np.float32)
    others = [Direction(row.astype(np.float32), 1.0, (5, 5), ("o", "p"), "kept") for row in np.eye(5)[:2]]
    covariance = covariance_of(mu)
    wanted = lock(difference(mu, groups), others, covariance)
    cleared = across(mu, [each.vector for each in others], covariance)
    np.testing.assert_allclose(difference(cleared, groups).step, wanted.step, atol=1e-4)
    np.testing.assert_allclose(cleared.mean(axis=0), mu.mean(axis=0), atol=1e-4)
    assert across(mu, [], covariance) is mu or np.array_equal(across(mu, [], covariance), mu)
    with pytest.raises(VAEError, match="2 numbers, the codes 5"):
        across(mu, [np.ones(2)], covariance)


def test_a_number_can_be_locked_out_of_anothers_direction():
    generator = np.random.default_rng(5)
    age, size = generator.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 4000).T
    mu = np.stack([age, size, generator.standard_normal(4000)], axis=1).astype(np.float32)
    first = age > 0
    groups, values = Groups(first, ~first, ("old", "young")), np.stack([age, size], axis=1)
    whole = regression(mu, age, "age")
    assert whole.vector[1] > 0.5
    found = locked(mu, groups, values, ("age", "size"), ("size",), lambda codes, _: regression(codes, age, "age"))
    assert found.vector[0] > 0.99 and found.reach == whole.reach and found.estimator == "regression, locked"
