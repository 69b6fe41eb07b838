"""Take home, on Map and Report: the file is what the command writes, made once, and nobody else's columns are in it."""

import csv
import io
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from live import takeaways
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
    assert path == takeaways.takeaway(shared(), entry, "csv") and f'download="{name}">Download {name}<' in link
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


@pytest.mark.parametrize(("data", "alone", "may", "wanted"), [
    ("brought:0123456789abcdef", True, False, True),
    ("brought:0123456789abcdef", False, True, True),
    ("brought:0123456789abcdef", False, False, False),
    ("mnist", True, True, False),
])  # fmt: skip
def test_columns_go_to_whoever_may_see_the_data(home, monkeypatch, data, alone, may, wanted):
    monkeypatch.setattr(brought, "get", lambda set_id: object())
    monkeypatch.setattr(take_home, "this_machine_only", lambda: alone)
    monkeypatch.setattr(take_home.privacy, "may_use", lambda name, visitor: may)
    monkeypatch.setattr(take_home.seen, "visitor", lambda: "somebody")
    assert take_home.may_take_columns(replace(cache.entry("digits"), data=data)) is wanted


def test_a_visitor_from_elsewhere_is_told_no_places_of_this_machine(home, monkeypatch):
    def commands(app):
        return [each.value for each in app.code if "python -m vae export" in each.value]

    assert commands(visit("report.py", model="digits"))
    monkeypatch.setattr(take_home, "this_machine_only", lambda: False)
    assert commands(visit("report.py", model="digits")) == []
