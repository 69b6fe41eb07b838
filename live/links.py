"""What is too long for an address, and what a visitor comes back to: documents of JSON, in files of this machine.

A link's file is named by a hash of what is in it, so it never changes, and whoever has the link may read it. A visit's
file is named by its visitor and for that browser alone. Neither is trusted when it is read: `pages.ui.snapshot` checks
every word of it, as of any file from anywhere.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

from vae.errors import VAEError
from vae.files import plain_disk_errors
from vae.home import home

LARGEST = 4 << 20  # bytes of one document
COPIED, PASSING = 200, 20  # links of one visitor: those that were copied, and those that an address had for a moment
LINKS, VISITS = 5000, 5000  # in all; the oldest give way, and the passing ones first
FOR_ALL = 1 << 30  # bytes of all links together; of all visits together as well
AGE = 180 * 24 * 3600  # seconds until a visit that nobody came back to is forgotten

ID = re.compile(r"[0-9a-f]{20}", re.ASCII)
_OWNER = re.compile(r"[0-9a-f]{12}", re.ASCII)
_LINK = re.compile(r"([0-9a-f]{20})\.([0-9a-f]{12})\.(copied|passing)\.json", re.ASCII)


def id_of(document: bytes) -> str:
    """The name of a document: 20 letters and digits that stand for its content."""
    return blake2b(document, digest_size=10).hexdigest()


@dataclass(frozen=True)
class _File:
    path: Path
    id: str
    owner: str
    copied: bool
    size: int
    made: float


class Links:
    """The documents of a folder.

    Args:
        folder: `links/` and `visits/` lie in it.
        clock: seconds since 1970; a test's own where it must not wait.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._links, self._visits, self._clock = folder / "links", folder / "visits", clock
        self._lock = threading.Lock()
        self._known: dict[str, _File] | None = None  # links by their id, read off the folder once
        self._remembered: dict[str, tuple[int, float]] | None = None  # by owner: bytes, and when; the oldest first
        self._bytes = 0  # of those

    # ---- links ---------------------------------------------------------------------------------------------------

    def keep(self, owner: str, document: bytes, *, copied: bool) -> str:
        """Keep a document under a link; the same one has the same link.

        Args:
            owner: who makes it, as `live.visitor` knows them: twelve letters and digits.
            document: JSON, at most LARGEST bytes.
            copied: somebody took the link away, so it stays; otherwise the visitor's next ones soon take its place.

        Returns:
            Its id.

        Raises:
            VAEError: it is too large, the visitor has made too many, or the disk is full.
        """
        if len(document) > LARGEST:
            raise VAEError(f"This is more than the {LARGEST >> 20} MB a link can hold: give up some groups first.")
        if not _OWNER.fullmatch(owner):
            raise ValueError(f"no visitor is called {owner!r}")
        name = id_of(document)
        with self._lock:
            known = self._files()
            old = known.get(name)
            if old is not None and (old.copied or not copied):
                return name
            mine = [file for file in known.values() if file.owner == owner and file.copied == copied]
            if copied and len(mine) >= COPIED:
                raise VAEError(f"You have made {COPIED} long links, as many as are kept: save a session file instead.")
            if not copied:
                for file in sorted(mine, key=lambda file: file.made)[: max(0, len(mine) + 1 - PASSING)]:
                    self._drop(file)
            self._make_room(len(document))
            how = "copied" if copied else "passing"
            path = self._links / f"{name}.{owner}.{how}.json"
            _write(path, document)
            if old is not None:
                self._drop(old)
            known[name] = _File(path, name, owner, copied, len(document), self._clock())
        return name

    def find(self, name: str) -> bytes:
        """The document of a link. VAEError: there is none, or it is not what was kept."""
        lost = "This link leads to nothing that is kept here: it was made on another machine, or is too old."
        if not ID.fullmatch(name):
            raise VAEError(lost)
        with self._lock:
            file = self._files().get(name)
        document = _read(file.path) if file is not None else None
        if document is None:
            raise VAEError(lost)
        if id_of(document) != name:
            raise VAEError("What this link leads to was damaged on the disk: ask for a new link.")
        return document

    def _files(self) -> dict[str, _File]:
        if self._known is None:
            self._known = {}
            for path, size, made in _listed(self._links):
                if found := _LINK.fullmatch(path.name):
                    name, owner, how = found.groups()
                    if how == "copied" or name not in self._known:
                        self._known[name] = _File(path, name, owner, how == "copied", size, made)
        return self._known

    def _make_room(self, size: int) -> None:
        """Drop the oldest links of all until one of `size` bytes more fits: first those that nobody copied."""
        files = sorted(self._files().values(), key=lambda file: (file.copied, file.made))
        total = sum(file.size for file in files)
        while files and (len(files) >= LINKS or total + size > FOR_ALL):
            total -= files[0].size
            self._drop(files.pop(0))

    def _drop(self, file: _File) -> None:
        file.path.unlink(missing_ok=True)
        known = self._files()
        if known.get(file.id) == file:
            del known[file.id]

    # ---- visits --------------------------------------------------------------------------------------------------

    def remember(self, owner: str, document: bytes) -> None:
        """Keep what a visitor comes back to, in the place of what was kept before. VAEError: the disk is full."""
        if not _OWNER.fullmatch(owner) or len(document) > LARGEST:
            return
        with self._lock:
            visits = self._kept_visits()
            _write(self._visits / f"{owner}.json", document)
            self._bytes += len(document) - visits.pop(owner, (0, 0.0))[0]
            visits[owner] = len(document), self._clock()
            self._sweep(visits)

    def remembered(self, owner: str) -> bytes | None:
        """What a visitor comes back to; None where nothing is kept."""
        if not _OWNER.fullmatch(owner):
            return None
        return _read(self._visits / f"{owner}.json")

    def forget(self, owner: str) -> None:
        """Delete what a visitor would come back to."""
        if _OWNER.fullmatch(owner):
            with self._lock:
                (self._visits / f"{owner}.json").unlink(missing_ok=True)
                self._bytes -= self._kept_visits().pop(owner, (0, 0.0))[0]

    def _kept_visits(self) -> dict[str, tuple[int, float]]:
        """What is remembered, read off the folder once; the lock is held."""
        if self._remembered is None:
            found = sorted(_listed(self._visits), key=lambda each: each[2])
            self._remembered = {path.stem: (size, made) for path, size, made in found if path.suffix == ".json"}
            self._bytes = sum(size for size, _ in self._remembered.values())
        return self._remembered

    def _sweep(self, visits: dict[str, tuple[int, float]]) -> None:
        """Delete the visits that nobody came back to, and the oldest where there are too many or they are too large."""
        while visits:
            owner, (size, made) = next(iter(visits.items()))
            if self._clock() - made <= AGE and len(visits) <= VISITS and self._bytes <= FOR_ALL:
                return
            (self._visits / f"{owner}.json").unlink(missing_ok=True)
            del visits[owner]
            self._bytes -= size


def shared() -> Links:
    """The documents of this server."""
    return _of(home())


@cache
def _of(folder: Path) -> Links:
    return Links(folder)


def _listed(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """The files of a folder, each with its bytes and when it was written; none where there is no folder."""
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for each in found:
            with suppress(OSError):
                if each.is_file(follow_symlinks=False) and not each.name.startswith("."):
                    about = each.stat(follow_symlinks=False)
                    yield Path(each.path), about.st_size, about.st_mtime


def _read(path: Path) -> bytes | None:
    """The bytes of a file; None where there is none, or more than a document can be."""
    try:
        with path.open("rb") as file:
            document = file.read(LARGEST + 1)
    except OSError:
        return None
    return document if len(document) <= LARGEST else None


def _write(path: Path, document: bytes) -> None:
    """A file, whole or as it was, for this machine's own eyes.

    It is written whenever a hand lets go, so nobody waits for the disk. After a power cut, and only then, the newest
    may be lost or damaged, which is seen when it is read.
    """
    with plain_disk_errors("What you look at"):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(document)
            os.replace(aside, path)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
