"""Hands on the map: a mouse, a finger and a keyboard, and what is drawn for them."""

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from live.points import CLASS_COLOURS
from tests.browser.conftest import AppServer
from tests.browser.knobs import live_picture
from tests.browser.maps import (
    DOTS,
    FLOAT,
    FRAME,
    SAID,
    ask,
    box_of,
    covered,
    drag,
    drawn,
    lonely,
    open_map,
    pixel,
    place_of,
    shelf,
    shows,
    umap,
    until,
    where,
)
from tests.browser.rooms import (
    STAGE,
    alike,
    asked,
    choose,
    decoded,
    engine,
    entry,
    press,
    reconstruction,
    rest,
    stage,
)
from vae.explore.anywhere import code_at, ground
from vae.explore.latents import rank_by_kl

# ---- dots ----------------------------------------------------------------------------------------------------------


def test_every_image_is_drawn_where_it_lies_in_its_classs_colour(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist")
    known, xy = engine.encodings(entry("mnist")), umap("mnist")
    assert drawn(page) == len(known)
    ink, spots = covered(page), where(page, xy) - box_of(page)[0] - 1  # 1: the frame's own edge
    inside = ((spots > 1) & (spots < np.array(ink.shape)[::-1] - 1)).all(axis=1)
    assert inside.sum() > 0.99 * len(known)
    columns, lines = np.floor(spots[inside]).astype(int).T
    assert (ink[lines, columns] > 0).all()  # under each of the 70,000 there is colour
    for row in lonely(page, xy, 12, 4):
        colour = CLASS_COLOURS[known.labels[row]]
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        *seen, alpha = pixel(page, where(page, xy[row]))
        assert alpha > 150 and np.abs(np.subtract(seen, wanted)).max() <= 8, (row, seen, wanted)
    corner, _ = box_of(page)
    assert pixel(page, corner + 6)[3] == 0  # and nothing where there is none


def test_the_map_can_be_looked_at_in_other_ways_and_back_without_asking_again(
    page: Page, app_server: AppServer
) -> None:
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url) if "/live/" in request.url else None)
    open_map(page, app_server, "faces")
    legend = page.locator("[data-muscope=map-legend]")
    choose(page, "Colour", "glasses")
    expect(legend.get_by_role("button", name="no glasses")).to_be_visible()
    choose(page, "Colour", "turn")
    expect(legend.get_by_role("button")).to_have_count(0)
    expect(legend).to_contain_text("turn")
    page.get_by_role("radio", name="PCA").click()
    rest(page)
    until(page, lambda: any("/points/" in url and url.endswith("/pca") for url in asked_for), "PCA was not asked for")
    before = [url for url in asked_for if "/points/" in url or "/colours/" in url]
    assert len(before) == len(set(before))
    page.get_by_role("radio", name="UMAP").click()
    choose(page, "Colour", "glasses")
    expect(legend.get_by_role("button", name="no glasses")).to_be_visible()
    assert drawn(page) == len(engine.encodings(entry("faces")))
    assert [url for url in asked_for if "/points/" in url or "/colours/" in url] == before


def test_the_original_of_the_chosen_image_is_dimmed_while_the_picture_is_of_another_place(
    page: Page, app_server: AppServer
) -> None:
    open_map(page, app_server, "faces", image="test/7")
    original = page.locator(".mu-original")
    expect(original).to_have_css("opacity", "1")
    low, high = box_of(page)
    page.mouse.move(*low + 60)
    page.mouse.move(*(low + high) / 2)
    expect(original).to_have_css("opacity", "0.2")
    page.mouse.move(5, 5)
    expect(original).to_have_css("opacity", "1")


def test_while_another_map_is_on_its_way_a_hand_chooses_nothing(page: Page, app_server: AppServer) -> None:
    waiting: list[Route] = []
    page.route("**/live/points/*/pca", lambda route: waiting.append(route))
    open_map(page, app_server, "faces", image="test/7")
    page.get_by_role("radio", name="PCA").click()
    until(page, lambda: len(waiting) == 1, "PCA was not asked for")
    rest(page)
    low, high = box_of(page)
    page.mouse.click(*(low + high) / 2)
    rest(page)
    expect(page.get_by_text("Loading the map")).to_be_visible()
    expect(page.locator(FLOAT)).to_be_hidden()
    assert asked(page)["image"] == "test/7"
    waiting[0].fulfill(status=404, body="There is no such map.")
    expect(page.get_by_text("There is no such map.")).to_be_visible()
    page.get_by_role("radio", name="UMAP").click()
    rest(page)
    page.mouse.move(*low + 60)
    page.mouse.move(*(low + high) / 2)
    expect(page.locator(FLOAT)).to_be_visible()


def test_the_legend_hides_classes_and_shows_one_alone(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist")
    known, xy = engine.encodings(entry("mnist")), umap("mnist")
    counts = np.bincount(known.labels)
    legend = page.locator("[data-muscope=map-legend]")
    zero = legend.get_by_role("button", name="0", exact=True)
    spot = where(page, np.median(xy[known.labels == 0], axis=0))
    assert pixel(page, spot)[3] > 0
    zero.click()
    expect(zero).to_have_attribute("aria-pressed", "false")
    expect(page.locator(DOTS)).to_have_attribute("data-muscope-points", str(len(known) - counts[0]))
    assert pixel(page, spot)[3] == 0
    zero.click(modifiers=["Shift"])
    expect(page.locator(DOTS)).to_have_attribute("data-muscope-points", str(counts[0]))
    assert pixel(page, spot)[3] > 0
    seven = legend.get_by_role("button", name="7", exact=True)
    seven.dblclick()
    expect(page.locator(DOTS)).to_have_attribute("data-muscope-points", str(counts[7]))
    seven.dblclick()
    expect(page.locator(DOTS)).to_have_attribute("data-muscope-points", str(len(known)))


# ---- a mouse -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["faces", "mnist"])
def test_a_press_on_a_dot_shows_its_image(page: Page, app_server: AppServer, model: str) -> None:
    open_map(page, app_server, model)
    known, xy = engine.encodings(entry(model)), umap(model)
    for row in lonely(page, xy, 2, 6):
        before, image_id = where(page, xy[row]), known.image_id(row)
        page.mouse.click(*before + 2)
        page.wait_for_function("id => new URLSearchParams(location.search).get('image') === id", arg=image_id)
        rest(page)
        assert alike(stage(page), reconstruction(model, image_id))
        assert np.allclose(where(page, xy[row]), before, atol=1)  # a press does not move the map


def test_pointing_shows_what_is_there_at_once_and_leaving_takes_it_back(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist", image="test/3")
    known, xy = engine.encodings(entry("mnist")), umap("mnist")
    settled = stage(page)
    (row,) = lonely(page, xy, 1, 6)
    page.mouse.move(*where(page, xy[row]) + 40)
    page.mouse.move(*where(page, xy[row]), steps=4)
    shows(page, reconstruction("mnist", known.image_id(row)))
    split, _, index = known.image_id(row).partition("/")
    name = f"{'test' if split == 'test' else 'training'} image {int(index):,}: {known.labels[row]}"
    expect(page.locator(FLOAT)).to_have_text(name)
    expect(page.locator("figcaption").first).to_have_text(name)
    expect(page.locator("[data-muscope=unusual]")).not_to_be_empty()
    page.get_by_role("button", name="Keep this code").press("Enter")  # the page runs under the hand
    until(page, lambda: shelf(page) == 1, "nothing was kept")
    rest(page)
    shows(page, reconstruction("mnist", known.image_id(row)))

    low, high = box_of(page)
    nowhere = low + (high - low) * (0.5, 0.5)  # between the groups
    page.mouse.move(*nowhere)
    expect(page.locator(FLOAT)).to_have_text("between images")
    at = place_of(page, nowhere)
    assert np.hypot(*(xy - at).T).min() > 0.5
    shows(page, decoded("mnist", code_at(ground(known.mu, xy), [at]).codes[0]))

    page.mouse.move(5, 5)
    expect(page.locator(FLOAT)).to_be_hidden()
    expect(page.locator("canvas[data-muscope=live]")).to_be_hidden()
    assert np.array_equal(stage(page), settled) and asked(page)["image"] == "test/3"


def test_a_press_beside_the_dots_goes_there_and_can_be_undone(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist", image="test/3")
    known, xy = engine.encodings(entry("mnist")), umap("mnist")
    low, high = box_of(page)
    spot = np.round(low + (high - low) * (0.5, 0.5))
    truth = decoded("mnist", code_at(ground(known.mu, xy), [place_of(page, spot)]).codes[0])
    page.mouse.click(*spot)
    page.wait_for_function("!new URLSearchParams(location.search).has('image')")
    rest(page)
    assert alike(stage(page), truth)
    expect(page.locator("figcaption").first).to_have_text("a place on the map")
    press(page, "Undo")
    assert alike(stage(page), reconstruction("mnist", "test/3"))
    press(page, "Redo")
    assert alike(stage(page), truth)


def test_the_wheel_zooms_around_the_pointer_a_drag_moves_and_a_press_keeps_both(
    page: Page, app_server: AppServer
) -> None:
    open_map(page, app_server, "faces")
    known, xy = engine.encodings(entry("faces")), umap("faces")
    whole, opened = where(page, xy), asked(page)
    anchor = np.round(whole.mean(axis=0))  # the wheel's events know whole pixels
    page.mouse.move(*anchor)
    held = place_of(page, anchor)
    for _ in range(8):
        page.mouse.wheel(0, -120)
    page.wait_for_timeout(100)
    assert np.allclose(where(page, held), anchor, atol=0.5)
    near = where(page, xy)
    assert np.ptp(near, axis=0).max() > 3 * np.ptp(whole, axis=0).max()
    drag(page, anchor, anchor + (60, -35))
    assert np.allclose(where(page, xy), near + (60, -35), atol=1)
    assert asked(page) == opened  # to drag is not to press
    (row,) = lonely(page, xy, 1, 10)
    kept = where(page, xy)
    page.mouse.click(*kept[row])
    page.wait_for_function("id => new URLSearchParams(location.search).get('image') === id", arg=known.image_id(row))
    rest(page)
    assert np.allclose(where(page, xy), kept, atol=0.5)
    page.get_by_role("button", name="Whole map").click()
    assert np.allclose(where(page, xy), whole, atol=0.5)


def test_a_double_press_keeps_what_is_there(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist")
    low, high = box_of(page)
    page.mouse.dblclick(*low + (high - low) * (0.5, 0.5))
    until(page, lambda: shelf(page) == 1, "nothing was kept")
    rest(page)
    assert page.locator("figcaption").first.inner_text() == "a place on the map"


def test_a_line_around_a_digit_gathers_it(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist")
    known, xy = engine.encodings(entry("mnist")), umap("mnist")
    zeros = where(page, xy[known.labels == 0])
    middle, reach = np.median(zeros, axis=0), np.percentile(np.abs(zeros - np.median(zeros, axis=0)), 99.5) + 8
    page.get_by_role("button", name="Lasso").click()
    round_ = [middle + reach * 1.2 * np.array([np.cos(a), np.sin(a)]) for a in np.linspace(0, 2 * np.pi, 60)]
    drag(page, *round_)
    expect(page.get_by_role("textbox", name="Name of the group")).to_have_value("group 1")
    spots = where(page, xy)
    inside = np.hypot(*(spots - middle).T) < reach * 1.2
    edge = int((np.abs(np.hypot(*(spots - middle).T) - reach * 1.2) < 2.5).sum())
    words = page.get_by_text("are 0 (of all images").inner_text()
    count = int(words.split()[0].replace(",", ""))
    assert abs(count - inside.sum()) <= edge and inside.sum() > 5000
    expect(page.get_by_role("button", name="Move", exact=True)).to_have_attribute("aria-pressed", "true")

    press(page, "Go to its mean")
    assert alike(stage(page), decoded("mnist", known.mu[inside].mean(axis=0))) or edge
    page.get_by_role("textbox", name="Name of the group").fill("noughts")
    page.keyboard.press("Enter")
    rest(page)
    press(page, "Delete noughts")
    expect(page.get_by_role("textbox", name="Name of the group")).to_have_count(0)


def test_a_box_gathers_exactly_the_shown_dots_inside_it(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "faces")
    known, xy = engine.encodings(entry("faces")), umap("faces")
    choose(page, "Colour", "glasses")
    page.locator("[data-muscope=map-legend]").get_by_role("button", name="no glasses").click()
    low, high = box_of(page)
    a, b = np.round(low + (high - low) * (0.3, 0.2)), np.round(low + (high - low) * (0.8, 0.7))
    corners = np.array([place_of(page, a), place_of(page, b)])
    page.get_by_role("button", name="Box").click()
    drag(page, a, b)
    inside = ((xy > corners.min(axis=0)) & (xy < corners.max(axis=0))).all(axis=1)
    glasses = known.attributes[:, known.attribute_names.index("glasses")] == 1
    expect(page.get_by_text(f"{(inside & glasses).sum():,} images. 100% are glasses")).to_be_visible()

    page.get_by_role("button", name="Box").click()
    drag(page, low + 3, low + 9)  # nobody is there
    expect(page.get_by_text("There is no image inside that line")).to_be_visible()


def test_dots_become_pictures_when_one_looks_closely(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist", image="test/3")
    known, xy = engine.encodings(entry("mnist")), umap("mnist")
    assert ask(page, "picturedRows()") == []
    page.mouse.move(*where(page, xy[known.row_of("test/3")]))
    for _ in range(20):
        page.mouse.wheel(0, -120)
    until(page, lambda: len(ask(page, "picturedRows()")) >= 3, "no picture came")
    rows, seen = ask(page, "picturedRows()"), ask(page, "visibleRows()")
    assert set(rows) <= set(seen)
    spots = where(page, xy[rows])
    gaps = np.abs(spots[:, None] - spots[None]).max(axis=2) + 1000 * np.eye(len(rows))
    assert gaps.min() >= 48  # none lies over another
    low, high = box_of(page)
    row = next(
        row for row, spot in zip(rows, spots, strict=True) if (spot > low + 30).all() and (spot < high - 30).all()
    )
    picture = decoded("mnist", known.mu[row])
    y, x = np.unravel_index(np.argmax(picture), picture.shape)
    at = where(page, xy[row]) + (np.array([x, y]) + 0.5 - 14) * 48 / 28
    assert abs(pixel(page, at)[0] - picture[y, x]) < 60
    size = page.get_by_role("slider", name="Pictures")
    size.press("Home")
    expect(size).to_have_attribute("aria-valuetext", "none")
    until(page, lambda: ask(page, "picturedRows()") == [], "the pictures stayed")


# ---- two dimensions ------------------------------------------------------------------------------------------------


def test_two_dimensions_show_how_sure_the_encoder_is(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist-2d", image="test/3")
    known = engine.encodings(entry("mnist-2d"))
    row = known.row_of("test/3")
    mu, std = known.mu[row], np.exp(known.logvar[row] / 2)
    press(page, "Draw from its posterior")
    over = "canvas[data-muscope=map-over]"
    for direction in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        assert pixel(page, where(page, mu + std * direction), over)[3] > 200
    spot = where(page, mu)
    assert np.abs(where(page, mu + std) - spot).min() > 30  # it came near enough to see them
    low, high = box_of(page)
    anywhere = low + (high - low) * (0.93, 0.5)
    page.mouse.move(*anywhere)
    expect(page.locator(FLOAT)).to_have_class("mu-float mu-seen")
    if page.locator(FLOAT).inner_text().startswith("dimension"):
        shows(page, decoded("mnist-2d", place_of(page, anywhere)))


def test_on_two_of_many_dimensions_a_press_turns_just_these(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "mnist", image="test/3")
    known = engine.encodings(entry("mnist"))
    page.get_by_role("radio", name="Two dimensions").click()
    rest(page)
    strongest = rank_by_kl(known.kl_per_dim().mean(axis=0))[:2]
    low, high = box_of(page)
    spot = np.round(low + (high - low) * (0.04, 0.3))  # beside all dots
    code = known.mu[known.row_of("test/3")].copy()
    code[strongest] = place_of(page, spot)
    page.mouse.move(*spot)
    shows(page, decoded("mnist", code))
    page.mouse.click(*spot)
    page.wait_for_function("!new URLSearchParams(location.search).has('image')")
    rest(page)
    assert alike(stage(page), decoded("mnist", code))


# ---- keys ----------------------------------------------------------------------------------------------------------


def test_the_keyboard_alone_looks_chooses_keeps_and_gathers(page: Page, app_server: AppServer) -> None:
    open_map(page, app_server, "faces", image="test/7")
    known, xy = engine.encodings(entry("faces")), umap("faces")
    whole = where(page, xy)
    page.get_by_role("slider", name="Pictures").focus()
    page.keyboard.press("Tab")
    expect(page.locator(FRAME)).to_be_focused()
    shows(page, reconstruction("faces", "test/7"))  # the cursor begins where one is
    settled = page.locator(STAGE).get_attribute("src")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowUp")
    expect(page.locator(SAID)).to_contain_text("image")
    cursor = where(page, xy[known.row_of("test/7")]) - (240, 12)
    cursor = np.maximum(cursor, box_of(page)[0] + 25)
    assert page.locator(STAGE).get_attribute("src") == settled  # to look is not to choose
    page.keyboard.press("Enter")
    page.wait_for_function("settled => document.querySelector('[data-muscope=stage]').src !== settled", arg=settled)
    rest(page)
    distance = np.hypot(*(where(page, xy) - cursor).T)
    chosen = asked(page).get("image")
    assert distance[known.row_of(chosen)] <= 10 if chosen else distance.min() > 6
    page.keyboard.press("k")
    until(page, lambda: shelf(page) == 1, "nothing was kept")
    rest(page)

    before = where(page, xy)
    page.keyboard.press("+")
    page.wait_for_timeout(100)
    assert np.ptp(where(page, xy)[:, 0]) == pytest.approx(1.5 * np.ptp(before[:, 0]), rel=0.01)
    page.keyboard.press("0")
    page.wait_for_timeout(100)
    assert np.allclose(where(page, xy), whole, atol=0.5)

    page.keyboard.press("l")
    for keys in (["Shift+ArrowRight"] * 5, ["Shift+ArrowDown"] * 5, ["Shift+ArrowLeft"] * 5):
        page.keyboard.press("Enter")
        for key in keys:
            page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.keyboard.press("l")
    expect(page.get_by_role("textbox", name="Name of the group")).to_have_value("group 1")
    page.locator(FRAME).focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(FLOAT)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(FLOAT)).to_be_hidden()


# ---- a finger ------------------------------------------------------------------------------------------------------


def test_a_finger_looks_while_it_moves_and_chooses_where_it_lifts(browser: Browser, app_server: AppServer) -> None:
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    open_map(page, app_server, "faces", image="test/7")
    known, xy = engine.encodings(entry("faces")), umap("faces")
    wire = phone.new_cdp_session(page)

    def touch(kind: str, *spots: np.ndarray) -> None:
        wire.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": float(x), "y": float(y), "id": i} for i, (x, y) in enumerate(spots)]},
        )

    page.evaluate(
        """([stage, map]) => {
            const bottom = document.querySelector(stage).getBoundingClientRect().bottom;
            const by = document.querySelector(map).getBoundingClientRect().top - bottom + 60;
            document.querySelector('[data-testid=stMain]').scrollBy(0, by);
        }""",
        [STAGE, FRAME],
    )
    page.wait_for_timeout(300)
    low, high = box_of(page)
    seen = page.locator(STAGE).bounding_box()
    assert seen is not None and seen["y"] > 0  # the large picture stays in sight
    assert seen["y"] + seen["height"] > low[1] + 20  # and covers some of the map
    low[1] = seen["y"] + seen["height"]
    high = np.minimum(high, [390, 844])
    assert (high - low > 200).all()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    beside = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y)?.closest('[data-muscope=map]')", [high[0] + 14, low[1] + 99]
    )
    assert beside is None and 390 - high[0] >= 28  # a strip to scroll the page

    settled = page.locator(STAGE).get_attribute("src")
    start, end = low + (high - low) * (0.3, 0.8), low + (high - low) * (0.6, 0.12)
    touch("touchStart", start)
    for share in np.linspace(0, 1, 8):
        touch("touchMove", start + share * (end - start))
        page.wait_for_timeout(40)
    expect(page.locator(FLOAT)).to_have_class("mu-float mu-seen")
    beside_it = page.locator(FLOAT).bounding_box()
    assert beside_it is not None and beside_it["y"] >= seen["y"] + seen["height"]  # under nothing, and no finger on it
    assert not (
        beside_it["x"] < end[0] < beside_it["x"] + beside_it["width"]
        and beside_it["y"] < end[1] < beside_it["y"] + beside_it["height"]
    )
    until(page, lambda: live_picture(page) is not None, "the large picture did not follow the finger")
    page.wait_for_timeout(300)
    looked = live_picture(page)
    assert page.locator(STAGE).get_attribute("src") == settled
    touch("touchEnd")
    page.wait_for_function("settled => document.querySelector('[data-muscope=stage]').src !== settled", arg=settled)
    rest(page)
    assert alike(stage(page), looked)  # what was seen is what was chosen
    expect(page.locator(FLOAT)).to_be_hidden()

    before, chosen = where(page, xy), asked(page)
    middle = (low + high) / 2
    touch("touchStart", middle - (30, 0), middle + (30, 0))
    for wide in (40, 60, 90):
        touch("touchMove", middle - (wide, 0), middle + (wide, 0))
        page.wait_for_timeout(40)
    touch("touchEnd")
    page.wait_for_timeout(200)
    rest(page)
    assert np.ptp(where(page, xy)[:, 0]) > 2 * np.ptp(before[:, 0])  # two fingers bring it nearer
    assert asked(page) == chosen  # and choose nothing
    assert len(known) == drawn(page)
    phone.close()
