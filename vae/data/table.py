"""`table:PATH`: a person's own numbers, one row for each example, as a .csv or a .npy file."""

import csv
import hashlib
import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from vae.data.images import MAX_BYTES, Images, read_only, split_by_hash
from vae.errors import VAEError

MAX_COLUMNS = 65_536  # as many numbers as a network here takes
MAX_FILE = 1 << 30  # bytes


def load(path: str, split: str) -> Images:
    """The rows of one split, (N, D) float32, each column scaled to [0, 1] by its smallest and largest number.

    Both splits are scaled alike. A column that never changes becomes 0. About one row in six is for testing; which
    one follows from its place in the file alone.

    Args:
        path: a .csv (comma, semicolon or tab between columns, with or without a first line of names), or a .npy of
            two axes.
        split: "train" or "test".

    Raises:
        VAEError: no such file, no numbers, a NaN or an infinity (named by row and column), rows of unequal length.
    """
    file = Path(path).expanduser()
    try:
        stat = file.stat()
    except OSError as error:
        raise VAEError(f"The table {file.name!r} cannot be read ({error.strerror}): check the path.") from None
    if not file.is_file():
        raise VAEError(f"{file.name!r} is no file: give a .csv or a .npy file after 'table:'.")
    if stat.st_size > MAX_FILE:
        raise VAEError(f"{file.name} has {stat.st_size / 1e9:.1f} GB: give at most {MAX_FILE / 1e9:.1f} GB.")
    rows, test = _read(file, stat.st_mtime_ns, stat.st_size)
    wanted = test if split == "test" else ~test
    return Images(
        name=f"table:{path}", split=split, pixels=rows[wanted], credit=f"Numbers from {file.name!r} on this machine"
    )


@lru_cache(maxsize=2)  # time and size belong to the key: a changed file is read again
def _read(file: Path, changed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """All rows, scaled, (N, D) float32, and which are for testing, (N,) bool."""
    suffix = file.suffix.lower()
    if suffix == ".csv":
        names, rows, first_line = _read_csv(file)
    elif suffix == ".npy":
        names, rows, first_line = (), _read_npy(file), 1
    else:
        raise VAEError(f"{file.name} ends in {suffix or 'nothing'!r}: give a .csv or a .npy file.")
    _check(file.name, names, rows, first_line)
    low, high = rows.min(axis=0), rows.max(axis=0)
    # Halved before they are subtracted: the widest column of float64 has a range that float64 cannot hold.
    span = high / 2 - low / 2
    scaled = (rows / 2 - low / 2) / np.where(span > 0, span, 1)
    keys = [hashlib.sha256(b"row %d" % row).digest() for row in range(len(rows))]
    return read_only(np.clip(scaled, 0, 1).astype(np.float32)), read_only(split_by_hash(keys))


def _check(name: str, names: tuple[str, ...], rows: np.ndarray, first_line: int) -> None:
    count, columns = rows.shape
    if count < 2 or columns < 1:
        raise VAEError(f"{name} has {count} rows and {columns} columns: give at least two rows of one number.")
    if columns > MAX_COLUMNS:
        raise VAEError(f"{name} has {columns:,} columns: give at most {MAX_COLUMNS:,}.")
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = (int(place) for place in bad[0])
        what = "not a number (NaN)" if math.isnan(rows[row, column]) else "infinite"
        more = f", and {len(bad) - 1:,} more like it" if len(bad) > 1 else ""
        title = f" ({names[column]})" if names else ""
        raise VAEError(
            f"{name} is {what} in row {row + first_line}, column {column + 1}{title}{more}: "
            "fill in a number or remove the row."
        )


def _read_npy(file: Path) -> np.ndarray:
    """(N, D) float64. Object arrays are refused: they are pickles."""
    try:
        array = np.lib.format.open_memmap(file, mode="r")  # unlike np.load, knows neither pickles nor archives
    except (OSError, ValueError, EOFError, SyntaxError):
        raise VAEError(f"{file.name} is no good .npy file of numbers: save it again with numpy.save.") from None
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise VAEError(f"{file.name} holds {array.dtype} {array.shape}: give numbers in two axes, rows and columns.")
    if array.size * 8 > MAX_BYTES:
        raise VAEError(f"{file.name} holds {array.size:,} numbers: give at most {MAX_BYTES // 8:,}.")
    return np.array(array, dtype=np.float64)


def _read_csv(file: Path) -> tuple[tuple[str, ...], np.ndarray, int]:
    """Column names (() if none), rows (N, D) float64, and the number of the first line of numbers."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            separator = _separator(lines.readline())
            lines.seek(0)
            reader = csv.reader(lines, delimiter=separator)
            header = next(reader, [])
            # One number in the first line makes it a row: a gap in it must not turn it into column names.
            names = () if any(_is_number(cell) for cell in header) else tuple(cell.strip() for cell in header)
            first_line = 2 if names else 1
            rows: list[np.ndarray] = []
            numbers = 0
            if not names and header:
                rows.append(_row(file.name, header, len(header), (), 1))
            for cells in reader:
                if not cells:
                    raise VAEError(f"{file.name} has an empty line {reader.line_num}: remove it.")
                numbers += len(cells)
                if numbers * 8 > MAX_BYTES:
                    raise VAEError(f"{file.name} holds too many numbers: give at most {MAX_BYTES // 8:,}.")
                rows.append(_row(file.name, cells, len(header), names, reader.line_num))
    except UnicodeDecodeError:
        raise VAEError(f"{file.name} is no text in UTF-8: save it again as CSV in UTF-8.") from None
    except csv.Error as error:
        raise VAEError(f"{file.name} is no good CSV file ({error}): save it again as CSV.") from None
    except OSError as error:
        raise VAEError(f"{file.name} cannot be read ({error.strerror}): allow Muscope to read it.") from None
    return names, np.stack(rows) if rows else np.empty((0, len(header))), first_line


def _row(name: str, cells: list[str], wanted: int, names: tuple[str, ...], line: int) -> np.ndarray:
    if len(cells) != wanted:
        raise VAEError(f"{name} has {len(cells)} columns in row {line} and {wanted} in the first: make them alike.")
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        column = next(place for place, cell in enumerate(cells) if not _is_number(cell))
        title = f" ({names[column]})" if names else ""
        said = repr(cells[column][:20]) if cells[column].strip() else "nothing"
        raise VAEError(
            f"{name} has {said} in row {line}, column {column + 1}{title}, where a number must be: "
            "fill in a number or remove the row."
        ) from None


def _separator(line: str) -> str:
    """Comma, semicolon or tab: whichever is most frequent in the first line."""
    return max(",;\t", key=line.count)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
