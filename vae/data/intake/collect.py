"""From files to rows: which are the data, which tables say something of them, and which are left out."""

from vae.data.intake import array_files, arrays, table_files, tables
from vae.data.intake.choice import Choice
from vae.data.intake.given import Given, Item, Unreadable
from vae.data.intake.pictures import SUFFIXES, TIFFS, Picture, decode
from vae.data.intake.source import Cells, Source
from vae.errors import VAEError

PROGRAMS = frozenset({".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".mat", ".h5", ".hdf5", ".rds", ".bin"})
FOREIGN = frozenset({".heic", ".heif", ".avif", ".jp2", ".ppm", ".pgm", ".tga", ".psd", ".svg", ".czi", ".nd2", ".lif"})
_SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation"}


def collect(given: Given, choice: Choice) -> Source:
    """The rows of what was given.

    Raises:
        VAEError: nothing that can be used.
    """
    pictures: list[Item] = []
    numbers: list[Item] = []
    said: list[Item] = []
    texts: list[Item] = []
    for item in given.items:
        suffix = item.suffix
        if suffix in SUFFIXES or suffix in TIFFS or (not suffix and _looks_like_an_image(item)):
            pictures.append(item)
        elif array_files.is_array(item):
            numbers.append(item)
        elif table_files.is_table(item):
            said.append(item)
        elif suffix == ".txt":
            texts.append(item)
        else:
            given.left_out.add(item.name, _why_not(suffix))
    if not pictures and arrays.one_each(numbers):  # a folder of .npy files, an image in each
        pictures, numbers = numbers, []
    said += [item for item in texts if table_files.is_celeba(item)]
    for item in texts:
        if not table_files.is_celeba(item):
            given.left_out.add(item.name, "a text, no data")
    if pictures:
        for item in numbers:
            given.left_out.add(item.name, "an array beside images: give it alone")
        return _images(given, pictures, said, choice)
    if numbers:
        return arrays.source(given, numbers, said, choice)
    if said:
        return tables.source(given, said, choice)
    name, why = given.left_out.listed[0]
    raise VAEError(f"Nothing can be used: {name} ({why}). Give images, a table, or arrays of numbers.")


def _looks_like_an_image(item: Item) -> bool:
    if item.path is None or item.size < 12:
        return False
    with item.path.open("rb") as file:
        head = file.read(12)
    return head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")) or head[8:12] == b"WEBP"


def _why_not(suffix: str) -> str:
    if suffix in PROGRAMS:
        return "a kind of file that may hold a program: save the numbers as .npz"
    if suffix in FOREIGN:
        return "a kind of image that is not read here: save it as PNG or TIFF"
    return "a kind of file that is not read here"


def _images(given: Given, pictures: list[Item], said: list[Item], choice: Choice) -> Source:
    names = [item.name for item in pictures]
    columns = from_folders(names)
    hint = "folder" if "folder" in columns else ""
    split = "part" if "part" in columns else ""
    rows = list(range(len(pictures)))
    path_column = ""
    warnings: list[str] = []
    if said:
        joined = tables.beside(said, names, choice, given.left_out, lambda row: _damage(pictures[row]))
        if joined is not None:
            rows, path_column = joined.rows, joined.path_column
            columns = {name: [cells[row] for row in rows] for name, cells in columns.items()}
            for name, cells in joined.columns.items():
                columns[name if name not in columns else f"{name}_"] = cells
            warnings += joined.warnings
            hint = joined.label_hint or hint
            split = joined.split_hint or split
    kept = [pictures[row] for row in rows]

    what = f"{given.phrase} of {len(kept):,} images" if given.phrase == "a zip" else f"{len(kept):,} image files"
    return Source(
        kind="images",
        names=[item.name for item in kept],
        columns=columns,
        left_out=given.left_out,
        phrase=what,
        picture=lambda row: _decoded(kept[row]),
        label_hint=hint,
        split_hint=split,
        path_column=path_column,
        warnings=warnings,
    )


def _decoded(item: Item) -> Picture:
    return arrays.decode(item) if item.suffix == ".npy" else decode(item)


def _damage(item: Item) -> str:
    try:
        _decoded(item)
    except Unreadable as why:
        return str(why)
    except Exception:  # noqa: BLE001  # whatever a reader trips over
        return "it is damaged"
    return ""


def from_folders(names: list[str]) -> dict[str, Cells]:
    """Columns off the folders that files lie in: "folder", the one right above, and "part", train or test."""
    above = [name.split("/")[:-1] for name in names]
    columns: dict[str, Cells] = {}
    parts = [next((part for part in folders if part.lower() in _SPLITS), "") for folders in above]
    if all(parts) and len({part.lower() for part in parts}) > 1:
        columns["part"] = list(parts)
        above = [[one for one in folders if one != part] for folders, part in zip(above, parts, strict=True)]
    last = [folders[-1] if folders else "" for folders in above]
    if len(set(last)) > 1:
        columns["folder"] = list(last)
    return columns


__all__ = ["Unreadable", "collect", "from_folders"]
