"""Take home, on Map and Report: the file is what the command writes, made once, and nobody else's columns are in it."""

import csv
import io
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from live import components, privacy, takeaways
from live.engine import shared
from pages.ui import cache, take_home
from tests.pages.conftest import sound, visit
from vae.data import brought
from vae.encodings import load_encodings
from vae.errors import VAEError


def test_a_model_and_its_codes_are_made_and_can_be_downloaded(home, tmp_path):
    app = sound(visit("report.py", model="digits"))
    app.segmented_control(key="report.take.what").set_value("codes").run()
    sound(app.button(key="report.do.make.csv").click().run())
    (link,) = [each.proto.body for each in app.get("html") if 'class="mu-take"' in each.proto.body]
    entry = cache.entry("digits")
    key = link.partition("/live/take/")[2].partition('"')[0]
    path, name = takeaways.offered(key, "")
    assert path == takeaways.takeaway(shared(), entry, "csv") and f">Download {name}<" in link
    assert "download=" not in link  # or a refusal would be saved as a file
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    known = load_encodings(entry.folder)
    assert [row["image"] for row in rows[:3]] == [known.image_id(row) for row in range(3)] and len(rows) == len(known)


@pytest.fixture
def commands(monkeypatch) -> list[list[str]]:
    """The commands that were run: each writes a file of one byte."""
    found: list[list[str]] = []

    def write(words, **_):
        found.append(words)
        Path(words[words.index("--out") + 1]).write_bytes(b"x")
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(takeaways.subprocess, "run", write)
    return found


def test_the_same_file_is_made_once_and_another_is_another(home, commands):
    for name, kind, columns in (("digits", "csv", False), ("digits", "csv", False), ("digits", "csv", True),
                                ("flat", "csv", False), ("digits", "npz", False)):  # fmt: skip
        takeaways.takeaway(shared(), cache.entry(name), kind, columns)
    assert len(commands) == 4
    assert ["--without-columns" in words for words in commands] == [True, False, True, True]


def test_what_the_command_refuses_is_a_line_on_the_page(home, monkeypatch):
    def refuse(words, **_):
        return subprocess.CompletedProcess(words, 2, "", "ONNX needs onnx: install it.\n")

    monkeypatch.setattr(takeaways.subprocess, "run", refuse)
    app = visit("report.py", model="digits")
    app.radio(key="report.take.model").set_value("onnx").run()
    app.button(key="report.do.make.onnx").click().run()
    assert [each.value for each in app.error] == ["ONNX needs onnx: install it."]
    with pytest.raises(VAEError, match="cannot be taken home as 'exe'"):
        takeaways.takeaway(shared(), cache.entry("digits"), "exe")


def test_of_many_files_the_oldest_are_given_up(home, commands, monkeypatch):
    monkeypatch.setattr(takeaways, "KEPT", 2)
    for name in ("digits", "flat", "line"):
        takeaways.takeaway(shared(), cache.entry(name), "csv")
    assert len(list((takeaways.home() / "takeaways").iterdir())) == 2


def test_files_go_with_their_time_with_too_many_bytes_and_with_what_is_in_them(home, commands, monkeypatch, tmp_path):
    monkeypatch.setattr(takeaways, "BYTES", 1)
    paths = [takeaways.takeaway(shared(), cache.entry(name), "csv") for name in ("digits", "flat")]
    assert [path.is_file() for path in paths] == [False, True]  # a byte each
    monkeypatch.setattr(takeaways, "BYTES", 10)
    takeaways.takeaway(shared(), cache.entry("digits"), "csv")
    one = SimpleNamespace(id="0123456789abcdef")
    monkeypatch.setattr(brought, "sets", lambda owner: [one])
    cells = replace(cache.entry("digits"), data=f"brought:{one.id}")
    paths += [takeaways.takeaway(shared(), cells, "csv", columns=True), paths[0].with_name(".half.123.part")]
    paths[3].touch()
    takeaways.sweep()
    assert all(path.is_file() for path in paths)
    monkeypatch.setattr(brought, "sets", lambda owner: [])  # deleted, and its columns with it
    takeaways.sweep()
    assert [path.is_file() for path in paths] == [True, True, False, True]
    left = [each for each in shared().models() if each.name != "flat"]
    monkeypatch.setattr(takeaways, "shared", lambda: SimpleNamespace(models=lambda: left))
    takeaways.sweep()
    assert [path.is_file() for path in paths] == [True, False, False, True]
    takeaways.sweep(time.time() + takeaways.AGE + 1)
    assert not any(path.is_file() for path in paths)


def test_a_file_that_was_given_up_is_offered_to_be_made(home, commands):
    app = visit("report.py", model="digits")
    app.button(key="report.do.make.folder").click().run()
    assert not [each for each in app.run().button if each.key == "report.do.make.folder"]
    takeaways.sweep(time.time() + takeaways.AGE + 1)
    assert [each for each in app.run().button if each.key == "report.do.make.folder"]


@pytest.mark.parametrize(("data", "alone", "may", "wanted"), [
    ("brought:0123456789abcdef", True, False, True),
    ("brought:0123456789abcdef", False, True, True),
    ("brought:0123456789abcdef", False, False, False),
    ("mnist", True, True, False),
])  # fmt: skip
def test_columns_go_to_whoever_may_see_the_data(home, monkeypatch, data, alone, may, wanted):
    one = SimpleNamespace(shared=False, owner="somebody" if may else "another")
    monkeypatch.setattr(brought, "get", lambda set_id: one)
    monkeypatch.setattr(components, "this_machine_only", lambda: alone)
    assert privacy.may_read_rows(data, "somebody") is wanted
    monkeypatch.setattr(brought, "get", gone)
    assert not privacy.may_read_rows(data, "somebody")


def gone(set_id):
    raise VAEError("It is gone.")


def test_a_visitor_from_elsewhere_is_told_no_places_of_this_machine(home, monkeypatch):
    def commands(app):
        return [each.value for each in app.code if "python -m vae export" in each.value]

    assert commands(visit("report.py", model="digits"))
    monkeypatch.setattr(take_home, "this_machine_only", lambda: False)
    assert commands(visit("report.py", model="digits")) == []
