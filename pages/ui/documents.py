"""Words, numbers, codes and places as JSON, and back: strictly, because a document can come from anywhere.

What is written here is read again exactly: a code comes back with the same bits, so its picture has the same pixels.
What is read is all of it bad until shown good. A refusal is one line.
"""

import base64
import binascii
import json
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from live.engine import ModelEntry
from pages.ui import cache
from pages.ui.cache import Code
from pages.ui.state import Place
from vae.errors import VAEError

FARTHEST = 1e6  # no code of a model lies out there
_ODD = {"[": "(", "]": ")", "<": "‹", ">": "›", "`": "'"}  # marks in places that read Markdown
T = TypeVar("T")


def refused(why: str) -> VAEError:
    return VAEError(f"This is no session that Muscope wrote, so nothing was changed: {why}.")


# ---- JSON ----------------------------------------------------------------------------------------------------------


def packed(document: dict[str, Any]) -> bytes:
    """A document as bytes: the same document, the same bytes."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


def unpacked(data: bytes) -> dict[str, Any]:
    """The document in some bytes. VAEError: they are not JSON, say one thing twice, or are nested without end."""
    try:
        found = json.loads(data, parse_constant=_no_number, object_pairs_hook=_said_once)
    except (ValueError, RecursionError) as error:
        raise refused("it is not JSON, or was cut off") from error
    if not isinstance(found, dict):
        raise refused("it holds no object")
    return found


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


# ---- what is read --------------------------------------------------------------------------------------------------


def fields(value: object, what: str, must: Collection[str], may: Collection[str] = ()) -> dict[str, Any]:
    """An object that has all of `must`, and of the rest nothing but `may`."""
    if not isinstance(value, dict) or not set(must) <= value.keys() or not value.keys() <= {*must, *may}:
        raise refused(f"{what} does not have the fields it should have")
    return value


def items(value: object, what: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise refused(f"{what} is no list of {most:,} at most")
    return value


def each(read: Callable[[Any], T], value: object, what: str, most: int) -> list[T]:
    """Every entry of a list, read."""
    return [read(one) for one in items(value, what, most)]


def text(value: object, what: str, most: int) -> str:
    """A line of words. Nothing in it is a mark or an order to a screen, whatever it was."""
    if not isinstance(value, str) or len(value) > most:
        raise refused(f"{what} is no line of {most} letters at most")
    kept = (_ODD.get(letter, letter) for letter in value if unicodedata.category(letter)[0] != "C")
    return " ".join("".join(kept).split())


def named(value: object, what: str, options: Collection[str]) -> str:
    """One of some names."""
    if not isinstance(value, str) or value not in options:
        raise refused(f"{what} is none that is here")
    return value


def whole(value: object, what: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise refused(f"{what} is no whole number from {low} to {high:,}")
    return value


def number(value: object, what: str, reach: float = FARTHEST) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= reach:
        raise refused(f"{what} is no number between {-reach:g} and {reach:g}")
    return float(value)


# ---- codes and places ----------------------------------------------------------------------------------------------


def write_code(code: Sequence[float]) -> str:
    """Numbers to the bit: as float32 where that holds them, else as float64."""
    exact = np.array(code, "<f8")
    with np.errstate(over="ignore"):
        short = exact.astype("<f4")
    same = np.array_equal(short.astype("<f8"), exact)
    return f"f4:{_base64(short)}" if same else f"f8:{_base64(exact)}"


def read_code(value: object, size: int) -> Code:
    """The (size,) numbers that `write_code` wrote."""
    kind, _, digits = value.partition(":") if isinstance(value, str) else ("", "", "")
    wide = {"f4": 4, "f8": 8}.get(kind, 0)
    data = _unbase64(digits, size * wide) if wide else b""
    if not data:
        raise refused(f"a code is not one of {size} numbers")
    with np.errstate(invalid="ignore"):  # some kinds of "no number" are said to be invalid as they are read
        found = np.frombuffer(data, f"<{kind}").astype(float)
    if not (np.abs(found) <= FARTHEST).all():  # not a number is not within it either
        raise refused("a code has numbers that no code has")
    return tuple(found.tolist())


def write_rows(rows: np.ndarray, count: int) -> str:
    """Which of `count` images: a bit for each."""
    mask = np.zeros(count, bool)
    mask[rows] = True
    return _base64(np.packbits(mask))


def read_rows(value: object, count: int) -> np.ndarray:
    """(K,) int64 in order, at least one, as `write_rows` wrote them."""
    data = _unbase64(value, (count + 7) // 8) if isinstance(value, str) else b""
    rows = np.flatnonzero(np.unpackbits(np.frombuffer(data, np.uint8)))
    if not len(rows) or rows[-1] >= count:
        raise refused("a group has no images, or some that are not here")
    return rows


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _unbase64(value: str, size: int) -> bytes:
    """That many bytes; none where it is something else."""
    if len(value) != 4 * ((size + 2) // 3):
        return b""
    try:
        found = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if len(found) == size else b""


def write_place(place: Place) -> dict[str, Any]:
    if place.image_id is not None:
        return {"image": place.image_id}
    return {"code": write_code(place.code), "caption": place.caption}


def read_place(value: object, entry: ModelEntry) -> Place:
    """A place of a model. An image's code and its words are the model's own, whatever a document says."""
    if isinstance(value, dict) and "image" in value:
        image_id = read_image(fields(value, "a place", ("image",))["image"], entry)
        return Place(cache.code_of(entry.model_id, image_id), image_id, cache.caption_of(entry.model_id, image_id))
    said = fields(value, "a place", ("code", "caption"))
    return Place(read_code(said["code"], entry.latent_dim), None, text(said["caption"], "a caption", 400))


def read_image(value: object, entry: ModelEntry) -> str:
    """The id of an image that the model knows."""
    if not isinstance(value, str) or len(value) > 40 or not cache.has_image(entry.model_id, value):
        raise refused("it names an image that this model does not know")
    return value


def write_places(places: Iterable[Place]) -> list[dict[str, Any]]:
    return [write_place(place) for place in places]
