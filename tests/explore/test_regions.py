import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vae.errors import VAEError
from vae.explore.regions import inside

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1]]
# Quarters are exact in float32 and in every sum here, so a slow implementation must agree to the last point.
GRID = st.integers(-12, 12).map(lambda step: step / 4)
corners = st.integers(3, 12).flatmap(lambda count: hnp.arrays(np.float32, (count, 2), elements=GRID.map(np.float32)))
points = hnp.arrays(np.float32, (60, 2), elements=GRID.map(np.float32))


def winding(point, polygon):
    """How often the polygon goes round a point that is not on it: the angles it turns through, summed."""
    arms = polygon - point
    following = np.roll(arms, -1, axis=0)
    cross = arms[:, 0] * following[:, 1] - arms[:, 1] * following[:, 0]
    return round(np.arctan2(cross, (arms * following).sum(axis=1)).sum() / (2 * np.pi))


def ray(point, polygon):
    """In or out, one point and one edge at a time, along a ray to the right, in whole numbers of quarters."""
    px, py = (int(4 * value) for value in point)
    odd = False
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        ax, ay, bx, by = (int(4 * value) for value in (ax, ay, bx, by))
        if (ay > py) != (by > py):
            side = (bx - ax) * (py - ay) - (px - ax) * (by - ay)
            odd ^= side > 0 if by > ay else side < 0
    return odd


@given(xy=points, polygon=corners)
def test_the_points_are_those_a_ray_finds(xy, polygon):
    assert inside(xy, polygon).tolist() == [row for row, point in enumerate(xy) if ray(point, polygon)]


@pytest.mark.parametrize("seed", range(5))
def test_by_the_even_odd_rule_the_points_lie_where_the_polygon_goes_round_an_odd_number_of_times(seed):
    generator = np.random.default_rng(seed)
    xy, polygon = generator.random((500, 2)).astype(np.float32), generator.random((9, 2))  # it crosses itself
    assert inside(xy, polygon).tolist() == [row for row in range(500) if winding(xy[row], polygon) % 2]


@given(xy=points, polygon=corners, turn=st.integers(0, 11), order=st.randoms())
def test_where_the_lasso_began_its_sense_and_the_order_of_points_do_not_matter(xy, polygon, turn, order):
    found = inside(xy, polygon)
    assert inside(xy, np.roll(polygon, turn, axis=0)).tolist() == found.tolist()
    assert inside(xy, polygon[::-1]).tolist() == found.tolist()
    shuffled = np.array(order.sample(range(len(xy)), len(xy)))
    assert sorted(shuffled[inside(xy[shuffled], polygon)].tolist()) == found.tolist()
    assert (np.diff(found) > 0).all() and found.dtype == np.int64


@given(xy=points, polygon=corners, shift=hnp.arrays(np.float32, 2, elements=GRID.map(np.float32)))
def test_moving_both_changes_nothing(xy, polygon, shift):
    assert inside(xy + shift, polygon + shift).tolist() == inside(xy, polygon).tolist()


@given(xy=points, across=GRID)
def test_regions_that_touch_share_no_point_and_lose_none(xy, across):
    assume(-3 < across < 3)
    left, right = ([[a, -3], [b, -3], [b, 4], [a, 4]] for a, b in ((-3, across), (across, 4)))
    both = np.concatenate([inside(xy, left), inside(xy, right)])
    assert sorted(both.tolist()) == list(range(len(xy)))


def test_a_hole_is_out_and_a_concave_corner_is_out():
    xy = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [1.5, 0.5], [0.5, 0.9]]
    ring = [*SQUARE, [0, 0], [0.25, 0.25], [0.25, 0.75], [0.75, 0.75], [0.75, 0.25], [0.25, 0.25]]
    assert inside(xy, ring).tolist() == [1, 2, 4]
    assert inside(xy, [[0, 0], [1, 0], [1, 1], [0.5, 0.6], [0, 1]]).tolist() == [0, 1, 2]


def test_a_region_without_an_inside_holds_nothing():
    xy = np.random.default_rng(0).random((100, 2))
    for flat in ([[0, 0], [1, 1], [0, 0]], [[0.5, 0.5]] * 3, [[0, 0.5], [1, 0.5], [0.3, 0.5]]):
        assert inside(xy, flat).tolist() == []
    assert inside(xy, np.add(SQUARE, 5)).tolist() == []


def test_a_long_lasso_over_many_points():
    angle = np.linspace(0, 2 * np.pi, 800, endpoint=False)
    lasso = np.stack([0.5 + 0.4 * np.cos(angle), 0.5 + 0.4 * np.sin(angle)], axis=1)
    xy = np.random.default_rng(0).random((200_000, 2), dtype=np.float32)
    radius = np.linalg.norm(xy - 0.5, axis=1)
    found = np.zeros(len(xy), bool)
    found[inside(xy, lasso)] = True
    clear = np.abs(radius - 0.4) > 1e-4  # where a circle and 800 corners agree
    np.testing.assert_array_equal(found[clear], (radius < 0.4)[clear])


def test_what_is_no_region_is_refused_in_a_line():
    xy = np.zeros((3, 2))
    for polygon, why in (
        (SQUARE[:2], "3 corners"),
        ([], "the region"),
        (np.zeros((4, 3)), "flat"),
        ([[0, 0], [1, np.nan], [1, 1]], "finite"),
        ("lasso", "the region"),
    ):
        with pytest.raises(VAEError, match=why) as refused:
            inside(xy, polygon)
        assert "\n" not in str(refused.value)
    with pytest.raises(VAEError, match="flat"):
        inside(np.zeros((3, 3)), SQUARE)
