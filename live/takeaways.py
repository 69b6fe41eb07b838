"""Files to take home, made by `python -m vae export` in a process of its own: the server goes on answering hands.

One is made at a time for the whole server, less urgent than what follows a hand. What was made is kept for a while on
the disk, so that a class that asks for the same file has it made once.
"""

import os
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from live.engine import Engine, ModelEntry
from live.errands import NICE, REPOSITORY
from vae.errors import VAEError
from vae.files import make_folder, plain_disk_errors
from vae.home import home
from vae.out import EXPORTS, TABLES
from vae.train.process import WAITING

KEPT = 24  # files, the one not asked for longest given up first
PATIENCE = 300.0  # seconds; the largest map that ships takes 15
_making = Lock()


def takeaway(engine: Engine, entry: ModelEntry, to: str, columns: bool = False) -> bytes:
    """A model as a file of a kind that `vae.out.EXPORTS` names. It waits its turn, and takes seconds the first time.

    Args:
        columns: of a table, with the columns that came with data of somebody's own.

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
            return path.read_bytes()
        except OSError as error:
            raise VAEError(f"The file could not be read ({error.strerror}): try once more.") from error


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
