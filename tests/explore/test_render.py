import io

import numpy as np
import pytest
from PIL import Image

from vae.errors import VAEError
from vae.explore.render import INK, PAPER, enlarge, gif, png, profile, strip, tile, to_pixels


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def gradients(count, side=32):
    """A film of smooth colours, (count, side, side, 3): the kind that a bad palette turns into dots or bands."""
    y, x = np.mgrid[:side, :side] / (side - 1)
    frames = [
        np.stack([120 + 100 * x, 90 + 80 * y, np.full_like(x, 60 + 90 * t)], -1) for t in np.linspace(0, 1, count)
    ]
    return np.round(frames).astype(np.uint8)


def frames_of(file):
    film = Image.open(io.BytesIO(file))
    frames = []
    for i in range(film.n_frames):
        film.seek(i)
        frames.append(np.asarray(film.convert("RGB")))
    return np.stack(frames), film.info


# ---- numbers to pixels ---------------------------------------------------------------------------------------------


def test_pixels_round_half_up_clip_and_put_the_channels_last():
    x = np.float32([[[[0, 1, -0.5, 1.5]], [[0.5, 0.4 / 255, 0.5 / 255, 254.6 / 255]]]])  # (1, 2, 1, 4)
    pixels = to_pixels(x)
    assert pixels.dtype == np.uint8 and pixels.shape == (1, 1, 4, 2)
    assert pixels[0, 0, :, 0].tolist() == [0, 255, 0, 255]
    assert pixels[0, 0, :, 1].tolist() == [128, 0, 1, 255]


def test_every_grey_level_survives_the_way_to_float_and_back():
    levels = np.arange(256, dtype=np.float32).reshape(1, 1, 16, 16) / 255
    np.testing.assert_array_equal(to_pixels(levels).ravel(), np.arange(256))


def test_what_is_no_picture_is_refused():
    for bad in (np.zeros((3, 8, 8)), np.full((1, 1, 2, 2), np.nan), np.full((1, 1, 2, 2), np.inf)):
        with pytest.raises(VAEError):
            to_pixels(bad)


def test_a_profile_has_a_bar_as_high_as_each_number():
    picture = profile([0, 0.25, 0.5, 1, 7, -1], height=40)
    assert picture.dtype == np.uint8 and picture.shape[0] == 40 and picture.shape[1] >= 128 and picture.shape[2] == 1
    width = picture.shape[1] // 6
    bars = picture[:, width // 2 :: width, 0]
    assert (bars == INK).sum(axis=0).tolist() == [0, 10, 20, 40, 40, 0]
    assert (bars[-10:, 1] == INK).all()  # they stand on the ground
    assert (picture[:, width - 1 :: width] == PAPER).all()  # and apart


def test_profiles_come_one_by_one_or_many_at_once():
    values = np.random.default_rng(0).random((3, 784))
    many = profile(values)
    assert many.shape == (3, 64, 784, 1)
    np.testing.assert_array_equal(many[1], profile(values[1]))
    for bad in ([], [[[1.0]]], [np.nan]):
        with pytest.raises(VAEError):
            profile(bad)


# ---- size and order ------------------------------------------------------------------------------------------------


def test_enlarging_makes_squares_of_whole_pixels():
    pixels = noise(2, 3, 4, 3)
    large = enlarge(pixels, 23)  # 5 times 4 fits, 6 times does not
    assert large.shape == (2, 15, 20, 3)
    np.testing.assert_array_equal(large, np.kron(pixels, np.ones((1, 5, 5, 1), np.uint8)))
    np.testing.assert_array_equal(enlarge(pixels, 3), pixels)
    assert enlarge(pixels[0], 8).shape == (6, 8, 3)


def test_tiles_are_read_as_a_page_is():
    pixels = np.arange(1, 6, dtype=np.uint8)[:, None, None, None] * np.ones((2, 2, 1), np.uint8)
    page = tile(pixels, 3, gap=1, background=9)[:, :, 0]
    assert page.tolist() == [
        [1, 1, 9, 2, 2, 9, 3, 3],
        [1, 1, 9, 2, 2, 9, 3, 3],
        [9, 9, 9, 9, 9, 9, 9, 9],
        [4, 4, 9, 5, 5, 9, 9, 9],
        [4, 4, 9, 5, 5, 9, 9, 9],
    ]


def test_a_strip_is_one_row_and_takes_a_colour_for_its_gaps():
    pixels = noise(4, 5, 6, 3)
    row = strip(pixels, gap=2, background=(1, 2, 3))
    assert row.shape == (5, 4 * 6 + 3 * 2, 3)
    for i in range(4):
        np.testing.assert_array_equal(row[:, 8 * i : 8 * i + 6], pixels[i])
    assert (row[:, 6:8] == [1, 2, 3]).all()
    np.testing.assert_array_equal(strip(pixels, gap=0), np.concatenate(list(pixels), axis=1))


def test_pages_that_cannot_be_laid_out_are_refused():
    pixels = noise(2, 4, 4, 1)
    for make in (
        lambda: tile(pixels, 0),
        lambda: tile(pixels, 2, gap=-1),
        lambda: tile(pixels[0], 2),
        lambda: tile(pixels[:0], 2),
        lambda: enlarge(pixels / 255, 64),
    ):
        with pytest.raises(VAEError):
            make()


# ---- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_png_is_lossless_and_repeats_to_the_byte(channels):
    pixels = noise(7, 5, channels)
    file = png(pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))).reshape(pixels.shape), pixels)
    assert file == png(pixels.copy())


def test_a_gif_keeps_frames_that_are_alike():
    frames = noise(6, 16, 16, 1)
    frames[2] = frames[3] = frames[1]
    decoded, info = frames_of(gif(frames, fps=10))
    np.testing.assert_array_equal(decoded, np.broadcast_to(frames, decoded.shape))  # grey: to the level
    assert info["loop"] == 0 and info["duration"] == 100
    still, _ = frames_of(gif(np.repeat(frames[:1], 4, axis=0)))
    assert len(still) == 4


def test_a_gif_of_few_colours_keeps_them_and_one_of_many_comes_close_without_dots():
    colours = noise(200, 3)
    few = colours[noise(3, 20, 20) % 200]
    np.testing.assert_array_equal(frames_of(gif(few))[0], few)

    smooth = gradients(6)
    decoded, _ = frames_of(gif(smooth))
    off = np.abs(decoded.astype(int) - smooth)
    assert off.mean() < 6 and off.max() < 32
    # Dithering would make neighbours jump: the red of a row may only rise from left to right, within one step.
    assert np.diff(decoded[..., 0].astype(int), axis=2).min() > -16


def test_there_and_back_plays_the_inner_frames_again_in_reverse():
    frames = noise(5, 8, 8, 1)
    decoded, _ = frames_of(gif(frames, there_and_back=True))
    np.testing.assert_array_equal(decoded[..., :1], frames[[0, 1, 2, 3, 4, 3, 2, 1]])
    for count in (1, 2):
        assert len(frames_of(gif(frames[:count], there_and_back=True))[0]) == count


def test_a_gif_repeats_to_the_byte_and_keeps_its_pace():
    film = gradients(4)
    assert gif(film) == gif(film.copy())
    assert [frames_of(gif(film, fps=fps))[1]["duration"] for fps in (1, 12, 50)] == [1000, 80, 20]


def test_films_that_cannot_be_saved_are_refused():
    film = noise(3, 8, 8, 3)
    for make in (
        lambda: gif(film, fps=0),
        lambda: gif(film, fps=60),
        lambda: gif(film, fps=float("nan")),
        lambda: gif(film[0]),
        lambda: gif(noise(3, 8, 8, 4)),
        lambda: gif(film[:0]),
        lambda: png(film),
        lambda: png(film[0, :, :, :2]),
    ):
        with pytest.raises(VAEError):
            make()
