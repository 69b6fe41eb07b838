"""Sprites: areas and middles against geometry, and a split that is a fixed part of the grid."""

import numpy as np
import pytest

from vae.data import sprites
from vae.data.sprites import GRID, GRID_SIZE, attributes, draw, draw_many, factors, labels
from vae.errors import VAEError

SQUARE, ELLIPSE, HEART = range(3)


def middle(picture: np.ndarray) -> tuple[float, float]:
    """x and y of the centre of mass, in sides of the picture."""
    weight = picture[..., 0].astype(float)
    at = (np.arange(len(weight)) + 0.5) / len(weight)
    return float((weight.sum(0) * at).sum() / weight.sum()), float((weight.sum(1) * at).sum() / weight.sum())


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(
    ("shape", "area"),
    [(SQUARE, 0.3**2), (ELLIPSE, np.pi * 0.215 * 0.125), (HEART, (4 + np.pi) * 0.112**2)],
)
def test_areas_are_those_of_geometry(shape: int, area: float, size: int) -> None:
    for scale in range(GRID[1]):
        for angle in (0, 3, 17):
            painted = draw(np.array([shape, scale, angle, 13, 20]), size).sum() / 255 / size**2
            assert painted == pytest.approx(area * (0.5 + scale / 10) ** 2, rel=0.03)


def test_a_step_across_or_down_moves_the_middle_by_one_step() -> None:
    step = 0.5 / (GRID[3] - 1)
    for shape in range(3):
        x0, y0 = middle(draw(np.array([shape, 4, 5, 10, 12]), 64))
        x1, y1 = middle(draw(np.array([shape, 4, 5, 20, 12]), 64))
        x2, y2 = middle(draw(np.array([shape, 4, 5, 10, 2]), 64))
        assert (x1 - x0, y1 - y0) == pytest.approx((10 * step, 0), abs=0.002)
        assert (x2 - x0, y2 - y0) == pytest.approx((0, -10 * step), abs=0.002)


def test_quarter_and_half_turns_bring_back_the_shapes_that_have_them() -> None:
    def close(shape: int, angle: int) -> bool:
        still, turned = (draw(np.array([shape, 5, a, 16, 16])).astype(int) for a in (0, angle))
        return bool(np.abs(still - turned).max() <= 1)

    assert close(SQUARE, 10) and close(SQUARE, 20) and not close(SQUARE, 5)
    assert close(ELLIPSE, 20) and not close(ELLIPSE, 10)
    assert not close(HEART, 20)


def test_no_sprite_touches_the_border() -> None:
    corners = [[s, 5, a, x, y] for s in range(3) for a in range(40) for x in (0, 31) for y in (0, 31)]
    pictures = draw_many(np.array(corners))
    assert max(edge.max() for edge in (pictures[:, 0], pictures[:, -1], pictures[:, :, 0], pictures[:, :, -1])) == 0


def test_a_sprite_depends_on_its_split_and_index_alone() -> None:
    everything = factors("train", range(sprites.TRAIN_SIZE))
    np.testing.assert_array_equal(factors("train", 29_999), everything[-1:])
    np.testing.assert_array_equal(factors("train", [7, 3, 7]), everything[[7, 3, 7]])
    batch = draw_many(everything[:300])
    assert batch.shape == (300, 32, 32, 1) and batch.dtype == np.uint8
    for index in (299, 0, 41):
        np.testing.assert_array_equal(draw(everything[index]), batch[index])
    assert draw_many(factors("test", [])).shape == (0, 32, 32, 1)


def test_train_and_test_are_different_points_of_the_grid() -> None:
    both = np.concatenate([factors("train", range(30_000)), factors("test", range(3_000))])
    flat = np.ravel_multi_index(tuple(both.T), GRID)
    assert len(np.unique(flat)) == 33_000 and flat.min() >= 0 and flat.max() < GRID_SIZE == 737_280


def test_every_value_of_every_factor_is_as_frequent_as_any_other() -> None:
    places = factors("train", range(30_000))
    for column, count in zip(places.T, GRID, strict=True):
        expected = 30_000 / count
        found = np.bincount(column, minlength=count)
        assert np.abs(found - expected).max() < 5 * np.sqrt(expected)


def test_attributes_are_the_values_of_the_factors_and_the_label_is_the_shape() -> None:
    ends = np.array([[0, 0, 0, 0, 0], [2, 5, 39, 31, 31]])
    expected = [[0, 0.5, 0, 0, 0], [2, 1.0, 2 * np.pi * 39 / 40, 1, 1]]
    np.testing.assert_allclose(attributes(ends), expected, rtol=1e-6)
    assert attributes(ends).dtype == np.float32 and len(sprites.ATTRIBUTE_NAMES) == 5
    assert labels(ends).tolist() == [0, 2] and labels(ends).dtype == np.int64


@pytest.mark.parametrize(
    ("split", "indices", "word"),
    [("valid", 0, "valid"), ("train", 30_000, "29999"), ("test", [-1], "-1"), ("train", [0.5], "whole")],
)
def test_bad_questions_get_one_plain_line(split: str, indices: object, word: str) -> None:
    with pytest.raises(VAEError, match=word) as caught:
        factors(split, indices)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("places", "size", "word"),
    [
        ([[0, 0, 0, 0]], 32, "five"),
        ([[3, 0, 0, 0, 0]], 32, "off the grid"),
        ([[0, 0, -1, 0, 0]], 32, "off the grid"),
        ([[0.0, 0, 0, 0, 0]], 32, "off the grid"),
        ([[0, 0, 0, 0, 0]], 65, "8 to 64"),
    ],
)
def test_an_impossible_sprite_is_refused(places: list[list[int]], size: int, word: str) -> None:
    with pytest.raises(VAEError, match=word):
        draw_many(np.array(places), size)
