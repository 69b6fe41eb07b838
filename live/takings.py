"""Data sets made of what was uploaded: in turn, a few at a time for the whole server, each in its guarded process.

What waits and what is made belongs to a visitor and not to a page: it goes on while other pages are looked at.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from live import own_models
from live.errands import Standing
from live.fair import Turns, Usual, wait
from live.uploads import shared_uploads
from vae.data import brought, intake
from vae.errors import VAEError

AT_ONCE = 2  # of makings, and of looks
MOST = 40  # makings that wait: more would wait for hours
SWEEP = 600.0  # seconds between two looks at what is to be deleted

_looks = Turns(AT_ONCE)  # each is a process with memory of its own


def look(
    given: Path | str,
    choice: intake.Choice | None = None,
    owner: str = "",
    told: Callable[[Standing], None] | None = None,
) -> intake.Understood:
    """What is understood of an upload, or of a path on this machine; waits for its turn.

    Args:
        owner: who asks. Each visitor has one at a time.
        told: called some times a second with how far it is. What it raises ends the look, waiting or not.

    Raises:
        VAEError: nothing in it can be used.
    """
    far = [0.0]  # how much of it is done

    def waits(ahead: int, left: float | None) -> None:
        if told is not None:
            told(Standing("waiting", owner, ahead=ahead, left=left))

    def progress(done: int, total: int) -> None:
        far[0] = min(1.0, done / total) if total else 0.0

    def stopped() -> bool:
        if told is not None:
            took, part = time.monotonic() - began, far[0]
            left = took * (1 - part) / part if part > 0.05 and took > 1 else None
            told(Standing("measuring", owner, what="looking at what came", fraction=part, left=left))
        return False

    with _looks.turn(owner, waits):
        began = time.monotonic()
        return intake.look(given, choice, progress=progress, stopped=stopped)


@dataclass
class _Job:
    owner: str
    title: str
    cancelled: bool = False
    began: float = 0.0  # 0 while it waits
    done: int = 0
    total: int = 0
    why: str = ""
    made: str = ""  # the ID of the set


class Takings:
    """The makings of a server: at most one of each visitor.

    Args:
        take: `vae.data.intake.take_in`, or what a test puts in its place.
    """

    def __init__(self, take: Callable[..., str] = intake.take_in) -> None:
        self._take = take
        self._lock = Lock()
        self._jobs: dict[str, _Job] = {}  # owner to the last one
        self._usual = Usual()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="takings")

    def ask(
        self, owner: str, given: Path | str, choice: intake.Choice, title: str, keep_days: float | None = None
    ) -> None:
        """Have a set made. Where one of this visitor's is on its way, nothing changes.

        Raises:
            VAEError: too many wait already.
        """
        with self._lock:
            before = self._jobs.get(owner)
            if before is not None and not _over(before):
                return
            if sum(not _over(job) for job in self._jobs.values()) >= MOST:
                raise VAEError(f"{MOST} data sets wait to be made already: try again in some minutes.")
            job = self._jobs[owner] = _Job(owner, title)
        self._pool.submit(self._work, job, given, choice, keep_days)

    def of(self, owner: str) -> Standing | None:
        """How far this visitor's is; None where there is none, or it is made."""
        with self._lock:
            job = self._jobs.get(owner)
            if job is None or job.made or (job.cancelled and not job.why):
                return None
            if job.why:
                return Standing("failed", owner, why=job.why)
            if not job.began:
                jobs = [each for each in self._jobs.values() if not _over(each)]
                under_way = [each for each in jobs if each.began]
                waiting = [each for each in jobs if not each.began]
                before = waiting[: waiting.index(job)]
                usual = self._usual.seconds
                left = wait([*(_left(each, usual) for each in under_way), *(usual for _ in before)], AT_ONCE)
                return Standing("waiting", owner, ahead=len(before) + len(under_way), left=left)
            part = job.done / job.total if job.total else 0.0
            return Standing("measuring", owner, what=f"reading {job.title}", fraction=part, left=_left(job, None))

    def made(self, owner: str) -> str:
        """The ID of the set that was made for this visitor, said once; "" where there is none."""
        with self._lock:
            job = self._jobs.get(owner)
            if job is None or not job.made:
                return ""
            del self._jobs[owner]
            return job.made

    def cancel(self, owner: str) -> None:
        """End this visitor's, or forget what went wrong. Nothing of it is kept."""
        with self._lock:
            job = self._jobs.pop(owner, None)
            if job is not None:
                job.cancelled = True

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for job in self._jobs.values():
                job.cancelled = True
        self._pool.shutdown(cancel_futures=True)

    def _work(self, job: _Job, given: Path | str, choice: intake.Choice, keep_days: float | None) -> None:
        if job.cancelled:
            return
        job.began = time.monotonic()

        def progress(done: int, total: int) -> None:
            job.done, job.total = done, total

        try:
            made = self._take(
                given,
                choice,
                title=job.title,
                owner=job.owner,
                progress=progress,
                stopped=lambda: job.cancelled,
                keep_days=keep_days,
            )
        except VAEError as error:
            job.why = str(error)
        except Exception as error:  # told to who waits for it: a thread has nobody else to tell
            job.why = f"Muscope itself made a mistake here ({type(error).__name__}): try once more."
        else:
            if _over(job):  # cancelled with its last image
                brought.delete(made)
            self._usual.note(time.monotonic() - job.began)
            job.made = made


@lru_cache(maxsize=1)
def shared_takings() -> Takings:
    """The makings of this server."""
    return Takings()


def sweep_for_ever() -> None:
    """Delete what nobody used and what has had its time, again and again; for a thread that ends with the server."""
    while True:
        shared_uploads().sweep()
        brought.sweep()
        own_models.sweep()
        time.sleep(SWEEP)


def _left(job: _Job, usual: float | None) -> float | None:
    """Seconds to the end of a making; as it is usual, less what it took, until its own pace is known."""
    took, part = time.monotonic() - job.began, job.done / job.total if job.total else 0.0
    if part > 0.05 and took > 2:
        return took * (1 - part) / part
    return None if usual is None else max(0.0, usual - took)


def _over(job: _Job) -> bool:
    return job.cancelled or bool(job.why or job.made)
