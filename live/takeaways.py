"""Files to take home, made by `python -m vae export` in a process of its own: the server goes on answering hands.

One is made at a time for the whole server, less urgent than what follows a hand, and only where a page asks: a link
gives what is there. What was made is kept on the disk for a day, so that a class that asks for the same file has it
made once. It is nobody's share of the room, so there is little of it, and it goes with the model or the data in it.
"""

import os
import re
import subprocess
import sys
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from secrets import token_urlsafe
from threading import Lock

from live import components, privacy
from live.engine import Engine, ModelEntry, shared
from live.errands import NICE, REPOSITORY
from vae.data import brought, source_of
from vae.errors import VAEError
from vae.files import make_folder, plain_disk_errors
from vae.home import home
from vae.out import EXPORTS, TABLES
from vae.train.process import WAITING

KEPT, BYTES = 24, 2 << 30  # files, and of all of them; the one not asked for longest is given up first
AGE = 24 * 3600.0  # seconds until a file that nobody asks for is given up
PATIENCE = 300.0  # seconds; the largest map that ships takes 15
OFFERS = 4096  # remembered, the one not asked for longest forgotten first
OFFERED = 4 * 3600.0  # seconds a link leads somewhere after a page has shown it
_NAME = re.compile(r"([0-9a-f]+)\.([0-9a-f]*)\.[0-9a-f]{24}", re.ASCII)  # of a file: its model, the data set in it
_clock = time.monotonic
_making = Lock()
_book = Lock()
_offers: "OrderedDict[str, tuple[_Offer, float]]" = OrderedDict()  # by their keys, with when each was shown
_keys: "dict[_Offer, str]" = {}


def kept(engine: Engine, entry: ModelEntry, to: str, columns: bool = False) -> Path | None:
    """The file that `takeaway` would give, where it is made already. Waits for nobody."""
    path = _place(engine, entry, to, columns)
    return path if path.is_file() else None


def takeaway(engine: Engine, entry: ModelEntry, to: str, columns: bool = False) -> Path:
    """A model as a file of a kind that `vae.out.EXPORTS` names. It waits its turn, and takes seconds the first time.

    Args:
        columns: of a table, with the columns that came with data of somebody's own.

    Returns:
        Where the file lies, for a day; sooner where many others are asked for.

    Raises:
        VAEError: what the command said, in its one line; or it took too long.
    """
    if to not in EXPORTS:
        raise VAEError(f"A model cannot be taken home as {to[:40]!r}: choose {', '.join(EXPORTS)}.")
    path = _place(engine, entry, to, columns)
    if not path.is_file():
        with _making:
            if not path.is_file():  # nobody else made it meanwhile
                _make(entry, to, columns, path)
                sweep()
    try:
        path.touch()
        return path
    except OSError as error:
        raise VAEError(f"The file could not be read ({error.strerror}): try once more.") from error


def sweep(now: float | None = None) -> None:
    """Delete the files that nobody asks for, those of models and data sets that are gone, and what is too much."""
    now = time.time() if now is None else now
    with suppress(OSError):
        files = [(each, each.stat()) for each in _folder().iterdir()]
        if not files:
            return
        models, sets = {each.model_id for each in shared().models()}, {"", *(one.id for one in brought.sets(None))}
        count = total = 0
        for path, about in sorted(files, key=lambda each: each[1].st_mtime, reverse=True):
            of, ours = _NAME.fullmatch(path.name), now - about.st_mtime <= AGE
            if of is not None:  # another name: it is being made, and its time runs as well
                ours = ours and of[1] in models and of[2] in sets and count < KEPT
                ours = ours and (not count or total + about.st_size <= BYTES)
            if not ours:
                path.unlink(missing_ok=True)
            elif of is not None:
                count, total = count + 1, total + about.st_size


# ---- links -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Offer:
    owner: str
    cookie: bool
    model_id: str
    name: str
    to: str
    columns: bool


def offer(owner: str, entry: ModelEntry, to: str, columns: bool = False, *, cookie: bool = True) -> str:
    """A key that nobody can guess, under which this visitor may fetch a file; the same while a page goes on asking.

    Args:
        cookie: the visitor's browser keeps cookies, so it must show them; of one that keeps none the key is enough.
    """
    wanted = _Offer(owner, cookie, entry.model_id, entry.name, to, columns)
    with _book:
        _forget()
        key = _keys.setdefault(wanted, token_urlsafe(24))
        _offers[key] = wanted, _clock()
        _offers.move_to_end(key)
        while len(_offers) > OFFERS:
            _drop(next(iter(_offers)))
        return key


def offered(key: str, visitor: str) -> tuple[Path, str]:
    """The file of a key, and what to call it. Nothing is made, and nobody waited for.

    Args:
        visitor: who asks, as `live.visitor.owner_of` knows them; "" for a browser that keeps no cookies.

    Raises:
        VAEError: nothing was offered under it to this visitor, the model is not theirs to see any more, or the file was
            given up.
    """
    with _book:
        _forget()
        found, _ = _offers.get(key, (None, 0.0))
    entry = path = None
    if found is not None and visitor == (found.owner if found.cookie else ""):
        entry = next((each for each in shared().models() if each.name == found.name), None)
    if found is not None and entry is not None and entry.model_id == found.model_id and _may(entry, found):
        path = kept(shared(), entry, found.to, found.columns)
    if found is None or entry is None or path is None:
        raise VAEError("This file is not offered any more: go back to the page and make it again.")
    with suppress(OSError):
        path.touch()
    return path, EXPORTS[found.to].format(name=entry.name)


def _forget() -> None:
    """Forget the offers whose time is over; the lock is held."""
    now = _clock()
    while _offers and now - next(iter(_offers.values()))[1] > OFFERED:
        _drop(next(iter(_offers)))


def _drop(key: str) -> None:
    del _keys[_offers.pop(key)[0]]


def _may(entry: ModelEntry, found: _Offer) -> bool:
    """Whether the visitor may still see the model, and its columns where these are in the file."""
    sees = components.this_machine_only() or privacy.may_see(entry, found.owner)
    return sees and (not found.columns or privacy.may_read_rows(entry.data, found.owner))


# ---- files -----------------------------------------------------------------------------------------------------------


def _folder() -> Path:
    return home() / "takeaways"


def _place(engine: Engine, entry: ModelEntry, to: str, columns: bool) -> Path:
    """Where it is kept: under all that decides what is in it."""
    stamps = []
    with suppress(OSError):  # the model was deleted a moment ago
        stamps = [(each.name, *_stamp(each)) for each in sorted(entry.folder.iterdir())] if to == "folder" else []
    key = repr((entry.model_id, entry.name, engine.encoded(entry), to, columns, stamps)).encode()
    kind, _, set_id = source_of(entry.data).partition(":")
    of = set_id if columns and kind == brought.KIND and brought.is_id(set_id) else ""
    return _folder() / f"{entry.model_id}.{of}.{blake2b(key, digest_size=12).hexdigest()}"


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _make(entry: ModelEntry, to: str, columns: bool, path: Path) -> None:
    with plain_disk_errors(path):
        make_folder(path.parent)
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
