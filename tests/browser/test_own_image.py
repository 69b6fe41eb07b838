"""A picture of one's own: opened and cut out in the browser, given to the model, and where all tools stand."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from live.wire import Picture
from tests.browser.canvases import LIVE, Asked, painted, still
from tests.browser.conftest import AppServer
from tests.browser.rooms import STAGE, alike, decoded, engine, entry, go, pixels_of, rest, stage, turn_to

GIVEN, CUT = '[data-muscope="own-given"]', '[data-muscope="own-cut"]'


def made_of(model: str, picture: np.ndarray) -> np.ndarray:
    """What a model draws of a picture (H, W, C) it is given: decode(encode(picture))."""
    return decoded(model, engine.encode(entry(model), picture[None])[0])


def png(pixels: np.ndarray, **more: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **more)
    return file.getvalue()


def photo(path: Path, turned: bool = True) -> np.ndarray:
    """A 3 in dark ink on uneven paper, as a phone saves it that was held upright: turned, with a note to turn it back.

    Returns what a person sees, (700, 900, 3).
    """
    generator = np.random.default_rng(0)
    paper = 205 + np.linspace(-15, 15, 900)[None] + generator.normal(0, 2, (700, 900))
    digit = Image.new("L", (400, 400))
    from vae.data import load

    known = load("digits", "test")
    row = int(np.flatnonzero(known.labels == 3)[0])
    digit = Image.fromarray(known.pixels[row, :, :, 0]).resize((400, 400), Image.Resampling.BICUBIC)
    paper[150:550, 250:650] -= 150 * np.asarray(digit, float) / 255
    seen = np.clip(np.stack([paper, paper * 0.97, paper * 0.9], axis=2), 0, 255).astype(np.uint8)
    image = Image.fromarray(seen)
    exif = image.getexif()
    if turned:
        image, exif[0x0112] = image.rotate(90, expand=True), 6
    exif[0x010E] = "where I live"
    image.save(path, quality=95, exif=exif)
    return seen


def open_own(page: Page, url: str, model: str, path: str = "sliders") -> None:
    go(page, url, path, model=model)
    page.get_by_text("Bring a picture", exact=True).click()
    expect(page.get_by_role("button", name="Choose a picture")).to_be_visible()


def choose(page: Page, file: Path) -> None:
    """Choose a file, and wait until Python has drawn the page with it."""
    old = page.locator(STAGE).get_attribute("src")
    page.locator('[data-muscope="own-file"]').set_input_files(file)
    page.wait_for_function(f"old => document.querySelector('{STAGE}').src !== old", arg=old)
    rest(page)


def given(page: Page) -> np.ndarray:
    return painted(page.locator(GIVEN)).astype(np.uint8)


def test_a_photo_is_turned_and_cut_to_the_digit_and_all_tools_stand_on_it(
    page: Page, app_server: AppServer, tmp_path: Path
) -> None:
    photo(tmp_path / "three.jpg")
    asked = Asked(page)
    open_own(page, app_server.url, "mnist", "map")
    choose(page, tmp_path / "three.jpg")
    seen = given(page)
    assert seen.shape == (28, 28) and seen[[0, -1]].max() == 0 and seen.max() == 255  # white on black, its ground plain
    lit = np.argwhere(seen > 128)
    assert (lit.min(axis=0) >= 2).all() and (lit.max(axis=0) <= 25).all() and np.ptp(lit[:, 0]) >= 14
    expect(page.locator('[data-muscope="own-closest"]')).to_contain_text("closest: 3")
    sent = asked.last(Picture).ask
    assert isinstance(sent, Picture) and sent.pixels.shape == (28, 28, 1)  # so many pixels, and nothing else, went out
    assert np.array_equal(sent.pixels[:, :, 0], seen)
    assert alike(stage(page), made_of("mnist", seen[:, :, None]))
    assert np.array_equal(pixels_of(page.locator('[data-muscope="original"]')), seen)
    expect(page.locator("figcaption", has_text="reconstruction of your picture")).to_be_visible()
    expect(page.locator('img[data-muscope="own-draw"]')).to_have_count(6)
    turn_to(page, "Paths")
    assert alike(pixels_of(page.locator('[data-muscope="keyframe"] img').first), made_of("mnist", seen[:, :, None]))


def test_the_frame_follows_the_hand_and_every_pixel_is_a_mean(
    page: Page, app_server: AppServer, tmp_path: Path
) -> None:
    # Squares of 4 x 4 pixels, each of one colour: a model's pixel is the mean of what lies under it, here all of one.
    colours = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    (tmp_path / "wide.png").write_bytes(png(np.kron(colours, np.ones((4, 4, 1), np.uint8))))
    open_own(page, app_server.url, "faces")
    choose(page, tmp_path / "wide.png")
    assert np.abs(given(page).astype(int) - colours[:, 16:80]).max() <= 1
    cut = page.locator(CUT)
    box = still(cut)
    x, y, old = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, page.locator(STAGE).get_attribute("src")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y, steps=5)
    page.mouse.move(x - 400, y, steps=3)  # further than the picture: the frame stays on it
    expect(page.locator(LIVE)).to_be_visible()
    assert np.abs(given(page).astype(int) - colours[:, :64]).max() <= 1
    assert page.locator(STAGE).get_attribute("src") == old  # Python was not told yet
    page.mouse.up()
    page.wait_for_function(f"old => document.querySelector('{STAGE}').src !== old", arg=old)
    rest(page)
    assert alike(stage(page), made_of("faces", given(page)))
    cut.focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    assert np.abs(given(page).astype(int) - colours[:, 32:]).max() <= 1
    slider = page.locator('[data-muscope="own-size"]')
    slider.focus()
    page.keyboard.press("End")  # all of it, and what lies beside it is its own ground
    whole = given(page)
    assert np.ptp(whole[0].astype(int), axis=0).max() <= 1 and np.ptp(whole[32].astype(int), axis=0).max() > 50


def paste(target: Locator, files: dict[str, bytes], kind: str) -> None:
    """Files that are pasted or dropped on a part of the page."""
    sent = {name: base64.b64encode(data).decode() for name, data in files.items()}
    target.evaluate(
        """(part, [files, kind]) => {
          const transfer = new DataTransfer();
          for (const [name, text] of Object.entries(files)) {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            transfer.items.add(new File([bytes], name, { type: name.endsWith("png") ? "image/png" : "text/plain" }));
          }
          const event = kind === "paste"
            ? new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true })
            : new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true });
          part.dispatchEvent(event);
        }""",
        [sent, kind],
    )


def test_it_may_be_pasted_or_dropped_and_what_is_no_picture_is_told(
    page: Page, app_server: AppServer, console_errors: list[str]
) -> None:
    open_own(page, app_server.url, "mnist")
    note, drop = page.locator('[data-muscope="own-note"]'), page.locator('[data-muscope="own-drop"]')
    paste(drop, {"notes.txt": b"hello"}, "drop")
    expect(note).to_contain_text("That is no picture")
    paste(drop, {"broken.png": b"\x89PNG broken"}, "drop")
    expect(note).to_contain_text("cannot read that as a picture")
    assert page.locator(STAGE).get_attribute("alt", timeout=1000) == "What the model draws for test image 0: 7"
    picture = np.zeros((56, 56, 3), np.uint8)
    picture[10:46, 24:32] = 255
    for way, where in (("drop", drop), ("paste", page.locator("body"))):
        paste(where, {"one.png": png(picture if way == "drop" else 255 - picture)}, way)
        expect(page.locator("figcaption", has_text="your picture")).to_be_visible()
        expect(page.locator('[data-muscope="own-closest"]')).to_have_text("closest: 1, 1, 1")
        assert given(page)[14, 14] == 255 and given(page)[0, 0] == 0  # black on white is turned to white on black
    invert = page.get_by_role("button", name="Inverted")
    expect(invert).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Plain ground").click()
    invert.click()
    expect(invert).to_have_attribute("aria-pressed", "false")
    assert given(page)[0, 0] == 255 and given(page)[14, 14] == 0
    assert not [line for line in console_errors if "404" not in line]


@pytest.mark.parametrize("model", ["mnist"])
def test_on_a_phone_a_photo_is_offered_and_moved_by_a_finger(
    browser: Browser, app_server: AppServer, tmp_path: Path, model: str
) -> None:
    photo(tmp_path / "three.jpg", turned=False)
    phone = {"width": 390, "height": 844}
    context = browser.new_context(viewport=phone, has_touch=True, is_mobile=True, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    page = context.new_page()
    open_own(page, app_server.url, model)
    expect(page.get_by_role("button", name="Take a photo")).to_be_visible()
    assert page.locator('[data-muscope="own-camera"]').get_attribute("capture") == "environment"
    choose(page, tmp_path / "three.jpg")
    cut = page.locator(CUT)
    box = still(cut)
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    before = given(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = context.new_cdp_session(page)
    for kind, at in (("touchStart", x), ("touchMove", x + 15), ("touchMove", x + 30), ("touchEnd", None)):
        points = [] if at is None else [{"x": at, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(100)
    assert not np.array_equal(given(page), before)
    context.close()
