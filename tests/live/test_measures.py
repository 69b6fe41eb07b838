"""Measurements in processes of their own: one at a time, in turn, cancelled, and what they say on the way."""

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from live import errands, measurable, measures
from live.errands import Standing
from live.measures import Measures
from vae.config import Config
from vae.errors import VAEError
from vae.evaluate.suites import SUITES

SAY = """
import json, pathlib, sys, time
place, events = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
(place / "log").open("a").write(f"begin {sys.argv[3]}\\n")
"""


def python(body):
    """A measurement that is a few lines of Python: `place`, `events` and the suite's name are given."""
    return lambda folder, suite, events: [sys.executable, "-c", SAY + body, str(folder), str(events), suite]


def until(true, patience=15.0):
    end = time.monotonic() + patience
    while not (found := true()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
    return found


@pytest.fixture
def queue():
    """`queue(body)`: measurements that run that."""
    made = []

    def make(body):
        made.append(Measures(python(body)))
        return made[-1]

    yield make
    for each in made:
        each.stop()
        until(lambda each=each: not each.busy)


def log(folder: Path) -> list[str]:
    path = folder / "log"
    return path.read_text().split("\n")[:-1] if path.exists() else []


def test_one_is_measured_at_a_time_in_the_order_they_were_asked_for(queue, tmp_path):
    ours = queue('time.sleep(0.1); (place / "log").open("a").write(f"end {sys.argv[3]}\\n")')
    names = ["likelihood", "probes", "samples"]
    for name in names:
        ours.ask(tmp_path, "m", name)
        ours.ask(tmp_path, "m", name)  # pressed twice
    assert [ours.of("m", name).ahead for name in names] == [0, 1, 2]
    until(lambda: not ours.busy)
    assert log(tmp_path) == [f"{word} {name}" for name in names for word in ("begin", "end")]
    assert [ours.of("m", name) for name in names] == [None] * 3


def test_more_words_of_the_command_reach_the_process(queue, tmp_path):
    ours = queue('(place / "log").open("a").write(" ".join(sys.argv[4:]) + "\\n")')
    ours.ask(tmp_path, "m", "likelihood", options=("--images", "500", "--k", "50"))
    until(lambda: not ours.busy)
    assert log(tmp_path) == ["begin likelihood", "--images 500 --k 50"]


def test_a_dear_decoder_is_measured_on_less_and_never_on_more_than_there_is():
    def entry(config, **known):
        return SimpleNamespace(config=config, card={"data": known})

    dense = Config((1, 28, 28), 50, "mlp", (200, 200), (200, 200))
    assert measurable.amount(entry(dense, test=10_000)) == (1_000, 5_000)
    assert measurable.amount(entry(dense)) == (1_000, 5_000)
    assert measurable.amount(entry(dense.with_(decoder_sizes=(2000, 2000)), test=10_000)) == (1_000, 1_000)
    conv = Config((1, 28, 28), 8, "conv", (8, 16), (16, 8))
    assert measurable.amount(entry(conv, test=10_000)) == (500, 500)
    assert measurable.amount(entry(conv, test=60)) == (60, 500)


def test_again_takes_as_much_as_before_and_is_expected_to_take_as_long():
    entry = SimpleNamespace(config=Config((1, 28, 28), 2, "mlp", (128, 64), (64, 128)), card={"data": {"test": 10_000}})
    before = {"images": 10_000, "draws": 100, "seconds": 77}
    assert measurable.amount(entry, before) == (10_000, 100)
    assert measurable.options_of(entry, "likelihood", before) == ("--images", "10000", "--k", "100")
    assert measurable.expected(entry, "likelihood", before) == 77
    assert 15 < measurable.expected(entry, "likelihood") < 60  # 30 s, measured
    assert measurable.expected(entry, "probes") == measurable.SECONDS["probes"]
    assert measurable.amount(entry, {"images": "all", "draws": None}) == measurable.amount(entry)
    assert measurable.SECONDS.keys() == SUITES.keys()


def test_it_says_how_far_it_is_and_how_long_it_will_be(queue, tmp_path):
    say = 'events.open("a").write(json.dumps({"what": "weights", "done": %d, "total": 10}) + "\\n");'
    ours = queue(say % 2 + f"\nwhile not (place / 'go').exists(): time.sleep(0.01)\n{say % 6}\ntime.sleep(60)")
    ours.ask(tmp_path, "m", "likelihood", owner="ada")
    found = until(lambda: (now := ours.of("m", "likelihood")) and now.what and now)
    assert found == Standing("measuring", "ada", what="weights", fraction=0.2, left=None)
    time.sleep(0.2)
    (tmp_path / "go").touch()
    found = until(lambda: (now := ours.of("m", "likelihood")).fraction == 0.6 and now)
    # four of ten took this long, so do the other four
    assert 0.2 <= found.left <= 3


def test_a_line_that_is_still_being_written_is_not_read(tmp_path):
    events = tmp_path / "events"
    assert errands.last_event(events) == {}
    whole = json.dumps({"what": "a", "done": 1, "total": 2})
    events.write_text(whole + "\nnonsense\n" + whole[:9])
    assert errands.last_event(events)["done"] == 1


def test_cancelling_ends_the_one_that_runs_and_skips_the_one_that_waits(queue, tmp_path):
    ours = queue("time.sleep(0 if sys.argv[3] == 'samples' else 60)")
    for name in ("likelihood", "probes", "samples"):
        ours.ask(tmp_path, "m", name)
    until(lambda: log(tmp_path))
    ours.cancel("m", "probes")
    assert ours.of("m", "probes") is None and ours.of("m", "samples").ahead == 1
    began = time.monotonic()
    ours.cancel("m", "likelihood")
    assert ours.of("m", "likelihood") is None
    until(lambda: len(log(tmp_path)) == 2)
    assert time.monotonic() - began < errands.PATIENCE  # it was asked to end, and did
    until(lambda: not ours.busy)
    assert log(tmp_path) == ["begin likelihood", "begin samples"]


def test_what_was_cancelled_can_be_asked_for_again(queue, tmp_path):
    ours = queue("time.sleep(0.2)")
    ours.ask(tmp_path, "m", "probes")
    until(lambda: log(tmp_path))
    ours.cancel("m", "probes")
    ours.ask(tmp_path, "m", "probes")
    until(lambda: not ours.busy)
    assert len(log(tmp_path)) == 2


@pytest.mark.parametrize(
    "body, why",
    [
        ("print('There are no labels.', file=sys.stderr); sys.exit(2)", "There are no labels."),
        ("raise ValueError('ours')", "The measurement broke off. The details are in the terminal."),
    ],
)
def test_a_failure_is_one_line_until_it_is_asked_for_again(queue, tmp_path, body, why, capfd):
    ours = queue(body)
    ours.ask(tmp_path, "m", "probes", owner="ada")
    until(lambda: not ours.busy)
    assert ours.of("m", "probes") == Standing("failed", "ada", why=why)
    assert ("ours" in capfd.readouterr().err) == ("ValueError" in body)
    ours.cancel("m", "probes")
    assert ours.of("m", "probes") is None


def test_nobody_can_fill_the_queue_or_ask_for_what_is_no_suite(queue, tmp_path):
    ours = queue("time.sleep(60)")
    for number in range(measures.MOST):
        ours.ask(tmp_path, str(number), "probes")
    with pytest.raises(VAEError, match="wait already"):
        ours.ask(tmp_path, "another", "probes")
    with pytest.raises(VAEError, match="no suite"):
        ours.ask(tmp_path, "m", "probes; rm")


def test_the_command_is_what_a_person_would_type():
    words = measures.command(Path("a model"), "probes", Path("e"))
    typed = ["-m", "vae", "evaluate", "a model", "--suite", "probes", "--keep", "--events", "e"]
    assert words[words.index("-m") :] == typed and words[:2] == ["nice", "-n"]


def entry(data="mnist", likelihood="bernoulli", posterior="gaussian"):
    return SimpleNamespace(data=data, config=SimpleNamespace(likelihood=likelihood, posterior=posterior))


def test_what_cannot_be_measured_says_why(monkeypatch):
    monkeypatch.setattr(measurable.data, "on_machine", lambda name: name != "kmnist")
    assert set(measurable.unfit(entry())) == {"disentanglement"}
    assert set(measurable.unfit(entry("sprites"))) == {"samples"} and set(measurable.unfit(entry("faces"))) == {
        "samples",
        "disentanglement",
    }
    assert "no likelihood" in measurable.unfit(entry(likelihood="mse"))["likelihood"]
    assert "autoencoder" in measurable.unfit(entry(posterior="point"))["likelihood"]
    assert set(measurable.unfit(entry("kmnist"))) == set(measurable.unfit(entry(""))) == set(SUITES)
    assert all("\n" not in line and line.endswith(".") for line in measurable.unfit(entry("kmnist")).values())
