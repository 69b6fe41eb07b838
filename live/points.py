"""The dots of a map, as a browser takes them: where each lies, what colours it, what it is called.

A payload is a head and columns, little-endian: the head's length (u32), the head (JSON, filled up with blanks to a
multiple of four bytes), then one number for each image in the order of the encodings, column after column.

    a view     x u16, y u16; of two dimensions of a VAE's codes also their std, u16 and u16
    a colour   class u8 (u16 where there are more than 256), or amount u8
    "name"     u32: the row within its split, and 2^31 more for a test image

Whole numbers stand for fractions of a range that the head names: 65,535 steps over the width of a map are finer than
any screen, and a quarter of the bytes.
"""

import json
from collections import OrderedDict
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from live.engine import Engine, ModelEntry
from vae import data
from vae.data.images import worded
from vae.encodings import SPLITS, Encodings
from vae.errors import VAEError
from vae.explore.codes import Floats
from vae.explore.views import dims_of, view_xy

if TYPE_CHECKING:
    from vae.explore.anywhere import Ground

STEPS = 65_535  # of a coordinate
LEVELS = 255  # of an amount
RANGE = (0.01, 0.99)  # quantiles between which an amount has its colours: a few outliers would grey the rest
NAMED = 50_000  # images at most whose own names are sent
HELD = 24  # payloads and maps kept for each model; of two dimensions there may be thousands

# Okabe and Ito's eight (2008), told apart by colour-blind eyes, and two more for ten classes.
CLASS_COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9",
    "#d55e00", "#b8a700", "#7f7f7f", "#6a3d9a", "#a6761d",
)  # fmt: skip
# Blue over grey to yellow in even steps of lightness (a straight line in Oklab): it reads the same to colour-blind eyes
# and in grey, and neither end is lost on a light or on a dark page.
RAMP = (
    "#1f4fa3", "#3a629f", "#53749b", "#6d8494", "#87948c", "#a2a381", "#bdb273", "#d8c15f", "#f4cf3f",
)  # fmt: skip
AMOUNTS = {"kl": ("KL", "nats per image"), "error": ("reconstruction error", "per pixel")}

_made: "WeakKeyDictionary[Encodings, OrderedDict[str, Any]]" = WeakKeyDictionary()
_lock = RLock()


# ---- maps ----------------------------------------------------------------------------------------------------------


def xy(engine: Engine, entry: ModelEntry, view: str) -> Floats:
    """Map coordinates (N, 2) of a view, read-only; see `vae.explore.views`."""
    return _once(engine, entry, f"xy {view}", lambda known: _frozen(view_xy(known.mu, known.maps, view)))


def ground(engine: Engine, entry: ModelEntry, view: str) -> "Ground":
    """A view, ready to be asked what code lies where (vae.explore.anywhere)."""
    from vae.explore import anywhere

    return _once(engine, entry, f"ground {view}", lambda known: anywhere.ground(known.mu, xy(engine, entry, view)))


# ---- what is sent --------------------------------------------------------------------------------------------------


def points_payload(engine: Engine, entry: ModelEntry, view: str) -> bytes:
    """Where every image of a model lies on a view: "umap", "pca", or two dimensions as "3,0".

    The head says {"count", "low": [x, y], "high": [x, y], "dims": [3, 0] or null, "std": the largest of each or null};
    step q of x stands for low + q / 65,535 * (high - low), of a std for q / 65,535 of the largest.

    Raises:
        VAEError: there is no such view, or the model has no encodings.
    """

    def make(known: Encodings) -> bytes:
        where = xy(engine, entry, view)
        low, high = where.min(axis=0), where.max(axis=0)
        head: dict[str, Any] = {"count": len(known), "low": low.tolist(), "high": high.tolist(), "std": None}
        columns = steps(where, low, high)
        head["dims"] = None if view in known.maps or view == "pca" else dims_of(view, known.latent_dim)
        if head["dims"] and not known.point:
            std = np.exp(known.logvar[:, head["dims"]] / 2)
            widest = std.max(axis=0)
            head["std"] = widest.tolist()
            columns += steps(std, np.zeros(2, np.float32), widest)
        return packed(head, columns)

    return _once(engine, entry, f"points {view}", make)


def colours_payload(engine: Engine, entry: ModelEntry, colour: str) -> bytes:
    """What colours every image: "label", "attribute:NAME", "kinds:NAME", "kl", "error", "split"; or "name".

    The head says {"count", "kind", "title"} and
      of "classes": "names" and "colours" of the classes, "bytes" of a number (1 or 2);
      of an "amount": "unit", "low", "high" (level 0 and level 255; what lies outside is clipped), "ramp" of colours;
      of "names", what an image is called by: nothing more.

    Raises:
        VAEError: this model's data know no such thing.
    """

    def make(known: Encodings) -> bytes:
        if colour == "name":
            called = known.index.astype(np.uint32) | (known.split.astype(np.uint32) << 31)
            return packed({"count": len(known), "kind": "names", "title": "name"}, [called])
        values, names = column(known, colour)
        title, unit = AMOUNTS.get(colour, (words(colour), ""))
        unit = worded(unit, entry.shape)
        if names:
            bytes_ = 1 if len(names) <= 256 else 2
            colours = [CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in range(len(names))]
            head = {"count": len(known), "kind": "classes", "title": title, "names": names, "colours": colours}
            return packed(head | {"bytes": bytes_}, [values.astype(np.uint8 if bytes_ == 1 else np.uint16)])
        if not np.isfinite(values).all():
            raise VAEError(f"{title.capitalize()} is not a finite number for every image: choose another colour.")
        low, high = (float(end) for end in np.quantile(values, RANGE))
        span = high - low or 1.0
        levels = np.clip(np.rint((values - low) / span * LEVELS), 0, LEVELS).astype(np.uint8)
        head = {"count": len(known), "kind": "amount", "title": title, "unit": unit, "low": low, "high": high}
        return packed(head | {"ramp": RAMP}, [levels])

    return _once(engine, entry, f"colours {colour}", make)


def files_payload(engine: Engine, entry: ModelEntry) -> bytes:
    """What every image is called by who brought it: {"count", "kind": "files", "title", "files"}, and no columns.

    Raises:
        VAEError: the images have no names of their own, they are gone, or there are too many to send.
    """

    def make(known: Encodings) -> bytes:
        if len(known) > NAMED:
            raise VAEError(f"The names of more than {NAMED:,} images are not sent.")
        files: list[str] = []
        names = [data.file_names(entry.data, split) for split in SPLITS]
        for split, index in zip(known.split.tolist(), known.index.tolist(), strict=True):
            of = names[split]
            if of is None or index >= len(of):
                raise VAEError("The images of this model have no names of their own.")
            files.append(of[index])
        return packed({"count": len(known), "kind": "files", "title": "file", "files": files}, [])

    if not data.on_machine(entry.data):  # the names of a set that was deleted are not told from memory
        raise VAEError("The images of this model are no longer here, and their names are not either.")
    return _once(engine, entry, "files", make)


def kinds(known: Encodings) -> dict[str, list[int]]:
    """Columns that were brought with a few kinds, "treatment", and which attributes, "treatment: low", are theirs."""
    found: dict[str, list[int]] = {}
    for at, name in enumerate(known.attribute_names):
        of, between, _ = name.partition(": ")
        if between:
            found.setdefault(of, []).append(at)
    return {name: places for name, places in found.items() if len(places) > 1}


def column(known: Encodings, colour: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """What a dot is coloured by: (N,) class numbers with their names, or (N,) of a quantity and no names.

    Raises:
        VAEError: this model's data know no such thing.
    """
    what, _, name = colour.partition(":")
    if colour == "label" and known.labels is not None and len(known.label_names) <= 65_536:
        return known.labels, known.label_names
    if colour == "split":
        return known.split, ("training", "test")
    if colour == "kl" and not known.point:
        return known.kl(), ()
    if colour == "error":
        return known.recon_error, ()
    if what == "kinds" and known.attributes is not None and name in kinds(known):
        places = kinds(known)[name]
        of_each = known.attributes[:, places]
        if (of_each.sum(axis=1) == 1).all() and np.isin(of_each, (0, 1)).all():
            return of_each.argmax(axis=1), tuple(known.attribute_names[at].partition(": ")[2] for at in places)
    if what == "attribute" and known.attributes is not None and name in known.attribute_names:
        values = known.attributes[:, known.attribute_names.index(name)]
        return (values, (f"no {words(colour)}", words(colour))) if np.isin(values, (0, 1)).all() else (values, ())
    raise VAEError(f"This model's data know nothing called “{name or colour}”: choose another colour.")


def words(colour: str) -> str:
    """A colour for people: "attribute:long_hair" is "long hair"."""
    return (colour.partition(":")[2] or colour).replace("_", " ")


# ---- bytes ---------------------------------------------------------------------------------------------------------


def steps(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """The columns of (N, K) in steps between low (K,) and high (K,), uint16."""
    span = np.where(high > low, high - low, 1).astype(np.float64)
    return list(np.rint((values - low) / span * STEPS).clip(0, STEPS).astype("<u2").T)


def packed(head: dict[str, Any], columns: list[np.ndarray]) -> bytes:
    """A payload: the head, then the columns (see above)."""
    written = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    written += b" " * (-len(written) % 4)
    body = [column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes() for column in columns]
    return b"".join([len(written).to_bytes(4, "little"), written, *body])


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def _once(engine: Engine, entry: ModelEntry, what: str, make: Callable[[Encodings], Any]) -> Any:
    """Made at the first call and kept as long as the encodings it was made of: a model encoded anew gets it anew."""
    known = engine.encodings(entry)
    with _lock:
        held = _made.setdefault(known, OrderedDict())
        if what in held:
            held.move_to_end(what)
            return held[what]
    made = make(known)  # not under the lock: a second for a million codes, and others' maps need not wait
    with _lock:
        held[what] = held.get(what, made)
        while len(held) > HELD:
            held.popitem(last=False)
        return held.get(what, made)
