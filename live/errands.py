"""Processes that do for the server what takes minutes, and say how far they are in a file of events."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vae.train.process import WAITING

REPOSITORY = Path(__file__).resolve().parent.parent
NICE = "10"  # less urgent than whatever answers people
LOOK = 0.1  # seconds between two looks at a process
PATIENCE = 5.0  # seconds in which a process that was asked to end may do so
TAIL = 8192  # bytes of the events that are read: the last line says where it stands

Began = dict[str, tuple[float, float]]  # what is done: when it was first seen, and how far it was then


@dataclass(frozen=True)
class Standing:
    """How far an errand is.

    Attributes:
        how: "waiting", "measuring" or "failed".
        owner: who asked for it, as `live.visitor` knows people.
        ahead: errands before it.
        what: what is being done, in the process's own words. fraction: of that, 0 to 1.
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


def start(words: list[str], said: Path, **changes: str) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own; what it says of errors goes to the file `said`.

    Args:
        changes: environment variables it has besides.
    """
    environment = os.environ | WAITING | changes
    environment.pop("OPENBLAS_NUM_THREADS", None)  # one thread suits the server's lookups, not this
    with said.open("wb") as out:
        return subprocess.Popen(
            words,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=out,
            start_new_session=True,
        )


def ended(process: "subprocess.Popen[bytes]", cancelled: Callable[[], bool]) -> int:
    """How a process ended; once cancelled it is asked to end, and one that does not is ended the hard way."""
    asked = 0.0
    while (code := process.poll()) is None:
        time.sleep(LOOK)
        if cancelled():
            if not asked:
                asked = time.monotonic()
                end(process, signal.SIGTERM)
            if time.monotonic() - asked > PATIENCE:
                end(process, signal.SIGKILL)
    return code


def end(process: "subprocess.Popen[bytes]", sign: signal.Signals) -> None:
    """Send a process and those that it started a signal."""
    with suppress(OSError):  # it has ended by itself
        os.killpg(process.pid, sign)


def standing(owner: str, events: Path | None, began: Began) -> Standing:
    """How far a process is by its events. `began` is kept between two calls: what is left follows from it."""
    said = last_event(events)
    what, done, total = str(said.get("what", "")), _number(said.get("done")), _number(said.get("total"))
    now = time.monotonic()
    since, first = began.setdefault(what, (now, done))
    fraction = min(1.0, max(0.0, done / total)) if total else 0.0
    moved = done - first
    left = (now - since) * (total - done) / moved if moved > 0 and now > since else None
    return Standing("measuring", owner, what=what, fraction=fraction, left=left)


def last_event(path: Path | None) -> dict[str, object]:
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


def refusal(said: Path, code: int) -> str:
    """The plain line with which a process refused bad input; "" where it broke off, and its last words are printed."""
    lines = said.read_text(errors="replace").strip().splitlines()
    if code == 2 and lines:
        return lines[-1][:400]
    print("\n".join(lines[-20:]), file=sys.stderr)
    return ""


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
