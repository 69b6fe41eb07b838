"""What an administrator allows people to bring: read from the environment whenever it is asked.

MUSCOPE_UPLOAD_MB     one upload at most; 2000 unless set
MUSCOPE_UPLOAD_FILES  files in one upload at most; 100,000 unless set
MUSCOPE_BROUGHT_GB    on the disk for everything that was brought; 20 unless set, and a quarter of it for one visitor
MUSCOPE_NEW_VISITORS  who bring something for the first time, of one network address in an hour; 150 unless set
MUSCOPE_BROUGHT_DAYS  days until what was brought is deleted; 30 unless set, 0 for never
"""

import math
import os

from vae.errors import VAEError

MB, GB = 10**6, 10**9
SHARE = 0.25  # of all the room, for one visitor


def upload_bytes() -> int:
    """Bytes of one upload at most."""
    return int(number("MUSCOPE_UPLOAD_MB", 2000, 0.001) * MB)


def upload_files() -> int:
    """Files of one upload at most."""
    return int(number("MUSCOPE_UPLOAD_FILES", 100_000, 1))


def room() -> int:
    """Bytes that everything that was brought may take together."""
    return int(number("MUSCOPE_BROUGHT_GB", 20, 0) * GB)


def share() -> int:
    """Bytes of it that one visitor may have."""
    return int(room() * SHARE)


def comers() -> int:
    """Visitors of one address who may bring something for the first time within an hour."""
    return int(number("MUSCOPE_NEW_VISITORS", 150, 1))


def days() -> float | None:
    """Days until what was brought is deleted, or None for never."""
    return number("MUSCOPE_BROUGHT_DAYS", 30, 0) or None


def check_upload(files: int, size: int) -> None:
    """Refuse an upload of too many files or bytes, or of none.

    Raises:
        VAEError: with what to do instead.
    """
    if files < 1:
        raise VAEError("There is no file in it: choose files, or a folder that holds some.")
    if files > upload_files():
        raise VAEError(
            f"These are {files:,} files, and one upload has at most {upload_files():,}: pack them into a zip file."
        )
    if size > upload_bytes():
        raise VAEError(f"This is {plain(size)}, and one upload has at most {plain(upload_bytes())}: bring fewer.")


def check_room(used: int, mine: int, more: int) -> None:
    """Refuse `more` bytes where what was brought takes `used` in all, and `mine` of them are this visitor's.

    Raises:
        VAEError: with what to delete.
    """
    if mine + more > share():
        raise VAEError(
            f"What you brought takes {plain(mine)} and this is {plain(more)}, and you may have {plain(share())}: "
            "delete some of your data or models first."
        )
    if used + more > room():
        raise VAEError(
            f"All visitors together may bring {plain(room())}, and {plain(used)} of it is taken: "
            "ask whoever runs this server, or come back later."
        )


def plain(size: float) -> str:
    """Bytes in words: "1.5 GB", "20.0 MB", "12 kB"."""
    for unit, scale in (("GB", GB), ("MB", MB)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{math.ceil(size / 1000)} kB"


def number(name: str, usual: float, least: float) -> float:
    """A number that an administrator may set: from the environment, else as usual.

    Raises:
        VAEError: what was set is no number, or less than `least`.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return usual
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= least):
        raise VAEError(f"{name} is {text!r}, and should be a number from {least:g} up: ask whoever runs this server.")
    return found
