"""The brightness of images: what was seen of it, and from that a window for each channel, which single images that are
empty or of other numbers do not move."""

import math
from dataclasses import dataclass, field

import numpy as np

from vae.data.intake import fit
from vae.data.intake.choice import Channel, Choice
from vae.data.paint import unknown
from vae.errors import VAEError

Histogram = tuple[float, float, tuple[int, ...]]  # from, to, how many in each part of it

BINS = 64
_BRIGHTNESSES = 2_000  # numbers of one channel of one image that its window is read off
_FROM_IMAGES = 300
_LOW, _HIGH = 0.5, 99.5  # per cent: what is darker or brighter than nearly everything is a fault of the sensor
_RGB = (("red", "#ff0000"), ("green", "#00ff00"), ("blue", "#0000ff"))


@dataclass
class Numbers:
    """What was seen of the brightness of images, in the order in which they were noted.

    Attributes:
        low, high: (C,) the least and the largest number of each channel, of each image.
        whole: of each image, whether it holds whole numbers.
        samples: (channels, whole) -> some numbers of some images, (n, C) each.
    """

    low: list[np.ndarray] = field(default_factory=list)
    high: list[np.ndarray] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    samples: dict[tuple[int, bool], list[np.ndarray]] = field(default_factory=dict)

    def note(self, kind: int, pixels: np.ndarray) -> None:
        """One more image, (H, W, C); `kind` is 0 for a plain one, else C."""
        flat = pixels.reshape(-1, pixels.shape[2])
        self.low.append(flat.min(axis=0))
        self.high.append(flat.max(axis=0))
        whole = not np.issubdtype(pixels.dtype, np.floating)
        self.whole.append(whole)
        if kind == 0 or (self.low[-1] == self.high[-1]).all():  # an empty one says nothing of the others
            return
        held = self.samples.setdefault((kind, whole), [])
        if len(held) < _FROM_IMAGES:
            held.append(flat[:: max(1, len(flat) // _BRIGHTNESSES)].astype(np.float64))

    def mostly_whole(self, alike: list[int]) -> bool:
        """Whether more of these images hold whole numbers than fractions."""
        return 2 * sum(self.whole[at] for at in alike) >= len(alike)

    def sample(self, kind: int, whole: bool) -> np.ndarray:
        """Numbers of images of a kind, (n, C): of whole ones or of fractions, where there are any."""
        held = self.samples.get((kind, whole)) or self.samples.get((kind, not whole))
        return np.concatenate(held) if held else np.zeros((1, kind))

    def flat(self, at: int, channels: tuple[Channel, ...]) -> int | None:
        """The brightness of an image that is of one value all over in its windows, 0 for black; None of any other."""
        low, high = (ends[at].astype(np.float64) for ends in (self.low, self.high))
        if len(low) != len(channels):  # a grey one among coloured ones
            low, high = np.resize(low, len(channels)), np.resize(high, len(channels))
        dark, bright = (fit.windowed(ends[None, None], channels) for ends in (low, high))
        return int(bright.max()) if (dark == bright).all() else None

    def histograms(self, kind: int, whole: bool) -> tuple[Histogram, ...]:
        """Of each channel of images with windows, 64 counts from its least to nearly its largest number."""
        if kind == 0 or not self.samples:
            return ()
        found = []
        for numbers in self.sample(kind, whole).T:
            low, high = float(numbers.min()), float(np.percentile(numbers, 99.9))
            if not low < high:
                low, high = low, low + 1.0
            counts, _ = np.histogram(numbers, BINS, (low, high))
            found.append((low, high, tuple(counts.tolist())))
        return tuple(found)


def channels(choice: Choice, kind: int, grey: bool, seen: Numbers, alike: list[int]) -> tuple[Channel, ...]:
    """Name, colour and window of each channel: as chosen, else as suits most of the images.

    Args:
        kind: 0 for plain pictures, else how many channels. grey: plain ones, none of them in colour.
        alike: places of the images of this kind, as they were noted.

    Raises:
        VAEError: windows are given for another number of channels.
    """
    count = kind or (1 if grey else 3)
    if choice.channels:
        if len(choice.channels) == count or (kind == 0 and len(choice.channels) in (1, 3)):
            return choice.channels
        raise VAEError(f"Windows are given for {len(choice.channels)} channels, and the images have {count}.")
    names = _names(count)
    if kind == 0:
        top_seen = int(max((seen.high[at].max() for at in alike), default=0))
        # Drawings kept as 0 and 1, or digits of 0 to 16: nothing would be seen of them otherwise.
        top = 255 if top_seen >= 64 or top_seen == 0 else top_seen
        return tuple(Channel(name, colour, 0, top) for name, colour in names)
    numbers = seen.sample(kind, seen.mostly_whole(alike))
    windows = [_window(numbers[:, channel]) for channel in range(count)]
    if count == 3:  # one window for all, or the colours would shift
        windows = [(min(low for low, _ in windows), max(high for _, high in windows))] * 3
    return tuple(Channel(name, colour, *window) for (name, colour), window in zip(names, windows, strict=True))


def _names(count: int) -> list[tuple[str, str]]:
    if count == 1:
        return [("grey", "#ffffff")]
    if count == 3:
        return list(_RGB)
    numbered = unknown(count)
    return list(zip(numbered.names, numbered.colours, strict=True))


def _window(numbers: np.ndarray) -> tuple[float, float]:
    """From nearly the darkest to nearly the brightest; round numbers where the data are scaled already."""
    low, high = float(numbers.min()), float(numbers.max())
    whole = bool((numbers == np.round(numbers)).all())
    if not whole and low >= -1 and high <= 1:
        return (0.0, 1.0) if low >= 0 else (-1.0, 1.0)
    if whole and {low, high} <= {0.0, 1.0} and low < high:
        return 0.0, 1.0
    robust = np.percentile(numbers, [_LOW, _HIGH])
    low, high = (float(robust[0]), float(robust[1])) if robust[0] < robust[1] else (low, high)
    if low >= high:
        return low, low + 1.0
    digits = 3 - math.floor(math.log10(high - low))  # a thousandth of the window is nothing to see
    return round(low, digits), round(high, digits)
