"""Writing so that a file or folder is either whole or not there: aside, to the disk, then renamed.

Everything goes through a few calls of `os`, so that a test can stop the machine, or fill the disk, at each of them.
"""

import ctypes
import errno
import fcntl
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from vae.errors import VAEError

ASIDE = re.compile(r"\.(.+)\.\d+\.part")


def written_aside(name: str) -> str:
    """The file that was being written under this name when the process died, "" where it is no such name."""
    found = ASIDE.fullmatch(name)
    return found[1] if found else ""


def write_aside(path: Path, data: bytes) -> None:
    """Write a file beside `path`, flush it to the disk, and rename it over `path`.

    Raises:
        VAEError: the disk is full or cannot be written; `path` holds what it held before, or all that is new.
    """
    with plain_disk_errors(path):
        make_folder(path.parent)
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            write_file(aside, data)
            os.replace(aside, path)
            flush(path.parent)
        finally:
            with suppress(OSError):  # a disk that fails here as well must not hide why
                aside.unlink(missing_ok=True)


def write_folder(folder: Path, files: Mapping[str, bytes], *, name: str = "") -> None:
    """Write a new folder beside `folder`, flush it, and put it in the place of `folder`.

    Args:
        files: what each file of the new folder shall hold.
        name: what people call it where it cannot be written (the folder's own).

    Raises:
        VAEError: the disk is full or cannot be written; what was at `folder` before is still there, or all that is new.
    """
    with plain_disk_errors(name or folder):
        make_folder(folder.parent)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        try:
            for file, data in files.items():
                write_file(aside / file, data)
            os.chmod(aside, 0o755)
            flush(aside)
            _put_in_place(aside, folder)
            flush(folder.parent)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(aside: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(aside, folder)
        return
    if _exchange(aside, folder):
        try:
            flush(folder.parent)  # before the old one goes, which is now `aside`
        except OSError:
            _exchange(aside, folder)
            raise
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent)) / "old"
    try:
        os.rename(folder, old)
        os.rename(aside, folder)
        flush(folder.parent)
    except OSError:
        if old.exists():
            if folder.exists():
                os.rename(folder, aside)
            os.rename(old, folder)  # should this fail as well, `old` stays where it is: hidden is better than lost
        with suppress(OSError):
            old.parent.rmdir()
        raise
    shutil.rmtree(old.parent, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders swap their names in one instant; False where the system or this disk cannot."""
    swap = _swap()
    if swap is None:
        return False
    ctypes.set_errno(0)
    if swap(os.fsencode(one), os.fsencode(other)) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(other))


@cache
def _swap() -> Callable[[bytes, bytes], int] | None:
    library, here, swap = ctypes.CDLL(None, use_errno=True), -100, 2  # AT_FDCWD; RENAME_EXCHANGE and RENAME_SWAP
    if hasattr(library, "renameat2"):  # Linux
        return lambda one, other: int(library.renameat2(here, one, here, other, swap))
    if hasattr(library, "renamex_np"):  # macOS
        return lambda one, other: int(library.renamex_np(one, other, swap))
    return None


def write_file(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on the disk; for a place that nobody reads yet.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        write_all(handle, data)
        sync(handle)  # by the handle that wrote: only that one is sure to be told of a failure
    finally:
        os.close(handle)


def write_all(handle: int, data: bytes) -> None:
    """Hand all of `data` to the system, however little it takes at a time.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    rest = memoryview(data)
    while rest:
        count = os.write(handle, rest)
        if not count:  # no progress and no reason: asked again it would say so for ever
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = rest[count:]


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that a power cut does not take them with what they will hold.

    Raises:
        OSError: it cannot be made, or something else is there.
    """
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for new in reversed(missing):
        if not new.is_dir():
            new.mkdir(exist_ok=True)
            flush(new.parent)


def size_of(folder: Path) -> int:
    """Bytes of the files right in a folder; 0 where it is not there. A link takes no room but its own."""
    total = 0
    with suppress(OSError), os.scandir(folder) as found:
        for each in found:
            with suppress(OSError):  # deleted this moment
                total += 0 if each.is_dir(follow_symlinks=False) else each.stat(follow_symlinks=False).st_size
    return total


def flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        sync(handle)
    finally:
        os.close(handle)


def sync(handle: int) -> None:
    """Wait until what an open file holds is on the disk, not only on its way."""
    os.fsync(handle)
    full = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: its fsync leaves the bytes in the drive's own memory
    if full is not None:
        with suppress(OSError):  # not every disk knows it
            fcntl.fcntl(handle, full)


@contextmanager
def plain_disk_errors(what: Path | str) -> Iterator[None]:
    """Turn the system's refusal to write into one plain line about a file, a folder, or what people call it."""
    try:
        yield
    except OSError as error:
        name = what if isinstance(what, str) else what.name
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise VAEError(f"The disk is full: {name} was not saved. Free some space and try again.") from error
        raise VAEError(f"{name} could not be written ({error.strerror}): choose another folder.") from error


def finite(value: Any) -> Any:
    """JSON values with null for what JSON cannot say: a figure that could not be had, or is not finite."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
