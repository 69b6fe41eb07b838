"""Your models in a browser: from files to the map by clicks, on a phone too; what may be a program stays shut."""

import json
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ROOT, AppServer
from tests.browser.rooms import asked, choose, go, rest, turn_to
from tests.foreign.test_given import program, zipped

OWN_SERVER = True
PATIENCE = 60_000  # ms, on a busy machine
FILES, FOLDER = '[data-muscope="files"]', '[data-muscope="folder"]'
KL = ROOT / "tests" / "foreign" / "kl"
EVIL = "<img src=x onerror=window.hurt=1><script>window.hurt=1</script>[x](javascript:window.hurt=1)"


def open_it(page: Page) -> None:
    page.get_by_role("button", name="Open it", exact=True).click()
    page.get_by_test_id("stMain").get_by_role("button", name="Open on the map").first.click(timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Map", exact=True)).to_be_visible(timeout=PATIENCE)
    rest(page)


def test_an_autoencoder_of_diffusers_from_its_folder_to_every_tool(page: Page, app_server: AppServer) -> None:
    page.set_default_timeout(PATIENCE)  # the server has just started, and loads torch while it answers
    go(page, app_server.url, "models")
    page.set_input_files(FOLDER, str(KL))
    expect(page.get_by_text("An autoencoder of the diffusers library")).to_be_visible(timeout=PATIENCE)
    rest(page)
    page.get_by_text("1 files are left out").click()  # the answers that its own tests are held to
    expect(page.get_by_text("answers.safetensors")).to_be_visible()
    choose(page, "Look at it with", "Small digits")
    page.get_by_role("button", name="Open it", exact=True).click()
    page.get_by_role("button", name="Cancel", exact=True).click(timeout=PATIENCE)
    rest(page)  # everything is there again, as it was chosen
    expect(page.get_by_role("combobox", name=re.compile("Look at it with$"))).to_have_value("Small digits")
    open_it(page)
    page.wait_for_selector("[data-muscope-points]")
    assert asked(page)["model"].startswith("kl-")
    for title in ("Sliders", "Paths", "Attributes"):
        turn_to(page, title)
        expect(page.locator('[data-muscope="stage"]').first).to_be_visible()
    assert not page.get_by_text("made a mistake").count()
    (folder,) = (app_server.home / "models").glob("kl-*")
    assert not json.loads((folder / "owner.json").read_text())["shared"]

    turn_to(page, "Your models")
    page.get_by_role("button", name="Delete", exact=True).click()
    rest(page)
    expect(page.get_by_text("It can be taken back")).to_be_visible()
    assert not folder.exists()
    page.get_by_role("button", name="Take it back").click()
    rest(page)
    assert folder.exists()


def test_on_a_phone_a_model_of_our_own_opens_from_a_zip_and_its_words_are_words(
    browser: Browser, app_server: AppServer, tmp_path: Path
) -> None:
    shipped = ROOT / "checkpoints" / "mnist-2d"
    files = {
        f"m/{name}": (shipped / name).read_bytes()
        for name in ("config.json", "model.safetensors", "encodings.safetensors")
    }
    files["m/card.json"] = json.dumps(
        {"title": EVIL[:78], "sentence": EVIL, "data": {"name": "mnist", "title": EVIL}}
    ).encode()
    (tmp_path / "evil.zip").write_bytes(zipped(files))
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    go(page, app_server.url, "models")
    page.set_input_files(FILES, str(tmp_path / "evil.zip"))
    expect(page.get_by_role("button", name="Open it", exact=True)).to_be_visible(timeout=PATIENCE)
    rest(page)
    open_it(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    go(page, app_server.url, "report", **{"model": asked(page)["model"]})
    go(page, app_server.url, "models")
    assert page.evaluate("window.hurt") is None and not page.locator('img[src="x"]').count()
    context.close()


def test_a_program_is_told_how_to_be_converted(page: Page, app_server: AppServer, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(program())
    go(page, app_server.url, "models")
    page.set_input_files(FILES, str(tmp_path / "model.pt"))
    expect(page.get_by_text("may hold a program (pickle)")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("save_file(weights").first).to_be_visible()
    assert not page.get_by_role("button", name="Open it", exact=True).count()
