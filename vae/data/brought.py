"""`brought:ID`: a data set made from a person's own files (`vae.data.intake`), kept until she deletes it or its time is
over.

    MUSCOPE_HOME/brought/<ID>/set.json           what it is, whose, and what was left out; strict
                              set.safetensors    pixels, labels, attributes, split; training rows first
                              rows.parquet       every column as it came, and her own file names, row for row

An ID is 16 random hex digits: who does not know it cannot guess it. A set is there whole or not at all.
"""

import json
import re
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from vae.data.images import MAX_BYTES, SPLITS, DataInfo, Images, read_only
from vae.data.intake.choice import Channel, Choice
from vae.errors import VAEError
from vae.files import flush, make_folder, plain_disk_errors, write_aside

SCHEMA = 1
KIND = "brought"
FACTS, TENSORS, ROWS = "set.json", "set.safetensors", "rows.parquet"
FILE = "file"  # the column of `rows` that holds her own file names; a column of hers that is called so becomes "file_"
_ID = re.compile(r"[0-9a-f]{16}")
_MAX_FACTS = 8 << 20  # bytes of set.json
_GONE = "This data set is no longer here (it was deleted, or its time is over): choose another, or bring it again."


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


# ---- where they are ------------------------------------------------------------------------------------------------


def folder() -> Path:
    """Where sets are kept, a folder each."""
    from vae.home import home  # whoever only draws digits need not know where

    return home() / KIND


def is_id(text: str) -> bool:
    """Whether this is an ID at all; nothing else ever becomes part of a path."""
    return bool(_ID.fullmatch(text))


def new_id() -> str:
    """An ID nobody can guess."""
    return secrets.token_hex(8)


def place(set_id: str) -> Path:
    """The folder of a set, whether it is there or not.

    Raises:
        VAEError: that is no ID.
    """
    if not is_id(set_id):
        raise VAEError(_GONE)
    return folder() / set_id


def aside(set_id: str) -> Path:
    """Where a set is made before it is put in its place."""
    return place(set_id).with_name(f".{set_id}.part")


# ---- asking --------------------------------------------------------------------------------------------------------


def get(set_id: str) -> BroughtSet:
    """What is known of a set.

    Raises:
        VAEError: it is not there, its time is over, or it is damaged.
    """
    path = place(set_id) / FACTS
    try:
        if path.stat().st_size > _MAX_FACTS:
            raise VAEError("A data set that was brought is damaged (set.json is too large): delete it.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise VAEError(_GONE) from None
    found = read_facts(set_id, text)
    if is_over(found, datetime.now(UTC)):
        raise VAEError(_GONE)
    return found


def sets(owner: str | None) -> list[BroughtSet]:
    """The sets of one person, and those that others share; the newest first. What is damaged or over is not listed.

    Args:
        owner: 12 characters; None for all that there are.
    """
    found = []
    with suppress(OSError):
        for each in folder().iterdir():
            if is_id(each.name):
                with suppress(VAEError):
                    found.append(get(each.name))
    theirs = [one for one in found if owner is None or one.shared or one.owner == owner]
    return sorted(theirs, key=lambda one: (one.made, one.id), reverse=True)


def is_over(one: BroughtSet, now: datetime) -> bool:
    """Whether its time is over."""
    return one.expires is not None and datetime.fromisoformat(one.expires) <= now


def size(set_id: str) -> int:
    """Bytes on the disk, 0 where it is not there."""
    with suppress(OSError):
        return sum(file.stat().st_size for file in place(set_id).iterdir())
    return 0


def rows(set_id: str, split: str | None = None) -> Any:
    """Every column as it came, with her own file names in "file": a pyarrow Table in the order of `load`.

    Args:
        split: "train" or "test" for the rows of one; None for all, training first.

    Raises:
        VAEError: it is not there or damaged.
    """
    import pyarrow.parquet

    one = get(set_id)
    try:
        table = pyarrow.parquet.read_table(place(set_id) / ROWS, memory_map=False, use_threads=False)
    except (OSError, ValueError, pyarrow.ArrowException):
        raise VAEError(f"The columns of {one.title} are damaged: bring the data once more.") from None
    if table.num_rows != len(one) or tuple(table.column_names) != one.columns:
        raise VAEError(f"The columns of {one.title} do not fit its images: bring the data once more.")
    if split is None:
        return table
    return table.slice(0, one.train_size) if split == "train" else table.slice(one.train_size)


# ---- changing ------------------------------------------------------------------------------------------------------


def share(set_id: str, shared: bool, *, owner: str | None = None) -> BroughtSet:
    """Let others see a set, or no longer.

    Args:
        owner: who asks; None for a caller that has made sure.

    Raises:
        VAEError: it is not there, or is another's.
    """
    one = _mine(set_id, owner)
    one = replace(one, shared=bool(shared))
    write_aside(place(set_id) / FACTS, one.to_json().encode())
    return one


def delete(set_id: str, *, owner: str | None = None) -> None:
    """Remove a set from the disk, at once and for good. Models made from it stay.

    Raises:
        VAEError: it is not there, or is another's.
    """
    if owner is not None:
        _mine(set_id, owner)
    _remove(place(set_id))


def sweep(now: datetime | None = None) -> list[str]:
    """Remove the sets whose time is over, and what was left half made by a process that died an hour ago.

    Returns:
        The titles of what went.
    """
    now = now or datetime.now(UTC)
    gone = []
    with suppress(OSError):
        for each in list(folder().iterdir()):
            if not is_id(each.name):
                with suppress(OSError):
                    if each.name.endswith((".part", ".gone")) and now.timestamp() - each.stat().st_mtime > 3600:
                        shutil.rmtree(each, ignore_errors=True)
                continue
            with suppress(VAEError, OSError):
                one = read_facts(each.name, (each / FACTS).read_text(encoding="utf-8"))
                if is_over(one, now):
                    _remove(each)
                    gone.append(one.title)
    return gone


def put_in_place(set_id: str) -> BroughtSet:
    """Take what was made aside, look whether it holds together, and give it its name.

    Raises:
        VAEError: it does not hold together, or the disk is full.
    """
    made = aside(set_id)
    try:
        one = read_facts(set_id, (made / FACTS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise VAEError("The data set could not be made (nothing came of it): try once more.") from None
    _tensors(made / TENSORS, one)
    with plain_disk_errors(one.title):
        flush(made)
        made.rename(place(set_id))
        flush(folder())
    return one


def make_aside(set_id: str) -> Path:
    """An empty folder in which a set is made."""
    with plain_disk_errors("The data set"):
        make_folder(folder())
        made = aside(set_id)
        made.mkdir(mode=0o700)
    return made


def drop_aside(set_id: str) -> None:
    """Remove what was half made."""
    shutil.rmtree(aside(set_id), ignore_errors=True)


def _mine(set_id: str, owner: str | None) -> BroughtSet:
    one = get(set_id)
    if owner is not None and one.owner != owner:
        raise VAEError(f"{one.title} is another visitor's: only who brought it can change or delete it.")
    return one


def _remove(path: Path) -> None:
    hidden = path.with_name(f".{path.name}.gone")
    try:
        path.rename(hidden)  # gone for everybody in one instant, whatever deleting takes
    except OSError:
        if not path.exists():
            raise VAEError(_GONE) from None
        hidden = path
    shutil.rmtree(hidden, ignore_errors=True)


# ---- as a data set -------------------------------------------------------------------------------------------------


def load(set_id: str, split: str) -> Images:
    """The images or rows of one split, views of arrays that are read once for all.

    Raises:
        VAEError: it is not there or damaged.
    """
    one = get(set_id)
    pixels, labels, attributes = _arrays(set_id, _changed(set_id))
    part = slice(0, one.train_size) if split == SPLITS[0] else slice(one.train_size, None)
    return Images(
        name=one.name,
        split=split,
        pixels=pixels[part],
        labels=labels[part] if one.label_names else None,
        label_names=one.label_names,
        attributes=attributes[part] if one.attribute_names else None,
        attribute_names=one.attribute_names,
        credit=one.credit,
    )


def on_machine(set_id: str) -> bool:
    """Whether it is there."""
    try:
        get(set_id)
    except VAEError:
        return False
    return True


def describe(set_id: str) -> DataInfo:
    """What a person wants to know before choosing it.

    Raises:
        VAEError: it is not there or damaged.
    """
    one = get(set_id)
    if one.kind == "images":
        _, height, width = one.shape
        sentence = f"{len(one):,} images of your own, {width} by {height} pixels."
    else:
        sentence = f"{len(one):,} rows of your own, {one.shape[0]:,} numbers each."
    return DataInfo(
        name=one.name,
        title=one.title,
        sentence=sentence,
        shape=one.shape,
        classes=one.label_names,
        train_size=one.train_size,
        test_size=one.test_size,
        credit=one.credit,
        built_in=False,
    )


def title_of(set_id: str) -> str:
    """Its title, or "data that are gone"."""
    try:
        return get(set_id).title
    except VAEError:
        return "data that are gone"


def _changed(set_id: str) -> int:
    try:
        return (place(set_id) / TENSORS).stat().st_mtime_ns
    except OSError:
        raise VAEError(_GONE) from None


@lru_cache(maxsize=2)
def _arrays(set_id: str, changed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from safetensors.numpy import load_file

    path = place(set_id) / TENSORS
    one = get(set_id)
    _tensors(path, one)
    try:
        found = load_file(path)
    except (OSError, ValueError, KeyError):
        raise VAEError(f"The images of {one.title} are damaged: bring them once more.") from None
    labels = found.get("labels", np.empty(0, np.int64))
    attributes = found.get("attributes", np.empty((0, 0), np.float32))
    return read_only(found["pixels"]), read_only(labels), read_only(attributes)


def _tensors(path: Path, one: BroughtSet) -> None:
    """Refuse tensors that are not those `set.json` speaks of; reads only the head of the file."""
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


# ---- set.json, strictly --------------------------------------------------------------------------------------------


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
