"""What is known of a set: `set.json`, read strictly, and whether the tensors beside it are those it speaks of."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from vae.data.images import MAX_BYTES
from vae.data.intake.choice import Channel, Choice
from vae.errors import VAEError

SCHEMA = 1
KIND = "brought"
FACTS, TENSORS, ROWS = "set.json", "set.safetensors", "rows.parquet"
FILE = "file"  # the column of `rows` that holds her own file names; a column of hers that is called so becomes "file_"


@dataclass(frozen=True)
class BroughtSet:
    """What is known of a set: `set.json`.

    Attributes:
        id: 16 hex digits. title: as its owner calls it. kind: "images" or "vectors".
        shape: (C, H, W) or (D,). label_names: () where there are none. label_column: where they came from.
        attribute_names, columns: what came along; `columns` names all of `rows`.
        owner: 12 characters, "" for whoever works on this machine. shared: whether others see it.
        made, expires: ISO times in UTC; `expires` None for never.
        train_size, test_size: rows.
        left_out: (file, why), at most 200; left_out_count: all of them.
        channels: name, colour and window of each channel.
        choice: what was chosen. credit: one line. source: what was given, in a few words.
    """

    id: str
    title: str
    kind: str
    shape: tuple[int, ...]
    label_names: tuple[str, ...]
    label_column: str
    attribute_names: tuple[str, ...]
    columns: tuple[str, ...]
    owner: str
    shared: bool
    made: str
    expires: str | None
    train_size: int
    test_size: int
    left_out: tuple[tuple[str, str], ...]
    left_out_count: int
    channels: tuple[Channel, ...]
    choice: Choice
    credit: str
    source: str

    @property
    def name(self) -> str:
        """What `vae.data.load` takes."""
        return f"{KIND}:{self.id}"

    def __len__(self) -> int:
        return self.train_size + self.test_size

    def to_json(self) -> str:
        """The text of `set.json`."""
        plain = asdict(self) | {"schema": SCHEMA, "choice": self.choice.to_json()}
        del plain["id"]  # its folder's name
        return json.dumps(plain, indent=1, allow_nan=False)


def read_facts(set_id: str, text: str) -> BroughtSet:
    """A set from the text of its `set.json`.

    Raises:
        VAEError: a field too many or too few, or a value of another kind.
    """
    try:
        what = json.loads(text, parse_constant=_refuse)
        known = {one.name for one in fields(BroughtSet)} - {"id"} | {"schema"}
        if set(what) != known or what["schema"] != SCHEMA:
            raise ValueError("fields")
        one = BroughtSet(
            id=set_id,
            title=_text(what["title"]),
            kind=_text(what["kind"]),
            shape=tuple(_count(side) for side in what["shape"]),
            label_names=_texts(what["label_names"]),
            label_column=_text(what["label_column"]),
            attribute_names=_texts(what["attribute_names"]),
            columns=_texts(what["columns"]),
            owner=_text(what["owner"]),
            shared=what["shared"],
            made=_time(what["made"]),
            expires=None if what["expires"] is None else _time(what["expires"]),
            train_size=_count(what["train_size"]),
            test_size=_count(what["test_size"]),
            left_out=tuple((_text(name), _text(why)) for name, why in what["left_out"]),
            left_out_count=_count(what["left_out_count"]),
            channels=tuple(Channel(**channel) for channel in what["channels"]),
            choice=Choice.from_json(what["choice"]),
            credit=_text(what["credit"]),
            source=_text(what["source"]),
        )
        ranks = {"images": 3, "vectors": 1}
        if len(one.shape) != ranks[one.kind] or not isinstance(one.shared, bool) or not min(one.shape):
            raise ValueError("shape")
        if len(set(one.columns)) != len(one.columns) or not (one.train_size and one.test_size):
            raise ValueError("columns")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise VAEError("A data set that was brought is damaged (set.json): delete it, or bring it again.") from None
    return one


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError
    return tuple(_text(value) for value in values)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _time(value: object) -> str:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.isoformat()


# ---- the tensors beside it -------------------------------------------------------------------------------------------


def check_tensors(path: Path, one: BroughtSet) -> None:
    """Refuse tensors that are not those `set.json` speaks of; reads only the head of the file.

    Raises:
        VAEError: they are others, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    count = len(one)
    pixels = (count, *one.shape[1:], one.shape[0]) if one.kind == "images" else (count, *one.shape)
    wanted: dict[str, tuple[str, tuple[int, ...]]] = {
        "pixels": ("U8" if one.kind == "images" else "F32", pixels),
        "split": ("U8", (count,)),
    }
    if one.label_names:
        wanted["labels"] = ("I64", (count,))
    if one.attribute_names:
        wanted["attributes"] = ("F32", (count, len(one.attribute_names)))
    try:
        with safe_open(path, framework="np") as file:
            found = {key: _slice(file.get_slice(key)) for key in file.keys()}  # noqa: SIM118  # it is no dict
    except (OSError, ValueError, SafetensorError):
        raise VAEError(f"The images of {one.title} are damaged: bring them once more.") from None
    if found != wanted or path.stat().st_size > 4 * MAX_BYTES:
        raise VAEError(f"The images of {one.title} do not fit what is said of them: bring them once more.")


def _slice(piece: Any) -> tuple[str, tuple[int, ...]]:
    return str(piece.get_dtype()), tuple(piece.get_shape())
