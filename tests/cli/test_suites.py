"""`python -m vae evaluate --suite`: what is printed, kept and told on the way."""

import json
import shutil
from dataclasses import dataclass

import pytest

from vae import checkpoint
from vae.errors import VAEError
from vae.evaluate import suites
from vae.home import reports_folder
from vae.reports import read_report
from vae.train.events import read_events


@pytest.fixture
def model(trained, tmp_path, monkeypatch):
    """A copy of the trained model that a test may change, on a machine that measured nothing of it."""
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "home"))
    return shutil.copytree(trained[0], tmp_path / "model")


@dataclass(frozen=True)
class Found:
    """What a suite made up for a test says."""

    value: float

    def to_json(self):
        return {"value": self.value}

    def lines(self):
        return [f"value  {self.value}"]


@pytest.fixture
def made_up(monkeypatch):
    """Five suites of which only two can be measured, and none takes long."""

    def measured(model, train, test, *, seed, stage, images=7):
        stage("counting")(images, images)
        return Found(images + seed / 10)

    def refused(model, train, test, *, seed, stage):
        raise VAEError("These data have no factors: choose sprites.")

    known = {name: measured if name in ("likelihood", "samples") else refused for name in suites.SUITES}
    monkeypatch.setattr(suites, "function_of", lambda name: known[name])
    return known


def test_the_likelihood_is_measured_printed_and_repeats(vae, model):
    words = ("evaluate", model, "--suite", "likelihood", "--k", 3, "--images", 20, "--device", "cpu")
    said = vae(*words, "--json").json
    part = said["likelihood"]
    assert said["model_id"] == checkpoint.load(model).model_id and part["data"] == "digits"
    assert (part["draws"], part["images"]) == (3, 20) and part["seconds"] >= 0
    assert part["command"] == "python -m vae evaluate model --suite likelihood --k 3 --images 20"
    again = vae(*words, "--json").json["likelihood"]
    assert again | {"seconds": 0} == part | {"seconds": 0}
    assert vae(*words, "--seed", 1, "--json").json["likelihood"]["nll"] != part["nll"]
    assert f"{part['nll']:.2f} nats per image" in vae(*words).out
    assert not (model / "report.json").exists()


def test_keep_puts_it_into_the_report_beside_what_is_there(vae, model, made_up):
    vae("evaluate", model, "--suite", "samples", "--keep")
    said = vae("evaluate", model, "--suite", "likelihood", "--images", 3, "--keep", "--json").json
    kept = read_report(model, said["model_id"])
    assert {*kept} == {"samples", "likelihood"}
    assert kept["likelihood"]["value"] == 3 and kept["likelihood"]["lines"] == ["value  3.0"]
    assert "--images 3" in kept["likelihood"]["command"] and str(model.parent) not in json.dumps(kept)
    assert checkpoint.load(model).model_id == said["model_id"]
    assert not (model / "report.json").exists()  # it may be one that ships


def test_keep_here_puts_it_into_the_models_folder_alone(vae, model, made_up):
    said = vae("evaluate", model, "--suite", "samples", "--images", 5, "--keep-here", "--json").json
    assert json.loads((model / "report.json").read_bytes())["samples"]["value"] == 5
    assert not (reports_folder() / f"{said['model_id']}.json").exists()


def test_a_report_that_cannot_be_kept_is_refused_before_anything_is_measured(vae, model, made_up):
    (model / "report.json").write_text("[]")
    said = vae("evaluate", model, "--suite", "samples", "--keep-here")
    assert (said.status, said.out) == (2, "") and "is no report: delete it" in said.err
    assert "counting" not in said.err


def test_all_measures_what_can_be_and_says_why_the_rest_cannot(vae, model, made_up):
    said = vae("evaluate", model, "--suite", "all", "--json", "--keep").json
    assert said["likelihood"]["value"] == said["samples"]["value"] == 7
    assert "no factors" in said["probes"]["line"]
    assert {*read_report(model, said["model_id"])} == {"likelihood", "samples"}
    assert "probes: These data have no factors" in vae("evaluate", model, "--suite", "all").out


def test_a_suite_that_cannot_be_measured_is_one_line_and_a_status(vae, model, made_up, tmp_path):
    events = tmp_path / "events.jsonl"
    said = vae("evaluate", model, "--suite", "probes", "--keep", "--events", events)
    assert (said.status, said.out) == (2, "") and said.err == "These data have no factors: choose sprites.\n"
    assert read_events(events)[0][-1] == {"kind": "failed", "line": "These data have no factors: choose sprites."}
    assert not (model / "report.json").exists()


def test_events_tell_what_is_done_how_far_and_that_it_ended(vae, model, made_up, tmp_path):
    events = tmp_path / "far" / "events.jsonl"
    assert vae("evaluate", model, "--suite", "likelihood", "--images", 9, "--events", events).status == 0
    said = read_events(events)[0]
    assert all({"what", "done", "total"} <= {*event} for event in said[:-1])
    assert any(event["what"] == "counting" for event in said[:-1])
    assert said[-1] == {"kind": "done", "suites": ["likelihood"]}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--suite", "beauty"), "There is no suite 'beauty'"),
        (("--keep",), "--keep belongs to a suite"),
        (("--keep-here",), "--keep-here belongs to a suite"),
        (("--k", "5"), "--k belongs to a suite"),
        (("--suite", "samples", "--k", "5"), "has no option --k"),
        (("--suite", "likelihood", "--seed", "-1"), "The seed is -1"),
        (("--suite", "likelihood", "--k", "many"), "--k"),
        (("--suite", "likelihood", "--k", "0"), "k is 0"),
        (("--suite", "likelihood", "--data", "sprites"), "shape"),
    ],
)
def test_bad_options_are_one_line(vae, model, words, line):
    said = vae("evaluate", model, *words)
    assert said.status == 2 and line in said.err and said.err.count("\n") == 1
