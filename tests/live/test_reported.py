"""What a report says, in lines and in claims, whatever a measurement kept."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live import reported
from vae.reports import keep_suite

ESTIMATE = {"value": 0.94811, "low": 0.9402, "high": 0.955}


def test_a_suite_says_itself_as_it_did_on_the_terminal():
    part = {"lines": ["NLL         86.40 nats per image (± 0.1)", "a remark of one piece"], "nll": 86.4}
    assert reported.lines_of(part) == (("NLL", "86.40 nats per image (± 0.1)"), ("a remark of one piece",))


def test_without_lines_every_figure_is_said_by_its_name_and_with_its_interval():
    part = {
        "model_id": "x",
        "seconds": 3,
        "mig_chen": ESTIMATE,
        "told": [{"score": "elbo"}],
        "levels": [1, 2],
        "no": None,
    }
    assert reported.lines_of(part) == (
        ("mig chen", "0.9481 (0.9402 to 0.955)"),
        ("told 1 score", "elbo"),
        ("levels", "1, 2"),
    )


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["likelihood", "samples", "probes"]), values), values)
def test_no_report_and_no_card_breaks_a_table(kept, figures):
    parts = {name: part for name, part in kept.items() if isinstance(part, dict)}
    card = {"figures": figures}
    for part in parts.values():
        for line in reported.lines_of(part):
            assert all(isinstance(cell, str) for cell in line)
    assert set(reported.claims(parts, card)) <= {claim.name for claim in reported.CLAIMS}
    assert len(reported.row(parts, "Ada", card, False)) == len(reported.HEAD)


SPREAD = {"mean": 5.25, "sd": 0.5, "values": [4.75, 5.75]}
KEPT = {
    "likelihood": {"nll": 86.403, "nll_error": 0.25, "likelihood": "Bernoulli"},
    "samples": {
        "sources": [
            {"name": "mixture", "frechet": {"mean": 1.0, "sd": 0.0, "values": [1.0]}},
            {"name": "N(0, I)", "frechet": SPREAD, "images_per_second": {"mean": 12345.6, "sd": 0.0, "values": [1]}},
        ]
    },
}


def test_claims_are_of_samples_from_the_prior_with_their_spread():
    found = reported.claims(KEPT, {"figures": {"knn_accuracy": 0.9721}}, "12.0%")
    assert found == {
        "frechet": "5.25 ± 0.50",
        "stability": "± 0.50 over 2 draws from one training",
        "speed": "12,346",
        "structure": "12.0%",
        "classes": "97.2%",
        "likelihood": "86.40 ± 0.25 (Bernoulli)",
    }
    assert reported.claims({}, {}) == {}


def test_an_autoencoder_has_no_kl_in_the_table_of_all():
    card = {"figures": {"elbo": -100.0, "kl": 0.0, "recon_mse": 0.02, "active_units": 2, "latent_dim": 2}}
    line = dict(zip(reported.HEAD, reported.row(KEPT, "Ada", card, True), strict=True))
    assert line["ELBO"] == "no KL" and line["KL"] == "none" and line["−log p(x)"] == "86.40 ± 0.25"
    line = dict(zip(reported.HEAD, reported.row({}, "Ada", card, False), strict=True))
    assert line["KL"] == "0.0" and line["−log p(x)"] == "–"


def test_a_report_is_read_again_when_it_has_changed_and_only_of_this_model(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "home"))
    entry = SimpleNamespace(folder=tmp_path, model_id="a")
    assert reported.report(entry) == {}
    write = lambda **parts: (tmp_path / "report.json").write_text(json.dumps(parts))  # noqa: E731
    write(probes={"model_id": "a", "x": 1})
    assert reported.report(entry)["probes"]["x"] == 1
    write(probes={"model_id": "a", "x": 22}, samples={"model_id": "another"})
    assert reported.report(entry) == {"probes": {"model_id": "a", "x": 22}}
    keep_suite(None, "a", "anomaly", {"x": 3})
    assert reported.report(entry)["anomaly"]["x"] == 3 and reported.report(entry)["probes"]["x"] == 22
    keep_suite(None, "a", "anomaly", {"x": 44})
    assert reported.report(entry)["anomaly"]["x"] == 44
    (tmp_path / "report.json").unlink()
    assert {*reported.report(entry)} == {"anomaly"}


def test_rivals_are_those_measured_on_these_data_and_have_no_likelihood(tmp_path, monkeypatch):
    monkeypatch.setattr(reported, "FAMILY", tmp_path)
    row = {"title": "GAN", "data": "mnist", "samples": KEPT["samples"]["sources"][1]}
    (tmp_path / "gan.json").write_text(json.dumps(row))
    (tmp_path / "other.json").write_text(json.dumps(row | {"data": "fashion-mnist"}))
    (tmp_path / "torn.json").write_text("{")
    (tmp_path / "odd.json").write_text("[1]")
    (gan,) = reported.rivals("mnist")
    assert gan.claims["stability"] == "± 0.50 over 2 trainings"
    assert gan.title == "GAN" and gan.claims["frechet"] == "5.25 ± 0.50" and gan.claims["likelihood"] == "has none"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-141.8 nats", "−141.8 nats"),
        ("ELBO  (-3 to -0.5)", "ELBO  (−3 to −0.5)"),
        ("-0.00 nats", "0.00 nats"),
        ("-0.05", "−0.05"),
        ("-0", "0"),
        ("2026-11-21, 5-10, faces-2d, one-sided, nan - 1e-5", "2026-11-21, 5-10, faces-2d, one-sided, nan - 1e-5"),
    ],
)
def test_a_number_below_zero_has_a_minus_and_nothing_else_has(text, shown):
    assert reported.signed(text) == shown
