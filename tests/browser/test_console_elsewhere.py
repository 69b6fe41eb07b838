"""Knobs under a finger, on a bad line, with models of other sizes, and along an attribute."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, CDPSession, Page, WebSocketRoute, expect

from tests.browser.canvases import LIVE, SOCKET, cut_wire
from tests.browser.conftest import AppServer
from tests.browser.knobs import (
    code_of,
    count_runs,
    dim_of,
    expect_live,
    expect_settled,
    holding,
    knob_names,
    live_picture,
    point_on,
    runs,
    say,
    turn_knob,
    value_of,
)
from tests.browser.rooms import alike, asked, engine, entry, go, press, reconstruction, rest, stage, turn_to
from tests.pages.conftest import collapse, make
from vae import data
from vae.config import Config
from vae.encodings import load_encodings, save_encodings
from vae.explore.directions.found import difference
from vae.explore.directions.groups import attribute_groups
from vae.explore.directions.steps import apply

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
    for part in (
        "[data-muscope=track]",
        ".mu-tools button",
        "[data-muscope=film-frame]",
        ".mu-knob-lock",
        ".mu-fold summary",
    ):
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
    expect(page.locator(".mu-fold summary")).to_have_count(2)
    for fold in page.locator(".mu-fold summary").all():
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
    direction = difference(known.mu, attribute_groups(smile, "smile"))
    go(page, app_server.url, "attributes", model="faces", image="test/7")
    page.get_by_role("combobox", name=re.compile("Attribute$")).click()
    page.get_by_role("option", name="smile", exact=True).click()
    rest(page)
    code = code_of("faces", "test/7")
    assert value_of(page, "Strength") == 1.0
    with holding(page, "Strength", 0.75, 0.2):
        expect_live(page, "faces", apply(code, direction, value_of(page, "Strength")))
    rest(page)
    strength = value_of(page, "Strength")
    expect_settled(page, "faces", apply(code, direction, strength))
    assert asked(page)["image"] == "test/7"
    turn_knob(page, "Strength", 0)
    assert alike(stage(page), reconstruction("faces", "test/7"))
    page.locator("[data-muscope=film-frame]").nth(6).click()
    expect(page.get_by_text("smile +2").first).to_be_visible()
    turn_to(page, "Sliders")
    turn_to(page, "Attributes")
    assert value_of(page, "Strength") == 2.0
