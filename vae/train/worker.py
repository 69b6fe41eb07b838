"""Training in a process of its own, which outlives the page that asked for it and the server behind the page.

A run is a folder:

    request.json   name, arguments, and when it was asked for
    events.jsonl   what happens, as `vae.train.events` writes it
    log.txt        what the process printed
    stop           made by whoever wants it to stop
    lock           held by the process as long as it lives; pid, its number, is for people
    pictures-*.png originals above their reconstructions, epoch after epoch
    model/         the model, unless --out names another folder

Whether the process lives is asked of the lock, not of a process number: the system gives the lock back whatever the
process died of, and a number may by then be somebody else's.
"""

import fcntl
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vae.errors import VAEError
from vae.files import plain_disk_errors, write_aside
from vae.train.events import read_events

REPOSITORY = Path(__file__).parents[2]
NICE = 10  # the page and the pictures under a hand come first
FINAL = ("done", "stopped", "failed")
STATES = {"start": "running", "step": "running", "epoch": "running", "pictures": "running", "encoding": "encoding"}
TAIL = 1 << 18  # bytes: the last event is in here, also with thousands of latents


@dataclass(frozen=True)
class Run:
    """One training, known by its folder. It can be opened by any process, at any time, also after the end."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """The run kept in a folder.

        Raises:
            VAEError: this is no run's folder.
        """
        run = cls(Path(folder))
        if not (run.folder / "request.json").is_file():
            raise VAEError(f"There is no training called {run.folder.name}: it may have been deleted.")
        return run

    @property
    def request(self) -> dict[str, Any]:
        """name, arguments, started, as they were asked for."""
        try:
            request = json.loads((self.folder / "request.json").read_bytes())
        except (OSError, ValueError) as error:
            raise VAEError(f"The training {self.folder.name} cannot be read: start another.") from error
        if not isinstance(request, dict):
            raise VAEError(f"The training {self.folder.name} cannot be read: start another.")
        return request

    @property
    def name(self) -> str:
        """What its person called it."""
        return str(self.request["name"])

    @property
    def model_folder(self) -> Path:
        """Where the model is, or will be."""
        arguments = self.request["arguments"]
        return REPOSITORY / arguments[arguments.index("--out") + 1]

    def events(self, since: int = 0) -> tuple[list[dict[str, Any]], int]:
        """What has happened after byte `since`, and the number to give next time."""
        return read_events(self.folder / "events.jsonl", since)

    def alive(self) -> bool:
        """Whether the process lives. One that has ended and waits to be buried does not."""
        try:
            with (self.folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask at once do not see each other
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def state(self) -> str:
        """ "starting", "running", "encoding", "done", "stopped" or "failed"."""
        alive = self.alive()  # before the events: what it said last is then surely on the disk
        kind = self._last().get("kind", "")
        if kind in FINAL:
            return str(kind)
        return STATES.get(kind, "starting") if alive else "failed"

    def failure(self) -> str:
        """Why it failed, in one plain line; "" unless `state` says so."""
        if self.state() != "failed":
            return ""
        last = self._last()
        if last.get("kind") == "failed":
            return str(last.get("line", ""))
        try:
            with (self.folder / "log.txt").open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL))
                lines = log.read().decode(errors="replace").split("\n")
        except OSError:
            lines = []
        said = [line.split("\r")[-1].strip() for line in lines]
        return next(
            (line for line in reversed(said) if line),
            "The training ended without a word, as happens when the memory is full: choose a smaller model or batch.",
        )

    def stop(self) -> None:
        """Ask it to stop after the step it is in and keep the model as it is then."""
        with plain_disk_errors(self.folder):
            (self.folder / "stop").touch()

    def _last(self) -> dict[str, Any]:
        try:
            size = (self.folder / "events.jsonl").stat().st_size
        except FileNotFoundError:
            return {}
        events, _ = self.events(max(0, size - TAIL))  # the first line may be cut, and is then passed over
        return events[-1] if events else {}


def start(runs_dir: Path, arguments: Sequence[str], name: str) -> Run:
    """Begin a training.

    Args:
        runs_dir: where runs are kept; this one gets a folder of its own there.
        arguments: of `python -m vae train`; without --out the model is kept inside the run's folder.
        name: what people call it; the model's title unless --title says another.

    Raises:
        VAEError: the disk cannot be written. What is wrong with the arguments is told by the run itself.
    """
    now = datetime.now(UTC)
    folder = Path(runs_dir).resolve() / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    # "--out=x" to "--out", "x": then one way of looking finds it.
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--") else [word])]
    if "--out" not in words:
        words += ["--out", str(folder / "model")]
    if "--threads" not in words:
        words += ["--threads", str(max(1, (os.cpu_count() or 2) - 1))]
    if "--title" not in words and name:
        words += [f"--title={name}"]  # one word: a name may begin with a dash
    run = Run(folder)
    with plain_disk_errors(folder):
        folder.mkdir(parents=True)
        request = {"name": name, "arguments": words, "started": now.isoformat(timespec="seconds")}
        write_aside(folder / "request.json", lambda path: path.write_text(json.dumps(request, indent=2)))
        _launch(folder, words)
    return run


def runs(runs_dir: Path) -> list[Run]:
    """Every run kept in a folder, the newest first."""
    return [Run(path.parent) for path in sorted(Path(runs_dir).glob("*/request.json"), reverse=True)]


def _launch(folder: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "vae", "train", *words]
    command += ["--events", str(folder / "events.jsonl"), "--stop-file", str(folder / "stop")]
    # PASSIVE is read when torch is first imported: two spinning threads beside a busy core lose nearly all their speed.
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
    environment.pop("OPENBLAS_NUM_THREADS", None)  # one thread suits the server's lookups, not a map of 70,000 images
    with (folder / "lock").open("wb") as lock, (folder / "log.txt").open("ab") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the child inherits it: it belongs to the open file, not to a process
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )
    with suppress(OSError):  # it may have ended already, and says why in its log
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)  # it has one thread yet; those to come inherit this
    (folder / "pid").write_text(str(process.pid))
    # Somebody must ask how the child ended, or it stays behind as a zombie while the server lives.
    threading.Thread(target=process.wait, name=f"wait for {folder.name}", daemon=True).start()
