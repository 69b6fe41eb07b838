"""What the trainings of this machine say, read once for everybody who watches.

A class of thirty asks every second: only what a run has said since the last time is read, and only one of them looks
through the folders within a second.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from vae.errors import VAEError
from vae.home import runs_folder
from vae.train import limits
from vae.train.run import UNDER_WAY, Run
from vae.train.runs import Waiting, runs, waiting
from vae.train.watch import Watch, watch

FRESH = 0.9  # seconds for which a look through the folders holds; pages look once a second
HELD = 64  # runs whose events are held


@dataclass(frozen=True)
class Followed:
    """All that a run has said, and what it comes to; `beta` and `rate` are as they were last set, 0 if never."""

    events: tuple[dict[str, Any], ...]
    seen: Watch

    @property
    def beta(self) -> float:
        return self._set("beta")

    @property
    def rate(self) -> float:
        return self._set("rate")

    def _set(self, name: str) -> float:
        said = (event.get(name) for event in reversed(self.events) if event["kind"] in ("start", "change"))
        return next((float(value) for value in said if value), 0.0)


@dataclass(frozen=True)
class Row:
    """A run as the list of all of them shows it: `how` is its state, `size` its bytes, `model` the model's folder."""

    id: str
    name: str
    owner: str
    how: str
    size: int
    when: str
    fraction: float
    model: Path


@dataclass(frozen=True)
class Board:
    """Every run, the newest first; who waits; and how much of the disk they take, in bytes."""

    rows: tuple[Row, ...]
    waiting: dict[str, Waiting]
    used: int
    quota: int | None

    @property
    def busy(self) -> bool:
        """Whether anything is under way or waits."""
        return bool(self.waiting) or any(row.how in UNDER_WAY for row in self.rows)


class _Follower:
    def __init__(self) -> None:
        self._lock = Lock()
        self._logs: OrderedDict[Path, tuple[int, Followed]] = OrderedDict()
        self._board: tuple[float, Path, Board] | None = None

    def follow(self, run: Run) -> Followed:
        with self._lock:
            since, known = self._logs.get(run.folder, (0, None))
            new, reached = run.events(since)
            if known is None or new:
                events = (*(known.events if known else ()), *new)
                known = Followed(events, watch(events))
            self._logs[run.folder] = (reached, known)
            self._logs.move_to_end(run.folder)
            while len(self._logs) > HELD:
                self._logs.popitem(last=False)
            return known

    def board(self) -> Board:
        place = runs_folder()
        with self._lock:
            if self._board is not None and self._board[1] == place and time.monotonic() - self._board[0] < FRESH:
                return self._board[2]
        found = self._look(place)
        with self._lock:
            self._board = (time.monotonic(), place, found)
        return found

    def look_again(self) -> None:
        with self._lock:
            self._board = None

    def _look(self, place: Path) -> Board:
        rows = tuple(self._row(run) for run in runs(place))
        line = {each.run.id: each for each in waiting(place)} if any(row.how in WAITING for row in rows) else {}
        try:
            quota = limits.quota()
        except VAEError:  # told to whoever starts a training
            quota = None
        return Board(rows, line, sum(row.size for row in rows), quota)

    def _row(self, run: Run) -> Row:
        how = run.state()
        part = self.follow(run).seen.fraction if how in UNDER_WAY or how in WAITING or how == "paused" else 0.0
        made = run.created.astimezone()
        when = f"{made:%H:%M}" if made.date() == datetime.now().astimezone().date() else f"{made:%-d %b}"
        size = _size(run.folder, _said(run))
        return Row(run.id, run.name, run.owner, how, size, when, part, run.model_folder)


WAITING = ("queued", "interrupted")


def _said(run: Run) -> int:
    """Bytes of events: a run that has said nothing new has hardly grown."""
    try:
        return (run.folder / "events.jsonl").stat().st_size
    except OSError:
        return 0


@lru_cache(maxsize=4096)
def _size(folder: Path, said: int) -> int:
    return Run(folder).size


_shared = _Follower()
follow, board, look_again = _shared.follow, _shared.board, _shared.look_again
