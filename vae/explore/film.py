"""A path to take home: pictures at any size, with a title, in any order, as GIF, animated WebP, MP4 or one long PNG."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vae.errors import VAEError
from vae.explore import render
from vae.explore.render import Pixels

KINDS = {"gif": "image/gif", "mp4": "video/mp4", "webp": "image/webp", "png": "image/png"}
SMALLEST, LARGEST = 64, 1024  # pixels of the longer side
LONGEST = 60.0  # seconds
RATES = {"gif": 25, "mp4": 30, "webp": 30}  # pictures a second; a GIF counts in hundredths of a second
MOST_PIXELS = {"gif": 50e6, "webp": 60e6, "mp4": 600e6, "png": 120e6}  # of all pictures: about half a minute's work
ORDERS = ("once", "there and back")
TOO_LARGE = "That film would be too large: choose a smaller size, fewer seconds, or MP4."
NO_MP4 = "MP4 needs one more package: install it with pip install av, or choose GIF or WebP."

_SMALL = 32  # pixels: pictures up to here are enlarged as squares, larger ones smoothly
_BAND = 0.09  # of the side, for a line of words


@dataclass(frozen=True)
class Cut:
    """How a film is made.

    Attributes:
        kind: "gif", "mp4", "webp", or "png" for a strip, which has no time.
        side: of the longer side in pixels, 64 to 1024, without the band for words.
        seconds: of the whole film, at most 60.
        order: "once", or "there and back". GIF and WebP repeat for ever either way.

    Raises:
        VAEError: another kind or order, or a side or seconds out of range.
    """

    kind: str
    side: int = 256
    seconds: float = 4.0
    order: str = "there and back"

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.order not in ORDERS:
            raise VAEError(f"A film is one of {', '.join(KINDS)}, played {' or '.join(ORDERS)}.")
        if not SMALLEST <= self.side <= LARGEST:
            raise VAEError(f"A film of {self.side} pixels is not made: choose {SMALLEST} to {LARGEST}.")
        if not 0.2 <= self.seconds <= LONGEST:
            raise VAEError(f"A film of {self.seconds:g} seconds is not made: choose 0.2 to {LONGEST:g}.")

    @property
    def rate(self) -> int:
        """Pictures a second."""
        return RATES.get(self.kind, 1)

    @property
    def frames(self) -> int:
        """How many different pictures the film needs, at least 2: back is the same ones again."""
        shown = round(self.seconds * self.rate)
        return max(2, shown // 2 + 1 if self.order == "there and back" else shown)

    @property
    def too_large(self) -> bool:
        """Whether square pictures of it would be refused."""
        return self.frames * self.side**2 > MOST_PIXELS[self.kind]


def make_film(pixels: Pixels, cut: Cut, words: Sequence[str] | None = None) -> bytes:
    """The file of a film.

    Args:
        pixels: (F, H, W, C) uint8, C = 1 or 3; `cut.frames` of them play for `cut.seconds`.
        words: for each picture a line beneath it; none: no band.

    Returns:
        The same bytes every time for GIF and PNG.

    Raises:
        VAEError: no pictures, not as many words, a film too large to make, or MP4 where the package `av` is missing.
    """
    if pixels.ndim != 4 or not len(pixels) or pixels.shape[-1] not in (1, 3):
        raise VAEError(f"A film is made of pictures (F, H, W, 1 or 3), and here are {pixels.shape}.")
    if words and len(words) != len(pixels):
        raise VAEError(f"{len(words)} lines do not go with {len(pixels)} pictures.")
    width, height = size_of(pixels, cut.side)
    if len(pixels) * width * height > MOST_PIXELS[cut.kind]:
        raise VAEError(TOO_LARGE)
    lines: Sequence[str | None] = words or [None] * len(pixels)
    frames = [_frame(picture, cut.side, line) for picture, line in zip(pixels, lines, strict=True)]
    if cut.kind == "png":
        return render.png(render.strip(np.stack(frames), gap=max(2, cut.side // 64)))
    if cut.kind == "gif":
        return render.gif(np.stack(frames), fps=cut.rate, there_and_back=cut.order == "there and back")
    there_and_back = [*frames, *frames[-2:0:-1]] if cut.order == "there and back" else frames
    return _webp(there_and_back, cut.rate) if cut.kind == "webp" else _mp4(there_and_back, cut.rate)


def size_of(pixels: Pixels, side: int) -> tuple[int, int]:
    """(width, height) of pictures (..., H, W, C) whose longer side becomes `side`."""
    height, width = pixels.shape[-3:-1]
    longer = max(width, height)
    return max(1, round(width * side / longer)), max(1, round(height * side / longer))


def sized(picture: Pixels, side: int) -> Pixels:
    """A picture (H, W, C) so that its longer side has exactly `side` pixels.

    A small one is enlarged as squares, whose edges are mixed where they do not fall on whole pixels; a larger one is
    smoothed.
    """
    image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else np.ascontiguousarray(picture))
    size = size_of(picture, side)
    if max(image.size) <= _SMALL:
        times = -(-side // max(image.size))
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
        image = image.resize(size, Image.Resampling.BOX)
    else:
        image = image.resize(size, Image.Resampling.LANCZOS)
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _frame(picture: Pixels, side: int, words: str | None) -> Pixels:
    """A picture at its size, with its line beneath it, white on black."""
    enlarged = sized(picture, side)
    if words is None:
        return enlarged
    height, width, channels = enlarged.shape
    band = Image.new("L", (width, max(14, round(_BAND * side))), 0)
    pen, room = ImageDraw.Draw(band), band.width - 6
    size = 0.62 * band.height
    font = ImageFont.load_default(size)
    if (length := pen.textlength(words, font)) > room:
        font = ImageFont.load_default(max(8, size * room / length))
        while len(words) > 1 and pen.textlength(words, font) > room:  # too long even so
            words = words[:-1]
    pen.text((band.width / 2, band.height / 2), words, 255, font, anchor="mm")
    line = np.repeat(np.asarray(band)[:, :, None], channels, axis=2)
    return np.concatenate([enlarged, line])


def _webp(frames: Sequence[Pixels], rate: int) -> bytes:
    """An animated WebP that repeats for ever. Colours stay, and what is lost is not seen."""
    images = [Image.fromarray(np.repeat(f, 3, axis=2) if f.shape[2] == 1 else f) for f in frames]
    # Whole milliseconds that add up: 33, 34, 33, ... for 30 pictures a second.
    ends = [round(1000 * number / rate) for number in range(len(images) + 1)]
    lasts = [b - a for a, b in zip(ends[:-1], ends[1:], strict=True)]
    file = io.BytesIO()
    images[0].save(file, "WEBP", save_all=True, append_images=images[1:], duration=lasts, loop=0, quality=90, method=2)
    return file.getvalue()


def _mp4(frames: Sequence[Pixels], rate: int) -> bytes:
    """An MP4 that phones, browsers and slides play: H.264, colour halved in size, sides even."""
    try:
        import av  # 100 MB on the disk, so an extra; and only here
    except ImportError:
        raise VAEError(NO_MP4) from None
    height, width = (side + side % 2 for side in frames[0].shape[:2])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=rate, options={"crf": "17", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in _padded(frames, height, width):
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                film.mux(packet)
        for packet in stream.encode():
            film.mux(packet)
    return file.getvalue()


def _padded(frames: Sequence[Pixels], height: int, width: int) -> Iterator[Pixels]:
    """In three channels, an odd side made even by its last line once more."""
    for frame in frames:
        more = ((0, height - frame.shape[0]), (0, width - frame.shape[1]), (0, 0))
        colours = np.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame
        yield np.ascontiguousarray(np.pad(colours, more, mode="edge"))


def has_mp4() -> bool:
    """Whether MP4 can be made here."""
    from importlib.util import find_spec

    return find_spec("av") is not None
