import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import geometric_slerp

from vae.errors import VAEError
from vae.explore.latents import MARKS, active_units, knob_ranges, lerp, prior, rank_by_kl, slerp

NUMBERS = st.floats(-1e6, 1e6, width=32)
STEPS = st.integers(2, 20)


@st.composite
def two_codes(draw):
    length = draw(st.integers(1, 8))
    code = hnp.arrays(np.float32, length, elements=NUMBERS)
    a = draw(code)
    # Unrelated, the same, opposite, or on one line: the last three are where a naive slerp breaks.
    b = draw(st.one_of(code, st.sampled_from([a, -a, np.float32(3) * a, np.float32(-0.5) * a, np.zeros_like(a)])))
    return a, b


def lengths(path):
    return np.linalg.norm(path.astype(np.float64), axis=1)


# ---- lerp and slerp ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("walk", [lerp, slerp])
@settings(max_examples=200, deadline=None)
@given(codes=two_codes(), steps=STEPS)
def test_a_path_is_finite_and_its_ends_are_exact_to_the_bit(walk, codes, steps):
    a, b = codes
    path = walk(a, b, steps)
    assert path.shape == (steps, len(a)) and path.dtype == np.float32
    assert np.isfinite(path).all()
    assert path[0].tobytes() == a.tobytes() and path[-1].tobytes() == b.tobytes()


@settings(max_examples=200, deadline=None)
@given(codes=two_codes(), steps=STEPS)
def test_slerp_changes_length_evenly(codes, steps):
    a, b = codes
    if len(a) == 1:
        return  # on a line the only way to the other side leads through the origin
    got = lengths(slerp(a, b, steps))
    wanted = np.linspace(np.linalg.norm(a.astype(np.float64)), np.linalg.norm(b.astype(np.float64)), steps)
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-30)


def test_slerp_agrees_with_scipy_on_the_unit_sphere():
    generator = np.random.default_rng(0)
    for dim in (2, 3, 16):
        a, b = generator.standard_normal((2, dim))
        a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
        oracle = geometric_slerp(a, b, np.linspace(0, 1, 9))
        np.testing.assert_allclose(slerp(a, b, 9), oracle, atol=1e-6)


def test_slerp_agrees_with_the_closed_form_between_codes_of_unequal_length():
    a, b = np.float32([3, 0, 0]), np.float32([0, 0, 1])
    t = np.linspace(0, 1, 7)[:, None]
    turn = np.cos(t * math.pi / 2) * [1, 0, 0] + np.sin(t * math.pi / 2) * [0, 0, 1]
    np.testing.assert_allclose(slerp(a, b, 7), (3 - 2 * t) * turn, atol=1e-6)


def test_slerp_turns_at_an_even_pace_and_is_no_straight_line():
    a, b = np.float32([2, 0]), np.float32([-1, 3])
    path = slerp(a, b, 12)
    angles = np.unwrap(np.arctan2(path[:, 1], path[:, 0]))
    np.testing.assert_allclose(np.diff(angles), np.diff(angles)[0], rtol=1e-4)
    assert lengths(path).min() >= 2 - 1e-6 > lengths(lerp(a, b, 12)).min()


def test_slerp_there_is_slerp_back():
    a, b = np.random.default_rng(1).standard_normal((2, 16)).astype(np.float32)
    np.testing.assert_allclose(slerp(a, b, 10), slerp(b, a, 10)[::-1], atol=1e-6)


@pytest.mark.parametrize("nudge", [0, 1e-7, 1e-5, 1e-3])
def test_opposite_codes_are_joined_around_the_origin_the_same_way_each_time(nudge):
    a = np.float32([0, 2, 0, 1])
    b = -a + np.float32([nudge, 0, 0, 0])
    path = slerp(a, b, 11)
    np.testing.assert_allclose(lengths(path), lengths(path[:1])[0], rtol=1e-3)
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() < 1  # no jump anywhere, the last frame included
    assert path.tobytes() == slerp(a, b, 11).tobytes()


def test_the_way_around_leads_over_the_axis_the_code_uses_least():
    np.testing.assert_allclose(
        slerp([0, 0, 3, 0], [0, 0, -3, 0], 3), [[0, 0, 3, 0], [3, 0, 0, 0], [0, 0, -3, 0]], atol=1e-6
    )
    np.testing.assert_allclose(slerp([1, 2, 0], [-1, -2, 0], 3)[1], [0, 0, math.sqrt(5)], atol=1e-6)


@pytest.mark.parametrize("nudge", [0, 1e-7, 1e-6, 1e-5, 1e-3])
def test_nearly_parallel_codes_give_a_smooth_path(nudge):
    a = np.float32([1, 2, 3])
    b = 2 * a + np.float32([nudge, 0, 0])
    np.testing.assert_allclose(slerp(a, b, 8), lerp(a, b, 8), rtol=1e-3)


def test_a_zero_end_leaves_the_direction_to_the_other():
    a, zero = np.float32([3, 4]), np.zeros(2, np.float32)
    np.testing.assert_allclose(slerp(zero, a, 6), np.linspace(0, 1, 6)[:, None] * a, rtol=1e-6)
    assert not slerp(zero, zero, 4).any()


def test_lengths_whose_square_overflows_float32_are_no_trouble():
    path = slerp(np.float32([1e30, 0]), np.float32([0, 1e30]), 5)
    np.testing.assert_allclose(lengths(path), 1e30, rtol=1e-5)


def test_lerp_is_a_straight_line_at_an_even_pace():
    path = lerp([0, 1], [4, -1], 5)
    np.testing.assert_array_equal(path, [[0, 1], [1, 0.5], [2, 0], [3, -0.5], [4, -1]])


@pytest.mark.parametrize("walk", [lerp, slerp])
@pytest.mark.parametrize(
    ("a", "b", "steps", "says"),
    [
        ([1, 2], [1, 2, 3], 4, "2 and 3 numbers"),
        ([1, math.nan], [1, 2], 4, "first code is not finite"),
        ([1, 2], [1, math.inf], 4, "second code is not finite"),
        ([1, 2], [1, 1e300], 4, "second code is not finite"),
        ([1, 2], [3, 4], 1, "at least 2"),
        ([[1, 2]], [3, 4], 4, "list of numbers"),
        ([], [], 4, "nothing"),
        (["a"], ["b"], 4, "Expected numbers"),
    ],
)
def test_a_path_between_bad_ends_is_refused_in_one_line(walk, a, b, steps, says):
    with pytest.raises(VAEError, match=says) as caught:
        walk(a, b, steps)
    assert "\n" not in str(caught.value)


# ---- the prior -----------------------------------------------------------------------------------------------------


def test_the_prior_is_standard_normal_and_repeats():
    z = prior(20_000, 4, generator=np.random.default_rng(3))
    assert z.shape == (20_000, 4) and z.dtype == np.float32
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.eye(4), atol=0.04)
    np.testing.assert_array_equal(z, prior(20_000, 4, generator=np.random.default_rng(3)))
    assert not np.array_equal(z, prior(20_000, 4, generator=np.random.default_rng(4)))


def test_temperature_scales_the_same_draws_and_zero_is_the_origin():
    def draw(temperature):
        return prior(50, 3, temperature, generator=np.random.default_rng(0))

    np.testing.assert_allclose(draw(0.5), 0.5 * draw(1), rtol=1e-6)
    assert draw(0).tobytes() == np.zeros((50, 3), np.float32).tobytes()


def test_more_draws_begin_with_the_same_ones():
    few, many = (prior(n, 16, generator=np.random.default_rng(0)) for n in (3, 64))
    np.testing.assert_array_equal(few, many[:3])


@pytest.mark.parametrize(
    ("count", "dim", "temperature"), [(0, 2, 1), (2, 0, 1), (2, 2, -0.1), (2, 2, math.nan), (2, 2, math.inf)]
)
def test_impossible_draws_are_refused(count, dim, temperature):
    with pytest.raises(VAEError):
        prior(count, dim, temperature, generator=np.random.default_rng(0))


# ---- knobs ---------------------------------------------------------------------------------------------------------


def test_the_rank_is_strongest_first_with_equals_in_order():
    assert rank_by_kl([0.1, 3, 0, 3, 2]).tolist() == [1, 3, 4, 0, 2]


def test_an_active_unit_is_one_whose_mean_varies_by_more_than_a_hundredth():
    swing = np.where(np.arange(1000) % 2, 1, -1)[:, None]
    mu = swing * np.sqrt([0.0101, 0.0099, 0, 1]) + [0, 0, 5, 100]
    assert active_units(mu).tolist() == [True, False, False, True]


def test_knobs_run_over_the_codes_images_have_and_dead_ones_over_the_prior():
    generator = np.random.default_rng(0)
    mu = generator.standard_normal((5000, 3)) * [0.5, 2, 0.01] + [1, 0, 0]
    knobs = knob_ranges(mu, [1.5, 2.5, 0.01])
    assert [knob.dim for knob in knobs] == [1, 0, 2]
    assert [knob.active for knob in knobs] == [True, True, False]
    assert [knob.kl for knob in knobs] == pytest.approx([2.5, 1.5, 0.01])
    for knob in knobs[:2]:
        values = np.sort(mu[:, knob.dim])
        assert knob.low == pytest.approx(values[25], rel=0.01) and knob.high == pytest.approx(values[-26], rel=0.01)
        assert len(knob.quantiles) == len(MARKS) and list(knob.quantiles) == sorted(knob.quantiles)
        assert knob.quantiles[2] == pytest.approx(float(np.median(values)), abs=1e-4)
    assert knobs[1].high < 3 * 0.5 + 1  # narrower than a fixed -3..3 around it
    assert (knobs[2].low, knobs[2].high) == pytest.approx((-2.5758, 2.5758), abs=1e-3)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.005, 0.995)])
def test_every_knob_has_room_to_turn(low, high):
    rare = np.zeros(1000)
    rare[0] = 100  # active by its variance, yet both quantiles are zero
    for mu in (np.zeros((1, 2)), np.ones((50, 2)), np.stack([rare, rare], axis=1)):
        for knob in knob_ranges(mu, [0, 0], low, high):
            assert math.isfinite(knob.low) and math.isfinite(knob.high) and knob.low < knob.high


def test_knobs_from_parts_that_do_not_agree_are_refused():
    mu = np.zeros((10, 3))
    for bad in ((mu, [1, 2]), (mu, [1, 2, math.nan]), (mu[0], [1, 2, 3]), (mu, [1, 2, 3], 0.9, 0.1), (mu[:0], [1])):
        with pytest.raises(VAEError):
            knob_ranges(*bad)
