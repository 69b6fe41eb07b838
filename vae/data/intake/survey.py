"""Looking through rows before anything is kept: what can be read, how large, how bright, grey or not; and from that a
choice with nothing left open."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from vae.data.images import MAX_BYTES
from vae.data.intake import columns, fit, meanings, windows
from vae.data.intake.choice import Channel, Choice, Column
from vae.data.intake.given import Unreadable, said_size
from vae.data.intake.limits import PREVIEWS
from vae.data.intake.pictures import Picture
from vae.data.intake.source import Source
from vae.data.intake.windows import Numbers
from vae.errors import VAEError

Progress = Callable[[int, int], None]


FLAT = "it is of one value all over"


@dataclass
class Plan:
    """A source and how a data set is made of it, nothing left open.

    Attributes:
        source: rows in the order of the set, those that were seen to be unreadable gone.
        choice: resolved. channels: of the images as they come.
        plain: ordinary pictures, 8 bits; else numbers with windows. grey: plain ones of which none has a colour.
        sure: whether every image was looked at.
        shape: (C, H, W) or (D,).
        known: the columns. test: (N,) bool. split: the sentence about it.
        sizes: (width, height) -> how many. smaller: images that are enlarged.
        flat: names of images that are of one value all over in their windows. dark: how many of them are black.
        other_numbers: names of those among them that hold fractions where most hold whole numbers, or the reverse.
        histograms: of each channel, of images with windows.
    """

    source: Source
    choice: Choice
    channels: tuple[Channel, ...]
    plain: bool
    grey: bool
    sure: bool
    shape: tuple[int, ...]
    known: list[Column]
    test: np.ndarray
    split: str
    sizes: "Counter[tuple[int, int]]"
    smaller: int = 0
    flat: tuple[str, ...] = ()
    dark: int = 0
    other_numbers: tuple[str, ...] = ()
    histograms: tuple[windows.Histogram, ...] = ()

    def no_attributes(self) -> set[str]:
        """Columns that are something else: the class, the split, a path, the vector itself."""
        choice = self.choice
        return {choice.label_column or "", choice.split_column or "", self.source.path_column, *choice.values}

    def made(self, picture: Picture) -> np.ndarray:
        """(H, W, C) uint8 of one image as it is trained on.

        Raises:
            Unreadable: not of the kind of the others.
        """
        assert self.choice.side is not None
        pixels = picture.pixels
        if picture.plain != self.plain or (not self.plain and pixels.shape[2] != len(self.channels)):
            raise Unreadable(other_kind(picture, self.plain, len(self.channels)))
        if self.plain:
            pixels = _as_many(pixels, len(self.channels))
        small = fit.windowed(fit.resized(pixels, self.choice.side, self.choice.fit), self.channels)
        if self.choice.without_flat and (small == small[:1, :1]).all():
            raise Unreadable(FLAT)
        return fit.coloured(small, self.choice.colour, self.channels)


def plan(source: Source, choice: Choice, seconds: float, progress: Progress | None = None) -> Plan:
    """Look through a source for at most so many seconds, and settle what was left open.

    Raises:
        VAEError: nothing that can be used, or a choice that does not fit.
    """
    order = sorted(range(len(source)), key=lambda row: columns.digest(source.names[row]))
    source = source.keep(np.array(order, np.int64))
    if source.kind == "images":
        return _images(source, choice, seconds, progress)
    return _vectors(source, choice)


# ---- images --------------------------------------------------------------------------------------------------------


@dataclass
class _Seen:
    """What was seen of the images so far."""

    kinds: "Counter[int]"  # 0 for plain pictures, else how many channels
    kind: list[int]  # of each row that was read
    size: list[tuple[int, int]]
    numbers: Numbers
    coloured: bool = False


def _images(source: Source, choice: Choice, seconds: float, progress: Progress | None) -> Plan:
    until = time.monotonic() + seconds
    total = len(source)
    good: list[int] = []
    seen = _Seen(Counter(), [], [], Numbers())
    looked = 0
    for row in range(total):
        if row >= 2 * PREVIEWS and time.monotonic() > until:
            break
        looked += 1
        try:
            picture = read_row(source, row)
        except Unreadable as why:
            source.left_out.add(source.names[row], str(why))
            continue
        _note(seen, picture)
        good.append(row)
        if progress is not None and row % 50 == 0:
            progress(row, total)
    if not good:
        first = source.left_out.listed[0] if source.left_out.listed else ("", "there is none")
        raise VAEError(f"No image can be read: {first[0]} ({first[1]}). Give others.")
    kind = seen.kinds.most_common(1)[0][0]
    alike = [at for at, one in enumerate(seen.kind) if one == kind]
    for at, row in enumerate(good):
        if seen.kind[at] != kind:
            source.left_out.add(source.names[row], _other(seen.kind[at], kind))
    plain, sure = kind == 0, looked == total
    grey = plain and not seen.coloured
    whole = seen.numbers.mostly_whole(alike)
    channels = windows.channels(choice, kind, grey, seen.numbers, alike)
    flat = {at: value for at in alike if (value := seen.numbers.flat(at, channels)) is not None}
    names = tuple(sorted(source.names[good[at]] for at in flat))
    others = tuple(sorted(source.names[good[at]] for at in flat if kind and seen.numbers.whole[at] != whole))
    if choice.without_flat:
        for name in names:
            source.left_out.add(name, FLAT)
        alike = [at for at in alike if at not in flat]
    sizes = Counter(seen.size[at] for at in alike)
    kept = np.array([good[at] for at in alike] + list(range(looked, total)), np.int64)
    source = source.keep(kept)
    if len(source) < 2:
        raise VAEError("One image alone can be used: at least two are needed, to train and to test.")
    side = choice.side or fit.suggested_side(sizes)
    choice = replace(choice, kind="images", side=side, channels=channels)
    count = {"keep": len(channels), "grey": 1, "colour": 3}[choice.colour]
    shape = (count, *side)
    if len(source) * count * side[0] * side[1] > MAX_BYTES:
        raise VAEError(
            f"{len(source):,} images of {side[1]} x {side[0]} pixels come to more than {said_size(MAX_BYTES)}: "
            "choose a smaller size, or give fewer."
        )
    smaller = sum(many for (width, height), many in sizes.items() if width < side[1] or height < side[0])
    found = Plan(source, choice, channels, plain, grey, sure, shape, [], np.empty(0, bool), "", sizes, smaller)
    found.flat, found.other_numbers, found.dark = names, others, sum(not value for value in flat.values())
    found.histograms = seen.numbers.histograms(kind, whole)
    return _columns(found)


def read_row(source: Source, row: int) -> Picture:
    """One image of a source.

    Raises:
        Unreadable: whatever is wrong with it.
    """
    assert source.picture is not None
    try:
        return source.picture(row)
    except Unreadable:
        raise
    except MemoryError:
        raise Unreadable("it needs too much memory") from None
    except Exception:  # noqa: BLE001  # whatever a reader trips over, one file is no reason to stop
        raise Unreadable("it is damaged") from None


def _note(seen: _Seen, picture: Picture) -> None:
    kind = 0 if picture.plain else picture.pixels.shape[2]
    seen.kinds[kind] += 1
    seen.kind.append(kind)
    seen.size.append((picture.width, picture.height))
    seen.numbers.note(kind, picture.pixels)
    if kind == 0:
        seen.coloured = seen.coloured or coloured(picture.pixels)


def coloured(pixels: np.ndarray) -> bool:
    """Whether (H, W, C) uint8 shows any colour."""
    return pixels.shape[2] == 3 and bool((pixels[..., :1] != pixels[..., 1:]).any())


def other_kind(picture: Picture, plain: bool, count: int) -> str:
    """Why an image does not go with the others."""
    return _other(0 if picture.plain else picture.pixels.shape[2], 0 if plain else count)


def _other(kind: int, most: int) -> str:
    def said(kind: int) -> tuple[str, str]:
        if kind == 0:
            return "ordinary picture", "ordinary pictures (8 bits, grey or in colour)"
        deep = "grey image" if kind == 1 else f"image of {kind} channels"
        return f"{deep} of more than 8 bits", f"{deep.replace('image', 'images')} of more than 8 bits"

    return f"it is {'a' if kind == 1 else 'an'} {said(kind)[0]}, and most are {said(most)[1]}"


def _as_many(pixels: np.ndarray, count: int) -> np.ndarray:
    """Plain pictures with one channel or three, as wanted."""
    if pixels.shape[2] == count:
        return pixels
    if count == 3:
        return np.repeat(pixels, 3, axis=2)
    if not coloured(pixels):
        return pixels[..., :1]
    return fit.coloured(pixels, "grey", ())


# ---- vectors -------------------------------------------------------------------------------------------------------


def _vectors(source: Source, choice: Choice) -> Plan:
    assert source.vectors is not None
    if len(source) < 2:
        raise VAEError("One row alone can be used: at least two are needed, to train and to test.")
    scale = choice.scale or suggested_scale(source.vectors, source.value_names)
    choice = replace(choice, kind="vectors", scale=scale, channels=(), side=None, values=source.value_names)
    shape = (source.vectors.shape[1],)
    return _columns(Plan(source, choice, (), False, False, True, shape, [], np.empty(0, bool), "", Counter()))


def suggested_scale(vectors: np.ndarray, names: tuple[str, ...]) -> str:
    """ "together" for numbers of one kind, such as a time series; "column" for measurements of many kinds."""
    stems = {re.fullmatch(r"(.*?)[-_ .]?\d+(\.\d+)?", name.strip()) for name in names}
    numbered = {None if stem is None else stem[1] for stem in stems}
    spans = np.ptp(vectors / 2, axis=0)
    whole = float(vectors.max() / 2 - vectors.min() / 2)
    alike = bool(np.median(spans) > whole / 10)
    return "together" if alike and len(numbered) == 1 and None not in numbered else "column"


def scaled(vectors: np.ndarray, scale: str) -> np.ndarray:
    """(N, D) float64 to [0, 1] float32; what never changes becomes 0."""
    axis = 0 if scale == "column" else None
    low, high = vectors.min(axis=axis), vectors.max(axis=axis)
    # Halved before they are subtracted: the widest range of float64 is one that float64 cannot hold.
    span = high / 2 - low / 2
    return np.clip((vectors / 2 - low / 2) / np.where(span > 0, span, 1), 0, 1).astype(np.float32)


# ---- columns -------------------------------------------------------------------------------------------------------


def _columns(found: Plan) -> Plan:
    source, choice = found.source, found.choice
    known = [columns.understand(name, cells, name == source.path_column) for name, cells in source.columns.items()]
    said = dict(choice.readings)
    found.known = [replace(one, reading=meanings.read_as(one, len(source), said)) for one in known]
    split = choice.split_column
    if split is None:
        split = columns.suggest_split(found.known, source.columns, source.split_hint)
    label = choice.label_column
    if label is None:
        others = [one for one in found.known if one.name != split and one.name not in said]
        label = columns.suggest_label(others, source.label_hint)
    for what, name in (("label", label), ("split", split)):
        if name and name not in source.columns:
            raise VAEError(f"There is no column {name!r} to {what} by: choose {_choices(source.columns)}.")
    found.test, found.split = columns.split(source.names, source.columns[split] if split else None, split)
    if not 0 < found.test.sum() < len(source):
        raise VAEError(f"Column {split} puts everything on one side: choose another to split by, or none.")
    found.choice = replace(choice, label_column=label, split_column=split, path_column=source.path_column)
    return found


def _choices(names: Iterable[str]) -> str:
    return ", ".join(list(names)[:8]) or "none"
