"""How the journeys reach into a map: where its dots lie, what is painted there, and a hand that draws."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page
from scipy.spatial import cKDTree

from tests.browser.conftest import AppServer
from tests.browser.knobs import live_picture
from tests.browser.rooms import alike, engine, entry, go, rest

DOTS = "canvas[data-muscope=map-points]"
FRAME = "[data-muscope=map]"
FLOAT = "[data-muscope=map-hover]"
SAID = "[data-muscope=map-said]"


def open_map(page: Page, server: AppServer, model: str, **link: str) -> None:
    go(page, server.url, "map", model=model, **link)
    page.wait_for_selector(f"{DOTS}[data-muscope-points]")
    page.locator(FRAME).scroll_into_view_if_needed()
    rest(page)


def drawn(page: Page) -> int:
    return int(page.locator(DOTS).get_attribute("data-muscope-points") or 0)


def ask(page: Page, what: str) -> Any:
    return page.evaluate(f"document.querySelector('{DOTS}').muscope.{what}")


def where(page: Page, xy: np.ndarray) -> np.ndarray:
    """Where places of the map (N, 2) lie in the window."""
    origin, unit = (np.array(ask(page, f"toScreen({at}, {at})")) for at in (0, 1))
    return origin + np.asarray(xy, float) * (unit - origin)


def place_of(page: Page, spot: np.ndarray) -> np.ndarray:
    """What place of the map lies at a point of the window."""
    origin, unit = (np.array(ask(page, f"toScreen({at}, {at})")) for at in (0, 1))
    return (np.asarray(spot) - origin) / (unit - origin)


def box_of(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """The frame's corners in the window: left top, right bottom."""
    found = page.locator(FRAME).bounding_box()
    assert found is not None
    return np.array([found["x"], found["y"]]), np.array([found["x"] + found["width"], found["y"] + found["height"]])


def lonely(page: Page, xy: np.ndarray, count: int, room: float) -> list[int]:
    """Rows whose dots have so much room around them, pixels, that a hand there can mean no other."""
    spots, (low, high) = where(page, xy), box_of(page)
    seen = np.flatnonzero(((spots > low + 30) & (spots < high - 30)).all(axis=1))
    apart = cKDTree(spots).query(spots[seen], k=2)[0][:, 1]
    order = np.argsort(apart)[::-1][:count]
    assert apart[order[-1]] > room, "no dot stands apart"
    return [int(row) for row in seen[order]]


def umap(model: str) -> np.ndarray:
    return engine.encodings(entry(model)).maps["umap"]


def until(page: Page, holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds that only Python can tell."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    pytest.fail(what)


def shows(page: Page, picture: np.ndarray) -> None:
    """Wait until the large picture, as the hand moves, is this one."""
    seen = lambda: (found := live_picture(page)) is not None and alike(found, picture)  # noqa: E731
    until(page, seen, "the large picture did not follow")


def pixel(page: Page, spot: np.ndarray, canvas: str = DOTS) -> list[int]:
    """Red, green, blue and alpha of a canvas at a point of the window."""
    return page.evaluate(
        """([canvas, x, y]) => {
            const e = document.querySelector(canvas), box = e.getBoundingClientRect(), k = e.width / box.width;
            return [...e.getContext('2d').getImageData((x - box.left) * k, (y - box.top) * k, 1, 1).data];
        }""",
        [canvas, float(spot[0]), float(spot[1])],
    )


def covered(page: Page) -> np.ndarray:
    """How much of each pixel of the dots' canvas is painted, (H, W) 0 to 255."""
    height, width, data = page.evaluate(
        """canvas => {
            const e = document.querySelector(canvas), pen = e.getContext('2d');
            const all = pen.getImageData(0, 0, e.width, e.height).data;
            const alphas = new Uint8Array(all.length / 4);
            for (let at = 0; at < alphas.length; at++) alphas[at] = all[4 * at + 3];
            let text = "";
            for (let at = 0; at < alphas.length; at += 32768)
                text += String.fromCharCode(...alphas.subarray(at, at + 32768));
            return [e.height, e.width, btoa(text)];
        }""",
        DOTS,
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width)


def drag(page: Page, *spots: np.ndarray) -> None:
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=5)
    page.mouse.up()
    rest(page)


def shelf(page: Page) -> int:
    return page.locator('[class*="st-key-shelf-tap-"] button:visible').count()
