"""The server is killed with one run under way and six in the queue, and started again: what is lost, what is doubled?

`python -m benchmarks.training restart`

Seven visitors submit a training of `digits` each. As soon as the first is learning, the server is killed (kill -9), in
every second round its worker too, as when a machine loses its power. A new server is started, and the queue is left
alone until nothing moves. A run is lost when it is not done then or has no model; it is doubled when it was finished
twice, or taken up from its start more often than it was interrupted. The run that was under way must be done with every
epoch said once it stands, and in turn: each visitor's run in the order in which it came.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report import measured_on, section
from benchmarks.training.queue import a_queue, wait_for
from vae import checkpoint
from vae.errors import VAEError
from vae.train.run import FINAL, Run
from vae.train.runs import submit

COMMAND = "python -m benchmarks.training restart"
QUEUED = 6
ARGUMENTS = ["--data", "digits", "--model", "mlp", "--encoder-sizes", "64", "--latent-dim", "2", "--map", "none"]


@dataclass(frozen=True)
class Round:
    """One kill and what came of it.

    Attributes:
        seconds: from the start of the new server until the interrupted run went on, and until all were done.
    """

    worker_killed: bool
    lost: int
    doubled: int
    resumed: int
    turns: bool
    seconds: tuple[float, float]

    @property
    def good(self) -> bool:
        return not self.lost and not self.doubled and self.turns and self.resumed == int(self.worker_killed)


def one_round(kill_worker: bool, epochs: int) -> Round:
    """Kill, start again, wait, count."""
    with a_queue() as queue:
        queue.serve()
        queue.ready()
        words = [*ARGUMENTS, "--epochs"]
        first = submit(queue.runs, [*words, str(epochs)], "first", owner="v0")
        rest = [submit(queue.runs, [*words, "2"], f"run {i}", owner=f"v{i}") for i in range(1, QUEUED + 1)]
        wait_for(lambda: first.state() == "running" and first.saved_step() is not None, "the first epoch")
        queue.kill_server()
        if kill_worker:
            queue.kill_worker()
        if first.state() not in ("running", "interrupted") or any(run.state() != "queued" for run in rest):
            raise RuntimeError("the kill came too late: give the first run more epochs")
        began, said = time.monotonic(), len(first.events()[0])
        queue.serve()
        wait_for(lambda: len(first.events()[0]) > said and first.state() not in ("interrupted",), "the first run")
        on = time.monotonic() - began
        known = [first, *rest]
        wait_for(lambda: all(run.state() in FINAL for run in known), "the end of the queue")
        return count(known, kill_worker, (on, time.monotonic() - began))


def count(known: Sequence[Run], worker_killed: bool, seconds: tuple[float, float]) -> Round:
    """What was lost and what was doubled."""
    kinds = [[event["kind"] for event in run.events()[0]] for run in known]
    doubled = sum(said.count("done") > 1 or said.count("start") > 1 + said.count("resumed") for said in kinds)
    taken = [run.attempts().taken for run in known]
    return Round(
        worker_killed,
        lost=sum(run.state() != "done" or not _has_model(run) for run in known),
        doubled=doubled + sum(_epochs_twice(run) for run in known),
        resumed=sum(said.count("resumed") for said in kinds),
        turns=taken == sorted(taken),
        seconds=seconds,
    )


def _epochs_twice(run: Run) -> bool:
    """Whether an epoch that stands was said twice: one said after the save that a run went on from does not stand."""
    standing: list[int] = []
    for event in run.events()[0]:
        if event["kind"] == "resumed":
            standing = [epoch for epoch in standing if epoch <= event["epoch"]]
        elif event["kind"] == "epoch":
            standing.append(event["epoch"])
    return len(standing) != len(set(standing)) or standing != sorted(standing)


def _has_model(run: Run) -> bool:
    try:
        return checkpoint.load(run.model_folder).model_id == run.last_event().get("model_id")
    except VAEError:
        return False


def report(rounds: Sequence[Round], told: str) -> str:
    """The section."""
    good = sum(each.good for each in rounds)
    rows = "\n".join(
        f"| {number} | {'server and worker' if each.worker_killed else 'server'} | {each.lost} | {each.doubled} | "
        f"{each.resumed} | {'yes' if each.turns else 'no'} | {each.seconds[0]:.1f} | {each.seconds[1]:.0f} |"
        for number, each in enumerate(rounds, start=1)
    )
    return f"""## A server that is killed

{told} One run under way and {QUEUED} in the queue, of {QUEUED + 1} visitors; kill -9, and a new server.
Bar: nothing lost, nothing doubled, {len(rounds)} of {len(rounds)}. **{good} of {len(rounds)}.**

| round | killed | lost | doubled | resumed from a save | in turn | s until it went on | s until all were done |
|---:|---|---:|---:|---:|---|---:|---:|
{rows}

A worker outlives its server, so where only the server was killed the run was never interrupted.
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Kill the server, start it again, count the runs.")
    parser.add_argument("--rounds", type=int, default=10, metavar="N")
    parser.add_argument("--epochs", type=int, default=150, metavar="N", help="of the run that is under way")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    rounds = []
    for number in range(options.rounds):
        rounds.append(one_round(number % 2 == 1, options.epochs))
        print(rounds[-1])
    text = report(rounds, measured_on(COMMAND))
    print(text) if options.dry else section("training", "restart", text)
    return int(not all(each.good for each in rounds))
