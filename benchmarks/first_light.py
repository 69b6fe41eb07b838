"""How soon the app is there: `python -m benchmarks.first_light`.

Each round takes a copy of the tree without a compiled file, an empty home and an empty cache, and starts the app in
it with `streamlit run app.py`. A Chromium that is open already tries the address again and again, as a person does,
and has a fresh profile. Measured in each round, every page for the first time on that server:

* from the command to the first decoded picture (`img[data-muscope=stage]` loaded);
* from a click in the menu to the page: its heading and its first picture or form (Train);
* from a click on Map to the points: every one drawn, and paint on the canvas.

Chromium can resolve no name and must ask nothing of any other machine. The table goes to standard output and beside
this file. The command ends with status 1 when a median is above its bar, or when something else was asked.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from benchmarks.mutants import copy_tree
from tools.browser import (
    OFFLINE_ARGUMENTS,
    POINTS_DRAWN,
    ROOT,
    SETTLED,
    NoChromium,
    find_chromium,
    running_app,
)

RESULT = Path(__file__).with_suffix(".md")
COMMAND = "python -m benchmarks.first_light"
PATIENCE = 90_000  # milliseconds before a step counts as hung

FIRST_PICTURE, FRAME, POINTS = 8.0, 2.0, 6.0  # seconds: the bars

STAGE = "img[data-muscope=stage]"
# A page is there when its heading stands and what it is about is to be seen; in the order they are clicked.
PAGES = {
    "Map": STAGE,
    "Sliders": STAGE,
    "Paths": STAGE,
    "Attributes": STAGE,
    "Directions": STAGE,
    "Sums": STAGE,
    "Sample": "[data-muscope=sample]",
    "Your data": "[data-muscope=drop]",
    "Your models": "[data-muscope=drop]",
    "Train": "[class*=st-key-train-do-start] button",
    "Start": STAGE,
}
START_HEADING = "Tap one"
MAPS = ("faces", "mnist", "mnist-2d")

FRAME_SHOWN = """([heading, wanted]) => {
    const heads = [...document.querySelectorAll('[data-testid=stMain] :is(h1, h2, h3)')];
    if (!heads.some(head => head.textContent.trim() === heading && !head.closest('[data-stale=true]'))) return false;
    const found = [...document.querySelectorAll('[data-testid=stMain] ' + wanted)]
        .filter(one => !one.closest('[data-stale=true]'));
    return found.length > 0 && found.every(one => one.tagName !== 'IMG' || (one.complete && one.naturalWidth > 0));
}"""


@dataclass
class Times:
    """Seconds, round by round."""

    picture: list[float] = field(default_factory=list)
    frames: dict[str, list[float]] = field(default_factory=dict)
    points: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)

    def rows(self) -> Iterator[tuple[str, list[float], float]]:
        """(what, seconds of each round, bar)."""
        yield "first decoded picture, from `streamlit run app.py`", self.picture, FIRST_PICTURE
        for name, seconds in self.frames.items():
            yield f"{name}, from the click in the menu", seconds, FRAME
        for name, seconds in self.points.items():
            yield f"the map's {self.counts[name]:,} points, {name}, from the click", seconds, POINTS

    def missed(self) -> list[str]:
        return [what for what, seconds, bar in self.rows() if median(seconds) > bar]


# ---- one round -----------------------------------------------------------------------------------------------------


def one_round(browser: Browser, times: Times, maps: Sequence[str]) -> None:
    """A cold start, every page once, and the maps of these models."""
    with tempfile.TemporaryDirectory(prefix="first-light-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        copy_tree(ROOT, place / "tree")
        # As on a clean clone: no data beside the program, nothing drawn or downloaded before.
        changes = {"MUSCOPE_DATA": None, "MUSCOPE_CACHE": str(place / "cache")}
        with visitor(browser, times) as tab, running_app(place, place / "tree", changes) as app:
            _until_it_answers(tab, app.url)
            tab.wait_for_selector(STAGE, state="visible")
            tab.wait_for_function(f"document.querySelector('{STAGE}').naturalWidth > 0", polling="raf")
            times.picture.append(time.perf_counter() - app.started)
            tab.wait_for_function(SETTLED)
            for name, wanted in PAGES.items():
                heading = START_HEADING if name == "Start" else name
                began = _click(tab, name)
                tab.wait_for_function(FRAME_SHOWN, arg=[heading, wanted], polling="raf")
                times.frames.setdefault(name, []).append(time.perf_counter() - began)
                tab.wait_for_function(SETTLED)
            for name in maps:
                tab.goto(f"{app.url}/?model={name}")
                tab.wait_for_function(SETTLED)
                least = _images(place / "tree" / "checkpoints" / name)
                began = _click(tab, "Map")
                tab.wait_for_function(POINTS_DRAWN, arg=least, polling=50)
                times.points.setdefault(name, []).append(time.perf_counter() - began)
                times.counts[name] = least
                tab.wait_for_function(SETTLED)


@contextmanager
def visitor(browser: Browser, times: Times) -> Iterator[Page]:
    """A fresh profile; whatever it asks of another machine is written down."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    tab = context.new_page()

    def note(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob", "about", "chrome-error") and parts.hostname != "127.0.0.1":
            times.elsewhere.add(f"{parts.scheme}://{parts.netloc}")

    tab.on("request", lambda request: note(request.url))
    tab.on("websocket", lambda socket: note(socket.url))
    yield tab
    context.close()


def _until_it_answers(tab: Page, url: str) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while True:
        try:
            tab.goto(url, wait_until="commit")
            return
        except BrowserError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _click(tab: Page, name: str) -> float:
    link = tab.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True)
    link.wait_for()
    began = time.perf_counter()
    link.click()
    return began


def _images(folder: Path) -> int:
    from vae.encodings import load_encodings

    return len(load_encodings(folder))


# ---- what is said of it --------------------------------------------------------------------------------------------


def table(times: Times) -> str:
    """The figures as a Markdown table."""
    lines = ["| what | median | least to most | bar |", "|---|---:|---:|---:|"]
    for what, seconds, bar in times.rows():
        mark = "" if median(seconds) <= bar else " **missed**"
        lines.append(
            f"| {what} | {median(seconds):.2f} s{mark} | {min(seconds):.2f} to {max(seconds):.2f} s | {bar:g} s |"
        )
    return "\n".join(lines)


def machine(browser: Browser) -> str:
    """The machine in one sentence."""
    model = platform.processor() or platform.machine()
    with suppress(OSError):  # not every system tells of its processor in a file
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB of memory, {platform.system()}, "
        f"Python {platform.python_version()}, torch {version('torch')}, Streamlit {version('streamlit')}, "
        f"Chromium {browser.version} without a graphics card."
    )


def report(times: Times, about: str, load: float) -> str:
    """The page that is kept beside this file."""
    asked = ", ".join(sorted(times.elsewhere)) or "nothing"
    return f"""# First light

Made by `{COMMAND}`, {datetime.now(UTC).date().isoformat()}: {len(times.picture)} cold starts, each from a copy of the
tree with no compiled file, an empty home and an empty cache; every page and map for the first time on its server.

{table(times)}

Asked of other machines: {asked}.

{about}
Load of the machine before it began: {load:.1f}.
"""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Measure how soon the app is there.")
    parser.add_argument("--starts", type=int, default=5, metavar="N", help="cold starts (5)")
    parser.add_argument("--out", type=Path, default=RESULT, metavar="FILE", help="where to write the page")
    options = parser.parse_args(arguments)
    maps = [name for name in MAPS if (ROOT / "checkpoints" / name).is_dir()]
    if absent := sorted(set(MAPS) - set(maps)):
        print(f"not measured: {', '.join(absent)} is not in checkpoints/", file=sys.stderr)
    load = os.getloadavg()[0]
    times = Times()
    try:
        chromium = find_chromium()
    except NoChromium as error:
        print(error, file=sys.stderr)
        return 2
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OFFLINE_ARGUMENTS)
        about = machine(browser)
        for number in range(options.starts):
            one_round(browser, times, maps)
            print(f"start {number + 1} of {options.starts}: {times.picture[-1]:.2f} s", file=sys.stderr)
        browser.close()
    page = report(times, about, load)
    options.out.write_text(page, encoding="utf-8")
    print(page)
    return 1 if times.missed() or times.elsewhere or absent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
