"""What a trainer tells whoever watches: one JSON object on each line of a file, written as it happens."""

import json
import os
from pathlib import Path
from typing import Any

from vae.files import finite, flush, make_folder, plain_disk_errors, sync, write_all


class EventLog:
    """The writing end. A line is with the system as soon as it is said, so it outlives the process; the file is only
    ever appended to."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        with plain_disk_errors(self.path):
            make_folder(self.path.parent)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o666))
            flush(self.path.parent)

    def say(self, kind: str, *, flush: bool = False, **fields: Any) -> None:
        """Append {"kind": kind, ...}; numbers that are not finite become null, since JSON has none.

        Args:
            flush: wait until it is on the disk, so that it outlives a power cut too.

        Raises:
            VAEError: the disk is full or cannot be written; what was said before can still be read.
        """
        line = json.dumps({"kind": kind} | finite(fields), ensure_ascii=False, allow_nan=False) + "\n"
        with plain_disk_errors(self.path):
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                write_all(handle, _after_a_torn_line(handle) + line.encode(errors="backslashreplace"))
                if flush:
                    sync(handle)
            finally:
                os.close(handle)


def _after_a_torn_line(handle: int) -> bytes:
    """A full disk or a kill can cut a line; the next one must not be lost with it."""
    size = os.fstat(handle).st_size
    return b"\n" if size and os.pread(handle, 1, size - 1) != b"\n" else b""


def read_events(path: Path, since: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The events after byte `since`, and where to read on.

    A last line that is still being written is left for the next time; no file yet is no events yet. A line that is
    not an object (a full disk can cut one) is passed over.
    """
    try:
        with Path(path).open("rb") as file:
            file.seek(since)
            data = file.read()
    except FileNotFoundError:
        return [], since
    whole = data[: data.rfind(b"\n") + 1]
    events = []
    for line in whole.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "kind" in event:
            events.append(event)
    return events, since + len(whole)
