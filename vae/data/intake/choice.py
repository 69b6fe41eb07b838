"""What a person chooses before a data set is made of her files, and what was understood of them: frozen, as JSON."""

import base64
import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from vae.data.images import MAX_SIDE, MIN_SIDE
from vae.data.paint import is_colour, rgb
from vae.errors import VAEError

FITS = ("crop", "pad")
COLOURS = ("keep", "grey", "colour")
KINDS = ("", "images", "vectors")
SCALES = ("", "column", "together")
COLUMN_KINDS = ("label", "number", "yes/no", "text", "path")
READINGS = ("number", "kinds", "leave")  # what a column is read as


@dataclass(frozen=True)
class Channel:
    """One channel of an image: its name, its colour in pictures, and the window of intensities that becomes 0 to 255.

    Attributes:
        colour: "#rrggbb", used where channels are painted into one picture.
        low, high: in the image's own numbers: what is darker than `low` is black, brighter than `high` is full.
    """

    name: str
    colour: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not is_colour(self.colour):
            raise VAEError(f"The colour of channel {self.name} is {self.colour!r}: give one like #00ff00.")
        if not (_is_number(self.low) and _is_number(self.high) and self.low < self.high):
            raise VAEError(
                f"The window of channel {self.name} runs from {self.low} to {self.high}: give low below high."
            )

    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        return rgb(self.colour)


@dataclass(frozen=True)
class Choice:
    """How a data set shall be made. What is None or empty is chosen well (`Understood.suggested` says how).

    Attributes:
        kind: "images", "vectors", or "" for what the files look like.
        side: (height, width) in pixels, 8 to 128 each, or None.
        fit: "crop" cuts what stands over; "pad" puts a border around what is too narrow.
        colour: "keep" (grey where every image is grey), "grey", or "colour" (channels painted into one picture).
        label_column, split_column, path_column: names of columns, "" for none, None for the suggested one. A split
            column says train and test by name, or else names what belongs together: a patient, a video.
        channels: window and colour of each channel, () for the suggested ones.
        array: the array of an .npz that holds the images or rows, "" for the suggested one.
        values: the columns of a table that are the vector, () for every column of numbers that is nothing else.
        scale: how vectors come into [0, 1]: each "column" by its own range, all "together", or "" for what suits.
        readings: (column, "number", "kinds" or "leave") of the columns of which somebody said what they are.
        without_flat: leave out images that are of one value all over.
    """

    kind: str = ""
    side: tuple[int, int] | None = None
    fit: str = "crop"
    colour: str = "keep"
    label_column: str | None = None
    split_column: str | None = None
    path_column: str | None = None
    channels: tuple[Channel, ...] = ()
    array: str = ""
    values: tuple[str, ...] = ()
    scale: str = ""
    readings: tuple[tuple[str, str], ...] = ()
    without_flat: bool = False

    def __post_init__(self) -> None:
        for what, value, allowed in (
            ("kind", self.kind, KINDS),
            ("fit", self.fit, FITS),
            ("colour", self.colour, COLOURS),
            ("scale", self.scale, SCALES),
        ):
            if value not in allowed:
                raise VAEError(f"{what} is {value!r}: choose {' or '.join(repr(one) for one in allowed if one)}.")
        if self.side is not None and not (
            len(self.side) == 2 and all(isinstance(one, int) and MIN_SIDE <= one <= MAX_SIDE for one in self.side)
        ):
            raise VAEError(f"The size is {self.side}: give height and width of {MIN_SIDE} to {MAX_SIDE} pixels.")
        for name, reading in self.readings:
            if reading not in READINGS:
                raise VAEError(f"Column {name} is read as {reading!r}: choose {' or '.join(map(repr, READINGS))}.")

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `json.dumps`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> "Choice":
        """The same from what `json.loads` gave.

        Raises:
            VAEError: a field too many, or a value of another kind.
        """
        what = _fields(cls, value, "A choice")
        try:
            side = what.get("side")
            return cls(
                kind=_text(what.get("kind", "")),
                side=None if side is None else tuple(side),
                fit=_text(what.get("fit", "crop")),
                colour=_text(what.get("colour", "keep")),
                label_column=_text_or_none(what.get("label_column")),
                split_column=_text_or_none(what.get("split_column")),
                path_column=_text_or_none(what.get("path_column")),
                channels=tuple(Channel(**_fields(Channel, one, "A channel")) for one in what.get("channels", ())),
                array=_text(what.get("array", "")),
                values=tuple(_text(one) for one in what.get("values", ())),
                scale=_text(what.get("scale", "")),
                readings=tuple((_text(name), _text(reading)) for name, reading in what.get("readings", ())),
                without_flat=_truth(what.get("without_flat", False)),
            )
        except (TypeError, ValueError, AttributeError):
            raise VAEError("The choice is damaged (a value of another kind): choose again.") from None


@dataclass(frozen=True)
class Column:
    """One column that came along.

    Attributes:
        kind: what it looks like: "label", "number", "yes/no", "text" or "path".
        distinct: how many different values. examples: the first of them.
        numeric: whether every cell that is not empty is a number.
        reading: what it is read as: "number", "kinds" or "leave".
        use: where it will be found, or why not, in a few words.
    """

    name: str
    kind: str
    distinct: int
    examples: tuple[str, ...] = ()
    numeric: bool = False
    reading: str = "leave"
    use: str = ""


@dataclass(frozen=True)
class Understood:
    """What was understood of a person's files, before anything is kept.

    Attributes:
        kind: "images" or "vectors".
        source: a few words: "a zip of 400 images".
        count: images or rows that will be used.
        shape: (C, H, W) or (D,), as they will be trained on.
        sizes: (width, height, how many), as they came, the most frequent first, at most 12.
        channels: name, colour and window of each channel, as used.
        classes: (name, how many), () where there are none.
        columns: every column that came along.
        arrays: names of the arrays of an .npz that could be the images.
        split: one sentence on how train and test are told apart; train_size, test_size.
        attributes: the columns that become attributes.
        left_out: (file, why), at most 200; left_out_count: all of them.
        crops: one sentence on what is cut or bordered, "" where nothing is.
        suggested: the choice with nothing left open; what was chosen already stays.
        warnings: plain sentences.
        flat: how many images are of one value all over.
        histograms: (lowest, highest, 64 counts) of each channel of images with windows, () of other images.
        previews: up to 24 pictures as PNG files, as they will be trained on, and `preview_names`.
    """

    kind: str
    source: str
    count: int
    shape: tuple[int, ...]
    sizes: tuple[tuple[int, int, int], ...]
    channels: tuple[Channel, ...]
    classes: tuple[tuple[str, int], ...]
    columns: tuple[Column, ...]
    arrays: tuple[str, ...]
    split: str
    train_size: int
    test_size: int
    attributes: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    left_out_count: int
    crops: str
    suggested: Choice
    warnings: tuple[str, ...]
    preview_names: tuple[str, ...] = ()
    flat: int = 0
    histograms: tuple[tuple[float, float, tuple[int, ...]], ...] = ()
    previews: tuple[bytes, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for `json.dumps`; the previews in base64."""
        plain = asdict(replace(self, previews=()))
        return plain | {"previews": [base64.b64encode(png).decode() for png in self.previews]}

    @classmethod
    def from_json(cls, value: object) -> "Understood":
        """The same from what `json.loads` gave.

        Raises:
            VAEError: a field too many or too few, or a value of another kind.
        """
        what = _fields(cls, value, "What was understood")
        try:
            return cls(
                kind=_text(what["kind"]),
                source=_text(what["source"]),
                count=int(what["count"]),
                shape=tuple(int(one) for one in what["shape"]),
                sizes=tuple((int(width), int(height), int(count)) for width, height, count in what["sizes"]),
                channels=tuple(Channel(**_fields(Channel, one, "A channel")) for one in what["channels"]),
                classes=tuple((_text(name), int(count)) for name, count in what["classes"]),
                columns=tuple(_column(one) for one in what["columns"]),
                arrays=tuple(_text(one) for one in what["arrays"]),
                split=_text(what["split"]),
                train_size=int(what["train_size"]),
                test_size=int(what["test_size"]),
                attributes=tuple(_text(one) for one in what["attributes"]),
                left_out=tuple((_text(name), _text(why)) for name, why in what["left_out"]),
                left_out_count=int(what["left_out_count"]),
                crops=_text(what["crops"]),
                suggested=Choice.from_json(what["suggested"]),
                warnings=tuple(_text(one) for one in what["warnings"]),
                preview_names=tuple(_text(one) for one in what["preview_names"]),
                flat=int(what["flat"]),
                histograms=tuple(
                    (float(low), float(high), tuple(int(one) for one in counts))
                    for low, high, counts in what["histograms"]
                ),
                previews=tuple(base64.b64decode(one, validate=True) for one in what["previews"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise VAEError("What was understood of the files came back damaged: try once more.") from None


def _column(value: object) -> Column:
    what = _fields(Column, value, "A column")
    kind = _text(what["kind"])
    reading = _text(what["reading"])
    if kind not in COLUMN_KINDS or reading not in READINGS:
        raise ValueError(kind)
    examples = tuple(_text(one) for one in what["examples"])
    numeric = _truth(what["numeric"])
    return Column(_text(what["name"]), kind, int(what["distinct"]), examples, numeric, reading, _text(what["use"]))


def _fields(cls: type, value: object, what: str) -> dict[str, Any]:
    known = {one.name for one in fields(cls)}
    if not isinstance(value, dict) or set(value) - known:
        raise VAEError(f"{what} is damaged (a field that nobody knows): choose again.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
