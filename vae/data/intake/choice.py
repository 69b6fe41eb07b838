"""What a person chooses before a data set is made of her files, and what was understood of them: frozen, as JSON."""

import base64
import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from vae.data.images import MAX_SIDE, MIN_SIDE
from vae.errors import VAEError

FITS = ("crop", "pad")
COLOURS = ("keep", "grey", "colour")
KINDS = ("", "images", "vectors")
SCALES = ("", "column", "together")
COLUMN_KINDS = ("label", "number", "yes/no", "text", "path")
PAINTS = ("#3366ff", "#00ff00", "#ff3333", "#ffff00", "#ff00ff", "#00ffff", "#ff8800", "#ffffff")  # in this order


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
        good = isinstance(self.colour, str) and len(self.colour) == 7 and self.colour[0] == "#"
        if not (good and all(letter in "0123456789abcdefABCDEF" for letter in self.colour[1:])):
            raise VAEError(f"The colour of channel {self.name} is {self.colour!r}: give one like #00ff00.")
        if not (_is_number(self.low) and _is_number(self.high) and self.low < self.high):
            raise VAEError(
                f"The window of channel {self.name} runs from {self.low} to {self.high}: give low below high."
            )

    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        return int(self.colour[1:3], 16), int(self.colour[3:5], 16), int(self.colour[5:7], 16)


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
            )
        except (TypeError, ValueError, AttributeError):
            raise VAEError("The choice is damaged (a value of another kind): choose again.") from None


@dataclass(frozen=True)
class Column:
    """One column that came along: its name, what it looks like, how many different values, and the first of them.

    `kind` is "label", "number", "yes/no", "text" or "path".
    """

    name: str
    kind: str
    distinct: int
    examples: tuple[str, ...] = ()


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
                previews=tuple(base64.b64decode(one, validate=True) for one in what["previews"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise VAEError("What was understood of the files came back damaged: try once more.") from None


def _column(value: object) -> Column:
    what = _fields(Column, value, "A column")
    kind = _text(what["kind"])
    if kind not in COLUMN_KINDS:
        raise ValueError(kind)
    return Column(_text(what["name"]), kind, int(what["distinct"]), tuple(_text(one) for one in what["examples"]))


def _fields(cls: type, value: object, what: str) -> dict[str, Any]:
    known = {one.name for one in fields(cls)}
    if not isinstance(value, dict) or set(value) - known:
        raise VAEError(f"{what} is damaged (a field that nobody knows): choose again.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
