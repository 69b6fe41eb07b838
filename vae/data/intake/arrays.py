"""Arrays of numbers as images or vectors: which of them is the data, and what the others say of its rows."""

import math
from collections.abc import Callable

import numpy as np

from vae.data.images import MAX_SIDE, MIN_SIDE
from vae.data.intake.array_files import BAD, PART, Array, arrays_of, npy_body, npy_head
from vae.data.intake.choice import Choice
from vae.data.intake.given import Given, Item, Unreadable
from vae.data.intake.limits import MAX_ARRAY, MAX_CHANNELS, MAX_ROWS, MAX_VECTOR
from vae.data.intake.pictures import Picture, as_picture
from vae.data.intake.source import Cells, Source
from vae.errors import VAEError

_CLASS_NAMES = ("label_names", "classes", "class_names", "names")


def one_each(items: list[Item]) -> bool:
    """Whether these are .npy files with an image in each."""
    if len(items) < 3 or any(item.suffix != ".npy" for item in items):
        return False
    shapes = []
    for item in items[:8]:
        try:
            shapes.append(npy_head(item.stream(MAX_ARRAY), item.size)[0])
        except (Unreadable, *BAD):
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
        shape, dtype, fortran = npy_head(file, item.size)
        if not _one_image(shape):
            raise Unreadable(f"it is an array of {shape}, no image")
        return as_picture(npy_body(file, shape, dtype, fortran))
    except BAD:
        raise Unreadable("it is no good .npy file of numbers") from None


# ---- a whole set in arrays -----------------------------------------------------------------------------------------


def source(given: Given, items: list[Item], said: list[Item], choice: Choice) -> Source:
    """The rows of arrays: the largest is the images or vectors, others of its length are columns.

    Raises:
        VAEError: none of them can be that.
    """
    found: list[Array] = []
    for item in items:
        try:
            found += arrays_of(item, given)
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


def _rows(one: Array) -> int | None:
    """How many images or vectors an array could be, None where it is neither."""
    if one.kind not in "uifb" or len(one.shape) not in (2, 3, 4) or one.shape[0] < 2:
        return None
    if len(one.shape) == 2:
        return one.shape[0] if 2 <= one.shape[1] <= MAX_VECTOR else None
    if len(one.shape) == 3:
        return one.shape[0] if min(one.shape[1:]) >= MIN_SIDE else None
    channels = min(one.shape[1], one.shape[3])
    return one.shape[0] if channels <= MAX_CHANNELS and sorted(one.shape[1:])[1] >= MIN_SIDE else None


def _likely(one: Array) -> tuple[int, int]:
    return int(len(one.shape) >= 3), math.prod(one.shape)


def _square(one: Array) -> int:
    """The side of the square that rows of flat images make, 0 where they make none."""
    if len(one.shape) != 2:
        return 0
    side = math.isqrt(one.shape[1])
    return side if side * side == one.shape[1] and MIN_SIDE <= side <= 8 * MAX_SIDE else 0


def _columns(main: Array, found: list[Array], given: Given) -> dict[str, Cells]:
    columns: dict[str, Cells] = {}
    flat = [one for one in found if len(one.shape) == 1]
    lists = {one.name: one for one in flat if one.kind in "US" and one.shape[0] != main.shape[0]}
    for one in found:
        if one.name == main.name or one.name in lists:
            continue
        if len(one.shape) == 2 and one.shape[1] == 1:
            one = Array(one.name, one.shape[:1], one.kind, lambda read=one.read: read().reshape(-1))  # type: ignore[misc]
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


def _parts(found: list[Array]) -> list[Array]:
    """x_train and x_test as one array x, and a column "part" that says which row is which."""
    groups: dict[str, dict[str, Array]] = {}
    for one in found:
        match = PART.match(one.name)
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
        joined.append(Array(stem, shape, ordered[0].kind, _together(ordered)))
        counts = {name: parts[name].shape[0] for name in sorted(parts)}
    words = np.concatenate([np.full(count, "test" if name == "t10k" else name, "U5") for name, count in counts.items()])
    joined.append(Array("part", words.shape, "U", lambda: words))
    return joined


def _together(ordered: list[Array]) -> Callable[[], np.ndarray]:
    return lambda: np.concatenate([one.read() for one in ordered])


def _said(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{side:,}" for side in shape) or "one number"
