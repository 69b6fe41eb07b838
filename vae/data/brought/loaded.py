"""A set as a data set: its images or rows, the columns that came with them, and what a person is told of it."""

from functools import lru_cache
from typing import Any

import numpy as np

from vae.data.brought.facts import FILE, ROWS, TENSORS, check_tensors
from vae.data.brought.kept import GONE, get, place
from vae.data.images import SPLITS, DataInfo, Images, read_only
from vae.errors import VAEError


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


def file_names(set_id: str, split: str) -> tuple[str, ...]:
    """Her own file names, or what the rows are called, in the order of `load`.

    Raises:
        VAEError: it is not there or damaged.
    """
    return _file_names(set_id, split, _changed(set_id))


@lru_cache(maxsize=4)
def _file_names(set_id: str, split: str, changed: int) -> tuple[str, ...]:
    return tuple(str(name) for name in rows(set_id, split)[FILE].to_pylist())


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
        raise VAEError(GONE) from None


@lru_cache(maxsize=2)
def _arrays(set_id: str, changed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from safetensors.numpy import load_file

    path = place(set_id) / TENSORS
    one = get(set_id)
    check_tensors(path, one)
    try:
        found = load_file(path)
    except (OSError, ValueError, KeyError):
        raise VAEError(f"The images of {one.title} are damaged: bring them once more.") from None
    labels = found.get("labels", np.empty(0, np.int64))
    attributes = found.get("attributes", np.empty((0, 0), np.float32))
    return read_only(found["pixels"]), read_only(labels), read_only(attributes)
