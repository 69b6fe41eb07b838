"""Turns for work that takes seconds: a few at a time for the whole server, one of each visitor, nobody passed over.

Thirty who come at once are served in the order in which they came. Who comes with thirty at once has one turn, then
each of the others has one, then comes her second.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from threading import Condition, Lock

REMEMBERED = 9  # pieces of work, whose middle says how long the next takes
TELL = 0.25  # seconds between two words to who waits


class Usual:
    """How long a kind of work has taken lately, in seconds. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._took: deque[float] = deque(maxlen=REMEMBERED)

    def note(self, seconds: float) -> None:
        """One took so long."""
        with self._lock:
            self._took.append(seconds)

    @property
    def seconds(self) -> float | None:
        """The middle of what the last ones took; None before there was one."""
        with self._lock:
            return median(self._took) if self._took else None


def wait(before: Iterable[float | None], places: int) -> float | None:
    """Seconds until a turn comes.

    Args:
        before: what each piece of work before it still takes, in seconds; None where that is not known.
        places: of them done at a time.

    Returns:
        None where something before it is of unknown length.
    """
    left = 0.0
    for each in before:
        if each is None:
            return None
        left += each
    return left / places


@dataclass(eq=False)
class _Turn:
    owner: str
    round: int  # it is served in: an owner has one turn in each
    began: float = 0.0  # 0 while it waits


class Turns:
    """The turns of one kind of work.

    Args:
        places: pieces of it done at a time.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._changed = Condition()
        self._turns: list[_Turn] = []  # as they came
        self._round = 0  # of the turn that began last
        self._last: dict[str, int] = {}  # owner to the round of the turn that began last, those ahead of all others
        self.usual = Usual()

    @contextmanager
    def turn(self, owner: str, told: Callable[[int, float | None], None] | None = None) -> Iterator[None]:
        """Wait for a turn, and have it until the end of the block.

        Args:
            owner: whose work it is.
            told: called while it waits, with how many are before it and the seconds that these take, None where
                nothing is known yet. What it raises ends the waiting.
        """
        with self._changed:
            theirs = [each.round for each in self._turns if each.owner == owner]
            last = max([self._last.get(owner, -1), *theirs])  # who had a turn in this round waits for the next
            mine = _Turn(owner, max(self._round, last + 1))
            self._turns.append(mine)
        try:
            while not self._begins(mine):
                if told is not None:
                    told(*self._before(mine))
                with self._changed:
                    self._changed.wait(TELL)
            yield
            self.usual.note(time.monotonic() - mine.began)
        finally:
            with self._changed:
                self._turns.remove(mine)
                self._changed.notify_all()

    def _begins(self, mine: _Turn) -> bool:
        with self._changed:
            busy = {each.owner for each in self._turns if each.began}
            free = self._places - sum(each.began > 0 for each in self._turns)
            able = [each for each in self._line() if each.owner not in busy]
            first = {each.owner: each for each in reversed(able)}  # the next of each owner
            if mine not in [each for each in able if first[each.owner] is each][:free]:
                return False
            mine.began, self._round = time.monotonic(), max(self._round, mine.round)
            self._last[mine.owner] = mine.round
            self._last = {owner: last for owner, last in self._last.items() if last >= self._round}  # others: no matter
            return True

    def _line(self) -> list[_Turn]:
        """Who waits, in the order in which they are served."""
        return sorted((each for each in self._turns if not each.began), key=lambda each: each.round)

    def _before(self, mine: _Turn) -> tuple[int, float | None]:
        with self._changed:
            line, now, usual = self._line(), time.monotonic(), self.usual.seconds
            waiting = line[: line.index(mine)] if mine in line else []
            under_way = [each for each in self._turns if each.began]
            lasts = [None if usual is None else max(0.0, usual - (now - each.began)) for each in under_way]
            return len(waiting) + len(under_way), wait([*lasts, *(usual for _ in waiting)], self._places)
