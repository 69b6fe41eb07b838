"""How the journeys reach into a page: where its picture is, when it has come to rest, what it says."""

import base64
import io
import re
from contextlib import suppress

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, TimeoutError, expect

from live.engine import SHIPPED, Engine, ModelEntry

PATIENCE = 60_000  # ms: a cold server on a busy machine is slow, not broken
TRIES = 5  # at a list that a page redrawn under the hand closes again
STAGE = '[data-muscope="stage"]'
PAGES = (
    *("", "map", "sliders", "paths", "attributes", "directions", "sums", "sample"),
    *("bring", "models", "train", "report", "compare", "anomalies"),
)

engine = Engine((SHIPPED,))  # the tests' own: what the server shows is held against it


def entry(name: str) -> ModelEntry:
    return next(entry for entry in engine.models() if entry.name == name)


def go(page: Page, url: str, path: str = "", **asked: str) -> None:
    """Open a page by its link and wait until it has come to rest."""
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    page.goto(f"{url}/{path}" + (f"?{query}" if query else ""))
    page.wait_for_selector('[data-testid="stMain"] :is(h1, h2, h3)', timeout=PATIENCE)
    rest(page)


def turn_to(page: Page, title: str) -> None:
    """Another page by the menu, as a person goes there."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
    heading = page.get_by_role("heading", name="Tap one" if title == "Start" else title, exact=True)
    expect(heading).to_be_visible()
    rest(page)


# Whether a page rests, asked at each frame the browser draws. What the page tells Python is seen on its way out, so a
# run that a busy server has not begun is waited for. Where a run came and went since the page rested last, that was the
# answer, and a short silence will do: in frames too, because a busy browser puts pictures in place late.
RESTS = """() => {
    const app = document.querySelector('[data-testid=stApp]'), now = performance.now();
    if (!app) return false;
    const busy = () => app.dataset.testScriptState !== 'notRunning';
    let known = window.muscopeRests;
    if (known?.app !== app) {
        known = window.muscopeRests = {app, opened: now, told: -Infinity, open: false, answered: false, since: now};
        if (!window.muscopeTold) {
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (said) {
                if (this.url.includes('_stcore/stream')) window.muscopeTold();
                return send.call(this, said);
            };
        }
        const news = (changed) => Object.assign(known, {frames: 0}, changed);
        window.muscopeTold = () => news({told: performance.now(), open: true});
        new MutationObserver(() => {
            if (!busy() && known.open) news({open: false, answered: true});
            news({since: performance.now()});
        }).observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
        known.frames = 0;
    }
    if (busy() || (known.open && now - known.told < 5000)) return false;
    const parts = [...document.querySelectorAll('[data-testid=stBidiComponentRegular]')];
    const coming = document.querySelector('[data-testid=stSkeleton]') || parts.some(part => part.children.length < 2);
    if (coming && now - known.opened < 10000) return false; // scripts are on their way
    known.frames += 1;
    const moving = document.body.matches('.mu-moving'); // a hand that has more to tell
    const quiet = moving ? 450 : known.answered ? 150 : 300;
    if (known.frames < quiet / 25 || now - Math.max(known.since, known.told) < quiet) return false;
    known.answered = false;
    known.frames = 0;
    return true;
}"""


def rest(page: Page) -> None:
    """Wait until the server has nothing more to say, for a moment at least."""
    page.wait_for_function(RESTS, timeout=PATIENCE)


def stage(page: Page) -> np.ndarray:
    """The large picture as (H, W) or (H, W, 3) int16."""
    return pixels_of(page.locator(STAGE))


def pixels_of(image: Locator) -> np.ndarray:
    """What an image element shows, from its own file: int16, so that differences are differences."""
    source = image.get_attribute("src") or ""
    return unpacked(base64.b64decode(source.partition("base64,")[2]))


def unpacked(png: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(png))).astype(np.int16)


def reconstruction(model: str, image_id: str) -> np.ndarray:
    """What the model makes of an image, computed here: decode(mu)."""
    known = engine.encodings(entry(model))
    return decoded(model, known.mu[known.row_of(image_id)])


def decoded(model: str, code: np.ndarray) -> np.ndarray:
    return engine.decode(entry(model), code[None])[0].squeeze().astype(np.int16)


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """The same picture; the last grey level may be rounded otherwise in another process."""
    return one.shape == other.shape and int(np.abs(one - other).max()) <= 1


def asked(page: Page) -> dict[str, str]:
    """The query of the address."""
    return page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")


def choose(page: Page, label: str, words: str) -> None:
    """An option of a list, by typing it as a person does."""
    box = page.get_by_role("combobox", name=re.compile(rf"\b{re.escape(label)}$"))
    option = page.get_by_role("option", name=words, exact=True)
    for _ in range(TRIES):
        box.click()
        with suppress(TimeoutError):
            option.click(timeout=4_000)
            break
        page.keyboard.press("Escape")  # what a busy server still had to say closed the list
    else:
        raise AssertionError(f"“{label}” never offered “{words}”")
    rest(page)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    rest(page)


def said(page: Page) -> str:
    """Every word that eyes or a screen reader meet on the page as it is."""
    return page.evaluate(
        """() => {
            const spoken = ['aria-label', 'alt', 'title', 'placeholder'];
            const names = [...document.querySelectorAll('*')].flatMap(e => spoken.map(a => e.getAttribute(a)));
            return [document.body.innerText, document.title, ...names.filter(Boolean)].join('\\n');
        }"""
    )
