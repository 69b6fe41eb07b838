"""Pictures and rows that a visitor brought: read, shown to the model, and remembered while they stay."""

import base64
import binascii
import math
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import streamlit as st

from live.engine import ModelEntry, as_pictures, shared
from live.points import RAMP
from pages.ui import cache
from pages.ui.cache import Code
from vae import data
from vae.data.brought import BroughtSet
from vae.encodings import SPLITS
from vae.errors import VAEError
from vae.explore import render
from vae.explore.one_image import Redrawn, heat, redrawn, spread
from vae.explore.render import Pixels

PICTURE, ROW, IMAGE = "your picture", "your row", "your image"
SHOWN, DRAWS = 6, 64  # draws of the posterior that are shown, and that a spread is measured on
HELD, REMEMBERED = 12, 6  # of each model: in a visit, and after a reload
GROUND, PLAIN = 16, 32  # images that a model's ground is read from; how far from black or white it may be
_KEY = "muscope.own"


@dataclass(frozen=True)
class Own:
    """One image of a visitor's own: `x` as bytes (float32), so that it can be a key, and the code (mu) of it."""

    x: bytes
    code: Code


@dataclass(frozen=True, eq=False)
class Seen:
    """What a model makes of one image.

    Attributes:
        original, made: PNG files of the image and of its reconstruction.
        draws: PNG files of draws of its posterior; () of a plain autoencoder, which has none.
        unsure: a PNG file of where they differ, with the largest standard deviation; None where there is none, or the
            image is a row.
        fit: how well it is redrawn; None where no test image is known.
    """

    original: bytes
    made: bytes
    draws: tuple[bytes, ...]
    unsure: tuple[bytes, float] | None
    fit: Redrawn | None


def reads_pictures(entry: ModelEntry) -> bool:
    """Whether a picture from a browser can be shown to this model: its images are grey, or red, green and blue."""
    return len(entry.shape) == 3 and entry.shape[0] in (1, 3) and entry.paint is None


def unpack(entry: ModelEntry, text: object) -> Pixels:
    """(1, H, W, C) of the model's shape from what a browser sends: bytes packed by zlib, as base64.

    VAEError: it is something else, or the model reads no pictures.
    """
    if not reads_pictures(entry):
        raise VAEError(f"{entry.title} does not read pictures: choose a model of images.")
    channels, height, width = entry.shape
    found = _unzipped(text, channels * height * width)
    if len(found) != channels * height * width:
        raise VAEError(f"The picture did not arrive whole: it has not {width} x {height} pixels. Choose it again.")
    return np.frombuffer(found, np.uint8).reshape(1, height, width, channels)


def of_set(one: BroughtSet, row: int) -> Pixels:
    """(1, H, W, C): an image of a set that was brought, training rows first. VAEError: it is not there."""
    split, at = ("train", row) if row < one.train_size else ("test", row - one.train_size)
    pixels = data.originals(one.name, split, [at])
    if pixels is None:
        raise VAEError("This data set is no longer here: choose another.")
    return pixels


def as_own(entry: ModelEntry, x: np.ndarray) -> Own:
    """An image x (1, *shape) in [0, 1] with its code."""
    x = np.ascontiguousarray(x, np.float32)
    return Own(x.tobytes(), tuple(shared().mu_of(entry, x)[0].tolist()))


def x_of_pixels(pixels: Pixels) -> np.ndarray:
    """(B, H, W, C) uint8 to x (B, C, H, W) in [0, 1]."""
    return np.moveaxis(pixels, 3, 1).astype(np.float32) / 255


@lru_cache(maxsize=64)  # asked for at each run of a page, and slow: milliseconds for a large picture
def as_text(own: Own) -> str:
    """Its pixels, packed, for the memory that a visit is brought back from; a row keeps all digits."""
    x = np.frombuffer(own.x, np.float32)
    levels = np.rint(x * 255).astype(np.uint8)
    whole = np.array_equal(levels.astype(np.float32) / 255, x)
    return base64.b64encode(zlib.compress(levels.tobytes() if whole else x.astype("<f4").tobytes())).decode()


def of_text(entry: ModelEntry, text: object, code: Code) -> Own:
    """What `as_text` wrote, with its code. VAEError: it is no image of this model."""
    size = math.prod(entry.shape)
    found = _unzipped(text, 4 * size)
    if len(found) not in (size, 4 * size):
        raise VAEError("A picture that was brought is not of this model's size.")
    whole = len(found) == size  # levels of 0 to 255, else numbers with all their digits
    x = np.frombuffer(found, "u1" if whole else "<f4").astype(np.float32) / np.float32(255 if whole else 1)
    if not ((x >= 0) & (x <= 1)).all():
        raise VAEError("A picture that was brought has no such pixels.")
    return Own(x.tobytes(), code)


def _unzipped(text: object, most: int) -> bytes:
    """Bytes packed by zlib, as base64; one more than `most` at most, whatever they claim. VAEError: something else."""
    try:
        packed = zlib.decompressobj()
        found = packed.decompress(base64.b64decode(text, validate=True), most + 1)  # type: ignore[arg-type]
    except (binascii.Error, ValueError, TypeError, zlib.error) as error:
        raise VAEError("The picture did not arrive whole: choose it again.") from error
    if len(found) > most or not packed.eof:
        raise VAEError("The picture did not arrive whole: it has too many pixels. Choose it again.")
    return found


def keep(model_id: str, own: Own) -> None:
    """Remember it, newest last."""
    others = [other for other in _held(model_id) if other.code != own.code]
    st.session_state.setdefault(_KEY, {})[model_id] = [*others, own][-HELD:]


def newest(model_id: str) -> Own | None:
    """The one that was brought last."""
    return next(reversed(_held(model_id)), None)


def original(model_id: str, code: Code) -> bytes | None:
    """The PNG file of the image that has this code, where a visitor brought it."""
    for own in _held(model_id):
        if own.code == code:
            return _png(model_id, own.x)
    return None


def _held(model_id: str) -> list[Own]:
    found: list[Own] = st.session_state.get(_KEY, {}).get(model_id, [])
    return found


def _x(model_id: str, x: bytes) -> np.ndarray:
    return np.frombuffer(x, np.float32).reshape(1, *cache.by_id(model_id).shape)


@lru_cache(maxsize=64)
def _png(model_id: str, x: bytes) -> bytes:
    return render.png(as_pictures(_x(model_id, x), cache.by_id(model_id).paint)[0])


@lru_cache(maxsize=64)
def seen(model_id: str, own: Own) -> Seen:
    """All that is shown of an image. The draws are by a fixed seed, so they are the same for the same image."""
    entry, known, x = cache.by_id(model_id), cache.encodings(model_id), _x(model_id, own.x)
    tested = known.recon_error[known.split == SPLITS.index("test")]
    fit = redrawn(x, shared().x_of(entry, np.array([own.code])), tested) if len(tested) else None
    draws: tuple[bytes, ...] = ()
    unsure = None
    if entry.config.posterior != "point":
        codes = shared().drawn(entry, x, DRAWS, seed=0)
        decoded = shared().decode(entry, codes)  # (DRAWS, H, W, C)
        draws = tuple(map(render.png, decoded[:SHOWN]))
        if len(entry.shape) == 3:
            differ = spread(decoded)
            unsure = render.png(heat(differ, RAMP)), float(differ.max())
    return Seen(_png(model_id, own.x), cache.picture(model_id, own.code), draws, unsure, fit)


@lru_cache(maxsize=64)
def ground(model_id: str) -> str:
    """What lies behind a model's images: "dark", "light", or "" where it is neither or differs from one to the next."""
    known = cache.encodings(model_id)
    pictures = shared().decode(cache.by_id(model_id), known.mu[:: max(1, len(known) // GROUND)][:GROUND])
    edge = np.concatenate([pictures[:, [0, -1]].reshape(-1), pictures[:, :, [0, -1]].reshape(-1)])
    low, high = np.quantile(edge, [0.1, 0.9])
    return "dark" if high < PLAIN else "light" if low > 255 - PLAIN else ""
