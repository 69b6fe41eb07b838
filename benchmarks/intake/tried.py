"""What became of a file that was given: read, or refused in a line; how long it took, and with how much memory."""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vae.data.intake import Understood, look
from vae.errors import VAEError


@dataclass(frozen=True)
class Tried:
    """One attempt.

    Attributes:
        seconds: from asking to the answer, the start of the process included.
        came: what was understood, None where it was refused.
        line: the refusal, "" for none.
    """

    seconds: float
    came: Understood | None
    line: str


def tried(given: Path) -> Tried:
    """Look at a file. Anything else than an answer or a plain line ends the benchmark, as it should."""
    began = time.perf_counter()
    try:
        came, line = look(given), ""
    except VAEError as error:
        came, line = None, str(error)
    return Tried(time.perf_counter() - began, came, line)


def peak() -> float:
    """MB that the largest of the processes that have ended so far had in memory at its worst."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6


def below(root: Path) -> dict[str, bytes]:
    """Every file below a folder, links not followed."""
    found = {}
    for above, _, files in os.walk(root):
        for name in files:
            path = Path(above) / name
            found[path.relative_to(root).as_posix()] = b"" if path.is_symlink() else path.read_bytes()
    return found


@contextmanager
def own_home() -> Iterator[Path]:
    """A folder of its own for all that is made, in place of the person's."""
    before = os.environ.get("MUSCOPE_HOME")
    with tempfile.TemporaryDirectory(prefix="muscope-intake-") as folder:
        os.environ["MUSCOPE_HOME"] = str(Path(folder) / "home")
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ["MUSCOPE_HOME"]
            else:
                os.environ["MUSCOPE_HOME"] = before
