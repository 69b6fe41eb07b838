"""One training: what any process can know of it and ask of it, at any time, also after the end."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from vae.errors import VAEError
from vae.files import plain_disk_errors
from vae.train.events import EventLog
from vae.train.run_folder import PATIENCE, RunFolder, tell

ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
FINAL = ("done", "stopped", "failed", "cancelled")
RESTING = (*FINAL, "paused", "interrupted")  # nothing happens until a person, or a worker, does something
UNDER_WAY = ("starting", "running", "encoding")

KILLED = (
    "The system ended this training, as it does when the memory is full: choose a smaller model, batch or data set, "
    "or resume it."
)


@dataclass(frozen=True)
class Run(RunFolder):
    """One training, known by its folder: what its files come to, and what may be asked of it."""

    # ---- how it is -------------------------------------------------------------------------------------------------

    def state(self) -> str:
        """ "queued", "starting", "running", "encoding", "paused", "done", "stopped", "failed", "cancelled" or
        "interrupted": its process was ended from outside.
        """
        kind = self.last_event().get("kind", "")
        if kind in FINAL or kind == "paused":
            return str(kind)
        alive = self.alive()
        kind = self.last_event().get("kind", "")  # after that: what a process said last is then surely on the disk
        if kind in FINAL or kind == "paused":
            return str(kind)
        if alive:
            waits = kind in ("", "queued", "data")
            return "starting" if waits else "encoding" if kind == "encoding" else "running"
        if self.last_words():
            return "failed"
        want = self.control().want
        if want in ("cancel", "pause"):
            return "cancelled" if want == "cancel" else "paused"
        return "queued" if kind in ("", "queued") and self.queued else "interrupted"

    def failure(self) -> str:
        """Why it failed or was interrupted, in one plain line; "" unless `state` says so."""
        how = self.state()
        if how == "interrupted":
            next_ = "It goes on by itself" if self.queued else "Resume it to go on"
            return f"Its process was ended from outside, as the system does when the memory is full. {next_}."
        if how != "failed":
            return ""
        last = self.last_event()
        if last.get("kind") == "failed":
            return str(last.get("line", ""))
        return self.last_words()

    @property
    def can_resume(self) -> bool:
        """Whether `resume` would let it go on from its newest save, or from the start where it had none yet."""
        how = self.state()
        return how in ("paused", "failed", "interrupted") or (how == "stopped" and self.saved_step() is not None)

    # ---- what is asked of it ---------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Save where it is and give its device to the next. One that waits waits no longer."""
        how = self.state()
        if how == "encoding":
            raise VAEError("It is trained and only its images are being encoded: it will be done in a moment.")
        if how in RESTING and how != "interrupted":
            raise VAEError(f"It is {how}: there is nothing to pause.")
        self._ask("pause")
        self._unless_held("paused", step=self.saved_step() or 0)

    def resume(self) -> None:
        """Put it back in the queue; it goes on from its newest save, to the bit."""
        if self.control().want == "pause" and self.state() in UNDER_WAY:
            self._ask("run")  # it has not paused yet
            if not self._settled():
                return
        if not self.can_resume:
            raise VAEError(f"It is {self.state()}: there is nothing to resume.")
        with self.held():
            self._ask("run")
            self.write_last_words("")
            self.write_attempts(replace(self.attempts(), starts=0))
            self.rewrite(queued=True)
            EventLog(self.folder / "events.jsonl").say("queued")
        tell(self.folder.parent)

    def stop(self) -> None:
        """End it here and keep the model as it is now. One that rests is ended by a worker, from its newest save."""
        how = self.state()
        if how in FINAL:
            raise VAEError(f"It is {how} already: there is nothing to stop.")
        if how in ("queued", "paused", "interrupted") and self.saved_step() is None:
            raise VAEError("It has learned nothing yet that could be kept: cancel it instead.")
        if how in ("paused", "interrupted"):
            self.resume()
        self._ask("stop")

    def cancel(self) -> None:
        """End it and keep nothing but what was said of it."""
        how = self.state()
        if how in ("done", "stopped", "cancelled"):
            raise VAEError(f"It is {how} already: delete it if it is not wanted.")
        self._ask("cancel")
        self._unless_held("cancelled")

    def change(self, beta: float | None = None, rate: float | None = None) -> None:
        """Weigh the KL otherwise, or learn at another rate, from the next step on.

        Raises:
            VAEError: a number out of range, or a run that is over.
        """
        from vae.train.settings import check_beta, check_rate  # brings torch: not for those who only look

        how = self.state()
        if how == "encoding" or (how in FINAL and not self.can_resume):
            raise VAEError(f"It is {how}: nothing can be changed any more. Train again with other settings.")
        if beta is not None:
            check_beta(beta)
        if rate is not None:
            check_rate(rate)
        before = self.control()
        beta, rate = before.beta if beta is None else beta, before.rate if rate is None else rate
        self.write_control(replace(before, beta=beta, rate=rate))

    def rename(self, name: str) -> None:
        """Call it otherwise; the model that comes of it keeps the title it was given."""
        name = " ".join(name.split())[:200]
        if not name:
            raise VAEError("A training needs a name: write one.")
        self.rewrite(name=name)

    def delete(self) -> None:
        """Take its folder off the disk, and the model in it. A model in a folder of its own stays."""
        if self.state() in UNDER_WAY:
            raise VAEError("It is under way: stop or cancel it first.")
        with self.held(), plain_disk_errors(self.folder):
            gone = self.folder.with_name(f".{self.id}.deleted")
            os.rename(self.folder, gone)
        shutil.rmtree(gone, ignore_errors=True)
        tell(self.folder.parent)

    # ---- for whoever works on it -----------------------------------------------------------------------------------

    @contextmanager
    def resumed_here(self) -> Iterator[None]:
        """Hold it to go on in this very process, not in the queue.

        Raises:
            VAEError: there is nothing to resume, or somebody is at it.
        """
        if not self.can_resume:
            raise VAEError(f"It is {self.state()}: there is nothing to resume.")
        with self.held():
            self._ask("run")
            yield

    def end_cancelled(self) -> None:
        """Throw away what it left, and say so. What was said of it stays; a model in a folder of its own, too."""
        EventLog(self.folder / "events.jsonl").say("cancelled")
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.suffix in (".png", ".jpg"):
                path.unlink(missing_ok=True)

    def _settled(self) -> bool:
        """Whether it paused after all, while it was being told not to."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.alive():
            if self.last_event().get("kind") == "paused":
                return True
            time.sleep(0.02)
        return not self.alive()

    def _ask(self, want: str) -> None:
        self.write_control(replace(self.control(), want=want))

    def _unless_held(self, kind: str, **fields: Any) -> None:
        """Say at once what nobody is there to say; whoever works on it reads `control` and says it."""
        try:
            with self.held(patience=0.1):
                said = self.last_event().get("kind", "")
                if said in ("done", "stopped", kind) or (said in FINAL and kind == "paused"):
                    return  # it came to an end meanwhile
                if kind == "cancelled":
                    self.end_cancelled()
                else:
                    EventLog(self.folder / "events.jsonl").say(kind, **fields)
        except VAEError:
            if not self.alive():
                raise
