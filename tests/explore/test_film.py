"""Films as files: every one is opened again and looked at."""

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageSequence

from vae.errors import VAEError
from vae.explore.film import KINDS, Cut, has_mp4, make_film, size_of, sized


def ramp(count=6, height=4, width=8, channels=1):
    """Pictures that brighten from one to the next, each its own."""
    levels = np.linspace(0, 250, count).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, height, width, channels)).copy()


def opened(file):
    """(size, frames as grey levels of their middle, milliseconds of each)."""
    image = Image.open(io.BytesIO(file))
    levels, lasts = [], []
    for frame in ImageSequence.Iterator(image):
        pixels = np.asarray(frame.convert("L"))
        levels.append(int(pixels[pixels.shape[0] // 4, pixels.shape[1] // 2]))
        lasts.append(frame.info["duration"])
    return image.size, levels, lasts


@pytest.mark.parametrize("kind", ["gif", "webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_film_opens_with_its_frames_in_order_and_its_seconds(kind, channels):
    cut = Cut(kind, 64, seconds=0.4, order="there and back")
    there = ramp(cut.frames, channels=channels)
    size, levels, lasts = opened(make_film(there, cut))
    assert size == (64, 32)
    wanted = [*there[:, 0, 0, 0], *there[-2:0:-1, 0, 0, 0]]
    assert len(levels) == len(wanted) and np.abs(np.int64(levels) - wanted).max() <= 3
    assert sum(lasts) == pytest.approx(400, abs=45)
    assert Image.open(io.BytesIO(make_film(there, cut))).info["loop"] == 0
    once = Cut(kind, 64, seconds=0.4, order="once")
    assert len(opened(make_film(ramp(once.frames, channels=channels), once))[1]) == once.frames


@pytest.mark.parametrize("channels", [1, 3])
def test_an_mp4_opens_with_its_frames_in_order_and_its_seconds(channels):
    av = pytest.importorskip("av")
    cut = Cut("mp4", 75, seconds=0.6, order="there and back")
    there = ramp(cut.frames, height=6, channels=channels)
    with av.open(io.BytesIO(make_film(there, cut))) as film:
        (stream,) = film.streams
        levels = [int(frame.to_ndarray(format="gray")[20, 20]) for frame in film.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (76, 56, 30)  # even
    wanted = [*there[:, 0, 0, 0], *there[-2:0:-1, 0, 0, 0]]
    assert len(levels) == len(wanted) and np.abs(np.int64(levels) - wanted).max() <= 6


def test_without_the_package_mp4_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(VAEError, match="pip install av, or choose GIF or WebP"):
        make_film(ramp(), Cut("mp4", 64))
    assert isinstance(has_mp4(), bool)


def test_a_strip_lays_its_pictures_side_by_side():
    strip = Image.open(io.BytesIO(make_film(ramp(3), Cut("png", 64))))
    assert strip.size == (3 * 64 + 2 * 2, 32)
    assert np.asarray(strip.convert("L"))[5, [5, 70, 140]].tolist() == [0, 125, 250]


@pytest.mark.parametrize("side", [64, 100, 256, 1000, 1024])
@pytest.mark.parametrize("shape", [(28, 28), (64, 64), (8, 8), (64, 128)])
def test_the_longer_side_has_exactly_the_pixels_asked_for(side, shape):
    picture = np.zeros((*shape, 3), np.uint8)
    enlarged = sized(picture, side)
    assert max(enlarged.shape[:2]) == side
    assert enlarged.shape[1::-1] == size_of(picture, side)


def test_a_small_picture_becomes_squares_and_keeps_its_mean():
    picture = np.random.default_rng(0).integers(0, 256, (4, 4, 1)).astype(np.uint8)
    np.testing.assert_array_equal(sized(picture, 64), picture.repeat(16, axis=0).repeat(16, axis=1))
    assert sized(picture, 67).mean() == pytest.approx(picture.mean(), abs=0.5)


def test_words_stand_beneath_the_picture_and_change_nothing_in_it():
    pictures = ramp(2, 8, 8)
    plain, titled = (
        Image.open(io.BytesIO(make_film(pictures, Cut("png", 128), words))) for words in (None, ["a", "b"])
    )
    assert titled.size[0] == plain.size[0] and titled.size[1] > plain.size[1]
    pixels, below = np.asarray(titled.convert("L")), np.asarray(titled.convert("L"))[plain.size[1] :]
    np.testing.assert_array_equal(pixels[: plain.size[1]], np.asarray(plain.convert("L")))
    assert below[:, :128].max() > 200  # there are words
    assert not np.array_equal(below[:, :128], below[:, 130:])  # each picture its own
    make_film(pictures, Cut("png", 64), ["word " * 60, ""])  # any length finds room


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Cut("avi"), "one of gif, mp4"),
        (lambda: Cut("gif", 63), "choose 64 to 1024"),
        (lambda: Cut("gif", 64, 61), "choose 0.2 to 60"),
        (lambda: Cut("gif", 64, float("nan")), "choose 0.2 to 60"),
        (lambda: Cut("gif", 64, 1, "sideways"), "there and back"),
        (lambda: make_film(ramp(160, 8), Cut("gif", 1024)), "choose a smaller size"),
        (lambda: make_film(ramp(2), Cut("gif"), ["one"]), "1 lines do not go with 2"),
        (lambda: make_film(ramp(0), Cut("gif")), "here are"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(make, says):
    with pytest.raises(VAEError, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_seconds_and_order_say_how_many_pictures_are_needed():
    assert Cut("gif", 64, 4, "once").frames == 100
    assert Cut("gif", 64, 4, "there and back").frames == 51  # 51 there, 49 of them back
    assert Cut("mp4", 64, 0.2, "there and back").frames == 4
    assert all(Cut(kind).frames >= 2 for kind in KINDS)
