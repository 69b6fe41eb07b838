"""Measurements that take minutes: one process at a time for the whole server, whoever asked and whatever page is open.

Each is `python -m vae evaluate MODEL --suite NAME --keep --events FILE`, as a person would type it. What it finds is
kept in MUSCOPE_HOME (`vae.reports`), never in a folder that ships; here is only what waits, what runs and what went
wrong.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from vae.errors import VAEError
from vae.evaluate.suites import SUITES
from vae.priors import KINDS
from vae.train.process import WAITING

REPOSITORY = Path(__file__).resolve().parent.parent
NICE = "10"
MOST = 24  # waiting at once: more would wait for hours
LOOK = 0.1  # seconds between two looks at a process
PATIENCE = 5.0  # seconds in which a process that was asked to end may do so
TAIL = 8192  # bytes of the events that are read: the last line says where it stands

FITS = {f"prior {kind}": kind for kind in KINDS}  # what else waits in this queue: `python -m vae prior`


def command(folder: Path, suite: str, events: Path) -> list[str]:
    """What is run: less urgent than whatever answers people."""
    words = (
        ["prior", str(folder), "--kind", FITS[suite]] if suite in FITS else ["evaluate", str(folder), "--suite", suite]
    )
    keep = [] if suite in FITS else ["--keep"]
    return ["nice", "-n", NICE, sys.executable, "-m", "vae", *words, *keep, "--events", str(events)]


@dataclass(frozen=True)
class Standing:
    """How far a measurement is.

    Attributes:
        how: "waiting", "measuring" or "failed".
        owner: who asked for it, as `live.visitor` knows people.
        ahead: measurements before it.
        what: what is being done, in the measurement's own words. fraction: of that, 0 to 1.
        left: seconds to the end of that; None where nothing can be said yet.
        why: one line, where it failed.
    """

    how: str
    owner: str = ""
    ahead: int = 0
    what: str = ""
    fraction: float = 0.0
    left: float | None = None
    why: str = ""


@dataclass
class _Job:
    folder: Path
    key: tuple[str, str]  # model_id, suite
    owner: str
    options: tuple[str, ...] = ()  # more words of the command
    cancelled: bool = False
    why: str = ""
    events: Path | None = None
    began: dict[str, tuple[float, float]] = field(default_factory=dict)  # what: when it was first seen, and how far


class Measures:
    """The queue of a server.

    Args:
        command: of a model's folder, a suite, and a file for events: the process to run.
    """

    def __init__(self, command: Callable[[Path, str, Path], list[str]] = command) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._jobs: list[_Job] = []  # the first is being measured
        self._failed: dict[tuple[str, str], _Job] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        atexit.register(self.stop)

    def ask(self, folder: Path, model_id: str, suite: str, owner: str = "", options: tuple[str, ...] = ()) -> None:
        """Have a suite measured; where it waits or runs already, nothing changes.

        Args:
            options: more words of the command, such as `live.measurable.options_of` says.

        Raises:
            VAEError: no such suite, or too many wait already.
        """
        if suite not in SUITES and suite not in FITS:
            raise VAEError(f"There is no suite {suite!r}: choose {', '.join(SUITES)}.")
        with self._lock:
            key = (model_id, suite)
            if any(job.key == key and not job.cancelled for job in self._jobs):
                return
            if len(self._jobs) >= MOST:
                raise VAEError(f"{MOST} measurements wait already: ask again when some are done.")
            self._failed.pop(key, None)
            self._jobs.append(_Job(Path(folder), key, owner, options))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="measures", daemon=True)
                self._thread.start()

    def cancel(self, model_id: str, suite: str) -> None:
        """Take one out of the queue, or end it; what failed is forgotten. Nothing of it is kept."""
        with self._lock:
            self._failed.pop((model_id, suite), None)
            for place, job in enumerate(self._jobs):
                if job.key == (model_id, suite):
                    job.cancelled = True
                    if place or self._process is None:
                        self._jobs.remove(job)
                    else:
                        _end(self._process, signal.SIGTERM)
                    return

    def of(self, model_id: str, suite: str) -> Standing | None:
        """How far one is; None where nobody asked, or it is done."""
        with self._lock:
            if (failed := self._failed.get((model_id, suite))) is not None:
                return Standing("failed", failed.owner, why=failed.why)
            for place, job in enumerate(self._jobs):
                if job.key == (model_id, suite) and not job.cancelled:
                    return _standing(job) if place == 0 else Standing("waiting", job.owner, ahead=place)
        return None

    @property
    def busy(self) -> bool:
        """Whether anything is measured or waits."""
        return bool(self._jobs)

    def stop(self) -> None:
        """Measure nothing more. What is being measured is ended."""
        with self._lock:
            for job in self._jobs:
                job.cancelled = True
            del self._jobs[1:]
            if self._process is not None:
                _end(self._process, signal.SIGTERM)

    # ---- the one thread that works -----------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return
                job = self._jobs[0]
            try:
                why = self._measure(job)
            except OSError as error:
                why = f"It could not be started ({error.strerror})."
            with self._lock:
                self._process = None
                if job in self._jobs:
                    self._jobs.remove(job)
                if why and not job.cancelled:
                    job.why = why
                    self._failed[job.key] = job

    def _measure(self, job: _Job) -> str:
        """Why it failed; "" where it did not."""
        environment = os.environ | WAITING
        environment.pop("OPENBLAS_NUM_THREADS", None)  # one thread suits the server's lookups, not this
        with tempfile.TemporaryDirectory(prefix="muscope-measure-", ignore_cleanup_errors=True) as place:
            job.events, said = Path(place) / "events.jsonl", Path(place) / "said"
            with said.open("wb") as out, self._lock:
                if job.cancelled:
                    return ""
                self._process = process = subprocess.Popen(
                    [*self._command(job.folder, job.key[1], job.events), *job.options],
                    cwd=REPOSITORY,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=out,
                    start_new_session=True,
                )
            code = _ended(process, job)
            return "" if code == 0 else _last_line(said, code)


def _ended(process: subprocess.Popen[bytes], job: _Job) -> int:
    """How a process ended; one that was asked to end and does not is ended the hard way."""
    asked = 0.0
    while (code := process.poll()) is None:
        time.sleep(LOOK)
        if job.cancelled:
            asked = asked or time.monotonic()
            if time.monotonic() - asked > PATIENCE:
                _end(process, signal.SIGKILL)
    return code


@lru_cache(maxsize=1)
def shared() -> Measures:
    """The measurements of this server."""
    return Measures()


# ---- what a process says ---------------------------------------------------------------------------------------------


def _standing(job: _Job) -> Standing:
    said = _last_event(job.events)
    what, done, total = str(said.get("what", "")), _number(said.get("done")), _number(said.get("total"))
    now = time.monotonic()
    since, first = job.began.setdefault(what, (now, done))
    fraction = min(1.0, max(0.0, done / total)) if total else 0.0
    moved = done - first
    left = (now - since) * (total - done) / moved if moved > 0 and now > since else None
    return Standing("measuring", job.owner, what=what, fraction=fraction, left=left)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _last_event(path: Path | None) -> dict[str, object]:
    """The newest whole line that says something; {} before there is one."""
    try:
        with path.open("rb") if path else open(os.devnull, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL))
            lines = file.read().split(b"\n")[:-1]  # what follows the last end of a line is still being written
    except OSError:
        return {}
    for line in reversed(lines):
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and "what" in event:
                return event
    return {}


def _last_line(said: Path, code: int) -> str:
    lines = said.read_text(errors="replace").strip().splitlines()
    if code == 2 and lines:  # bad input, in one plain line
        return lines[-1][:400]
    print("\n".join(lines[-20:]), file=sys.stderr)
    return "The measurement broke off. The details are in the terminal."


def _end(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    with suppress(OSError):  # it has ended by itself
        os.killpg(process.pid, sign)
