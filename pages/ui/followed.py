"""What the trainings of this machine say, read once for everybody who watches.

A class of thirty asks every second: only what a run has said since the last time is read, and only one of them looks
through the folders within a second.
"""

import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from live import reels
from live.privacy import data_of
from vae.errors import VAEError
from vae.home import runs_folder
from vae.train import limits
from vae.train.run import UNDER_WAY, Run
from vae.train.runs import Waiting, runs, waiting
from vae.train.watch import Watch, watch

FRESH = 0.9  # seconds for which a look through the folders holds; pages look once a second
HELD = 64  # runs whose sums are held; their events are held by `live.reels`


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
    """A run as the list of all of them shows it: `how` is its state, `size` its bytes, `model` the model's folder.

    `queued`: a worker does it, not a terminal. `data`: the name of the data set.
    """

    id: str
    name: str
    owner: str
    how: str
    size: int
    when: str
    fraction: float
    model: Path
    queued: bool = True
    data: str = ""


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

    def ahead(self, run: str) -> str:
        """Who is before a run that waits, in words; "" for one that does not wait."""
        if run not in self.waiting:
            return ""
        wait = self.waiting[run].position - 1
        train = sum(row.how in UNDER_WAY and row.queued for row in self.rows)
        if not wait:
            return "it is next, after what trains now" if train else "it is next"
        count = wait + train
        return "one is before it" if count == 1 else f"{count} are before it"

    @property
    def ordered(self) -> tuple[Row, ...]:
        """What is under way, then what waits, by turns, then the others; of each the newest first."""
        end = len(self.waiting) + 1
        places = {id: place.position for id, place in self.waiting.items()}
        return tuple(sorted(self.rows, key=lambda row: 0 if row.how in UNDER_WAY else places.get(row.id, end)))


class _Follower:
    def __init__(self) -> None:
        self._lock = Lock()
        self._logs: OrderedDict[Path, tuple[int, Followed]] = OrderedDict()
        self._board: tuple[float, Path, Board] | None = None

    def follow(self, run: Run) -> Followed:
        heard = reels.heard(run.folder)
        with self._lock:
            read, known = self._logs.get(run.folder, (-1, None))
            if known is None or read != heard.read:
                known = Followed(heard.said, watch(heard.said))
            self._logs[run.folder] = (heard.read, known)
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
        return Row(run.id, run.name, run.owner, how, size, when, part, run.model_folder, run.queued, data_of(run))


WAITING = ("queued", "interrupted")


def _said(run: Run) -> tuple[int, ...]:
    """Bytes of events, and when things were put in the folders or taken away: else it has hardly grown."""
    marks = [0, 0, 0]
    with suppress(OSError):
        marks[0] = run.folder.stat().st_mtime_ns
        marks[1] = (run.folder / "events.jsonl").stat().st_size
        marks[2] = (run.folder / "saves").stat().st_mtime_ns
    return tuple(marks)


@lru_cache(maxsize=4096)
def _size(folder: Path, said: tuple[int, ...]) -> int:
    return Run(folder).size


_shared = _Follower()
follow, board, look_again = _shared.follow, _shared.board, _shared.look_again
