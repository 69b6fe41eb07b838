"""The run that is killed: the measurement finds what it looks for, and one run survives it here."""

import argparse
import multiprocessing
import os
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.training import kills
from benchmarks.training.kills import Home, Story, killed, told, undisturbed
from vae.cli import main
from vae.train import saves
from vae.train.events import EventLog
from vae.train.runs import submit

FORKS = multiprocessing.get_context("forkserver")
OPTIONS = argparse.Namespace(epochs=3, seed=0)


class Forked:
    """A process as `Home.start` gives it, of a server that has torch in memory: its start costs no seconds."""

    def __init__(self, home: Home) -> None:
        words = [str(home.folder), *home.words()]
        self.process = FORKS.Process(target=do, args=(words,), daemon=True)
        self.process.start()
        self.kill = self.process.kill

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    poll = returncode.fget

    def wait(self, seconds: float) -> int | None:
        self.process.join(seconds)
        return self.process.exitcode


def do(words: list[str]) -> None:
    """What the process does: a command, with its runs in a folder of its own."""
    os.environ["MUSCOPE_HOME"] = words[0]
    with open(Path(words[0]) / "printed.txt", "a") as printed, redirect_stdout(printed), redirect_stderr(printed):
        sys.exit(main(words[1:]))


def test_a_run_killed_again_and_again_ends_as_one_that_was_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FORKS.set_forkserver_preload(["vae.cli.training", "sklearn.datasets"])
    # A new process runs the main script again, and tests of pages leave a page of theirs in its place: give it none.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.setattr(Home, "start", lambda home: Forked(home))
    (tmp_path / "alone").mkdir()
    alone, pace = undisturbed(tmp_path / "alone", 8)
    for seed in (1, 2, 3):  # on a machine that has just become less busy a run may be over before it is killed
        (tmp_path / f"killed-{seed}").mkdir()
        story = killed(tmp_path / f"killed-{seed}", 4, seed, epochs=8, pace=pace)
        if story.kills >= 2:
            break
    assert story.faults == [] and story.kills >= 2
    assert story.weights == alone.weights and story.epochs == alone.epochs
    assert told(alone, alone, [story], OPTIONS)[1]


def story(**changes: object) -> Story:
    fields = {"where": Counter({"training": 4}), "weights": "same", "epochs": [[1, 0.5]]} | changes
    return Story(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        {"weights": "other"},
        {"epochs": [[1, 0.5000001]]},
        {"faults": ["lost"]},
        {"weights": "", "faults": ["it ended failed"]},
    ],
)
def test_one_difference_is_told(other: dict[str, object]) -> None:
    assert told(story(), story(), [story(), story()], OPTIONS)[1]
    text, passed = told(story(), story(), [story(), story(**other)], OPTIONS)
    assert not passed and "**8 kills** of 2 runs" in text
    assert not told(story(), story(weights="other"), [story()], OPTIONS)[1]


def test_what_was_said_of_later_steps_is_void_after_a_resume() -> None:
    events = [{"kind": "epoch", "step": step, "epoch": step} for step in (1, 2, 3)]
    events += [{"kind": "resumed", "step": 2}, {"kind": "epoch", "step": 3, "epoch": 3}]
    assert [event["epoch"] for event in kills._epochs(events)] == [1, 2, 3]
    assert kills._finished(events[:3]) == 3


def test_an_epoch_that_was_said_and_is_not_saved_is_a_fault(tmp_path: Path) -> None:
    words = [*kills.ARGUMENTS, "--epochs", "3"]
    run = submit(tmp_path / "runs", words, "one", queued=False)
    log = EventLog(run.folder / "events.jsonl")
    home, found = Home(tmp_path, 3), Story()
    saves.write(run.folder / "saves", 45, {}, {}, loss=1.0)
    log.say("epoch", epoch=1, step=45)
    kills._look(home, found)
    assert found.faults == []
    log.say("epoch", epoch=2, step=90)
    kills._look(home, found)
    assert found.faults == ["the epoch that ended with step 90 was said and is lost: the newest is 45"]
    assert not home.unfinished_save()
    (run.folder / "saves" / ".000000090.x.part").mkdir()
    assert home.unfinished_save()
