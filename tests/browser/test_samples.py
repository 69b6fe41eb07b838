"""Samples from a prior: every picture in the grid is one that Python can draw again from its draw and its place."""

import numpy as np
import pytest
import torch
from playwright.sync_api import Locator, Page, expect

from tests.browser.canvases import LIVE, all_painted, cut_wire, painted, still
from tests.browser.conftest import AppServer
from tests.browser.rooms import alike, decoded, engine, entry, go, pixels_of, press, rest, stage, turn_to
from vae.explore.latents import prior
from vae.priors import Mixture, save_prior, tightened

SHELF = '[class*="st-key-shelf-tap-"] button:visible img'


def drawn(model: str, count: int, draw: int, temperature: float = 1.0) -> np.ndarray:
    """The pictures of a draw, computed here: (count, H, W) or (count, H, W, 3)."""
    latent_dim = entry(model).latent_dim
    codes = prior(count, latent_dim, temperature, generator=np.random.default_rng(draw))
    return engine.decode(entry(model), codes).squeeze().astype(np.int16)


def samples(page: Page) -> Locator:
    return page.locator('[data-muscope="sample"]')


def shown(page: Page) -> list[np.ndarray]:
    """What every cell shows, in the grid's order."""
    return all_painted(samples(page).locator("canvas:last-of-type"))


def is_draw(page: Page, model: str, count: int, draw: int, temperature: float = 1.0) -> bool:
    pairs = zip(shown(page), drawn(model, count, draw, temperature), strict=True)
    return all(alike(one, other) for one, other in pairs)


def wait_for_draw(page: Page, draw: int) -> None:
    page.wait_for_function(
        "draw => [...document.querySelectorAll('[data-muscope=sample]')].every(e => e.dataset.draw === draw)",
        arg=str(draw),
    )


def test_sixty_four_samples_are_sixty_four_pictures_and_pressing_keeps_that_very_code(
    page: Page, app_server: AppServer
) -> None:
    go(page, app_server.url, "sample", model="faces")
    page.get_by_role("radio", name="64").click()
    expect(samples(page)).to_have_count(64)
    rest(page)
    wait_for_draw(page, 1)
    wanted, seen = drawn("faces", 64, 1), shown(page)
    assert all(alike(one, other) for one, other in zip(seen, wanted, strict=True))
    assert len({picture.tobytes() for picture in seen}) == 64
    page.get_by_role("button", name="Sample 6 of draw 1", exact=True).click()
    expect(page.locator(SHELF)).to_have_count(1)
    expect(page.get_by_text("Kept: it is at hand on every page.")).to_be_visible()
    assert alike(pixels_of(page.locator(SHELF)), wanted[5])
    assert alike(stage(page), wanted[5])


def test_a_picture_that_is_looked_at_is_the_large_one(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sample", model="mnist")
    wanted = drawn("mnist", 36, 1)
    assert alike(stage(page), wanted[0])
    samples(page).nth(7).hover()
    assert alike(painted(page.locator(LIVE)), wanted[7])
    page.mouse.move(5, 5)
    expect(page.locator(LIVE)).to_be_hidden()


def test_arrows_move_among_the_samples_and_enter_keeps(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sample", model="mnist")
    samples(page).first.focus()
    for key, at in (("ArrowRight", 1), ("ArrowDown", 7), ("ArrowLeft", 6), ("ArrowUp", 0), ("End", 35), ("Home", 0)):
        page.keyboard.press(key)
        expect(samples(page).nth(at)).to_be_focused()
    page.keyboard.press("ArrowDown")
    assert alike(painted(page.locator(LIVE)), drawn("mnist", 36, 1)[6])
    page.keyboard.press("Enter")
    expect(page.locator(SHELF)).to_have_count(1)
    assert alike(pixels_of(page.locator(SHELF)), drawn("mnist", 36, 1)[6])


def test_it_refills_a_few_at_a_time_until_the_next_draw_is_whole(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sample", model="mnist")
    page.get_by_role("radio", name="16").click()
    rest(page)
    page.evaluate(
        """() => {
            window.most = 0;
            const draws = () => [...document.querySelectorAll("[data-muscope=sample]")].map(e => e.dataset.draw);
            let before = draws();
            const look = () => {
                const now = draws();
                most = Math.max(most, now.filter((draw, i) => draw !== before[i]).length);
                before = now;
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    page.locator('[data-muscope="pace"]').press("End")
    page.get_by_role("button", name="Keep drawing").click()
    page.wait_for_function(
        """() => {
            const cells = [...document.querySelectorAll('[data-muscope=sample]')];
            return cells.some(e => e.dataset.draw === '2') && cells.some(e => e.dataset.draw === '1');
        }"""
    )
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-muscope=sample]')].every(e => Number(e.dataset.draw) >= 2)"
    )
    page.get_by_role("button", name="Keep drawing").click()
    rest(page)
    assert page.evaluate("most") <= 2  # one after the other; never the whole grid
    later = {draw: drawn("mnist", 16, draw) for draw in (2, 3)}
    for at, cell in enumerate(samples(page).all()):
        assert alike(painted(cell.locator("canvas").last), later[int(cell.get_attribute("data-draw") or 0)][at])


def test_draw_again_is_one_whole_new_draw_and_is_still_there_later(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sample", model="mnist")
    for draw in (2, 3):
        page.get_by_role("button", name="Draw again").click()
        wait_for_draw(page, draw)
    rest(page)
    assert is_draw(page, "mnist", 36, 3)
    assert alike(stage(page), drawn("mnist", 36, 3)[0])
    turn_to(page, "Paths")
    turn_to(page, "Sample")
    wait_for_draw(page, 3)
    assert is_draw(page, "mnist", 36, 3)


def test_temperature_acts_on_the_same_codes_while_the_hand_moves(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "sample", model="mnist")
    slider = page.locator('[data-muscope="temperature"]')
    box = still(slider)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + box["height"] / 2, steps=5)
    warmth = float(slider.input_value())
    assert warmth == pytest.approx(1.5, abs=0.1)
    for _ in range(40):
        if is_draw(page, "mnist", 36, 1, warmth):
            break
        page.wait_for_timeout(100)
    assert is_draw(page, "mnist", 36, 1, warmth)
    assert alike(stage(page), drawn("mnist", 36, 1)[0])  # Python was not told yet
    page.mouse.up()
    rest(page)
    assert alike(stage(page), drawn("mnist", 36, 1, warmth)[0])
    samples(page).nth(3).click()
    expect(page.locator(SHELF)).to_have_count(1)
    assert alike(pixels_of(page.locator(SHELF)), drawn("mnist", 36, 1, warmth)[3])

    slider.press("Home")
    rest(page)
    page.wait_for_timeout(600)
    rest(page)
    assert is_draw(page, "mnist", 36, 1, 0.0)
    assert alike(stage(page), decoded("mnist", np.zeros(16, np.float32)))


def test_without_the_wire_python_draws(page: Page, app_server: AppServer) -> None:
    cut_wire(page)
    go(page, app_server.url, "sample", model="mnist")
    wait_for_draw(page, 1)
    assert is_draw(page, "mnist", 36, 1)
    expect(page.get_by_role("button", name="Keep drawing")).to_be_disabled(timeout=20_000)
    press(page, "Draw again")
    wait_for_draw(page, 2)
    assert is_draw(page, "mnist", 36, 2)
    page.get_by_role("radio", name="16").click()
    expect(samples(page)).to_have_count(16)
    wait_for_draw(page, 2)
    assert is_draw(page, "mnist", 16, 2)
    samples(page).nth(2).click()
    expect(page.locator(SHELF)).to_have_count(1)
    assert alike(pixels_of(page.locator(SHELF)), drawn("mnist", 16, 2)[2])
    page.locator('[data-muscope="temperature"]').press("End")
    page.wait_for_timeout(700)
    rest(page)
    assert is_draw(page, "mnist", 16, 2, 2.0)


def test_truncation_and_where_images_are_act_on_the_same_draw(page: Page, app_server: AppServer) -> None:
    """A mixture of one narrow component, put where a fit would put it: every picture is nearly that of its middle."""
    model = entry("mnist")
    place = app_server.home / "priors" / model.model_id
    middle = engine.encodings(model).mu[0]
    one = Mixture(torch.ones(1), torch.from_numpy(middle[None].copy()), 0.01 * torch.eye(16)[None])
    save_prior(place, model.model_id, one)
    try:
        go(page, app_server.url, "sample", model="mnist")
        page.locator('[data-muscope="limit"]').press("Home")
        rest(page)
        tight = tightened(torch.from_numpy(prior(36, 16, generator=np.random.default_rng(1))), limit=0.5)
        wanted = engine.decode(model, tight.numpy()).squeeze().astype(np.int16)
        page.wait_for_timeout(600)
        assert all(alike(one, other) for one, other in zip(shown(page), wanted, strict=True))
        assert alike(stage(page), wanted[0])
        page.get_by_role("radio", name="Where images are").click()
        expect(page.get_by_text("the aggregate posterior")).to_be_visible()
        rest(page)
        page.wait_for_timeout(600)
        wanted = decoded("mnist", middle)
        assert all(np.abs(picture - wanted).mean() < 2 for picture in shown(page))
        samples(page).nth(3).click()
        expect(page.locator(SHELF)).to_have_count(1)
    finally:
        (place / "prior-mixture.safetensors").unlink()
