"""Training from the page to the map, in the browser."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from live.engine import Engine
from tests.browser.conftest import AppServer
from tests.browser.rooms import STAGE, alike, asked, choose, go, press, rest, stage
from vae.train.worker import runs


def wait_for(ready: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not ready() and time.monotonic() < end:
        time.sleep(0.2)
    return ready()


def test_a_model_trained_on_the_page_opens_on_the_map(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "train")
    choose(page, "Network", "dense")
    for label, value in (("Latent dimensions", "2"), ("Epochs", "4")):
        page.get_by_role("spinbutton", name=label).or_(page.get_by_label(label, exact=True)).first.fill(value)
        page.keyboard.press("Enter")
        rest(page)
    page.get_by_label("Name").fill("Made in a test")
    page.keyboard.press("Enter")
    rest(page)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    expect(page.locator(STAGE)).to_be_visible(timeout=60_000)  # originals above reconstructions
    page.get_by_role("button", name="Open it on the map").click(timeout=240_000)  # with PCA: UMAP is still to come
    expect(page.get_by_role("heading", name="Map", exact=True)).to_be_visible()
    rest(page)

    assert asked(page)["model"] == "made-in-a-test"
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox")).to_have_value("Made in a test")
    page.wait_for_selector('[data-muscope-points="1797"]')
    expect(page.get_by_text("1,797 images, all drawn")).to_be_visible()
    made = Engine((app_server.home / "models",))
    (model,) = made.models()
    known = made.encodings(model)
    row = known.row_of(asked(page)["image"])
    assert model.latent_dim == 2 and model.card["epochs"] == 4
    assert alike(stage(page), made.decode(model, known.mu[[row]])[0].squeeze().astype(int))

    # UMAP is compiled on its first use, which takes longer than the training; then the page offers it.
    assert wait_for(lambda: runs(app_server.home / "runs")[0].state() == "done", seconds=240)
    assert set(made.encodings(model).maps) == {"pca", "umap"}
    go(page, app_server.url, "map", model="made-in-a-test")
    expect(page.get_by_role("radio", name="UMAP")).to_be_visible()
    go(page, app_server.url, "train")  # another visitor finds nothing under way
    expect(page.get_by_text("Nothing is being trained.")).to_be_visible()


def test_stop_keeps_the_model(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "train")
    choose(page, "Network", "dense")
    page.get_by_label("Epochs", exact=True).fill("1000")
    page.keyboard.press("Enter")
    rest(page)
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text("Epoch ").first).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Sliders", exact=True).click()  # it goes on without anybody watching
    rest(page)
    page.get_by_role("link", name="Train", exact=True).click()
    page.get_by_role("button", name="Stop and keep the model").click()
    expect(page.get_by_role("button", name="Open it on the map")).to_be_visible(timeout=240_000)
    expect(page.get_by_text("Stopped, and the model kept,").first).to_be_visible(timeout=240_000)
    newest = runs(app_server.home / "runs")[0]
    assert wait_for(lambda: not newest.alive(), seconds=20)
    assert newest.state() == "stopped" and (newest.model_folder / "model.safetensors").is_file()
    press(page, "Put this view away")
    expect(page.get_by_text("Nothing is being trained.")).to_be_visible()
