"""The guarded process: who asks for it, how it is held, and what it may answer.

    request     one line of JSON on its standard input
    answers     lines of JSON on its standard output: progress, then what came of it or one plain line of error

It lives in a session of its own and sets its own limits before it opens a file (`__main__.py`). Whoever asked waits for
it, hears how far it is, and may end it at any moment; what it leaves half made is removed.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from vae.data.intake.choice import Choice, Understood
from vae.data.intake.limits import LOOK_WALL, MB, TAKE_WALL
from vae.errors import VAEError

Progress = Callable[[int, int], None]  # (images done, images in all)

DEBUG = "MUSCOPE_INTAKE_DEBUG"  # set, what goes wrong in the process is told on standard error
_ROOT = Path(__file__).resolve().parents[3]
_LINE = 64 * MB  # bytes of one answer
_POLL = 0.2  # seconds between two looks at whether somebody said stop
# All that the process is told of the world: nothing that could be a secret.
_KEPT = (
    "MUSCOPE_HOME",
    DEBUG,
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "HF_HOME",
    "HF_DATASETS_CACHE",
    "HF_HUB_CACHE",
    "SYSTEMROOT",
)
_QUIET = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONPATH": str(_ROOT),
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}


def look(
    given: Path | str,
    choice: Choice | None = None,
    *,
    progress: Progress | None = None,
    stopped: Callable[[], bool] | None = None,
    wall: float = LOOK_WALL,
) -> Understood:
    """What was understood of a person's files. Nothing is kept.

    Args:
        given: the folder of an upload (`names.json` in it says what its files were called), a file or folder of this
            machine, or "dataset:NAME" for a Hugging Face data set from its local cache.
        choice: what was chosen so far; None for nothing.
        progress: called with files looked at and files in all.
        stopped: asked five times a second; True ends it.
        wall: seconds that it may take.

    Raises:
        VAEError: nothing there that can be used, limits passed, or stopped.
    """
    request = {"verb": "look", "given": str(given), "choice": None if choice is None else choice.to_json()}
    return Understood.from_json(_ask(request, progress, stopped, wall))


def take_in(
    given: Path | str,
    choice: Choice | None = None,
    *,
    title: str,
    owner: str = "",
    progress: Progress | None = None,
    stopped: Callable[[], bool] | None = None,
    keep_days: float | None = None,
    credit: str = "",
    wall: float = TAKE_WALL,
) -> str:
    """Make a data set of a person's files.

    Args:
        given, choice, stopped, wall: as for `look`.
        title: what she calls it.
        owner: 12 characters, "" for whoever works on this machine.
        progress: called with images done and images in all.
        keep_days: days after which it goes; None for never.
        credit: one line: who made the data, under which licence.

    Returns:
        The set's ID: `vae.data.load("brought:ID", split)`.

    Raises:
        VAEError: nothing there that can be used, limits passed, a full disk, or stopped. Nothing is kept then.
    """
    from vae.data import brought  # which knows `Choice`

    set_id = brought.new_id()
    made = brought.make_aside(set_id)
    try:
        request = {
            "verb": "take",
            "given": str(given),
            "choice": None if choice is None else choice.to_json(),
            "into": str(made),
            "id": set_id,
            "title": " ".join(title.split())[:80] or "My data",
            "owner": owner,
            "keep_days": keep_days,
            "credit": " ".join(credit.split())[:300],
        }
        _ask(request, progress, stopped, wall)
        brought.put_in_place(set_id)
    finally:
        brought.drop_aside(set_id)
    return set_id


def _ask(request: dict[str, Any], progress: Progress | None, stopped: Callable[[], bool] | None, wall: float) -> object:
    """Start the process, hear it out, and give back its last word."""
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | _QUIET
    child = subprocess.Popen(
        [sys.executable, "-m", "vae.data.intake"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if DEBUG in os.environ else subprocess.DEVNULL,
        cwd="/",
        env=environment,
        start_new_session=True,
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        with suppress(BrokenPipeError):
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.close()
        answer = _hear(child, progress, stopped, time.monotonic() + wall)
    finally:
        _end(child)
    if answer is None:
        raise VAEError(_died(child.returncode))
    if "error" in answer:
        raise VAEError(str(answer["error"])[:1000])
    return answer.get("came")


def _hear(
    child: "subprocess.Popen[bytes]", progress: Progress | None, stopped: Callable[[], bool] | None, until: float
) -> dict[str, Any] | None:
    assert child.stdout is not None
    handle = child.stdout.fileno()
    rest = b""
    with selectors.DefaultSelector() as ready:
        ready.register(handle, selectors.EVENT_READ)
        while True:
            if stopped is not None and stopped():
                raise VAEError("Stopped: nothing was kept.")
            if time.monotonic() > until:
                raise VAEError("The files took too long to read: give fewer or smaller ones.")
            if not ready.select(_POLL):
                continue
            piece = os.read(handle, 1 << 20)
            if not piece:
                return None
            rest += piece
            if len(rest) > _LINE:
                raise VAEError("The files made more words than anybody reads: give fewer of them.")
            *lines, rest = rest.split(b"\n")
            for line in lines:
                answer = _answer(line)
                if "progress" not in answer:
                    return answer
                if progress is not None:
                    done, total = answer["progress"]
                    progress(int(done), int(total))


def _answer(line: bytes) -> dict[str, Any]:
    """One line of the process. What it says is checked: by then a stranger's file may have had its way with it."""
    try:
        answer = json.loads(line)
        if not isinstance(answer, dict) or len(answer) != 1:
            raise ValueError
        if "progress" in answer:
            done, total = answer["progress"]
            answer["progress"] = int(done), int(total)
    except (ValueError, TypeError, RecursionError):
        raise VAEError("The files could not be read (what came back made no sense): try others.") from None
    return answer


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Be sure that it is gone, with whatever it started."""
    if child.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _died(status: int | None) -> str:
    if status == -signal.SIGXCPU:
        return "The files took too much work to read: give fewer or smaller ones."
    return "The files could not be read (the process that reads them gave up, as it does on broken files): try others."
