"""Files of arrays, .npy, .npz and idx: heads are read first, nothing is unpacked that is not wanted, and an array of
objects, which would be a pickle, is never opened."""

import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from vae.data.intake import archive
from vae.data.intake.given import Given, Item, Unreadable, said_size
from vae.data.intake.limits import MAX_ARRAY, MAX_RATIO, MB, RATIO_FROM

PART = re.compile(r"^(.*?)_?(train|test|valid|val|t10k)_?(.*)$", re.IGNORECASE)
_IDX = re.compile(r"(ubyte|\.idx)(\.gz)?$")
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}  # LeCun's format
BAD = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, SyntaxError, KeyError, struct.error,
        OverflowError, RuntimeError, NotImplementedError, MemoryError, RecursionError)  # fmt: skip


@dataclass(frozen=True)
class Array:
    """One array before it is read: its name, what its head says, and how to read it."""

    name: str
    shape: tuple[int, ...]
    kind: str  # of its numbers, as NumPy has it: "u", "i", "f", "b", "U", "S"
    read: Callable[[], np.ndarray]


def is_array(item: Item) -> bool:
    """Whether a file holds arrays, by its name."""
    return item.suffix in (".npy", ".npz") or bool(_IDX.search(item.name.lower()))


def arrays_of(item: Item, given: Given) -> list[Array]:
    """What one file holds, heads only.

    Raises:
        Unreadable: no array of numbers in it.
    """
    stem = item.name.rpartition("/")[2].partition(".")[0]
    if item.suffix == ".npz":
        return _npz(item, given)
    if item.suffix == ".npy":
        try:
            shape, dtype, _ = npy_head(item.stream(MAX_ARRAY), item.size)
        except BAD:
            raise Unreadable("it is no good .npy file of numbers") from None
        return [Array(stem, shape, dtype.kind, lambda: _npy(item.stream(MAX_ARRAY), item.size))]
    array = _idx(item)
    name = re.sub(r"[-_.](idx\d?|ubyte|images|labels)\b", "", stem)
    role = "labels" if array.ndim == 1 else "images"
    part = PART.match(name)
    return [Array(f"{role}_{part[2].lower()}" if part else role, array.shape, array.dtype.kind, lambda: array)]


def _npz(item: Item, given: Given) -> list[Array]:
    packed = archive.opened(item.stream(MAX_ARRAY), item.name)
    found = []
    for info in packed.infolist():
        name = info.filename.removesuffix(".npy")
        try:
            if info.flag_bits & 0x1 or info.file_size > MAX_ARRAY:
                raise Unreadable(f"it has {said_size(info.file_size)} or is locked")
            if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(info.compress_size, 1):
                raise Unreadable("it grows far too much when it is unpacked")
            with packed.open(info) as file:
                shape, dtype, _ = npy_head(file, info.file_size)  # type: ignore[arg-type]
        except Unreadable as why:
            given.left_out.add(f"{item.name}: {name}", str(why))
            continue
        except BAD:
            given.left_out.add(f"{item.name}: {name}", "no array of numbers")
            continue
        found.append(Array(name, shape, dtype.kind, _reader(packed, info)))
    if not found:
        raise Unreadable("it holds no arrays of numbers")
    return found


def _reader(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        try:
            with packed.open(info) as file:
                return _npy(file, info.file_size)  # type: ignore[arg-type]
        except BAD:
            raise Unreadable("it is damaged") from None

    return read


def npy_head(file: BinaryIO, size: int) -> tuple[tuple[int, ...], "np.dtype[Any]", bool]:
    """Shape, kind of number, and order, from the head of an .npy file.

    Raises:
        Unreadable: objects, which would be a pickle; or more numbers than the file holds.
    """
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise Unreadable("it is of a version of .npy that is not read here")
    shape, fortran, dtype = read[version](file)
    if dtype.hasobject or dtype.kind not in "uifbUS" or dtype.names:
        raise Unreadable("it holds objects, not numbers: save an array of numbers")
    count = math.prod(shape)
    if any(side < 0 for side in shape) or len(shape) > 8 or count * dtype.itemsize > min(size, MAX_ARRAY):
        raise Unreadable("it promises more numbers than it holds, or than one data set may have")
    return tuple(int(side) for side in shape), dtype, fortran


def _npy(file: BinaryIO, size: int) -> np.ndarray:
    shape, dtype, fortran = npy_head(file, size)
    return npy_body(file, shape, dtype, fortran)


def npy_body(file: BinaryIO, shape: tuple[int, ...], dtype: "np.dtype[Any]", fortran: bool) -> np.ndarray:
    count = math.prod(shape)
    data = bytearray(count * dtype.itemsize)
    view, at = memoryview(data), 0
    while at < len(data):
        piece = file.read(min(16 * MB, len(data) - at))
        if not piece:
            raise Unreadable("it is cut short")
        view[at : at + len(piece)] = piece
        at += len(piece)
    array = np.frombuffer(data, dtype, count)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _idx(item: Item) -> np.ndarray:
    """The array of an idx file: a magic number, sizes, numbers, the largest byte first."""
    data = item.read(MAX_ARRAY)
    if data[:2] == b"\x1f\x8b":
        data = archive.unpacked(data, MAX_ARRAY)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES or not 1 <= data[3] <= 4:
        raise Unreadable("it is no idx file")
    kind, axes = np.dtype(_TYPES[data[2]]), data[3]
    if len(data) < 4 + 4 * axes:
        raise Unreadable("it is cut short")
    shape = tuple(int(side) for side in np.frombuffer(data, ">u4", axes, 4))
    if math.prod(shape) * kind.itemsize != len(data) - 4 - 4 * axes:
        raise Unreadable("it is longer or shorter than its head says")
    array = np.frombuffer(data, kind, offset=4 + 4 * axes).reshape(shape)
    return array.astype(kind.newbyteorder("="))
