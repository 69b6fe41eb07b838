"""Sets that people bring, in Chromium and by clicks alone: from the files to a trained model on the map.

Three real sets as they lie in MUSCOPE_DATA, a folder with a table of labels, 16-bit pictures of four channels and a
table of time series; the last three are drawn here. Everything stays as the page suggests it, the minutes too unless
others are asked for. The error of the model on test images stands beside that of PCA with as many numbers, as its card
has it.
"""

import argparse
import csv
import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.live.visitors import about, served
from benchmarks.report import section
from tools.browser import CHROMIUM_ARGUMENTS, SETTLED, find_chromium
from vae.evaluate.against_pca import read_against_pca

COMMAND = "python -m benchmarks.intake sets"
MOST = 10  # clicks
CARD = 120.0  # seconds to wait for the card
PATIENCE = 1_200_000  # ms: of a training with its map
REAL = {
    "Olivetti": "olivetti/olivetti_faces.npz",
    "Frey": "frey-faces/frey_faces.npz",
    "Omniglot": "omniglot-small/omniglot_small.npz",
}
COUNT = "addEventListener('click', () => sessionStorage.clicks = 1 + Number(sessionStorage.clicks ?? 0), true);"


@dataclass(frozen=True)
class Came:
    """What came of one set: `ours` and `pca` are errors on test images, squared, per pixel."""

    name: str
    images: str
    minutes: float
    clicks: int
    seconds: float
    ours: float
    pca: float
    said: str


# ---- what is brought -----------------------------------------------------------------------------------------------


def shapes(folder: Path, count: int = 3000) -> Path:
    """Grey discs, squares and rings as PNG files, and a table that says which is which."""
    folder.mkdir()
    draw = np.random.default_rng(4)
    y, x = np.mgrid[:32, :32]
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "kind", "size", "session"])
        for place in range(count):
            kind, size, across, down = place % 3, *draw.integers(5, 10, 1), *draw.integers(11, 21, 2)
            far = np.maximum(abs(x - across), abs(y - down)) if kind == 0 else np.hypot(x - across, y - down)
            ink = (far < size) & ((kind < 2) | (far > 0.6 * size))
            Image.fromarray(np.where(ink, draw.integers(120, 255), 10).astype(np.uint8)).save(
                folder / f"{place:04}.png"
            )
            rows.writerow([f"{place:04}.png", ("square", "disc", "ring")[kind], size, f"day {place // 300}"])
    return folder


def cells(folder: Path, count: int = 1500) -> Path:
    """16-bit pictures of four channels: a cell, its core, its rim, and what is scattered in it."""
    import tifffile

    folder.mkdir()
    draw = np.random.default_rng(6)
    y, x = np.mgrid[:32, :32]
    for place in range(count):
        middle, size = draw.uniform(11, 21, 2), draw.uniform(5, 10)
        far = np.hypot(x - middle[0], y - middle[1])
        parts = [4000 * (far < size), 9000 * np.exp(-((far / (0.4 * size)) ** 2))]
        parts += [3000 * np.exp(-((far - size) ** 2)), 1500 * np.exp(-((far / size) ** 4))]
        picture = (np.stack(parts) * draw.uniform(0.7, 1.2, (4, 1, 1)) + draw.normal(300, 25, (4, 32, 32))).clip(
            0, 65535
        )
        tifffile.imwrite(folder / f"cell{place:04}.tif", picture.astype(np.uint16), photometric="minisblack")
    return folder


def beats(file: Path, count: int = 3000) -> Path:
    """A table of time series: two bumps that come sooner or later, on a slope."""
    draw, moments = np.random.default_rng(5), np.linspace(0, 1, 64)
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["patient", "kind", *(f"t{place}" for place in range(64))])
        for place in range(count):
            kind = place % 3
            first, second = draw.normal(0.3, 0.06), draw.normal(0.65, 0.06)
            wave = draw.normal(1, 0.15) * np.exp(-(((moments - first) / 0.05) ** 2)) + kind * 0.2 * moments
            wave += (kind == 1) * 0.6 * np.exp(-(((moments - second) / 0.09) ** 2)) + draw.normal(0, 0.02, 64)
            rows.writerow([f"p{place // 10}", ("single", "double", "rising")[kind], *wave.round(4)])
    return file


# ---- by clicks -----------------------------------------------------------------------------------------------------


def by_clicks(page: Page, url: str, files: Path, minutes: float | None) -> tuple[int, float]:
    """From the files to the map; how many clicks it took, and how many minutes it trained."""
    page.goto(f"{url}/bring")
    page.evaluate("sessionStorage.clicks = 0")
    page.set_input_files(f'[data-muscope="{"folder" if files.is_dir() else "files"}"]', str(files))
    page.evaluate("sessionStorage.clicks = Number(sessionStorage.clicks) + 1")  # on the button that opens the dialog
    page.get_by_role("button", name="Use these").click(timeout=120_000)
    page.get_by_role("button", name="Start training").wait_for(timeout=120_000)
    box = page.get_by_role("spinbutton", name="Minutes", exact=True)
    if minutes is not None:
        box.fill(f"{minutes:g}")
        box.press("Enter")
        page.wait_for_timeout(1500)
    page.wait_for_function(SETTLED)  # the form is drawn once more when the data are known
    minutes = float(box.input_value())
    page.get_by_role("button", name="Start training").click()
    page.get_by_text(re.compile("Finished after|Stopped, and")).first.wait_for(timeout=PATIENCE)
    page.wait_for_timeout(1500)  # the page is drawn once more when a training ends
    page.get_by_role("button", name="Open it on the map").click(timeout=PATIENCE)
    page.wait_for_selector("[data-muscope-points]", timeout=120_000)
    return int(page.evaluate("Number(sessionStorage.clicks)")), minutes


def came(home: Path, name: str, minutes: float, clicks: int, seconds: float) -> Came:
    """What the card of the newest model says; it is written last, a moment after the map can be opened."""
    folder = max((home / "models").iterdir(), key=lambda folder: folder.stat().st_mtime)
    found, until = None, time.monotonic() + CARD
    while found is None and time.monotonic() < until:
        card = json.loads((folder / "card.json").read_text())
        found = read_against_pca(card.get("against_pca"))
        time.sleep(0.5)
    if found is None:
        raise RuntimeError(f"{name}: the card says nothing of PCA")
    images = f"{found.train:,} + {found.test:,}"
    said = {"model": "the model is better", "pca": "PCA is better, and the app says so"}.get(found.better, "alike")
    return Came(name, images, minutes, clicks, seconds, found.model.value, found.pca.value, said)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND)
    parser.add_argument("--minutes", type=float, help="of training for each, in place of those suggested")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--note", default="")
    asked = parser.parse_args(arguments)
    load, found = os.getloadavg()[0], []
    real = Path(os.environ.get("MUSCOPE_DATA", "."))
    makers: dict[str, Callable[[Path], Path]] = {
        **{name: lambda _, file=file: real / file for name, file in REAL.items()},  # type: ignore[misc]
        "a folder with a table of labels": lambda place: shapes(place / "shapes"),
        "16-bit TIFF of four channels": lambda place: cells(place / "cells"),
        "a table of time series": lambda place: beats(place / "beats.csv"),
    }
    with served() as server, tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
        for name, make in makers.items():
            if asked.only and not any(word.lower() in name.lower() for word in asked.only):
                continue
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.add_init_script(COUNT)
            files, began = make(Path(folder)), time.perf_counter()
            clicks, minutes = by_clicks(page, server.app.url, files, asked.minutes)
            found.append(came(server.folder / "home", name, minutes, clicks, time.perf_counter() - began))
            print(found[-1], flush=True)
            page.close()
        browser.close()
    section("intake", "sets", _words(found, about(COMMAND, load, asked.note)))
    return 0 if all(one.clicks <= MOST for one in found) else 1


def _words(found: list[Came], how: str) -> str:
    cells = [
        (
            one.name,
            one.images,
            f"{one.minutes:g}",
            str(one.clicks),
            f"{one.seconds:.0f} s",
            f"{one.ours:.5f}",
            f"{one.pca:.5f}",
            one.said,
        )
        for one in found
    ]
    rows = "\n".join(f"| {' | '.join(row)} |" for row in cells)
    return f"""## Sets that people bring

{how}

From the files to the map by clicks alone (at most {MOST}), everything as the page suggests it.
Errors are squared, per pixel (or number) from 0 to 1, of images the model never saw.

| set | images for training and test | minutes | clicks | from files to map | the model | PCA of equal size | |
|---|---|---|---|---|---|---|---|
{rows}
"""
