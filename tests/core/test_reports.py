"""What was measured of a model beyond its card: it comes back, a part at a time, and only for that very model."""

import json

import pytest

from vae.checkpoint import REPORT
from vae.errors import VAEError
from vae.reports import MAX_BYTES, keep_suite, read_report


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
