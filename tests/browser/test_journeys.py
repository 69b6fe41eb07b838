"""What a person does in the browser, on every page, with the models that ship."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError, expect

from tests.browser.conftest import AppServer
from tests.browser.knobs import knob_names, turn_knob, value_of
from tests.browser.rooms import (
    PAGES,
    STAGE,
    alike,
    asked,
    choose,
    decoded,
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

OURS = re.compile(r"\b(stage|instrument|evidence|console|board|shower|shelf)s?\b", re.IGNORECASE)
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

    def address(request: Request) -> None:
        hosts.add(urlsplit(request.url).hostname)

    def wrong(error: WebError) -> None:
        complaints.append(str(error.error))

    listeners = (("request", address), ("console", note), ("weberror", wrong))
    for event, listener in listeners:
        context.on(event, listener)
    yield
    for event, listener in listeners:
        context.remove_listener(event, listener)
    assert hosts <= {"127.0.0.1", None}  # None: pictures that are in the page itself
    assert complaints == []


# ---- paths ---------------------------------------------------------------------------------------------------------


def test_a_path_from_a_three_to_an_eight_has_twelve_frames_and_ends_on_its_ends(
    page: Page, app_server: AppServer
) -> None:
    go(page, app_server.url, "paths", model="mnist")
    for at, kind in ((1, "3"), (2, "8")):
        page.get_by_role("button", name=f"Keyframe {at} of 2").click()
        rest(page)
        choose(page, "Another picture", f"one labelled {kind}")
        press(page, f"Put in place of {at}")
    frames = page.locator('[data-muscope="frame"]')
    expect(frames).to_have_count(12)
    known = engine.encodings(entry("mnist"))
    keyframes = page.locator('[data-muscope="keyframe"]')
    for end, frame, label in ((keyframes.first, frames.first, 3), (keyframes.last, frames.last, 8)):
        assert np.array_equal(pixels_of(end.locator("img")), pixels_of(frame))
        words = end.get_attribute("title") or ""
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
    pictures = {}
    for strength in (1.0, 0.0):
        turn_knob(page, "Strength", strength)
        pictures[f"{strength:.2f}"] = stage(page)
    assert alike(pictures["0.00"], reconstruction(model, f"test/{face}"))
    moved = np.abs(pictures["1.00"] - pictures["0.00"]).mean(axis=2)  # (64, 64)
    y0, y1, x0, x1 = MOUTH_BOX
    mouth = np.zeros(moved.shape, bool)
    mouth[y0:y1, x0:x1] = True
    assert moved[mouth].mean() >= 5 * moved[~mouth].mean(), moved[mouth].mean() / moved[~mouth].mean()


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
    name = knob_names(page)[0]
    turn_knob(page, name, -1.25)
    turned = stage(page)
    assert alike(turned, decoded("faces", with_value(mu_of("faces", "test/11"), name, -1.25)))
    press(page, "Keep this code")
    shelf = page.locator('[class*="st-key-shelf-tap-"] button:visible img')
    expect(shelf).to_have_count(1)
    assert alike(pixels_of(shelf), turned)

    turn_to(page, "Paths")
    choose(page, "Another picture", "one with glasses")
    press(page, "Put in place of 2")
    expect(page.locator('[data-muscope="frame"]')).to_have_count(12)
    frames = [frame.get_attribute("src") for frame in page.locator('[data-muscope="frame"]').all()]
    turn_to(page, "Sample")
    page.get_by_role("radio", name="16", exact=True).click()
    expect(page.locator('[data-muscope="sample"]')).to_have_count(16)
    rest(page)
    choose(page, "Model", "Digits on a plane")
    assert asked(page)["model"] == "mnist-2d"
    for title in ("Start", "Map", "Attributes", "Train"):
        turn_to(page, title)
    choose(page, "Model", "Cartoon faces")

    turn_to(page, "Sliders")
    assert alike(stage(page), turned)
    assert value_of(page, name) == -1.25
    turn_to(page, "Paths")
    assert [frame.get_attribute("src") for frame in page.locator('[data-muscope="frame"]').all()] == frames
    turn_to(page, "Sample")
    expect(page.locator('[data-muscope="sample"]')).to_have_count(16)
    expect(shelf).to_have_count(1)

    press(page, "Remove all codes")
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


def mu_of(model: str, image_id: str) -> np.ndarray:
    known = engine.encodings(entry(model))
    return known.mu[known.row_of(image_id)]


def with_value(code: np.ndarray, name: str, value: float) -> np.ndarray:
    """A code with the dimension that a knob is called after set."""
    turned = code.copy()
    turned[int(name.removeprefix("Dimension "))] = value
    return turned


@pytest.mark.parametrize("path", ["sliders", "map"])
def test_a_link_to_a_cold_server_opens_with_its_frame_and_its_image(
    page: Page, start_app: Callable[[], AppServer], path: str
) -> None:
    server = start_app()
    page.goto(f"{server.url}/{path}?model=mnist&image=test/7")
    expect(page.locator(STAGE)).to_be_visible(timeout=60_000)  # it loads torch first
    rest(page)
    menu = page.get_by_test_id("stSidebar")
    for title in ("Start", "Map", "Sliders", "Paths", "Attributes", "Sample", "Train"):
        expect(menu.get_by_role("link", name=title, exact=True)).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox")).to_have_value("Handwritten digits")
    assert alike(stage(page), reconstruction("mnist", "test/7"))
    assert asked(page) == {"model": "mnist", "image": "test/7"}
    page.goto("about:blank")  # before its server goes: the page would complain


@pytest.fixture(scope="module")
def phone(browser: Browser) -> Iterator[Page]:
    """A tab that goes from link to link."""
    made = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield made.new_page()
    made.close()


@pytest.mark.parametrize("path", PAGES)
def test_on_a_phone_nothing_is_wider_than_the_screen(phone: Page, app_server: AppServer, path: str) -> None:
    go(phone, app_server.url, path, model="faces")
    wide = phone.evaluate(
        """() => [document.documentElement, document.body, document.querySelector('[data-testid=stMain]')]
            .map(e => [e.scrollWidth, e.clientWidth])"""
    )
    assert all(scroll <= client for scroll, client in wide), wide
    if path not in ("bring", "models", "train", "compare"):  # which have no one picture
        box = phone.locator(STAGE).bounding_box()
        assert box is not None and box["width"] > 120
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844, "the picture is below the fold"
