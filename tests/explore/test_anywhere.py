import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist

from vae.errors import VAEError
from vae.explore.anywhere import NEAREST, code_at, ground


def town(count=400, dim=5, seed=0):
    """Codes and a map of them: (mu (N, L), xy (N, 2))."""
    generator = np.random.default_rng(seed)
    return generator.standard_normal((count, dim), dtype=np.float32), generator.random((count, 2), dtype=np.float32)


def by_hand(mu, xy, point, k):
    """One code, by the formula: weights 1 / d - 1 / reach."""
    distances = cdist([point], xy.astype(np.float64))[0]
    near = np.argsort(distances)[:k]
    reach = distances[near[-1]]
    weights = 1 / distances[near] - 1 / reach
    return (weights[:, None] * mu[near]).sum(axis=0) / weights.sum(), reach


@pytest.mark.parametrize("k", [2, 5, NEAREST, 400, 999])
def test_codes_and_reach_are_those_of_the_formula(k):
    mu, xy = town()
    points = np.random.default_rng(1).uniform(-0.5, 1.5, (30, 2)).astype(np.float32)
    found = code_at(ground(mu, xy), points, k)
    expected = [by_hand(mu, xy, point, k) for point in points]
    np.testing.assert_allclose(found.codes, [code for code, _ in expected], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.reach, [reach for _, reach in expected], rtol=1e-5)
    assert found.codes.dtype == found.reach.dtype == np.float32


@pytest.mark.parametrize("k", [1, 2, NEAREST])
def test_on_an_image_the_code_is_its_own_exactly(k):
    mu, xy = town()
    np.testing.assert_array_equal(code_at(ground(mu, xy), xy, k).codes, mu)


def test_where_images_share_a_place_the_lowest_row_is_taken():
    mu, xy = town(50)
    xy[[7, 20, 33]] = xy[7]
    for k in (3, 10):
        np.testing.assert_array_equal(code_at(ground(mu, xy), xy[[20]], k).codes, mu[[7]])
    everywhere = ground(mu, np.full((50, 2), 3.0))
    np.testing.assert_array_equal(code_at(everywhere, [[3, 3]], 50).codes, mu[:1])
    assert code_at(everywhere, [[3, 3]], 50).reach.tolist() == [0]


def test_with_one_image_asked_the_nearest_answers():
    mu, xy = town()
    points = np.random.default_rng(1).random((40, 2), dtype=np.float32)
    found = code_at(ground(mu, xy), points, k=1)
    distances = cdist(points.astype(np.float64), xy.astype(np.float64))
    np.testing.assert_array_equal(found.codes, mu[distances.argmin(axis=1)])
    np.testing.assert_allclose(found.reach, distances.min(axis=1), rtol=1e-6)


def test_equally_far_images_count_the_same():
    mu = np.float32([[0, 0], [4, 0], [0, 8], [4, 8]])
    corners = [[-1, -1], [1, -1], [-1, 1], [1, 1]]
    np.testing.assert_allclose(code_at(ground(mu, corners), [[0, 0]]).codes, [[2, 4]])


def test_a_small_step_changes_the_code_a_little():
    # Across the lines where one image takes another's place among the nearest, too: no picture may jump.
    mu, xy = town(200)
    here = ground(mu, xy)
    steps = np.linspace(0, 1, 40_001)[:, None]
    walk = ([0.111, 0.05] + steps * [0.7, 0.9]).astype(np.float32)
    codes = code_at(here, walk, 8).codes.astype(np.float64)
    jumps = np.linalg.norm(np.diff(codes, axis=0), axis=1)
    assert jumps.max() < 0.05 < np.linalg.norm(np.ptp(codes, axis=0))


@given(
    mu=hnp.arrays(np.float32, st.tuples(st.integers(1, 12), st.just(2)), elements=st.integers(-9, 9).map(np.float32)),
    places=st.data(),
    point=hnp.arrays(np.float32, (3, 2), elements=st.floats(-1e6, 1e6, width=32)),
    k=st.integers(1, 20),
)
def test_a_code_lies_among_those_it_is_mixed_of(mu, places, point, k):
    # Whole numbers on purpose: many images at one place, or equally far.
    xy = places.draw(hnp.arrays(np.float32, (len(mu), 2), elements=st.integers(-2, 2).map(np.float32)))
    found = code_at(ground(mu, xy), point, k)
    assert np.isfinite(found.codes).all() and (found.reach >= 0).all()
    assert (found.codes >= mu.min(axis=0) - 1e-4).all() and (found.codes <= mu.max(axis=0) + 1e-4).all()


def test_one_point_does_not_hang_on_the_others():
    mu, xy = town()
    here, points = ground(mu, xy), np.random.default_rng(1).random((20, 2), dtype=np.float32)
    together = code_at(here, points)
    for i, point in enumerate(points):
        np.testing.assert_array_equal(code_at(here, point[None]).codes[0], together.codes[i])


def test_a_map_of_others_and_what_is_no_point_are_refused():
    mu, xy = town(10)
    for wrong in (xy[:9], np.zeros((10, 3)), np.full((10, 2), np.nan)):
        with pytest.raises(VAEError):
            ground(mu, wrong)
    here = ground(mu, xy)
    for point in ([0, 0], [[0, 0, 0]], [[np.inf, 0]]):
        with pytest.raises(VAEError):
            code_at(here, point)
    with pytest.raises(VAEError, match="at least 1"):
        code_at(here, [[0, 0]], k=0)
