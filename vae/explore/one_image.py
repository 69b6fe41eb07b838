"""One image that somebody brought: how well a model redraws it, beside images it was tested on; where it is unsure."""

import math
import re
from dataclasses import dataclass

import numpy as np

from vae.errors import VAEError
from vae.explore.render import Pixels

ODD = 99.0  # per cent of test images that are redrawn better: from here on it is no image of their kind
FEWEST = 100  # test images that can tell so
_BETWEEN = re.compile(r"[\s,;|]+")


@dataclass(frozen=True)
class Redrawn:
    """How a model redraws one image.

    Attributes:
        error: mean squared difference per pixel, pixels in [0, 1]. percentile: of test images redrawn better, 0 to 100.
        compared: test images it was compared with.
    """

    error: float
    percentile: float
    compared: int

    @property
    def odd(self) -> bool:
        """Whether hardly any test image is redrawn as badly; never where there are too few to know."""
        return self.percentile >= ODD and self.compared >= FEWEST

    @property
    def sentence(self) -> str:
        """The same in words."""
        said = f"It is redrawn with an error of {self.error:.4f} per pixel"
        if self.odd:
            return (
                f"{said}, worse than {self.percentile:.0f}% of {self.compared:,} test images: to this model it is not "
                "an image of their kind, so trust what follows less."
            )
        return f"{said}; {self.percentile:.0f}% of {self.compared:,} test images are redrawn better."


def redrawn(image: np.ndarray, picture: np.ndarray, errors: np.ndarray) -> Redrawn:
    """Compare one image with what the model makes of it.

    Args:
        image, picture: of one shape, in [0, 1]. errors: (N,) of test images, squared, per pixel.

    Raises:
        VAEError: shapes that differ, or nothing to compare with.
    """
    if image.shape != picture.shape or not len(errors):
        raise VAEError("How well an image is redrawn needs a picture of its shape and test images to compare with.")
    error = float(np.square(np.asarray(image, np.float64) - picture).mean())
    return Redrawn(error, 100 * float((np.asarray(errors) < error).mean()), len(errors))


def spread(pictures: np.ndarray) -> np.ndarray:
    """Where pictures of one image differ: the standard deviation of each pixel over them.

    Args:
        pictures: (K, H, W, C) uint8, or (K, D) floats: decoded from K draws of its posterior, at least two.

    Returns:
        (H, W) or (D,) float64, 0 to 0.5; of colours the root of the mean square.
    """
    if len(pictures) < 2 or pictures.ndim not in (2, 4):
        raise VAEError("A spread needs at least two pictures of one image.")
    x = pictures.astype(np.float64) / (255 if pictures.dtype == np.uint8 else 1)
    deviation = x.std(axis=0)
    found: np.ndarray = deviation if x.ndim == 2 else np.sqrt(np.square(deviation).mean(axis=2))
    return found


def heat(values: np.ndarray, colours: tuple[str, ...]) -> Pixels:
    """(H, W) from 0 to their largest as a picture (H, W, 3): the first colour ("#rrggbb") to the last."""
    ramp = np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in colours], np.float64)  # (n, 3)
    places = np.clip(values / (float(values.max()) or 1.0), 0, 1) * (len(ramp) - 1)
    low = np.minimum(places.astype(int), len(ramp) - 2)
    part = (places - low)[..., None]
    found: Pixels = np.rint(ramp[low] * (1 - part) + ramp[low + 1] * part).astype(np.uint8)
    return found


def read_row(text: str, count: int) -> np.ndarray:
    """(1, count) float32 from a line of numbers, with commas, semicolons, tabs or spaces between.

    Raises:
        VAEError: another count, a word among them, or a number outside 0 to 1, which is what such a model reads.
    """
    words = [word for word in _BETWEEN.split(text.strip()) if word]
    if len(words) != count:
        raise VAEError(f"That is a row of {len(words):,} numbers, and this model reads {count:,}: paste one whole row.")
    row = np.empty(count, np.float32)
    for place, word in enumerate(words):
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not 0 <= number <= 1:
            raise VAEError(
                f"Number {place + 1:,} is {word[:20]!r}: this model reads numbers from 0 to 1, as its data were "
                "scaled: do the same with yours."
            )
        row[place] = number
    return row[None]
