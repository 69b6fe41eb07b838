"""What is being done, for whoever watches: bars on a terminal, lines in a run's log of events."""

import sys
import time
from collections.abc import Callable
from typing import Any

from vae.train.events import EventLog

Progress = Callable[[int, int], None]  # (done, total)

SECONDS_BETWEEN_EVENTS = 0.25  # a page looks once a second


class Reporter:
    """Turns progress into a bar on standard error (if somebody can see one) and into events (if there is a log).

    Args:
        bars: show bars even when standard error is no terminal.
        log: where the page reads, or None.
        look: asked whenever something moves on; what it raises ends that.
    """

    def __init__(
        self, bars: bool = False, log: EventLog | None = None, look: Callable[[], None] = lambda: None
    ) -> None:
        self.bars = bars or sys.stderr.isatty()
        self.log = log
        self.look = look
        self._bar: Any = None
        self._said = 0.0

    def say(self, kind: str, *, flush: bool = False, **fields: Any) -> None:
        """An event for the log; `flush` waits until it is on the disk."""
        if self.log is not None:
            self.log.say(kind, flush=flush, **fields)

    def may_say(self) -> bool:
        """Whether a while has passed since this last was so: steps come faster than anybody reads."""
        now = time.monotonic()
        if now - self._said < SECONDS_BETWEEN_EVENTS:
            return False
        self._said = now
        return True

    def stage(self, what: str, *, kind: str = "encoding", unit: str = "image", **fields: Any) -> Progress:
        """A progress callback for one thing that takes a while.

        Args:
            what: a word or two, shown before the bar.
            kind: of the events.
            unit: what is counted; "B" for bytes.
            fields: more for each event.
        """
        self.close()
        self.look()
        self.say(kind, what=what, done=0, total=0, **fields)

        def progress(done: int, total: int) -> None:
            self.look()
            self.bar(what, done, total, unit)
            if self.may_say():
                self.say(kind, what=what, done=done, total=total, **fields)

        return progress

    def bar(self, what: str, done: int, total: int, unit: str = "image", note: str = "") -> None:
        """Show a bar at `done` of `total`; a new `what` begins a new bar."""
        if not self.bars:
            return
        if self._bar is None or self._bar.desc.rstrip(": ") != what:
            from tqdm import tqdm

            self.close()
            self._bar = tqdm(
                desc=what, total=total, initial=done, unit=unit, unit_scale=True, file=sys.stderr, dynamic_ncols=True
            )
        self._bar.total = total
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the bar that is shown."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
