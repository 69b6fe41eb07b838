"""From the press of Start to digits: how long until the pictures change, and until the model is good.

`python -m benchmarks.training click`

The app runs and its worker is warm, with one thread fewer than there are cores. A training of `mnist` by the `pytorch`
recipe is submitted, as the page does when Start is pressed, and timed until: the process took it; the images are read
and the first step is taken; the first pictures that differ from noise (those of step 0) are on the disk; the test loss
is under the bar. The page looks once a second, so what it shows comes up to a second later: that second is added to
the bar of the pictures.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report import measured_on, section
from benchmarks.training.queue import Queue, a_queue, wait_for
from vae.train.runs import submit

COMMAND = "python -m benchmarks.training click"
ARGUMENTS = ["--data", "mnist", "--recipe", "pytorch", "--epochs", "10", "--device", "cpu", "--map", "none"]
LOSS, SECONDS, CHANGE = 112.0, 20.0, 3.0  # nats per image; seconds to it; seconds to the first change: the bars
PAGE = 1.0  # seconds between two looks of the page


@dataclass(frozen=True)
class Press:
    """Seconds after the press."""

    taken: float
    step: float
    change: float
    good: float
    epochs: int
    loss: float

    @property
    def missed(self) -> bool:
        return self.good > SECONDS or self.change + PAGE > CHANGE


def press(queue: Queue, seed: int) -> Press:
    """Press Start, wait until the model is good, cancel the rest."""
    queue.ready()
    time.sleep(1)
    began = time.time()
    run = submit(queue.runs, [*ARGUMENTS, "--seed", str(seed)], f"seed {seed}", owner=f"v{seed}")
    at: dict[str, float] = {}
    place, good = 0, None
    while good is None:
        events, place = run.events(place)
        now = time.time() - began
        for event in events:
            kind = event["kind"]
            if kind == "frame" and event["step"] == 0:
                kind = "noise"
            at.setdefault(kind, now)
            if kind == "epoch" and event["loss"] < LOSS:
                good = event
        if run.state() in ("failed", "done") or now > 300:
            raise RuntimeError(f"the loss did not fall below {LOSS:g}: {run.failure() or run.state()}")
        time.sleep(0.01)
    found = Press(at["data"], at["step"], at["frame"], time.time() - began, good["epoch"], good["loss"])
    run.cancel()
    wait_for(lambda: run.last_event().get("kind") == "cancelled", "the end of it")
    return found


def report(presses: Sequence[Press], told: str) -> str:
    """The section."""
    rows = "\n".join(
        f"| {seed} | {each.taken:.2f} | {each.step:.2f} | {each.change:.2f} | {each.good:.1f} | {each.epochs} | "
        f"{each.loss:.1f} |"
        for seed, each in enumerate(presses)
    )
    change, good = (statistics.median(values) for values in zip(*((p.change, p.good) for p in presses), strict=True))
    missed = sum(each.missed for each in presses)
    return f"""## From the click

{told} `mnist`, `pytorch` recipe, beside the running app.
Bars for each: test loss under {LOSS:g} in at most {SECONDS:g} s; the first change of the pictures at most {CHANGE:g} s
after the click, the page's second included. Medians: {good:.1f} s and {change:.2f} s (+ {PAGE:g}).
{f"**{missed} of {len(presses)} missed a bar.**" if missed else "No bar was missed."}

| seed | taken, s | first step, s | pictures change, s | loss under {LOSS:g}, s | epochs | test loss |
|---:|---:|---:|---:|---:|---:|---:|
{rows}
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Time a training from the click.")
    parser.add_argument("--times", type=int, default=5, metavar="N")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    with a_queue() as queue:
        queue.serve()
        presses = [press(queue, seed) for seed in range(options.times)]
    text = report(presses, measured_on(COMMAND))
    print(text) if options.dry else section("training", "click", text)
    return int(any(each.missed for each in presses))
