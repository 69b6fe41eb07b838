"""What a page shows, in another browser; and a visit that comes back after a reload and a restart."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from live.engine import SHIPPED
from tests.browser.conftest import AppServer
from tests.browser.knobs import knob_names, turn_knob, value_of
from tests.browser.rooms import asked, choose, go, pixels_of, press, rest, stage, turn_to
from tests.data.sets import a_set
from vae.checkpoint import Owner, save_owner

OWN_SERVER = True

# All that a page draws: pictures by their files, canvases by their pixels, and what its headings and lists say.
DRAWN = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    const seen = (what) => [...main.querySelectorAll(what)].filter((e) => e.offsetParent);
    const images = seen("img").map((e) => e.src);
    const painted = seen("canvas").filter((e) => e.width && e.height).map((e) => e.toDataURL());
    const said = seen("h1, h2, h3, [class*=st-key-bring-set-], [class*=st-key-models-one-]").map((e) => e.innerText);
    return { images, painted, said };
}"""
KEPT = '[class*="st-key-shelf-tap-"] button:visible img'


def drawn(page: Page) -> dict[str, list[str]]:
    """What is drawn on a page, once it stays as it is."""
    rest(page)
    calm, found = 0, page.evaluate(DRAWN)
    for _ in range(80):
        page.wait_for_timeout(120)
        before, found = found, page.evaluate(DRAWN)
        calm = calm + 1 if found == before else 0
        if calm == 2:
            return found
    raise AssertionError("the page never came to rest")


# What is done on each page that draws before its address is copied.


def weigh(page: Page, value: float = 0.5) -> None:
    page.locator("[data-muscope=knob]").first.wait_for()
    turn_knob(page, knob_names(page)[0], value)


def walk(page: Page) -> None:
    page.get_by_role("radio", name="spline", exact=True).click()
    rest(page)
    press(page, "Add")
    page.get_by_text("Back to the first", exact=True).click()


def find_otherwise(page: Page) -> None:
    page.get_by_role("radio", name="Visible everywhere", exact=True).click()
    rest(page)
    weigh(page, 1.25)


def refill(page: Page) -> None:
    page.get_by_role("radio", name="16", exact=True).click()
    expect(page.locator('[data-muscope="sample"]')).to_have_count(16)


def look_strange(page: Page) -> None:
    press(page, "Next ones")
    page.locator("[class*=st-key-anomalies-][class*=-tap-] button:visible").nth(3).click()


def replay(page: Page) -> None:
    page.get_by_role("button", name="How “Digits on a plane” learned, to watch again").click()
    page.locator("canvas:visible").first.wait_for()


DOES: dict[str, Callable[[Page], None]] = {
    "Start": lambda page: press(page, "Show others"),
    "Map": lambda page: choose(page, "Colour", "reconstruction error (per pixel)"),
    "Sliders": lambda page: weigh(page, 1.25),
    "Paths": walk,
    "Attributes": lambda page: weigh(page, -1.5),
    "Directions": find_otherwise,
    "Sums": weigh,
    "Sample": refill,
    "Train": replay,
    "Report": rest,
    "Compare": lambda page: press(page, "Other images"),
    "Anomalies": look_strange,
    "Your data": rest,
    "Your models": rest,
}


LISTS = ("Your data", "Your models")  # pages that show what somebody brought, and no picture of it


@pytest.fixture
def brought(app_server: AppServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A set and a model that somebody brought to this server, as long as a test lasts."""
    monkeypatch.setenv("MUSCOPE_HOME", str(app_server.home))
    pixels = np.random.default_rng(0).integers(0, 256, (20, 9, 9), dtype=np.uint8)
    np.savez(tmp_path / "cells.npz", images=pixels)
    a_set(tmp_path / "cells.npz", title="Cells")
    past = shutil.ignore_patterns("history*")
    elsewhere = app_server.home / "models" / "elsewhere"
    shutil.copytree(SHIPPED / "mnist-2d", elsewhere, ignore=past)
    save_owner(elsewhere, Owner("ada", shared=True))
    yield
    shutil.rmtree(elsewhere)  # while it is there, the list of models names both by their folders, too


@pytest.fixture
def guest(browser: Browser) -> Iterator[Page]:
    """Another browser: no cookie, nothing kept."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def open_at(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector('[data-testid="stMain"] :is(h1, h2, h3)', timeout=60_000)  # a server may be cold
    rest(page)


def test_the_address_shows_the_same_picture_in_another_browser_on_every_page(
    page: Page, guest: Page, app_server: AppServer, brought: None
) -> None:
    go(page, app_server.url, model="mnist", image="test/7")
    press(page, "Keep this code")
    for title, do in DOES.items():
        if title != "Start":
            turn_to(page, title)
        do(page)
        shown = drawn(page)
        assert shown["said"] and (shown["images"] or shown["painted"] or title in LISTS)
        open_at(guest, page.url)
        there = drawn(guest)
        assert there == shown, (title, {kind: (len(shown[kind]), len(there[kind])) for kind in shown})
        expect(guest.locator(KEPT)).to_have_count(1)
        assert title not in LISTS or len(there["said"]) > 2


def test_a_visit_comes_back_after_a_reload_by_a_file_and_after_a_restart(
    page: Page, guest: Page, app_server: AppServer, start_app: Callable[..., AppServer], tmp_path: Path
) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/11")
    weigh(page, -1.25)
    press(page, "Keep this code")
    turn_to(page, "Directions")
    press(page, "Keep as “Axis 1”")
    turn_to(page, "Sample")
    refill(page)
    choose(page, "Model", "Digits on a plane")
    turn_to(page, "Sliders")
    weigh(page, 0.75)
    name, shown, kept = knob_names(page)[0], drawn(page), pixels_of(page.locator(KEPT))
    page.reload()
    open_at(page, page.url)
    assert drawn(page) == shown and value_of(page, name) == 0.75

    page.get_by_text("Save and open", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this session", exact=True).click()
    file = tmp_path / "session.json"
    download.value.save_as(file)
    go(guest, app_server.url, "sliders", model="mnist")
    guest.get_by_text("Save and open", exact=True).click()
    before = drawn(guest)
    guest.locator("[data-testid=stSidebar] input[type=file]").set_input_files(file)
    expect(guest.locator(KEPT)).to_have_count(1)
    assert drawn(guest) == shown and asked(guest)["model"] == "mnist-2d"
    press(guest, "Back to before it was opened")
    expect(guest.locator(KEPT)).to_have_count(0)
    assert drawn(guest) == before
    file.write_text(file.read_text().replace('"muscope":1', '"muscope":1,"program":"import os"'))
    guest.locator("[data-testid=stSidebar] input[type=file]").set_input_files(file)
    expect(guest.get_by_text("This is no session that Muscope wrote", exact=False)).to_be_visible()
    assert drawn(guest) == before

    port = int(app_server.url.rpartition(":")[2])
    app_server.stop()
    again = start_app(home=app_server.home, port=port)
    open_at(page, f"{again.url}/sliders")
    assert drawn(page) == shown and (pixels_of(page.locator(KEPT)) == kept).all()
    page.locator('[class*="st-key-shelf-tap-"] button:visible').click()
    rest(page)
    assert asked(page)["model"] == "faces" and (stage(page) == kept).all()
    page.get_by_role("button", name="Axis 1", exact=True).locator("visible=true").first.click()
    expect(page.get_by_role("heading", name="Attributes", exact=True)).to_be_visible()
    turn_to(page, "Sample")
    expect(page.locator('[data-muscope="sample"]')).to_have_count(16)
