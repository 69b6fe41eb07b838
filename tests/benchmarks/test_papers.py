"""The table of published numbers: rows that train, sittings that go on, a page that says it all."""

import json

import pytest

from benchmarks.papers import elsewhere, sittings
from benchmarks.papers import page as pages
from benchmarks.papers.__main__ import main
from benchmarks.papers.page import met, ours_of, page
from benchmarks.papers.published import NAMES, ROWS, Row, row_of
from benchmarks.papers.sittings import Sitting, figure_of, keep, kept, sit, without_machine, words_of
from vae.cli import _parser
from vae.errors import VAEError
from vae.evaluate.suites import SUITES
from vae.train import options, plan
from vae.train.runs import runs

TINY = ("--data", "digits", "--model", "mlp", "--latent-dim", "3", "--encoder-sizes", "8", "--binarise", "dynamic")
MEASURE = ("--suite", "likelihood", "--k", "2", "--images", "9")


@pytest.fixture
def rows_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sittings, "KEPT", tmp_path / "rows")
    monkeypatch.setattr(elsewhere, "FOLDER", tmp_path / "rows")
    return tmp_path / "rows"


def tiny(epochs, measure=MEASURE, **more):
    figure = "likelihood.nll" if measure else "test_loss"
    return Row("tiny", "a tiny VAE", "digits", "nothing", (*TINY, "--epochs", str(epochs)), measure, figure, **more)


# ---- rows ----------------------------------------------------------------------------------------------------------


OURS = [row for row in ROWS if not row.elsewhere]


@pytest.mark.parametrize("row", OURS, ids=[row.name for row in OURS])
def test_every_row_can_be_trained_and_measured_as_it_says(row):
    plan.check(options.parse(words_of(row, 3)))
    if row.measure:
        asked = _parser().parse_args(["evaluate", "model", *row.measure])
        assert asked.suite in SUITES and row.figure.startswith(f"{asked.suite}.")


def test_rows_have_names_of_their_own():
    assert len(set(NAMES)) == len(NAMES)
    assert row_of("burda-vae") is ROWS[NAMES.index("burda-vae")] and row_of("beauty") is None


# ---- sittings ------------------------------------------------------------------------------------------------------


def test_a_row_is_trained_in_sittings_measured_and_not_trained_again(tmp_path, rows_folder):
    """Paused at once, taken up, ended; another sitting finds it done."""
    row, home = tiny(30), tmp_path / "home"
    assert sit(row, 1, Sitting(home, minutes=0.0001, device="cpu", threads=1)) is None
    (run,) = runs(home / "runs")
    assert run.state() == "paused"
    found = sit(row, 1, Sitting(home, device="cpu", threads=1))
    assert [one.id for one in runs(home / "runs")] == [run.id] and run.state() == "done"
    assert found is not None and found["figure"] > 0 and found["epochs"] == 30
    assert (found["sittings"], found["draws"], found["images"]) == (2, 2, 9)
    assert "--seed 1" in found["train"] and str(tmp_path) not in json.dumps(found)


def test_settings_make_the_run_and_the_machine_does_not():
    words = ["--data", "digits", "--threads", "1", "--seed", "0", "--title=tiny-0", "--device", "cpu", "--map", "none"]
    assert without_machine(words) == ["--data", "digits", "--seed", "0", "--map", "none"]


def test_a_figure_is_found_by_its_name_or_missed_in_a_line():
    assert figure_of({"a": {"b": {"c": 2}}}, "a.b.c") == 2.0
    for values in ({}, {"a": 1}, {"a": {"b": None}}, {"a": {"b": True}}):
        with pytest.raises(VAEError, match=r"a\.b"):
            figure_of(values, "a.b")


def test_seeds_are_kept_beside_each_other(rows_folder):
    row = tiny(1)
    assert kept(row) == {}
    for seed in (10, 2, 10):
        keep(row, seed, {"figure": float(seed)})
    assert list(kept(row)) == ["2", "10"]


# ---- the page ------------------------------------------------------------------------------------------------------


def found(figure, **more):
    return {"figure": figure, "train_seconds": 600.0, "measure_seconds": 60.0, "device": "cpu", **more}


def test_the_page_has_every_row_and_says_what_is_missing(rows_folder):
    lines = page().splitlines()
    for row in ROWS:
        (line,) = [line for line in lines if line.startswith(f"| `{row.name}`")]
        assert row.published in line and f"`{row.elsewhere or f'python -m benchmarks.papers run {row.name}'}`" in line
        assert ("needs a GPU" in line) == row.gpu and "not run yet" in line
        assert line.count(" | ") == len(pages.COLUMNS) - 1


def test_the_page_says_ours_beside_theirs_and_whether_the_bar_is_met(rows_folder):
    row = ROWS[NAMES.index("burda-vae")]
    keep(row, 0, found(87.123, nll_error=0.26, active_units=21, latent_dim=50))
    (line,) = [line for line in page([row]).splitlines() if line.startswith("| `burda-vae`")]
    assert "**87.12 ± 0.26**" in line and "at most 87.5: met" in line and "21 of 50" in line and "600 + 60, cpu" in line


def test_rows_of_another_benchmark_are_read_from_what_it_keeps(rows_folder):
    """The best score is the same for all; a seed that lacks a digit does not count."""
    row = ROWS[NAMES.index("oneclass")]
    rows_folder.mkdir()
    for digit, seed in [*((digit, 0) for digit in range(10)), (0, 1)]:
        scores = {"recon": 0.9 + digit / 100, "iwae": 0.99 if digit else 0.1}
        path = rows_folder / f"oneclass-mnist-{digit}-{seed}.json"
        path.write_text(json.dumps({"auroc": scores, "seconds": 3.0}))
    found = kept(row)
    assert list(found) == ["0"] and found["0"]["train_seconds"] == 30
    assert found["0"]["figure"] == pytest.approx(0.945)
    assert main(["run", "oneclass"]) == 2


def test_several_seeds_are_a_mean_with_their_spread_against_the_bar():
    low, high = tiny(1, bar=87.0), tiny(1, bar=0.4, higher=True)
    assert ours_of(low, [found(86.0), found(88.0)]) == "87.00 ± 1.41"
    assert met(low, [86.0, 88.0]) and not met(low, [87.0, 87.02])
    assert met(high, [0.4, 0.41]) and not met(high, [0.39, 0.4])
    assert met(tiny(1), [1e9])


# ---- the command ---------------------------------------------------------------------------------------------------


def test_a_row_that_is_none_is_one_line(capsys):
    assert main(["run", "beauty"]) == 2
    assert main(["run", "burda-vae", "--minutes", "0"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert "choose pytorch-examples" in said[0] and "--minutes is 0" in said[1]


def test_list_and_table_run(rows_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.papers.__main__.PAGE", tmp_path / "papers.md")
    assert main(["list"]) == 0 and main(["table"]) == 0
    assert (tmp_path / "papers.md").read_text().startswith("# Published numbers")
    assert capsys.readouterr().out.count("0 of") >= len(ROWS)
