"""A run is killed and killed again (kill -9), resumed each time, and ends as if nothing had happened.

`python -m vae train` on `digits`, then `python -m vae runs resume ID --here` after each kill, each a process of its own
with one thread. Of four kills one strikes at a random instant of the whole life of the process, two at a random instant
of its training, and one aims inside a save: it strikes as soon as a save's unfinished folder is seen. A fourth that
comes too late, when the save has its name already, is counted with the others and aimed again.

After each kill: no save is damaged, and the newest is not older than the last epoch that was said to be finished. At
the end of each run: it is done, every epoch was said once, with the figures of a run that was never killed, and the
weights are the same to the bit.
"""

import argparse
import hashlib
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.report import measured_on, section
from vae.train import saves
from vae.train.events import read_events
from vae.train.run import Run
from vae.train.runs import runs

COMMAND = "python -m benchmarks.training kills"
ROOT = Path(__file__).resolve().parents[2]
KILLS = 4  # of each run: two in training, one anywhere, one aimed inside a save
PATIENCE = 300.0  # seconds for anything a process should do
ARGUMENTS = ["--data", "digits", "--model", "mlp", "--encoder-sizes", "200", "--binarise", "dynamic", "--decay", "0.3"]
ARGUMENTS += ["--batch-size", "32", "--threads", "1", "--map", "none", "--seed", "3"]
SAID = ("loss", "recon_nll", "kl", "train_recon_nll", "train_kl", "kl_per_dim")  # of an epoch; the rest is the clock


@dataclass
class Story:
    """What befell one run."""

    where: Counter[str] = field(default_factory=Counter)  # kills by what the process was doing
    faults: list[str] = field(default_factory=list)
    weights: str = ""
    epochs: list[list[Any]] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.where.total()


@dataclass
class Home:
    """A folder for the runs of one story, so that what is newest there is its own."""

    folder: Path
    epochs: int

    def words(self) -> list[str]:
        """Of the next process: it trains, or goes on where the last was killed."""
        run = self.run()
        return ["runs", "resume", run.id, "--here"] if run else ["train", *ARGUMENTS, "--epochs", str(self.epochs)]

    def start(self) -> subprocess.Popen[bytes]:
        """The next process."""
        environment = os.environ | {"MUSCOPE_HOME": str(self.folder), "OMP_WAIT_POLICY": "PASSIVE"}
        with (self.folder / "printed.txt").open("ab") as printed:
            command = [sys.executable, "-m", "vae", *self.words()]
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=printed, stderr=printed)

    def run(self) -> Run | None:
        return next(iter(runs(self.folder / "runs")), None)

    def events(self) -> list[dict[str, Any]]:
        run = self.run()
        return read_events(run.folder / "events.jsonl")[0] if run else []

    def unfinished_save(self) -> bool:
        run = self.run()
        try:
            return run is not None and any(name.endswith(".part") for name in os.listdir(run.folder / "saves"))
        except OSError:
            return False


@dataclass(frozen=True)
class Pace:
    """How long a process takes, as measured on one that was left alone.

    Attributes:
        life: seconds from its start to its end.
        training: seconds from its first word on training to its last.
    """

    life: float
    training: float


def undisturbed(folder: Path, epochs: int) -> tuple[Story, Pace]:
    """A run that nobody kills: what the others are held against."""
    home, began = Home(folder, epochs), time.monotonic()
    process = home.start()
    told: list[float] = []
    while process.poll() is None:
        if len(told) < 2 and len(_epochs(home.events())) >= (1, epochs)[len(told)]:
            told.append(time.monotonic())
        time.sleep(0.01)
    story = Story()
    _finish(home, story)
    if process.returncode or story.faults or len(told) < 2:
        raise RuntimeError(f"the run that was left alone failed: {(folder / 'printed.txt').read_text()} {story.faults}")
    return story, Pace(time.monotonic() - began, told[1] - told[0])


def killed(folder: Path, kills: int, seed: int, *, epochs: int, pace: Pace) -> Story:
    """A run that is killed so many times and then left alone."""
    home, story, chance = Home(folder, epochs), Story(), random.Random(seed)
    plan = [("training", "inside", "training", "anywhere")[at % 4] for at in range(kills)]
    chance.shuffle(plan)
    late = 0
    while plan:
        process = home.start()
        where = _strike(home, process, plan[0], chance, pace, kills)
        if where is None:  # it was done before its time came
            break
        resumable = home.run() is not None
        if resumable:
            _look(home, story)
        late += plan[0] == "inside" and where != "inside a save"
        if plan[0] != "inside" or where == "inside a save" or late > 20:
            plan.pop(0)
        story.where[where] += 1
    if not _over(home) and home.start().wait(PATIENCE):
        story.faults.append(f"it could not go on: {(folder / 'printed.txt').read_text()[-500:]}")
    _finish(home, story)
    return story


def _strike(
    home: Home, process: subprocess.Popen[bytes], plan: str, chance: random.Random, pace: Pace, kills: int
) -> str | None:
    """Kill the process as planned. Returns what it was doing, or None when it had ended before."""
    words, began = len(home.events()), time.monotonic()
    while home.run() is None:  # before there is a run, there is nothing to lose
        _still(process, began, "make its folder")
        time.sleep(0.005)
    if plan == "anywhere":
        time.sleep(chance.uniform(0, pace.life / 2))
    else:
        while not any(event["kind"] in ("step", "epoch", "frame", "resumed") for event in home.events()[words:]):
            if process.poll() is not None:
                return None
            _still(process, began, "train")
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 1.5 * pace.training / kills))
        while plan == "inside" and not home.unfinished_save() and process.poll() is None:
            pass  # looked for without a rest: a save takes milliseconds
        if plan == "inside":
            time.sleep(chance.uniform(0, 0.002))
    if process.poll() is not None:
        return None
    process.kill()
    process.wait(PATIENCE)
    if home.unfinished_save():
        return "inside a save"
    said = home.events()[words:]
    kinds = {event["kind"] for event in said}
    run = home.run()
    newest = run.saved_step() if run else None
    if newest is not None and newest > _finished(home.events()):
        return "between a save and its word"
    if "encoding" in kinds or _over(home):
        return "keeping the model"
    return "training" if kinds & {"step", "epoch", "frame"} else "starting"


def _still(process: subprocess.Popen[bytes], began: float, what: str) -> None:
    if process.poll() or time.monotonic() - began > PATIENCE:
        raise RuntimeError(f"the process does not {what} (status {process.poll()})")


def _look(home: Home, story: Story) -> None:
    """After a kill: are the saves good, and is what was said on the disk?"""
    run = home.run()
    if run is None or _over(home):
        return
    save, lines = saves.newest(run.folder / "saves")
    story.faults += lines
    finished, there = _finished(home.events()), save.step if save else 0
    if there < finished:
        story.faults.append(f"the epoch that ended with step {finished} was said and is lost: the newest is {there}")


def _finish(home: Home, story: Story) -> None:
    """At the end: how it ended, what was said, and what the weights are."""
    run = home.run()
    if run is None or run.state() != "done":
        story.faults.append(f"it ended {run.state() if run else 'before it began'}")
        return
    events = home.events()
    if any(event["kind"] in ("bad_save", "failed") for event in events):
        story.faults.append("it said that something failed")
    story.epochs = [[event["epoch"], *(event[name] for name in SAID)] for event in _epochs(events)]
    if [epoch[0] for epoch in story.epochs] != list(range(1, home.epochs + 1)):
        story.faults.append(f"it said the epochs {[epoch[0] for epoch in story.epochs]}")
    story.weights = hashlib.sha256((run.model_folder / "model.safetensors").read_bytes()).hexdigest()


def _epochs(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The epochs that were said and stand."""
    stand: list[dict[str, Any]] = []
    for event in events:
        if event["kind"] == "resumed":  # what was said of later steps will be said again
            stand = [epoch for epoch in stand if epoch["step"] <= event["step"]]
        elif event["kind"] == "epoch":
            stand.append(event)
    return stand


def _finished(events: list[dict[str, Any]]) -> int:
    """The last step of the last epoch that was ever said to be finished."""
    return max((event["step"] for event in events if event["kind"] == "epoch"), default=0)


def _over(home: Home) -> bool:
    run = home.run()
    return run is not None and run.state() == "done"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Kill runs, resume them, and compare their weights.")
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--epochs", type=int, default=30, metavar="N")
    parser.add_argument("--together", type=int, default=2, metavar="N", help="runs at a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="muscope-kills-") as name:
        homes = (_made(Path(name) / str(number)) for number in itertools.count())
        alone, pace = undisturbed(next(homes), options.epochs)
        again, _ = undisturbed(next(homes), options.epochs)
        stories: list[Story] = []
        with ThreadPoolExecutor(options.together) as pool:
            while (left := options.kills - sum(story.kills for story in stories)) > 0:  # a run may end unkilled
                each = [KILLS for _ in range(0, left, KILLS)]  # with fewer, a run is often done before its time comes
                seeds = range(options.seed + len(stories), options.seed + len(stories) + len(each))
                folders = [next(homes) for _ in each]
                stories += pool.map(partial(killed, epochs=options.epochs, pace=pace), folders, each, seeds)
                print(f"{sum(story.kills for story in stories)} kills so far", file=sys.stderr)
    text, passed = told(alone, again, stories, options)
    print(text) if options.dry else section("training", "kills", text)
    return int(not passed)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def told(alone: Story, again: Story, stories: list[Story], options: argparse.Namespace) -> tuple[str, bool]:
    """The section, and whether every bar is met."""
    where = sum((story.where for story in stories), Counter[str]())
    kills, inside = where.total(), where["inside a save"]
    done = [story for story in stories if story.weights]
    lost = [fault for story in stories for fault in story.faults]
    same = sum(story.weights == alone.weights for story in done)
    epochs = sum(story.epochs == alone.epochs for story in done)
    repeated = alone.weights == again.weights
    passed = repeated and not lost and len(done) == len(stories) == same == epochs
    rows = "\n".join(f"| {name} | {count} |" for name, count in where.most_common())
    text = f"""## A run that is killed

{measured_on(COMMAND)} `train {" ".join(ARGUMENTS)} --epochs {options.epochs}`,
seed {options.seed}. Bars: every kill is survived, no finished epoch is lost, and the weights are those of a run that
was never killed, to the bit. **{kills} kills** of {len(stories)} runs, {inside} of them inside a save; {len(done)} of
{len(stories)} runs went on each time and ended; {len(lost)} faults (a damaged save, an epoch that was said and lost,
one said twice). Weights identical in **{same} of {len(done)}**, the figures of all epochs in {epochs} of {len(done)};
two runs that nobody killed: {"identical" if repeated else "DIFFERENT"}.

| what it was doing when it was killed | kills |
|---|---:|
{rows}
"""
    return text + "".join(f"\n- {fault}" for fault in lost), passed
