"""The unfolding map in a real browser: it follows a run, plays, goes back in time; by keys, and on a phone."""

import fcntl
import json
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import ROOT as REPOSITORY
from tests.browser.conftest import AppServer
from tests.core.histories import a_frame, a_history
from vae.frames import Dots, write_dots, write_frame
from vae.history import save_history
from vae.train.events import EventLog

RUN = "20260101-120000-abcdef"
FRAMES = 5
OWN_SERVER = True
ROOT = "[data-muscope=unfold]"


@pytest.fixture
def run(app_server: AppServer):
    """A run of which somebody holds the lock, so that it counts as under way; `say(frame)` adds to it."""
    folder = app_server.home / "runs" / RUN
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"name": "under way", "owner": "", "arguments": [], "queued": True, "created": "2026-01-01T12:00:00+00:00"}
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "events.jsonl").unlink(missing_ok=True)
    log = EventLog(folder / "events.jsonl")
    log.say("start", epochs=9, steps=10, latent_dim=2)
    write_dots(folder, Dots(np.arange(60, dtype=np.int32), np.arange(60, dtype=np.int32) % 2, ("even", "odd")), "codes")
    for number in range(FRAMES):
        log.say("frame", **write_frame(folder, shot(number)))
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda frame: log.say("frame", **write_frame(folder, frame))


@pytest.fixture(scope="module")
def kept(app_server: AppServer):
    """A model in the person's home that was kept with its history; the shipped ones stay as they are."""
    folder = app_server.home / "models" / "replayed"
    shutil.copytree(REPOSITORY / "checkpoints" / "mnist-2d", folder)
    whole = a_history(frames=0, dots=60, epochs=4, flat="codes")
    whole = replace(whole, curves=replace(
        whole.curves, at=np.arange(1, 5, dtype=np.float32), test_recon=np.array([50, 3, 2, 1], np.float32),
        train_recon=np.array([3, 3, 2, 1], np.float32),
    ))  # fmt: skip
    card = json.loads((folder / "card.json").read_text())
    card["changes"] = [{"step": 20, "beta": 4.0, "rate": 1e-3}]
    card["settings"] = card.get("settings", {}) | {"rate": 1e-3}
    (folder / "card.json").write_text(json.dumps(card))
    save_history(folder, replace(whole, frames=tuple(shot(number) for number in range(FRAMES))))


def shot(number):
    """Dots that move to the right, a unit each frame."""
    xy = np.zeros((60, 2), np.float16) + np.array([number - 2, 0], np.float16)
    xy[1::2, 1] = 1  # the odd ones above
    return replace(a_frame(10 * number, 60, 2, at=float(number)), xy=xy)


def at(page: Page) -> float:
    return float(page.locator(ROOT).get_attribute("data-frame") or -1)


def until(page: Page, frame: float) -> None:
    page.wait_for_function(f"document.querySelector('{ROOT}')?.dataset.frame === '{frame:g}'")


def dots(page: Page) -> np.ndarray:
    """Where there is ink on the map: middle and size, in shares of its width, (x, y) from the middle, y upwards."""
    found = page.evaluate(
        """() => {
            const canvas = document.querySelectorAll("[data-muscope=unfold-map] canvas")[1];
            const { width, height } = canvas, { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
            let n = 0, x = 0, y = 0;
            for (let i = 3; i < data.length; i += 4) if (data[i] > 128) {
                const at = (i - 3) / 4;
                n++; x += at % width; y += Math.floor(at / width);
            }
            return [n, x / n / width - 0.5, 0.5 - y / n / height];
        }"""
    )
    return np.array(found)


PIXELS = """() => {
    const canvas = document.querySelector("[data-muscope=unfold-samples]");
    return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def pixels(page: Page) -> list[int]:
    """What the model draws from noise, as it is shown."""
    return page.evaluate(PIXELS)


def opened(page: Page, url: str, run: str) -> None:
    page.goto(f"{url}/train?run={run}")
    page.wait_for_selector(f"{ROOT}[data-frames='{FRAMES}']")


def test_a_run_is_followed_until_a_hand_goes_back_in_time(page: Page, app_server: AppServer, run) -> None:
    opened(page, app_server.url, RUN)
    until(page, FRAMES - 1)
    assert dots(page)[1] == pytest.approx(2 / (2 * 1.06 * 3.3), abs=0.01)
    run(shot(5))
    until(page, 5)
    assert page.locator("[data-muscope=unfold-where]").inner_text() == "after 5 epochs"
    page.locator("[data-muscope=unfold-scrub]").focus()
    page.keyboard.press("Home")
    until(page, 0)
    assert page.locator("[data-muscope=unfold-where]").inner_text() == "before the first step"
    run(shot(6))
    page.wait_for_selector(f"{ROOT}[data-frames='7']")
    assert at(page) == 0  # who looks back is left there
    page.get_by_role("button", name="Newest").click()
    until(page, 6)


def test_keys_and_the_slider_go_from_frame_to_frame(page: Page, app_server: AppServer, kept) -> None:
    opened(page, app_server.url, "model:replayed")
    until(page, FRAMES - 1)  # with reduced motion it does not play by itself
    page.wait_for_function("document.querySelector('[data-muscope=unfold-samples]').width === 46")  # laid out as drawn
    last = pixels(page)
    scrub = page.locator("[data-muscope=unfold-scrub]")
    scrub.focus()
    for key, frame in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 4)):
        page.keyboard.press(key)
        until(page, frame)
        assert dots(page)[1] == pytest.approx((frame - 2) / (2 * 1.06 * 3.3), abs=0.01)
        page.wait_for_function(f"({PIXELS})().join() {'===' if frame == 4 else '!=='} '{','.join(map(str, last))}'")
    assert scrub.get_attribute("aria-valuetext") == "after 4 epochs"
    assert "after 4 epochs" in page.locator("[data-muscope=unfold-said]").text_content()
    box = scrub.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] / 2, steps=4)
    assert 1.9 < at(page) < 2.6 and at(page) % 1  # between two frames
    page.mouse.up()
    until(page, 2)  # at rest it shows what was recorded


def test_it_plays_from_noise_to_the_end(page: Page, app_server: AppServer, kept) -> None:
    opened(page, app_server.url, "model:replayed")
    until(page, FRAMES - 1)
    page.get_by_role("radio", name="2×").click()
    page.get_by_role("button", name="Play", exact=True).click()
    seen = []
    deadline = time.monotonic() + 20
    while page.locator(ROOT).get_attribute("data-playing") and time.monotonic() < deadline:
        seen.append(at(page))
    assert min(seen) < 1 and seen == sorted(seen) and any(place % 1 for place in seen)
    assert at(page) == FRAMES - 1


def test_a_class_is_hidden_and_seen_alone(page: Page, app_server: AppServer, kept) -> None:
    opened(page, app_server.url, "model:replayed")
    until(page, FRAMES - 1)
    both = dots(page)
    page.get_by_role("button", name="odd").click()
    page.wait_for_timeout(100)
    even = dots(page)
    assert even[0] < both[0] and even[2] == pytest.approx(0, abs=0.01)
    page.get_by_role("button", name="odd").dblclick()
    page.wait_for_timeout(100)
    assert dots(page)[2] == pytest.approx(1 / (2 * 1.06 * 3.3), abs=0.01)


def test_a_press_on_a_curve_goes_to_that_moment_and_the_film_can_be_taken_home(
    page: Page, app_server: AppServer, kept
) -> None:
    opened(page, app_server.url, "model:replayed")
    until(page, FRAMES - 1)
    curve = page.locator(".mu-curve svg").first
    assert "after 4 epochs" in curve.get_attribute("aria-label")
    box = curve.bounding_box()
    left, right = 44, 8  # beside the lines
    page.mouse.click(box["x"] + left + (box["width"] - left - right) / 2, box["y"] + 60)
    until(page, 2)
    assert "after 2 epochs" in curve.get_attribute("aria-label")
    with page.expect_download() as download:
        page.get_by_role("button", name="GIF").click()
    with Image.open(download.value.path()) as film:
        assert film.n_frames == FRAMES


def test_a_curve_says_what_a_person_changed_and_nothing_of_what_is_not_known_yet(
    page: Page, app_server: AppServer, kept
) -> None:
    opened(page, app_server.url, "model:replayed")
    until(page, FRAMES - 1)
    recon = page.locator(".mu-curve").first
    assert recon.locator(".mu-curve-key").inner_text().split() == ["training", "1", "test", "1"]
    for curve in page.locator("[data-muscope=unfold-curves] .mu-curve").all():
        assert curve.locator(".mu-curve-change").count() == 1 and "beta 4" in curve.locator("svg").text_content()
    page.locator("[data-muscope=unfold-scrub]").focus()
    page.keyboard.press("Home")
    until(page, 0)
    assert recon.locator(".mu-curve-key").inner_text().split() == ["training", "test"]
    assert "nothing is known yet" in recon.locator("svg").get_attribute("aria-label")
    assert recon.locator(".mu-curve-dot:not([hidden])").count() == 0
    page.keyboard.press("ArrowRight")
    until(page, 1)
    assert recon.locator(".mu-curve-key").inner_text().split() == ["training", "3", "test", "50"]
    dots, box = recon.locator(".mu-curve-dot:not([hidden])"), recon.locator("svg").bounding_box()
    for dot in dots.all():  # nothing stands at the edge that belongs beyond it
        place = dot.bounding_box()
        assert box["y"] <= place["y"] and place["y"] + place["height"] <= box["y"] + box["height"] - 20


def test_on_a_phone_nothing_is_cut_and_the_map_comes_first(
    context: BrowserContext, app_server: AppServer, kept
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, app_server.url, "model:replayed")
    until(page, FRAMES - 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [page.locator(f"[data-muscope=unfold-{part}]").bounding_box() for part in ("map", "scrub", "samples")]
    assert [box["y"] for box in boxes] == sorted(box["y"] for box in boxes)
    assert all(box["width"] > 300 for box in boxes)


def test_a_line_that_is_lost_is_told_and_tried_again(page: Page, app_server: AppServer, kept) -> None:
    page.route("**/live/reels/**/frames/**", lambda route: route.abort())
    page.goto(f"{app_server.url}/train?run=model:replayed")
    page.get_by_text("Trying again").wait_for()
    page.unroute("**/live/reels/**/frames/**")
    page.wait_for_selector(f"{ROOT}[data-frames='{FRAMES}']")
