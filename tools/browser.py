"""The app and a Chromium, started as a person starts them: for journeys, screenshots and measurements."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0  # seconds for a server to start on one busy core

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # in a container the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Nothing but this machine has an address: a page that needs the network shows it.
OFFLINE_ARGUMENTS = [*CHROMIUM_ARGUMENTS, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Streamlit has run the page to its end, nothing on it is left over from before, and every picture is there.
SETTLED = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    return app && app.dataset.testScriptState === 'notRunning'
        && !document.querySelector('[data-stale=true]') && !document.querySelector('[data-testid=stSkeleton]')
        && [...document.images].every(image => image.complete && image.naturalWidth > 0);
}"""

# Every point of the map is drawn, and its canvas holds paint.
POINTS_DRAWN = """least => {
    const canvas = document.querySelector('[data-muscope=map-points]');
    if (!canvas || Number(canvas.dataset.muscopePoints || 0) < least) return false;
    const small = document.createElement('canvas');
    small.width = small.height = 64;
    const pen = small.getContext('2d');
    pen.drawImage(canvas, 0, 0, 64, 64);
    return pen.getImageData(0, 0, 64, 64).data.some((value, at) => at % 4 === 3 && value > 0);
}"""


class NoChromium(Exception):
    """There is no Chromium on this machine."""


def find_chromium() -> str:
    """The path of Chromium: MUSCOPE_CHROMIUM, or the first of the usual names on the path.

    Raises:
        NoChromium: in one line, and what to do.
    """
    asked = os.environ.get("MUSCOPE_CHROMIUM")
    found = next((path for path in map(shutil.which, [asked] if asked else CHROMIUM_NAMES) if path), None)
    if found is None:
        raise NoChromium("no Chromium: install the package chromium, or set MUSCOPE_CHROMIUM to the path of one")
    return found


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class RunningApp:
    """An app with a home of its own.

    Attributes:
        started: `time.perf_counter()` just before the command began.
    """

    url: str
    log: Path
    process: subprocess.Popen[bytes]
    started: float

    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self) -> None:
        """Until it answers. RuntimeError: it ended, or took longer than PATIENCE."""
        deadline = time.monotonic() + PATIENCE
        while not self._healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the app did not start:\n{self.printed()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End this one process, by its id."""
        for each in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                os.kill(self.process.pid, each)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(10)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def running_app(
    place: Path, tree: Path = ROOT, changes: Mapping[str, str | None] | None = None
) -> Iterator[RunningApp]:
    """`streamlit run app.py`, ended with the block. It is not waited for: see `RunningApp.wait`.

    Args:
        place: an empty folder for its log and for what a person would make (MUSCOPE_HOME).
        tree: the folder of the project.
        changes: environment variables to set, or to take away (None).
    """
    port = free_port()
    command = Path(sys.executable).with_name("streamlit")
    words = [str(command)] if command.exists() else [sys.executable, "-m", "streamlit"]
    words += ["run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    environment |= {"MUSCOPE_HOME": str(place / "home")}
    for name, value in (changes or {}).items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    log = place / "app.log"
    with log.open("ab") as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=tree, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    app = RunningApp(f"http://127.0.0.1:{port}", log, process, started)
    try:
        yield app
    finally:
        app.stop()
