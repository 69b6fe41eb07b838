"""One image to the size, the intensities and the channels it is trained with."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from vae.data.images import MAX_SIDE, MIN_SIDE
from vae.data.intake.choice import Channel
from vae.data.paint import RGB, Paint, lit, on_screen

SIDES = (8, 16, 28, 32, 64, 128)  # square sizes that are offered; the largest not above the images is suggested ...
USUAL = 64  # ... but none above this, which trains in minutes
NEARLY_ALL = 0.9  # of the images: a few of another size do not decide about the others


def suggested_side(sizes: Mapping[tuple[int, int], int]) -> tuple[int, int]:
    """(height, width) for images of these (width, height), so many of each: as nearly all of them are, where these are
    small, else a square."""
    (width, height), count = max(sizes.items(), key=lambda one: one[1])
    if count >= NEARLY_ALL * sum(sizes.values()) and min(width, height) >= MIN_SIDE and max(width, height) <= USUAL:
        return height, width
    short = np.sort(np.repeat([min(size) for size in sizes], list(sizes.values())))
    median = int(short[len(short) // 2])
    side = max((one for one in SIDES if one <= min(median, USUAL)), default=SIDES[0])
    return side, side


def own_shapes(sizes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """(height, width) to offer for images of these (width, height): as they are, or smaller in the same shape."""
    found = []
    for width, height in sizes:
        long = max(width, height)
        for most in (MAX_SIDE, USUAL):
            scale = min(1.0, most / long)
            side = (round(height * scale), round(width * scale))
            if min(side) >= MIN_SIDE and side not in found:
                found.append(side)
    return found


def box(width: int, height: int, side: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest part from the middle of an image that has the shape of `side`: left, top, right, bottom in pixels."""
    wide = min(width, height * side[1] / side[0])
    high = min(height, width * side[0] / side[1])
    return (width - wide) / 2, (height - high) / 2, (width + wide) / 2, (height + high) / 2


def cut(width: int, height: int, side: tuple[int, int]) -> str:
    """What becomes of an image that is not of the shape of `side`: "sides" or "ends" are too much, "" where it fits."""
    wide = width * side[0] - height * side[1]
    # Half a pixel of the result is rounding, not a crop.
    if abs(wide) * 2 <= max(width, height):
        return ""
    return "sides" if wide > 0 else "ends"


def resized(pixels: np.ndarray, side: tuple[int, int], fit: str) -> np.ndarray:
    """(H, W, C) to (h, w, C): cropped from the middle, or with a border of the colour of its own edge.

    uint8 stays uint8; other numbers become float32. Resampled by Lanczos' filter, which for float32 may overshoot a
    little: windows clip it.
    """
    height, width = pixels.shape[:2]
    if (height, width) == side:
        return pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)
    if fit == "crop":
        return _resample(pixels, side, box(width, height, side))
    scale = min(side[0] / height, side[1] / width)
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    small = _resample(pixels, inner, (0, 0, width, height))
    top, left = (side[0] - inner[0]) // 2, (side[1] - inner[1]) // 2
    around = ((top, side[0] - inner[0] - top), (left, side[1] - inner[1] - left))
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    out = np.empty((*side, pixels.shape[2]), small.dtype)
    out[...] = np.median(edge, axis=0).astype(small.dtype)  # a black ground goes on black, a white one white
    out[around[0][0] : around[0][0] + inner[0], around[1][0] : around[1][0] + inner[1]] = small
    return out


def _resample(pixels: np.ndarray, side: tuple[int, int], part: tuple[float, float, float, float]) -> np.ndarray:
    from PIL import Image

    size, how = (side[1], side[0]), Image.Resampling.LANCZOS
    left, top = math.floor(part[0]), math.floor(part[1])
    pixels = pixels[top : math.ceil(part[3]), left : math.ceil(part[2])]  # or the filter would look beyond the edge
    part = part[0] - left, part[1] - top, part[2] - left, part[3] - top
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, how, box=part))
    kind = np.uint8 if pixels.dtype == np.uint8 else np.float32
    planes = [np.ascontiguousarray(pixels[..., channel], kind) for channel in range(pixels.shape[2])]
    return np.stack([np.asarray(Image.fromarray(plane).resize(size, how, box=part)) for plane in planes], axis=-1)


def windowed(pixels: np.ndarray, channels: Sequence[Channel]) -> np.ndarray:
    """(h, w, C) numbers to (h, w, C) uint8: each channel's `low` becomes 0 and its `high` 255."""
    low = np.array([channel.low for channel in channels], np.float64)
    high = np.array([channel.high for channel in channels], np.float64)
    if pixels.dtype == np.uint8 and (low == 0).all() and (high == 255).all():
        return pixels
    share = (pixels.astype(np.float64) - low) / (high - low)
    return np.floor(np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)


def coloured(pixels: np.ndarray, colour: str, channels: Sequence[Channel]) -> np.ndarray:
    """(h, w, C) uint8 to the channels that were chosen: "keep" as they are, "grey" one, "colour" three."""
    count = pixels.shape[2]
    if colour == "keep" or (colour == "grey" and count == 1):
        return pixels
    if colour == "grey":
        weights = np.array([0.299, 0.587, 0.114]) if count == 3 else np.full(count, 1 / count)  # ITU-R BT.601
        return np.floor(pixels @ weights + 0.5).astype(np.uint8)[..., None]
    if count == 3 and plain(channels):
        return pixels
    if count == 1 and channels[0].rgb() == (255, 255, 255):
        return np.repeat(pixels, 3, axis=2)
    return painted(pixels, channels)


def painted(pixels: np.ndarray, channels: Sequence[Channel]) -> np.ndarray:
    """(..., C) uint8 to (..., 3): each channel as light of its own colour, added."""
    return lit(pixels, [channel.colour for channel in channels])


def plain(channels: Sequence[Channel]) -> bool:
    """Whether three channels are red, green and blue."""
    return tuple(channel.colour.lower() for channel in channels) == RGB


def preview(pixels: np.ndarray, channels: Sequence[Channel]) -> np.ndarray:
    """(h, w, C) uint8 as trained on to (h, w, 3) for a screen."""
    shown = on_screen(pixels, Paint.of(channels, pixels.shape[2]))
    return np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown
