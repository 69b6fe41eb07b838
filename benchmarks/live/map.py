"""Hands on the map: how soon the dots are there, how fast they follow, what a line around many of them costs.

`python -m benchmarks.live map`

The app with an empty home and a headless Chromium without a graphics card, 1440 x 900. `mnist` has 70,000 images; for
more, a model's folder is made of `mnist-2d` whose encodings are so many rows drawn from its own, each moved a little by
a fixed generator. For each, on a new server and in a new browser profile:

* the dots, from the moment when everything else on the page is there (picture, neighbours) to all of them drawn, and
  from the start of the navigation;
* drawing all of them once more, and panning: a drag for 2 s, frames of the screen and full drawings in each second;
* hovering: the page sends the map a pointer event every 8 ms for 3 s, on a curve over the whole map, and each event
  that asks for a picture is timed to the picture of that event or of a newer one;
* a lasso of 400 corners around much of the map: from the lift of the hand to the group's name on the page, the same
  selection timed alone in Python, and every byte that the browser sent for it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, WebSocket, sync_playwright
from playwright.sync_api import Error as BrowserError

from benchmarks.live.grown import grow
from benchmarks.report import measured_on, section
from live.engine import SHIPPED
from tools.browser import OFFLINE_ARGUMENTS, NoChromium, find_chromium, running_app
from vae.encodings import Encodings, load_encodings
from vae.explore.gathered import gathered
from vae.explore.regions import inside

MODEL = "mnist"
GROWN = (300_000, 1_000_000)
PATIENCE = 120_000  # milliseconds
DRAWINGS, HOVERS = 9, 3  # the middle one is reported

# What a class is promised, of `mnist`: seconds, milliseconds, seconds, bytes.
POINTS, HOVER, GROUP, SENT = 2.0, 33.0, 0.7, 100_000

# When everything else is there, and when the dots are; both in milliseconds since the navigation began.
WATCH = """() => {
    window.there = {};
    const look = () => {
        const stage = document.querySelector('img[data-muscope=stage]');
        const near = document.querySelectorAll('[class*=st-key-near-] img');
        if (!window.there.rest && stage?.naturalWidth && near.length) window.there.rest = performance.now();
        const dots = document.querySelector('[data-muscope-points]');
        if (dots && !window.there.dots) window.there.dots = performance.now();
        if (!window.there.rest || !window.there.dots) requestAnimationFrame(look);
    };
    look();
}"""
REDRAW = """async () => {
    const map = document.querySelector('[data-muscope=map-points]').muscope;
    const buttons = ['in', 'out'].map(name => document.querySelector(`[data-do=${name}]`));
    const before = map.drawings();
    buttons[DRAWN % 2].click();
    while (map.drawings() === before) await new Promise(requestAnimationFrame);
    return map.cost();
}"""
HANDS = """
    const frame = document.querySelector('[data-muscope=map]'), box = frame.getBoundingClientRect();
    const map = document.querySelector('[data-muscope=map-points]').muscope;
    const point = (kind, x, y, buttons) => frame.dispatchEvent(new PointerEvent(kind, {
        pointerId: 1, pointerType: 'mouse', button: 0, buttons, bubbles: true,
        clientX: box.left + x * box.width, clientY: box.top + y * box.height,
    }));
"""
PAN = f"""async seconds => {{
    {HANDS}
    const before = map.drawings(), end = performance.now() + 1000 * seconds;
    let frames = 0;
    point('pointerdown', 0.5, 0.5, 1);
    while (performance.now() < end) {{
        frames++;
        point('pointermove', 0.5 + 0.2 * Math.sin(frames / 9), 0.5 + 0.1 * Math.sin(frames / 7), 1);
        await new Promise(requestAnimationFrame);
    }}
    const drawn = map.drawings() - before;
    point('pointerup', 0.6, 0.6, 0);
    return {{frames: frames / seconds, drawings: drawn / seconds}};
}}"""
LOOK = f"""async ({{every, seconds}}) => {{
    {HANDS}
    const events = [], pictures = [];
    window.addEventListener('muscope:looked', event => pictures.push([performance.now(), event.detail.turn]));
    const look = async (seconds) => {{
        const start = performance.now();
        let next = start;
        while (performance.now() < start + 1000 * seconds) {{
            const now = performance.now(), t = (now - start) / 1000, before = map.turn();
            point('pointermove', 0.5 + 0.45 * Math.sin(2.1 * t), 0.5 + 0.45 * Math.sin(3.3 * t + 1), 0);
            if (map.turn() > before) events.push([now, map.turn()]);
            while (next <= performance.now()) next += every;
            await new Promise(done => setTimeout(done, next - performance.now()));
        }}
    }};
    await look(0.5);
    events.length = pictures.length = 0;
    await look(seconds);
    const inTime = pictures.length;
    await new Promise(done => setTimeout(done, 1000));
    point('pointerleave', 0, 0, 0);
    const waits = [];
    let at = 0;
    for (const [sent, turn] of events) {{
        while (at < pictures.length && pictures[at][1] < turn) at++;
        if (at < pictures.length) waits.push(pictures[at][0] - sent);
    }}
    return {{waits, events: events.length, pictures: inTime / seconds}};
}}"""
LASSO = f"""async corners => {{
    {HANDS}
    document.querySelector('[data-tool=lasso]').click();
    const around = i => [Math.cos, Math.sin].map(part => 0.5 + 0.47 * part(2 * Math.PI * i / corners));
    point('pointerdown', ...around(0), 1);
    for (let i = 1; i < corners; i++) point('pointermove', ...around(i), 1);
    window.sending = true;
    await window.lifted();
    const start = performance.now();
    point('pointerup', ...around(corners), 0);
    const name = '[class*=st-key-map-group-name] input';
    while (!document.querySelector(name)) await new Promise(requestAnimationFrame);
    return performance.now() - start;
}}"""


@dataclass
class Measured:
    """What was measured of one map; None, and a line in `failed`, where it failed."""

    model: str
    count: int
    after: float | None = None  # seconds from the rest of the page to the dots
    whole: float | None = None  # seconds from the navigation to the dots
    draw: float | None = None  # milliseconds
    frames: float | None = None  # a second
    drawings: float | None = None  # a second
    hover: float | None = None  # milliseconds, median
    hover95: float | None = None
    pictures: float | None = None  # a second
    gathered: int | None = None  # points in the group
    group: float | None = None  # seconds to the group on the page
    python: float | None = None  # seconds of the selection alone
    sent: int | None = None  # bytes
    failed: list[str] = field(default_factory=list)


# ---- one map -------------------------------------------------------------------------------------------------------


def measure(browser: Browser, place: Path, model: str, count: int) -> Measured:
    """Everything, on a new server."""
    found = Measured(model, count)
    place.mkdir()
    if count != _count(SHIPPED / MODEL):
        grow(place / "home", count)
    with running_app(place) as app:
        app.wait()
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(PATIENCE)
        sent = Sent()
        page = context.new_page()
        page.on("websocket", sent.listen)
        page.expose_function("lifted", sent.begin)
        page.add_init_script(f"({WATCH})()")
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("loading", lambda: _load(page, f"{app.url}/map?model={model}", found)),
            ("drawing", lambda: _draw(page, found)),
            ("panning", lambda: _pan(page, found)),
            ("hovering", lambda: _hover(page, found)),
            ("the lasso", lambda: _lasso(page, sent, found)),
        )
        for words, step in steps:
            try:
                step()
            except BrowserError as error:
                found.failed.append(f"{words}: {str(error).splitlines()[0]}")
        context.close()
    folder = SHIPPED / model if (SHIPPED / model).exists() else place / "home" / "models" / model
    found.python = select(load_encodings(folder))
    return found


def _count(folder: Path) -> int:
    return len(load_encodings(folder))


class Sent:
    """The bytes that a page sends by its sockets, from `begin` on."""

    def __init__(self) -> None:
        self.bytes = 0

    def listen(self, socket: WebSocket) -> None:
        socket.on("framesent", self._add)

    def _add(self, frame: str | bytes) -> None:
        self.bytes += len(frame.encode() if isinstance(frame, str) else frame)

    def begin(self) -> None:
        self.bytes = 0


def _load(page: Page, url: str, found: Measured) -> None:
    page.goto(url)
    page.wait_for_function("window.there && window.there.rest && window.there.dots", timeout=PATIENCE)
    there = page.evaluate("window.there")
    found.after = max(0.0, (there["dots"] - there["rest"]) / 1000)
    found.whole = there["dots"] / 1000
    page.wait_for_timeout(3000)


def _draw(page: Page, found: Measured) -> None:
    costs = [page.evaluate(REDRAW.replace("DRAWN", str(drawn))) for drawn in range(DRAWINGS + 1)]
    found.draw = statistics.median(costs[1:])
    page.locator("[data-do=home]").click()
    page.wait_for_timeout(1000)


def _pan(page: Page, found: Measured) -> None:
    told = page.evaluate(PAN, 2)
    found.frames, found.drawings = told["frames"], told["drawings"]
    page.locator("[data-do=home]").click()
    page.wait_for_timeout(1000)


def _hover(page: Page, found: Measured) -> None:
    tries: list[dict[str, Any]] = [page.evaluate(LOOK, {"every": 8, "seconds": 3}) for _ in range(HOVERS)]
    for one in tries:
        if len(one["waits"]) < 20:
            found.failed.append(f"hovering: {len(one['waits'])} of {one['events']} pictures came")
            return
    told = sorted(tries, key=lambda one: statistics.median(one["waits"]))[HOVERS // 2]
    found.hover = statistics.median(told["waits"])
    found.hover95 = float(np.quantile(told["waits"], 0.95))
    found.pictures = told["pictures"]


def _lasso(page: Page, sent: Sent, found: Measured) -> None:
    found.group = page.evaluate(LASSO, 400) / 1000
    page.wait_for_timeout(500)
    found.sent = sent.bytes
    words = page.get_by_text("images.").filter(has_text="of all images").first.inner_text()
    found.gathered = int(words.split()[0].replace(",", ""))


def select(known: Encodings) -> float:
    """Seconds to find the images in an ellipse of 200 corners around nearly the whole map, and what they share."""
    xy = known.maps["umap"]
    around = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    middle, reach = (xy.max(axis=0) + xy.min(axis=0)) / 2, np.ptp(xy, axis=0) * 0.53
    polygon = middle + reach * np.stack([np.cos(around), np.sin(around)], axis=1)
    start = time.perf_counter()
    gathered(known.mu, inside(xy, polygon), known.labels, known.label_names)
    return time.perf_counter() - start


# ---- all of it -----------------------------------------------------------------------------------------------------


def written(rows: list[Measured], command: str) -> str:
    def number(value: float | None, unit: str, digits: int = 1) -> str:
        return "failed" if value is None else f"{value:,.{digits}f}{unit}"

    lines = [
        "## Hands on the map",
        "",
        "Dots drawn by the processor on a plain canvas, every one of them. " + measured_on(command),
        "",
        "| images | dots, after the rest of the page | from the link | one drawing "
        "| panning, frames and drawings a second | hover to picture, median | 95 % | pictures a second | lasso around "
        "| group on the page | selected in Python | sent |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            f"{row.count:,} ({row.model})",
            number(row.after, " s", 2),
            number(row.whole, " s", 2),
            number(row.draw, " ms"),
            f"{number(row.frames, '', 0)}, {number(row.drawings, '', 0)}",
            number(row.hover, " ms"),
            number(row.hover95, " ms"),
            number(row.pictures, "", 0),
            number(row.gathered, "", 0),
            number(row.group, " s", 2),
            number(row.python, " s", 3),
            number(row.sent, " bytes", 0),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"- {row.count:,}: {line}" for row in rows for line in row.failed)]
    missed = missing(rows[0])
    bars = f"dots at most {POINTS:g} s after the rest, hover {HOVER:g} ms, group {GROUP:g} s, {SENT / 1000:g} kB sent."
    lines += [f"Bars, for {MODEL}: {bars} " + ("Met." if not missed else f"**Missed: {', '.join(missed)}.**")]
    return "\n".join(lines)


def missing(row: Measured) -> list[str]:
    """The bars that a map does not meet."""
    bars = {
        "dots": (row.after, POINTS),
        "hover": (row.hover, HOVER),
        "group": (row.python, GROUP),
        "sent": (row.sent, SENT),
    }
    return [name for name, (value, bar) in bars.items() if value is None or value > bar]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live map --", description=__doc__)
    parser.add_argument("--few", action="store_true", help=f"only {MODEL}, and nothing is written")
    asked = parser.parse_args(arguments)
    try:
        chromium = find_chromium()
    except NoChromium as reason:
        print(reason, file=sys.stderr)
        return 2
    sizes = [(MODEL, _count(SHIPPED / MODEL)), *((f"grown-{count}", count) for count in GROWN)]
    with tempfile.TemporaryDirectory(prefix="muscope-map-") as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OFFLINE_ARGUMENTS)
        rows = [measure(browser, Path(place) / name, name, count) for name, count in sizes[: 1 if asked.few else None]]
        browser.close()
    words = written(rows, "python -m benchmarks.live map")
    if asked.few:
        print(words)
    else:
        section("live", "map", words)
    return 1 if missing(rows[0]) else 0
