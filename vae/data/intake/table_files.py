"""Files of tables, CSV, Parquet and CelebA's lists: every column as it came."""

import csv
import re
from collections.abc import Iterator

from vae.data.intake import columns as about
from vae.data.intake.archive import unpacked
from vae.data.intake.given import Item, Unreadable, said_size
from vae.data.intake.limits import MAX_CELL, MAX_COLUMNS, MAX_ROWS, MAX_TABLE_FILE
from vae.data.intake.source import Cells

SUFFIXES = frozenset({".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq"})
_CELEBA = re.compile(r"(^|/)(list_attr_celeba|list_eval_partition|identity_celeba)\.txt$", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEPARATORS = 1 << 20  # in a line beyond its columns: a quoted cell may hold some


def is_table(item: Item) -> bool:
    """Whether a file is a table, by its name."""
    return item.suffix in SUFFIXES


def is_celeba(item: Item) -> bool:
    """CelebA's own lists: words between spaces."""
    return bool(_CELEBA.search(item.name))


def read_table(item: Item, most_columns: int = MAX_COLUMNS) -> dict[str, Cells]:
    """A table's columns, all of one length.

    Raises:
        Unreadable: no good table, or too large.
    """
    if item.suffix in (".parquet", ".pq"):
        return _parquet(item, most_columns)
    data = item.read(MAX_TABLE_FILE)
    if data[:2] == b"\x1f\x8b":
        data = unpacked(data, MAX_TABLE_FILE)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if b"\0" in data:
            raise Unreadable("it is no text in UTF-8: save it again as CSV in UTF-8") from None
        text = data.decode("cp1252", "replace")  # as spreadsheets in the West write
    if is_celeba(item):
        return _celeba(text, item.name)
    return _csv(text, most_columns)


def _csv(text: str, most: int) -> dict[str, Cells]:
    if "\0" in text:
        raise Unreadable("it holds zeros where text should be: save it again as CSV")
    first = text[: text.find("\n")] if "\n" in text else text
    separator = max(",;\t", key=first.count)
    csv.field_size_limit(1 << 20)
    lines = csv.reader(_lines(text, separator, most + _SEPARATORS), delimiter=separator)
    try:
        header = next(lines, [])
        if not header or len(header) > most:
            raise Unreadable(f"it has {len(header):,} columns, and {most:,} are the most")
        body: list[list[str]] = []
        if all(about.number(cell.strip()) is not None or not cell.strip() for cell in header):
            body.append(header)
            header = [f"{at + 1}" for at in range(len(header))]
        names = _names(header)
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(names):
                raise Unreadable(f"line {lines.line_num} has {len(cells)} columns and the first {len(names)}")
            body.append(cells)
            if len(body) > MAX_ROWS:
                raise Unreadable(f"it has more than {MAX_ROWS:,} rows")
    except csv.Error as error:
        raise Unreadable(f"it is no good CSV ({error})") from None
    return {name: _typed([cells[at] for cells in body]) for at, name in enumerate(names)}


def _lines(text: str, separator: str, most: int) -> Iterator[str]:
    """Line by line with their ends, until one has so many separators that its cells alone would fill the memory."""
    for found in _LINE.finditer(text):
        if text.count(separator, *found.span()) > most:
            raise Unreadable(f"a line of it has more than {most:,} separators")
        yield found[0]


def _typed(cells: list[str]) -> Cells:
    """Numbers where every cell says one in the way it would be written back, else the text as it came."""
    cells = [cell[:MAX_CELL] for cell in cells]
    try:
        whole = [int(cell) if cell else None for cell in cells]
        if all(value is None or str(value) == cell for value, cell in zip(whole, cells, strict=True)) and any(
            value is not None for value in whole
        ):
            return list(whole)
    except ValueError:
        pass
    try:
        real = [float(cell) if cell else None for cell in cells]
    except ValueError:
        real = []
    if real and all(value is None or repr(value) == cell for value, cell in zip(real, cells, strict=True)):
        return list(real)
    return [cell or None for cell in cells]


def _names(header: list[str]) -> list[str]:
    """Column names: none empty, none twice."""
    names: list[str] = []
    for at, cell in enumerate(header):
        name = " ".join(cell.split())[:120] or f"column {at + 1}"
        while name in names[:200] or (len(names) > 200 and name in set(names)):
            name += "_"
        names.append(name)
    return names


def _celeba(text: str, name: str) -> dict[str, Cells]:
    """A count, a line of names, then a file and its numbers in each line; the other lists have no head."""
    lines = text.splitlines()
    if len(lines) > MAX_ROWS:
        raise Unreadable(f"it has more than {MAX_ROWS:,} rows")
    if lines and lines[0].strip().isdigit():
        names, lines = ["file", *lines[1].split()], lines[2:]
    else:
        names = ["file", "partition" if "partition" in name.lower() else "identity"]
    rows = [line.split() for line in lines if line.strip()]
    if any(len(row) != len(names) for row in rows):
        raise Unreadable("its lines differ in length")
    return {name: _typed([row[at] for row in rows]) for at, name in enumerate(_names(names))}


def _parquet(item: Item, most: int) -> dict[str, Cells]:
    import pyarrow
    import pyarrow.parquet

    try:
        with item.stream(MAX_TABLE_FILE) as stream:
            file = pyarrow.parquet.ParquetFile(stream, memory_map=False)
            facts = file.metadata
            if facts.num_rows > MAX_ROWS or facts.num_columns > most:
                raise Unreadable(f"it has {facts.num_rows:,} rows and {facts.num_columns:,} columns: too many")
            size = sum(facts.row_group(at).total_byte_size for at in range(facts.num_row_groups))
            if size > MAX_TABLE_FILE:
                raise Unreadable(f"it unpacks to {said_size(size)}")
            table = file.read(use_threads=False)
        if table.nbytes > 2 * MAX_TABLE_FILE:
            raise Unreadable("it unpacks to more than a table may have")
        found: dict[str, Cells] = {}
        for name, column in zip(_names(table.column_names), table.columns, strict=True):
            kind = column.type
            if pyarrow.types.is_dictionary(kind):
                column = column.cast(kind.value_type)
            cells = column.to_pylist()
            found[name] = [_cell(cell) for cell in cells]
        return found
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        raise Unreadable("it is no good Parquet file") from None


def _cell(cell: object) -> str | int | float | None:
    if cell is None or isinstance(cell, int | float):
        return int(cell) if isinstance(cell, bool) else cell
    return str(cell)[:MAX_CELL]
