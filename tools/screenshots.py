"""Pictures of every page of the running app.

`python -m tools.screenshots` makes those of the README, in docs/screenshots: 1440x900, light, 256 colours.
`python -m tools.screenshots --all --out FOLDER` makes every page in three sizes, light and dark, for looking at: as it
opens, and its whole length where it is longer than the window.

The app has an empty home, so nothing of the person's own is in the pictures. For the README it has no downloaded data
either, as on a clean clone; with --all it is told of MUSCOPE_DATA.
"""

import argparse
import csv
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tools.browser import OFFLINE_ARGUMENTS, POINTS_DRAWN, ROOT, SETTLED, NoChromium, find_chromium, running_app
from vae.data import load

COMMAND = "python -m tools.screenshots"
FOLDER = ROOT / "docs" / "screenshots"
README_SIZE = (1440, 900)
SIZES = ((1440, 900), (1280, 720), (390, 844))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PATIENCE = 90_000  # milliseconds
COLOURS = 256
TAKES = count(1)


@dataclass(frozen=True)
class Shot:
    """One picture: a page as a link opens it, and what is done there before the picture is taken."""

    name: str
    page: str
    prepare: Callable[[Page], None]
    model: str = "faces"
    image: str = ""

    def link(self, url: str) -> str:
        asked = {"model": self.model} | ({"image": self.image} if self.image else {})
        return f"{url}/{self.page}?{urlencode(asked, safe='/')}"


# ---- what is done on a page ----------------------------------------------------------------------------------------


def nothing(tab: Page) -> None:
    """The page as it opens."""


def wait_for_points(tab: Page) -> None:
    tab.wait_for_function(POINTS_DRAWN, arg=1, polling=100)


def choose(tab: Page, label: str, words: str) -> None:
    """An option of a list in the page."""
    tab.get_by_test_id("stMain").get_by_role("combobox", name=re.compile(rf"\b{re.escape(label)}$")).click()
    tab.keyboard.type(words)  # a long list holds only what is in sight: narrow it
    tab.get_by_role("option", name=words, exact=True).click()
    settle(tab)


def map_by_glasses(tab: Page) -> None:
    choose(tab, "Colour", "glasses")
    wait_for_points(tab)


def three_to_eight(tab: Page) -> None:
    for at, kind in ((1, "3"), (2, "8")):
        tab.get_by_role("button", name=f"Keyframe {at} of 2").click()
        choose(tab, "Another picture", f"one labelled {kind}")
        tab.get_by_role("button", name=f"Put in place of {at}", exact=True).click()
    expect(tab.locator("[data-muscope=frame]")).to_have_count(12)


def add_glasses(tab: Page) -> None:
    choose(tab, "Attribute", "glasses")


def turn_a_slider(tab: Page) -> None:
    """A long way on the strongest dimension, by the keyboard."""
    slider = tab.get_by_test_id("stMain").get_by_role("slider").first
    slider.focus()
    for _ in range(8):
        slider.press("PageUp")
    settle(tab)


def begin_run(tab: Page, epochs: int, name: str) -> None:
    """Train `digits` in two numbers; the name tells this run from one that another picture has left behind."""
    for label, value in (("Latent dimensions", 2), ("Epochs", epochs)):
        box = tab.get_by_role("spinbutton", name=label)
        box.fill(str(value))
        box.press("Enter")
        settle(tab)
    box = tab.get_by_role("textbox", name="Name")
    box.fill(name)
    box.press("Enter")
    settle(tab)
    tab.get_by_role("button", name="Start training").click()
    tab.get_by_role("heading", name=name, exact=True).wait_for()


def run_half_way(tab: Page) -> None:
    begin_run(tab, 300, "my digits")
    expect(tab.get_by_text(re.compile(r"Epoch 1[0-9]\d of 300"))).to_be_visible(timeout=PATIENCE)
    expect(tab.get_by_text(re.compile(r"after 1\d\d epochs"))).to_be_visible(timeout=PATIENCE)


def run_to_its_end(tab: Page) -> None:
    begin_run(tab, 5, f"my digits {next(TAKES)}")
    tab.get_by_role("button", name="Open it on the map").wait_for(timeout=PATIENCE)


def bring_faces(tab: Page) -> None:
    """A folder of drawn faces and a table that says what is in them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "my faces"
        folder.mkdir()
        images = load("faces-fair", "test", limit=120)
        assert images.attributes is not None
        with (folder / "what.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["path", *images.attribute_names])
            for row, (pixels, values) in enumerate(zip(images.pixels, images.attributes, strict=True)):
                Image.fromarray(pixels.squeeze()).save(folder / f"{row:03}.png")
                table.writerow([f"{row:03}.png", *(f"{value:g}" for value in values)])
        tab.set_input_files('[data-muscope="folder"]', folder)
        tab.get_by_role("heading", name="What was understood").wait_for()


README_SHOTS = (
    Shot("start", "", nothing),
    Shot("map", "map", map_by_glasses),
    Shot("map-mnist", "map", wait_for_points, model="mnist"),
    Shot("sliders", "sliders", turn_a_slider),
    Shot("paths", "paths", three_to_eight, model="mnist"),
    Shot("attributes", "attributes", add_glasses),
    Shot("directions", "directions", nothing, model="mnist"),
    Shot("sums", "sums", nothing, model="fashion-mnist"),
    Shot("sample", "sample", nothing),
    Shot("train", "train", run_half_way),
    Shot("bring", "bring", bring_faces),
    Shot("models", "models", nothing),
    Shot("report", "report", nothing, model="mnist"),
    Shot("compare", "compare", nothing, model="mnist-2d"),
    Shot("anomalies", "anomalies", nothing, model="mnist"),
)
ALL_SHOTS = (
    Shot("start", "", nothing),
    Shot("start-mnist", "", nothing, model="mnist"),
    Shot("map", "map", wait_for_points),
    Shot("map-mnist", "map", wait_for_points, model="mnist"),
    Shot("map-mnist-2d", "map", wait_for_points, model="mnist-2d"),
    Shot("sliders", "sliders", nothing),
    Shot("sliders-mnist", "sliders", nothing, model="mnist"),
    Shot("paths", "paths", nothing),
    Shot("paths-mnist", "paths", three_to_eight, model="mnist"),
    Shot("attributes", "attributes", add_glasses),
    Shot("attributes-fashion-mnist", "attributes", nothing, model="fashion-mnist"),
    Shot("directions", "directions", nothing),
    Shot("directions-mnist-2d", "directions", nothing, model="mnist-2d"),
    Shot("sums", "sums", nothing),
    Shot("sums-fashion-mnist", "sums", nothing, model="fashion-mnist"),
    Shot("sample", "sample", nothing),
    Shot("train", "train", nothing),
    Shot("train-done", "train", run_to_its_end),
    Shot("bring", "bring", nothing),
    Shot("bring-faces", "bring", bring_faces),
    Shot("models", "models", nothing),
    Shot("report", "report", nothing),
    Shot("report-autoencoder", "report", nothing, model="mnist-2d-autoencoder"),
    Shot("compare", "compare", nothing, model="mnist-2d"),
    Shot("anomalies", "anomalies", nothing, model="mnist"),
)


# ---- taking them ---------------------------------------------------------------------------------------------------


def settle(tab: Page) -> None:
    """Until the page has come to rest, and a moment longer: fonts, and the end of a fade."""
    tab.wait_for_function(SETTLED)
    tab.wait_for_timeout(200)
    tab.wait_for_function(SETTLED)


def take(
    browser: Browser, url: str, shot: Shot, size: tuple[int, int], scheme: Literal["light", "dark"], whole: bool = False
) -> list[bytes]:
    """One page in a fresh profile, as PNG files: the window and, when asked and longer, the whole page."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    try:
        tab = context.new_page()
        tab.goto(shot.link(url))
        tab.get_by_test_id("stMain").wait_for()
        settle(tab)
        shot.prepare(tab)
        if "st-key-train-run" not in tab.content():  # a run is never at rest
            settle(tab)
        tab.mouse.move(size[0] - 3, size[1] // 2)
        tab.evaluate("document.activeElement?.blur()")
        tab.wait_for_timeout(500)
        pictures = [tab.screenshot()]
        length = int(tab.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight"))
        if whole and length > size[1]:
            tab.set_viewport_size({"width": size[0], "height": length})
            tab.wait_for_timeout(800)
            pictures.append(tab.screenshot())
        return pictures
    finally:
        context.close()


def small(png: bytes) -> bytes:
    """The same picture in 256 colours: a third of the size, no colour moved by more than eyes let pass."""
    out = BytesIO()
    picture = Image.open(BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def clean(place: Path) -> dict[str, str | None]:
    """What the environment of the app is changed by, so that nothing that was fetched before is seen."""
    return {"MUSCOPE_DATA": None, "MUSCOPE_CACHE": str(place / "cache")}


def write(path: Path, png: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png)
    print(f"{path.name}: {len(png) // 1024} kB", file=sys.stderr)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Take pictures of every page of the running app.")
    parser.add_argument("--all", action="store_true", help="every page, three sizes, light and dark")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where to (the README's: docs/screenshots)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only the pictures of these names")
    parser.add_argument("--tree", type=Path, default=ROOT, metavar="FOLDER", help="the project to show (this one)")
    options = parser.parse_args(arguments)
    if options.all and not options.out:
        parser.error("--all makes some 150 pictures: say where to with --out FOLDER")
    folder = options.out or FOLDER
    shots = [s for s in (ALL_SHOTS if options.all else README_SHOTS) if not options.only or s.name in options.only]
    try:
        chromium = find_chromium()
    except NoChromium as error:
        print(error, file=sys.stderr)
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="screenshots-", ignore_cleanup_errors=True) as place,
        running_app(Path(place), options.tree, {} if options.all else clean(Path(place))) as app,
        sync_playwright() as playwright,
    ):
        app.wait()
        browser = playwright.chromium.launch(executable_path=chromium, args=OFFLINE_ARGUMENTS)
        for shot in shots:
            if not options.all:
                write(folder / f"{shot.name}.png", small(take(browser, app.url, shot, README_SIZE, "light")[0]))
                continue
            for size in SIZES:
                for scheme in SCHEMES:
                    pictures = take(browser, app.url, shot, size, scheme, whole=True)
                    for picture, part in zip(pictures, ("", "-whole"), strict=False):
                        write(folder / f"{shot.name}-{size[0]}x{size[1]}-{scheme}{part}.png", picture)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
