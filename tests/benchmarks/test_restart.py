"""What the measurement of a killed server counts as lost and as doubled."""

import pytest

from benchmarks.training.restart import count
from vae.train.events import EventLog
from vae.train.run_folder import Attempts
from vae.train.runs import submit

WORDS = ["--data", "digits", "--model", "mlp"]


@pytest.fixture
def three(tmp_path, monkeypatch):
    """Three runs that were done in turn; their models are taken for granted."""
    monkeypatch.setattr("benchmarks.training.restart._has_model", lambda run: True)
    known = [submit(tmp_path, WORDS, f"run {number}", owner=str(number)) for number in range(3)]
    for number, run in enumerate(known):
        run.write_attempts(Attempts(1, None, 100.0 + number))
        say(run, "start", ("epoch", 1), ("epoch", 2), "done")
    return known


def say(run, *what):
    log = EventLog(run.folder / "events.jsonl")
    for each in what:
        kind, epoch = each if isinstance(each, tuple) else (each, None)
        log.say(kind, **({"epoch": epoch} if epoch is not None else {}))


def test_nothing_is_wrong_where_nothing_is(three):
    found = count(three, False, (1.0, 2.0))
    assert found.good and (found.lost, found.doubled, found.resumed) == (0, 0, 0)


@pytest.mark.parametrize(
    ("more", "lost", "doubled"),
    [
        (("done",), 0, 1),
        (("start", ("epoch", 1), ("epoch", 2), "done"), 0, 2),  # begun twice, and its epochs said twice
        ((("epoch", 2), "done"), 0, 2),
        (("failed",), 1, 0),
        (("queued",), 1, 0),
    ],
)
def test_what_is_lost_and_doubled_is_seen(three, more, lost, doubled):
    say(three[1], *more)
    found = count(three, False, (1.0, 2.0))
    assert (found.lost, found.doubled) == (lost, doubled) and not found.good


def test_epochs_said_again_after_a_resume_are_not_doubled(three):
    say(three[0], "queued", "start", ("resumed", 1), ("epoch", 2))
    assert count(three, True, (1.0, 2.0)).doubled == 0


def test_who_was_taken_out_of_turn_is_seen(three):
    three[2].write_attempts(Attempts(1, None, 1.0))
    assert not count(three, False, (1.0, 2.0)).good
