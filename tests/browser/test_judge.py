"""Journeys through the pages that judge: what is measured survives a refresh, maps are linked, strange images sent."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from scipy.spatial import cKDTree

from live.engine import Engine
from tests.browser.conftest import AppServer, start_server
from tests.browser.maps import DOTS, FLOAT, FRAME, where
from tests.browser.rooms import STAGE, choose, go, rest, turn_to
from tests.pages.conftest import make
from vae import data
from vae.config import Config


@pytest.fixture(scope="module")
def app_server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """A server whose home holds a small VAE of digits and its plain autoencoder twin."""
    folder = tmp_path_factory.mktemp("server")
    train, test = data.load("digits", "train", limit=400), data.load("digits", "test", limit=80)
    config = Config(shape=(1, 8, 8), latent_dim=2, encoder_sizes=(32,), decoder_sizes=(32,))
    models = folder / "home" / "models"
    make(models / "digits", train, test, config, epochs=4)
    make(models / "plain", train, test, config.with_(posterior="point"), epochs=4)
    make(models / "few", train.take(np.arange(100)), test, config, epochs=1)
    server = start_server(folder)
    yield server
    server.stop()


def test_a_measurement_survives_a_refresh_and_stays(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "report", model="digits")
    anomalies = page.locator(".st-key-report-suite-anomaly")
    anomalies.get_by_role("button", name="Measure").click()
    expect(anomalies.get_by_role("button", name="Cancel")).to_be_visible()
    page.reload()
    found = anomalies.locator('[data-muscope="suite-anomaly"]')
    expect(found).to_be_visible(timeout=90_000)
    expect(found).to_contain_text("AUROC")
    assert len([*(Path(app_server.home) / "reports").glob("*.json")]) == 1
    assert not (Path(app_server.home) / "models" / "digits" / "report.json").exists()
    expect(anomalies.get_by_role("button", name="Measure again")).to_be_enabled()


def test_what_is_pointed_at_on_one_map_is_marked_on_the_other(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "compare", model="digits")
    expect(page.get_by_role("combobox", name=re.compile("Compare"))).to_be_visible()
    first, second = page.locator(FRAME).nth(0), page.locator(FRAME).nth(1)
    second.scroll_into_view_if_needed()
    expect(page.locator(f"{DOTS}[data-muscope-points]")).to_have_count(2)
    engine = Engine((app_server.home / "models",))
    ours, theirs = (next(each for each in engine.models() if each.name == name) for name in ("digits", "plain"))
    known, other = engine.encodings(ours), engine.encodings(theirs)
    row = int(cKDTree(known.mu).query(known.mu, k=2)[0][:, 1].argmax())  # the dot that stands most apart
    page.wait_for_timeout(500)  # the names of the images come a moment after the dots
    page.mouse.move(*where(page, known.mu[row]))
    expect(second).to_have_attribute("data-guest", str(other.row_of(known.image_id(row))))
    expect(second.locator(FLOAT)).to_be_visible()
    here, there = (frame.locator(f"{FLOAT} span").inner_text() for frame in (first, second))
    assert here == there and "image" in here
    expect(second.locator(f"{FLOAT}.mu-seen")).to_be_visible()  # and what that model makes of it
    page.mouse.move(5, 5)
    expect(second.locator(FLOAT)).to_be_hidden()
    expect(second).to_have_attribute("data-guest", "")


def test_a_map_leaves_out_what_the_other_does_not_have(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "compare", model="digits", **{"with": "few"})
    counted = lambda number: page.locator(f'{DOTS}[data-muscope-points="{number}"]')  # noqa: E731
    expect(counted(180)).to_have_count(2)
    engine = Engine((app_server.home / "models",))
    by_name = {each.name: engine.encodings(each) for each in engine.models()}
    ours, few = by_name["digits"], by_name["few"]
    shared = {row for row in range(len(ours)) if few.row_of(ours.image_id(row)) is not None}
    page.locator(FRAME).nth(0).scroll_into_view_if_needed()
    seen = page.evaluate(f"document.querySelectorAll('{DOTS}')[0].muscope.visibleRows()")
    assert {*seen} == shared and len(shared) == 180
    choose(page, "with", "Tiny plain")
    expect(counted(480)).to_have_count(2)  # the same map, with all of its dots


def test_a_vae_and_its_plain_twin_as_they_ship(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "compare", model="mnist-2d")
    expect(page.get_by_role("combobox", name=re.compile("Compare"))).to_have_value("Digits on a plane, autoencoder")
    table = page.locator('[data-muscope="between"]')
    table.scroll_into_view_if_needed()
    expect(table.locator("tbody tr")).to_have_count(2, timeout=60_000)
    shares = []
    for row in table.locator("tbody tr").all():
        cells = row.locator("td").all_inner_texts()
        shares.append([float(cell.split("%")[0].split(" ")[0]) for cell in cells])
    (_, ours, kinds, _), (_, theirs, fewer, _) = shares  # half way, from N(0, I), kinds from N(0, I), at images' codes
    assert ours > theirs + 3 and kinds > fewer + 2  # what N(0, I) misses of the plain one's codes is the hole


def test_strange_images_go_to_the_map_as_a_group(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "anomalies", model="digits")
    before = page.locator(STAGE).get_attribute("src")
    page.locator('[class*="st-key-anomalies-above"] button:visible').nth(1).click()
    rest(page)
    assert page.locator(STAGE).get_attribute("src") != before
    expect(page.locator('[data-muscope="error-map"]')).to_be_visible()
    page.get_by_role("button", name=re.compile("above the threshold to the map")).click()
    rest(page)
    turn_to(page, "Map")
    expect(page.get_by_role("textbox", name="Name of the group")).to_have_value("strange by reconstruction error")


def test_the_pages_fit_a_phone(page: Page, app_server: AppServer) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("report", "compare", "anomalies"):
        go(page, app_server.url, path, model="digits")
        main = page.get_by_test_id("stMain")
        assert main.evaluate("each => each.scrollWidth - each.clientWidth") <= 1, path
