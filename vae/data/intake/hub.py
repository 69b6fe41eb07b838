"""A Hugging Face data set, from the local cache by its name or from a folder it was saved to. Nothing is downloaded."""

from pathlib import Path
from typing import Any

from vae.data.intake import pictures
from vae.data.intake.given import Item, LeftOut, Unreadable
from vae.data.intake.limits import MAX_IMAGE_FILE, MAX_ROWS
from vae.data.intake.source import Cells, Source
from vae.errors import VAEError

_MISSING = "Data sets of Hugging Face need the extra `datasets`: ask whoever runs this server for it."


def is_dataset(given: str) -> bool:
    """Whether this is asked of the library `datasets`: a name, or a folder that it saved."""
    return given.startswith("dataset:") or is_saved(Path(given).expanduser())


def is_saved(path: Path) -> bool:
    """Whether a folder is what `Dataset.save_to_disk` leaves."""
    return (path / "dataset_dict.json").is_file() or (
        (path / "state.json").is_file() and (path / "dataset_info.json").is_file()
    )


def saved(path: Path) -> Source:
    """The rows of a data set that was saved to a folder.

    Raises:
        VAEError: the extra is missing, or the folder cannot be read.
    """
    try:
        import datasets
    except ImportError:
        raise VAEError(_MISSING) from None
    try:
        found = datasets.load_from_disk(str(path))
    except Exception:  # noqa: BLE001  # whatever the library says of a broken folder
        raise VAEError(f"The data set in {path.name!r} cannot be read: save it once more.") from None
    return _rows(found, path.name)


def source(name: str) -> Source:
    """The rows of a data set by its name ("ylecun/mnist", "cifar10:plain_text"), from the local cache.

    Raises:
        VAEError: the extra is missing, or the data set is not in the cache.
    """
    try:
        import datasets
    except ImportError:
        raise VAEError(_MISSING) from None
    title, _, config = name.partition(":")
    if not title or title.startswith(("/", ".", "~")) or "://" in name:
        raise VAEError(f"{name!r} is no name of a data set: give one like ylecun/mnist.")
    try:
        found = datasets.load_dataset(title, config or None)
    except Exception:  # noqa: BLE001  # as many kinds of error as ways to keep a data set
        raise VAEError(
            f"The data set {title} is not on this machine: fetch it once with datasets.load_dataset({title!r}), "
            "then ask again."
        ) from None
    return _rows(found, title)


def _rows(found: Any, title: str) -> Source:
    import datasets

    parts = dict(found) if isinstance(found, dict) else {"": found}
    tables = {name: part.with_format(None) for name, part in parts.items() if len(part)}
    if not tables:
        raise VAEError(f"The data set {title} has no rows.")
    features = next(iter(tables.values())).features
    images = [name for name, feature in features.items() if isinstance(feature, datasets.Image)]
    if not images:
        raise VAEError(f"The data set {title} has no column of images: save its numbers as CSV or Parquet instead.")
    image = images[0]
    if sum(len(part) for part in tables.values()) > MAX_ROWS:
        raise VAEError(f"The data set {title} has more than {MAX_ROWS:,} rows.")
    columns: dict[str, Cells] = {}
    where: list[tuple[Any, int]] = []
    for part_name, part in tables.items():
        raw = part.cast_column(image, datasets.Image(decode=False))
        where += [(raw, row) for row in range(len(raw))]
        for name, feature in features.items():
            if name != image:
                columns.setdefault(name, []).extend(_cells(part[name], feature))
        if len(tables) > 1:
            columns.setdefault("part", []).extend([part_name] * len(raw))

    def picture(row: int) -> pictures.Picture:
        part, at = where[row]
        cell = part[at][image]
        data = cell.get("bytes") if isinstance(cell, dict) else None
        if data is None and isinstance(cell, dict) and cell.get("path"):
            data = Path(cell["path"]).read_bytes()
        if not data or len(data) > MAX_IMAGE_FILE:
            raise Unreadable("there is no image in it")
        return pictures.decode(Item(names[row], len(data), lambda limit: data))

    names = [f"{title}/{row}" for row in range(len(where))]
    label = next((name for name, feature in features.items() if isinstance(feature, datasets.ClassLabel)), "")
    return Source(
        kind="images",
        names=names,
        columns=columns,
        left_out=LeftOut(),
        phrase=f"the data set {title}, {len(where):,} images",
        picture=picture,
        label_hint=label,
        split_hint="part" if "part" in columns else "",
        credit=f"{title}, a data set of the Hugging Face Hub",
    )


def _cells(values: Any, feature: Any) -> Cells:
    names = getattr(feature, "names", None)
    cells: Cells = []
    for value in values:
        if names is not None and isinstance(value, int) and 0 <= value < len(names):
            cells.append(names[value])
        elif value is None or isinstance(value, int | float):
            cells.append(int(value) if isinstance(value, bool) else value)
        else:
            cells.append(str(value)[:2000])
    return cells
