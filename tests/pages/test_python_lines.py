"""Copy as Python: the lines of every page, run in a clean process, make the picture of the page to the byte."""

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from live import components
from pages.ui import python_lines
from tests.core.histories import a_history
from tests.pages.conftest import ROOT, pictures, sound, stage, visit
from vae.history import save_history

# Runs each file of lines for itself, in one process: what one makes is not there for the next.
RUNNER = """
import sys
from pathlib import Path
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    made = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), made)
    made["picture"].save(path.with_suffix(".png"))
"""


def lines_of(app: AppTest) -> str:
    """The lines on a page."""
    (found,) = [each.value for each in app.code if "vae.notebook" in each.value]
    return found


def made(tmp_path: Path, home: Path, lines: dict[str, str]) -> dict[str, bytes]:
    """What lines make in a process of their own, where nothing of this one is known."""
    place = tmp_path / "lines"
    place.mkdir()
    for name, text in lines.items():
        (place / f"{name}.py").write_text(text, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "MUSCOPE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment |= {name: os.environ[name] for name in ("MUSCOPE_DATA", "HOME") if name in os.environ}
    run = [sys.executable, "-W", "error", "-c", RUNNER, str(place)]
    ended = subprocess.run(run, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return {name: (place / f"{name}.png").read_bytes() for name in lines}


KINDS = ("digits", "faces", "levels", "table", "many", "autoencoder")
NAMED = {
    "map": 'model.code("test/',
    "attributes": 'model.direction("label:',
    "attributes-strong": "move(z, direction, 0.75)",
    "directions-here": 'model.axes("here", z)',
    "sums": "add(terms",
    "paths-follow": '"follow", closed=True)',
    "sample-warm": "model.samples(4, 5, temperature=",
    "sample-kept": "[9]",
    "sliders-many": "z[",
    "train": ".history",
}


def test_the_lines_of_every_page_make_its_picture_to_the_byte(own, request, monkeypatch, tmp_path):
    """At first, and after a hand has been there; all in one process of their own, which knows nothing of this one."""
    real, hands = components.mount, request.getfixturevalue("hands")
    place = own(*KINDS)
    save_history(place / "digits", a_history())
    lines: dict[str, str] = {}
    wanted: dict[str, bytes] = {}

    def note(name: str, app: AppTest) -> None:
        sound(app)
        lines[name], wanted[name] = lines_of(app), stage(app)

    for kind in ("faces", "levels", "table"):
        note(f"start-{kind}", visit(model=kind))
    for page in ("map", "report", "attributes", "sums", "sample", "anomalies"):
        note(page, visit(f"{page}.py", model="digits"))
    note("sliders-turned", turned(visit("sliders.py", model="digits"), hands, 3))
    note("sliders-many", turned(visit("sliders.py", model="many"), hands, 2))
    note("attributes-strong", turned(visit("attributes.py", model="digits"), hands))
    app = visit("directions.py", model="digits")
    for way in ("principal", "here", "everywhere"):
        app = app.segmented_control(key="directions.way").set_value(way).run()
        note(f"directions-{way}", turned(app, hands, 2))
    app = visit("paths.py", model="digits")
    for way, even in (("follow", False), ("spline", True)):
        app.segmented_control(key="paths.way").set_value(way)
        app.toggle(key="paths.closed").set_value(way == "follow")
        app = app.toggle(key="paths.even").set_value(even).run()
        note(f"paths-{way}", hands.tell(app, "player", "settled", frame=17))
    app = visit("sample.py", model="digits")
    wish = {"draw": 5, "count": 16, "temperature": 0.7, "limit": 1.5, "prior": "standard", "of": "", "pace": 2.0}
    note("sample-warm", hands.tell(app, "shower", "settled", **wish, live=False))
    told = wish | {"live": False, "from": 5, "at": 0.7, "within": 1.5, "index": 9}
    note("sample-kept", hands.tell(app, "shower", "keep", **told))

    monkeypatch.setattr(components, "mount", real)  # a hand cannot tell two maps on one page apart
    app = visit("compare.py", model="digits")
    lines["compare"], columns = lines_of(app), [png for _, png in pictures(app, "same")]
    lines["train"] = lines_of(visit("train.py", run="model:digits"))
    wanted["train"] = a_history().frames[-1].pictures

    found = made(tmp_path, place.parent, lines)
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert [name for name, words in NAMED.items() if words not in lines[name]] == []
    assert max(len(text.splitlines()) for text in lines.values()) < 40
    assert len(set(wanted.values())) > 12  # the hands have moved something
    assert tiles_of(found["compare"], columns)


def turned(app: AppTest, hands, count: int = 1) -> AppTest:
    """The first knobs of a page, turned by a hand."""
    knobs = hands.data["console"]["knobs"]
    return sound(hands.tell(app, "console", "settled", values={knob["id"]: 0.75 for knob in knobs[:count]}))


def tiles_of(sheet: bytes, columns: list[bytes]) -> bool:
    """Whether a sheet of two rows shows what a page shows in columns: image, first model, other model."""
    page = np.asarray(Image.open(io.BytesIO(sheet)))
    drawn = [np.asarray(Image.open(io.BytesIO(png))) for png in columns]
    side, step = drawn[0].shape[0], drawn[0].shape[0] + 2
    cells = [page[row * step : row * step + side, at * step : at * step + side] for at in range(12) for row in (0, 1)]
    return all((a == b).all() for a, b in zip(cells, [one for i, one in enumerate(drawn) if i % 3], strict=True))


# ---- words of Python -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "hostile", ['"); import os; os.remove("x")  #', "\\", "a\nb", "'''", "\x00", "\u202e", "\ud800"]
)
@given(typed=st.text(max_size=30))
def test_whatever_somebody_typed_stays_one_string(hostile, typed):
    for words in (hostile, typed, hostile + typed):
        written = python_lines.text(words)
        assert ast.literal_eval(written) == words
        assert written.isascii() and len(written.splitlines()) == 1


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=200))
def test_numbers_come_back_as_they_were_in_lines_that_can_be_read(values):
    lines = python_lines.numbers(values, "z = ")
    (assigned,) = ast.parse("\n".join(lines)).body
    assert np.array_equal(np.array(ast.literal_eval(assigned.value), np.float32), np.array(values, np.float32))
    assert max(map(len, lines)) <= python_lines.WIDTH + 4
