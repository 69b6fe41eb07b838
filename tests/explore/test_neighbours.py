import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist

from vae.errors import VAEError
from vae.explore import neighbours
from vae.explore.neighbours import nearest


def brute_force(mu, z, k):
    distances = cdist(np.atleast_2d(z).astype(np.float64), mu.astype(np.float64))
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return rows, np.take_along_axis(distances, rows, axis=1)


@settings(max_examples=100, deadline=None)
@given(
    # Whole numbers on purpose: many equal distances.
    mu=hnp.arrays(np.float32, st.tuples(st.integers(1, 30), st.just(3)), elements=st.integers(-2, 2).map(np.float32)),
    z=hnp.arrays(np.float32, (4, 3), elements=st.integers(-3, 3).map(np.float32)),
    k=st.integers(1, 40),
)
def test_neighbours_are_those_of_brute_force_with_equals_in_row_order(mu, z, k):
    found = nearest(mu, z, k)
    rows, distances = brute_force(mu, z, k)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-6)


def test_searching_in_chunks_changes_nothing(monkeypatch):
    generator = np.random.default_rng(0)
    mu, z = generator.standard_normal((500, 16)), generator.standard_normal((70, 16))
    whole = nearest(mu, z, 7)
    monkeypatch.setattr(neighbours, "_CHUNK_BYTES", 8 * 500 * 9)  # nine codes at a time
    parts = nearest(mu, z, 7)
    np.testing.assert_array_equal(whole.rows, parts.rows)
    np.testing.assert_array_equal(whole.rows, brute_force(mu.astype(np.float32), z.astype(np.float32), 7)[0])


def test_a_code_is_its_own_nearest_at_distance_zero_even_far_from_the_origin():
    # One long axis and one short one: |a|^2 + |b|^2 - 2ab is mostly rounding.
    mu = np.float32([1e6, 0]) + np.float32([0, 0.05]) * np.random.default_rng(0).standard_normal((300, 2), np.float32)
    found = nearest(mu, mu, 3)
    np.testing.assert_array_equal(found.rows[:, 0], np.arange(300))
    assert not found.distances[:, 0].any()
    np.testing.assert_array_equal(found.rows, brute_force(mu, mu, 3)[0])


def test_one_code_gives_one_row_of_answers_and_rows_left_out_stay_out():
    mu = np.float32([[0], [1], [2], [3], [4]])
    found = nearest(mu, [2.0], 3, exclude=[2, 3])
    assert found.rows.tolist() == [1, 0, 4] and found.distances.tolist() == [1, 2, 2]
    assert nearest(mu, [[2.0]], 1).rows.shape == (1, 1)
    assert nearest(mu, [2.0], 99, exclude=2).rows.tolist() == [1, 3, 0, 4]


def test_progress_ends_at_the_last_code():
    seen = []
    mu = np.random.default_rng(0).standard_normal((2500, 2))
    nearest(mu, mu, 1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1000, 2500), (2000, 2500), (2500, 2500)]


@pytest.mark.parametrize(
    ("mu", "z", "k", "exclude"),
    [
        ([[1, 2]], [1], 1, ()),
        ([[1, 2]], [1, np.nan], 1, ()),
        ([[1, np.inf]], [1, 2], 1, ()),
        ([[1, 2]], [1, 2], 0, ()),
        ([[1, 2]], [1, 2], 1, [0]),
        ([[1, 2]], [1, 2], 1, [1]),
        ([[1, 2], [3, 4]], [1, 2], 1, [-1]),
        (np.zeros((0, 2)), [1, 2], 1, ()),
    ],
)
def test_questions_without_an_answer_are_refused(mu, z, k, exclude):
    with pytest.raises(VAEError):
        nearest(mu, z, k, exclude)
