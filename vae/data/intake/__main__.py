"""The guarded process itself: `python -m vae.data.intake`, asked on its standard input by `guard.py`.

It first takes from itself what it does not need: memory, time, files, the network, other programs, unpickling. Then it
opens what a stranger gave.
"""

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from vae.data.intake.limits import ADDRESS_SPACE, LOOK_CPU, LOOK_SECONDS, OPEN_FILES, TAKE_CPU, WRITTEN

# What a decoder of pictures never does. Looked at by Python itself, whoever asks.
_FORBIDDEN = ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork",
              "os.spawn", "pty.spawn", "pickle.find_class", "ctypes.dlopen", "webbrowser.open", "os.startfile",
              "ftplib.connect", "smtplib.connect", "urllib.Request")  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> int:
    """Answer one request."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    request = json.loads(sys.stdin.readline())
    _limit(TAKE_CPU if request["verb"] == "take" else LOOK_CPU)
    from vae.data.intake import hub

    _forbid(request.get("into", ""), dataset=hub.is_dataset(request["given"]))

    def say(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    try:
        say(came=_come(request, say))
    except BrokenPipeError:  # nobody listens any more
        return 1
    except MemoryError:
        say(error="The files need more memory than one data set may: give fewer or smaller ones.")
    except Exception as error:  # noqa: BLE001  # whatever a stranger's file does here, the answer is one line
        from vae.errors import VAEError

        if isinstance(error, VAEError):
            say(error=str(error))
        else:
            if os.environ.get("MUSCOPE_INTAKE_DEBUG"):
                raise
            say(error="The files could not be read: they are damaged, or of a kind that is not read here.")
    return 0


def _come(request: dict[str, Any], say: Any) -> Any:
    from vae.data.intake import survey, told
    from vae.data.intake.choice import Choice

    choice = Choice() if request["choice"] is None else Choice.from_json(request["choice"])
    said = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal said
        if done == total or time.monotonic() - said > 0.1:
            said = time.monotonic()
            say(progress=[done, total])

    found = survey.plan(_source(request["given"], choice), choice, LOOK_SECONDS, progress)
    if request["verb"] == "look":
        return told.understood(found).to_json()
    from vae.data.intake.make import make

    make(found, Path(request["into"]), request, progress)
    return request["id"]


def _source(given: str, choice: Any) -> Any:
    if given.startswith("dataset:"):
        from vae.data.intake import hub

        return hub.source(given.removeprefix("dataset:"))
    from vae.data.intake import collect, hub
    from vae.data.intake.given import gather

    path = Path(given).expanduser()
    if hub.is_saved(path):
        return hub.saved(path)
    return collect.collect(gather(path), choice)


def _limit(cpu: int) -> None:
    """Less of everything. A system that does not know a limit goes without it."""
    import resource

    for what, most in (
        ("RLIMIT_AS", ADDRESS_SPACE),
        ("RLIMIT_CPU", cpu),
        ("RLIMIT_FSIZE", WRITTEN),
        ("RLIMIT_NOFILE", OPEN_FILES),
        ("RLIMIT_CORE", 0),
    ):
        with contextlib.suppress(ValueError, OSError, AttributeError):
            number = getattr(resource, what)
            _, hard = resource.getrlimit(number)
            resource.setrlimit(number, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _forbid(into: str, *, dataset: bool) -> None:
    """From here on no network, no other program, no unpickling, and writing only where the set is made.

    This stands against our own and a library's mistakes. Against a decoder that a picture has taken over stands the
    process: it is alone, small, and knows no secret.
    """
    folder = os.path.realpath(into) + os.sep if into else ""
    forbidden = frozenset(_FORBIDDEN) - ({"ctypes.dlopen"} if dataset else frozenset())

    def hook(event: str, what: tuple[Any, ...]) -> None:
        if event in forbidden:
            raise PermissionError(f"{event} is not allowed here")
        if event == "open" and not dataset:
            path, mode, flags = what
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (
                isinstance(flags, int) and flags & _WRITING
            )
            if writes and isinstance(path, str | bytes | os.PathLike) and path != os.devnull:
                real = os.path.realpath(os.fsdecode(path))
                if not (folder and real.startswith(folder)):
                    raise PermissionError("writing elsewhere is not allowed here")

    sys.addaudithook(hook)


if __name__ == "__main__":
    sys.exit(main())
