"""A hand on a slider while a model is trained on the same machine: how much slower is its picture?

`python -m benchmarks.training beside`

A visitor without a browser speaks the app's live wire: a stroke of codes at an even pace, each asked for as a picture,
every second one also for how unusual it is. The wait is from a request to the picture of it or of a newer one. Idle and
training alternate: the training (`mnist`, `pytorch` recipe, done by the app's own worker) is paused for one and resumed
for the other, so both see the same machine.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence

from benchmarks.live.visitors import Trace, line, percentiles, session, strokes
from benchmarks.report import measured_on, section
from benchmarks.training.queue import Queue, a_queue, wait_for
from live.engine import shared
from vae.train.run import Run
from vae.train.runs import submit

COMMAND = "python -m benchmarks.training beside"
ARGUMENTS = ["--data", "mnist", "--recipe", "pytorch", "--epochs", "100000", "--device", "cpu"]
TIMES = 2.0  # the bar: p95 while training, in idle ones
SETTLE = 3.0  # seconds before a measurement


def measure(queue: Queue, model: str, rounds: int, rate: float, seconds: float) -> dict[str, list[Trace]]:
    """Strokes without and beside a training, turn by turn."""
    latent_dim = next(entry.latent_dim for entry in shared().models() if entry.name == model)
    found: dict[str, list[Trace]] = {"idle": [], "training": []}

    async def drag(seed: int) -> Trace:
        async with session(queue.port) as tab:
            page = await tab.run(f"model={model}")
            async with line(queue.port, page.token) as hand:
                await hand.drag(strokes(page.model, latent_dim, 10, seed), rate, 0)
                return await hand.drag(strokes(page.model, latent_dim, int(rate * seconds), seed, first=10), rate, 10)

    run: Run | None = None
    for seed in range(rounds):
        queue.ready()
        time.sleep(SETTLE)
        found["idle"].append(asyncio.run(drag(seed)))
        if run is None:
            run = submit(queue.runs, ARGUMENTS, "beside", owner="v")
        else:
            run.resume()
        wait_for(lambda run=run: run.state() == "running" and run.last_event()["kind"] == "step", "a training")  # type: ignore[misc]
        time.sleep(SETTLE)
        found["training"].append(asyncio.run(drag(seed)))
        if run.state() != "running":
            raise RuntimeError(f"the training did not go on: {run.state()} {run.failure()}")
        run.pause()
        wait_for(lambda run=run: run.state() == "paused", "a pause")  # type: ignore[misc]
    return found


def summed(traces: Sequence[Trace]) -> Trace:
    whole = Trace()
    for trace in traces:
        whole.add(trace)
    return whole


def times(found: dict[str, list[Trace]]) -> float:
    """p95 of all strokes beside a training, in idle ones."""
    return percentiles(summed(found["training"]).waits)[1] / percentiles(summed(found["idle"]).waits)[1]


def report(found: dict[str, dict[str, list[Trace]]], told: str, rate: float, seconds: float) -> str:
    """The section."""
    rows = []
    for model, both in found.items():
        for name, traces in both.items():
            p50, p95, p99 = percentiles(summed(traces).waits)
            each = ", ".join(f"{percentiles(trace.waits)[1]:.1f}" for trace in traces)
            bad = summed(traces)
            rows.append(
                f"| {model} | {name} | {p50:.1f} / {p95:.1f} / {p99:.1f} | {each} | "
                f"{bad.refused + bad.lost + bad.unanswered} | {times(both) if name == 'training' else 1:.2f} |"
            )
    missed = [model for model, both in found.items() if times(both) > TIMES]
    body = "\n".join(rows)
    return f"""## Beside a training

{told} {rate:g} requests a second for {seconds:g} s in each turn, idle and training in turns.
Bar: p95 while training at most {TIMES:g} times the idle one.
{"**Missed: " + ", ".join(missed) + ".**" if missed else "No bar was missed."}

| model | | wait, ms (p50 / p95 / p99) | p95 of each turn, ms | errors | times idle |
|---|---|---:|---|---:|---:|
{body}
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Follow a hand while a model is trained.")
    parser.add_argument("--models", nargs="+", default=["mnist", "faces"], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=4, metavar="N")
    parser.add_argument("--seconds", type=float, default=15, metavar="S")
    parser.add_argument("--rate", type=float, default=60, metavar="N", help="requests a second")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    found = {}
    for model in options.models:
        with a_queue() as queue:
            queue.serve()
            found[model] = measure(queue, model, options.rounds, options.rate, options.seconds)
    text = report(found, measured_on(COMMAND), options.rate, options.seconds)
    print(text) if options.dry else section("training", "beside", text)
    return int(any(times(both) > TIMES for both in found.values()))
