"""The codes of a model's images as a table: a row for each image, and all that is known of it.

    image, split, row        "test/17", "test", 17
    ...                      every column that came with the data, as it came, her own file names among them
    label, ATTRIBUTE ...     where the data have them
    mu_0 ..., std_0 ...      the code and its spread, in standard deviations of the prior; no spread of an autoencoder
    kl_nats                  KL of the image; none of an autoencoder
    mean_squared_error       of the reconstruction at mu, per pixel
    unusual_percentile       how unusual the code is among held-out images, 0 to 100
    umap_x, umap_y ...       where it lies on each map

Where a column that came has the name of one of ours, ours is called muscope_NAME.
"""

import io
from typing import TYPE_CHECKING

import numpy as np

from vae.encodings import SPLITS, Encodings
from vae.errors import VAEError
from vae.out.cells import plain

if TYPE_CHECKING:
    import pyarrow

KINDS = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "npz": "application/zip"}


def codes_table(
    known: Encodings, came: "pyarrow.Table | None" = None, unusual: np.ndarray | None = None
) -> "pyarrow.Table":
    """All that is known of N images, as said above.

    Args:
        known: of N images.
        came: the columns that came with the data, a row for each of the N images in their order.
        unusual: (N,) percentiles (`vae.explore.density`).

    Raises:
        VAEError: columns of another length.
    """
    import pyarrow

    if came is not None and came.num_rows != len(known):
        raise VAEError(
            f"{came.num_rows:,} rows came with the data and {len(known):,} images were encoded: encode again."
        )
    theirs = [] if came is None else list(zip(came.column_names, came.columns, strict=True))
    taken = {name for name, _ in theirs}
    ours = [(name, pyarrow.array(column)) for name, column in _columns(known, unusual, taken).items()]
    place = [(name if name not in taken else f"muscope_{name}", column) for name, column in ours]
    parts = place[:3] + theirs + place[3:]
    return pyarrow.Table.from_arrays([column for _, column in parts], names=[name for name, _ in parts])


def _columns(known: Encodings, unusual: np.ndarray | None, taken: set[str]) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {
        "image": np.array([known.image_id(row) for row in range(len(known))], np.str_),
        "split": np.array(SPLITS)[known.split],
        "row": known.index,
    }
    if known.labels is not None:
        columns["label"] = np.array(known.label_names, np.str_)[known.labels]
    if known.attributes is not None:
        wide = dict(zip(known.attribute_names, known.attributes.T, strict=True))
        columns |= {name: values for name, values in wide.items() if name not in taken | columns.keys()}
    columns |= {f"mu_{dim}": values for dim, values in enumerate(known.mu.T)}
    if not known.point:
        columns |= {f"std_{dim}": values for dim, values in enumerate(np.exp(known.logvar / 2).T)}
        columns["kl_nats"] = known.kl()
    columns["mean_squared_error"] = known.recon_error
    if unusual is not None:
        columns["unusual_percentile"] = unusual.astype(np.float32)
    for name, xy in known.maps.items():
        columns |= {f"{name}_{axis}": xy[:, place] for place, axis in enumerate("xy")}
    return {name: np.ascontiguousarray(values) for name, values in columns.items()}


# ---- as files ------------------------------------------------------------------------------------------------------


def written(table: "pyarrow.Table", kind: str) -> bytes:
    """A table as a file: "csv", "parquet" or "npz".

    In CSV, text that would begin a formula is made plain (`vae.out.cells`); numbers are written as they are. In Parquet
    everything is as it came. npz holds an array for each column under the names that stand, in order, in its array
    "columns" as "c0", "c1", ...: a file's inner names are never a person's. No array needs unpickling.

    Raises:
        VAEError: another kind.
    """
    if kind not in KINDS:
        raise VAEError(f"There is no table called {kind[:40]!r}: choose {', '.join(KINDS)}.")
    return {"csv": _csv, "parquet": _parquet, "npz": _npz}[kind](table)


def _csv(table: "pyarrow.Table") -> bytes:
    import pyarrow
    from pyarrow import csv

    columns = [column if _is_number(column) else _plain(column) for column in table.columns]
    safe = pyarrow.Table.from_arrays(columns, names=[plain(name) for name in table.column_names])
    file = io.BytesIO()
    csv.write_csv(safe, file)
    return file.getvalue()


def _parquet(table: "pyarrow.Table") -> bytes:
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def _npz(table: "pyarrow.Table") -> bytes:
    arrays = {"columns": np.array(table.column_names, np.str_)}
    for place, column in enumerate(table.columns):
        number = _is_number(column) and not column.null_count
        arrays[f"c{place}"] = column.to_numpy() if number else np.array(_texts(column), np.str_)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # its stub takes no mapping
    return file.getvalue()


def _is_number(column: "pyarrow.ChunkedArray") -> bool:
    from pyarrow import types

    kind = column.type
    return types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)


def _plain(column: "pyarrow.ChunkedArray") -> "pyarrow.Array":
    import pyarrow

    made: dict[str, str] = {}
    found = [None if text is None else made.setdefault(text, plain(text)) for text in _texts(column, None)]
    return pyarrow.array(found, pyarrow.string())


def _texts(column: "pyarrow.ChunkedArray", nothing: str | None = "") -> list[str | None]:
    """A column as text, whatever it holds; `nothing` where it holds nothing."""
    return [
        nothing if value is None else value if isinstance(value, str) else str(value) for value in column.to_pylist()
    ]
