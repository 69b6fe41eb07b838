"""From decoded numbers to pictures: round, enlarge, tile, save. Each verb does one of these."""

import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import GifImagePlugin, Image

from vae.data.paint import Paint, on_screen
from vae.errors import VAEError

Pixels = NDArray[np.uint8]

PAPER, INK = 255, 40  # of a profile: dark bars on white

_LOOKED_AT = 1 << 20  # pixels that choose the colours of a GIF: a second's work


# ---- numbers to pixels ---------------------------------------------------------------------------------------------


def to_pixels(x: ArrayLike) -> Pixels:
    """Round pictures to whole grey levels, halves up; what lies outside [0, 1] is clipped.

    Args:
        x: (B, C, H, W) float32, 0 black and 1 white.

    Returns:
        pixels (B, H, W, C) uint8.

    Raises:
        VAEError: another shape, or values that are not finite.
    """
    x = np.asarray(x, dtype=np.float32)
    if x.ndim != 4:
        raise VAEError(f"Pictures come as (B, C, H, W), but this has the shape {x.shape}.")
    return _levels(x).transpose(0, 2, 3, 1).copy()


def profile(values: ArrayLike, height: int = 64) -> Pixels:
    """Draw flat vectors as bars, one for each number: 0 no bar, 1 a full one.

    Args:
        values: (D,) or (B, D), in [0, 1]; what lies outside is clipped.
        height: of the picture, in pixels.

    Returns:
        (height, W, 1) or (B, height, W, 1) uint8, dark bars on white. W is at least 128 pixels, so a short vector
        has wide bars, set apart.

    Raises:
        VAEError: another shape, nothing to draw, or values that are not finite.
    """
    vectors = np.asarray(values, dtype=np.float32)
    if vectors.ndim not in (1, 2) or vectors.size == 0 or height < 1:
        raise VAEError(f"Bars are drawn from (D,) or (B, D) numbers, but this has the shape {vectors.shape}.")
    if not np.isfinite(vectors).all():
        raise VAEError("The vector holds a number that is not finite: it cannot be drawn.")
    width = -(-128 // vectors.shape[-1])  # of one bar with its gap, rounded up
    tops = np.floor(np.clip(vectors, 0, 1) * height + 0.5)  # (..., D), pixels
    filled = tops[..., None, :] > np.arange(height)[::-1, None]  # (..., height, D)
    bars = np.repeat(np.where(filled, INK, PAPER).astype(np.uint8), width, axis=-1)
    if width >= 4:
        bars[..., width - 1 :: width] = PAPER
    return bars[..., None]


def as_pictures(x: ArrayLike, paint: Paint | None = None, channel: int | None = None) -> Pixels:
    """x (B, C, H, W) or (B, D) to pixels (B, H, W, 1 or 3), as they are shown; vectors are drawn as bars.

    Args:
        paint: names and colours of the channels, where the model knows them. channel: this one alone, in grey.
    """
    x = np.asarray(x, dtype=np.float32)
    return profile(x) if x.ndim == 2 else on_screen(to_pixels(x), paint, channel)


def shown(images: np.ndarray, paint: Paint | None = None, channel: int | None = None) -> Pixels:
    """Images of a data set, (N, H, W, C) uint8 or rows (N, D) in [0, 1], to pixels (N, H, W, 1 or 3); as above."""
    return profile(images) if images.ndim == 2 else on_screen(images, paint, channel)


def _levels(x: np.ndarray) -> Pixels:
    if not np.isfinite(x).all():
        raise VAEError("The picture holds a number that is not finite: the code lies too far out, or the model broke.")
    return np.floor(np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)


# ---- size and order ------------------------------------------------------------------------------------------------


def enlarge(pixels: Pixels, side: int) -> Pixels:
    """Enlarge small pictures without blur: every pixel becomes a square of whole pixels.

    Args:
        pixels: (..., H, W, C) uint8.
        side: what the longer side may reach, in pixels. A picture larger than that stays as it is.

    Returns:
        (..., f H, f W, C), f the largest whole number with f max(H, W) <= side, at least 1.

    Raises:
        VAEError: not pictures.
    """
    pixels = _pictures(pixels)
    factor = max(1, side // max(pixels.shape[-3:-1]))
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def tile(pixels: Pixels, columns: int, gap: int = 2, background: int | Sequence[int] = 255) -> Pixels:
    """Lay pictures out in rows, read as a page is.

    Args:
        pixels: (B, H, W, C) uint8.
        columns: pictures in a row, at least 1. The last row is filled up with background.
        gap: pixels between pictures; none around them.
        background: one level, or one for each channel.

    Returns:
        (rows (H + gap) - gap, columns (W + gap) - gap, C) uint8.

    Raises:
        VAEError: not (B, H, W, C), or columns below 1, or a negative gap.
    """
    pixels = _batch(pixels)
    if columns < 1 or gap < 0:
        raise VAEError(f"Cannot lay pictures out in {columns} columns, {gap} pixels apart: at least 1, and 0.")
    count, height, width, channels = pixels.shape
    rows = -(-count // columns)
    page = np.empty((rows, height + gap, columns, width + gap, channels), np.uint8)
    page[...] = np.asarray(background, np.uint8)
    for i, picture in enumerate(pixels):
        page[i // columns, :height, i % columns, :width] = picture
    page = page.reshape(rows * (height + gap), columns * (width + gap), channels)
    return page[: page.shape[0] - gap, : page.shape[1] - gap].copy()


def strip(pixels: Pixels, gap: int = 2, background: int | Sequence[int] = 255) -> Pixels:
    """Lay pictures (B, H, W, C) side by side in one row: tile with B columns."""
    return tile(pixels, len(pixels), gap, background)


# ---- files ---------------------------------------------------------------------------------------------------------


def png(pixels: Pixels) -> bytes:
    """One picture (H, W, C) uint8, C = 1, 3 or 4, as a PNG file: lossless, and the same bytes every time."""
    file = io.BytesIO()
    _image(pixels).save(file, "PNG")
    return file.getvalue()


def jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    """One picture (H, W, C) uint8, C = 1 or 3, as a JPEG file: a tenth of a PNG where pictures are large and smooth."""
    file = io.BytesIO()
    _image(pixels).save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def gif(pixels: Pixels, fps: float = 12, there_and_back: bool = False, hold: float = 0) -> bytes:
    """A film that repeats for ever, as a GIF file; the same bytes every time.

    Grey films keep every level. Colours are cut to the 256 that serve the whole film best, without dithering: dots
    would crawl over the faces, and a palette for each frame would flicker.

    Args:
        pixels: (B, H, W, C) uint8, C = 1 or 3.
        fps: frames per second, 1 to 50. A GIF counts in hundredths of a second, so the pace is rounded to that.
        there_and_back: after the last frame play the inner ones backwards, so that the film has no jump.
        hold: seconds for which the last frame stays, 0 for as long as any other.

    Returns:
        The file. It has as many frames as were asked for, also where two are alike.

    Raises:
        VAEError: not (B, H, W, C), another C, or fps out of range.
    """
    pixels = _batch(pixels)
    if pixels.shape[-1] not in (1, 3):
        raise VAEError(f"A GIF holds pictures of 1 or 3 channels, not {pixels.shape[-1]}.")
    if not 1 <= fps <= 50:
        raise VAEError(f"A GIF cannot show {fps} pictures a second: choose 1 to 50.")
    frames = _paletted(pixels)
    if there_and_back:
        frames += frames[-2:0:-1]
    # Image.save(save_all=True) merges frames that are alike; written one by one each keeps its place.
    header, _ = GifImagePlugin.getheader(frames[0].copy(), info={"loop": 0})
    file = [*header]
    pace = 10 * round(100 / fps)  # milliseconds
    for number, frame in enumerate(frames, start=1):
        last = max(pace, round(1000 * hold)) if number == len(frames) else pace
        file += GifImagePlugin.getdata(frame, duration=last)
    return b"".join(file) + b";"


def _paletted(pixels: Pixels) -> list[Image.Image]:
    """The frames in one palette shared by all of them; grey ones are their own palette."""
    count, height, width, channels = pixels.shape
    if channels == 1:
        return [_image(frame) for frame in pixels]
    # The whole film is cut to its colours as one tall picture. To cut frame by frame with `palette=` would look each
    # colour up in a coarse table, and change pictures that have few colours to begin with. Where there are so many
    # pixels that this takes many seconds, some of them choose the colours, and the table serves.
    every = math.isqrt(-(-pixels.size // (3 * _LOOKED_AT)) - 1) + 1
    tall = np.ascontiguousarray(pixels[:, ::every, ::every])
    film = _image(tall.reshape(-1, *tall.shape[2:])).quantize(256, Image.Quantize.MEDIANCUT, kmeans=1)
    if every == 1:
        return [film.crop((0, top, width, top + height)) for top in range(0, count * height, height)]
    return [_image(frame).quantize(palette=film, dither=Image.Dither.NONE) for frame in pixels]


def _image(pixels: Pixels) -> Image.Image:
    pixels = _pictures(pixels)
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3, 4):
        raise VAEError(f"A picture to save is (H, W, C) with C = 1, 3 or 4, but this has the shape {pixels.shape}.")
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[-1] == 1 else np.ascontiguousarray(pixels))


def _batch(pixels: Pixels) -> Pixels:
    if _pictures(pixels).ndim != 4:
        raise VAEError(f"Several pictures come as (B, H, W, C), but this has the shape {pixels.shape}.")
    return pixels


def _pictures(pixels: Pixels) -> Pixels:
    if pixels.dtype != np.uint8 or pixels.ndim < 3 or pixels.size == 0:
        raise VAEError(f"Pictures are (..., H, W, C) of uint8, but this is {pixels.shape} of {pixels.dtype}.")
    return pixels
