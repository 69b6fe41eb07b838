"""One training as a folder: what any process can know of it and ask of it, at any time, also after the end.

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
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from vae.errors import VAEError
from vae.files import plain_disk_errors, write_aside
from vae.train.events import EventLog, read_events

ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
SAVE = re.compile(r"\d{9,}(-\d+)?")  # as `vae.train.saves` names them, which would bring torch
FINAL = ("done", "stopped", "failed", "cancelled")
RESTING = (*FINAL, "paused", "interrupted")  # nothing happens until a person, or a worker, does something
UNDER_WAY = ("starting", "running", "encoding")
WANTS = ("run", "pause", "stop", "cancel")
TAIL = 1 << 12  # bytes of the events read at first for the last of them; more where that holds none
WORDS = 1 << 10  # bytes kept free for last words
PATIENCE = 2.0  # seconds to wait for a lock that is only being looked at

KILLED = (
    "The system ended this training, as it does when the memory is full: choose a smaller model, batch or data set, "
    "or resume it."
)


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
class Run:
    """One training, known by its folder."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> "Run":
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

    # ---- how it is -------------------------------------------------------------------------------------------------

    def events(self, since: int = 0) -> tuple[list[dict[str, Any]], int]:
        """What has happened after byte `since`, and the number to give next time."""
        return read_events(self.folder / "events.jsonl", since)

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

    def state(self) -> str:
        """ "queued", "starting", "running", "encoding", "paused", "done", "stopped", "failed", "cancelled" or
        "interrupted": its process was ended from outside.
        """
        kind = self.last_event().get("kind", "")
        if kind in FINAL or kind == "paused":
            return str(kind)
        alive = self.alive()
        kind = self.last_event().get("kind", "")  # after that: what a process said last is then surely on the disk
        if kind in FINAL or kind == "paused":
            return str(kind)
        if alive:
            waits = kind in ("", "queued", "data")
            return "starting" if waits else "encoding" if kind == "encoding" else "running"
        if self.last_words():
            return "failed"
        want = self.control().want
        if want in ("cancel", "pause"):
            return "cancelled" if want == "cancel" else "paused"
        return "queued" if kind in ("", "queued") and self.queued else "interrupted"

    def failure(self) -> str:
        """Why it failed or was interrupted, in one plain line; "" unless `state` says so."""
        how = self.state()
        if how == "interrupted":
            next_ = "It goes on by itself" if self.queued else "Resume it to go on"
            return f"Its process was ended from outside, as the system does when the memory is full. {next_}."
        if how != "failed":
            return ""
        last = self.last_event()
        if last.get("kind") == "failed":
            return str(last.get("line", ""))
        return self.last_words()

    @property
    def can_resume(self) -> bool:
        """Whether `resume` would let it go on from its newest save, or from the start where it had none yet."""
        how = self.state()
        return how in ("paused", "failed", "interrupted") or (how == "stopped" and self.saved_step() is not None)

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

    def saved_step(self) -> int | None:
        """The step of the newest save there seems to be (it is checked when it is read), or None."""
        try:
            names = [path.name for path in (self.folder / "saves").iterdir()]
        except OSError:
            return None
        return max((int(name.split("-")[0]) for name in names if SAVE.fullmatch(name)), default=None)

    # ---- what is asked of it ---------------------------------------------------------------------------------------

    def control(self) -> Control:
        """What people want of it."""
        try:
            said = json.loads((self.folder / "control.json").read_bytes())
            known = {one.name for one in fields(Control)}
            control = Control(**{name: value for name, value in said.items() if name in known})
        except (OSError, ValueError, AttributeError):
            return Control()
        return control if control.want in WANTS else Control()

    def pause(self) -> None:
        """Save where it is and give its device to the next. One that waits waits no longer."""
        how = self.state()
        if how == "encoding":
            raise VAEError("It is trained and only its images are being encoded: it will be done in a moment.")
        if how in RESTING and how != "interrupted":
            raise VAEError(f"It is {how}: there is nothing to pause.")
        self._ask("pause")
        self._unless_held("paused", step=self.saved_step() or 0)

    def resume(self) -> None:
        """Put it back in the queue; it goes on from its newest save, to the bit."""
        if self.control().want == "pause" and self.state() in UNDER_WAY:
            self._ask("run")  # it has not paused yet
            if not self._settled():
                return
        if not self.can_resume:
            raise VAEError(f"It is {self.state()}: there is nothing to resume.")
        with self.held():
            self._ask("run")
            self.write_last_words("")
            self.write_attempts(replace(self.attempts(), starts=0))
            self._rewrite(queued=True)
            EventLog(self.folder / "events.jsonl").say("queued")
        _tell(self.folder.parent)

    def stop(self) -> None:
        """End it here and keep the model as it is now. One that rests is ended by a worker, from its newest save."""
        how = self.state()
        if how in FINAL:
            raise VAEError(f"It is {how} already: there is nothing to stop.")
        if how in ("queued", "paused", "interrupted") and self.saved_step() is None:
            raise VAEError("It has learned nothing yet that could be kept: cancel it instead.")
        if how in ("paused", "interrupted"):
            self.resume()
        self._ask("stop")

    def cancel(self) -> None:
        """End it and keep nothing but what was said of it."""
        how = self.state()
        if how in ("done", "stopped", "cancelled"):
            raise VAEError(f"It is {how} already: delete it if it is not wanted.")
        self._ask("cancel")
        self._unless_held("cancelled")

    def change(self, beta: float | None = None, rate: float | None = None) -> None:
        """Weigh the KL otherwise, or learn at another rate, from the next step on.

        Raises:
            VAEError: a number out of range, or a run that is over.
        """
        from vae.train.settings import check_beta, check_rate  # brings torch: not for those who only look

        how = self.state()
        if how == "encoding" or (how in FINAL and not self.can_resume):
            raise VAEError(f"It is {how}: nothing can be changed any more. Train again with other settings.")
        if beta is not None:
            check_beta(beta)
        if rate is not None:
            check_rate(rate)
        before = self.control()
        beta, rate = before.beta if beta is None else beta, before.rate if rate is None else rate
        self._write_control(replace(before, beta=beta, rate=rate))

    def rename(self, name: str) -> None:
        """Call it otherwise; the model that comes of it keeps the title it was given."""
        name = " ".join(name.split())[:200]
        if not name:
            raise VAEError("A training needs a name: write one.")
        self._rewrite(name=name)

    def delete(self) -> None:
        """Take its folder off the disk, and the model in it. A model in a folder of its own stays."""
        if self.state() in UNDER_WAY:
            raise VAEError("It is under way: stop or cancel it first.")
        with self.held(), plain_disk_errors(self.folder):
            gone = self.folder.with_name(f".{self.id}.deleted")
            os.rename(self.folder, gone)
        shutil.rmtree(gone, ignore_errors=True)
        _tell(self.folder.parent)

    # ---- for whoever works on it -----------------------------------------------------------------------------------

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
            Run.open(self.folder)  # not deleted while we waited
            yield

    @contextmanager
    def resumed_here(self) -> Iterator[None]:
        """Hold it to go on in this very process, not in the queue.

        Raises:
            VAEError: there is nothing to resume, or somebody is at it.
        """
        if not self.can_resume:
            raise VAEError(f"It is {self.state()}: there is nothing to resume.")
        with self.held():
            self._ask("run")
            yield

    def write_last_words(self, line: str) -> None:
        """Write into the room that was taken for it when the run was made: no new block of the disk is needed."""
        data = line.encode()[: WORDS - 1].decode(errors="ignore").encode()
        with suppress(OSError), (self.folder / "last-words").open("r+b") as file:
            file.write(data.ljust(WORDS - 1) + b"\n")
            file.flush()
            os.fsync(file.fileno())

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

    def end_cancelled(self) -> None:
        """Throw away what it left, and say so. What was said of it stays; a model in a folder of its own, too."""
        EventLog(self.folder / "events.jsonl").say("cancelled")
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.suffix in (".png", ".jpg"):
                path.unlink(missing_ok=True)

    def _settled(self) -> bool:
        """Whether it paused after all, while it was being told not to."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.alive():
            if self.last_event().get("kind") == "paused":
                return True
            time.sleep(0.02)
        return not self.alive()

    def _ask(self, want: str) -> None:
        self._write_control(replace(self.control(), want=want))

    def _write_control(self, control: Control) -> None:
        write_aside(self.folder / "control.json", json.dumps(asdict(control)).encode())
        _tell(self.folder.parent)

    def _unless_held(self, kind: str, **fields: Any) -> None:
        """Say at once what nobody is there to say; whoever works on it reads `control` and says it."""
        try:
            with self.held(patience=0.1):
                said = self.last_event().get("kind", "")
                if said in ("done", "stopped", kind) or (said in FINAL and kind == "paused"):
                    return  # it came to an end meanwhile
                if kind == "cancelled":
                    self.end_cancelled()
                else:
                    EventLog(self.folder / "events.jsonl").say(kind, **fields)
        except VAEError:
            if not self.alive():
                raise

    def _rewrite(self, **changes: Any) -> None:
        facts = self.facts | changes
        write_aside(self.folder / "run.json", json.dumps(facts, indent=2, ensure_ascii=False).encode())


def _tell(runs_dir: Path) -> None:
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
