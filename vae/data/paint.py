"""Images of several channels on a screen: each channel is light of its own colour, added. The only place that paints.

A screen shows grey or red, green and blue. An image of a microscope may have two channels, or eight: DNA, actin, the
membrane. Whoever brought them chose a name and a colour for each, and sees them in these wherever they are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

LIGHTS = ("#3366ff", "#00ff00", "#ff3333", "#ffff00", "#ff00ff", "#00ffff", "#ff8800", "#ffffff")  # in this order
PAIR = ("#00ff00", "#ff00ff")  # of two channels: green and magenta are told apart by colour-blind eyes
RGB = ("#ff0000", "#00ff00", "#0000ff")
NAME = 60  # characters of a channel's name that are kept
MOST = 64  # channels


class Coloured(Protocol):
    """A channel, for all that painting needs of it."""

    @property
    def name(self) -> str: ...

    @property
    def colour(self) -> str: ...


@dataclass(frozen=True)
class Paint:
    """What the channels of images are called, and the colour of each.

    Attributes:
        names: of the channels, at least two.
        colours: "#rrggbb", one for each channel.
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]

    @classmethod
    def of(cls, channels: Sequence[Coloured], count: int) -> "Paint | None":
        """Of the channels of images that have `count` of them.

        None where there is nothing to paint: grey, or red, green and blue already; or channels that were made into a
        grey or a coloured picture before anything learned from them.
        """
        colours = tuple(channel.colour.lower() for channel in channels)
        if count == 1 or len(colours) != count or colours == RGB:
            return None
        return cls(tuple(channel.name[:NAME] for channel in channels), colours)

    @classmethod
    def of_card(cls, card: Any, shape: Sequence[int]) -> "Paint | None":
        """What a model's card says of its channels, where it is sound. A card may come from anybody.

        Args:
            card: JSON values. shape: of the model's images, (C, H, W) or (D,).

        Returns:
            None where nothing is to be painted. Several channels of which nothing is known have numbers and `LIGHTS`.
        """
        if len(shape) != 3 or shape[0] == 1:
            return None
        data = card.get("data") if isinstance(card, dict) else None
        found = cls.of_json(data.get("channels")) if isinstance(data, dict) else None
        if found is not None and len(found.colours) == shape[0]:
            return found
        return None if shape[0] == 3 else unknown(shape[0])

    @classmethod
    def of_json(cls, said: object) -> "Paint | None":
        """What `to_json` said; None where it is something else."""
        channels = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
        names, colours = ([one.get(what) for one in channels] for what in ("name", "colour"))
        sound = all(isinstance(name, str) for name in names) and all(map(is_colour, colours))
        if not sound or not 2 <= len(channels) <= MOST:
            return None
        return cls(tuple(str(name)[:NAME] for name in names), tuple(str(colour).lower() for colour in colours))

    def to_json(self) -> list[dict[str, str]]:
        """What a card says of the channels."""
        pairs = zip(self.names, self.colours, strict=True)
        return [{"name": name, "colour": colour} for name, colour in pairs]


def on_screen(pixels: np.ndarray, paint: Paint | None = None, channel: int | None = None) -> np.ndarray:
    """(..., C) uint8, as a model reads and draws it, to (..., 1 or 3) as it is shown.

    Args:
        paint: of these images. None, or one of another number of channels: grey and three channels stay as they are,
            others are painted in `LIGHTS`.
        channel: this one alone, in grey; None for all.
    """
    count = pixels.shape[-1]
    if channel is not None and 0 <= channel < count:
        return pixels[..., channel : channel + 1]
    if count == 1 or (count == 3 and paint is None):
        return pixels
    if paint is None or len(paint.colours) != count:
        return pixels if count == 3 else lit(pixels, lights(count))
    return lit(pixels, paint.colours)


def lit(pixels: np.ndarray, colours: Sequence[str]) -> np.ndarray:
    """(..., C) uint8 to (..., 3): each channel as light of its own colour, "#rrggbb", added; too much is full."""
    shares = np.array([rgb(colour) for colour in colours], np.float64) / 255  # (C, 3)
    return np.floor(np.clip(pixels @ shares, 0, 255) + 0.5).astype(np.uint8)


def lights(count: int) -> tuple[str, ...]:
    """Colours for so many channels of which nothing is known; beyond eight they come again."""
    return PAIR if count == 2 else RGB if count == 3 else tuple(LIGHTS[at % len(LIGHTS)] for at in range(count))


def unknown(count: int) -> Paint:
    """Channels by their numbers."""
    return Paint(tuple(f"channel {at + 1}" for at in range(count)), lights(count))


def is_colour(text: object) -> bool:
    """Whether this is "#rrggbb"."""
    good = isinstance(text, str) and len(text) == 7 and text[0] == "#"
    return good and all(letter in "0123456789abcdefABCDEF" for letter in str(text)[1:])


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
