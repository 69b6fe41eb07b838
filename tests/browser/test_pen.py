"""A drawing and a face of one's own: what the page shows of them is what Python makes of the same ink and factors."""

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from live.wire import Drawing, Face
from tests.browser.canvases import LIVE, Asked, cut_wire, painted, still
from tests.browser.conftest import AppServer
from tests.browser.rooms import (
    STAGE,
    alike,
    decoded,
    engine,
    entry,
    go,
    pixels_of,
    press,
    reconstruction,
    rest,
    stage,
    turn_to,
)
from vae.data import faces
from vae.data.faces import FACTORS, FaceFactors
from vae.explore.drawing import centred

ONE = [(0.52, 0.2), (0.5, 0.5), (0.48, 0.8)]
BAR = [(0.3, 0.5), (0.5, 0.48), (0.75, 0.5)]


def made_of(model: str, picture: np.ndarray) -> np.ndarray:
    """What a model draws of a picture (H, W, C) it is given: decode(encode(picture))."""
    return decoded(model, engine.encode(entry(model), picture[None])[0])


def made_of_ink(model: str, drawing: Drawing) -> np.ndarray:
    return made_of(model, centred(drawing.ink, 28)[:, :, None])


def open_pad(page: Page, url: str, model: str = "mnist", path: str = "sliders") -> Locator:
    go(page, url, path, model=model)
    page.get_by_text("Draw one", exact=True).click()
    pad = page.locator('[data-muscope="pad"]')
    pad.scroll_into_view_if_needed()
    expect(page.get_by_text("draw here")).to_be_visible()
    page.wait_for_timeout(400)  # the fold opens
    return pad


def point(pad: Locator, x: float, y: float) -> tuple[float, float]:
    box = pad.bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def stroke(page: Page, pad: Locator, points: list[tuple[float, float]], lift: bool = True) -> None:
    page.mouse.move(*point(pad, *points[0]))
    page.mouse.down()
    for each in points[1:]:
        page.mouse.move(*point(pad, *each), steps=8)
    if lift:
        page.mouse.up()


def settled(page: Page, old: str | None) -> None:
    """Wait until Python has drawn the page with what the hand left."""
    page.wait_for_function(f"old => document.querySelector('{STAGE}').src !== old", arg=old)
    rest(page)


def large(page: Page) -> str | None:
    return page.locator(STAGE).get_attribute("src")


# ---- the pen -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["mnist", "mnist-2d", "fashion-mnist"])
def test_a_one_is_encoded_under_the_pen_and_all_tools_stand_on_it(
    page: Page, app_server: AppServer, model: str
) -> None:
    asked = Asked(page)
    pad = open_pad(page, app_server.url, model)
    old = large(page)
    stroke(page, pad, ONE, lift=False)
    expect(page.locator(LIVE)).to_be_visible()
    page.wait_for_timeout(700)  # the newest answer is there
    seen = asked.last(Drawing).ask
    assert isinstance(seen, Drawing)
    assert alike(painted(page.locator(LIVE)), made_of_ink(model, seen))
    assert np.array_equal(painted(page.locator('[data-muscope="given"]')), centred(seen.ink, 28))
    assert large(page) == old  # Python was not told yet
    page.mouse.up()
    settled(page, old)
    assert alike(stage(page), made_of_ink(model, seen))
    assert page.locator("figcaption", has_text="your drawing").count() == 1
    turn_to(page, "Paths")
    assert alike(pixels_of(page.locator('[data-muscope="keyframe"] img').first), made_of_ink(model, seen))


def test_a_drawn_one_is_closest_to_ones(page: Page, app_server: AppServer) -> None:
    pad = open_pad(page, app_server.url)
    stroke(page, pad, ONE)
    expect(page.locator('[data-muscope="closest"]')).to_have_text("closest: 1, 1, 1")
    expect(page.locator('[data-muscope="unusual"]')).not_to_be_empty()


def test_a_stroke_can_be_taken_back_and_all_of_them_wiped(page: Page, app_server: AppServer) -> None:
    asked = Asked(page)
    pad = open_pad(page, app_server.url)
    undo, clear = page.get_by_role("button", name="Undo the last stroke"), page.get_by_role("button", name="Clear")
    expect(undo).to_be_disabled()
    pictures = []
    for points in (ONE, BAR):
        old = large(page)
        stroke(page, pad, points)
        settled(page, old)
        pictures.append(stage(page))
    assert np.abs(pictures[1] - pictures[0]).max() > 30
    ink = painted(pad)
    undo.click()
    rest(page)
    page.wait_for_timeout(300)
    rest(page)
    assert alike(stage(page), pictures[0])
    assert np.abs(painted(pad) - ink).max() > 200
    seen = asked.last(Drawing).ask
    assert isinstance(seen, Drawing) and alike(stage(page), made_of_ink("mnist", seen))

    clear.click()
    expect(page.get_by_text("Nothing is drawn yet.")).to_be_visible()
    rest(page)
    assert not painted(pad).any() and clear.is_disabled()
    assert alike(stage(page), pictures[0])  # the tools stay where they stood
    expect(page.locator('[data-testid="stAlert"]')).to_have_count(0)


def test_an_eraser_takes_ink_away(page: Page, app_server: AppServer) -> None:
    pad = open_pad(page, app_server.url)
    stroke(page, pad, ONE)
    rest(page)
    before = (painted(pad) > 0).sum()
    page.get_by_role("radio", name="Eraser").click()
    stroke(page, pad, [(0.4, 0.5), (0.6, 0.5)])
    rest(page)
    assert (painted(pad) > 0).sum() < 0.9 * before


def test_keys_draw_too(page: Page, app_server: AppServer) -> None:
    asked = Asked(page)
    pad = open_pad(page, app_server.url)
    old = large(page)
    pad.focus()
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    settled(page, old)
    seen = asked.last(Drawing).ask
    assert isinstance(seen, Drawing) and seen.ink.shape[0] > 3 * seen.ink.shape[1]  # upright, like a one
    assert alike(stage(page), made_of_ink("mnist", seen))


def test_a_drawing_is_still_there_on_the_next_page(page: Page, app_server: AppServer) -> None:
    pad = open_pad(page, app_server.url)
    old = large(page)
    stroke(page, pad, ONE)
    settled(page, old)
    turn_to(page, "Map")
    page.get_by_text("Draw one", exact=True).click()
    pad = page.locator('[data-muscope="pad"]')
    pad.scroll_into_view_if_needed()
    page.wait_for_timeout(400)
    assert (painted(pad) > 100).sum() > 500
    expect(page.locator('[data-muscope="closest"]')).to_have_text("closest: 1, 1, 1")


def test_while_the_pen_moves_the_map_is_told_where_the_drawing_lies(page: Page, app_server: AppServer) -> None:
    pad = open_pad(page, app_server.url, path="map")
    page.evaluate("() => { window.landed = []; addEventListener('muscope:landed', e => landed.push(e.detail)); }")
    stroke(page, pad, ONE, lift=False)
    page.wait_for_function("landed.length > 0")
    page.wait_for_timeout(500)
    told = page.evaluate("landed.at(-1)")
    page.mouse.up()
    known = engine.encodings(entry("mnist"))
    ones = known.maps["umap"][known.labels == known.label_names.index("1")]
    assert told["view"] == "umap" and told["model"] == entry("mnist").model_id
    assert np.hypot(*(ones - told["xy"]).T).min() < 0.5


def test_a_finger_draws_and_the_page_stays_where_it_is(browser: Browser, app_server: AppServer) -> None:
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone.set_default_timeout(15_000)
    page = phone.new_page()
    try:
        pad = open_pad(page, app_server.url)
        box = pad.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
        page.mouse.wheel(0, 150)
        page.wait_for_timeout(300)
        main = page.locator('[data-testid="stMain"]')
        top, old = main.evaluate("e => e.scrollTop"), large(page)
        session = phone.new_cdp_session(page)
        for kind, at in (("touchStart", ONE[0]), *(("touchMove", p) for p in ONE[1:]), ("touchEnd", None)):
            x, y = point(pad, *at) if at else (0, 0)
            touches = [{"x": x, "y": y}] if at else []
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        settled(page, old)
        assert (painted(pad) > 100).sum() > 500
        assert main.evaluate("e => e.scrollTop") == top
    finally:
        phone.close()


def test_without_the_wire_a_drawing_counts_when_the_pen_is_lifted(page: Page, app_server: AppServer) -> None:
    cut_wire(page)
    pad = open_pad(page, app_server.url)
    old = large(page)
    stroke(page, pad, ONE)
    settled(page, old)
    assert stage(page).max() > 100
    expect(page.locator('[data-muscope="closest"]')).to_have_text("closest: 1, 1, 1")
    assert painted(page.locator('[data-muscope="given"]')).max() > 200


# ---- the builder ---------------------------------------------------------------------------------------------------


def open_builder(page: Page, url: str, model: str = "faces", image: str = "test/7") -> FaceFactors:
    """The builder, open, and the factors of the image it starts from."""
    go(page, url, "sliders", model=model, image=image)
    page.get_by_text("Build a face", exact=True).click()
    page.locator('[data-muscope="smile"]').scroll_into_view_if_needed()
    page.wait_for_timeout(400)
    return faces.factors("test", int(image.partition("/")[2]), fair=model == "faces-fair")[0]


def program(page: Page) -> np.ndarray:
    return painted(page.locator('[data-muscope="program-face"]'))


def face_of(asked: Asked) -> FaceFactors:
    """The face that the page asked for last."""
    seen = asked.last(Face).ask
    assert isinstance(seen, Face)
    kinds = zip(FACTORS.items(), seen.factors.tolist(), strict=True)
    return FaceFactors(**{name: round(value) if kind == "binary" else value for (name, kind), value in kinds})


@pytest.mark.parametrize("model", ["faces", "faces-fair"])
def test_a_face_starts_from_the_image_and_each_control_is_the_programs_own(
    page: Page, app_server: AppServer, model: str
) -> None:
    asked = Asked(page)
    start = open_builder(page, app_server.url, model)
    assert np.array_equal(program(page), faces.draw(start))
    old = large(page)
    page.get_by_role("button", name="Smile", exact=True).click()
    settled(page, old)
    face = face_of(asked)
    changed = {name for name in FACTORS if abs(getattr(face, name) - getattr(start, name)) > 1e-6}
    assert changed == {"smile"}
    assert np.abs(program(page) - faces.draw(face)).max() <= 2
    assert alike(stage(page), made_of(model, faces.draw(face)))
    assert page.locator("figcaption", has_text="a face you built").count() == 1


def test_while_a_control_moves_both_faces_follow_and_python_is_told_when_it_rests(
    page: Page, app_server: AppServer
) -> None:
    asked = Asked(page)
    open_builder(page, app_server.url)
    old = large(page)
    slider = page.get_by_role("slider", name="Skin")
    box = still(slider)
    page.mouse.move(box["x"] + 15, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2, steps=8)
    page.wait_for_timeout(700)
    face = face_of(asked)
    assert face.skin == pytest.approx(0.9, abs=0.1)
    assert np.array_equal(program(page), faces.draw(face))
    assert alike(painted(page.locator(LIVE)), made_of("faces", faces.draw(face)))
    assert alike(painted(page.locator('[data-muscope="model-face"]')), made_of("faces", faces.draw(face)))
    assert large(page) == old
    page.mouse.up()
    settled(page, old)
    assert np.abs(stage(page) - made_of("faces", faces.draw(face))).max() <= 2


def test_a_surprise_another_one_and_back_to_the_image(page: Page, app_server: AppServer) -> None:
    start = open_builder(page, app_server.url)
    shown = [program(page)]
    for _ in range(2):
        old = large(page)
        press(page, "Surprise me")
        settled(page, old)
        shown.append(program(page))
        assert alike(stage(page), made_of("faces", shown[-1].astype(np.uint8)))
    assert len({picture.tobytes() for picture in shown}) == 3
    old = large(page)
    press(page, "Start again")
    settled(page, old)
    assert np.array_equal(program(page), faces.draw(start))
    assert alike(stage(page), reconstruction("faces", "test/7"))


def test_a_brim_needs_a_hat(page: Page, app_server: AppServer) -> None:
    start = open_builder(page, app_server.url)
    brim, hat = (page.get_by_role("button", name=name, exact=True) for name in ("Brim", "Hat"))
    assert brim.is_disabled() == (not start.hat)
    hat.click()
    assert brim.is_disabled() == bool(start.hat)


def test_without_the_wire_a_face_counts_when_the_control_is_let_go(page: Page, app_server: AppServer) -> None:
    cut_wire(page)
    start = open_builder(page, app_server.url)
    old = large(page)
    page.get_by_role("button", name="Glasses", exact=True).click()
    settled(page, old)
    values = {name: getattr(start, name) for name in FACTORS} | {"glasses": 1 - start.glasses}
    face = faces.draw(FaceFactors(**values))
    assert np.array_equal(program(page), face)
    assert alike(stage(page), made_of("faces", face))


@pytest.mark.parametrize("model", ["faces", "mnist"])
def test_each_model_is_offered_what_it_can_read(page: Page, app_server: AppServer, model: str) -> None:
    go(page, app_server.url, "sliders", model=model)
    expect(page.get_by_text("Draw one", exact=True)).to_have_count(int(model == "mnist"))
    expect(page.get_by_text("Build a face", exact=True)).to_have_count(int(model == "faces"))


@pytest.mark.parametrize("path", ["map", "sliders"])
def test_the_pad_stays_open_and_where_it_is_from_an_image_to_a_drawing(
    page: Page, app_server: AppServer, path: str
) -> None:
    pad = open_pad(page, app_server.url, path=path)
    page.wait_for_timeout(500)
    before = pad.bounding_box()
    for line in (ONE, BAR):
        old = large(page)
        stroke(page, pad, line)
        settled(page, old)
        page.wait_for_timeout(500)
        assert pad.bounding_box() == before
    expect(page.get_by_text("your drawing").first).to_be_visible()
    drawn = page.locator('[data-muscope="made"]')
    assert alike(painted(drawn), stage(page))


def test_the_faces_controls_stay_open_on_the_map(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "map", model="faces")
    page.get_by_text("Build a face", exact=True).click()
    smile = page.get_by_role("button", name="Smile", exact=True)
    smile.wait_for()
    old = large(page)
    smile.click()
    settled(page, old)
    page.wait_for_timeout(500)
    expect(smile).to_be_visible()
