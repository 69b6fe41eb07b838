"""What a person does in the browser, on every page, with the models that ship."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser.conftest import AppServer
from tests.browser.rooms import (
    PAGES,
    STAGE,
    alike,
    asked,
    choose,
    engine,
    entry,
    go,
    pixels_of,
    press,
    reconstruction,
    rest,
    said,
    stage,
    turn_to,
)
from vae.data.faces import MOUTH_BOX

OURS = re.compile(r"\b(stage|instrument|evidence|console|board|shower)s?\b", re.IGNORECASE)
# Streamlit looks for its own server below a page's path first, and finds none there.
PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")


@pytest.fixture(autouse=True)
def quiet(context: BrowserContext) -> Iterator[None]:
    """In every journey: the browser complains of nothing, and nothing is asked of any other machine."""
    hosts: set[str | None] = set()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not PROBE.search(message.location.get("url", "")):
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    context.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    context.on("console", note)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield
    assert hosts <= {"127.0.0.1", None}  # None: pictures that are in the page itself
    assert complaints == []


# ---- map -----------------------------------------------------------------------------------------------------------


def dots(page: Page) -> tuple[np.ndarray, np.ndarray]:
    """Where Plotly has drawn the dots, pixels (N, 2) in the window, and the row of each."""
    found = page.evaluate(
        """() => {
            const plot = document.querySelector('.js-plotly-plot'), layout = plot._fullLayout;
            const box = plot.getBoundingClientRect(), x = layout.xaxis, y = layout.yaxis;
            const out = [];
            for (const trace of plot._fullData) {
                if (!trace.customdata) continue;
                for (let i = 0; i < trace.x.length; i++)
                    out.push([box.left + x._offset + x.l2p(trace.x[i]), box.top + y._offset + y.l2p(trace.y[i]),
                              Number(trace.customdata[i])]);
            }
            return out;
        }"""
    )
    table = np.array(found)
    return table[:, :2], table[:, 2].astype(int)


def lonely(xy: np.ndarray, inside: dict[str, float], count: int) -> list[int]:
    """Dots with the most room around them: a press there can mean no other."""
    chosen = np.random.default_rng(0).permutation(len(xy))[:400]
    margin = 12
    left, top = inside["x"] + margin, inside["y"] + margin
    right, bottom = inside["x"] + inside["width"] - margin, inside["y"] + inside["height"] - margin
    seen = [i for i in chosen if left < xy[i, 0] < right and top < xy[i, 1] < bottom]
    room = [np.partition(np.hypot(*(xy - xy[i]).T), 1)[1] for i in seen]
    order = np.argsort(room)[::-1][:count]
    assert room[order[-1]] > 2, "no dot stands apart"
    return [seen[i] for i in order]


@pytest.mark.parametrize(("model", "presses"), [("faces", (0, 1, 0)), ("mnist-2d", (0,))])
def test_a_press_on_the_map_shows_that_image(
    page: Page, app_server: AppServer, model: str, presses: tuple[int, ...]
) -> None:
    go(page, app_server.url, "map", model=model)
    page.wait_for_selector(".js-plotly-plot .nsewdrag")
    page.locator(".js-plotly-plot").scroll_into_view_if_needed()
    rest(page)
    known = engine.encodings(entry(model))
    xy, rows = dots(page)
    assert len(rows) == len(known) and len(set(rows)) == len(known)  # all are drawn, each once
    inside = page.locator(".js-plotly-plot .nsewdrag").bounding_box()
    assert inside is not None
    apart = lonely(xy, inside, 2)
    for dot in (apart[i] for i in presses):  # back to one that was pressed before, too
        image_id = known.image_id(int(rows[dot]))
        page.mouse.move(*xy[dot] + 40)
        page.mouse.move(*xy[dot], steps=4)
        page.wait_for_timeout(250)  # Plotly looks for the dot under the hand some time after it came
        page.mouse.click(*xy[dot])
        page.wait_for_function("id => new URLSearchParams(location.search).get('image') === id", arg=image_id)
        rest(page)
        assert alike(stage(page), reconstruction(model, image_id))
        assert page.locator('[data-muscope="neighbour"]').count() >= 5
    assert np.allclose(dots(page)[0][apart[0]], xy[apart[0]], atol=2)  # a press does not move the map


def test_a_press_keeps_the_zoom(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "map", model="faces")
    inside = page.locator(".js-plotly-plot .nsewdrag").bounding_box()
    assert inside is not None
    whole, rows = dots(page)
    page.mouse.move(*whole.mean(axis=0))
    for _ in range(5):
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(100)
    rest(page)
    near, _ = dots(page)
    assert np.ptp(near, axis=0).max() > 1.5 * np.ptp(whole, axis=0).max()
    (dot,) = lonely(near, inside, 1)
    image_id = engine.encodings(entry("faces")).image_id(int(rows[dot]))
    page.mouse.click(*near[dot])
    page.wait_for_function("id => new URLSearchParams(location.search).get('image') === id", arg=image_id)
    rest(page)
    assert np.allclose(dots(page)[0][dot], near[dot], atol=2)


def test_a_map_can_be_looked_at_in_other_ways(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "map", model="faces")
    page.wait_for_selector(".js-plotly-plot .nsewdrag")
    choose(page, "Colour", "glasses")
    expect(page.locator(".js-plotly-plot .legendtext", has_text="no glasses")).to_be_visible()
    page.get_by_role("radio", name="Two dimensions").click()
    expect(page.locator(".js-plotly-plot .xtitle")).to_contain_text("dimension")
    rest(page)


# ---- sliders -------------------------------------------------------------------------------------------------------


def test_a_slider_moved_by_keys_changes_the_picture(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    before = stage(page)
    assert alike(before, reconstruction("faces", "test/7"))
    slider = page.get_by_test_id("stMain").get_by_role("slider").first
    old = page.locator(STAGE).get_attribute("src")
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(f"old => document.querySelector('{STAGE}').src !== old", arg=old)
    rest(page)
    assert np.abs(stage(page) - before).max() > 3
    assert "image" not in asked(page)
    press(page, "Back to the image")
    assert alike(stage(page), before) and asked(page)["image"] == "test/7"


# ---- paths ---------------------------------------------------------------------------------------------------------


def test_a_path_from_a_three_to_an_eight_has_twelve_frames_and_ends_on_its_ends(
    page: Page, app_server: AppServer
) -> None:
    go(page, app_server.url, "paths", model="mnist")
    choose(page, "From", "one labelled 3")
    choose(page, "To", "one labelled 8")
    frames = page.locator('[data-muscope="frame"]')
    expect(frames).to_have_count(12)
    known = engine.encodings(entry("mnist"))
    for end, frame, label in (("from", frames.first, 3), ("to", frames.last, 8)):
        shown = page.locator(f'[data-muscope="{end}"]')
        assert np.array_equal(pixels_of(shown), pixels_of(frame))
        words = shown.get_attribute("alt") or ""
        found = re.fullmatch(r"(test|training) image ([\d,]+): (\d)", words)
        assert found and int(found[3]) == label, words
        image_id = f"{'test' if found[1] == 'test' else 'train'}/{found[2].replace(',', '')}"
        assert known.labels[known.row_of(image_id)] == label
        assert alike(pixels_of(frame), reconstruction("mnist", image_id))
    assert len({frame.get_attribute("src") for frame in frames.all()}) == 12


# ---- attributes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["faces", "faces-fair"])
def test_a_smile_moves_the_mouth_five_times_as_much_as_the_rest(page: Page, app_server: AppServer, model: str) -> None:
    known = engine.encodings(entry(model))
    smiles = known.attributes[:, known.attribute_names.index("smile")]
    face = next(i for i in range(200) if (row := known.row_of(f"test/{i}")) is not None and smiles[row] == 0)
    go(page, app_server.url, "attributes", model=model, image=f"test/{face}")
    choose(page, "Attribute", "smile")
    slider = page.get_by_test_id("stMain").get_by_role("slider")
    pictures = {}
    for strength, words in (("1.00", "smile +1"), ("0.00", "smile +0")):
        for _ in range(60):
            if slider.get_attribute("aria-valuetext") == strength:
                break
            slider.press("ArrowLeft")
        expect(page.get_by_text(words, exact=False).first).to_be_visible()
        rest(page)
        pictures[strength] = stage(page)
    assert alike(pictures["0.00"], reconstruction(model, f"test/{face}"))
    moved = np.abs(pictures["1.00"] - pictures["0.00"]).mean(axis=2)  # (64, 64)
    y0, y1, x0, x1 = MOUTH_BOX
    mouth = np.zeros(moved.shape, bool)
    mouth[y0:y1, x0:x1] = True
    assert moved[mouth].mean() >= 5 * moved[~mouth].mean(), moved[mouth].mean() / moved[~mouth].mean()


# ---- sample --------------------------------------------------------------------------------------------------------


def test_sixty_four_samples_are_sixty_four_pictures(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sample", model="faces")
    page.get_by_role("slider", name="How many").press("End")
    samples = page.locator('[class*="st-key-sample-grid-tap-"] img')
    expect(samples).to_have_count(64)
    rest(page)
    pictures = [pixels_of(sample) for sample in samples.all()]
    assert all(picture.shape == (64, 64, 3) for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 64
    samples.nth(5).click()
    kept = page.locator('[class*="st-key-shelf-tap-"] button:visible img')
    expect(kept).to_have_count(1)
    expect(page.get_by_text("Kept: find it on the shelf.")).to_be_visible()
    assert np.array_equal(pixels_of(kept), pictures[5])

    before = samples.first.get_attribute("src")
    page.get_by_role("switch", name="Keep drawing").press("Space")
    for _ in range(2):  # drawn anew on its own, and again
        page.wait_for_function(
            "old => document.querySelector('[class*=st-key-sample-grid-tap-] img').src !== old", arg=before
        )
        before = samples.first.get_attribute("src")


# ---- the whole house -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["faces", "mnist-2d"])
def test_no_page_says_a_word_of_the_builders(page: Page, app_server: AppServer, model: str) -> None:
    for path in PAGES:
        go(page, app_server.url, path, model=model)
        words = said(page)
        assert len(words.split()) > 40, words
        assert [match.group() for match in OURS.finditer(words)] == [], path


def test_moving_between_pages_loses_nothing(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/11")
    slider = page.get_by_test_id("stMain").get_by_role("slider").first
    old = page.locator(STAGE).get_attribute("src")
    for _ in range(40):
        slider.press("ArrowLeft")
    page.wait_for_function(f"old => document.querySelector('{STAGE}').src !== old", arg=old)
    rest(page)
    value, turned = slider.get_attribute("aria-valuetext"), stage(page)
    press(page, "Keep this code")
    shelf = page.locator('[class*="st-key-shelf-tap-"] button:visible img')
    expect(shelf).to_have_count(1)
    assert alike(pixels_of(shelf), turned)

    turn_to(page, "Paths")
    choose(page, "From", "one with hat")
    choose(page, "To", "one with glasses")
    expect(page.locator('[data-muscope="frame"]')).to_have_count(12)
    frames = [frame.get_attribute("src") for frame in page.locator('[data-muscope="frame"]').all()]
    turn_to(page, "Sample")
    page.get_by_role("slider", name="How many").press("Home")
    expect(page.locator('[class*="st-key-sample-grid-tap-"] img')).to_have_count(4)
    rest(page)
    choose(page, "Model", "Digits on a plane")
    assert asked(page)["model"] == "mnist-2d"
    for title in ("Start", "Map", "Attributes", "Train"):
        turn_to(page, title)
    choose(page, "Model", "Cartoon faces")

    turn_to(page, "Sliders")
    assert alike(stage(page), turned)
    assert page.get_by_test_id("stMain").get_by_role("slider").first.get_attribute("aria-valuetext") == value
    turn_to(page, "Paths")
    assert [frame.get_attribute("src") for frame in page.locator('[data-muscope="frame"]').all()] == frames
    turn_to(page, "Sample")
    expect(page.locator('[class*="st-key-sample-grid-tap-"] img')).to_have_count(4)
    expect(shelf).to_have_count(1)

    press(page, "Empty the shelf")
    expect(shelf).to_have_count(0)
    press(page, "Put them back")
    expect(shelf).to_have_count(1)
    turn_to(page, "Sliders")
    press(page, "Back to the image")
    assert alike(stage(page), reconstruction("faces", "test/11"))
    page.locator('[class*="st-key-shelf-tap-"] button:visible').click()
    rest(page)
    assert alike(stage(page), turned)
    press(page, "Undo")
    assert alike(stage(page), reconstruction("faces", "test/11"))


@pytest.mark.parametrize("path", ["sliders", "map"])
def test_a_link_to_a_cold_server_opens_with_its_frame_and_its_image(
    page: Page, start_app: Callable[[], AppServer], path: str
) -> None:
    server = start_app()
    page.goto(f"{server.url}/{path}?model=mnist&image=test/7")
    expect(page.locator(STAGE)).to_be_visible()
    rest(page)
    menu = page.get_by_test_id("stSidebarNav")
    for title in ("Start", "Map", "Sliders", "Paths", "Attributes", "Sample", "Train"):
        expect(menu.get_by_role("link", name=title, exact=True)).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox")).to_have_value("Handwritten digits")
    assert alike(stage(page), reconstruction("mnist", "test/7"))
    assert asked(page) == {"model": "mnist", "image": "test/7"}
    page.goto("about:blank")  # before its server goes: the page would complain


@pytest.mark.parametrize("path", PAGES)
def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Browser, app_server: AppServer, path: str) -> None:
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    try:
        page.goto(f"{app_server.url}/{path}?model=faces")
        page.wait_for_selector('[data-testid="stMain"] h1, [data-testid="stMain"] h3')
        rest(page)
        wide = page.evaluate(
            """() => [document.documentElement, document.body, document.querySelector('[data-testid=stMain]')]
                .map(e => [e.scrollWidth, e.clientWidth])"""
        )
        assert all(scroll <= client for scroll, client in wide), wide
        if path not in ("sample", "train"):
            box = page.locator(STAGE).bounding_box()
            assert box is not None and box["width"] > 120
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
            assert box["y"] + box["height"] <= 844, "the picture is below the fold"
    finally:
        phone.close()
