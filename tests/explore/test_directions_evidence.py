import math
from dataclasses import asdict

import numpy as np
import pytest

from vae.errors import VAEError
from vae.explore.directions.evidence import measure_evidence
from vae.explore.directions.found import ESTIMATORS, difference
from vae.explore.directions.groups import Groups
from vae.explore.directions.heldout import auc_interval
from vae.explore.directions.intervals import chance, cone, effect_interval, noise_of, permuted

VARIANCES = 1 / np.arange(1, 11)


def two(first, second, size=10, effect=0.0, generator=None, variances=VARIANCES):
    """Codes of two Gaussian groups `effect` standard deviations apart along a direction; the direction, too."""
    generator = np.random.default_rng(0) if generator is None else generator
    spread = np.sqrt(variances[:size])
    unit = generator.standard_normal(size) * spread
    unit /= np.linalg.norm(unit)
    ours = generator.standard_normal((first, size)) * spread + effect * np.linalg.norm(unit * spread) * unit
    return ours, generator.standard_normal((second, size)) * spread, unit


def grouped(ours, theirs):
    mine = np.arange(len(ours) + len(theirs)) < len(ours)
    return np.concatenate([ours, theirs]).astype(np.float32), Groups(mine, ~mine, ("smile", "no smile"))


# ---- intervals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second", "effect"), [(6, 9, 1.0), (60, 60, 0.5), (60, 60, 2.0)])
def test_an_interval_holds_the_effect_and_a_cone_the_direction_as_often_as_they_claim(first, second, effect):
    held, inside = [], []
    generator = np.random.default_rng(1)
    for _ in range(400):
        ours, theirs, unit = two(first, second, effect=effect, generator=generator)
        noise = noise_of(ours, theirs)
        along = noise.step / np.linalg.norm(noise.step)
        scale = np.linalg.norm(unit * np.sqrt(VARIANCES)) * effect
        truth = scale * float(along @ unit) / np.linalg.norm(along * np.sqrt(VARIANCES))
        _, low, high = effect_interval(noise)
        held.append(low <= truth <= high)
        inside.append(math.degrees(math.acos(np.clip(along @ unit, -1, 1))) <= cone(noise))
    assert 0.92 <= np.mean(held) <= 0.985 and 0.92 <= np.mean(inside) <= 0.985


def test_an_effect_is_not_what_it_seems_on_the_images_that_made_the_direction():
    seemed, found = [], []
    for seed in range(200):
        ours, theirs, _ = two(20, 20, generator=np.random.default_rng(seed))
        noise = noise_of(ours, theirs)
        along = noise.step / np.linalg.norm(noise.step)
        seemed.append((along @ noise.step) / math.sqrt(along @ noise.pooled @ along))
        found.append(effect_interval(noise)[0])
    assert abs(np.mean(found)) < 0.25 and np.mean(seemed) > 0.7


def test_the_effect_of_many_images_is_cohens_d():
    ours, theirs, _ = two(5000, 5000, effect=1.5)
    noise = noise_of(ours, theirs)
    along = noise.step / np.linalg.norm(noise.step)
    pooled = math.sqrt(((ours @ along).var(ddof=1) + (theirs @ along).var(ddof=1)) / 2)
    value, low, high = effect_interval(noise)
    assert value == pytest.approx((ours @ along - theirs @ along).mean() / pooled, rel=0.01)
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(2 / 5000 + 1.5**2 / 4 / 5000), rel=0.1)


def test_without_a_signal_chance_is_seldom_excluded():
    said = {"permuted": 0, "f": 0}
    generator = np.random.default_rng(2)
    for _ in range(300):
        ours, theirs, _ = two(8, 20, generator=generator)
        said["permuted"] += permuted(ours, theirs, 99, generator) <= 0.05
        said["f"] += chance(noise_of(ours, theirs)) <= 0.05
    assert 3 <= said["permuted"] <= 27 and 3 <= said["f"] <= 36


def test_the_chance_of_many_images_is_that_of_permuting_them():
    for seed in range(5):
        ours, theirs, _ = two(150, 250, effect=0.2, generator=np.random.default_rng(seed))
        p = permuted(ours, theirs, 2000, np.random.default_rng(seed))
        assert chance(noise_of(ours, theirs)) == pytest.approx(p, abs=0.06)


def test_an_auc_interval_is_as_published():
    # Newcombe 2006, table II: 0.5 of 10 and 10 has an interval symmetric about it, 1 of 10 and 10 ends at 1.
    low, high = auc_interval(0.5, (10, 10))
    assert low + high == pytest.approx(1, abs=1e-6) and 0.2 < low < 0.3
    low, high = auc_interval(1.0, (10, 10))
    assert high == 1.0 and 0.7 < low < 0.9
    narrow = auc_interval(0.8, (1000, 1000))
    assert narrow[1] - narrow[0] < 0.05


# ---- the whole -----------------------------------------------------------------------------------------------------


def test_evidence_is_strong_for_many_images_far_apart():
    mu, groups = grouped(*two(300, 500, effect=2.5)[:2])
    found = measure_evidence(mu, groups)
    assert found.verdict == "strong" and found.sentence.startswith("Strong: 300 images of “smile” and 500 of")
    assert found.low < 2.5 < found.high and found.cone < 15 and found.p < 0.01
    assert 0.85 < found.accuracy < 0.95 and found.auc_low < 0.96 < found.auc_high  # Phi(2.5 / 2), Phi(2.5 / sqrt 2)
    assert found.pair_cosine > found.random_cosine + 0.1 and found.pair_d > 0.3
    assert abs(found.random_cosine) < 0.1


def test_five_and_five_far_apart_are_weak():
    mu, groups = grouped(*two(5, 5, effect=6)[:2])
    found = measure_evidence(mu, groups)
    assert found.verdict == "weak" and "5 images in a group say little" in found.sentence
    assert found.low < found.effect < found.high and found.cone > 5


def test_groups_that_overlap_are_weak_however_many_they_are():
    mu, groups = grouped(*two(4000, 4000, effect=0.4)[:2])
    found = measure_evidence(mu, groups)
    assert found.verdict == "weak" and "overlap" in found.sentence and found.cone < 30


@pytest.mark.parametrize("name", ESTIMATORS)
def test_without_a_signal_the_verdict_is_chance_and_held_out_images_are_guessed(name):
    guessed = []
    for seed in range(6):
        mu, groups = grouped(*two(40, 40, generator=np.random.default_rng(seed))[:2])
        found = measure_evidence(mu, groups, name, seed=seed, resamples=199)
        guessed.append(found.auc)
        if found.p > 0.05:
            assert found.verdict == "chance" and found.sentence.startswith("Not distinguishable from chance")
            assert found.low < 0.3
    assert 0.35 < np.mean(guessed) < 0.6  # 0.75 and more on the images that made it


@pytest.mark.parametrize("name", ["whitened", "logistic"])
def test_the_effect_of_the_other_estimators_is_that_of_images_not_seen(name):
    ours, theirs, aim = two(100, 100, effect=1.0, generator=np.random.default_rng(3))
    mu, groups = grouped(ours, theirs)
    found = measure_evidence(mu, groups, name)
    unit = ESTIMATORS[name](mu, groups).vector.astype(np.float64)
    generator = np.random.default_rng(4)
    spread = np.sqrt(VARIANCES)
    step = aim * np.linalg.norm(aim * spread)
    fresh = generator.standard_normal((2, 20_000, 10)) * spread + np.stack([step, 0 * step])[:, None]
    truth = (fresh[0] @ unit - fresh[1] @ unit).mean() / (fresh[1] @ unit).std()
    assert found.low <= truth <= found.high and found.high - found.low < 0.8
    best = step / VARIANCES
    assert math.degrees(math.acos(unit @ best / np.linalg.norm(best))) <= found.cone < 90
    assert found.auc_low <= (fresh[0] @ unit > fresh[1] @ unit).mean() <= found.auc_high


def test_the_same_seed_gives_the_same_evidence_and_another_one_hardly_another():
    mu, groups = grouped(*two(30, 50, effect=1.0)[:2])
    assert measure_evidence(mu, groups, seed=3) == measure_evidence(mu, groups, seed=3)
    one, other = (asdict(measure_evidence(mu, groups, seed=seed)) for seed in (3, 4))
    assert one["effect"] == other["effect"] and one["auc"] == pytest.approx(other["auc"], abs=0.05)


def test_images_in_neither_group_do_not_count_and_groups_may_not_spread():
    ours, theirs, _ = two(50, 50, effect=1.0)
    mu, groups = grouped(ours, theirs)
    more = np.concatenate([mu, np.full((30, 10), 9, np.float32)])
    wider = Groups(
        np.append(groups.positive, np.zeros(30, bool)), np.append(groups.negative, np.zeros(30, bool)), groups.names
    )
    assert measure_evidence(more, wider) == measure_evidence(mu, groups)
    still = np.repeat(np.float32([[1, 0], [0, 0]]), 5, axis=0)
    found = measure_evidence(still, Groups(np.arange(10) < 5, np.arange(10) >= 5, ("a", "b")))
    assert math.isinf(found.effect) and found.auc == 1.0


def test_evidence_refuses_what_has_no_direction():
    mu, groups = grouped(*two(10, 10)[:2])
    with pytest.raises(VAEError, match="no estimator called median"):
        measure_evidence(mu, groups, "median")
    with pytest.raises(VAEError, match="same mean"):
        measure_evidence(np.zeros_like(mu), groups)
    assert difference(mu, groups).counts == measure_evidence(mu, groups).counts == (10, 10)
