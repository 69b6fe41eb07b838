"""A real server and a real Chromium for the journeys in this folder.

    def test_start(page: Page, app_server: AppServer) -> None:
        page.goto(app_server.url)

Every test here fails where Chromium is missing under CI and is skipped elsewhere, with the reason.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tools.browser import CHROMIUM_ARGUMENTS, NoChromium, find_chromium, free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds for a server to start on one busy core


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass(frozen=True)
class AppServer:
    """A running app of these tests' own: where it answers, where it keeps what is trained, and what it printed."""

    url: str
    home: Path
    log: Path
    process: subprocess.Popen[bytes]

    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End this one process, by its id. Training processes it started live on: they are the test's to stop."""
        for each in (sign, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            os.kill(self.process.pid, each)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium; without one these tests fail under CI and are skipped elsewhere."""
    try:
        return find_chromium()
    except NoChromium as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for a file of journeys; each test gets a fresh profile in it.

    Not one for the whole run: while Playwright is open its event loop counts as running, and another test's
    `asyncio.run` would be refused.
    """
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield started
        started.close()


def start_server(folder: Path, home: Path | None = None, port: int | None = None) -> AppServer:
    """Start the app as a person does and wait until it is healthy.

    Args:
        folder: where its log goes.
        home: its MUSCOPE_HOME, where trained models are kept; by default a new folder inside `folder`.
        port: for a server that takes the place of another; by default a free one.
    """
    home = home or folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    environment |= {"MUSCOPE_HOME": str(home)}
    log = folder / f"server-{port}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    server = AppServer(url=f"http://127.0.0.1:{port}", home=home, log=log, process=process)
    deadline = time.monotonic() + PATIENCE
    while not server.healthy():
        if process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            pytest.fail(f"the server did not start:\n{server.printed()}")
        time.sleep(0.1)
    return server


@pytest.fixture(scope="session")
def shared_server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """One app for all files that leave its home as it is. (It asks for Chromium first: without one nothing starts.)"""
    server = start_server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def app_server(
    chromium: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[AppServer]:
    """The app. A file of journeys that trains, uploads, shares or restarts says OWN_SERVER = True and has its own."""
    if not getattr(request.module, "OWN_SERVER", False):
        yield request.getfixturevalue("shared_server")
        return
    server = start_server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def start_app(chromium: str, tmp_path: Path) -> Iterator[Callable[..., AppServer]]:
    """For a test that needs a cold server, or two: `start_app()`, `start_app(home=..., port=...)`. All end with it."""
    started: list[AppServer] = []

    def start(home: Path | None = None, port: int | None = None) -> AppServer:
        started.append(start_server(tmp_path, home, port))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def profile(browser: Browser) -> Iterator[BrowserContext]:
    """A 1440x900 window for a file of journeys, so that Streamlit's own scripts are fetched and compiled once."""
    made = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    yield made
    made.close()


@pytest.fixture
def context(profile: BrowserContext, app_server: AppServer) -> Iterator[BrowserContext]:
    """A new visitor: no cookies, nothing stored, a 1440x900 window, 15 s of patience.

    Listeners, routes and scripts belong on a test's own page: what is put on the context stays for the next test.
    """
    profile.set_default_timeout(15_000)
    yield profile
    for each in profile.pages[:1]:
        asked = {"origin": app_server.url, "storageTypes": "local_storage,indexeddb,service_workers,cache_storage"}
        profile.new_cdp_session(each).send("Storage.clearDataForOrigin", asked)
    for each in profile.pages:
        each.close()
    profile.clear_cookies()
    profile.clear_permissions()
    profile.set_offline(False)


@pytest.fixture
def console_errors() -> list[str]:
    """What the browser complained about in this test; a test that expects none says so."""
    return []


@pytest.fixture
def page(
    context: BrowserContext, app_server: AppServer, console_errors: list[str], request: pytest.FixtureRequest
) -> Iterator[Page]:
    """An empty tab; after a failed test, the server's last words and a screenshot's path are printed."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            console_errors.append(message.text)

    tab = context.new_page()
    tab.on("console", note)
    tab.on("pageerror", lambda error: console_errors.append(str(error)))
    yield tab
    report = getattr(request.node, "rep_call", None)
    if report is not None and report.failed:
        picture = app_server.log.with_name(f"{request.node.name}.png")
        tab.screenshot(path=picture)
        print(f"screenshot: {picture}\nbrowser: {console_errors}\nserver:\n{app_server.printed()[-5000:]}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Tell fixtures whether their test failed."""
    report = yield
    setattr(item, f"rep_{report.when}", report)
    return report
