"""A path that plays: it shows what the decoder makes of the path's own codes, live and when the hand lets go."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.canvases import LIVE, cut_wire, painted, still
from tests.browser.conftest import AppServer
from tests.browser.rooms import alike, choose, decoded, engine, entry, go, pixels_of, press, rest, stage, turn_to
from vae.explore.latents import lerp, slerp

LAST = 66  # 12 frames in the strip, 6 steps from one to the next


def player(page: Page) -> dict[str, int]:
    """What the player says of itself: its frame, and how often the hand let go."""
    told = page.locator('[data-muscope="player"]').evaluate("e => ({...e.dataset})")
    return {name: int(told.get(name, 0)) for name in ("frame", "turn", "loaded")}


def path_of(page: Page, model: str, way=slerp) -> np.ndarray:
    """The codes of the path on the page, (67, L): from the images named by its two keyframes."""
    expect(page.locator('[data-muscope="keyframe"]')).to_have_count(2)
    known, ends = engine.encodings(entry(model)), []
    for end in page.locator('[data-muscope="keyframe"]').all():
        words = end.get_attribute("title") or ""
        found = re.match(r"(test|training) image ([\d,]+)", words)
        assert found, words
        row = known.row_of(f"{'test' if found[1] == 'test' else 'train'}/{found[2].replace(',', '')}")
        ends.append(known.mu[row])
    return way(*ends, LAST + 1)


def fetched(page: Page) -> None:
    page.wait_for_function(f"() => document.querySelector('.mu-player')?.dataset.loaded === '{LAST + 1}'")


@pytest.fixture
def path(page: Page, app_server: AppServer) -> np.ndarray:
    go(page, app_server.url, "paths", model="mnist")
    fetched(page)
    return path_of(page, "mnist")


def at(page: Page, share: float) -> tuple[float, float]:
    """A point of the window on the scrub."""
    box = still(page.locator('[data-muscope="scrub"]'))
    return box["x"] + 10 + share * (box["width"] - 20), box["y"] + box["height"] / 2


def test_every_frame_under_the_hand_is_the_decoders_and_letting_go_tells_python_once(
    page: Page, path: np.ndarray
) -> None:
    page.mouse.move(*at(page, 0))
    page.mouse.down()
    for share in (0.31, 0.0, 0.5, 0.77, 1.0):
        page.mouse.move(*at(page, share), steps=5)
        page.wait_for_timeout(60)
        frame = player(page)["frame"]
        assert frame == pytest.approx(share * LAST, abs=1)
        assert alike(painted(page.locator(LIVE)), decoded("mnist", path[frame]))
    page.mouse.move(*at(page, 0.4), steps=5)
    assert player(page)["turn"] == 0
    page.mouse.up()
    rest(page)
    found = player(page)
    assert found["turn"] == 1
    assert alike(stage(page), decoded("mnist", path[found["frame"]]))
    expect(page.locator(LIVE)).to_be_hidden()


def test_keys_scrub_to_both_ends_and_tell_python_once_they_rest(page: Page, path: np.ndarray) -> None:
    scrub = page.locator('[data-muscope="scrub"]')
    scrub.focus()
    for key, frame in (("End", LAST), ("ArrowLeft", LAST - 1), ("Home", 0), ("ArrowRight", 1)):
        scrub.press(key)
        assert player(page)["frame"] == frame
    expect(page.locator('[data-muscope="player"]')).to_have_attribute("data-turn", "1")
    rest(page)
    assert player(page)["turn"] == 1
    assert alike(stage(page), decoded("mnist", path[1]))
    assert scrub.get_attribute("aria-valuetext") == "2 % of the way"


def test_it_plays_there_and_back_and_pauses_where_it_is(page: Page, path: np.ndarray) -> None:
    root = page.locator('[data-muscope="player"]')
    expect(root).not_to_have_attribute("data-playing", "true")  # motion is not wanted here, so it waits to be asked
    page.evaluate(
        """() => {
            window.seen = [];
            const frame = () => Number(document.querySelector(".mu-player").dataset.frame);
            addEventListener("muscope:drawn", () => seen.push(frame()));
        }"""
    )
    page.get_by_role("radio", name="2×").click()
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"() => seen.includes({LAST}) && seen.at(-1) < 20 && seen.length > 30")
    page.locator('[data-muscope="scrub"]').press("Space")
    seen = np.array(page.evaluate("seen"))
    top = int(seen.argmax())
    assert (np.diff(seen[: top + 1]) >= 0).all() and (np.diff(seen[top:]) <= 0).all()
    assert ((seen[top:] > 20) & (seen[top:] < LAST)).sum() > 3  # by the way it came, not in one leap
    rest(page)
    frame = player(page)["frame"]
    assert page.evaluate("seen.at(-1)") == frame and player(page)["turn"] == 1
    assert alike(stage(page), decoded("mnist", path[frame]))
    page.wait_for_timeout(200)
    assert player(page)["frame"] == frame


def test_one_way_once_it_stops_at_the_other_end(page: Page, path: np.ndarray) -> None:
    for name in ("There and back", "Again and again"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("radio", name="2×").click()
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator('[data-muscope="player"]')).to_have_attribute("data-turn", "1")
    rest(page)
    assert player(page)["frame"] == LAST
    assert alike(stage(page), decoded("mnist", path[LAST]))
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_a_frame_is_kept_as_the_code_it_is(page: Page, path: np.ndarray) -> None:
    page.locator('[data-muscope="frame"]').nth(4).click()
    rest(page)
    assert player(page)["frame"] == 24
    assert alike(stage(page), decoded("mnist", path[24]))
    press(page, "Keep this frame")
    kept = page.locator('[class*="st-key-shelf-tap-"] button:visible img')
    expect(kept).to_have_count(1)
    assert alike(pixels_of(kept), decoded("mnist", path[24]))
    kept.click()
    rest(page)
    turn_to(page, "Sliders")
    assert alike(stage(page), decoded("mnist", path[24]))


def test_another_way_is_another_path_at_the_same_place(page: Page, path: np.ndarray) -> None:
    page.locator('[data-muscope="frame"]').nth(6).click()
    rest(page)
    page.get_by_role("radio", name="lerp", exact=True).click()
    rest(page)
    straight = path_of(page, "mnist", lerp)
    assert np.abs(straight[36] - path[36]).max() > 0.05
    assert player(page)["frame"] == 36
    assert alike(stage(page), decoded("mnist", straight[36]))
    choose(page, "Another picture", "one labelled 0")
    press(page, "Put in place of 2")
    assert alike(stage(page), decoded("mnist", path_of(page, "mnist", lerp)[36]))


def test_where_motion_is_welcome_it_starts_by_itself(browser: Browser, app_server: AppServer) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="no-preference")
    page = context.new_page()
    try:
        page.goto(f"{app_server.url}/paths?model=mnist")
        expect(page.locator('[data-muscope="player"]')).to_have_attribute("data-playing", "true", timeout=15_000)
        page.wait_for_function("() => Number(document.querySelector('.mu-player').dataset.frame) > 20")
    finally:
        context.close()


def test_without_the_wire_the_strip_is_what_plays_and_letting_go_still_counts(
    page: Page, app_server: AppServer
) -> None:
    cut_wire(page)
    go(page, app_server.url, "paths", model="mnist")
    expect(page.get_by_text("the path plays with the frames you see here")).to_be_visible(timeout=20_000)
    path = path_of(page, "mnist")
    page.mouse.move(*at(page, 0.2))
    page.mouse.down()
    page.mouse.move(*at(page, 32 / LAST), steps=5)
    page.wait_for_timeout(60)
    frame = player(page)["frame"]
    assert alike(painted(page.locator(LIVE)), decoded("mnist", path[round(frame / 6) * 6]))
    page.mouse.up()
    rest(page)
    assert frame % 6 and alike(stage(page), decoded("mnist", path[frame]))


# ---- keyframes -----------------------------------------------------------------------------------------------------


def titles(page: Page) -> list[str]:
    return [one.get_attribute("title") or "" for one in page.locator('[data-muscope="keyframe"]').all()]


def drag(page: Page, start: int, end: int) -> None:
    boxes = [one.bounding_box() for one in page.locator('[data-muscope="keyframe"]').all()]
    (x0, y0), (x1, y1) = ((b["x"] + b["width"] / 2, b["y"] + b["height"] / 2) for b in (boxes[start], boxes[end]))
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2, steps=4)
    page.mouse.move(x1, y1, steps=4)
    page.mouse.up()
    rest(page)


def test_five_keyframes_are_put_in_order_by_hand_and_keys_and_go_home_as_a_film(
    page: Page, app_server: AppServer
) -> None:
    go(page, app_server.url, "paths", model="mnist")
    for _ in range(3):
        press(page, "Add")
        press(page, "Another one")
    five = titles(page)
    assert len(five) == 5
    drag(page, 4, 1)
    moved = [five[0], five[4], *five[1:4]]
    assert titles(page) == moved
    chosen = page.locator('[data-muscope="keyframe"][aria-current="true"]')
    chosen.focus()
    page.keyboard.press("Alt+ArrowRight")
    rest(page)
    assert titles(page) == [five[0], five[1], five[4], *five[2:4]]
    page.keyboard.press("Delete")
    rest(page)
    assert titles(page) == five[:4]
    for left in ([five[0], five[1], five[4], *five[2:4]], moved):
        press(page, "Undo")
        assert titles(page) == left
    expect(page.locator('[data-muscope="frame"]')).to_have_count(12)
    press(page, "Take it home")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download GIF").click()
    film = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert (film.format, film.size) == ("GIF", (256, 256)) and film.n_frames == pytest.approx(100, abs=8)
    page.get_by_role("radio", name="MP4").click()
    rest(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download MP4").click()
    assert download.value.path().read_bytes()[4:8] == b"ftyp"
