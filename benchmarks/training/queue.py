"""An app with a queue of its own, for the measurements: its server, its worker, and how to wait for them."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tools.browser import ROOT, RunningApp, free_port
from vae.train.worker import worker_of

PATIENCE = 600.0  # seconds for anything that is waited for


@dataclass
class Queue:
    """A home folder whose runs a server's worker does.

    Attributes:
        device: whose worker it is.
    """

    home: Path
    device: str = "cpu"
    server: RunningApp | None = field(default=None)

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    @property
    def worker(self) -> int | None:
        """Its process number; 0 while it gets ready."""
        return worker_of(self.runs, self.device)

    def serve(self) -> None:
        """Start a server, as `streamlit run app.py` does, and wait until it answers."""
        port, log = free_port(), self.home / "app.log"
        self.home.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*words, "--server.headless", "true", "--server.address", "127.0.0.1"],
                cwd=ROOT,
                env=environment | {"MUSCOPE_HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.server = RunningApp(f"http://127.0.0.1:{port}", log, process, time.perf_counter())
        self.server.wait()

    def kill_server(self) -> None:
        """kill -9."""
        if self.server is not None:
            os.kill(self.server.process.pid, signal.SIGKILL)
            self.server.process.wait()
            self.server = None

    def kill_worker(self) -> None:
        """kill -9, if there is one that is ready."""
        if pid := self.worker:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def ready(self) -> None:
        """Wait until the worker is warm and waits."""
        wait_for(lambda: bool(self.worker), "a worker")

    @property
    def port(self) -> int:
        assert self.server is not None
        return int(self.server.url.rsplit(":", 1)[1])


@contextmanager
def a_queue() -> Iterator[Queue]:
    """A queue without a server yet, in a folder of its own; whatever works for it is ended with the block."""
    with tempfile.TemporaryDirectory(prefix="muscope-queue-", ignore_cleanup_errors=True) as home:
        queue = Queue(Path(home))
        try:
            yield queue
        finally:
            queue.kill_server()
            until = time.monotonic() + 30
            while queue.worker is not None and time.monotonic() < until:  # one that gets ready has no number yet
                queue.kill_worker()
                time.sleep(0.1)


def wait_for(what: Callable[[], bool], name: str, patience: float = PATIENCE) -> None:
    """RuntimeError: it did not come about in `patience` seconds."""
    until = time.monotonic() + patience
    while not what():
        if time.monotonic() > until:
            raise RuntimeError(f"{name} did not come about in {patience:g} s")
        time.sleep(0.01)
