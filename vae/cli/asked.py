"""What people want of a run that is under way: read from its folder, or pressed on the keyboard."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vae.train.run import Run
from vae.train.wishes import Wishes


class Cancelled(Exception):
    """Somebody cancelled the run: nothing of it is to be kept."""


class Asked:
    """What people want of a run, read again whenever they changed it."""

    def __init__(self, run: Run, pressed: Callable[[], bool] = lambda: False) -> None:
        self.run, self.pressed = run, pressed
        self._control, self._seen = run.control(), self._mark()

    def __call__(self) -> Wishes:
        """For the loop: cheap enough to be asked at each step."""
        mark = self._mark()
        if mark != self._seen:
            self._control, self._seen = self.run.control(), mark
        stop = {"run": "", "cancel": "stop"}.get(self._control.want, self._control.want)
        return Wishes("stop" if self.pressed() and not stop else stop, self._control.beta, self._control.rate)

    def look(self) -> None:
        """Raise `Cancelled` when somebody cancelled it."""
        self()
        if self._control.want == "cancel":
            raise Cancelled

    def _mark(self) -> tuple[int, int]:
        try:
            found = (self.run.folder / "control.json").stat()
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_ino


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """A question to ask between steps: has somebody pressed Ctrl-C? A second one interrupts."""
    pressed = threading.Event()

    def press(number: int, frame: object) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    on_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, press) if on_main_thread else None
    try:
        yield pressed.is_set
    finally:
        if on_main_thread:
            signal.signal(signal.SIGINT, before)
