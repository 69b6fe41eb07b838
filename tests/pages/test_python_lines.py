"""Copy as Python: the lines of every page, run in a clean process, make the picture of the page to the byte."""

import ast
import fcntl
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from live import components
from live import scored as live_scored
from pages.ui import cache, python_words
from pages.ui.python_directions import HANDFUL
from pages.ui.state import Group, KeptDirection
from tests.core.histories import a_history
from tests.data.sets import a_set
from tests.pages.conftest import ROOT, pictures, sound, stage, visit
from vae.checkpoint import Owner, save_owner
from vae.data.intake import Channel, Choice
from vae.explore import render
from vae.explore.regions import inside
from vae.frames import write_dots, write_frame
from vae.history import save_history
from vae.home import priors_folder
from vae.priors import fit_prior, save_prior
from vae.priors.diffusion import fit_diffusion
from vae.train.events import EventLog
from vae.train.runs import submit

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


class Noted:
    """What pages show and the lines they give, by names of our own."""

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}
        self.wanted: dict[str, bytes] = {}
        self.shown: dict[str, list[bytes]] = {}

    def note(self, name: str, app: AppTest, picture: bytes | None = None) -> AppTest:
        self.lines[name], self.wanted[name] = lines_of(sound(app)), stage(app) if picture is None else picture
        return app

    def check(self, tmp_path: Path, home: Path, said: dict[str, str]) -> dict[str, bytes]:
        """The lines make what was shown, in other pictures each; `said`: words that must be in the lines."""
        found = made(tmp_path, home, self.lines)
        assert [name for name in self.wanted if found[name] != self.wanted[name]] == []
        assert [name for name, words in said.items() if words not in self.lines[name]] == []
        assert max(len(text.splitlines()) for text in self.lines.values()) < 40
        return found


def source(app: AppTest, name: str) -> AppTest:
    return app.segmented_control(key="attributes.source").set_value(name).run()


def test_a_direction_is_copied_by_what_it_is_made_of(own, hands, tmp_path):
    place, noted = own("digits", "faces"), Noted()
    app = visit("attributes.py", model="faces")
    visitor, model_id = app.session_state["muscope"], app.session_state["muscope"].entry.model_id
    known, shown = cache.encodings(model_id), cache.some_images(model_id, 18, 0)
    app.selectbox(key=f"attributes.kind.{model_id}").set_value("attribute:hat").run()
    fixed, kinds = f"attributes.fixed.{model_id}.attribute:hat", f"attributes.kinds.{model_id}.attribute:hat"
    noted.note("kinds", app.multiselect(key=kinds).set_value(["smile"]).run())
    app.multiselect(key=kinds).set_value([])
    app.radio(key="attributes.estimator").set_value("whitened")
    noted.note("fixed", app.multiselect(key=fixed).set_value(["glasses"]).run())
    app.selectbox(key=f"attributes.kind.{model_id}").set_value("attribute:turn").run()
    noted.note("number", app)

    app.session_state[f"attributes.picks.{model_id}"] = {"with": list(shown[:6]), "without": list(shown[6:12])}
    noted.note("picked", source(app, "Picked by hand"))
    source(app, "A condition")
    noted.note("typed", app.text_input(key=f"attributes.where.{model_id}").set_value("smile > 0.5 and not hat").run())
    corner = np.quantile(known.maps["pca"], 0.3, axis=0)
    line = tuple((float(x), float(y)) for x, y in corner + np.array([(0, -9), (9, -9), (9, 9), (0.001, 9)]))
    rows = inside(known.maps["pca"], line)
    hidden = Group("some of it", rows[::2], "pca", line)
    visitor.groups["faces"] = [Group('drawn "around" it', rows, "pca", line), hidden]
    source(app, "Groups of the map")
    noted.note("hidden", app)  # the newest: some inside the line were hidden
    noted.note("drawn", app.selectbox(key=f"attributes.group.{model_id}").set_value('drawn "around" it').run())
    assert len(rows) > HANDFUL > len(rows[::2])
    visitor.groups["faces"] = [Group("odd ones", np.arange(0, len(known), 1)[: HANDFUL + 1], "", ())]
    noted.note("nameless", app.run())

    vector = np.random.default_rng(1).standard_normal(4).astype(np.float32)
    vector /= np.linalg.norm(vector)
    visitor.directions["faces"] = [KeptDirection("mine", tuple(vector.tolist()), 1.7, "It rests on nothing.")]
    noted.note("kept", source(app.run(), "Kept"))
    app = visit("attributes.py", model="digits")
    visitor, digits = app.session_state["muscope"], app.session_state["muscope"].entry.model_id
    vector = np.float32([0.6, 0.0, 0.8])
    visitor.directions["digits"] = [KeptDirection("mine", tuple(vector.tolist()), 1.7, "It rests on nothing.")]
    app.selectbox(key=f"attributes.kind.{digits}").set_value("label:3").run()
    apart = f"attributes.fixed.{digits}.label:3"
    noted.note("apart", app.multiselect(key=apart).set_value(["label:8", "kept:mine"]).run())

    said = {
        "kinds": 'model.direction("attribute:hat", alike=["smile"])',
        "fixed": 'model.direction("attribute:hat", "whitened", fixed=["glasses"])',
        "number": '"regression"',
        "picked": f'"{shown[0]}"',
        "typed": 'these = model.where("smile > 0.5 and not hat")',
        "drawn": 'these = model.inside("pca", line)',
        "hidden": "these = [",
        "nameless": "as_direction(vector, ",
        "kept": "# a direction that was kept",
        "apart": 'model.direction("label:8"),',
    }
    noted.check(tmp_path, place.parent, said)
    assert "others = " not in noted.lines["typed"] and len(set(noted.wanted.values())) == len(noted.wanted)


def test_fitted_priors_strange_images_a_run_under_way_and_what_was_brought_are_copied(
    own, hands, monkeypatch, tmp_path
):
    place, noted = own("digits", "faces"), Noted()
    digits, codes = cache.entry("digits").model_id, torch.tensor(cache.encodings(cache.entry("digits").model_id).mu)
    save_prior(priors_folder(digits), digits, fit_prior("mixture", codes, torch.Generator().manual_seed(1)))
    save_prior(priors_folder(digits), digits, fit_diffusion(codes, torch.Generator().manual_seed(1), steps=2))
    app = visit("sample.py", model="digits")
    for kind in ("mixture", "diffusion"):
        app = app.segmented_control(key="sample.prior").set_value(kind).run()
        wish = {"draw": 7, "count": 4, "temperature": 0.8, "limit": 2.0, "prior": kind, "of": "", "pace": 2.0}
        noted.note(kind, hands.tell(app, "shower", "settled", **wish, live=False))
    (box,) = [each for each in app.selectbox if "label:3" in each.options or "3" in each.options]
    noted.note("of a kind", box.set_value("label:3").run())

    monkeypatch.setattr(live_scored, "OTHERS", 5)
    app = visit("anomalies.py", model="faces")
    app = app.selectbox(key="anomalies.other.faces").select("faces-fair").run()
    taps = [each for each in app.button if each.key and "-tap-" in each.key and "foreign" in each.key]
    app = sound((taps or [None])[0].click().run())
    noted.note("strange", app)

    run = submit(place.parent / "runs", ["--data=digits", "--model=mlp", f"--out={place / 'mine'}"], "mine")
    log, kept = EventLog(run.folder / "events.jsonl"), a_history(frames=2)
    log.say("start", epochs=4, steps=10, latent_dim=3, beta=1.0, rate=1e-3, batch_size=128)
    write_dots(run.folder, kept.dots, kept.flat)
    for frame in kept.frames:
        log.say("frame", **write_frame(run.folder, frame))
    with (run.folder / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        noted.note("run", visit("train.py", run=run.id), kept.frames[-1].pictures)

    cells = np.random.default_rng(2).integers(0, 60_000, (20, 9, 9, 4), dtype=np.uint16)
    np.savez(tmp_path / "cells.npz", images=cells)
    stains = tuple(Channel(f"stain {at}", f"#{at}0c0{at}0", 0.0, 60_000.0) for at in range(4))  # colours of her own
    a_set(tmp_path / "cells.npz", Choice(channels=stains), title='Cells "A"')
    save_owner(place / "digits", Owner("", shared=False))
    for page in ("bring", "models"):
        app = visit(f"{page}.py", model="faces")
        app.session_state[f"{page}.fold.python"] = True
        noted.lines[page] = lines_of(sound(app.run()))
        noted.shown[page] = [png for _, png in pictures(app, {"bring": "set", "models": "model"}[page])]
    (noted.wanted["models"],) = noted.shown["models"]

    said = {kind: f'prior="{kind}"' for kind in ("mixture", "diffusion")}
    said |= {"of a kind": 'of="label:3"', "strange": 'original("faces-fair", "test/', "run": f'open_run("{run.id}")'}
    found = noted.check(tmp_path, place.parent, said)
    cells = noted.shown["bring"]
    assert len(cells) == 8 and row_of(found["bring"], cells)


def row_of(sheet: bytes, tiles: list[bytes]) -> bool:
    """Whether a sheet shows these pictures in one row."""
    drawn = np.stack([np.asarray(Image.open(io.BytesIO(png))) for png in tiles])
    return np.array_equal(np.asarray(Image.open(io.BytesIO(sheet))), render.strip(drawn))


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
        written = python_words.text(words)
        assert ast.literal_eval(written) == words
        assert written.isascii() and len(written.splitlines()) == 1


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=200))
def test_numbers_come_back_as_they_were_in_lines_that_can_be_read(values):
    lines = python_words.numbers(values, "z = ")
    (assigned,) = ast.parse("\n".join(lines)).body
    assert np.array_equal(np.array(ast.literal_eval(assigned.value), np.float32), np.array(values, np.float32))
    assert max(map(len, lines)) <= python_words.WIDTH + 4
