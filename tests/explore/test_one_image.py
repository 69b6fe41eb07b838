"""One image that was brought: its error among others', its spread, and a row of numbers that was pasted."""

import numpy as np
import pytest

from vae.errors import VAEError
from vae.explore.one_image import heat, read_row, redrawn, spread


def test_an_error_is_placed_among_those_of_test_images():
    errors = np.arange(1000) / 1000  # 0 to 0.999
    image = np.zeros((1, 1, 4, 4), np.float32)
    for value, percentile, odd in ((0.2, 4.0, False), (0.5, 25.0, False), (0.996, 99.3, True), (1.0, 100.0, True)):
        found = redrawn(image, image + value, errors)
        assert np.isclose(found.error, value**2, atol=1e-6) and np.isclose(found.percentile, percentile, atol=0.1)
        assert found.odd is odd and ("not an image of their kind" in found.sentence) is odd
    assert "1,000 test images" in found.sentence
    assert not redrawn(image, image + 1, errors[:99]).odd  # too few to say so
    with pytest.raises(VAEError):
        redrawn(image, image[0], errors)
    with pytest.raises(VAEError):
        redrawn(image, image, errors[:0])


def test_the_spread_is_the_standard_deviation_of_each_pixel():
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (40, 5, 6, 1), np.uint8)
    assert np.allclose(spread(pictures), pictures[..., 0].std(axis=0) / 255)
    coloured = np.repeat(pictures, 3, axis=3)
    assert np.allclose(spread(coloured), spread(pictures))
    assert spread(np.array([[0, 1.0], [1, 1.0]])).tolist() == [0.5, 0]
    assert spread(np.full((3, 4, 4, 1), 9, np.uint8)).max() == 0
    with pytest.raises(VAEError):
        spread(pictures[:1])


def test_heat_goes_from_the_first_colour_to_the_last():
    picture = heat(np.array([[0.0, 0.5], [1.0, 0.25]]), ("#000000", "#0a141e", "#ff8000"))
    assert picture.tolist() == [[[0, 0, 0], [10, 20, 30]], [[255, 128, 0], [5, 10, 15]]]
    assert heat(np.zeros((2, 2)), ("#010203", "#ffffff")).tolist() == [[[1, 2, 3]] * 2] * 2


@pytest.mark.parametrize("text", ["0.1,0.5,1", " 0.1 0.5\t1.0\n", "0.1; 0.5; 1", "0.1\n0.5\n1\n", "1e-1, .5, 1"])
def test_a_row_is_read_however_it_was_copied(text):
    assert np.allclose(read_row(text, 3), [[0.1, 0.5, 1]]) and read_row(text, 3).dtype == np.float32


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "0 numbers"),
        ("0.1 0.2", "2 numbers"),
        ("0.1 0.2 x", "Number 3 is 'x'"),
        ("0 0 nan", "Number 3"),
        ("0 7 1", "Number 2 is '7'"),
    ],
)
def test_what_is_no_row_of_the_model_is_told(text, said):
    with pytest.raises(VAEError, match=said):
        read_row(text, 3)
