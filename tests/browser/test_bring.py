"""Your data in a browser: from files to the map by a few clicks, and what goes on while they come."""

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import AppServer
from tests.browser.rooms import asked, go, rest, turn_to
from vae.data import load

OWN_SERVER = True
PATIENCE = 60_000  # ms, on a busy machine
MOST = 10  # clicks from the files to the map
FILES, FOLDER = '[data-muscope="files"]', '[data-muscope="folder"]'
COUNT = "addEventListener('click', () => sessionStorage.clicks = 1 + Number(sessionStorage.clicks ?? 0), true);"
EVIL = ("<img src=x onerror=window.hurt=1>", "<script>window.hurt=1</script>", "[x](javascript:window.hurt=1)", "$$x$$")


def shapes(folder: Path, count: int = 60) -> Path:
    """Grey discs and squares as PNG files, and a table that says which is which."""
    folder.mkdir()
    draw = np.random.default_rng(4)
    y, x = np.mgrid[:24, :30]
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "kind", "size"])
        for place in range(count):
            size, across, down = draw.integers(4, 9), draw.integers(9, 21), draw.integers(8, 16)
            far = np.hypot(x - across, y - down) if place % 2 else np.maximum(abs(x - across), abs(y - down))
            Image.fromarray(np.where(far < size, 230, 20).astype(np.uint8)).save(folder / f"{place:03}.png")
            rows.writerow([f"{place:03}.png", ("square", "disc")[place % 2], size])
    return folder


def series(file: Path, count: int = 80) -> Path:
    """A table of time series: a bump that comes sooner or later."""
    draw, moments = np.random.default_rng(5), np.linspace(0, 1, 32)
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["kind", *(f"t{place}" for place in range(32))])
        for place in range(count):
            middle = draw.normal(0.3 + 0.4 * (place % 2), 0.05)
            rows.writerow([("soon", "late")[place % 2], *np.exp(-(((moments - middle) / 0.1) ** 2)).round(4)])
    return file


def fill(page: Page, label: str, value: str) -> None:
    box = page.get_by_role("spinbutton", name=label, exact=True)
    box.fill(value)
    box.press("Enter")
    rest(page)


def bring(page: Page, where: str, *files: Path) -> None:
    page.set_input_files(where, [str(file) for file in files])
    expect(page.get_by_role("heading", name="What was understood")).to_be_visible(timeout=PATIENCE)
    rest(page)


@pytest.mark.parametrize("what", ["a labelled folder", "a table of time series"])
def test_from_files_to_the_map_by_clicks_alone(page: Page, app_server: AppServer, tmp_path: Path, what: str) -> None:
    page.add_init_script(COUNT)
    go(page, app_server.url, "bring")
    if what == "a labelled folder":
        bring(page, FOLDER, shapes(tmp_path / "shapes"))
        expect(page.get_by_text("2 labels: disc (30), square (30).")).to_be_visible()
        expect(page.get_by_text("60 images, 30 by 24 pixels, grey")).to_be_visible()
        name, shape = "shapes", (1, 24, 30)
    else:
        bring(page, FILES, series(tmp_path / "beats.csv"))
        expect(page.get_by_text("80 rows, 32 numbers each")).to_be_visible()
        name, shape = "beats", (32,)
    previews = page.locator('[data-muscope="preview"]')
    assert previews.count() == 24
    assert previews.first.evaluate("image => image.complete && image.naturalWidth > 0")
    page.get_by_role("button", name="Use these").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible(timeout=PATIENCE)
    rest(page)
    expect(page.get_by_test_id("stMain").get_by_role("combobox", name=re.compile("Data"))).to_have_value(name)
    fill(page, "Latent dimensions", "2")  # typed, so that this test is quick: what is there would do
    fill(page, "Minutes", "0.1")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text(re.compile("Finished after"))).to_be_visible(timeout=2 * PATIENCE)
    page.get_by_role("button", name="Open it on the map").click(timeout=PATIENCE)  # while the page is drawn once more
    expect(page.get_by_role("heading", name="Map", exact=True)).to_be_visible(timeout=PATIENCE)
    rest(page)
    count = 60 if name == "shapes" else 80
    page.wait_for_selector(f'[data-muscope-points="{count}"]', timeout=PATIENCE)
    assert asked(page)["model"] == f"my-{name}"
    assert int(page.evaluate("sessionStorage.clicks")) <= MOST
    (made,) = [each.name for each in (app_server.home / "brought").iterdir()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSCOPE_HOME", str(app_server.home))
        assert load(f"brought:{made}", "train").shape == shape

    # Deleted: the data are gone, and the model is there still.
    turn_to(page, "Your data")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    assert not list((app_server.home / "brought").iterdir())
    assert (app_server.home / "models" / f"my-{name}").is_dir()


def test_channels_have_a_window_and_a_colour(page: Page, app_server: AppServer, tmp_path: Path) -> None:
    import tifffile

    draw = np.random.default_rng(6)
    for place in range(12):
        cells = draw.normal(300, 20, (4, 40, 40))
        cells[place % 4, 10:30, 10:30] += 9000
        file = tmp_path / f"cell{place:02}.tif"
        tifffile.imwrite(file, cells.clip(0, 65535).astype(np.uint16), photometric="minisblack")
    go(page, app_server.url, "bring")
    bring(page, FILES, *sorted(tmp_path.glob("*.tif")))
    expect(page.get_by_text("12 images, 40 by 40 pixels, 4 channels")).to_be_visible()
    before = page.locator('[data-muscope="preview"]').first.get_attribute("src")
    page.get_by_text("Channels (4)").click()
    box = page.get_by_role("spinbutton", name="Full at").first
    box.fill("60000")
    box.press("Enter")
    rest(page)
    assert page.locator('[data-muscope="preview"]').first.get_attribute("src") != before
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    rest(page)


def test_files_are_dropped_cancelled_refused_and_found_again(
    page: Page, app_server: AppServer, tmp_path: Path, console_errors: list[str]
) -> None:
    go(page, app_server.url, "bring")
    drop = """([name, text]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text], name));
        const zone = document.querySelector('[data-muscope="drop"]');
        for (const kind of ['dragenter', 'dragover', 'drop'])
            zone.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }"""
    page.evaluate(drop, ["letters.txt", "no picture at all"])
    expect(page.get_by_test_id("stMain").get_by_text("letters.txt", exact=True)).to_be_visible()
    rest(page)
    assert page.get_by_test_id("stMain").get_by_role("alert").filter(has_text=re.compile(r"\w")).count() >= 1
    page.get_by_role("button", name="Remove", exact=True).click()
    rest(page)

    # While it comes, another page can be looked at; on coming back it is there.
    held = []
    page.route("**/live/upload/*/files", lambda route: held.append(route))
    table = series(tmp_path / "beats.csv")
    page.set_input_files(FILES, str(table))
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_visible()
    turn_to(page, "Sample")
    held.pop().continue_()
    turn_to(page, "Your data")
    expect(page.get_by_role("heading", name="What was understood")).to_be_visible(timeout=PATIENCE)
    rest(page)
    page.get_by_role("button", name="Remove", exact=True).click()
    rest(page)

    # Cancelled while it comes: nothing of it stays.
    page.set_input_files(FILES, str(table))
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("button", name="Choose files")).to_be_focused()
    page.unroute("**/live/upload/*/files")
    page.wait_for_function("() => true")
    rest(page)
    assert not list((app_server.home / "uploads").rglob("*.bin"))

    # Refused by the server: its line stands where the files were dropped.
    page.route("**/live/upload/*/begin", lambda route: route.fulfill(status=400, body="You brought too much."))
    page.set_input_files(FILES, str(table))
    expect(page.get_by_text("You brought too much.")).to_be_visible()
    console_errors.clear()  # the browser notes the refusal itself


def test_nothing_that_was_brought_is_run(page: Page, app_server: AppServer, tmp_path: Path) -> None:
    rows = io.StringIO()
    table = csv.writer(rows)
    table.writerow(["path", EVIL[1], "kind"])
    tmp_path = tmp_path / "evil"
    tmp_path.mkdir()
    for place in range(12):
        name = f"{EVIL[place % 4].replace('/', '')}{place}.png"
        Image.fromarray(np.full((9, 9), 20 * place, np.uint8)).save(tmp_path / name)
        table.writerow([name, EVIL[place % 3], EVIL[place % 2]])
    (tmp_path / "labels.csv").write_text(rows.getvalue())
    go(page, app_server.url, "bring")
    bring(page, FOLDER, tmp_path)
    expect(page.get_by_text("2 labels: ")).to_be_visible()
    page.get_by_role("textbox", name="Name").fill(EVIL[0])
    page.get_by_role("textbox", name="Name").press("Enter")
    rest(page)
    page.get_by_role("button", name="Use these").click()
    expect(page.get_by_role("heading", name="Train", exact=True)).to_be_visible(timeout=PATIENCE)
    turn_to(page, "Your data")
    expect(page.get_by_text(EVIL[0]).first).to_be_visible()
    assert page.evaluate("window.hurt") is None


def test_it_is_worked_by_thumb(browser: Browser, app_server: AppServer, tmp_path: Path) -> None:
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    try:
        go(page, app_server.url, "bring")
        bring(page, FILES, series(tmp_path / "beats.csv"))
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1]
        button = page.get_by_role("button", name="Use these")
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box is not None and box["height"] >= 40 and box["x"] >= 0 and box["x"] + box["width"] <= 390
    finally:
        phone.close()
