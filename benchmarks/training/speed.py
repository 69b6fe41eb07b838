"""How fast a training is: against the loop everybody starts from, the bare products of matrices, and pythae's trainer.

Everybody trains the same network on the same images: batch 128, Adam, a test pass after each epoch. Each is a process
of its own, run with 1 and with 1 + k epochs in turn with the others, so that what the machine does meanwhile falls on
all alike; the difference of the two medians, over k, is the time of an epoch, with nothing of the start in it.
Everybody has torch's own threads, and our processes wait as `python -m vae` has them wait.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from statistics import mean, median, stdev

from benchmarks.report import measured_on, section
from benchmarks.training.contest import Task
from tools.browser import ROOT
from vae.train.process import WAITING, how_to_wait

COMMAND = "python -m benchmarks.training speed"
# Bars: the minimal loop's time over ours, ours over the products', pythae's over ours.
LOOP, FLOOR, RIVAL = 3.0, 1.5, 1.6
ON_GPU = 50.0  # of the minimal loop's time over ours on a lent H200


@dataclass
class Entry:
    """One who is timed.

    Attributes:
        short, long: seconds of each process with 1 epoch and with 1 + k.
        losses: after the last epoch of each long process.
    """

    name: str
    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    short: list[float] = field(default_factory=list)
    long: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def run(self, task: Task, more: int) -> None:
        """One process; `more` epochs after the first."""
        task = replace(task, epochs=1 + more)
        environment = {name: value for name, value in os.environ.items() if name not in WAITING}
        environment |= self.environment | {"PYTHONPATH": str(ROOT)}
        began = time.perf_counter()
        done = subprocess.run(
            [*self.words, *task.words()], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        took = time.perf_counter() - began
        said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or len(said) != task.epochs:
            raise RuntimeError(f"{self.name} ended with {done.returncode}: {done.stderr[-2000:]}")
        (self.long if more else self.short).append(took)
        if more:
            self.losses.append(said[-1]["loss"])

    def epoch(self, more: int) -> float:
        """Seconds."""
        return (median(self.long) - median(self.short)) / more

    def spread(self, more: int) -> float:
        """Of those seconds, the standard error, from the spread of both."""
        if len(self.long) < 2:
            return float("nan")
        return ((stdev(self.long) ** 2 + stdev(self.short) ** 2) / len(self.long)) ** 0.5 / more


def measured(task: Task, more: int, rounds: int, rival: str, wait: dict[str, str]) -> list[Entry]:
    """All of them, interleaved; each round has seeds of its own."""
    module = lambda python, name: [python, "-m", f"benchmarks.training.{name}"]  # noqa: E731
    entries = [
        Entry("Muscope", module(sys.executable, "ours"), wait),
        Entry("the minimal loop", module(sys.executable, "minimal")),
    ]
    if task.network == "mlp":
        entries.append(Entry("the bare products", module(sys.executable, "floor")))
    if rival:
        entries.append(Entry("pythae", module(rival, "rival")))
    for number in range(rounds):
        for epochs in (0, more) if number % 2 else (more, 0):
            for entry in entries:
                print(f"{task.data} {task.network}: {entry.name}, {1 + epochs} epochs", file=sys.stderr, flush=True)
                entry.run(replace(task, seed=task.seed + number), epochs)
    return entries


def rows(task: Task, entries: list[Entry], more: int, images: int) -> list[str]:
    """Of the table."""
    ours = entries[0].epoch(more)
    bars = {"the minimal loop": f"at least {LOOP:g}", "pythae": f"at least {RIVAL:g}"}
    if task.device != "cpu":
        bars = {"the minimal loop": f"at least {ON_GPU:g}"}
    if task.network != "mlp":
        bars = {}
    lines = []
    for entry in entries:
        seconds = entry.epoch(more)
        bar = bars.get(entry.name, "")
        ratio = f"{seconds / ours:.2f}"
        if entry.name == "the bare products":
            bar = f"ours at most {FLOOR:g} of it: {ours / seconds:.2f}" if task.device == "cpu" else ""
        loss = f"{mean(entry.losses):.2f} ± {stdev(entry.losses) if len(entry.losses) > 1 else 0:.2f}"
        loss = "" if entry.name == "the bare products" else loss
        lines.append(
            f"| {task.data} | {task.network} | {entry.name} | {seconds:.2f} ± {entry.spread(more):.2f} | "
            f"{images / seconds:,.0f} | {ratio} | {bar} | {loss} |"
        )
    return lines


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Time our training against others'.")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="processes of each length (5)")
    parser.add_argument("--more", type=int, default=4, metavar="K", help="epochs after the first (4)")
    parser.add_argument("--tasks", nargs="+", default=["mnist:mlp", "mnist:conv", "faces:conv"], metavar="DATA:NETWORK")
    parser.add_argument("--pythae", default="", metavar="PYTHON", help="a Python that has pythae; without it: left out")
    parser.add_argument("--threads", nargs="+", type=int, default=[0], metavar="N", help="0: as many as cores (0)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="images of each split (0: all)")
    parser.add_argument("--note", default="", metavar="TEXT", help="what else must be known of the machine")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    load, wait = os.getloadavg()[0], how_to_wait()  # before we load the machine ourselves
    tables, failed = [], False
    for threads in options.threads:
        lines = []
        for name in options.tasks:
            data, _, network = name.partition(":")
            task = Task(data, network, limit=options.limit, threads=threads, device=options.device)
            conv = network == "conv"  # thirty times the work: one epoch more is enough, and pythae adds nothing to it
            more = max(1, options.more // 4) if conv else options.more
            entries = measured(task, more, options.rounds, "" if conv else options.pythae, wait)
            lines += rows(task, entries, more, len(task.images()[0]))
            if network == "mlp" and options.device == "cpu" and not threads:
                each = {entry.name: entry.epoch(more) / entries[0].epoch(more) for entry in entries}
                failed |= each["the minimal loop"] < LOOP or 1 / each["the bare products"] > FLOOR
                failed |= each.get("pythae", RIVAL) < RIVAL
        title = f"{threads} thread{'s' * (threads > 1)}" if threads else "A thread for each core"
        head = "| data | network | who | seconds for an epoch | images a second | times ours | bar | test loss |"
        tables.append(f"{title}.\n\n{head}\n|---|---|---|---:|---:|---:|---|---:|\n" + "\n".join(lines))
    tables_text = "\n\n".join(tables)
    text = f"""## How fast a training is

{measured_on(COMMAND)} Load of the machine before: {load:.1f}. {options.note} {options.rounds} processes of each \
length, in turn; device: {options.device}; batch 128. The test loss is that after the last epoch of the longer \
processes, mean and standard deviation over as many seeds. The bare products are torch's own `mm`; ours come below \
them where oneDNN's product is faster (`vae/dense.py`).

{tables_text}
"""
    part = "speed" if options.device == "cpu" else "speed-gpu"
    print(text) if options.dry else section("training", part, text)
    return int(failed)
