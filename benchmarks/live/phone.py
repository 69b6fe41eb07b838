"""A phone is locked for ten minutes: are the kept codes still there?

A phone that sleeps drops its connections and makes none. Here everything between browser and server passes through a
small relay on 127.0.0.1; it cuts every connection, refuses new ones for ten minutes, and lets them pass again. The
page is not reloaded by hand. Two codes are kept before; afterwards they must be on the shelf, and a press on one must
bring it back.
"""

import argparse
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.report import measured_on, section
from tools.browser import OFFLINE_ARGUMENTS, find_chromium, free_port, running_app

MINUTES = 10.0


class Relay:
    """Passes bytes on between its own port and the app's, until it is told to sleep."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, free_port()
        self.awake = True
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def sleep(self) -> None:
        self.awake = False
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def wake(self) -> None:
        self.awake = True

    def close(self) -> None:
        self.sleep()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self.awake:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.target))
                for source, sink in ((near, far), (far, near)):
                    self._open.add(source)
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live phone --")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    minutes = parser.parse_args(arguments).minutes
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app, sync_playwright() as playwright:
        app.wait()
        relay = Relay(int(app.url.rpartition(":")[2]))
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=OFFLINE_ARGUMENTS)
        page = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
        page.goto(f"http://127.0.0.1:{relay.port}/?model=faces")
        for tile in (2, 3):
            page.locator(f".st-key-start-tap-{tile} button:visible").tap()
            page.wait_for_timeout(1500)
            page.get_by_role("button", name="Keep this code").tap()
            page.wait_for_timeout(1500)
        before = _kept(page)
        relay.sleep()
        time.sleep(60 * minutes)
        relay.wake()
        began = time.perf_counter()
        page.locator('[class*="st-key-below-shelf-tap-1"] button:visible').tap(timeout=120_000)
        page.wait_for_function("() => new URLSearchParams(location.search).has('image')", timeout=120_000)
        page.wait_for_timeout(2000)
        seconds = time.perf_counter() - began - 2
        after = _kept(page)
        browser.close()
        relay.close()
    held = len(before) == 2 and before == after
    section(
        "live",
        "phone",
        f"""## A locked phone

{measured_on("python -m benchmarks.live phone")}

Every connection cut and refused for {minutes:g} minutes: {len(before)} kept codes before, {len(after)} after, the same:
{"yes" if held else "**no**"}. A press on one of them was answered {seconds:.1f} s after the way was free again.""",
    )
    return 0 if held else 1


def _kept(page: Page) -> list[str | None]:
    pictures = page.locator('[class*="st-key-below-shelf-tap-"] button:visible img')
    return [one.get_attribute("alt") for one in pictures.all()]
