"""Knobs in the browser: the picture follows the hand, and what the hand leaves is told once."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession, Page, WebSocketRoute, expect

from tests.browser.canvases import LIVE, SOCKET, cut_wire, painted
from tests.browser.conftest import AppServer
from tests.browser.knobs import (
    count_runs,
    holding,
    knob,
    knob_names,
    live_picture,
    point_on,
    runs,
    say,
    turn_knob,
    value_of,
)
from tests.browser.rooms import alike, asked, decoded, engine, entry, go, press, reconstruction, rest, stage, turn_to
from tests.pages.conftest import collapse, make
from vae import data
from vae.config import Config
from vae.encodings import load_encodings, save_encodings
from vae.explore import attributes
from vae.explore.latents import knob_ranges


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


# ---- the hand ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["faces", "mnist"])
def test_the_picture_follows_the_hand_and_python_hears_once(page: Page, app_server: AppServer, model: str) -> None:
    go(page, app_server.url, "sliders", model=model, image="test/7")
    name = knob_names(page)[0]
    code = code_of(model, "test/7")
    count_runs(page)
    with holding(page, name, 0.5, 0.1):
        for share in (0.2, 0.9, 0.6):
            page.mouse.move(*point_on(page, name, share), steps=5)
            code[dim_of(name)] = value_of(page, name)
            expect_live(page, model, code)
        assert runs(page) == 0 and asked(page)["image"] == "test/7"
    page.wait_for_function("runs > 0")
    assert runs(page) == 1
    assert asked(page) == {"model": model}
    expect_settled(page, model, code)
    assert value_of(page, name) == code[dim_of(name)]


def test_a_press_that_moves_nothing_says_nothing_and_a_double_press_goes_home(
    page: Page, app_server: AppServer
) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    name = knob_names(page)[1]
    own = value_of(page, name)
    ends = [float(knob(page, name).get_attribute(end) or "nan") for end in ("min", "max")]
    count_runs(page)
    page.mouse.click(*point_on(page, name, (own - ends[0]) / (ends[1] - ends[0])))
    page.wait_for_timeout(500)
    assert runs(page) == 0 and value_of(page, name) == own and asked(page)["image"] == "test/7"
    page.mouse.click(*point_on(page, name, 0.9))
    page.wait_for_function("runs > 0")
    rest(page)
    assert value_of(page, name) > own
    page.mouse.dblclick(*point_on(page, name, 0.2))
    page.wait_for_function("new URLSearchParams(location.search).get('image') === 'test/7'")  # the image again
    assert runs(page) == 2 and value_of(page, name) == own


def test_escape_takes_back_what_is_held(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    name = knob_names(page)[0]
    own = value_of(page, name)
    count_runs(page)
    knob(page, name).focus()
    for _ in range(4):
        page.keyboard.press("PageUp")
    assert value_of(page, name) > own
    page.keyboard.press("Escape")
    assert value_of(page, name) == own
    page.wait_for_timeout(600)
    assert runs(page) == 0
    expect_settled(page, "faces", code_of("faces", "test/7"))


def test_what_python_says_late_does_not_move_what_is_held(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    first, second = knob_names(page)[:2]
    code = code_of("faces", "test/7")
    count_runs(page)
    with holding(page, first, 0.5, 0.9):
        code[dim_of(first)] = value_of(page, first)
    with holding(page, first, 0.9, 0.2):  # at once again, while Python is busy with what was left
        page.wait_for_function("runs > 0")
        rest(page)
        value = value_of(page, first)
        assert value < code[dim_of(first)]
        code[dim_of(first)] = value
        expect_live(page, "faces", code)
        turned = page.evaluate("[document.querySelector('[data-muscope=stage]').src]")
    page.wait_for_function("runs > 1")
    expect_settled(page, "faces", code)
    assert page.evaluate("[document.querySelector('[data-muscope=stage]').src]") != turned

    with holding(page, second, 0.5, 0.8):
        pass
    with holding(page, first, 0.4, 0.6):
        page.wait_for_function("runs > 2")
        rest(page)
    code[[dim_of(first), dim_of(second)]] = value_of(page, first), value_of(page, second)
    page.wait_for_function("runs > 3")
    expect_settled(page, "faces", code)
    assert runs(page) == 4


# ---- every other way to turn ---------------------------------------------------------------------------------------


def test_typed_values(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    name = knob_names(page)[0]
    code = code_of("faces", "test/7")
    field = page.get_by_role("textbox", name=f"Value of {name}", exact=True)
    for typed, value in (("1.25", 1.25), ("\u22120,5", -0.5), ("8", 8.0), (" -10 ", -10.0)):  # beyond the range, too
        field.fill(typed)
        field.press("Enter")
        code[dim_of(name)] = value
        expect_settled(page, "faces", code)
        assert value_of(page, name) == value
    for typed in ("ten", "11", "1e5", "", "NaN"):
        field.fill(typed)
        field.press("Enter")
        expect(page.get_by_text("Type a number from \u221210 to 10.")).to_be_visible()
        assert field.get_attribute("aria-invalid") == "true"
    field.press("Escape")
    expect(page.get_by_text("Type a number from")).to_have_count(0)
    expect(field).to_have_value("\u221210.00")
    expect(knob(page, name)).to_be_focused()
    expect_settled(page, "faces", code)


def test_a_picture_of_where_a_knob_leads_goes_there(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    first, second = knob_names(page)[:2]
    film = page.locator("[data-muscope=film]")
    expect(film).to_contain_text(first)
    knob(page, second).focus()
    expect(film).to_contain_text(second)
    frames = page.locator("[data-muscope=film-frame]")
    expect(frames).to_have_count(7)
    code, known = code_of("faces", "test/7"), {k["dim"]: k for k in ranges("faces")}
    low, high = (known[dim_of(second)][end] for end in ("low", "high"))
    page.wait_for_timeout(500)
    for at in (0, 3, 6):
        code[dim_of(second)] = low + at / 6 * (high - low)
        assert alike(painted(frames.nth(at).locator("canvas")), decoded("faces", code.astype(np.float32)))
    count_runs(page)
    frames.nth(6).click()
    page.wait_for_function("runs > 0")
    expect_settled(page, "faces", code)
    assert runs(page) == 1 and value_of(page, second) == pytest.approx(high)
    page.mouse.move(*point_on(page, first, 0.3))  # a mouse that rests looks, too
    expect(film).to_contain_text(first)
    page.mouse.move(*point_on(page, second, 0.3))
    expect(film).to_contain_text(second)
    frames.nth(6).press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    code[dim_of(second)] = low + 1 / 6 * (high - low)
    expect_settled(page, "faces", code)


def ranges(model: str) -> list[dict[str, float]]:
    known = engine.encodings(entry(model))
    return [vars(each) for each in knob_ranges(known.mu, known.kl_per_dim().mean(axis=0))]


def test_undo_redo_back_random_and_lock(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    name, other = knob_names(page)[:2]
    image, code = code_of("faces", "test/7"), code_of("faces", "test/7")
    for button in ("Undo", "Redo", "Back to the image"):
        expect(page.get_by_role("button", name=button, exact=True)).to_have_attribute("aria-disabled", "true")
    turn_knob(page, name, 1.5)
    code[dim_of(name)] = 1.5
    press(page, "Undo")
    expect_settled(page, "faces", image)
    assert asked(page)["image"] == "test/7" and value_of(page, name) == image[dim_of(name)]
    press(page, "Redo")
    expect_settled(page, "faces", code)

    press(page, f"Lock {name}")
    expect(page.get_by_role("button", name=f"Lock {name}")).to_have_attribute("aria-pressed", "true")
    press(page, "Random code")
    assert value_of(page, name) == 1.5 and value_of(page, other) != image[dim_of(other)]
    press(page, "Back to the image")
    expect_settled(page, "faces", code)
    press(page, f"Lock {name}")
    press(page, "Back to the image")
    expect_settled(page, "faces", image)
    assert asked(page)["image"] == "test/7"


def test_steps_pressed_faster_than_the_page_runs_are_all_taken(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    name = knob_names(page)[0]
    turn = "i => document.querySelectorAll('[data-muscope=film-frame]')[i].click()"
    own = knob(page, name).get_attribute("aria-valuetext")
    page.evaluate(f"() => {{ ({turn})(2); document.querySelector('[data-tool=undo]').click(); }}")  # the first of all
    rest(page)
    expect(knob(page, name)).to_have_attribute("aria-valuetext", own or "")
    for value in (0.5, 1.0, 1.5, 2.0):
        turn_knob(page, name, value)
    page.evaluate("() => { for (let i = 0; i < 3; i++) document.querySelector('[data-tool=undo]').click() }")
    expect(knob(page, name)).to_have_attribute("aria-valuetext", "0.50")
    page.evaluate("() => { for (let i = 0; i < 2; i++) document.querySelector('[data-tool=redo]').click() }")
    expect(knob(page, name)).to_have_attribute("aria-valuetext", "1.50")


def test_keyboard_alone(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    name = knob_names(page)[0]
    known = {each["dim"]: each for each in ranges("faces")}[dim_of(name)]
    code, whole = code_of("faces", "test/7"), known["high"] - known["low"]
    page.locator("[data-muscope=film-frame]").first.focus()
    page.keyboard.press("Tab")
    expect(knob(page, name)).to_be_focused()
    count_runs(page)
    value = code[dim_of(name)]
    for key, step in (
        ("ArrowRight", 0.01), ("ArrowUp", 0.01), ("ArrowLeft", -0.01), ("Shift+ArrowRight", 0.002), ("PageUp", 0.1),
        ("PageDown", -0.1), ("PageUp", 0.1),
    ):  # fmt: skip
        page.keyboard.press(key)
        value += step * whole
        assert value_of(page, name) == pytest.approx(value)
    code[dim_of(name)] = value_of(page, name)
    expect_live(page, "faces", code)
    page.wait_for_function("runs > 0")
    assert runs(page) == 1  # all those keys were one turn
    expect_settled(page, "faces", code)
    own = code_of("faces", "test/7")[dim_of(name)]
    for key, wanted in (
        ("Home", known["low"]),
        ("End", known["high"]),
        ("Delete", own),
    ):
        page.keyboard.press(key)
        assert value_of(page, name) == pytest.approx(wanted)
    page.keyboard.press("Home")
    page.keyboard.press("Control+z")  # what the keys turned is one step
    expect_settled(page, "faces", code)
    page.keyboard.press("Control+Shift+Z")
    expect(knob(page, name)).to_have_attribute("aria-valuetext", f"{known['low']:.2f}".replace("-", "\u2212"))
    expect(knob(page, name)).to_be_focused()
    for key in ("Enter", "1", "Enter"):
        page.keyboard.press(key)
    expect(knob(page, name)).to_have_attribute("aria-valuetext", "1.00")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=f"Lock {name}")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name=f"Lock {name}")).to_have_attribute("aria-pressed", "true")


# ---- a finger ------------------------------------------------------------------------------------------------------


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    made = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    made.set_default_timeout(15_000)
    yield made.new_page()
    made.close()


def touch(session: CDPSession, kind: str, *at: float) -> None:
    points = [{"x": at[0], "y": at[1]}] if at else []
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def drag(page: Page, session: CDPSession, start: tuple[float, float], by: tuple[float, float]) -> None:
    touch(session, "touchStart", *start)
    for step in range(1, 11):
        touch(session, "touchMove", start[0] + by[0] * step / 10, start[1] + by[1] * step / 10)
        page.wait_for_timeout(16)


def test_a_finger_turns_a_knob_across_and_scrolls_the_page_along(phone: Page, app_server: AppServer) -> None:
    go(phone, app_server.url, "sliders", model="faces", image="test/7")
    session = phone.context.new_cdp_session(phone)
    name = knob_names(phone)[0]
    code = code_of("faces", "test/7")
    count_runs(phone)
    start = point_on(phone, name, 0.5)
    drag(phone, session, start, (100, 3))
    code[dim_of(name)] = value_of(phone, name)
    assert code[dim_of(name)] != code_of("faces", "test/7")[dim_of(name)]
    expect_live(phone, "faces", code)
    box = phone.locator(LIVE).bounding_box()
    assert box is not None and box["y"] >= 0 and box["y"] + box["height"] < start[1]  # seen above the thumb
    touch(session, "touchEnd")
    phone.wait_for_function("runs > 0")
    expect_settled(phone, "faces", code)
    assert runs(phone) == 1

    main = phone.get_by_test_id("stMain")
    before = main.evaluate("e => e.scrollTop")
    drag(phone, session, point_on(phone, name, 0.2), (2, -150))
    touch(session, "touchEnd")
    phone.wait_for_timeout(600)
    assert main.evaluate("e => e.scrollTop") > before + 80
    assert value_of(phone, name) == code[dim_of(name)] and runs(phone) == 1  # it was not for the knob

    main.evaluate("(e, top) => { e.scrollTop = top; }", before)
    at = point_on(phone, name, 0.25)
    touch(session, "touchStart", *at)
    touch(session, "touchEnd")  # a tap
    phone.wait_for_function("runs > 1")
    code[dim_of(name)] = value_of(phone, name)
    expect_settled(phone, "faces", code)
    for part in ("[data-muscope=track]", ".mu-tools button", "[data-muscope=film-frame]", ".mu-knob-lock", "summary"):
        box = phone.locator(part).first.bounding_box()
        assert box is not None and min(box["width"], box["height"]) >= 40, part


# ---- the connection ------------------------------------------------------------------------------------------------


def test_where_the_socket_is_blocked_the_page_says_so_and_works_on_release(page: Page, app_server: AppServer) -> None:
    cut_wire(page)
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    expect(page.get_by_text("this network blocks them")).to_be_visible()
    assert "when you let go" in say(page)
    name = knob_names(page)[0]
    code = code_of("faces", "test/7")
    with holding(page, name, 0.5, 0.9):
        assert live_picture(page) is None
    code[dim_of(name)] = value_of(page, name)
    page.wait_for_function("!new URLSearchParams(location.search).has('image')")
    expect_settled(page, "faces", code)
    press(page, "Back to the image")
    expect_settled(page, "faces", code_of("faces", "test/7"))


def test_a_lost_connection_comes_back_by_itself(page: Page, app_server: AppServer) -> None:
    opened: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        opened.append(socket)

    page.route_web_socket(SOCKET, through)
    go(page, app_server.url, "sliders", model="mnist", image="test/7")
    name = knob_names(page)[0]
    code = code_of("mnist", "test/7")
    with holding(page, name, 0.5, 0.9):
        code[dim_of(name)] = value_of(page, name)
        expect_live(page, "mnist", code)
        opened[-1].close(code=1011)
        page.mouse.move(*point_on(page, name, 0.3), steps=5)
        code[dim_of(name)] = value_of(page, name)
        expect_live(page, "mnist", code)
    assert len(opened) == 2
    expect_settled(page, "mnist", code)
    assert say(page) == ""


# ---- other models --------------------------------------------------------------------------------------------------


def test_a_wide_model_builds_what_is_unfolded_and_a_collapsed_one_works(
    page: Page, start_app: Callable[..., AppServer], tmp_path: Path
) -> None:
    models = tmp_path / "home" / "models"
    train, test = data.load("digits", "train", limit=120), data.load("digits", "test", limit=40)
    for name, latents in (("wide", 128), ("line", 1)):
        make(models / name, train, test, Config(shape=(1, 8, 8), latent_dim=latents, encoder_sizes=(32,)))
        known = load_encodings(models / name)  # as if it had learned something in every dimension but the last few
        spread = np.linspace(20, 2, latents, dtype=np.float32)
        save_encodings(models / name, replace(known, mu=known.mu * spread))
    collapse(models / "collapsed", train, test, Config(shape=(1, 8, 8), latent_dim=3, encoder_sizes=(9,)))
    server = start_app(home=tmp_path / "home")
    go(page, server.url, "sliders", model="wide")
    shown = page.locator("[data-muscope=knob]")
    expect(shown).to_have_count(8)
    expect(page.locator("summary")).to_have_count(2)
    for fold in page.locator("summary").all():
        fold.click()
    expect(shown).to_have_count(128)
    last = knob_names(page)[-1]
    turn_knob(page, last, -1.5)
    press(page, "Undo")
    press(page, "Redo")
    assert value_of(page, last) == -1.5
    go(page, server.url, "sliders", model="line")
    expect(shown).to_have_count(1)
    turn_knob(page, knob_names(page)[0], 0.5)
    go(page, server.url, "sliders", model="collapsed")
    expect(page.get_by_text("the codes collapsed")).to_be_visible()
    page.get_by_text("3 dead dimensions").click()
    expect(shown).to_have_count(3)
    turn_knob(page, knob_names(page)[2], 1.0)
    page.goto("about:blank")  # before its server goes: the page would complain


# ---- strength ------------------------------------------------------------------------------------------------------


def test_a_strength_follows_the_hand_and_is_not_done_to_the_picture(page: Page, app_server: AppServer) -> None:
    known = engine.encodings(entry("faces"))
    smile = known.attributes[:, known.attribute_names.index("smile")]
    direction = attributes.direction(known.mu, attributes.attribute_groups(smile, "smile"))
    go(page, app_server.url, "attributes", model="faces", image="test/7")
    page.get_by_role("combobox", name=re.compile("Attribute$")).click()
    page.get_by_role("option", name="smile", exact=True).click()
    rest(page)
    code = code_of("faces", "test/7")
    assert value_of(page, "Strength") == 1.0
    with holding(page, "Strength", 0.75, 0.2):
        expect_live(page, "faces", attributes.apply(code, direction, value_of(page, "Strength")))
    rest(page)
    strength = value_of(page, "Strength")
    expect_settled(page, "faces", attributes.apply(code, direction, strength))
    assert asked(page)["image"] == "test/7"
    turn_knob(page, "Strength", 0)
    assert alike(stage(page), reconstruction("faces", "test/7"))
    page.locator("[data-muscope=film-frame]").nth(6).click()
    expect(page.get_by_text("smile +2").first).to_be_visible()
    turn_to(page, "Sliders")
    turn_to(page, "Attributes")
    assert value_of(page, "Strength") == 2.0
