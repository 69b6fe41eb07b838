"""One image file to numbers: formats from a short list, at most 25 megapixels, turned as its camera was held,
everything else in it dropped. Meant for the guarded process: a broken file may take its decoder down."""

import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from vae.data.images import MIN_SIDE
from vae.data.intake.given import Item, Unreadable
from vae.data.intake.limits import MAX_CHANNELS, MAX_IMAGE_FILE, MAX_PIXELS

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # what Pillow may open here, whatever a file is called
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"})
TIFFS = frozenset({".tif", ".tiff"})
_DEEP = ("I;16", "I;16L", "I;16B", "I", "F")
_ENOUGH = 256  # pixels on the short side that a JPEG is unpacked to at least


@dataclass(frozen=True, eq=False)
class Picture:
    """One image.

    Attributes:
        pixels: (H, W, C); uint8 of 1 or 3 channels for ordinary pictures, else whatever numbers the file holds.
        width, height: in pixels, as the file has them; `pixels` may be smaller where only a small one is needed.
    """

    pixels: np.ndarray
    width: int
    height: int

    @property
    def plain(self) -> bool:
        """Whether it is an ordinary picture: grey or colour, 8 bits."""
        return self.pixels.dtype == np.uint8 and self.pixels.shape[2] in (1, 3)


def decode(item: Item) -> Picture:
    """One image file.

    Raises:
        Unreadable: damaged, too large, too small, of another format.
    """
    data = item.read(MAX_IMAGE_FILE)
    if not data:
        raise Unreadable("the file is empty")
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        from vae.data.intake import tiff

        return tiff.decode(data)
    return _pillow(data, FORMATS)


def _pillow(data: bytes, formats: tuple[str, ...]) -> Picture:
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a broken tag beside a whole picture
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=formats) as image:
                width, height = image.size
                check_size(width, height)
                if image.format == "JPEG":
                    image.draft(None, (_ENOUGH, _ENOUGH))  # a photograph is unpacked at half its size, or less
                image.load()
                turned = ImageOps.exif_transpose(image)
                if (turned.width < turned.height) != (image.width < image.height):
                    width, height = height, width
                return Picture(_array(turned), width, height)
    except UnidentifiedImageError:
        why = "it is no PNG, JPEG, WebP, GIF, BMP or TIFF"
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        why = f"it has more than {MAX_PIXELS // 1_000_000} million pixels"
    except MemoryError:
        why = "it needs too much memory"
    except Unreadable:
        raise
    except Exception:  # noqa: BLE001  # Pillow's readers raise nearly everything on broken files, and one file is no reason to stop
        why = "it is damaged or cut short"
    raise Unreadable(why)


def check_size(width: int, height: int, channels: int = 1) -> None:
    """Refuse by what the head of a file says, before a single pixel is unpacked.

    Raises:
        Unreadable: too large, too small, too many channels.
    """
    if width * height > MAX_PIXELS:
        raise Unreadable(f"it has {width:,} x {height:,} pixels, more than {MAX_PIXELS // 1_000_000} million")
    if min(width, height) < MIN_SIDE:
        raise Unreadable(f"it has {width} x {height} pixels, and {MIN_SIDE} a side are the least")
    if not 1 <= channels <= MAX_CHANNELS:
        raise Unreadable(f"it has {channels} channels, and {MAX_CHANNELS} are the most")


def _array(image: Any) -> np.ndarray:
    if image.mode in _DEEP:
        pixels = np.asarray(image)
        return _finite(pixels.astype(np.float32) if pixels.dtype.kind == "f" else pixels)[..., None]
    grey = image.mode in ("1", "L", "LA") and "transparency" not in image.info
    flat = _on_white(image).convert("L" if grey else "RGB")
    pixels = np.asarray(flat)
    return pixels[..., None] if grey else pixels


def _on_white(image: Any) -> Any:
    """What shines through is white, since the colour under a transparent pixel is anything at all."""
    from PIL import Image

    if "transparency" not in image.info and image.mode not in ("LA", "PA", "RGBA", "La", "RGBa"):
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _finite(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise Unreadable("it holds numbers that are not finite")
    return pixels


def as_picture(pixels: np.ndarray) -> Picture:
    """(H, W), (H, W, C) or (C, H, W) numbers as an image.

    Raises:
        Unreadable: too many pixels or channels, or numbers that are not finite.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    elif pixels.shape[2] > MAX_CHANNELS or (pixels.shape[0] <= MAX_CHANNELS and pixels.shape[0] < pixels.shape[2]):
        pixels = pixels.transpose(1, 2, 0)
    height, width, channels = pixels.shape
    check_size(width, height, channels)
    if pixels.dtype.kind == "b":
        pixels = pixels.astype(np.uint8)
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise Unreadable("it holds numbers that are not finite")
    return Picture(pixels, width, height)
