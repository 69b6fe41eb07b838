"""The process that does what waits.

A worker has its libraries loaded before anybody presses Start. It takes the run whose turn it is, does it, and replaces
itself by a new self: the memory is fresh, and what one run brought along (numba's threads, a GPU's context) does not
meet the next. It is in a session of its own, so it survives the server, and its lock tells the next server that it is
there. Without any server and without work it ends. Who starts it: `vae.train.keeper`.
"""

import fcntl
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, NoReturn

from vae.errors import VAEError
from vae.files import plain_disk_errors
from vae.train.events import EventLog
from vae.train.run import KILLED, Run
from vae.train.runs import next_run, runs

NICE = 10  # the page and the pictures under a hand come first
LOOK = 0.1  # seconds between two looks at the mark that something changed
LOOK_WELL = 2.0  # seconds between two looks at all runs, mark or none
ALONE = 60.0  # seconds that a worker waits for work where there is no server
STARTS = 3  # of one run without one new save between them: then it is not the machine, it is the run

CarryOut = Callable[[Run], object]


# ---- the worker ----------------------------------------------------------------------------------------------------


def work(runs_dir: Path, device: str, carry_out: CarryOut, *, lock: int | None = None, alone: float = ALONE) -> None:
    """A worker's life: wait for a turn, do the run, begin anew. Returns when nobody needs a worker any more.

    Args:
        device: as `devices` names it.
        carry_out: does a run that is held, and says in its events how it ended.
        lock: a file descriptor that holds this device already; given by whoever started this process.

    Raises:
        VAEError: this device has a worker.
    """
    runs_dir = Path(runs_dir).resolve()
    held = hold(runs_dir, device) if lock is None else os.fdopen(lock, "r+b")
    if held is None:
        raise VAEError(f"There is a worker for {device} already: it does what waits.")
    with held:
        sign(held.fileno(), str(os.getpid()))
        with suppress(OSError):
            os.nice(max(0, NICE - os.nice(0)))
        run = _wait_for_turn(runs_dir, device, alone)
        if run is None:
            return
        _do(run, carry_out)
        _begin_anew(runs_dir, device, held.fileno(), alone)


def _wait_for_turn(runs_dir: Path, device: str, alone: float) -> Run | None:
    """The next run, or None when there was neither work nor a server for `alone` seconds, or the folder is gone."""
    seen, looked, needed, auto = None, 0.0, time.monotonic(), device in devices()
    while True:
        now, mark = time.monotonic(), mark_of(runs_dir)
        if mark != seen or now - looked > LOOK_WELL:
            seen, looked = mark, now
            if not runs_dir.is_dir():
                return None
            if (run := next_run(runs_dir, device, auto=auto)) is not None:
                return run
            _end_cancelled(runs_dir)
            if _served(runs_dir):
                needed = now
            elif now - needed >= alone:
                return None
        time.sleep(LOOK)


def _do(run: Run, carry_out: CarryOut) -> None:
    """Do a run, whatever comes of it. Its log has what was printed."""
    try:
        with run.held(patience=0.2), _printed_to(run.folder / "log.txt"):
            try:
                if _may_start(run):
                    carry_out(run)
            except VAEError as error:  # `carry_out` has said so, if the disk let it
                print(error, file=sys.stderr)
                if run.last_event().get("kind") != "failed":
                    run.write_last_words(str(error))
            except BaseException as error:
                traceback.print_exc()
                if run.last_event().get("kind") != "failed":
                    run.write_last_words(f"The training broke off ({type(error).__name__}): its log has the rest.")
    except VAEError as error:  # somebody else has taken it, or deleted it: it is no longer our turn
        print(error, file=sys.stderr)
        time.sleep(LOOK)


def _may_start(run: Run) -> bool:
    """Count the start. A run that was started again and again and saved nothing in between is given up."""
    attempts, step = run.attempts(), run.saved_step()
    starts = attempts.starts if step == attempts.step else 0
    if starts >= STARTS:
        EventLog(run.folder / "events.jsonl").say("failed", flush=True, line=KILLED)
        return False
    run.write_attempts(replace(attempts, starts=starts + 1, step=step, taken=time.time()))
    return True


def _end_cancelled(runs_dir: Path) -> None:
    """What was cancelled while its process died is cleared away."""
    for run in runs(runs_dir):
        if run.state() == "cancelled" and run.last_event().get("kind") != "cancelled":
            with suppress(VAEError), run.held(patience=0):
                run.end_cancelled()


@contextmanager
def _printed_to(path: Path) -> Iterator[None]:
    """Send both streams, also what libraries print, to a file for the length of the block."""
    with plain_disk_errors(path), path.open("ab") as log:
        before = [os.dup(stream) for stream in (1, 2)]
        try:
            _flush()
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
            yield
        finally:
            _flush()
            for stream, old in zip((1, 2), before, strict=True):
                os.dup2(old, stream)
                os.close(old)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a full disk: what was printed is lost, the run is not
            stream.flush()


def _begin_anew(runs_dir: Path, device: str, lock: int, alone: float) -> NoReturn:
    """Become a new process of the same number, which holds the same lock."""
    os.set_inheritable(lock, True)
    sign(lock, "")
    os.execv(sys.executable, command(runs_dir, device, lock, alone))


def command(runs_dir: Path, device: str, lock: int, alone: float) -> list[str]:
    """What starts a worker that holds its lock, a file descriptor, already."""
    words = ["--device", device, "--folder", str(runs_dir), "--lock", str(lock), "--alone", f"{alone:g}"]
    return [sys.executable, "-m", "vae", "runs", "work", *words]


# ---- locks ---------------------------------------------------------------------------------------------------------


def devices() -> list[str]:
    """The fastest there are on this machine, each of which has a worker: all GPUs, else Apple's, else the CPU."""
    import torch  # a worker and a server have it anyway; a look at the runs need not

    if torch.cuda.is_available():
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return ["mps"] if torch.backends.mps.is_available() else ["cpu"]


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_of(runs_dir: Path, device: str) -> int | None:
    """The process number of a device's worker; 0 while it gets ready, None where there is none."""
    path = place(runs_dir, device)
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(OSError, ValueError):
            return int(path.read_text())
        return 0
    except OSError:
        return None
    return None


def hold(runs_dir: Path, device: str) -> IO[bytes] | None:
    """The lock of a device's worker, or None when another holds it."""
    with plain_disk_errors(runs_dir):
        Path(runs_dir).mkdir(parents=True, exist_ok=True)
        lock = place(runs_dir, device).open("a+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def sign(lock: int, text: str) -> None:
    """Leave the process number in the lock, for people; nothing while the process gets ready."""
    with suppress(OSError):  # a full disk
        os.ftruncate(lock, 0)
        os.pwrite(lock, text.encode(), 0)


def place(runs_dir: Path, device: str) -> Path:
    """The lock of a device's worker."""
    return Path(runs_dir) / f".worker-{device.replace(':', '-')}"


def _served(runs_dir: Path) -> bool:
    """Whether a server holds its lock."""
    try:
        with (runs_dir / ".server").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # servers share it: who would share it, too, sees none
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def mark_of(runs_dir: Path) -> int:
    try:
        return (runs_dir / ".changed").stat().st_mtime_ns
    except OSError:
        return 0
