"""What faces are drawn with: a pen that is four times as fine as the picture, a lamp, and mixed colours.

The large drawing has a fourth channel which says how much of the light a thing takes (skin all, glass little, the
backdrop none), so that one multiplication at the end shades the whole face.
"""

from math import sqrt

import numpy as np
from PIL import Image, ImageDraw

SIZE = 64  # pixels a side
SCALE = 4  # the large drawing has this many pixels for each, across and down

Colour = tuple[int, int, int]


class Pen:
    """Draws in final pixels on a picture SCALE times as large. The last argument is how much light the thing takes."""

    def __init__(self, backdrop: Colour) -> None:
        self.image = Image.new("RGBX", (SIZE * SCALE, SIZE * SCALE), (*backdrop, 0))
        self.on = ImageDraw.Draw(self.image)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, takes: int) -> None:
        box = ((x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE)
        self.on.ellipse(box, fill=(*colour, takes))

    def ring(self, x: float, y: float, rx: float, ry: float, width: float, colour: Colour, takes: int) -> None:
        box = ((x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE)
        self.on.ellipse(box, outline=(*colour, takes), width=round(width * SCALE))

    def shape(self, xs: np.ndarray, ys: np.ndarray, colour: Colour, takes: int) -> None:
        points = np.stack((xs, ys), axis=1).ravel() * SCALE
        self.on.polygon(points.tolist(), fill=(*colour, takes))

    def band(self, xs: np.ndarray, top: np.ndarray, bottom: np.ndarray, colour: Colour, takes: int) -> None:
        """What lies between two curves over the same xs."""
        self.shape(np.concatenate((xs, xs[::-1])), np.concatenate((top, bottom[::-1])), colour, takes)

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float, colour: Colour, takes: int) -> None:
        ends = (x0 * SCALE, y0 * SCALE, x1 * SCALE, y1 * SCALE)
        self.on.line(ends, fill=(*colour, takes), width=round(width * SCALE))

    def small(self) -> np.ndarray:
        """uint8 (64, 64, 4). Every layer is opaque, so averaging blocks is the exact coverage of each shape."""
        return np.asarray(self.image.reduce(SCALE))


_X = (np.arange(SIZE, dtype=np.float32) + 0.5)[None, :]  # (1, 64)
_Y = (np.arange(SIZE, dtype=np.float32) + 0.5)[:, None]  # (64, 1)
_SHADOW = np.array([0.50, 0.62, 0.54], dtype=np.float32)  # what a full shadow takes of red, green, blue: it is warm
_GLOW = np.array([36.0, 31.0, 20.0], dtype=np.float32)  # what full light adds


def lit(drawing: np.ndarray, head_x: float, light: float) -> np.ndarray:
    """Shade a small drawing, uint8 (64, 64, 4), as one ball under a lamp: uint8 (64, 64, 3).

    Brightness is the cosine between the normal of the ball and the lamp (Lambert, 1760).

    Args:
        drawing: colour, and how much of the light each pixel takes.
        head_x: where the middle of the ball is, in pixels; it is as high as a face.
        light: where the lamp is, from -1, left, to 1, right; always above and in front.
    """
    nx, ny = (_X - head_x) / 23, (_Y - 34) / 27
    square = nx * nx + ny * ny  # (64, 64), 1 at the edge of the ball
    nz = np.sqrt(np.clip(1 - square, 0, 1))
    lx, ly, lz = 1.05 * light, -0.42, 0.7
    bright = (lx * nx + ly * ny + lz * nz) / sqrt(lx * lx + ly * ly + lz * lz)  # (64, 64), cosine to the light
    takes = drawing[..., 3] * np.float32(1 / 255)
    shadow = np.clip(0.8 - bright, 0, 1) * takes * 0.7
    glow = np.clip(bright - 0.72, 0, 1) * takes + (1 - takes) * 0.3 * (light * (_X - 32) / 32 - (_Y - 32) / 48)
    colour = drawing[..., :3] * (1 - shadow[..., None] * _SHADOW) + glow[..., None] * _GLOW
    return np.clip(colour + 0.5, 0, 255).astype(np.uint8)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """From a (share 0) to b (share 1)."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def ramp(stops: tuple[Colour, ...], place: float) -> Colour:
    """The colour at `place`, 0 to 1, along evenly spaced stops."""
    along = min(max(place, 0.0), 1.0) * (len(stops) - 1)
    first = min(int(along), len(stops) - 2)
    return mix(stops[first], stops[first + 1], along - first)
