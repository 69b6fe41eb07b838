"""Tables beside images, joined to those they name, or alone, their rows as vectors. Every column is kept as it came."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from vae.data.intake import columns as about
from vae.data.intake.choice import Choice
from vae.data.intake.given import Given, Item, LeftOut, Unreadable
from vae.data.intake.limits import MAX_COLUMNS, MAX_VECTOR
from vae.data.intake.source import Cells, Source
from vae.data.intake.table_files import read_table
from vae.errors import VAEError

_ASKED = 100  # images that no table names whose files are looked at, so that a broken one is told as broken
_PATH_WORDS = ("path", "file", "filename", "file_name", "image", "image_id", "img", "name", "id")


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


def beside(
    items: list[Item], names: list[str], choice: Choice, left_out: LeftOut, damage: Callable[[int], str]
) -> Joined | None:
    """Tables joined to the images they name; None where none names any. What one side lacks is said.

    Args:
        damage: what is wrong with the file of an image, "" where it is whole. Asked of some that no table names.
    """
    joined: Joined | None = None
    for item in items:
        try:
            table = read_table(item)
        except Unreadable as why:
            left_out.add(item.name, str(why))
            continue
        column, places = _path_column(table, names, choice.path_column)
        if not column:
            left_out.add(item.name, "no column of it names the images")
            continue
        joined = _join(joined, item.name, table, column, places, names, left_out, damage)
    return joined


def _join(
    joined: Joined | None,
    table_name: str,
    table: dict[str, Cells],
    column: str,
    places: list[int | None],
    names: list[str],
    left_out: LeftOut,
    damage: Callable[[int], str],
) -> Joined:
    of_image: dict[int, int] = {}
    missing: list[str] = []
    twice: list[str] = []
    for line, image in enumerate(places):
        if image is None:
            missing.append(about.text(table[column][line])[:60] or f"row {line + 1}")
        elif image in of_image:
            twice.append(names[image])
        else:
            of_image[image] = line
    before = list(range(len(names))) if joined is None else joined.rows
    rows = [image for image in before if image in of_image]
    kept = set(rows)
    for image in before:
        if image not in kept:
            broken = damage(image) if left_out.count < _ASKED else ""
            left_out.add(names[image], broken or f"no row of {table_name} names it")
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
        warnings=([] if joined is None else joined.warnings) + _unmatched(table_name, missing, twice, left_out),
    )


def _unmatched(table_name: str, missing: list[str], twice: list[str], left_out: LeftOut) -> list[str]:
    """Sentences on rows that go with no image of their own. What is there and left out is told where the others are."""
    there = {name.rpartition("/")[2] for name, _ in left_out.listed}
    said = []
    gone = [name for name in missing if name.replace("\\", "/").rpartition("/")[2] not in there]
    for names, why in ((gone, "not there"), (sorted(set(twice)), "named twice: the first row counts")):
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
            what = "1 image" if len(names) == 1 else f"{len(names):,} images"
            verb = ("is " if len(names) == 1 else "are ") + why
            said.append(f"{table_name} names {what} that {verb} ({shown}).")
    return said


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
        table = read_table(item, MAX_VECTOR)
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
