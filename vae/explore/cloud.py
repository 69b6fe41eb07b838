"""A map as one small grey picture: where many images lie, darker where there are more."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.explore.codes import Floats, many_codes
from vae.explore.render import Pixels

GREY = 128  # of either theme's middle; how many images there are is how much of it covers


@dataclass(frozen=True, eq=False)
class Cloud:
    """A map as a picture.

    Attributes:
        pixels: (side, side, 4) uint8, grey that covers more where more points lie.
        low, high: (2,) corners of the map that it shows.
    """

    pixels: Pixels
    low: Floats
    high: Floats

    def shares(self, xy: ArrayLike) -> np.ndarray:
        """Where points (N, 2) of the map lie on the picture, (N, 2): from the left and from the top, 0 to 1."""
        share = (np.clip(many_codes(xy, "the map"), self.low, self.high) - self.low) / (self.high - self.low)
        return np.stack([share[:, 0], 1 - share[:, 1]], axis=1)


def cloud(xy: ArrayLike, side: int = 160, margin: float = 0.04) -> Cloud:
    """Draw points (N, 2) of a map, y upwards.

    Args:
        side: of the picture, in pixels. margin: around the points, as a share of their extent.

    Raises:
        VAEError: not (N, 2), or not finite.
    """
    xy = many_codes(xy, "the map")
    low, high = xy.min(axis=0), xy.max(axis=0)
    least = 1e-2 * max(1.0, float(np.abs(xy).max()))  # where all points are one, or nearly
    room = np.maximum(high - low, least) * np.float32(margin)
    low, high = low - room, high + room
    ends = [(low[axis], high[axis]) for axis in (0, 1)]
    count = np.histogram2d(xy[:, 0], xy[:, 1], bins=side, range=ends)[0]  # (across, up)
    full = np.quantile(count[count > 0], 0.95)
    cover = np.sqrt(np.minimum(count / full, 1)) * 200
    pixels = np.full((side, side, 4), GREY, np.uint8)
    pixels[:, :, 3] = np.flipud(cover.T).round()
    return Cloud(pixels, low.astype(np.float32), high.astype(np.float32))
