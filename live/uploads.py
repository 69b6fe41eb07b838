"""Files that a visitor brings, on the disk as they come: MUSCOPE_HOME/uploads/<visitor>/<upload>/0001.bin and so on.

An upload says first how much it will be, and is refused then, or its room is kept for it. Its files have names of ours;
what they were called is only written down, in `names.json`, once all of them are there: a folder without it is not
whole, and goes. Nothing here opens a file that was brought.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import RLock
from time import time
from typing import Any, BinaryIO

from live import room
from live.room import Comers
from vae.data import allowed
from vae.errors import VAEError
from vae.files import make_folder, plain_disk_errors, size_of, write_aside
from vae.home import brought_folder, home, uploads_folder

NAMES = "names.json"
ID, OWNER = re.compile(r"[0-9a-f]{16}", re.ASCII), re.compile(r"[0-9a-z]{12}", re.ASCII)
HEAD = 8 << 10  # bytes of what is said of a file at most
LETTERS = 400  # of a name that are kept, the last
OPEN, OPEN_IN_ALL = 8, 400  # uploads under way, of one visitor and together
IDLE, KEPT = 3600, 24 * 3600  # seconds after which one under way, and one that nobody used, goes


@dataclass(frozen=True)
class Upload:
    """What was brought, whole.

    Attributes:
        folder: of files called 0001.bin and so on, with `names.json`.
        names: what they were called, in order.
        size: bytes.
    """

    folder: Path
    names: tuple[str, ...]
    size: int


@dataclass
class _UnderWay:
    """An upload that is not whole yet: what was promised, and what has come."""

    files: int
    size: int
    came: dict[int, tuple[str, int]] = field(default_factory=dict)  # number to name and bytes
    sum: int = 0  # bytes of those
    seen: float = 0.0


class Uploads:
    """All uploads of this server. Any thread may ask.

    Args:
        root: where they are kept. What is not whole there was left by a server that is gone, and is deleted.
        brought: where the data sets lie that were made of them; they take of the same room.
        models: where models lie; those that were brought take of it as well.
    """

    def __init__(self, root: Path, brought: Path, models: Path | None = None) -> None:
        self._root, self._brought, self._models = root, brought, models
        self._comers = Comers()
        self._lock = RLock()
        self._open: dict[tuple[str, str], _UnderWay] = {}
        for folder in _folders(root):
            if not (folder / NAMES).is_file():
                shutil.rmtree(folder, ignore_errors=True)

    # ---- while it comes --------------------------------------------------------------------------------------------

    def begin(self, owner: str, upload: str, files: int, size: int, address: str = "") -> None:
        """Keep room for so many files and bytes.

        Args:
            address: of the machine that asks; "" where it does not matter.

        Raises:
            VAEError: one line; nothing was kept.
        """
        _check(owner, upload)
        if type(files) is not int or type(size) is not int or size < 0:
            raise VAEError("The page told something that cannot be read: reload it and try once more.")
        allowed.check_upload(files, size)
        with self._lock:
            self.sweep()
            mine = [key for key in self._open if key[0] == owner and key[1] != upload]
            for key in mine[: max(0, len(mine) + 1 - OPEN)]:
                self.remove(*key)
            if len(self._open) >= OPEN_IN_ALL:
                raise VAEError("Too many uploads are under way here: try again in a minute.")
            self.remove(owner, upload)
            used = self.used()
            allowed.check_room(sum(used.values()), used.get(owner, 0), size)
            if address:
                self._comers.check(address, owner, size, used)
            with plain_disk_errors("The upload"):
                make_folder(self._root / owner)
                os.chmod(self._root / owner, 0o700)
                make_folder(self._root / owner / upload)
            self._open[owner, upload] = _UnderWay(files, size, seen=time())

    def expect(self, owner: str, upload: str, number: int, name: str, size: int) -> BinaryIO:
        """File `number` of an upload, empty and open; what it is called is noted.

        One that is sent again is another file: whatever still comes for the first is of no account, on the disk too.

        Raises:
            VAEError: it is more than was promised, or there is no such upload any more.
        """
        with self._lock:
            now = self._under_way(owner, upload)
            more = size - now.came.get(number, ("", 0))[1]  # of one that is sent again, what it was counts no more
            if not 1 <= number <= now.files or size < 0 or now.sum + more > now.size:
                raise VAEError("More came than was announced: choose the files once more.")
            now.came[number] = (_plain(name), size)
            now.sum, now.seen = now.sum + more, time()
            path = self._root / owner / upload / _stored(number)
            path.unlink(missing_ok=True)
            return open(path, "xb", buffering=0)

    def go_on(self, owner: str, upload: str) -> None:
        """More of it has come. VAEError: there is no such upload any more, so nothing more of it is written."""
        with self._lock:
            self._under_way(owner, upload).seen = time()

    def finish(self, owner: str, upload: str) -> Upload:
        """Everything has come: from now on it is there.

        Raises:
            VAEError: a file is missing.
        """
        with self._lock:
            now, folder = self._under_way(owner, upload), self._root / owner / upload
            for number in range(1, now.files + 1):
                name, size = now.came.get(number, ("", -1))
                if _size(folder / _stored(number)) != size:
                    raise VAEError(f"{name or f'File {number}'} did not come whole: upload it again.")
            names = {_stored(number): now.came[number][0] for number in range(1, now.files + 1)}
            write_aside(folder / NAMES, json.dumps(names, ensure_ascii=False).encode())
            del self._open[owner, upload]
            return Upload(folder, tuple(names.values()), now.sum)

    # ---- once it is there ------------------------------------------------------------------------------------------

    def found(self, owner: str, upload: str) -> Upload | None:
        """An upload of this visitor that is whole; None where there is none, or not any more."""
        if not (OWNER.fullmatch(owner) and ID.fullmatch(upload)):
            return None
        folder = self._root / owner / upload
        try:
            names = json.loads((folder / NAMES).read_text())
        except (OSError, ValueError):
            return None
        return Upload(folder, tuple(names.values()), sum(_size(folder / name) for name in names))

    def remove(self, owner: str, upload: str) -> None:
        """Delete an upload, whole or under way. One that is not there is no error."""
        _check(owner, upload)
        with self._lock:
            self._open.pop((owner, upload), None)
            shutil.rmtree(self._root / owner / upload, ignore_errors=True)
            with suppress(OSError):
                (self._root / owner).rmdir()  # where it was the last

    def sweep(self) -> None:
        """Delete what nobody goes on with, and what nobody used."""
        now = time()
        with self._lock:
            for key in [key for key, one in self._open.items() if now - one.seen > IDLE]:
                self.remove(*key)
            for folder in _folders(self._root):
                if (folder.parent.name, folder.name) not in self._open and now - _made(folder) > KEPT:
                    self.remove(folder.parent.name, folder.name)

    def used(self) -> dict[str, int]:
        """Bytes that each visitor takes: uploads, what is promised to those under way, data sets and models."""
        used: dict[str, int] = {}
        with self._lock:
            for owner, upload in self._open:
                used[owner] = used.get(owner, 0) + self._open[owner, upload].size
            for folder in _folders(self._root):
                if (folder.parent.name, folder.name) not in self._open:
                    used[folder.parent.name] = used.get(folder.parent.name, 0) + size_of(folder)
        for owner, size in (*room.sets(self._brought), *(room.models(self._models) if self._models else ())):
            used[owner] = used.get(owner, 0) + size
        return used

    def _under_way(self, owner: str, upload: str) -> _UnderWay:
        now = self._open.get((owner, upload))
        if now is None:
            raise VAEError("The server does not know this upload any more: choose the files once more.")
        return now


def shared_uploads() -> Uploads:
    """The uploads of this server."""
    return _uploads(uploads_folder(), brought_folder(), home() / "models")


@lru_cache(maxsize=4)
def _uploads(root: Path, brought: Path, models: Path) -> Uploads:
    return Uploads(root, brought, models)


# ---- the bytes of one request --------------------------------------------------------------------------------------


class Parcel:
    """Files that come in one request: for each its head (4 bytes of length, JSON), then its bytes.

    Fed as it comes, it holds no more than a head; everything else is on the disk at once.
    """

    def __init__(self, uploads: Uploads, owner: str, upload: str) -> None:
        self._uploads, self._owner, self._upload = uploads, owner, upload
        self._head = b""
        self._left = 0  # bytes of the open file that have not come
        self._file: BinaryIO | None = None

    def feed(self, chunk: bytes) -> None:
        """Take what has come.

        Raises:
            VAEError: it cannot be read, is more than was promised, or the disk is full.
        """
        rest = memoryview(chunk)
        self._uploads.go_on(self._owner, self._upload)
        with plain_disk_errors("The upload"):
            while rest:
                rest = rest[self._write(rest) :] if self._file else rest[self._read(rest) :]

    def _write(self, rest: memoryview) -> int:
        assert self._file is not None
        taken = min(self._left, len(rest))
        self._file.write(rest[:taken])
        self._left -= taken
        if not self._left:
            self.close()
        return taken

    def _read(self, rest: memoryview) -> int:
        """Gather a head; with its last byte the file is opened."""
        wanted = 4 if len(self._head) < 4 else 4 + int.from_bytes(self._head[:4], "little")
        if wanted > HEAD:
            raise VAEError("The page told something that cannot be read: reload it and try once more.")
        taken = min(wanted - len(self._head), len(rest))
        self._head += bytes(rest[:taken])
        if len(self._head) >= 4 and len(self._head) == 4 + int.from_bytes(self._head[:4], "little"):
            number, name, size = _said(self._head[4:])
            self._head = b""
            self._file = self._uploads.expect(self._owner, self._upload, number, name, size)  # closed by close()
            self._left = size
            if not size:
                self.close()
        return taken

    def close(self) -> None:
        """Close the file that is open; what is missing of it is seen at the end."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def whole(self) -> bool:
        """Whether it ends where a file ends."""
        return self._file is None and not self._head


def _said(head: bytes) -> tuple[int, str, int]:
    """The number, the name and the bytes of a file, of its head."""
    try:
        said: Any = json.loads(head)
        number, name, size = said["number"], said["name"], said["size"]
    except (ValueError, TypeError, KeyError, RecursionError):
        number = name = size = None
    if type(number) is not int or type(size) is not int or not isinstance(name, str):
        raise VAEError("The page told something that cannot be read: reload it and try once more.")
    return number, name, size


# ---- names and sizes -----------------------------------------------------------------------------------------------


def _check(owner: str, upload: str) -> None:
    if not (OWNER.fullmatch(owner) and ID.fullmatch(upload)):  # both become names of folders
        raise VAEError("The page told something that cannot be read: reload it and try once more.")


def _stored(number: int) -> str:
    return f"{number:04}.bin"


def _plain(name: str) -> str:
    """A name as it may be shown: it never becomes the name of a file."""
    return "".join(letter if letter.isprintable() else "_" for letter in name)[-LETTERS:] or "nameless"


def _folders(root: Path) -> Iterator[Path]:
    """The folder of every upload under `root`; what is not named as ours are is left alone."""
    with suppress(OSError):
        for owner in [each for each in os.scandir(root) if OWNER.fullmatch(each.name)]:
            with suppress(OSError):
                yield from [Path(each) for each in os.scandir(owner) if ID.fullmatch(each.name)]


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return -2


def _made(folder: Path) -> float:
    with suppress(OSError):
        return (folder / NAMES).stat().st_mtime
    return 0.0
