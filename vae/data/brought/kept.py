"""Where sets are kept, whose they are and for how long: asked for, shared, deleted, swept; put in their place whole."""

import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from vae.data.brought.facts import FACTS, KIND, TENSORS, BroughtSet, check_tensors, read_facts
from vae.errors import VAEError
from vae.files import flush, make_folder, plain_disk_errors, size_of, write_aside

GONE = "This data set is no longer here (it was deleted, or its time is over): choose another, or bring it again."
_ID = re.compile(r"[0-9a-f]{16}")
_MAX_FACTS = 8 << 20  # bytes of set.json


# ---- where they are --------------------------------------------------------------------------------------------------


def folder() -> Path:
    """Where sets are kept, a folder each."""
    from vae.home import home  # whoever only draws digits need not know where

    return home() / KIND


def is_id(text: str) -> bool:
    """Whether this is an ID at all; nothing else ever becomes part of a path."""
    return bool(_ID.fullmatch(text))


def new_id() -> str:
    """An ID nobody can guess."""
    return secrets.token_hex(8)


def place(set_id: str) -> Path:
    """The folder of a set, whether it is there or not.

    Raises:
        VAEError: that is no ID.
    """
    if not is_id(set_id):
        raise VAEError(GONE)
    return folder() / set_id


def aside(set_id: str) -> Path:
    """Where a set is made before it is put in its place."""
    return place(set_id).with_name(f".{set_id}.part")


# ---- asking ----------------------------------------------------------------------------------------------------------


def get(set_id: str) -> BroughtSet:
    """What is known of a set.

    Raises:
        VAEError: it is not there, its time is over, or it is damaged.
    """
    path = place(set_id) / FACTS
    try:
        if path.stat().st_size > _MAX_FACTS:
            raise VAEError("A data set that was brought is damaged (set.json is too large): delete it.")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise VAEError(GONE) from None
    found = read_facts(set_id, text)
    if is_over(found, datetime.now(UTC)):
        raise VAEError(GONE)
    return found


def sets(owner: str | None) -> list[BroughtSet]:
    """The sets of one person, and those that others share; the newest first. What is damaged or over is not listed.

    Args:
        owner: 12 characters; None for all that there are.
    """
    found = []
    with suppress(OSError):
        for each in folder().iterdir():
            if is_id(each.name):
                with suppress(VAEError):
                    found.append(get(each.name))
    theirs = [one for one in found if owner is None or one.shared or one.owner == owner]
    return sorted(theirs, key=lambda one: (one.made, one.id), reverse=True)


def is_over(one: BroughtSet, now: datetime) -> bool:
    """Whether its time is over."""
    return one.expires is not None and datetime.fromisoformat(one.expires) <= now


def size(set_id: str) -> int:
    """Bytes on the disk, 0 where it is not there."""
    return size_of(place(set_id))


# ---- changing --------------------------------------------------------------------------------------------------------


def share(set_id: str, shared: bool, *, owner: str | None = None) -> BroughtSet:
    """Let others see a set, or no longer.

    Args:
        owner: who asks; None for a caller that has made sure.

    Raises:
        VAEError: it is not there, or is another's.
    """
    one = _mine(set_id, owner)
    one = replace(one, shared=bool(shared))
    write_aside(place(set_id) / FACTS, one.to_json().encode())
    return one


def delete(set_id: str, *, owner: str | None = None) -> None:
    """Remove a set from the disk, at once and for good. Models made from it stay.

    Raises:
        VAEError: it is not there, or is another's.
    """
    if owner is not None:
        _mine(set_id, owner)
    _remove(place(set_id))


def sweep(now: datetime | None = None) -> list[str]:
    """Remove the sets whose time is over, and what was left half made by a process that died an hour ago.

    Returns:
        The titles of what went.
    """
    now = now or datetime.now(UTC)
    gone = []
    with suppress(OSError):
        for each in list(folder().iterdir()):
            if not is_id(each.name):
                with suppress(OSError):
                    if each.name.endswith((".part", ".gone")) and now.timestamp() - each.stat().st_mtime > 3600:
                        shutil.rmtree(each, ignore_errors=True)
                continue
            with suppress(VAEError, OSError):
                one = read_facts(each.name, (each / FACTS).read_text(encoding="utf-8"))
                if is_over(one, now):
                    _remove(each)
                    gone.append(one.title)
    return gone


def put_in_place(set_id: str) -> BroughtSet:
    """Take what was made aside, look whether it holds together, and give it its name.

    Raises:
        VAEError: it does not hold together, or the disk is full.
    """
    made = aside(set_id)
    try:
        one = read_facts(set_id, (made / FACTS).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise VAEError("The data set could not be made (nothing came of it): try once more.") from None
    check_tensors(made / TENSORS, one)
    with plain_disk_errors(one.title):
        flush(made)
        made.rename(place(set_id))
        flush(folder())
    return one


def make_aside(set_id: str) -> Path:
    """An empty folder in which a set is made."""
    with plain_disk_errors("The data set"):
        make_folder(folder())
        made = aside(set_id)
        made.mkdir(mode=0o700)
    return made


def drop_aside(set_id: str) -> None:
    """Remove what was half made."""
    shutil.rmtree(aside(set_id), ignore_errors=True)


def _mine(set_id: str, owner: str | None) -> BroughtSet:
    one = get(set_id)
    if owner is not None and one.owner != owner:
        raise VAEError(f"{one.title} is another visitor's: only who brought it can change or delete it.")
    return one


def _remove(path: Path) -> None:
    hidden = path.with_name(f".{path.name}.gone")
    try:
        path.rename(hidden)  # gone for everybody in one instant, whatever deleting takes
    except OSError:
        if not path.exists():
            raise VAEError(GONE) from None
        hidden = path
    shutil.rmtree(hidden, ignore_errors=True)
