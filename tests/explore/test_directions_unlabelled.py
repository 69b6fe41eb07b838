"""Directions without labels: planted axes are found, and a linear decoder shows the singular vectors of its matrix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group

from vae.errors import VAEError
from vae.explore.directions.unlabelled import grey_levels, kl_axes, principal_axes, visible_axes
from vae.explore.visible import pulled_back

SPREADS = np.array([3.0, 1.5, 0.7, 0.2])


def planted(seed, count=4000):
    """Codes that spread by SPREADS along axes at right angles, away from the origin: the codes and the axes (4, 4)."""
    generator = np.random.default_rng(seed)
    axes = ortho_group.rvs(4, random_state=seed)  # its rows
    codes = generator.normal(size=(count, 4)) * SPREADS @ axes + np.array([5.0, -3.0, 1.0, 0.0])
    return codes.astype(np.float32), axes


@pytest.mark.parametrize("seed", range(3))
def test_planted_axes_are_found_widest_first_with_their_spread_and_share(seed):
    codes, axes = planted(seed)
    found = principal_axes(codes)
    assert len(found) == 4
    for axis, wanted, spread in zip(found, axes, SPREADS, strict=True):
        assert abs(axis.vector @ wanted) > 0.998
        assert axis.spread == pytest.approx(spread, rel=0.05)
        assert axis.strength == pytest.approx(spread**2, rel=0.1)
        assert axis.share == pytest.approx(spread**2 / (SPREADS**2).sum(), abs=0.03)
    assert sum(axis.share for axis in found) == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(1, 8), st.integers(0, 10_000))
def test_principal_axes_are_those_of_the_singular_values(count, size, seed):
    codes = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    centred = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    values = np.linalg.svd(centred, compute_uv=False) ** 2 / (count - 1)
    found = principal_axes(codes, 99)
    assert len(found) == min(size, count - 1)
    assert np.allclose([axis.strength for axis in found], values[: len(found)], rtol=1e-4, atol=1e-6)
    vectors = np.stack([axis.vector for axis in found])
    assert np.allclose(vectors @ vectors.T, np.eye(len(found)), atol=1e-5)
    assert all(axis.vector[np.abs(axis.vector).argmax()] > 0 for axis in found)


def test_an_axis_points_the_same_way_whichever_way_the_codes_point():
    codes, _ = planted(0)
    for here, there in zip(principal_axes(codes), principal_axes(-codes), strict=True):
        assert np.allclose(here.vector, there.vector, atol=1e-5)


def test_dimensions_come_by_their_kl_and_dead_ones_not_at_all():
    codes, _ = planted(0)
    found = kl_axes(codes, [0.5, 3.0, 0.0, 1.5])
    assert [int(axis.vector.argmax()) for axis in found] == [1, 3, 0]
    assert [axis.vector.tolist() for axis in found] == np.eye(4)[[1, 3, 0]].tolist()
    assert [axis.share for axis in found] == pytest.approx([0.6, 0.3, 0.1])
    assert [axis.strength for axis in found] == pytest.approx([3.0, 1.5, 0.5])
    assert [axis.spread for axis in found] == pytest.approx([codes[:, dim].std(ddof=1) for dim in (1, 3, 0)], rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_what_a_linear_decoder_shows_most_are_the_singular_vectors_of_its_matrix(seed):
    matrix = np.random.default_rng(seed).normal(size=(60, 4)) * [4.0, 1.0, 2.0, 0.3]
    codes, _ = planted(seed)
    _, values, vectors = np.linalg.svd(matrix, full_matrices=False)
    found = visible_axes(codes, pulled_back(lambda z: z.astype(np.float64) @ matrix.T, codes[:2]))
    assert np.allclose([axis.strength for axis in found], values, rtol=1e-5)
    for axis, wanted in zip(found, vectors, strict=True):
        assert abs(axis.vector @ wanted) > 1 - 1e-5
        assert axis.spread == pytest.approx((codes @ wanted).std(ddof=1), rel=1e-3)
    assert [axis.share for axis in found] == pytest.approx((values**2 / (values**2).sum()).tolist(), rel=1e-4)


def test_a_step_along_a_visible_axis_changes_the_picture_by_what_it_says():
    matrix = np.random.default_rng(0).normal(size=(48, 4))
    codes, _ = planted(1)
    axis = visible_axes(codes, matrix.T @ matrix)[0]
    change = 255 * matrix @ axis.step.astype(np.float64)
    assert grey_levels(axis, 48) == pytest.approx(np.sqrt((change**2).mean()), rel=1e-5)


def test_no_more_come_than_were_asked_for_and_the_strongest_first():
    codes, _ = planted(0)
    assert [axis.strength for axis in principal_axes(codes, 2)] == [axis.strength for axis in principal_axes(codes)[:2]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: principal_axes(np.ones((5, 3))), "the same.*smaller beta"),
        (lambda: principal_axes(np.ones((1, 3))), "One image"),
        (lambda: principal_axes(np.eye(3), 0), "at least 1"),
        (lambda: principal_axes([[1.0, float("nan")], [0.0, 1.0]]), "not finite"),
        (lambda: kl_axes(np.eye(3), [1.0, 2.0]), "2 KL values for codes of 3"),
        (lambda: visible_axes(np.eye(3), np.eye(2)), "metric is"),
        (lambda: visible_axes(np.eye(3), np.zeros((3, 3))), "same picture whatever the code"),
    ],
)
def test_what_has_no_directions_is_told_in_a_line(call, words):
    with pytest.raises(VAEError, match=words) as told:
        call()
    assert "\n" not in str(told.value)
