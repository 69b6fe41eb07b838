"""Files to take home, made by `python -m vae export` in a process of its own: the server goes on answering hands.

One is made at a time for the whole server, less urgent than what follows a hand. What was made is kept for a while on
the disk, so that a class that asks for the same file has it made once.
"""

import os
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from secrets import token_urlsafe
from threading import Lock

from live import privacy
from live.engine import Engine, ModelEntry, shared
from live.errands import NICE, REPOSITORY
from vae.errors import VAEError
from vae.files import make_folder, plain_disk_errors
from vae.home import home
from vae.out import EXPORTS, TABLES
from vae.train.process import WAITING

KEPT = 24  # files, the one not asked for longest given up first
PATIENCE = 300.0  # seconds; the largest map that ships takes 15
OFFERS = 4096  # remembered, the one not asked for longest forgotten first
_making = Lock()
_book = Lock()
_offers: "OrderedDict[str, _Offer]" = OrderedDict()  # by their keys
_keys: "dict[_Offer, str]" = {}


def takeaway(engine: Engine, entry: ModelEntry, to: str, columns: bool = False) -> Path:
    """A model as a file of a kind that `vae.out.EXPORTS` names. It waits its turn, and takes seconds the first time.

    Args:
        columns: of a table, with the columns that came with data of somebody's own.

    Returns:
        Where the file lies; it is given up when so many others were asked for since.

    Raises:
        VAEError: what the command said, in its one line; or it took too long.
    """
    if to not in EXPORTS:
        raise VAEError(f"A model cannot be taken home as {to[:40]!r}: choose {', '.join(EXPORTS)}.")
    path = _place(engine, entry, to, columns)
    with _making:
        if not path.is_file():
            _make(entry, to, columns, path)
        try:
            path.touch()
            return path
        except OSError as error:
            raise VAEError(f"The file could not be read ({error.strerror}): try once more.") from error


@dataclass(frozen=True)
class _Offer:
    owner: str
    model_id: str
    name: str
    to: str
    columns: bool


def offer(owner: str, entry: ModelEntry, to: str, columns: bool = False) -> str:
    """A key that nobody can guess, under which this visitor may fetch a file; the same each time it is asked for."""
    wanted = _Offer(owner, entry.model_id, entry.name, to, columns)
    with _book:
        key = _keys.setdefault(wanted, token_urlsafe(24))
        _offers[key] = wanted
        _offers.move_to_end(key)
        while len(_offers) > OFFERS:
            _, old = _offers.popitem(last=False)
            del _keys[old]
        return key


def offered(key: str, visitor: str) -> tuple[Path, str]:
    """The file of a key, and what to call it.

    Args:
        visitor: who asks, as `live.visitor.owner_of` knows them; "" for a browser that keeps no cookies.

    Raises:
        VAEError: nothing was offered under it to this visitor, or the model is not theirs to see any more.
    """
    with _book:
        found = _offers.get(key)
    entry = None
    if found is not None and visitor in ("", found.owner):
        entry = next((each for each in shared().models() if each.name == found.name), None)
    if found is None or entry is None or entry.model_id != found.model_id or not _may(entry, found):
        raise VAEError("This file is not offered any more: go back to the page and make it again.")
    return takeaway(shared(), entry, found.to, found.columns), EXPORTS[found.to].format(name=entry.name)


def _may(entry: ModelEntry, found: _Offer) -> bool:
    """Whether the visitor may still see the model, and its columns where these are in the file."""
    from live.components import this_machine_only

    if this_machine_only():
        return True
    return privacy.may_see(entry, found.owner) and (not found.columns or privacy.may_use(entry.data, found.owner))


def _place(engine: Engine, entry: ModelEntry, to: str, columns: bool) -> Path:
    """Where it is kept: under all that decides what is in it."""
    stamps = [(each.name, *_stamp(each)) for each in sorted(entry.folder.iterdir())] if to == "folder" else []
    key = repr((entry.model_id, entry.name, engine.encoded(entry), to, columns, stamps)).encode()
    return home() / "takeaways" / blake2b(key, digest_size=12).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _make(entry: ModelEntry, to: str, columns: bool, path: Path) -> None:
    with plain_disk_errors(path):
        make_folder(path.parent)
        kept = sorted(path.parent.iterdir(), key=lambda one: one.stat().st_mtime)
        for old in kept[: max(0, len(kept) - KEPT + 1)]:
            old.unlink(missing_ok=True)
    words = ["export", str(entry.folder), "--to", to, "--out", str(path)]
    words += ["--without-columns"] if to in TABLES and not columns else []
    command = ["nice", "-n", NICE, sys.executable, "-m", "vae", *words]
    try:
        ended = subprocess.run(
            command, cwd=REPOSITORY, env=os.environ | WAITING, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise VAEError(
            "The file took more than five minutes to make, so it was given up: try again when less is going on."
        ) from error
    except OSError as error:
        raise VAEError(f"The file could not be made ({error.strerror}): try again later.") from error
    if ended.returncode or not path.is_file():
        lines = ended.stderr.strip().splitlines()
        said = ended.returncode == 2 and lines  # one line, for people; anything else is a mistake of ours
        raise VAEError(lines[-1][:400] if said else "Muscope itself made a mistake here: no file was made.")
