"""The folder of a training: each of its files, read and written.

    run.json       id, name, owner, created, arguments, device, parent, queued
    control.json   what people want of it
    lock           held by the process that works on it as long as it lives
    events.jsonl   what happens, as `vae.train.events` writes it
    log.txt        what the process printed
    last-words     room for one line, taken beforehand: a full disk can still say why
    attempts.json  how often it was taken since its last save, and when
    saves/  frames/  pictures-*.png  samples-*.png
    model/         the model, unless --out names another folder

Whether somebody works on it is asked of the lock, not of a process number: the system gives the lock back whatever the
process died of, and a number may by then be somebody else's.
"""

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from vae.errors import VAEError
from vae.files import write_aside
from vae.train.events import read_events

SAVE = re.compile(r"\d{9,}(-\d+)?")  # as `vae.train.saves` names them, which would bring torch
WANTS = ("run", "pause", "stop", "cancel")
TAIL = 1 << 12  # bytes of the events read at first for the last of them; more where that holds none
WORDS = 1 << 10  # bytes kept free for last words
PATIENCE = 2.0  # seconds to wait for a lock that is only being looked at


@dataclass(frozen=True)
class Control:
    """What people want of a run. `beta` and `rate` are None where nobody changed them."""

    want: str = "run"
    beta: float | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Attempts:
    """How often a run was taken up since its last save: one that is killed each time is not taken up for ever.

    Attributes:
        starts: since the save at `step`.
        taken: when it was last taken, in seconds since 1970; 0 never.
    """

    starts: int = 0
    step: int | None = None
    taken: float = 0.0


@dataclass(frozen=True)
class RunFolder:
    """One training, known by its folder."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The run kept in a folder.

        Raises:
            VAEError: this is no run's folder.
        """
        run = cls(Path(folder))
        if not (run.folder / "run.json").is_file():
            raise VAEError(f"There is no training called {run.folder.name}: it may have been deleted.")
        return run

    # ---- what it is ------------------------------------------------------------------------------------------------

    @property
    def facts(self) -> dict[str, Any]:
        """run.json."""
        path = self.folder / "run.json"
        try:
            found = path.stat()
            facts = _read_json(path, found.st_mtime_ns, found.st_ino)
        except (OSError, ValueError) as error:
            raise VAEError(f"The training {self.id} cannot be read: start another.") from error
        if not isinstance(facts, dict) or not isinstance(facts.get("arguments"), list):
            raise VAEError(f"The training {self.id} cannot be read: start another.")
        return facts

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def name(self) -> str:
        """What its person called it."""
        return str(self.facts.get("name") or self.id)

    @property
    def owner(self) -> str:
        """Who may control it, as an opaque string; "" for whoever works at this machine."""
        return str(self.facts.get("owner", ""))

    @property
    def parent(self) -> str:
        """The id of the run it was forked from, or ""."""
        return str(self.facts.get("parent", ""))

    @property
    def created(self) -> datetime:
        """When it was asked for, in UTC."""
        with suppress(ValueError):
            return datetime.fromisoformat(str(self.facts.get("created")))
        return datetime.fromtimestamp(0, UTC)

    @property
    def arguments(self) -> list[str]:
        """Of `python -m vae train`."""
        return [str(word) for word in self.facts["arguments"]]

    @property
    def device(self) -> str:
        """ "auto", "cpu", "cuda:0" or "mps"."""
        return str(self.facts.get("device", "auto"))

    @property
    def queued(self) -> bool:
        """Whether a worker does it; False for one in the foreground of a terminal."""
        return bool(self.facts.get("queued"))

    @property
    def model_folder(self) -> Path:
        """Where the model is, or will be."""
        words = self.arguments
        for at, word in enumerate(words):
            option, equals, value = word.partition("=")
            if option == "--out" and (equals or at + 1 < len(words)):
                return Path(value if equals else words[at + 1])
        return self.folder / "model"

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        total = 0
        for place, folders, files in os.walk(self.folder):  # passes over folders that vanish meanwhile
            for name in (*folders, *files):
                with suppress(OSError):  # deleted meanwhile
                    total += os.lstat(os.path.join(place, name)).st_size
        return total

    def rewrite(self, **changes: Any) -> None:
        """Change facts of `run.json`."""
        facts = self.facts | changes
        write_aside(self.folder / "run.json", json.dumps(facts, indent=2, ensure_ascii=False).encode())

    # ---- what is said of it ------------------------------------------------------------------------------------------

    def events(self, since: int = 0) -> tuple[list[dict[str, Any]], int]:
        """What has happened after byte `since`, and the number to give next time."""
        return read_events(self.folder / "events.jsonl", since)

    def last_event(self) -> dict[str, Any]:
        """The newest event, or {}."""
        path = self.folder / "events.jsonl"
        try:
            found = path.stat()
        except OSError:
            return {}
        return _last_event(path, found.st_size, found.st_mtime_ns)

    def last_words(self) -> str:
        """What a process that could not write any more left behind, or ""."""
        try:
            return (self.folder / "last-words").read_text(errors="replace").strip()
        except OSError:
            return ""

    def write_last_words(self, line: str) -> None:
        """Write into the room that was taken for it when the run was made: no new block of the disk is needed."""
        data = line.encode()[: WORDS - 1].decode(errors="ignore").encode()
        with suppress(OSError), (self.folder / "last-words").open("r+b") as file:
            file.write(data.ljust(WORDS - 1) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def saved_step(self) -> int | None:
        """The step of the newest save there seems to be (it is checked when it is read), or None."""
        try:
            names = [path.name for path in (self.folder / "saves").iterdir()]
        except OSError:
            return None
        return max((int(name.split("-")[0]) for name in names if SAVE.fullmatch(name)), default=None)

    # ---- what people want of it --------------------------------------------------------------------------------------

    def control(self) -> Control:
        """What people want of it."""
        try:
            said = json.loads((self.folder / "control.json").read_bytes())
            known = {one.name for one in fields(Control)}
            control = Control(**{name: value for name, value in said.items() if name in known})
        except (OSError, ValueError, AttributeError):
            return Control()
        return control if control.want in WANTS else Control()

    def write_control(self, control: Control) -> None:
        """Keep what people want, and tell the workers."""
        write_aside(self.folder / "control.json", json.dumps(asdict(control)).encode())
        tell(self.folder.parent)

    # ---- who works on it ---------------------------------------------------------------------------------------------

    def alive(self) -> bool:
        """Whether a process works on it. One that has ended and waits to be buried does not."""
        try:
            with (self.folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask at once do not see each other
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @contextmanager
    def held(self, patience: float = PATIENCE) -> Iterator[None]:
        """Be the one who works on it, for the length of the block.

        Raises:
            VAEError: somebody else does, or it is gone.
        """
        until = time.monotonic() + patience
        try:
            lock = (self.folder / "lock").open("r+b")
        except OSError as error:
            raise VAEError(f"There is no training called {self.id}: it may have been deleted.") from error
        with lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:  # at work, or just being looked at
                    if time.monotonic() > until:
                        raise VAEError(f"{self.name} is under way: stop or cancel it first.") from None
                    time.sleep(0.01)
            self.open(self.folder)  # not deleted while we waited
            yield

    def attempts(self) -> Attempts:
        """How often it was taken since its last save."""
        path = self.folder / "attempts.json"
        try:
            found = path.stat()
            return Attempts(**_read_json(path, found.st_mtime_ns, found.st_ino))
        except (OSError, ValueError, TypeError):
            return Attempts()

    def write_attempts(self, attempts: Attempts) -> None:
        """Keep what `attempts` says."""
        write_aside(self.folder / "attempts.json", json.dumps(asdict(attempts)).encode())


def tell(runs_dir: Path) -> None:
    """Leave a mark for workers: something changed, look again."""
    with suppress(OSError):
        (runs_dir / ".changed").touch()


@lru_cache(maxsize=4096)
def _read_json(path: Path, changed: int, inode: int) -> Any:
    return json.loads(path.read_bytes())


@lru_cache(maxsize=4096)
def _last_event(path: Path, size: int, changed: int) -> dict[str, Any]:
    back = TAIL
    while True:
        events, _ = read_events(path, max(0, size - back))  # the first line may be cut, and is then passed over
        if events or back >= size:
            return events[-1] if events else {}
        back *= 8
