"""Knobs in the browser: the picture follows the hand, and what the hand leaves is told once."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.canvases import painted
from tests.browser.conftest import AppServer
from tests.browser.knobs import (
    code_of,
    count_runs,
    dim_of,
    expect_live,
    expect_settled,
    holding,
    knob,
    knob_names,
    point_on,
    ranges,
    runs,
    turn_knob,
    value_of,
)
from tests.browser.rooms import alike, asked, decoded, go, press, rest

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
    assert asked(page).keys() == {"model", "view"} and asked(page)["model"] == model
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


def test_what_python_says_does_not_move_what_is_held(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    names = knob_names(page)
    first, code = names[0], code_of("faces", "test/7")
    own = value_of(page, names[1])
    count_runs(page)
    with holding(page, first, 0.5, 0.9):
        value = value_of(page, first)
        page.evaluate("document.querySelector('[data-tool=random]').click()")
        page.wait_for_function("runs > 0")
        rest(page)
        assert value_of(page, first) == value and value_of(page, names[1]) != own
        for fold in page.locator(".mu-fold summary").all():
            fold.evaluate("e => e.click()")
        for name in knob_names(page):
            code[dim_of(name)] = value_of(page, name)
        expect_live(page, "faces", code)
    page.wait_for_function("runs > 1")
    expect_settled(page, "faces", code)


def test_what_python_says_late_does_not_turn_a_knob_back(page: Page, app_server: AppServer) -> None:
    kept: list[str | bytes] = []
    wires: list[WebSocketRoute] = []

    def slow(page_side: WebSocketRoute) -> None:
        """What a hand leaves is kept here; everything else goes to Python."""
        server_side = page_side.connect_to_server()
        wires.append(server_side)
        page_side.on_message(lambda said: kept.append(said) if b"settled" in said else server_side.send(said))

    page.route_web_socket(re.compile("_stcore/stream"), slow)
    go(page, app_server.url, "sliders", model="faces", image="test/7")
    first, second = knob_names(page)[:2]
    code = code_of("faces", "test/7")
    with holding(page, first, 0.5, 0.9):
        pass
    with holding(page, second, 0.5, 0.2):
        pass
    for name in (first, second):
        code[dim_of(name)] = value_of(page, name)
    count_runs(page)
    press(page, "Keep this code")  # another run, of a Python that has heard nothing of the hand
    assert runs(page) == 1 and len(kept) == 1  # one thing at a time
    assert [value_of(page, name) for name in (first, second)] == [code[dim_of(name)] for name in (first, second)]
    expect_live(page, "faces", code)
    wires[0].send(kept[0])
    page.wait_for_function("runs > 1")
    rest(page)
    assert value_of(page, second) == code[dim_of(second)] and len(kept) == 2
    expect_live(page, "faces", code)
    wires[0].send(kept[1])
    expect_settled(page, "faces", code)


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
    press_again = "([name, times]) => { for (let i = 0; i < times; i++) setTimeout(() => tool(name).click(), 15 * i) }"
    page.evaluate("window.tool = name => document.querySelector(`[data-tool=${name}]`)")
    page.evaluate(press_again, ["undo", 3])
    expect(knob(page, name)).to_have_attribute("aria-valuetext", "0.50")
    rest(page)
    page.evaluate(press_again, ["redo", 2])
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
