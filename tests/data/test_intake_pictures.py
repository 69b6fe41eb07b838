"""One image file to numbers, and numbers to what is trained on."""

import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from vae.data.intake import fit
from vae.data.intake.choice import Channel
from vae.data.intake.given import Item, Unreadable
from vae.data.intake.pictures import Picture, decode

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def read(data: bytes) -> Picture:
    return decode(Item("a", len(data), lambda limit: data))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def tiff(array: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, array, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP"])
def test_pictures_come_as_they_are(kind: str) -> None:
    found = read(saved(Image.fromarray(PIXELS), kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert np.array_equal(found.pixels, PIXELS)
    assert (found.width, found.height) == (30, 20)


def test_a_photograph_is_turned_as_the_camera_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter, clockwise
    found = read(saved(Image.fromarray(PIXELS), "PNG", exif=exif))
    assert np.array_equal(found.pixels, np.rot90(PIXELS, -1))
    assert (found.width, found.height) == (20, 30)


def test_of_an_animation_the_first_picture_counts() -> None:
    frames = [Image.new("L", (10, 10), grey) for grey in (10, 200)]
    found = read(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert (found.pixels == 10).all()


def test_what_shines_through_is_white() -> None:
    assert (read(saved(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG")).pixels == 255).all()


def test_a_grey_of_sixteen_bits_keeps_them() -> None:
    deep = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    found = read(saved(Image.fromarray(deep), "PNG"))
    assert np.array_equal(found.pixels[..., 0], deep)
    assert not found.plain


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_tiff_keeps_every_channel(kind: type, count: int, compression: str | None) -> None:
    array = np.random.default_rng(count).integers(0, 200, (count, 12, 15)).astype(kind)
    found = read(tiff(array, photometric="minisblack", compression=compression))
    assert np.array_equal(found.pixels, array.transpose(1, 2, 0))


def test_a_tiff_in_colour_is_a_picture() -> None:
    found = read(tiff(PIXELS, photometric="rgb"))
    assert found.plain
    assert np.array_equal(found.pixels, PIXELS)


def test_a_stack_is_refused() -> None:
    with pytest.raises(Unreadable, match="one image in each file"):
        read(tiff(np.zeros((12, 20, 20), np.uint16), photometric="minisblack", metadata=None))


def test_a_tiff_that_unpacks_to_more_than_it_says_is_left_out() -> None:
    data = tiff(np.zeros((3000, 3000), np.uint8), photometric="minisblack", compression="zlib", rowsperstrip=3000)
    small = bytearray(data)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            tag = file.pages[0].tags[name]
            small[tag.valueoffset : tag.valueoffset + 2] = (16).to_bytes(2, "little")
    with pytest.raises(Unreadable, match="more than it promises"):
        read(bytes(small))


@pytest.mark.parametrize("size", [(6000, 6000), (30_000, 1000)])
def test_too_many_pixels_are_refused_by_the_head(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(Image.new("1", size), "PNG")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)  # not reached
    with pytest.raises(Unreadable, match="million"):
        read(data)


@pytest.mark.parametrize(
    "data", [b"", b"nope", b"\x89PNG\r\n\x1a\n", b"II*\0", b"GIF89a", saved(Image.fromarray(PIXELS), "PNG")[:200]]
)
def test_broken_files_are_left_out(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read(data)


@pytest.mark.parametrize("kind", ["PPM", "TGA", "ICO", "PCX"])
def test_other_formats_are_not_opened_whatever_they_are_called(kind: str) -> None:
    with pytest.raises(Unreadable):
        read(saved(Image.fromarray(PIXELS), kind))


# ---- to what is trained on -----------------------------------------------------------------------------------------


def test_a_crop_is_the_middle() -> None:
    pixels = np.zeros((20, 40, 1), np.uint8)
    pixels[:, 10:30] = 200
    assert (fit.resized(pixels, (10, 10), "crop") == 200).all()


@pytest.mark.parametrize("shape", [(20, 40, 1), (40, 20, 3), (33, 20, 4)])
def test_a_border_keeps_the_whole_image_and_its_ground(shape: tuple[int, int, int]) -> None:
    pixels = np.full(shape, 7, np.uint8)
    pixels[1:-1, 1:-1] = 250
    small = fit.resized(pixels, (16, 16), "pad")
    assert small.shape == (16, 16, shape[2])
    assert min(small[0, 0]) == 7 or min(small[-1, -1]) == 7
    assert small.max() > 200
    bright = (small[..., 0] > 128).any(axis=0).sum(), (small[..., 0] > 128).any(axis=1).sum()
    assert (bright[0] - bright[1]) * (shape[1] - shape[0]) > 0  # it keeps its proportions


def test_a_window_is_linear_between_its_ends() -> None:
    channel = [Channel("a", "#ffffff", 100, 300)]
    pixels = np.array([0, 100, 150, 200, 300, 999], np.uint16).reshape(1, 6, 1)
    assert fit.windowed(pixels, channel)[0, :, 0].tolist() == [0, 0, 64, 128, 255, 255]


def test_channels_are_lights_that_add() -> None:
    channels = [Channel("a", "#ff0000", 0, 255), Channel("b", "#00ff00", 0, 255), Channel("c", "#ff0080", 0, 255)]
    pixels = np.array([[[100, 0, 0], [0, 50, 0], [200, 0, 100]]], np.uint8)
    assert fit.painted(pixels, channels)[0].tolist() == [[100, 0, 0], [0, 50, 0], [255, 0, 50]]


@pytest.mark.parametrize(
    ("sizes", "side"),
    [([(20, 28)] * 3, (28, 20)), ([(64, 64)], (64, 64)), ([(105, 105)] * 2, (64, 64)), ([(40, 50), (33, 90)], (32, 32)),
     ([(178, 218)], (64, 64)), ([(9, 30), (20, 9)], (8, 8)), ([(48, 40)] * 1501 + [(70, 90)] * 3, (40, 48)),
     ([(48, 40)] * 8 + [(70, 90)] * 2, (32, 32)), ([(40, 6)] * 9, (8, 8))],
)  # fmt: skip
def test_a_good_size_is_suggested(sizes: list[tuple[int, int]], side: tuple[int, int]) -> None:
    assert fit.suggested_side(Counter(sizes)) == side


def test_the_shape_of_the_images_themselves_is_offered() -> None:
    assert fit.own_shapes([(48, 40), (70, 90), (178, 218), (1000, 20)]) == [
        (40, 48), (90, 70), (64, 50), (128, 105), (64, 52)
    ]  # fmt: skip


def test_no_decoder_reads_more_than_a_file_may_have(tmp_path: Path) -> None:
    asked = []

    def read_item(limit: int) -> bytes:
        asked.append(limit)
        raise Unreadable("too large")

    with pytest.raises(Unreadable):
        decode(Item("a.png", 10, read_item))
    assert asked == [64 << 20]


def test_a_tiff_without_a_picture_is_left_out() -> None:
    with pytest.raises(Unreadable):
        read(b"II*\0\0\0\0\0")
