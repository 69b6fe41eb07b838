"""Arrays of numbers: .npy, .npz and idx files. Heads are read first, nothing is unpacked that is not wanted, and an
array of objects, which would be a pickle, is never opened."""

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from vae.data.images import MAX_SIDE, MIN_SIDE
from vae.data.intake import archive
from vae.data.intake.choice import Choice
from vae.data.intake.given import Given, Item, Unreadable, said_size
from vae.data.intake.limits import MAX_ARRAY, MAX_CHANNELS, MAX_RATIO, MAX_ROWS, MAX_VECTOR, MB, RATIO_FROM
from vae.data.intake.pictures import Picture, check_size
from vae.data.intake.source import Cells, Source
from vae.errors import VAEError

_IDX = re.compile(r"(ubyte|\.idx)(\.gz)?$")
_CLASS_NAMES = ("label_names", "classes", "class_names", "names")
_PART = re.compile(r"^(.*?)_?(train|test|valid|val|t10k)_?(.*)$", re.IGNORECASE)
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}  # LeCun's format
_BAD = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, SyntaxError, KeyError, struct.error,
        OverflowError, RuntimeError, NotImplementedError, MemoryError, RecursionError)  # fmt: skip


@dataclass(frozen=True)
class _Array:
    """One array before it is read: its name, what its head says, and how to read it."""

    name: str
    shape: tuple[int, ...]
    kind: str  # of its numbers, as NumPy has it: "u", "i", "f", "b", "U", "S"
    read: Callable[[], np.ndarray]


def is_array(item: Item) -> bool:
    """Whether a file holds arrays, by its name."""
    return item.suffix in (".npy", ".npz") or bool(_IDX.search(item.name.lower()))


def one_each(items: list[Item]) -> bool:
    """Whether these are .npy files with an image in each."""
    if len(items) < 3 or any(item.suffix != ".npy" for item in items):
        return False
    shapes = []
    for item in items[:8]:
        try:
            shapes.append(_npy_head(item.stream(MAX_ARRAY), item.size)[0])
        except (Unreadable, *_BAD):
            continue
    return bool(shapes) and all(_one_image(shape) for shape in shapes)


def _one_image(shape: tuple[int, ...]) -> bool:
    if len(shape) == 2:
        return min(shape) >= MIN_SIDE
    return len(shape) == 3 and min(shape) <= MAX_CHANNELS and sorted(shape)[1] >= MIN_SIDE


def decode(item: Item) -> Picture:
    """One image from an .npy file.

    Raises:
        Unreadable: no array of one image.
    """
    try:
        file = item.stream(MAX_ARRAY)
        shape, dtype, fortran = _npy_head(file, item.size)
        if not _one_image(shape):
            raise Unreadable(f"it is an array of {shape}, no image")
        return as_picture(_npy_body(file, shape, dtype, fortran))
    except _BAD:
        raise Unreadable("it is no good .npy file of numbers") from None


def as_picture(pixels: np.ndarray) -> Picture:
    """(H, W), (H, W, C) or (C, H, W) numbers as an image.

    Raises:
        Unreadable: too many pixels or channels, or numbers that are not finite.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    elif pixels.shape[2] > MAX_CHANNELS or (pixels.shape[0] <= MAX_CHANNELS and pixels.shape[0] < pixels.shape[2]):
        pixels = pixels.transpose(1, 2, 0)
    height, width, channels = pixels.shape
    check_size(width, height, channels)
    if pixels.dtype.kind == "b":
        pixels = pixels.astype(np.uint8)
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(np.float32)
        if not np.isfinite(pixels).all():
            raise Unreadable("it holds numbers that are not finite")
    return Picture(pixels, width, height)


# ---- a whole set in arrays -----------------------------------------------------------------------------------------


def source(given: Given, items: list[Item], said: list[Item], choice: Choice) -> Source:
    """The rows of arrays: the largest is the images or vectors, others of its length are columns.

    Raises:
        VAEError: none of them can be that.
    """
    found: list[_Array] = []
    for item in items:
        try:
            found += _arrays(item, given)
        except Unreadable as error:
            given.left_out.add(item.name, str(error))
    joined = _parts(found)
    able = [one for one in joined if _rows(one) is not None]
    if not able:
        why = f" ({given.left_out.listed[0][1]})" if given.left_out.listed else ""
        raise VAEError(
            f"No array here holds images or rows of numbers{why}: give (images, height, width), with channels before "
            "or after, or (rows, numbers)."
        )
    names = tuple(one.name for one in able)
    if choice.array and choice.array not in names:
        raise VAEError(f"There is no array {choice.array!r} of images: choose {', '.join(names)}.")
    main = next(one for one in able if one.name == choice.array) if choice.array else max(able, key=_likely)
    count = main.shape[0]
    if count > MAX_ROWS:
        raise VAEError(f"{main.name} holds {count:,} rows: give at most {MAX_ROWS:,}.")
    try:
        data = main.read()
    except Unreadable as why:
        raise VAEError(f"{main.name} cannot be read ({why}): save it again.") from None
    columns = _columns(main, joined, given)
    for item in said:
        given.left_out.add(item.name, "a table beside arrays: put its columns into the .npz")
    what = f"{items[0].name}" if len(items) == 1 else f"{len(items)} files of arrays"
    made = Source(
        kind="images",
        names=[f"{main.name}/{row}" for row in range(count)],
        columns=columns,
        left_out=given.left_out,
        phrase=f"{what}, {count:,} rows",
        split_hint="part" if "part" in columns else "",
        arrays=names if len(names) > 1 else (),
        array=main.name,
    )
    side = _square(main)
    as_images = len(main.shape) > 2 or (side > 0 and (choice.kind == "images" or main.kind in "ub"))
    if choice.kind == "vectors" or not as_images:
        return _vectors(made, data)
    shaped = data.reshape(count, side, side) if data.ndim == 2 else data
    made.picture = lambda row: as_picture(shaped[row])
    return made


def _vectors(made: Source, data: np.ndarray) -> Source:
    if data[0].size > MAX_VECTOR:
        raise VAEError(f"Rows of {data[0].size:,} numbers are too long: give at most {MAX_VECTOR:,}.")
    flat = data.reshape(len(data), -1).astype(np.float64)
    bad = ~np.isfinite(flat).all(axis=1)
    for row in np.flatnonzero(bad):
        made.left_out.add(made.names[row], "it holds a number that is missing or not finite")
    made = made.keep(np.flatnonzero(~bad))
    made.kind, made.vectors, made.picture = "vectors", flat[~bad], None
    made.value_names = tuple(str(at) for at in range(flat.shape[1]))
    return made


def _rows(one: _Array) -> int | None:
    """How many images or vectors an array could be, None where it is neither."""
    if one.kind not in "uifb" or len(one.shape) not in (2, 3, 4) or one.shape[0] < 2:
        return None
    if len(one.shape) == 2:
        return one.shape[0] if 2 <= one.shape[1] <= MAX_VECTOR else None
    if len(one.shape) == 3:
        return one.shape[0] if min(one.shape[1:]) >= MIN_SIDE else None
    channels = min(one.shape[1], one.shape[3])
    return one.shape[0] if channels <= MAX_CHANNELS and sorted(one.shape[1:])[1] >= MIN_SIDE else None


def _likely(one: _Array) -> tuple[int, int]:
    return int(len(one.shape) >= 3), math.prod(one.shape)


def _square(one: _Array) -> int:
    """The side of the square that rows of flat images make, 0 where they make none."""
    if len(one.shape) != 2:
        return 0
    side = math.isqrt(one.shape[1])
    return side if side * side == one.shape[1] and MIN_SIDE <= side <= 8 * MAX_SIDE else 0


def _columns(main: _Array, found: list[_Array], given: Given) -> dict[str, Cells]:
    columns: dict[str, Cells] = {}
    flat = [one for one in found if len(one.shape) == 1]
    lists = {one.name: one for one in flat if one.kind in "US" and one.shape[0] != main.shape[0]}
    for one in found:
        if one.name == main.name or one.name in lists:
            continue
        if len(one.shape) == 2 and one.shape[1] == 1:
            one = _Array(one.name, one.shape[:1], one.kind, lambda read=one.read: read().reshape(-1))  # type: ignore[misc]
        if len(one.shape) != 1 or one.shape[0] != main.shape[0]:
            if one.shape != (len(main.shape),):  # sizes of another array
                given.left_out.add(one.name, f"an array of {_said(one.shape)} beside {main.shape[0]:,} rows")
            continue
        try:
            values = one.read()
        except Unreadable as why:
            given.left_out.add(one.name, str(why))
            continue
        cells = _cells(values)
        named = next((lists[f"{one.name}{end}"] for end in ("s", "es", "_names") if f"{one.name}{end}" in lists), None)
        if named is None and one.name in ("label", "labels", "y"):
            named = next((lists[name] for name in _CLASS_NAMES if name in lists), None)
        if named is not None and one.kind in "ui" and values.min() >= 0 and values.max() < named.shape[0]:
            words = _cells(named.read())
            cells = [words[int(value)] for value in values]
        columns[one.name] = cells
    return columns


def _cells(values: np.ndarray) -> Cells:
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    if values.dtype.kind == "b":
        return [int(value) for value in values]
    cells: Cells = values.tolist()
    return cells


def _parts(found: list[_Array]) -> list[_Array]:
    """x_train and x_test as one array x, and a column "part" that says which row is which."""
    groups: dict[str, dict[str, _Array]] = {}
    for one in found:
        match = _PART.match(one.name)
        if match:
            stem = "_".join(piece.strip("-_ ") for piece in (match[1], match[3]) if piece.strip("-_ "))
            groups.setdefault(stem or "x", {})[match[2].lower()] = one
    groups = {
        stem: parts
        for stem, parts in groups.items()
        if "train" in parts and len(parts) > 1 and len({(one.shape[1:], one.kind) for one in parts.values()}) == 1
    }
    if not groups:
        return found
    used = {one.name for parts in groups.values() for one in parts.values()}
    joined = [one for one in found if one.name not in used]
    counts: dict[str, int] = {}
    for stem, parts in groups.items():
        ordered = [parts[name] for name in sorted(parts)]
        shape = (sum(one.shape[0] for one in ordered), *ordered[0].shape[1:])
        joined.append(_Array(stem, shape, ordered[0].kind, _together(ordered)))
        counts = {name: parts[name].shape[0] for name in sorted(parts)}
    words = np.concatenate([np.full(count, "test" if name == "t10k" else name, "U5") for name, count in counts.items()])
    joined.append(_Array("part", words.shape, "U", lambda: words))
    return joined


def _together(ordered: list[_Array]) -> Callable[[], np.ndarray]:
    return lambda: np.concatenate([one.read() for one in ordered])


def _said(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{side:,}" for side in shape) or "one number"


# ---- files ---------------------------------------------------------------------------------------------------------


def _arrays(item: Item, given: Given) -> list[_Array]:
    """What one file holds, heads only."""
    stem = item.name.rpartition("/")[2].partition(".")[0]
    if item.suffix == ".npz":
        return _npz(item, given)
    if item.suffix == ".npy":
        try:
            shape, dtype, _ = _npy_head(item.stream(MAX_ARRAY), item.size)
        except _BAD:
            raise Unreadable("it is no good .npy file of numbers") from None
        return [_Array(stem, shape, dtype.kind, lambda: _npy(item.stream(MAX_ARRAY), item.size))]
    array = _idx(item)
    name = re.sub(r"[-_.](idx\d?|ubyte|images|labels)\b", "", f"{stem}{'' if '.' not in item.name else ''}")
    role = "labels" if array.ndim == 1 else "images"
    part = _PART.match(name)
    return [_Array(f"{role}_{part[2].lower()}" if part else role, array.shape, array.dtype.kind, lambda: array)]


def _npz(item: Item, given: Given) -> list[_Array]:
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
                shape, dtype, _ = _npy_head(file, info.file_size)  # type: ignore[arg-type]
        except Unreadable as why:
            given.left_out.add(f"{item.name}: {name}", str(why))
            continue
        except _BAD:
            given.left_out.add(f"{item.name}: {name}", "no array of numbers")
            continue
        found.append(_Array(name, shape, dtype.kind, _reader(packed, info)))
    if not found:
        raise Unreadable("it holds no arrays of numbers")
    return found


def _reader(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        try:
            with packed.open(info) as file:
                return _npy(file, info.file_size)  # type: ignore[arg-type]
        except _BAD:
            raise Unreadable("it is damaged") from None

    return read


def _npy_head(file: BinaryIO, size: int) -> tuple[tuple[int, ...], "np.dtype[Any]", bool]:
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
    shape, dtype, fortran = _npy_head(file, size)
    return _npy_body(file, shape, dtype, fortran)


def _npy_body(file: BinaryIO, shape: tuple[int, ...], dtype: "np.dtype[Any]", fortran: bool) -> np.ndarray:
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
        data = unpacked(data, MAX_ARRAY)
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


def unpacked(data: bytes, limit: int) -> bytes:
    """The contents of gzip bytes, never more than `limit`, nor grown beyond what data do.

    Raises:
        Unreadable: damaged, or a trap.
    """
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    out, rest = io.BytesIO(), data
    most = min(limit, max(RATIO_FROM, MAX_RATIO * len(data)))
    if int.from_bytes(data[-4:], "little") > most:  # its end says how long it is; if it lies, the count below finds out
        raise Unreadable(f"it unpacks to more than {said_size(most)}")
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(rest, 4 * MB)
            out.write(piece)
            if out.tell() > most:
                raise Unreadable(f"it unpacks to more than {said_size(most)}")
            rest = unpacker.unconsumed_tail
            if not rest and not piece:
                raise Unreadable("it is cut short")
    except zlib.error:
        raise Unreadable("it is no good gzip file") from None
    return out.getvalue()
