"""Writing so that a file or folder is either whole or not there: aside, to the disk, then renamed."""

import errno
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vae.errors import VAEError


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, flush it to the disk, and rename it over `path`.

    Raises:
        VAEError: the disk is full or cannot be written; what was at `path` before is untouched.
    """
    with plain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            write(aside)
            flush(aside)
            os.replace(aside, path)
            flush(path.parent)
        finally:
            aside.unlink(missing_ok=True)


def write_folder(folder: Path, fill: Callable[[Path], object]) -> None:
    """Let `fill` fill a new folder beside `folder`, flush it, and put it in the place of `folder`.

    Raises:
        VAEError: the disk is full or cannot be written; what was at `folder` before is untouched.
    """
    with plain_disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        try:
            fill(aside)
            for file in aside.iterdir():
                flush(file)
            flush(aside)
            os.chmod(aside, 0o755)
            _put_in_place(aside, folder)
            flush(folder.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(aside: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(aside, folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent)) / "old"
    try:
        os.rename(folder, old)
        os.rename(aside, folder)
    except OSError:
        if old.exists():
            os.rename(old, folder)  # should this fail as well, `old` stays where it is: hidden is better than lost
        old.parent.rmdir()
        raise
    shutil.rmtree(old.parent, ignore_errors=True)


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def plain_disk_errors(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write into one plain line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise VAEError(f"The disk is full: {path.name} was not saved. Free some space and try again.") from error
        raise VAEError(f"{path.name} could not be written ({error.strerror}): choose another folder.") from error


def finite(value: Any) -> Any:
    """JSON values with null for what JSON cannot say: a figure that could not be had, or is not finite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
