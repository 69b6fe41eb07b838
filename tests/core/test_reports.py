"""What was measured of a model beyond its card: it comes back, a part at a time, and only for that very model."""

import json
import os

import pytest

from vae.checkpoint import REPORT
from vae.errors import VAEError
from vae.home import reports_folder
from vae.reports import MAX_BYTES, check_keeping, keep_suite, read_report


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A machine on which nothing was measured yet."""
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_nothing_measured_is_no_report(tmp_path):
    assert read_report(tmp_path, "a") == {}


def test_suites_stand_beside_each_other_and_a_new_one_takes_the_old_ones_place(tmp_path):
    keep_suite(tmp_path, "a", "likelihood", {"nll": 90.0})
    keep_suite(tmp_path, "a", "probes", {"accuracy": 0.9})
    keep_suite(tmp_path, "a", "likelihood", {"nll": 89.0})
    report = read_report(tmp_path, "a")
    assert set(report) == {"likelihood", "probes"}
    assert report["likelihood"]["nll"] == 89.0
    assert report["probes"]["accuracy"] == 0.9


def test_what_was_measured_of_another_model_is_not_shown_and_goes_with_the_next(tmp_path):
    keep_suite(tmp_path, "a", "likelihood", {"nll": 90.0})
    assert read_report(tmp_path, "b") == {}
    keep_suite(tmp_path, "b", "probes", {"accuracy": 0.9})
    assert set(json.loads((tmp_path / REPORT).read_bytes())) == {"probes"}


def test_a_figure_that_is_not_finite_is_kept_as_none(tmp_path):
    keep_suite(tmp_path, "a", "samples", {"distance": float("nan")})
    assert read_report(tmp_path, "a")["samples"]["distance"] is None


@pytest.mark.parametrize("text", [b"[]", b'{"likelihood": 3}', b"{", b'{"a": ' + b"[" * 100_000])
def test_what_is_no_report_is_said_in_one_line(tmp_path, text):
    (tmp_path / REPORT).write_bytes(text)
    with pytest.raises(VAEError, match="delete it") as caught:
        read_report(tmp_path, "a")
    assert "\n" not in str(caught.value)


def test_a_file_too_large_is_not_read(tmp_path):
    (tmp_path / REPORT).write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(VAEError, match="too large"):
        read_report(tmp_path, "a")


def test_what_this_machine_measures_stands_beside_what_a_model_brought_along(tmp_path):
    keep_suite(tmp_path, "a", "likelihood", {"nll": 90.0})
    before = (tmp_path / REPORT).read_bytes()
    keep_suite(None, "a", "probes", {"accuracy": 0.9})
    assert set(read_report(tmp_path, "a")) == {"likelihood", "probes"}
    assert (tmp_path / REPORT).read_bytes() == before
    assert set(read_report(tmp_path / "a copy elsewhere", "a")) == {"probes"}
    assert read_report(tmp_path, "b") == {}


@pytest.mark.parametrize(
    ("shipped", "here", "shown"),
    [
        ("2026-11-21", "2026-11-20T23:59:59+00:00", "shipped"),
        ("2026-11-21", "2026-11-21T00:00:00+00:00", "here"),
        ("2026-11-21T10:00:01+00:00", "2026-11-21T10:00:00+00:00", "shipped"),
        ("2026-11-21T10:00:00+00:00", "2026-11-21T10:00:00+00:00", "here"),
        ("2026-11-21", None, "shipped"),
        (None, None, "here"),
    ],
)
def test_of_a_suite_measured_twice_the_newer_is_shown(tmp_path, shipped, here, shown):
    for path, measured, where in (
        (tmp_path / REPORT, shipped, "shipped"),
        (reports_folder() / "a.json", here, "here"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {"model_id": "a", "where": where} | ({} if measured is None else {"measured": measured})
        path.write_text(json.dumps({"probes": told}))
    assert read_report(tmp_path, "a")["probes"]["where"] == shown


def test_measured_again_in_the_folder_it_is_the_newer_one_within_a_day_too(tmp_path):
    keep_suite(None, "a", "probes", {"accuracy": 0.1})
    path = reports_folder() / "a.json"
    kept = json.loads(path.read_bytes())
    kept["probes"]["measured"] = kept["probes"]["measured"][:10] + "T00:00:00+00:00"
    path.write_text(json.dumps(kept))
    keep_suite(tmp_path, "a", "probes", {"accuracy": 0.9})
    assert read_report(tmp_path, "a")["probes"]["accuracy"] == 0.9


def test_what_cannot_be_kept_is_refused_before_it_is_measured(tmp_path, home, monkeypatch):
    check_keeping(None, "a")
    check_keeping(tmp_path, "a")
    assert not home.exists()  # asking writes nothing
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda *_: False)
        with pytest.raises(VAEError, match="MUSCOPE_HOME"):
            check_keeping(None, "a")
        with pytest.raises(VAEError, match="use --keep"):
            check_keeping(tmp_path, "a")
    reports_folder().mkdir(parents=True)
    (reports_folder() / "a.json").write_text("[]")
    with pytest.raises(VAEError, match="reports/a.json is no report: delete it"):
        check_keeping(None, "a")
    (reports_folder() / "a.json").unlink()
    reports_folder().rmdir()
    reports_folder().write_text("a file in the place of a folder")
    with pytest.raises(VAEError, match="could not be read"):
        check_keeping(None, "a")
