"""What was given, file by file: an upload, a file or folder of this machine, the members of archives. Names are cleaned
here, once, for all: they are shown and kept, and never become a path."""

import io
import json
import os
import unicodedata
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from vae.data.intake.limits import MAX_DEPTH, MAX_FILES, MAX_GIVEN, MAX_NAME, MB
from vae.errors import VAEError

NAMES = "names.json"  # in the folder of an upload: {"0001.bin": "cats/tom.png"}
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_SYSTEM = {".ds_store", "thumbs.db", "desktop.ini", "__macosx", NAMES}


class Unreadable(Exception):
    """One file that is left out; `str(error)` says why, for a list."""


@dataclass(frozen=True)
class Item:
    """One file.

    Attributes:
        name: its owner's name for it, cleaned, "/" between folders; no two items have the same.
        size: bytes, as it says itself.
        read: the bytes, at most so many; raises `Unreadable` where there are more or they cannot be read.
        path: where it lies, None for a member of an archive.
    """

    name: str
    size: int
    read: Callable[[int], bytes]
    path: Path | None = None

    @property
    def suffix(self) -> str:
        """ ".png", in lower case; ".csv.gz" with both parts."""
        last = self.name.rpartition("/")[2].lower()
        stem, dot, end = last.rpartition(".")
        if not dot:
            return ""
        if end == "gz" and "." in stem:
            return f".{stem.rpartition('.')[2]}.gz"
        return f".{end}"

    def stream(self, limit: int) -> BinaryIO:
        """The file, open, to move about in.

        Raises:
            Unreadable: larger than `limit`, or it cannot be read.
        """
        if self.size > limit:
            raise Unreadable(f"it has {said_size(self.size)}, and {said_size(limit)} are allowed")
        if self.path is None:
            return io.BytesIO(self.read(limit))
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise Unreadable(error.strerror or "it cannot be read") from None
        file = open(handle, "rb", closefd=False)  # noqa: SIM115  # an archive is read from as long as anybody has a member
        weakref.finalize(file, os.close, handle)
        return file


@dataclass
class LeftOut:
    """What is not used, and why."""

    listed: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0

    def add(self, name: str, why: str, most: int = 200) -> None:
        """One more; the first 200 are listed."""
        self.count += 1
        if len(self.listed) < most:
            self.listed.append((shown_name(name), why))


@dataclass
class Given:
    """All files, and what was left out already."""

    items: list[Item]
    left_out: LeftOut
    phrase: str  # "a zip", "3 files", "the folder cats"


def gather(given: Path) -> Given:
    """Everything that was given, archives opened.

    Raises:
        VAEError: nothing there, too much of it, or an archive that is a trap.
    """
    from vae.data.intake import archive

    left_out = LeftOut()
    outer = list(_listed(given, left_out))
    total = sum(item.size for item in outer)
    if total > MAX_GIVEN:
        raise VAEError(f"The files have {said_size(total)} together: give at most {said_size(MAX_GIVEN)}.")
    items: list[Item] = []
    zips = [item for item in outer if archive.is_zip(item)]
    for item in outer:
        if item not in zips:
            items.append(item)
            continue
        prefix = "" if len(zips) == 1 else f"{item.name.rpartition('/')[2].rpartition('.')[0]}/"
        items += archive.members(item, prefix, left_out)
        if len(items) > MAX_FILES:
            raise VAEError(f"There are more than {MAX_FILES:,} files: give fewer.")
    items = _different(items)
    if not items:
        raise VAEError(_nothing(left_out))
    phrase = "a zip" if len(outer) == 1 and zips else f"{len(items):,} files" if len(items) > 1 else items[0].name
    return Given(items, left_out, phrase)


def _nothing(left_out: LeftOut) -> str:
    if not left_out.listed:
        return "Nothing was given: choose files or a folder."
    name, why = left_out.listed[0]
    return f"Nothing can be used: {name} ({why}){'' if left_out.count == 1 else ', and others'}. Give other files."


def _listed(given: Path, left_out: LeftOut) -> Iterator[Item]:
    """Files on the disk: one, those of an upload, or all below a folder."""
    try:
        if given.is_file():
            yield _file(given, given.name)
        elif (given / NAMES).is_file():
            yield from _uploaded(given, left_out)
        elif given.is_dir():
            yield from _below(given, left_out)
        else:
            raise VAEError(f"There is no file or folder {given.name!r}: check the path.")
    except OSError as error:
        raise VAEError(f"{given.name} cannot be read ({error.strerror}): allow Muscope to read it.") from None


def _uploaded(given: Path, left_out: LeftOut) -> Iterator[Item]:
    try:
        text = (given / NAMES).read_text(encoding="utf-8")
        names = json.loads(text) if len(text) < 64 * MB else None
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, dict):
        raise VAEError("The upload is damaged (its list of names): upload the files once more.")
    if len(names) > MAX_FILES:
        raise VAEError(f"There are {len(names):,} files: give at most {MAX_FILES:,}.")
    for stored, name in sorted(names.items()):
        path = given / stored
        if "/" in stored or stored.startswith(".") or not isinstance(name, str) or path.is_symlink():
            raise VAEError("The upload is damaged (its list of names): upload the files once more.")
        if not path.is_file():
            left_out.add(name, "it did not arrive")
            continue
        try:
            yield _file(path, clean_name(name))
        except Unreadable as why:
            left_out.add(name, str(why))


def _below(given: Path, left_out: LeftOut) -> Iterator[Item]:
    count = 0
    for above, folders, files in os.walk(given):  # which follows no links
        folders.sort()
        where = Path(above)
        for name in sorted(files):
            path = where / name
            shown = path.relative_to(given).as_posix()
            count += 1
            if count > MAX_FILES:
                raise VAEError(f"The folder {given.name!r} holds more than {MAX_FILES:,} files: give fewer.")
            if path.is_symlink() or not path.is_file():
                left_out.add(shown, "a link, not a file")
                continue
            try:
                yield _file(path, clean_name(shown))
            except Unreadable as why:
                left_out.add(shown, str(why))


def _file(path: Path, name: str) -> Item:
    def read(limit: int) -> bytes:
        try:
            with path.open("rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            raise Unreadable(error.strerror or "it cannot be read") from None
        if len(data) > limit:
            raise Unreadable(f"it has more than {said_size(limit)}")
        return data

    return Item(name, path.stat().st_size, read, path)


def _different(items: list[Item]) -> list[Item]:
    """No two names alike."""
    seen: dict[str, int] = {}
    found = []
    for item in items:
        count = seen[item.name] = seen.get(item.name, 0) + 1
        if count > 1:
            stem, dot, end = item.name.rpartition(".")
            name = f"{stem} ({count}).{end}" if dot else f"{item.name} ({count})"
            while name in seen:
                name = f"{name}'"
            seen[name] = 1
            item = Item(name, item.size, item.read, item.path)
        found.append(item)
    return found


# ---- names ---------------------------------------------------------------------------------------------------------


def clean_name(raw: str) -> str:
    """A file's name as it may be shown and kept: "/" between folders, nothing that cannot be seen.

    Raises:
        Unreadable: it leads out of its folder, is nothing, or belongs to the system it came from.
    """
    name = unicodedata.normalize("NFC", raw.encode("utf-8", "replace").decode("utf-8")).replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    parts = name.split("/")
    if name.startswith("/") or ".." in (part.strip() for part in parts) or (len(name) > 1 and name[1] == ":"):
        raise Unreadable("its name leads out of the folder")
    parts = [_seen(part) for part in parts if part not in ("", ".")]
    if not parts or not parts[-1].strip():
        raise Unreadable("it has no name")
    if len(parts) > MAX_DEPTH:
        raise Unreadable(f"it lies more than {MAX_DEPTH} folders deep")
    if any(part.lower() in _SYSTEM or part.startswith("._") for part in parts):
        raise Unreadable("a file of the system, no data")
    name = "/".join(parts)
    if len(name) > MAX_NAME:  # the end says what kind of file it is
        name = name[: MAX_NAME // 2] + "…" + name[-(MAX_NAME // 2 - 1) :]
    return name


def shown_name(raw: str) -> str:
    """Any name, for a list."""
    text = _seen(raw.encode("utf-8", "replace").decode("utf-8"))
    return text if len(text) <= 120 else f"{text[:80]}…{text[-39:]}"


def _seen(text: str) -> str:
    """Without what cannot be seen or turns the writing around: controls, formats, private and lone surrogates."""
    return "".join("_" if unicodedata.category(letter) in _UNSEEN else letter for letter in text)


def said_size(count: float) -> str:
    """Bytes for people."""
    return f"{count / (1 << 30):.1f} GB" if count >= 1 << 30 else f"{max(count / MB, 0.1):.1f} MB"
