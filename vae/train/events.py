"""What a trainer tells whoever watches: one JSON object on each line of a file, written as it happens."""

import json
from pathlib import Path
from typing import Any

from vae.files import finite, plain_disk_errors


class EventLog:
    """The writing end. A line is on its way to the disk as soon as it is said; the file is only ever appended to."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        with plain_disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.open("ab").close()

    def say(self, kind: str, **fields: Any) -> None:
        """Append {"kind": kind, ...}; numbers that are not finite become null, since JSON has none."""
        line = json.dumps({"kind": kind} | finite(fields), ensure_ascii=False, allow_nan=False) + "\n"
        with plain_disk_errors(self.path), self.path.open("ab") as file:
            file.write(line.encode())


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
