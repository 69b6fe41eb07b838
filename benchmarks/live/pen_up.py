"""From pen up to the point on the map, in a browser, on a server that never imports umap.

Digits of the MNIST test set, turned into strokes as `pen.py` does, are drawn with the mouse on the Map page's pad. For
each: from the last `pointerup` to

* the last "muscope:landed" of that drawing, which moves its mark on the map at once (0 where it had come before the pen
  was lifted: the drawing is encoded while the pen moves);
* the page that Python made of it: its large picture replaced, the map told.

Afterwards the server's memory map is searched for the compiled part of numba, which umap cannot do without.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.live.pen import placed, some_digits, strokes
from benchmarks.report import measured_on, section
from tools.browser import OFFLINE_ARGUMENTS, SETTLED, find_chromium, running_app

COMMAND = "python -m benchmarks.live pen_up"
BAR = 300  # milliseconds
WATCH = """() => {
    const seen = window.penUp = { up: 0, landed: 0, settled: 0 };
    addEventListener('pointerup', () => { seen.up = performance.now(); seen.settled = 0; }, true);
    addEventListener('muscope:landed', () => seen.landed = performance.now());
    const look = () => { seen.settled = performance.now(); };
    new MutationObserver(look).observe(document.querySelector('img[data-muscope=stage]'), {attributeFilter: ['src']});
}"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND)
    parser.add_argument("--digits", type=int, default=20)
    count = parser.parse_args(arguments).digits
    _, digits = some_digits(count, seed=1)
    landed, settled = [], []
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder)) as app, sync_playwright() as playwright:
        app.wait()
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=OFFLINE_ARGUMENTS)
        page = browser.new_context(viewport={"width": 1440, "height": 1400}).new_page()
        page.goto(f"{app.url}/map?model=mnist")
        page.wait_for_function(SETTLED)
        page.get_by_text("Draw one").click()
        pad = page.locator("[data-muscope=pad]")
        pad.wait_for()
        page.wait_for_timeout(1000)
        page.evaluate(WATCH)
        for digit in digits:
            _draw(page, digit)
            page.wait_for_timeout(1500)
            seen = page.evaluate("penUp")
            landed.append(max(0.0, seen["landed"] - seen["up"]))
            if seen["settled"] > seen["up"]:  # the last stroke may have been a dot that changes nothing
                settled.append(seen["settled"] - seen["up"])
            page.get_by_role("button", name="Clear", exact=False).first.click()
            page.wait_for_timeout(400)
        maps = Path(f"/proc/{app.process.pid}/maps")
        umap = "llvmlite" in maps.read_text() if maps.exists() else None
        browser.close()
    worst = sorted(settled)[int(0.95 * (len(settled) - 1))]
    said = {None: "could not be looked at here", True: "**is loaded**", False: "is not loaded"}[umap]
    section(
        "live",
        "pen_up",
        f"""## Pen up

{measured_on(COMMAND)}

{count} test digits drawn on the Map page of `mnist`. From pen up to the mark on the map: median {median(landed):.0f}
ms, longest {max(landed):.0f} ms. To the page that Python made of it ({len(settled)} of them: of the rest the last
stroke changed nothing): median {median(settled):.0f} ms,
95 % {worst:.0f} ms, longest {max(settled):.0f} ms. What umap needs (numba's llvmlite) {said} in the server.
Bar: {BAR} ms.""",
    )
    return 0 if median(settled) <= BAR and umap is not True else 1


def _draw(page: Page, digit: np.ndarray) -> None:
    box = page.locator("[data-muscope=pad]").bounding_box()
    assert box is not None
    for line in placed(strokes(digit), 0.65, np.array([0.5, 0.5])):
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in line[::4]]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()
