import numpy as np
import pytest
from scipy.ndimage import label

from benchmarks.live.pen import SIDE, ink, placed, strokes, thinned

EIGHT = np.ones((3, 3))


def shapes():
    rows, columns = np.indices((60, 60))
    far = np.hypot(rows - 30, columns - 30)
    cross = (np.abs(rows - 30) < 4) | (np.abs(columns - 30) < 4)
    bar = np.abs(rows - columns) < 5
    return {"ring": (far > 14) & (far < 22), "disc": far < 15, "cross": cross & (far < 25), "bar": bar & (far < 25)}


@pytest.mark.parametrize("name", shapes())
def test_thinning_keeps_the_pieces_and_the_holes_and_leaves_a_line(name):
    shape = shapes()[name]
    line = thinned(shape)
    assert line.any() and not (line & ~shape).any()
    assert label(line, EIGHT)[1] == label(shape, EIGHT)[1]
    assert label(~line)[1] == label(~shape)[1]  # what is enclosed stays enclosed
    solid = line[:-1, :-1] & line[1:, :-1] & line[:-1, 1:] & line[1:, 1:]
    assert not solid.any()
    assert line.sum() < 0.25 * shape.sum()


def test_strokes_drawn_with_a_pen_give_the_digit_back():
    lines = [np.array([[0.3, 0.2], [0.7, 0.2], [0.4, 0.8]]), np.array([[0.35, 0.5], [0.65, 0.5]])]
    seven = ink(lines, pen=0.1)
    assert seven.shape == (SIDE, SIDE) and seven.dtype == np.uint8
    digit = seven.reshape(28, 4, 28, 4).mean(axis=(1, 3)).astype(np.uint8)
    again = ink(strokes(digit), pen=0.1)
    both, either = np.minimum(seven, again).sum(dtype=float), np.maximum(seven, again).sum(dtype=float)
    assert both / either > 0.75


def test_a_drawing_is_put_where_it_is_asked_for():
    moved = np.concatenate(placed([np.array([[0.1, 0.1], [0.3, 0.5]])], 0.6, np.array([0.4, 0.5])))
    np.testing.assert_allclose(moved, [[0.25, 0.2], [0.55, 0.8]])
