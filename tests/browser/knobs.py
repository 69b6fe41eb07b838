"""How the journeys turn knobs: as a hand on the rail, as keys, as a number that is typed."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from playwright.sync_api import Locator, Page, expect

from tests.browser.canvases import LIVE, painted, still
from tests.browser.rooms import alike, decoded, engine, entry, rest, stage
from vae.explore.latents import knob_ranges


def knob(page: Page, name: str) -> Locator:
    """What the keyboard and a screen reader work: the knob called "Dimension 3", or "Strength"."""
    return page.get_by_role("slider", name=name, exact=True)


def knob_names(page: Page) -> list[str]:
    """Every knob on the screen, in its order."""
    names: list[str] = page.locator("[data-muscope=knob] label").all_inner_texts()
    return names


def value_of(page: Page, name: str) -> float:
    """Where a knob stands, in full."""
    return float(knob(page, name).input_value())


def turn_knob(page: Page, name: str, value: float) -> None:
    """Set a knob by typing, and wait for what follows."""
    field = page.get_by_role("textbox", name=f"Value of {name}", exact=True)
    field.fill(f"{value:g}")
    field.press("Enter")
    expect(knob(page, name)).to_have_attribute("aria-valuetext", f"{value:.2f}".replace("-", "\u2212"))
    rest(page)


def rail_of(page: Page, name: str) -> Locator:
    owner = page.locator("[data-muscope=knob]").filter(has=page.get_by_text(name, exact=True))
    return owner.locator("[data-muscope=track]")


def point_on(page: Page, name: str, share: float) -> tuple[float, float]:
    """A point of the window on a knob's rail: 0 is its low end, 1 its high end."""
    box = still(rail_of(page, name).locator(".mu-knob-rail"))
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


@contextmanager
def holding(page: Page, name: str, *shares: float) -> Iterator[None]:
    """Take hold of a knob with the mouse at the first place and drag it to the others; let go at the end."""
    page.mouse.move(*point_on(page, name, shares[0]))
    page.mouse.down()
    for share in shares[1:]:
        page.mouse.move(*point_on(page, name, share), steps=6)
    yield
    page.mouse.up()


def live_picture(page: Page) -> np.ndarray | None:
    """What lies over the large picture while a hand moves, (H, W) or (H, W, 3) int16, or None."""
    canvas = page.locator(LIVE)
    return painted(canvas) if canvas.is_visible() else None


def count_runs(page: Page) -> None:
    """From here on, count how often Python is asked for another run of the page: see `runs`."""
    page.evaluate(
        """() => {
            window.runs = 0;
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (said) {
                if (this.url.includes('_stcore/stream')) runs++;
                return send.call(this, said);
            };
        }"""
    )


def runs(page: Page) -> int:
    rest(page)
    return int(page.evaluate("window.runs"))


def say(page: Page) -> str:
    """What the page says of the connection, or ""."""
    line = page.get_by_role("status").filter(has_text=re.compile("connection|Live pictures"))
    return line.first.inner_text() if line.count() else ""


def code_of(model: str, image_id: str) -> np.ndarray:
    known = engine.encodings(entry(model))
    return np.array(known.mu[known.row_of(image_id)], np.float64)


def dim_of(name: str) -> int:
    return int(name.split()[-1])


def expect_live(page: Page, model: str, code: np.ndarray) -> None:
    """The picture over the large one is, or becomes, the decoder's own of that code."""
    wanted, deadline = decoded(model, code.astype(np.float32)), time.monotonic() + 10
    while True:
        seen = live_picture(page)
        if seen is not None and alike(seen, wanted):
            return
        assert time.monotonic() < deadline, "the picture does not follow" if seen is not None else "no live picture"
        page.wait_for_timeout(30)


def expect_settled(page: Page, model: str, code: np.ndarray) -> None:
    """Python's own picture of that code is the large one, with nothing over it."""
    rest(page)
    expect(page.locator(LIVE)).to_be_hidden()
    assert alike(stage(page), decoded(model, code.astype(np.float32)))


def ranges(model: str) -> list[dict[str, float]]:
    known = engine.encodings(entry(model))
    return [vars(each) for each in knob_ranges(known.mu, known.kl_per_dim().mean(axis=0))]
