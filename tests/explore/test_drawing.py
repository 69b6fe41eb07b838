import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vae import data
from vae.errors import VAEError
from vae.explore.drawing import PEN_WIDTH, centred


def scribble(seed, size=60):
    """A drawing of a few thick strokes, (size, size) uint8."""
    generator = np.random.default_rng(seed)
    rows, columns = np.indices((size, size))
    ink = np.zeros((size, size))
    for _ in range(3):
        a, b = generator.uniform(0.15 * size, 0.85 * size, (2, 2))
        for t in np.linspace(0, 1, 2 * size):
            y, x = a + t * (b - a)
            ink = np.maximum(ink, 1.5 + size / 25 - np.hypot(rows - y, columns - x))
    return (255 * ink.clip(0, 1)).astype(np.uint8)


def on_a_pad(picture, times, down, right, side=120):
    """A picture enlarged a whole number of times, somewhere on a pad."""
    large = np.kron(picture, np.ones((times, times), np.uint8))
    pad = np.zeros((side, side), np.uint8)
    pad[down : down + large.shape[0], right : right + large.shape[1]] = large
    return pad


def box(picture):
    """(top, bottom, left, right) of the ink."""
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def middle(picture):
    """(y, x) of the centre of mass, in pixels."""
    return (
        np.array([(np.indices(picture.shape)[axis] * picture.astype(float)).sum() for axis in (0, 1)]) / picture.sum()
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_longer_side_is_20_of_28_and_the_mass_lies_in_the_middle(seed):
    ink = scribble(seed)
    picture = centred(ink)
    assert picture.shape == (28, 28) and picture.dtype == np.uint8
    top, bottom, left, right = box(picture)
    assert max(bottom - top, right - left) == 20
    np.testing.assert_array_less(np.abs(middle(picture) - 14), 0.5001)

    top, bottom, left, right = box(np.where(ink > 0.05 * ink.max(), ink, 0))
    scale = 20 / max(bottom - top, right - left)
    assert abs((box(picture)[1] - box(picture)[0]) - scale * (bottom - top)) <= 1  # its shape is kept


@pytest.mark.parametrize(("height", "width"), [(60, 45), (30, 30), (47, 31), (9, 7), (200, 3)])
def test_each_pixel_is_the_mean_of_the_ink_under_it(height, width):
    ink = np.random.default_rng(0).integers(99, 256, (height, width)).astype(np.uint8)
    rows, columns = (max(1, round(length * 20 / max(height, width))) for length in (height, width))
    # Split into so many pieces that every new pixel is a whole number of them.
    fine = np.kron(ink, np.ones((rows, columns)))
    mean = fine.reshape(rows, height, columns, width).mean(axis=(1, 3))
    top, bottom, left, right = box(centred(ink))
    np.testing.assert_allclose(centred(ink)[top:bottom, left:right], mean, atol=0.51)


@given(
    seed=st.integers(0, 50),
    times=st.integers(1, 4),
    down=st.integers(0, 8),
    right=st.integers(0, 8),
)
def test_a_picture_that_is_centred_comes_back_from_any_pad(seed, times, down, right):
    picture = centred(scribble(seed))
    again = centred(on_a_pad(picture, times, down, right))
    np.testing.assert_allclose(again.astype(int), picture.astype(int), atol=1)


@given(seed=st.integers(0, 50), times=st.integers(1, 2), down=st.integers(0, 60), right=st.integers(0, 60))
def test_where_and_how_large_it_is_drawn_does_not_matter(seed, times, down, right):
    ink = scribble(seed, 40)
    pad = on_a_pad(ink, times, down, right, side=140)
    np.testing.assert_allclose(centred(pad).astype(int), centred(ink).astype(int), atol=1)


@given(seed=st.integers(0, 50))
def test_across_and_down_are_treated_alike(seed):
    ink = scribble(seed)
    np.testing.assert_allclose(centred(ink.T).astype(int), centred(ink).T.astype(int), atol=1)  # a half, rounded


@pytest.mark.skipif(not data.on_machine("mnist"), reason="MNIST is not on this machine")
def test_the_digits_of_mnist_come_back_nearly_as_they_were():
    digits = data.load("mnist", "test", limit=200).pixels.reshape(-1, 28, 28)
    off = [
        np.abs(centred(on_a_pad(digit, 4, i % 9, i % 7, side=122)).astype(int) - digit).mean()
        for i, digit in enumerate(digits)
    ]
    assert np.median(off) == 0 and np.max(off) < 0.2  # of 255


def test_no_ink_falls_off_the_edge():
    # Nearly all of the mass in one corner of the box: the middle of the picture is as far as it may go.
    ink = np.zeros((100, 100), np.uint8)
    ink[:90, 5] = 20
    ink[5, :90] = 20
    ink[80:90, 70:90] = 255
    picture = centred(ink)
    top, bottom, left, right = box(picture)
    assert bottom - top == 20 and top == 0 and left < 4


def test_a_dot_and_a_line_fill_their_box():
    ink = np.zeros((112, 112), np.uint8)
    ink[50, 60] = 255
    assert box(centred(ink)) == (4, 24, 4, 24)
    ink[20:110, 60] = 255
    assert box(centred(ink)) == (4, 24, 14, 15)


def test_a_faint_speck_does_not_count_for_the_size():
    ink = scribble(0)
    clean = centred(ink)
    ink[0, 0] = 9
    np.testing.assert_array_equal(centred(ink), clean)


def test_other_sides_keep_the_share():
    for side, inner in ((28, 20), (14, 10), (56, 40), (64, 46), (4, 3)):
        top, bottom, left, right = box(centred(scribble(3, 200), side))
        assert max(bottom - top, right - left) == inner


@given(
    ink=hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.sampled_from([0, 0, 0, 1, 9, 99, 255])
    ),
    side=st.integers(4, 40),
)
def test_any_ink_becomes_a_picture_or_a_line_that_says_why_not(ink, side):
    try:
        picture = centred(ink, side)
    except VAEError as refused:
        assert "drawn" in str(refused) or "faint" in str(refused)
    else:
        assert picture.shape == (side, side) and picture.any()


def test_what_cannot_be_centred_is_refused():
    with pytest.raises(VAEError, match="Nothing is drawn"):
        centred(np.zeros((112, 112), np.uint8))
    specks = np.zeros((1000, 1000), np.uint8)
    specks[0, 0] = specks[-1, -1] = 255
    with pytest.raises(VAEError, match="faint"):
        centred(specks)
    for bad in (np.zeros((4, 4)), np.ones((4, 4, 1), np.uint8), np.zeros((0, 4), np.uint8), [[1, 2]]):
        with pytest.raises(VAEError, match="grid of bytes"):
            centred(bad)
    with pytest.raises(VAEError, match="at least 4"):
        centred(np.ones((4, 4), np.uint8), 3)


def test_the_pen_is_about_as_thick_as_the_strokes_of_mnist():
    assert 2.1 < 20 * PEN_WIDTH / 0.65 < 2.4  # pixels of 20, in a drawing of 0.65 of the pad
