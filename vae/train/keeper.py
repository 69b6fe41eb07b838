"""The keeper in a server: it sees to it that each device has a worker, and starts another where one died."""

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from vae.errors import VAEError
from vae.files import plain_disk_errors
from vae.train.process import WAITING
from vae.train.run import Run
from vae.train.runs import next_run, waiting
from vae.train.worker import ALONE, LOOK, LOOK_WELL, command, devices, hold, mark_of, place, sign

REPOSITORY = Path(__file__).parents[2]
KEEP = 0.5  # seconds between two looks at the workers
SETTLE = 3.0  # seconds that a starting server is left alone
SHORT = 10.0  # seconds: a worker that lived shorter is not started again at once


def start_worker(runs_dir: Path, device: str, *, alone: float = ALONE) -> subprocess.Popen[bytes] | None:
    """Start a device's worker, or None when there is one.

    Raises:
        VAEError: the folder cannot be written, or no process can be started.
    """
    runs_dir = Path(runs_dir).resolve()
    lock = hold(runs_dir, device)
    if lock is None:
        return None
    sign(lock.fileno(), "")
    environment = os.environ | WAITING | {"PYTHONUNBUFFERED": "1"}
    environment.pop("OPENBLAS_NUM_THREADS", None)  # one thread suits the server's lookups, not a map of 70,000 images
    with lock, plain_disk_errors(runs_dir), place(runs_dir, device).with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            command(runs_dir, device, lock.fileno(), alone),
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],  # the lock belongs to the open file: the child goes on holding it
            start_new_session=True,
        )
    # Somebody must ask how the child ended, or it stays behind as a zombie while the server lives.
    threading.Thread(target=process.wait, name=f"wait for {process.pid}", daemon=True).start()
    return process


def see_to_worker(run: Run) -> None:
    """Start the worker that will do a run, where there is none; it ends when it has nothing more to do."""
    start_worker(run.folder.parent, devices()[0] if run.device == "auto" else run.device)


class Keeper:
    """A thread in a server: each device has a worker, and one that died has a successor within a second.

    Args:
        settle: seconds before the first is started, unless somebody waits already.
    """

    def __init__(self, runs_dir: Path, *, settle: float = SETTLE) -> None:
        self.runs_dir = Path(runs_dir).resolve()
        self._settle = settle
        self._over = threading.Event()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._born: dict[str, float] = {}
        self._early: dict[str, int] = {}
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Keep no longer. The workers go on with what they do."""
        self._over.set()
        self._thread.join(timeout=5)

    def _keep(self) -> None:
        try:
            self.runs_dir.mkdir(parents=True, exist_ok=True)
            server = (self.runs_dir / ".server").open("ab")
        except OSError as error:
            print(f"No training can be done: {self.runs_dir} cannot be written ({error.strerror}).", file=sys.stderr)
            return
        with server:
            fcntl.flock(server, fcntl.LOCK_SH)  # workers look: there is a server
            self._wait_a_little()
            known = wanted = devices()
            seen, looked = None, 0.0
            while not self._over.is_set():
                now, mark = time.monotonic(), mark_of(self.runs_dir)
                if mark != seen or now - looked > LOOK_WELL:
                    seen, looked, wanted = mark, now, self._wanted(known)
                for device in wanted:
                    self._see_to(device)
                self._over.wait(KEEP)

    def _wait_a_little(self) -> None:
        until = time.monotonic() + self._settle
        while time.monotonic() < until and not self._over.is_set() and next_run(self.runs_dir) is None:
            self._over.wait(LOOK)

    def _wanted(self, known: Sequence[str]) -> list[str]:
        """Every fast device, and another only while somebody waits for it."""
        others = {each.run.device for each in waiting(self.runs_dir)} - {"auto", *known}
        return [*known, *sorted(others)]

    def _see_to(self, device: str) -> None:
        child = self._children.get(device)
        if child is not None and child.poll() is None:
            return
        now = time.monotonic()
        if device in self._born and child is not None:
            short = now - self._born[device] < SHORT
            self._early[device] = self._early.get(device, 0) + 1 if short else 0
            self._children.pop(device)
        wait = min(60.0, 2.0 ** self._early.get(device, 0)) if self._early.get(device, 0) > 1 else 0.0
        if now - self._born.get(device, -1e9) < wait:
            return
        try:
            child = start_worker(self.runs_dir, device)
        except (VAEError, OSError) as error:
            print(f"No worker for {device} could be started: {error}", file=sys.stderr)
            self._born[device], self._early[device] = now, self._early.get(device, 1) + 1
            return
        if child is not None:
            self._children[device], self._born[device] = child, now


def keep_workers(runs_dir: Path, *, settle: float = SETTLE) -> Keeper:
    """Start to keep the workers of this machine; the server calls it once."""
    return Keeper(runs_dir, settle=settle)
