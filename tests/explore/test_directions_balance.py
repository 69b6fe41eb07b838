import math

import numpy as np
import pytest

from vae.errors import VAEError
from vae.explore.directions.balance import counting, kinds_in, noise_within, permuted_within
from vae.explore.directions.confounded import confounders
from vae.explore.directions.evidence import measure_evidence
from vae.explore.directions.found import difference
from vae.explore.directions.groups import Groups
from vae.explore.directions.heldout import pair_cosines
from vae.explore.directions.intervals import cone, effect_interval, noise_of

SPREAD = 1 / np.sqrt(np.arange(1, 7))


def planted(n, effect, generator, share=(0.85, 0.15)):
    """Codes of two groups of n, `effect` within-kind standard deviations apart; hats, which pull hard; the direction.

    Of the first group 85 in 100 have a hat, of the second 15.
    """
    first = np.arange(2 * n) < n
    hat = (generator.random(2 * n) < np.where(first, *share)).astype(np.float32)
    unit, pull = generator.standard_normal((2, 6)) * SPREAD
    unit /= np.linalg.norm(unit)
    scale = effect * np.linalg.norm(unit * SPREAD)
    mu = generator.standard_normal((2 * n, 6)) * SPREAD + scale * first[:, None] * unit + 4 * hat[:, None] * pull
    return mu.astype(np.float32), Groups(first, ~first, ("smile", "no smile")), hat, unit


def test_a_kind_is_each_combination_that_both_groups_have_enough_of():
    first = np.arange(60) < 30
    hat = np.tile([1.0, 0.0], 30)
    label = np.repeat([0, 1, 2, 0, 1, 1], 10)  # class 2 in the first group only
    kinds = kinds_in(Groups(first, ~first, ("a", "b")), {"hat": hat, "class": label})
    assert kinds.by == ("hat", "class") and kinds.count == 4 and kinds.left_out == 10
    np.testing.assert_array_equal(kinds.of < 0, label == 2)
    for one in range(4):
        mine = kinds.of == one
        assert len(set(zip(hat[mine], label[mine], strict=True))) == 1
    weights = kinds.weights(Groups(first, ~first, ("a", "b")))
    for one in range(4):
        assert weights[(kinds.of == one) & first].sum() == pytest.approx(0.25)
        assert weights[(kinds.of == one) & ~first].sum() == pytest.approx(0.25)
    assert kinds.among(Groups(first, ~first, ("a", "b"))).counts == (20, 30)


def test_a_number_is_low_middle_or_high():
    first = np.arange(90) % 2 == 0
    kinds = kinds_in(Groups(first, ~first, ("a", "b")), {"age": np.linspace(3, 7, 90)})
    assert kinds.count == 3
    np.testing.assert_array_equal(kinds.of, np.repeat([0, 1, 2], 30))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({}, "Nothing was named"),
        ({"hat": np.ones(7)}, "one finite number for each image"),
        ({"hat": np.full(40, math.nan)}, "one finite number for each image"),
        ({"hat": (np.arange(40) < 20).astype(float)}, "No kind of “hat” has 5 images in both groups"),
    ],
)
def test_kinds_that_cannot_count_the_same_are_refused(columns, says):
    first = np.arange(40) < 20
    with pytest.raises(VAEError, match=says):
        kinds_in(Groups(first, ~first, ("a", "b")), columns)


def test_of_one_kind_its_error_is_that_of_the_plain_difference():
    mu, groups, *_ = planted(30, 1.0, np.random.default_rng(0))
    rows = [(np.flatnonzero(groups.positive), np.flatnonzero(groups.negative))]
    one, plain = noise_within(mu, rows), noise_of(*(mu[own].astype(np.float64) for own in rows[0]))
    np.testing.assert_allclose(one.step, plain.step)
    np.testing.assert_allclose(one.whole, plain.whole)
    assert one.counts == plain.counts == counting(rows) == (30, 30)
    assert effect_interval(one)[0] == pytest.approx(effect_interval(plain)[0], rel=1e-6)


def test_the_error_of_a_balanced_step_is_how_far_it_is_off():
    off, claimed = [], []
    for seed in range(200):
        mu, groups, hat, unit = planted(60, 1.0, np.random.default_rng(seed))
        noise = noise_within(mu, kinds_in(groups, {"hat": hat}).cells(groups))
        off.append(((noise.step - np.linalg.norm(unit * SPREAD) * unit) ** 2).sum())
        claimed.append(np.trace(noise.whole))
    assert np.mean(off) == pytest.approx(np.mean(claimed), rel=0.12)


def test_intervals_within_kinds_hold_as_often_as_they_claim_though_a_hat_comes_along():
    held, inside, seemed = [], [], []
    generator = np.random.default_rng(3)
    for _ in range(300):
        mu, groups, hat, unit = planted(60, 1.0, generator)
        kinds = kinds_in(groups, {"hat": hat})
        noise = noise_within(mu, kinds.cells(groups))
        along = noise.step / np.linalg.norm(noise.step)
        truth = np.linalg.norm(unit * SPREAD) * float(along @ unit) / np.linalg.norm(along * SPREAD)
        _, low, high = effect_interval(noise)
        held.append(low <= truth <= high)
        inside.append(math.degrees(math.acos(np.clip(along @ unit, -1, 1))) <= cone(noise))
        seemed.append(abs(difference(mu, groups).vector @ unit) > 0.9)
    assert 0.92 <= np.mean(held) <= 0.99 and 0.91 <= np.mean(inside) <= 0.99
    assert np.mean(seemed) < 0.5  # every image counting the same, it is a hat


def test_without_a_signal_but_with_a_hat_only_balancing_says_chance():
    generator, said = np.random.default_rng(4), []
    for _ in range(150):
        mu, groups, hat, _ = planted(40, 0.0, generator, share=(0.7, 0.3))
        cells = kinds_in(groups, {"hat": hat}).cells(groups)
        said.append(permuted_within(mu, cells, 99, generator) <= 0.05)
    assert 0.01 <= np.mean(said) <= 0.11
    assert measure_evidence(mu, groups).verdict != "chance"
    found = measure_evidence(mu, groups, kinds=kinds_in(groups, {"hat": hat}), resamples=199)
    assert found.auc < 0.7 and measure_evidence(mu, groups).auc > 0.7


def test_evidence_within_kinds_is_of_the_balanced_direction():
    mu, groups, hat, unit = planted(600, 2.0, np.random.default_rng(5))
    kinds = kinds_in(groups, {"hat": hat})
    found = measure_evidence(mu, groups, kinds=kinds)
    assert difference(mu, groups, kinds.of).vector @ unit > 0.97
    assert found.verdict == "strong" and "each kind of hat counting the same" in found.sentence
    assert found.low < 2 < found.high and found.counts == (600, 600)
    assert found.auc == pytest.approx(0.921, abs=0.03) and found.accuracy == pytest.approx(0.841, abs=0.03)
    assert found.auc_low < 0.921 < found.auc_high  # Phi(2 / sqrt 2); its interval knows that rare kinds decide
    assert found == measure_evidence(mu, groups, kinds=kinds) != measure_evidence(mu, groups, kinds=kinds, seed=1)
    with pytest.raises(VAEError, match="difference of means only"):
        measure_evidence(mu, groups, "logistic", kinds=kinds)


def test_pairs_of_one_kind_are_pairs_within_it():
    mu, groups, hat, _ = planted(2000, 1.5, np.random.default_rng(6), share=(0.5, 0.5))
    kinds = kinds_in(groups, {"hat": hat})
    centred = mu - np.stack([mu[hat == one].mean(axis=0) for one in (0, 1)])[hat.astype(int)]
    plain = pair_cosines(centred, groups, np.random.default_rng(0))
    found = measure_evidence(mu, groups, kinds=kinds)
    assert (found.pair_cosine, found.random_cosine) == pytest.approx(plain[:2], abs=0.05)


def test_what_comes_along_is_counted_by_kinds_too():
    _, groups, hat, _ = planted(500, 1.0, np.random.default_rng(7))
    values = np.stack([hat, (np.random.default_rng(8).random(1000) < 0.2 + 0.6 * groups.positive)], axis=1)
    names = ("hat", "coat")
    assert [one.name for one in confounders(groups, values, names)] == ["hat", "coat"]
    weights = kinds_in(groups, {"hat": hat}).weights(groups)
    (coat,) = confounders(groups, values, names, weights=weights)
    assert coat.name == "coat"
    shares = [
        np.mean([values[side & (hat == one), 1].mean() for one in (0, 1)])
        for side in (groups.positive, groups.negative)
    ]
    assert (coat.mine, coat.theirs) == pytest.approx(tuple(shares))
