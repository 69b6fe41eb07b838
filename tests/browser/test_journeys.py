"""What a person does in the browser, on every page, with the models that ship."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from tests.browser.conftest import AppServer
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


@pytest.mark.parametrize("model", ["faces", "mnist", "mnist-2d"])
def test_a_press_on_the_map_shows_that_image(page: Page, app_server: AppServer, model: str) -> None:
    go(page, app_server.url, "map", model=model)
    page.wait_for_selector(".js-plotly-plot .nsewdrag")
    page.locator(".js-plotly-plot").scroll_into_view_if_needed()
    rest(page)
    known = engine.encodings(entry(model))
    xy, rows = dots(page)
    assert len(rows) == len(known) and len(set(rows)) == len(known)  # all are drawn, each once
    inside = page.locator(".js-plotly-plot .nsewdrag").bounding_box()
    assert inside is not None
    first, second = lonely(xy, inside, 2)
    for dot in (first, second, first):  # back to one that was pressed before, too
        image_id = known.image_id(int(rows[dot]))
        page.mouse.move(*xy[dot] + 40)
        page.mouse.move(*xy[dot], steps=4)
        page.wait_for_timeout(250)  # Plotly looks for the dot under the hand some time after it came
        page.mouse.click(*xy[dot])
        page.wait_for_function("id => new URLSearchParams(location.search).get('image') === id", arg=image_id)
        rest(page)
        assert alike(stage(page), reconstruction(model, image_id))
        assert page.locator('[data-muscope="neighbour"]').count() >= 5
        assert np.allclose(dots(page)[0][dot], xy[dot], atol=2)  # a press does not move the map


def test_a_map_can_be_looked_at_in_other_ways(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "map", model="faces")
    page.wait_for_selector(".js-plotly-plot .nsewdrag")
    umap, _ = dots(page)
    page.get_by_role("radio", name="PCA").or_(page.get_by_role("button", name="PCA")).first.click()
    rest(page)
    page.wait_for_timeout(500)
    pca, _ = dots(page)
    assert not np.allclose(umap, pca, atol=5)
    choose(page, "Colour", "glasses")
    expect(page.locator(".js-plotly-plot .legendtext", has_text="no glasses")).to_be_visible()


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


def smile_at(page: Page, strength: str) -> np.ndarray:
    """The picture with that much smile, by the row of strengths: (64, 64, 3)."""
    return pixels_of(page.locator('[data-muscope="step"]').and_(page.get_by_alt_text(f"smile at strength {strength}", exact=True)))


@pytest.mark.parametrize("model", ["faces", "faces-fair"])
def test_a_smile_moves_the_mouth_five_times_as_much_as_the_rest(page: Page, app_server: AppServer, model: str) -> None:
    known = engine.encodings(entry(model))
    smiles = known.attributes[:, known.attribute_names.index("smile")]
    face = next(i for i in range(200) if (row := known.row_of(f"test/{i}")) is not None and smiles[row] == 0)
    go(page, app_server.url, "attributes", model=model, image=f"test/{face}")
    choose(page, "Attribute", "smile")
    slider = page.get_by_test_id("stMain").get_by_role("slider")
    pictures = {}
    for strength in ("1.00", "0.00"):
        for _ in range(60):
            if slider.get_attribute("aria-valuetext") == strength or slider.get_attribute("aria-valuenow") == str(float(strength)):
                break
            slider.press("ArrowLeft")
        rest(page)
        pictures[strength] = stage(page)
    assert alike(pictures["0.00"], reconstruction(model, f"test/{face}"))
    moved = np.abs(pictures["1.00"] - pictures["0.00"]).mean(axis=2)  # (64, 64)
    y0, y1, x0, x1 = MOUTH_BOX
    mouth = np.zeros(moved.shape, bool)
    mouth[y0:y1, x0:x1] = True
    assert moved[mouth].mean() >= 5 * moved[~mouth].mean(), moved[mouth].mean() / moved[~mouth].mean()
