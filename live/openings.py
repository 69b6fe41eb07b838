"""Models that people bring, opened in turn: one process for the whole server, whoever asked and whatever page is open.

Each is `python -m vae bring`, as a person would type it, under limits. What a model is can be said at once, from its
small files; what takes long, fetching it from the Hub and encoding images with it, is done here.
"""

import atexit
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

from live import errands
from live.errands import NICE, Standing
from live.fair import Usual, wait
from vae.errors import VAEError
from vae.foreign import given, known
from vae.foreign.known import Understood

MOST = 40  # that wait at once: a class, and some more
HUB, ADAPTER = "hub:", "adapter:"


@dataclass(frozen=True)
class Wish:
    """What shall be opened, and how.

    Attributes:
        what: a folder, "hub:OWNER/MODEL" or "adapter:NAME".
        name: of the new model's folder; "" to fetch it only, so that it can be looked at.
        data, title, images, axes: as `python -m vae bring` has them.
        expires: when it goes, an ISO time; "" for never.
    """

    what: str
    name: str = ""
    data: str = ""
    title: str = ""
    images: int = 4000
    axes: int = 0
    expires: str = ""


def look(what: str) -> Understood:
    """What a model is, from its small files alone; one from the Hub must have been fetched.

    Raises:
        Unopened: it may hold a program.
        VAEError: nothing that can be opened.
    """
    if what.startswith(ADAPTER):
        return _adapter(what.removeprefix(ADAPTER))
    place = given.on_machine(what.removeprefix(HUB)) if what.startswith(HUB) else Path(what).expanduser()
    if place is None:
        raise VAEError("It is not on this machine yet: fetch it first.")
    found = _look(place, _stamps(place))
    return known.called(found, what.rpartition("/")[2]) if what.startswith(HUB) else found


@lru_cache(maxsize=64)
def _look(place: Path, stamps: object) -> Understood:
    return known.look(given.given(place))  # the list of a large zip takes a second, and a page asks at every turn


def _stamps(place: Path) -> object:
    """Another one once a file of a model was changed: all that is read lies in its folder, or one further down."""
    found = []
    for each in islice(chain([place], place.glob("*"), place.glob("*/*")), given.MOST_FILES):
        with suppress(OSError):
            about = each.stat()
            found.append((str(each), about.st_mtime_ns, about.st_size))
    return tuple(sorted(found))


@lru_cache(maxsize=16)
def _adapter(name: str) -> Understood:
    return known.look_at_adapter(name)  # makes it and asks it once: not at every turn of a page


def command(wish: Wish, owner: str, out: Path, events: Path) -> list[str]:
    """What is run: less urgent than whatever answers people."""
    words = ["nice", "-n", NICE, sys.executable, "-m", "vae", "bring", wish.what, "--guarded", "--events", str(events)]
    if not wish.name:
        return [*words, "--look"]
    words += ["--out", str(out), "--owner", owner, "--images", str(wish.images), "--umap"]
    words.append(f"--title={wish.title}")  # one word: a name may begin with a dash
    words += ["--data", wish.data] if wish.data else []
    words += ["--axes", str(wish.axes)] if wish.axes else []
    return [*words, "--expires", wish.expires] if wish.expires else words


@dataclass
class _Job:
    wish: Wish
    owner: str
    cancelled: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    events: Path | None = None
    started: float = 0.0
    over: bool = False
    why: str = ""
    began: errands.Began = field(default_factory=dict)


class Openings:
    """The queue of a server: at most one of each visitor.

    Args:
        folder: where models are kept.
        command: of a wish, its owner, the new folder and a file for events: the process to run.
    """

    def __init__(self, folder: Path, command: Callable[[Wish, str, Path, Path], list[str]] = command) -> None:
        self._folder, self._command = folder, command
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}  # owner to the last one
        self._usual = Usual()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="openings")
        atexit.register(self.close)

    def ask(self, owner: str, wish: Wish) -> None:
        """Have it done. Where one of this visitor's is on its way, nothing changes.

        Raises:
            VAEError: too many wait already.
        """
        with self._lock:
            before = self._jobs.get(owner)
            if before is not None and not before.over:
                return
            if sum(not job.over for job in self._jobs.values()) >= MOST:
                raise VAEError(f"{MOST} models wait to be opened already: try again in some minutes.")
            job = self._jobs[owner] = _Job(wish, owner)
        self._pool.submit(self._work, job)

    def of(self, owner: str) -> Standing | None:
        """How far this visitor's is; None where there is none, or it is done."""
        with self._lock:
            job = self._jobs.get(owner)
            if job is None or (job.over and not job.why):
                return None
            if job.why:
                return Standing("failed", owner, why=job.why)
            if job.process is None:
                jobs = [each for each in self._jobs.values() if not each.over]
                before = jobs[: jobs.index(job)]
                return Standing("waiting", owner, ahead=len(before), left=wait(map(self._left, before), 1))
            return errands.standing(owner, job.events, job.began)

    def _left(self, job: _Job) -> float | None:
        """Seconds to the end of one, as far as others of late tell."""
        usual = self._usual.seconds
        took = time.monotonic() - job.started if job.process is not None else 0.0
        return None if usual is None else max(0.0, usual - took)

    def wish(self, owner: str) -> Wish | None:
        """What this visitor asked for last, while it is remembered."""
        with self._lock:
            job = self._jobs.get(owner)
            return None if job is None else job.wish

    def done(self, owner: str) -> Wish | None:
        """What was done for this visitor, said once; None where nothing was."""
        with self._lock:
            job = self._jobs.get(owner)
            if job is None or not job.over or job.why or job.cancelled:
                return None
            del self._jobs[owner]
            return job.wish

    def cancel(self, owner: str) -> None:
        """End this visitor's, or forget what went wrong. A model that can be opened already stays."""
        with self._lock:
            job = self._jobs.pop(owner, None)
            if job is not None:
                job.cancelled = True

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for job in self._jobs.values():
                job.cancelled = True
                if job.process is not None:
                    errands.end(job.process, signal.SIGTERM)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _work(self, job: _Job) -> None:
        try:
            why = "" if job.cancelled else self._open(job)
        except OSError as error:
            why = f"It could not be started ({error.strerror})."
        except Exception:  # whoever waits must not wait for ever
            traceback.print_exc()
            why = "Opening it broke off. The details are in the terminal."
        with self._lock:
            job.process, job.over, job.why = None, True, "" if job.cancelled else why

    def _open(self, job: _Job) -> str:
        """Why it could not be; "" where it could."""
        with tempfile.TemporaryDirectory(prefix="muscope-opening-", ignore_cleanup_errors=True) as place:
            job.events, said = Path(place) / "events.jsonl", Path(place) / "said"
            words = self._command(job.wish, job.owner, self._folder / job.wish.name, job.events)
            # What it keeps aside while it works lies here too, and goes with it however it ends.
            process = errands.start(words, said, TMPDIR=place)
            with self._lock:
                job.process, job.started = process, time.monotonic()
            code = errands.ended(process, lambda: job.cancelled)
            if code == 0 and job.wish.name:  # to fetch one takes as long as the line is slow
                self._usual.note(time.monotonic() - job.started)
            return "" if code == 0 or job.cancelled else errands.refusal(said, code) or _broken(said, code)


def _broken(said: Path, code: int) -> str:
    words = said.read_text(errors="replace").strip().splitlines()[-3:]
    if code < 0 or any("MemoryError" in line or "memory" in line for line in words):
        return "It needed more memory than a model may take here, and was ended: choose fewer images or smaller ones."
    return "It broke off. The details are in the terminal."


@lru_cache(maxsize=4)
def _openings(folder: Path) -> Openings:
    return Openings(folder)


def shared_openings() -> Openings:
    """The openings of this server."""
    from vae.home import home

    return _openings(home() / "models")
