"""Show 7 of directions: picked by hand, judged, locked, given to a face of one's own, kept in a sum, and filmed."""

import io
import re
from collections.abc import Callable, Iterator

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from live.wire import Face
from tests.browser.canvases import Asked
from tests.browser.conftest import AppServer
from tests.browser.knobs import expect_settled, point_on, turn_knob, value_of
from tests.browser.rooms import alike, choose, decoded, engine, entry, go, pixels_of, press, rest, stage, turn_to
from vae.data import faces
from vae.data.faces import FACTORS, FaceFactors
from vae.explore.directions.evidence import measure_evidence
from vae.explore.directions.found import Direction, difference
from vae.explore.directions.groups import Groups, picked_groups
from vae.explore.directions.lock import locked

FIVE = 5
PICKED = re.compile(r"(test|training) image ([\d,]+)")


def offered(page: Page, handle: str) -> Locator:
    """The pictures to press: "offer", or those in the tray "with" or "without"."""
    return page.locator(f'[class*="st-key-pick"][class*="-tap-{handle}-"] button:visible')


def image_of(button: Locator) -> str:
    """The image that a button shows, by what it is called."""
    found = PICKED.search(button.locator("img").get_attribute("alt") or "")
    assert found is not None
    return f"{'test' if found[1] == 'test' else 'train'}/{found[2].replace(',', '')}"


def pick(page: Page, model: str, fits: Callable[[int], bool], hit: Callable[[Locator], None]) -> list[int]:
    """Press the first five offered pictures whose row fits, asking for others until there are five; their rows."""
    known, rows = engine.encodings(entry(model)), []
    while len(rows) < FIVE:
        names = [image_of(button) for button in offered(page, "offer").all()]
        for place, name in enumerate(names):
            if fits(row := known.row_of(name)) and row not in rows and len(rows) < FIVE:
                hit(offered(page, "offer").nth(place))
                rest(page)
                rows.append(row)
        if len(rows) < FIVE:
            hit(page.get_by_role("button", name="Other pictures"))
            rest(page)
    return rows


def pick_five_and_five(
    page: Page, model: str, name: str, has: np.ndarray, hit: Callable[[Locator], None] = Locator.click
) -> Groups:
    """Fill both trays by hand: pictures whose row `has` it, pictures whose row has not; the groups that this makes."""
    hit(page.get_by_role("radio", name="Picked by hand", exact=True))
    rest(page)
    page.get_by_role("textbox", name="What is it?").fill(name)
    page.keyboard.press("Enter")
    rest(page)
    mine = pick(page, model, lambda row: bool(has[row]), hit)
    hit(page.get_by_role("radio", name=f"without {name}", exact=True))
    rest(page)
    others = pick(page, model, lambda row: not has[row], hit)
    for handle in ("with", "without"):
        expect(offered(page, handle)).to_have_count(FIVE)
    return picked_groups(np.array(mine), np.array(others), len(has), (name, f"without {name}"))


def has_verdict(page: Page, sentence: str) -> None:
    expect(page.locator(".st-key-attributes-verdict")).to_have_text(sentence)


def along(start: np.ndarray, found: Direction, strength: float) -> np.ndarray:
    return start + strength * found.gap * found.vector


def build_a_face(page: Page, asked: Asked) -> np.ndarray:
    """A face of one's own, and the code that the model gives it."""
    page.get_by_text("Build a face", exact=True).click()
    for name in ("Surprise me", "Smile"):
        button = page.get_by_role("button", name=name, exact=True)
        button.scroll_into_view_if_needed()
        button.click()
        rest(page)
    expect(page.locator("figcaption", has_text="a face you built")).to_be_visible()
    seen = asked.last(Face).ask
    assert isinstance(seen, Face)
    kinds = zip(FACTORS.items(), seen.factors.tolist(), strict=True)
    face = FaceFactors(**{name: round(value) if kind == "binary" else value for (name, kind), value in kinds})
    return np.asarray(engine.encode(entry("faces"), faces.draw(face)[None])[0])


def frames_of(film: bytes, kind: str) -> list[np.ndarray]:
    """Every frame of a film, (H, W, 3) int16."""
    if kind == "GIF":
        with Image.open(io.BytesIO(film)) as gif:
            assert gif.format == kind
            frames = []
            for at in range(gif.n_frames):
                gif.seek(at)
                frames.append(np.asarray(gif.convert("RGB")).astype(np.int16))
            return frames
    with av.open(io.BytesIO(film)) as movie:
        return [frame.to_ndarray(format="rgb24").astype(np.int16) for frame in movie.decode(video=0)]


def test_five_and_five_a_verdict_a_lock_a_face_of_ones_own_a_sum_and_a_film(page: Page, app_server: AppServer) -> None:
    asked = Asked(page)
    known = engine.encodings(entry("faces"))
    glasses = known.attributes[:, known.attribute_names.index("glasses")] == 1

    # Five and five by hand, and what they are worth.
    go(page, app_server.url, "attributes", model="faces", image="test/0")
    groups = pick_five_and_five(page, "faces", "glasses", glasses)
    found, start = difference(known.mu, groups), known.mu[known.row_of("test/0")]
    assert alike(stage(page), decoded("faces", along(start, found, 1)))
    has_verdict(page, measure_evidence(known.mu, groups, "difference").sentence)

    # Locked: what a hat does to the codes is out of it.
    choose(page, "Keep fixed", "hat")
    page.keyboard.press("Escape")
    held = locked(known.mu, groups, known.attributes, known.attribute_names, ("hat",), "difference")
    assert not alike(decoded("faces", along(start, held, 1)), decoded("faces", along(start, found, 1)))
    assert alike(stage(page), decoded("faces", along(start, held, 1)))
    expect(page.locator('[data-muscope="lock"]')).to_be_visible()

    # The same on a face of one's own.
    turn_to(page, "Sliders")
    mine = build_a_face(page, asked)
    turn_to(page, "Attributes")
    assert alike(stage(page), decoded("faces", along(mine, held, 1)))
    turn_knob(page, "Strength", 1.5)
    expect_settled(page, "faces", along(mine, held, 1.5))

    # Kept, added to a sum, and the sum kept.
    press(page, "Keep as “glasses, hat fixed”")
    turn_to(page, "Sums")
    press(page, "Empty it")
    choose(page, "From", "this picture")
    press(page, "Add a face you built")
    choose(page, "From", "kept directions")
    press(page, "Add glasses, hat fixed")
    assert value_of(page, "A") == value_of(page, "B") == 1
    expect_settled(page, "faces", along(mine, held, 1))
    page.get_by_role("textbox", name="Name of this sum").fill("me with glasses")
    page.keyboard.press("Enter")
    rest(page)
    press(page, "Keep this sum")
    expect(page.get_by_role("button", name="Open me with glasses")).to_be_visible()
    press(page, "Start from this everywhere")

    # A film through five keyframes that begins with it, and opens elsewhere.
    turn_to(page, "Paths")
    for _ in range(3):
        press(page, "Another one")
        press(page, "Add")
    keyframes = page.locator('[data-muscope="keyframe"]')
    expect(keyframes).to_have_count(5)
    first = pixels_of(keyframes.first.locator("img"))
    assert alike(first, decoded("faces", along(mine, held, 1)))
    press(page, "Take it home")
    page.get_by_role("slider", name="Length").press("Home")  # one second
    rest(page)
    for kind in ("GIF", "MP4"):
        page.get_by_role("radio", name=kind, exact=True).click()
        rest(page)
        with page.expect_download(timeout=60_000) as download:
            page.get_by_role("button", name=f"Download {kind}").click()
        frames = frames_of(download.value.path().read_bytes(), kind)
        assert len(frames) > 15 and {frame.shape for frame in frames} == {(256, 256, 3)}
        # It begins with that very picture, and does not stay with it.
        large = np.asarray(Image.fromarray(first.astype(np.uint8)).resize((256, 256))).astype(np.int16)
        off = [float(np.abs(frame - large).mean()) for frame in frames]
        assert off[0] < 6 and max(off) > 3 * off[0]


def test_the_thumb_stands_below_the_picture_of_its_own_value(page: Page, app_server: AppServer) -> None:
    go(page, app_server.url, "attributes", model="mnist")
    assert value_of(page, "Strength") == 1
    for share, place in ((0, 0), (2 / 3, 4), (1, 6)):  # of -1, -0.5 ... 2
        x, _ = point_on(page, "Strength", share)
        box = page.locator("[data-muscope=film-frame]").nth(place).bounding_box()
        assert box is not None and x == pytest.approx(box["x"] + box["width"] / 2, abs=1.5)


@pytest.fixture
def phone(browser: Browser, app_server: AppServer) -> Iterator[Page]:
    made = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    )
    made.set_default_timeout(15_000)
    yield made.new_page()
    made.close()


def test_on_a_phone_fingers_pick_five_and_five_and_move_the_picture(phone: Page, app_server: AppServer) -> None:
    known = engine.encodings(entry("mnist"))
    go(phone, app_server.url, "attributes", model="mnist", image="test/7")
    groups = pick_five_and_five(phone, "mnist", "three", known.labels == 3, Locator.tap)
    has_verdict(phone, measure_evidence(known.mu, groups, "difference").sentence)
    found, start = difference(known.mu, groups), known.mu[known.row_of("test/7")]
    expect_settled(phone, "mnist", along(start, found, 1))
    for handle in ("with", "without"):  # nothing to press lies beside the screen
        for button in offered(phone, handle).all():
            box = button.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert phone.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    turn_knob(phone, "Strength", 2)
    expect_settled(phone, "mnist", along(start, found, 2))
    offered(phone, "with").first.tap()  # taken out: four are too few
    expect(phone.get_by_text("Put at least 5 pictures into each tray")).to_be_visible()
