"""Paths through keyframes: exact where they must be, even, and near to where images are."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vae.errors import VAEError
from vae.explore.latents import lerp, slerp
from vae.explore.neighbours import nearest
from vae.explore.paths import (
    MOST,
    WAYS,
    cross_fade,
    even_pace,
    follow,
    lay_roads,
    measure_pace,
    spline,
    through,
)

PLAIN = ("slerp", "lerp", "spline")


def images_on_a_ring(count=3000, seed=0):
    """Codes around a circle of radius 2 with nothing inside; a third dimension is dead. A fifth are held out."""
    generator = np.random.default_rng(seed)
    angles = generator.uniform(0, 2 * math.pi, count)
    radii = 2 + 0.1 * generator.standard_normal(count)
    mu = np.stack([radii * np.cos(angles), radii * np.sin(angles), 0.01 * generator.standard_normal(count)], axis=1)
    return mu.astype(np.float32), (np.arange(count) % 5 == 0).astype(np.uint8)


@pytest.fixture(scope="module")
def ring():
    mu, split = images_on_a_ring()
    return lay_roads(mu, split, generator=np.random.default_rng(0))


@st.composite
def keyframes(draw, most=6):
    shape = (draw(st.integers(2, most)), draw(st.integers(2, 5)))
    codes = draw(hnp.arrays(np.float32, shape, elements=st.floats(-1e4, 1e4, width=32)))
    if draw(st.booleans()):  # a pause, and a place that is passed twice
        codes = np.concatenate([codes, codes[-1:], codes[:1]])
    return codes


def steps_of(path):
    return np.linalg.norm(np.diff(path.astype(np.float64), axis=0), axis=1)


# ---- through keyframes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", PLAIN)
@settings(max_examples=100, deadline=None)
@given(codes=keyframes(), per_leg=st.integers(1, 9), closed=st.booleans())
def test_every_keyframe_is_on_the_path_to_the_bit(way, codes, per_leg, closed):
    path = through(codes, per_leg, way, closed=closed)
    stops = np.concatenate([codes, codes[:1]]) if closed else codes
    assert path.shape == ((len(stops) - 1) * per_leg + 1, codes.shape[1]) and path.dtype == np.float32
    assert np.isfinite(path).all()
    np.testing.assert_array_equal(path[::per_leg], stops)


@pytest.mark.parametrize(("way", "one_leg"), [("slerp", slerp), ("lerp", lerp)])
def test_a_leg_is_what_joins_two_codes(way, one_leg):
    codes = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    path = through(codes, 7, way, closed=True)
    for i, (a, b) in enumerate(pairwise([*codes, codes[0]])):
        np.testing.assert_array_equal(path[7 * i : 7 * i + 8], one_leg(a, b, 8))


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), dim=st.integers(2, 64), spread=st.floats(0, 3), steps=st.integers(2, 5))
def test_slerp_of_10_000_pairs_has_exact_ends_and_lengths_between_them(seed, dim, spread, steps):
    generator = np.random.default_rng(seed)
    lengths = np.exp(spread * generator.standard_normal((50, 2, 1)))
    pairs = (generator.standard_normal((50, 2, dim)) * lengths).astype(np.float32)
    for a, b in pairs:
        path = through([a, b], steps, "slerp")
        assert path[0].tobytes() == a.tobytes() and path[-1].tobytes() == b.tobytes()
        lengths = np.linalg.norm(path.astype(np.float64), axis=1)
        wanted = np.linspace(lengths[0], lengths[-1], steps + 1)
        assert (np.abs(lengths - wanted) <= 1e-5 * lengths.max()).all()
        assert (np.diff(lengths) * (wanted[-1] - wanted[0]) >= -1e-4 * lengths.max() ** 2).all()


def test_the_spline_through_two_keyframes_is_the_straight_line():
    a, b = np.random.default_rng(1).standard_normal((2, 5)).astype(np.float32)
    np.testing.assert_allclose(spline([a, b], 9), lerp(a, b, 10), atol=1e-6)
    there_and_back = np.concatenate([lerp(a, b, 10), lerp(b, a, 10)[1:]])
    np.testing.assert_allclose(spline([a, b], 9, closed=True), there_and_back, atol=1e-6)


def barry_goldman(points, times, at):
    """The curve between the second and the third of four points, by their pyramid (Barry and Goldman 1988)."""

    def mix(low, high, a, b):
        return ((times[high] - at) * a + (at - times[low]) * b) / (times[high] - times[low])

    first = [mix(i, i + 1, points[i], points[i + 1]) for i in range(3)]
    second = [mix(i, i + 2, first[i], first[i + 1]) for i in range(2)]
    return mix(1, 2, *second)


def test_the_spline_is_the_centripetal_catmull_rom_of_barry_and_goldman():
    points = np.float64([[0, 0], [1, 3], [4, 3.5], [4.2, 0]])
    times = np.concatenate([[0], np.sqrt(np.linalg.norm(np.diff(points, axis=0), axis=1)).cumsum()])
    path = spline(points, 8)
    for i in range(9):
        at = times[1] + i / 8 * (times[2] - times[1])
        np.testing.assert_allclose(path[8 + i], barry_goldman(points, times, at), atol=1e-5)


def test_the_spline_has_no_corner_at_a_keyframe_and_lerp_has():
    codes = np.float32([[0, 0], [1, 3], [4, 3.5], [4.2, 0]])

    def sharpest(path, closed):
        steps = np.diff(path.astype(np.float64), axis=0)
        units = steps / np.linalg.norm(steps, axis=1, keepdims=True)
        following = np.roll(units, -1, axis=0) if closed else units[1:]
        return float((units[: len(following)] * following).sum(axis=1).min())

    for closed in (False, True):
        assert sharpest(spline(codes, 100, closed=closed), closed) > 0.99
        assert sharpest(through(codes, 100, "lerp", closed=closed), closed) < 0.6


def test_a_closed_spline_is_the_same_wherever_it_begins():
    codes = np.float32([[0, 0], [1, 3], [4, 3.5], [4.2, 0]])
    ring, shifted = (spline(each, 10, closed=True)[:-1] for each in (codes, np.roll(codes, -1, axis=0)))
    np.testing.assert_allclose(np.roll(ring, -10, axis=0), shifted, atol=1e-5)


@pytest.mark.parametrize(
    ("codes", "per_leg", "way", "says"),
    [
        ([[1.0, 2]], 4, "slerp", "goes nowhere: add another"),
        (np.zeros((MOST + 1, 2)), 4, "slerp", "25 keyframes is too long"),
        ([[1.0, 2], [3, 4]], 0, "slerp", "ask for at least 1"),
        ([[1.0, 2], [3, 4]], 4, "walk", "no way called walk"),
        ([[1.0, math.nan], [3, 4]], 4, "lerp", "keyframes is not finite"),
        ([[1.0, 2], [3, 4]], 4, "follow", "encode the data first"),
        ([1.0, 2], 4, "lerp", "a table"),
    ],
)
def test_what_is_no_path_is_refused_in_one_line(codes, per_leg, way, says):
    with pytest.raises(VAEError, match=says) as caught:
        through(codes, per_leg, way)
    assert "\n" not in str(caught.value)
    assert way in WAYS or "slerp, lerp" in str(caught.value)


# ---- follow --------------------------------------------------------------------------------------------------------


def test_a_path_that_follows_the_data_goes_around_the_hole(ring):
    a, b = np.float32([2, 0, 0.5]), np.float32([-2, 0.1, -0.5])
    path = follow(ring, a, b, 41)
    radii = np.linalg.norm(path[:, :2], axis=1)
    assert radii.min() > 1.7 and radii.max() < 2.3
    assert np.linalg.norm(lerp(a, b, 41)[:, :2], axis=1).min() < 0.2
    np.testing.assert_allclose(path[:, 2], np.linspace(0.5, -0.5, 41), atol=1e-6)  # the dead dimension goes straight
    assert steps_of(path).sum() == pytest.approx(2 * math.pi, rel=0.1)


@settings(max_examples=25, deadline=None)
@given(
    pair=hnp.arrays(np.float32, (2, 3), elements=st.floats(-6, 6, width=32)),
    steps=st.integers(2, 40),
)
def test_it_begins_and_ends_exactly_and_no_step_is_twice_the_mean(pair, steps):
    roads = _ring_once()
    a, b = pair
    path = follow(roads, a, b, steps)
    assert path.shape == (steps, 3) and path.dtype == np.float32 and np.isfinite(path).all()
    assert path[0].tobytes() == a.tobytes() and path[-1].tobytes() == b.tobytes()
    lengths = steps_of(path[:, :2])
    assert lengths.max() <= 2 * lengths.mean() + 1e-5
    assert path.tobytes() == follow(roads, a, b, steps).tobytes()


_RING = []


def _ring_once():
    if not _RING:
        mu, split = images_on_a_ring()
        _RING.append(lay_roads(mu, split, generator=np.random.default_rng(0)))
    return _RING[0]


def test_it_goes_the_long_way_round_rather_than_across_a_gap():
    generator = np.random.default_rng(1)
    angles = generator.uniform(0.3, 2 * math.pi - 0.3, 2000)  # a horseshoe
    mu = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + 0.05 * generator.standard_normal((2000, 2))
    roads = lay_roads(mu, np.zeros(2000), generator=generator)
    a, b = (2 * np.float32([math.cos(0.3), sign * math.sin(0.3)]) for sign in (1, -1))
    path = follow(roads, a, b, 60)
    assert steps_of(path).sum() > 8 and np.linalg.norm(path, axis=1).min() > 1.7


def test_there_is_the_same_as_back(ring):
    a, b = np.float32([2, 0, 0]), np.float32([-1.4, 1.4, 0])
    np.testing.assert_allclose(follow(ring, a, b, 20), follow(ring, b, a, 20)[::-1], atol=1e-3)


def test_it_is_nearer_to_held_out_images_than_the_straight_line(ring):
    mu, split = images_on_a_ring()
    held_out = mu[split == 1]
    generator = np.random.default_rng(2)
    near, straight = [], []
    for a, b in held_out[generator.integers(len(held_out), size=(12, 2))]:
        near.append(nearest(held_out, follow(ring, a, b, 30), 1).distances.mean())
        straight.append(nearest(held_out, lerp(a, b, 30), 1).distances.mean())
    assert np.mean(near) < 0.4 * np.mean(straight)


def test_held_out_images_lay_no_road():
    mu, split = images_on_a_ring(500)
    moved = mu.copy()
    moved[split == 1] += 100
    roads, others = (lay_roads(codes, split, generator=np.random.default_rng(0)) for codes in (mu, moved))
    np.testing.assert_array_equal(roads.images, others.images)
    assert len(roads.images) == (split == 0).sum()


def test_two_islands_are_joined_and_far_ends_are_reached():
    generator = np.random.default_rng(0)
    islands = np.concatenate([generator.normal(at, 0.2, (60, 2)) for at in (-20, 20)])
    roads = lay_roads(islands, np.zeros(120), generator=generator)
    path = follow(roads, [-1e6, 3], [21, 1e30], 9)
    assert np.isfinite(path).all() and path[-1].tolist() == np.float32([21, 1e30]).tolist()


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_few_images_are_enough(count):
    mu = np.random.default_rng(3).standard_normal((count, 2)).astype(np.float32)
    path = follow(lay_roads(mu, np.ones(count), generator=np.random.default_rng(0)), [0, 0], [1, 1], 5)
    assert path[0].tolist() == [0, 0] and path[-1].tolist() == [1, 1]


def test_where_no_dimension_is_in_use_it_is_the_straight_line():
    roads = lay_roads(np.ones((30, 2)), np.zeros(30), generator=np.random.default_rng(0))
    np.testing.assert_array_equal(follow(roads, [0, 0], [1, 3], 5), lerp([0, 0], [1, 3], 5))


def test_bad_ends_and_bad_roads_are_refused(ring):
    for bad in ([1, 2], [1, 2, math.nan]):
        with pytest.raises(VAEError):
            follow(ring, bad, bad, 5)
    with pytest.raises(VAEError, match="at least 2"):
        follow(ring, [1, 2, 3], [3, 2, 1], 1)
    with pytest.raises(VAEError, match="one split each"):
        lay_roads(np.zeros((5, 2)), np.zeros(4), generator=np.random.default_rng(0))


# ---- pace ----------------------------------------------------------------------------------------------------------


def shades(*levels):
    """Pictures of one level each, (F, 2, 2, 1)."""
    return np.broadcast_to(np.uint8(levels)[:, None, None, None], (len(levels), 2, 2, 1)).copy()


def test_the_length_is_what_a_pixel_changes_in_all_and_a_cross_fade_is_the_shortest():
    there_and_back = measure_pace(shades(0, 102, 51, 51, 255), [0, 4])
    assert there_and_back.length == pytest.approx((102 + 51 + 0 + 204) / 255)
    assert there_and_back.fade == pytest.approx(1)
    assert there_and_back.evenness == pytest.approx(204 / (357 / 4))
    assert "140 % of the range" in there_and_back.sentence and "1.4 times" in there_and_back.sentence
    assert measure_pace(shades(0, 102, 51, 51, 255), [0, 1, 2, 4]).fade == pytest.approx(357 / 255)
    assert measure_pace(shades(7, 7, 7), [0, 2]).sentence == "All pictures on this way are alike."


@settings(max_examples=50, deadline=None)
@given(pixels=hnp.arrays(np.uint8, (6, 3, 3, 1)))
def test_nothing_is_shorter_than_the_cross_fade(pixels):
    found = measure_pace(pixels, [0, 3, 5])
    assert found.length >= found.fade - 1e-12 and found.evenness > 1 - 1e-12


def test_at_an_even_pace_every_step_changes_the_picture_alike():
    codes = np.float32([[0, 1], [1, 1], [2, 1], [3, 1], [4, 1]])
    spaced, at = even_pace(codes, shades(0, 0, 0, 200, 240))
    np.testing.assert_allclose(at, [0, 2.3, 2.6, 2.9, 4], atol=1e-6)
    np.testing.assert_allclose(spaced, np.stack([at, np.ones(5)], axis=1), atol=1e-6)
    assert spaced[0].tobytes() == codes[0].tobytes() and spaced[-1].tobytes() == codes[-1].tobytes()
    np.testing.assert_array_equal(even_pace(codes, shades(9, 9, 9, 9, 9))[0], codes)


@settings(max_examples=50, deadline=None)
@given(pixels=hnp.arrays(np.uint8, (7, 2, 2, 1)))
def test_an_even_pace_never_turns_back(pixels):
    _, at = even_pace(np.zeros((7, 2), np.float32), pixels)
    assert (np.diff(at) >= 0).all() and at[0] == 0 and at[-1] == 6


def test_a_cross_fade_is_the_mixture_of_its_neighbours():
    faded = cross_fade(shades(0, 100, 200), [0, 0.25, 1, 1.5, 2])
    assert faded[:, 0, 0, 0].tolist() == [0, 25, 100, 150, 200]
    assert cross_fade(shades(5), [0, 0])[:, 1, 1, 0].tolist() == [5, 5]


def test_paces_of_what_is_no_path_are_refused():
    for call in (
        lambda: measure_pace(shades(1), [0]),
        lambda: measure_pace(shades(1, 2), [0]),
        lambda: measure_pace(shades(1, 2), [1, 1]),
        lambda: even_pace(np.zeros((3, 2)), shades(1, 2)),
        lambda: cross_fade(shades(1, 2), [0, 1.2]),
    ):
        with pytest.raises(VAEError):
            call()
