"""Files as one zip, the same bytes each time; and a model's folder as one, to be opened by another Muscope."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from vae.checkpoint import CARD, CONFIG, MODEL_FILES, OWNER, WEIGHTS, read_card
from vae.errors import VAEError

WHEN = (2020, 1, 1, 0, 0, 0)  # of every member: a zip of the same files is the same zip
LARGEST = 1 << 30


def as_zip(files: Mapping[str, bytes], folder: str = "") -> bytes:
    """The files as a zip, in a folder of that name or in none.

    What is compressed already, or is weights, is only stored: numbers of a network do not get smaller.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as parcel:
        for name, data in files.items():
            member = zipfile.ZipInfo(f"{folder}/{name}" if folder else name, WHEN)
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED if name.endswith((".json", ".md")) else zipfile.ZIP_STORED
            parcel.writestr(member, data)
    return file.getvalue()


def model_files(folder: Path) -> dict[str, bytes]:
    """All that makes a model: config, weights and card first, then what was kept beside them. Nothing else is taken.

    Whose it is stays here: it belongs to whoever it is given to.

    Raises:
        VAEError: it is no model, or a file cannot be read.
    """
    folder = Path(folder)
    read_card(folder)  # says plainly when this is no model
    names = [CONFIG, WEIGHTS, CARD, *sorted(MODEL_FILES - {CONFIG, WEIGHTS, CARD, OWNER, ".DS_Store"})]
    try:
        there = [name for name in names if (folder / name).is_file() and not (folder / name).is_symlink()]
        if sum((folder / name).stat().st_size for name in there) > LARGEST:
            raise VAEError(f"The model {folder.name} is larger than a gigabyte: copy its folder by hand.")
        return {name: (folder / name).read_bytes() for name in there}
    except OSError as error:
        raise VAEError(f"The model {folder.name} could not be read ({error.strerror}).") from error
