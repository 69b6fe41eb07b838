"""From a plan to the three files of a set: pixels go to the disk as they are decoded, never all into memory."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vae.data.brought import FACTS, FILE, ROWS, TENSORS, BroughtSet
from vae.data.intake import columns, meanings
from vae.data.intake.choice import Channel
from vae.data.intake.given import Unreadable
from vae.data.intake.limits import MAX_LISTED
from vae.data.intake.source import Cells
from vae.data.intake.survey import Plan, coloured, read_row, scaled
from vae.errors import VAEError
from vae.files import plain_disk_errors, sync

Progress = Callable[[int, int], None]

_HEAD = 4096  # bytes kept for the head of the tensors' file, which is known last
_RGB = (Channel("red", "#ff0000", 0, 255), Channel("green", "#00ff00", 0, 255), Channel("blue", "#0000ff", 0, 255))


class _Coloured(Exception):
    """A colour where so far everything was grey."""


def make(found: Plan, into: Path, request: Mapping[str, Any], progress: Progress | None = None) -> None:
    """Write a set into an empty folder.

    Args:
        request: id, title, owner, keep_days, credit.
        progress: called with rows done and rows in all.

    Raises:
        VAEError: nothing left that can be used, or a full disk.
    """
    found.source = found.source.keep(np.argsort(found.test, kind="stable"))  # training rows first
    found.test = np.sort(found.test)
    with plain_disk_errors("The data set"):
        try:
            kept = _write(found, into, progress)
        except _Coloured:
            # Only what was looked at was grey. What was read wrongly must not be kept: once more, in colour.
            found.channels, found.grey = _RGB, False
            found.choice = replace(found.choice, channels=_RGB)
            found.shape = (3, *found.shape[1:])
            kept = _write(found, into, progress)
        _facts(found, into, request, kept)


def _write(found: Plan, into: Path, progress: Progress | None) -> dict[str, Any]:
    """Tensors and columns. Returns what the facts say of them."""
    with (into / TENSORS).open("w+b") as file:
        file.write(bytes(_HEAD))
        rows, why = _pixels(found, file, progress)
        source = found.source.keep(rows)
        test = found.test[rows]
        if not 0 < test.sum() < len(rows):
            raise VAEError("Too few images could be read to train and to test: give more.")
        parts: dict[str, tuple[str, np.ndarray]] = {}
        names: tuple[str, ...] = ()
        label = found.choice.label_column
        if label:
            numbers, names = columns.labels(source.columns[label], label)
            parts["labels"] = "I64", numbers
        attributes, _ = meanings.attributes(found.known, source.columns, found.no_attributes())
        if attributes:
            parts["attributes"] = "F32", np.stack(list(attributes.values()), axis=1)
        parts["split"] = "U8", test.astype(np.uint8)
        _tensors(file, found, len(rows), parts)
        sync(file.fileno())
    table = _table(source.names, source.columns)
    _parquet(table, into / ROWS)
    return {
        "label_names": names,
        "attribute_names": tuple(attributes),
        "columns": tuple(table),
        "train_size": int((~test).sum()),
        "test_size": int(test.sum()),
        "left_out": tuple((*found.source.left_out.listed, *why)[:MAX_LISTED]),
        "left_out_count": found.source.left_out.count + len(why),
    }


def _pixels(found: Plan, file: BinaryIO, progress: Progress | None) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Write each row as it is trained on. Returns the rows that could be read, and why the others could not."""
    source, total = found.source, len(found.source)
    if source.kind == "vectors":
        assert source.vectors is not None
        file.write(scaled(source.vectors, found.choice.scale).tobytes())
        return np.arange(total), []
    rows, why = [], []
    guessed = found.grey and not found.sure and found.choice.colour == "keep"
    for row in range(total):
        try:
            picture = read_row(source, row)
            if guessed and picture.plain and coloured(picture.pixels):
                raise _Coloured
            file.write(found.made(picture).tobytes())
        except Unreadable as error:
            why.append((source.names[row], str(error)))
            continue
        rows.append(row)
        if progress is not None and (row % 20 == 0 or row == total - 1):
            progress(row + 1, total)
    return np.array(rows, np.int64), why


def _tensors(file: BinaryIO, found: Plan, count: int, parts: dict[str, tuple[str, np.ndarray]]) -> None:
    """The rest of the tensors behind the pixels, and the head in front (safetensors: sizes, then bytes)."""
    shape = (*found.shape[1:], found.shape[0]) if found.source.kind == "images" else found.shape
    end = file.tell() - _HEAD
    kind = "U8" if found.source.kind == "images" else "F32"
    head: dict[str, Any] = {"pixels": {"dtype": kind, "shape": [count, *shape], "data_offsets": [0, end]}}
    for name, (dtype, array) in parts.items():
        data = array.astype({"I64": "<i8", "F32": "<f4", "U8": "u1"}[dtype]).tobytes()
        file.write(data)
        head[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(head).encode().ljust(_HEAD - 8)
    file.seek(0)
    file.write((_HEAD - 8).to_bytes(8, "little") + text)
    file.flush()


def _table(names: list[str], cells: dict[str, Cells]) -> dict[str, Cells]:
    """Every column as it came, her own file names in front."""
    table: dict[str, Cells] = {FILE: list(names)}
    for name, column in cells.items():
        if name == FILE and column == names:
            continue
        while name in table:
            name += "_"
        table[name] = column
    return table


def _parquet(table: dict[str, Cells], path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    arrays = {name: _array(pyarrow, cells) for name, cells in table.items()}
    pyarrow.parquet.write_table(pyarrow.table(arrays), path)
    with path.open("rb") as file:
        sync(file.fileno())


def _array(pyarrow: Any, cells: Cells) -> Any:
    """Numbers where all are numbers of one kind, else the text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float} and kinds:
        try:
            return pyarrow.array(cells, pyarrow.int64() if kinds == {int} else pyarrow.float64())
        except (OverflowError, pyarrow.ArrowException):
            pass
    return pyarrow.array([None if cell is None else _clean(str(cell)) for cell in cells], pyarrow.string())


def _clean(cell: str) -> str:
    return cell.encode("utf-8", "replace").decode("utf-8")


def _facts(found: Plan, into: Path, request: Mapping[str, Any], kept: dict[str, Any]) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    days = request["keep_days"]
    source = found.source
    one = BroughtSet(
        id=request["id"],
        title=request["title"],
        kind=source.kind,
        shape=found.shape,
        label_column=(found.choice.label_column or "") if kept["label_names"] else "",
        owner=request["owner"],
        shared=False,
        made=now.isoformat(),
        expires=None if days is None else (now + timedelta(days=days)).isoformat(),
        channels=found.channels,
        choice=found.choice,
        credit=request["credit"] or source.credit or f"Brought by a visitor: {request['title']}",
        source=source.phrase,
        **kept,
    )
    handle = os.open(into / FACTS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(one.to_json().encode())
        file.flush()
        sync(file.fileno())
