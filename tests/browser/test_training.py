"""A training from the page: started, watched, paused, changed, stopped, opened, replayed, forked."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from live.engine import Engine
from live.visitor import owner_of
from tests.browser.conftest import AppServer
from tests.browser.rooms import STAGE, alike, asked, choose, go, rest, stage, turn_to
from vae.train.run import FINAL, Run
from vae.train.runs import runs

PATIENCE = 60_000  # ms, on a busy machine
OWN_SERVER = True


@pytest.fixture(autouse=True)
def nothing_goes_on(app_server: AppServer) -> Iterator[None]:
    """What a test started and did not end must not keep the next one waiting."""
    yield
    for run in runs(app_server.home / "runs"):
        if run.state() not in FINAL:
            run.cancel()


def wait_for(ready: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE / 1000
    while not ready() and time.monotonic() < end:
        time.sleep(0.1)
    return ready()


def fill(page: Page, label: str, value: str) -> None:
    box = page.get_by_role("spinbutton" if value.isdecimal() else "textbox", name=label, exact=True)
    box.fill(value)
    box.press("Enter")
    rest(page)


def start(page: Page, name: str, epochs: str) -> None:
    choose(page, "Network", "dense")
    fill(page, "Latent dimensions", "2")
    fill(page, "Epochs", epochs)
    fill(page, "Name", name)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=PATIENCE)


def do(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def moment(page: Page) -> str:
    """Where the unfolding map stands, in words: "after 3 epochs"."""
    return page.locator('[data-muscope="unfold-where"]').inner_text()


def newest(server: AppServer) -> Run:
    return runs(server.home / "runs")[0]


def test_a_class_watches_a_training_from_the_first_step_to_the_map(
    page: Page, browser: Browser, app_server: AppServer
) -> None:
    go(page, app_server.url, "train")
    start(page, "Made in class", "5000")
    run = newest(app_server)
    (cookie,) = (each for each in page.context.cookies() if each["name"] == "muscope_visitor")
    assert cookie["httpOnly"] and run.owner == owner_of({"muscope_visitor": cookie["value"]}) != ""

    # Watched: the pictures change while it goes on.
    unfolding = page.locator('[data-muscope="unfold-map"]')
    expect(unfolding).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(re.compile(r"^Epoch \d+ of 5000, "))).to_be_visible(timeout=PATIENCE)
    before = moment(page)
    assert wait_for(lambda: moment(page) != before)

    # A second visitor opens the link and sees the same.
    other = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    try:
        guest = other.new_page()
        guest.goto(page.url)
        expect(guest.get_by_role("heading", name="Made in class", exact=True)).to_be_visible(timeout=PATIENCE)
        expect(guest.locator('[data-muscope="unfold-map"]')).to_be_visible(timeout=PATIENCE)
        assert asked(guest)["run"] == asked(page)["run"] == run.id

        # Paused on one page, paused on the other, and after a refresh.
        do(page, "Pause")
        for tab in (page, guest):
            expect(tab.get_by_text("Paused after")).to_be_visible(timeout=PATIENCE)
        page.reload()
        expect(page.get_by_text("Paused after")).to_be_visible(timeout=PATIENCE)
        assert asked(page)["run"] == run.id and run.state() == "paused"
        rested = run.saved_step()
        do(page, "Resume")
        expect(guest.get_by_text(re.compile(r"^Epoch \d+ of 5000, "))).to_be_visible(timeout=PATIENCE)
    finally:
        other.close()
    assert wait_for(lambda: (run.saved_step() or 0) > (rested or 0))

    # Another beta, while it runs.
    do(page, "Beta and rate")
    fill(page, "Beta now", "4")
    do(page, "Change it")
    expect(page.get_by_text(re.compile(r"From epoch \d+ on: beta 4"))).to_be_visible(timeout=PATIENCE)

    # Stopped and kept: it opens on every page.
    do(page, "Stop and keep")
    page.get_by_role("button", name="Open it on the map").click(timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Map", exact=True)).to_be_visible(timeout=PATIENCE)
    rest(page)
    assert asked(page)["model"] == "made-in-class"
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox")).to_have_value("Made in class")
    page.wait_for_selector('[data-muscope-points="1797"]')
    made = Engine((app_server.home / "models",))
    (model,) = made.models()
    known = made.encodings(model)
    assert model.latent_dim == 2
    for title in ("Sliders", "Paths", "Attributes", "Sample", "Start"):
        turn_to(page, title)
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    turn_to(page, "Sliders")
    row = known.row_of(asked(page)["image"])
    assert alike(stage(page), made.decode(model, known.mu[[row]])[0].squeeze().astype(int))
    assert page.locator(STAGE).count() == 1

    # Replayed: from noise to the end, by hand and by itself.
    turn_to(page, "Train")
    assert run.state() == "stopped"
    scrub = page.locator('[data-muscope="unfold-scrub"]')
    scrub.focus()
    scrub.press("Home")
    expect(page.locator('[data-muscope="unfold-where"]')).to_have_text(re.compile("before"), timeout=PATIENCE)
    page.get_by_role("button", name="Play", exact=True).click()
    assert wait_for(lambda: "epoch" in moment(page))

    # Forked: the same settings but for one.
    do(page, "Train again")
    expect(page.get_by_text("Filled with the settings of Made in class.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("spinbutton", name="Latent dimensions", exact=True)).to_have_value("2")
    fill(page, "Epochs", "2")
    do(page, "Start training")
    expect(page.get_by_role("heading", name="Made in class again", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Finished after 2 epochs")).to_be_visible(timeout=PATIENCE)
    fork = newest(app_server)
    assert fork.parent == run.id and fork.id != run.id
    expect(page.get_by_text("with the settings of Made in class, but ")).to_be_visible(timeout=PATIENCE)


def test_one_that_waits_is_cancelled_one_that_is_done_is_renamed_and_deleted(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "train")
    start(page, "Goes on and on", "5000")
    expect(page.get_by_text(re.compile(r"^Epoch \d+ of 5000, "))).to_be_visible(timeout=PATIENCE)
    first = newest(app_server)
    fill(page, "Name", "Waits")
    do(page, "Start training")
    expect(page.get_by_role("heading", name="Waits", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Waiting. It is next")).to_be_visible(timeout=PATIENCE)
    do(page, "More")
    do(page, "Cancel this training")
    do(page, "Yes, cancel it")
    expect(page.get_by_text("Cancelled: nothing of it was kept")).to_be_visible(timeout=PATIENCE)

    page.get_by_role("button", name=re.compile("^play_circle Goes on and on|Goes on and on .*training")).first.click()
    expect(page.get_by_role("heading", name="Goes on and on", exact=True)).to_be_visible(timeout=PATIENCE)
    do(page, "More")
    fill(page, "New name", "Ended early")
    do(page, "Rename")
    expect(page.get_by_role("heading", name="Ended early", exact=True)).to_be_visible(timeout=PATIENCE)
    do(page, "More")  # it closed after the press
    do(page, "Cancel this training")
    do(page, "Yes, cancel it")
    assert wait_for(lambda: first.state() == "cancelled")
    expect(page.get_by_text("Cancelled: nothing of it was kept")).to_be_visible(timeout=PATIENCE)
    do(page, "More")
    do(page, "Delete this training")
    do(page, "Yes, delete it")
    assert wait_for(lambda: not first.folder.exists())
    rest(page)
    expect(page.get_by_role("heading", name="Ended early", exact=True)).to_have_count(0)
