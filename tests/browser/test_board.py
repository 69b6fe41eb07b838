"""The board and the directions without labels, as a hand meets them."""

import numpy as np
from playwright.sync_api import Page, expect

from tests.browser.conftest import AppServer
from tests.browser.knobs import expect_live, holding, knob_names, rail_of, turn_knob, value_of
from tests.browser.rooms import alike, choose, decoded, engine, entry, go, press, rest, stage, turn_to
from vae.explore.directions.unlabelled import principal_axes


def means(model: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The mean codes of the images with an attribute and of those without."""
    known = engine.encodings(entry(model))
    has = known.attributes[:, known.attribute_names.index(name)] == 1
    return known.mu[has].mean(axis=0), known.mu[~has].mean(axis=0)


def test_a_sum_is_weighed_kept_changed_and_opened_again(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sums", model="faces", image="test/0")
    known = engine.encodings(entry("faces"))
    with_, without = means("faces", "glasses")
    code = known.mu[known.row_of("test/0")]
    assert knob_names(page) == ["A", "B", "C"]
    first = stage(page)
    assert alike(first, decoded("faces", with_ - without + code))
    with holding(page, "A", 0.75, 0.6, 0.5):
        weight = value_of(page, "A")
        assert abs(weight) < 0.1
        expect_live(page, "faces", weight * with_ - without + code)
    rest(page)
    expect(page.get_by_text("do not sum to 1").or_(page.get_by_text("sum to 0"))).to_be_visible()
    press(page, "Undo")
    assert alike(stage(page), first)
    page.get_by_role("textbox", name="Name of this sum").fill("with glasses")
    page.keyboard.press("Enter")
    rest(page)
    press(page, "Keep this sum")
    turn_knob(page, "C", 0.5)
    press(page, "± B")
    turn_to(page, "Sliders")
    turn_to(page, "Sums")
    assert value_of(page, "B") == 1
    press(page, "Open with glasses")
    assert alike(stage(page), first)


def test_an_axis_is_tried_named_and_added_to_the_board(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "directions", model="mnist", image="test/7")
    known = engine.encodings(entry("mnist"))
    code, axis = known.mu[known.row_of("test/7")], principal_axes(known.mu)[0]
    turn_knob(page, "Axis 1", 1.5)
    assert alike(stage(page), decoded("mnist", code + 1.5 * axis.step))
    press(page, "Back to the image")
    assert alike(stage(page), decoded("mnist", code))
    page.get_by_role("textbox", name="Name for Axis 1").fill("my slant")
    page.keyboard.press("Enter")
    rest(page)
    press(page, "Keep as “my slant”")
    turn_to(page, "Sliders")
    expect(rail_of(page, "my slant")).to_be_visible()  # and no hand has unfolded it
    turn_to(page, "Sums")
    press(page, "Empty it")
    choose(page, "From", "this picture")
    page.locator('[class*="st-key-board-offer"] button').first.click()
    rest(page)
    choose(page, "From", "kept directions")
    page.get_by_role("button", name="Add my slant").click()
    rest(page)
    assert knob_names(page) == ["A", "B"]
    assert alike(stage(page), decoded("mnist", code + axis.step))
