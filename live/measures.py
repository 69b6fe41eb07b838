"""Measurements that take minutes: one process at a time for the whole server, whoever asked and whatever page is open.

Each is `python -m vae evaluate MODEL --suite NAME --keep --events FILE`, as a person would type it. What it finds is
kept in MUSCOPE_HOME (`vae.reports`), never in a folder that ships; here is only what waits, what runs and what went
wrong.
"""

import atexit
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from live import errands
from live.errands import NICE, Standing
from vae.errors import VAEError
from vae.evaluate.suites import SUITES
from vae.priors import KINDS

MOST = 24  # waiting at once: more would wait for hours

BROKE_OFF = "The measurement broke off. The details are in the terminal."
FITS = {f"prior {kind}": kind for kind in KINDS}  # what else waits in this queue: `python -m vae prior`


def command(folder: Path, suite: str, events: Path) -> list[str]:
    """What is run: less urgent than whatever answers people."""
    words = (
        ["prior", str(folder), "--kind", FITS[suite]] if suite in FITS else ["evaluate", str(folder), "--suite", suite]
    )
    keep = [] if suite in FITS else ["--keep"]
    return ["nice", "-n", NICE, sys.executable, "-m", "vae", *words, *keep, "--events", str(events)]


@dataclass
class _Job:
    folder: Path
    key: tuple[str, str]  # model_id, suite
    owner: str
    options: tuple[str, ...] = ()  # more words of the command
    cancelled: bool = False
    why: str = ""
    events: Path | None = None
    began: errands.Began = field(default_factory=dict)


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
                    return

    def of(self, model_id: str, suite: str) -> Standing | None:
        """How far one is; None where nobody asked, or it is done."""
        with self._lock:
            if (failed := self._failed.get((model_id, suite))) is not None:
                return Standing("failed", failed.owner, why=failed.why)
            for place, job in enumerate(self._jobs):
                if job.key == (model_id, suite) and not job.cancelled:
                    if place:
                        return Standing("waiting", job.owner, ahead=place)
                    return errands.standing(job.owner, job.events, job.began)
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
                errands.end(self._process, signal.SIGTERM)

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
        with tempfile.TemporaryDirectory(prefix="muscope-measure-", ignore_cleanup_errors=True) as place:
            job.events, said = Path(place) / "events.jsonl", Path(place) / "said"
            with self._lock:
                if job.cancelled:
                    return ""
                words = [*self._command(job.folder, job.key[1], job.events), *job.options]
                self._process = process = errands.start(words, said)
            code = errands.ended(process, lambda: job.cancelled)
            return "" if code == 0 else errands.refusal(said, code) or BROKE_OFF


@lru_cache(maxsize=1)
def shared() -> Measures:
    """The measurements of this server."""
    return Measures()
