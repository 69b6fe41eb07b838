"""Tables: CSV and Parquet, beside images or alone. Every column is kept as it came."""

import csv
import io
import re
from dataclasses import dataclass, field

import numpy as np

from vae.data.intake import columns as about
from vae.data.intake.choice import Choice
from vae.data.intake.given import Given, Item, LeftOut, Unreadable, said_size
from vae.data.intake.limits import MAX_CELL, MAX_COLUMNS, MAX_ROWS, MAX_TABLE_FILE, MAX_VECTOR
from vae.data.intake.source import Cells, Source
from vae.errors import VAEError

SUFFIXES = frozenset({".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".pq"})
_CELEBA = re.compile(r"(^|/)(list_attr_celeba|list_eval_partition|identity_celeba)\.txt$", re.IGNORECASE)
_PATH_WORDS = ("path", "file", "filename", "file_name", "image", "image_id", "img", "name", "id")


def is_table(item: Item) -> bool:
    """Whether a file is a table, by its name."""
    return item.suffix in SUFFIXES


def is_celeba(item: Item) -> bool:
    """CelebA's own lists: words between spaces."""
    return bool(_CELEBA.search(item.name))


def read(item: Item, most_columns: int = MAX_COLUMNS) -> dict[str, Cells]:
    """A table's columns, all of one length.

    Raises:
        Unreadable: no good table, or too large.
    """
    if item.suffix in (".parquet", ".pq"):
        return _parquet(item, most_columns)
    data = item.read(MAX_TABLE_FILE)
    if data[:2] == b"\x1f\x8b":
        from vae.data.intake.arrays import unpacked

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
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
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


# ---- beside images -------------------------------------------------------------------------------------------------


@dataclass
class Joined:
    """Images that a table names.

    Attributes:
        rows: of the images. columns: the table's, in the same order. path_column: where it names them.
    """

    rows: list[int]
    columns: dict[str, Cells]
    path_column: str
    label_hint: str = ""
    split_hint: str = ""
    warnings: list[str] = field(default_factory=list)


def beside(items: list[Item], names: list[str], choice: Choice, left_out: LeftOut) -> Joined | None:
    """Tables joined to the images they name; None where none names any. What one side lacks is left out, and said."""
    joined: Joined | None = None
    for item in items:
        try:
            table = read(item)
        except Unreadable as why:
            left_out.add(item.name, str(why))
            continue
        column, places = _path_column(table, names, choice.path_column)
        if not column:
            left_out.add(item.name, "no column of it names the images")
            continue
        joined = _join(joined, item.name, table, column, places, names, left_out)
    return joined


def _join(
    joined: Joined | None,
    table_name: str,
    table: dict[str, Cells],
    column: str,
    places: list[int | None],
    names: list[str],
    left_out: LeftOut,
) -> Joined:
    of_image: dict[int, int] = {}
    for line, image in enumerate(places):
        if image is None:
            left_out.add(
                about.text(table[column][line]) or f"row {line + 1}", f"{table_name} names it, and it is not there"
            )
        elif image in of_image:
            left_out.add(names[image], f"{table_name} names it twice: the first counts")
        else:
            of_image[image] = line
    before = list(range(len(names))) if joined is None else joined.rows
    rows = [image for image in before if image in of_image]
    kept = set(rows)
    for image in before:
        if image not in kept:
            left_out.add(names[image], f"no row of {table_name} names it")
    if not rows:
        raise VAEError(f"{table_name} names none of the images that are there: look at its column {column}.")
    columns: dict[str, Cells] = {}
    if joined is not None:
        at = {image: place for place, image in enumerate(joined.rows)}
        columns = {name: [cells[at[image]] for image in rows] for name, cells in joined.columns.items()}
    for name, cells in table.items():
        if joined is not None and name == column:
            continue
        while name in columns:
            name += "_"
        columns[name] = [cells[of_image[image]] for image in rows]
    return Joined(
        rows,
        columns,
        joined.path_column if joined is not None else column,
        split_hint="partition" if "partition" in columns else "",
    )


def _path_column(table: dict[str, Cells], names: list[str], wanted: str | None) -> tuple[str, list[int | None]]:
    """The column that names images, and the image of each row."""
    ways = [{name: at for at, name in enumerate(names)}]
    for short in (lambda name: name.rpartition("/")[2], lambda name: name.rpartition("/")[2].rpartition(".")[0]):
        way: dict[str, int] = {}
        double = set()
        for at, name in enumerate(names):
            if short(name) in way:
                double.add(short(name))
            way[short(name)] = at
        ways.append({name: at for name, at in way.items() if name not in double})
    best: tuple[int, str, list[int | None]] = (0, "", [])
    order = sorted(table, key=lambda name: (name.strip().lower() not in _PATH_WORDS, list(table).index(name)))
    for name in [wanted] if wanted in table else order:
        found = [_find(about.text(cell), ways) for cell in table[str(name)]]
        count = sum(one is not None for one in found)
        if count > best[0]:
            best = count, str(name), found
    return best[1], best[2]


def _find(said: str, ways: list[dict[str, int]]) -> int | None:
    said = said.replace("\\", "/").strip()
    said = said.removeprefix("./")
    last = said.rpartition("/")[2]
    for name, way in ((said, ways[0]), (last, ways[1]), (said, ways[2])):
        if name in way:
            return way[name]
    # "data/cats/1.png" for "cats/1.png": a path may begin further up.
    while "/" in said:
        said = said.partition("/")[2]
        if said in ways[0]:
            return ways[0][said]
    return None


# ---- alone ---------------------------------------------------------------------------------------------------------


def source(given: Given, items: list[Item], choice: Choice) -> Source:
    """The rows of a table as vectors.

    Raises:
        VAEError: no column of numbers, or no row without a gap.
    """
    item, *others = sorted(items, key=lambda one: -one.size)
    for other in others:
        given.left_out.add(other.name, f"a second table beside {item.name}: give one")
    try:
        table = read(item, MAX_VECTOR)
    except Unreadable as why:
        raise VAEError(f"{item.name} cannot be read ({why}).") from None
    count = len(next(iter(table.values()), []))
    values = _values(table, choice)
    if len(values) < 2:
        raise VAEError(
            f"{item.name} has {len(values)} columns of numbers: give at least two, or images for it to name."
        )
    numbers = np.array([_numbers(table[name]) for name in values]).T if count else np.empty((0, len(values)))
    names = _row_names(table, values, count)
    bad = ~np.isfinite(numbers)
    for row in np.flatnonzero(bad.any(axis=1)):
        given.left_out.add(names[row], f"no number in column {values[int(np.argmax(bad[row]))]}")
    good = np.flatnonzero(~bad.any(axis=1))
    made = Source(
        kind="vectors",
        names=names,
        columns=table
        if len(values) <= MAX_COLUMNS
        else {name: table[name] for name in table if name not in set(values)},
        left_out=given.left_out,
        phrase=f"a table of {count:,} rows",
        vectors=numbers,
        value_names=tuple(values),
    )
    used = set(values)
    # Columns of the vector are kept, too, as they came, where a table can have so many.
    made.columns = {name: cells for name, cells in table.items() if name not in used or len(table) <= MAX_COLUMNS}
    return made.keep(good)


def _values(table: dict[str, Cells], choice: Choice) -> list[str]:
    if choice.values:
        for name in choice.values:
            if name not in table:
                raise VAEError(f"There is no column {name!r}: choose {', '.join(list(table)[:8])}.")
        return list(choice.values)
    known = [about.understand(name, cells) for name, cells in table.items()]
    taken = {choice.split_column, choice.label_column} - {None}
    if choice.label_column is None and (label := _label_of(known)):
        taken.add(label)
    if choice.split_column is None and (split := about.suggest_split(known, table)):
        taken.add(split)
    return [one.name for one in known if one.name not in taken and _is_value(one, table[one.name])]


def _label_of(known: list["about.Column"]) -> str:
    """The label of a table of vectors: a column of words, or one that is named so. Other numbers are values."""
    able = [one for one in known if one.kind in ("label", "yes/no") and one.distinct >= 2]
    for word in about.LABEL_WORDS:
        for one in able:
            if one.name.strip().lower() == word:
                return one.name
    worded = [one for one in able if any(about.number(example) is None for example in one.examples)]
    return min(worded, key=lambda one: one.distinct).name if worded else ""


def _is_value(one: "about.Column", cells: Cells) -> bool:
    if any(isinstance(cell, str) and about.number(cell.strip()) is None for cell in cells):
        return False
    return not about.is_row_number(one, len(cells))


def _numbers(cells: Cells) -> list[float]:
    found = [about.number(about.text(cell)) for cell in cells]
    return [float("nan") if value is None else value for value in found]


def _row_names(table: dict[str, Cells], values: list[str], count: int) -> list[str]:
    """What each row is called: by its first column where that tells all apart, else by its number."""
    first = next(iter(table), "")
    if first and first not in values:
        said = [about.text(cell)[:120] for cell in table[first]]
        if len(set(said)) == count and all(said):
            return said
    return [f"row {row + 1}" for row in range(count)]
