"""`python -m vae runs`: what is being trained on this machine, and what may be asked of it."""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vae.cli import options
from vae.cli.progress import Reporter
from vae.cli.train import report
from vae.errors import VAEError
from vae.home import runs_folder
from vae.train.limits import quota
from vae.train.run import RESTING, UNDER_WAY, Run
from vae.train.runs import Waiting, disk_use, find, runs, waiting
from vae.train.watch import Watch, watch

NAME = "runs"
HELP = "List trainings, follow one, pause, resume, stop, cancel, rename or delete it."
LOOK = 0.2  # seconds between two looks at a run that is followed

VERBS: dict[str, tuple[str, Callable[[Run], None] | None]] = {
    "show": ("everything that is known of one", None),
    "follow": ("show how it goes until it ends; Ctrl-C leaves it running", None),
    "pause": ("save where it is and give the device to the next", Run.pause),
    "resume": ("go on from the newest save", None),
    "stop": ("end it and keep the model as it is", Run.stop),
    "cancel": ("end it and keep nothing", Run.cancel),
    "change": ("another beta or learning rate from the next step on", None),
    "rename": ("call it otherwise", None),
    "delete": ("take its folder off the disk", Run.delete),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A verb, and the run: its id, its name, or the end of its id."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb", required=True)
    one = verbs.add_parser("list", help="all of them, newest first", description="All trainings, newest first.")
    options.add_output(one)
    for verb, (words, _) in VERBS.items():
        one = verbs.add_parser(verb, help=words, description=words)
        one.add_argument("id", metavar="ID", help="of the run, or its end, or the run's name, or 'last'")
        if verb == "rename":
            one.add_argument("name", metavar="NAME")
        if verb == "resume":
            one.add_argument("--here", action="store_true", help="in this process, on all cores, not in the queue")
        if verb == "change":
            one.add_argument("--beta", type=float, metavar="B", help="weight of the KL")
            one.add_argument("--rate", type=float, help="learning rate of Adam")
        options.add_output(one)
    work = verbs.add_parser("work", help="do what waits, as the app's own process does")
    work.add_argument("--device", default="cpu", help="cpu, mps, cuda:0 ... (cpu)")
    work.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    work.add_argument("--lock", type=int, help=argparse.SUPPRESS)
    work.add_argument("--alone", type=float, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> None:
    """Do what was asked for."""
    if arguments.verb == "work":
        _work(arguments)
        return
    if arguments.verb == "list":
        _list(arguments.json)
        return
    one = find(runs_folder(), arguments.id)
    if arguments.verb == "follow":
        follow(one, arguments)
        return
    if arguments.verb == "resume" and arguments.here:
        _resume_here(one, arguments)
        return
    ask = VERBS[arguments.verb][1]
    if arguments.verb == "resume":
        from vae.train.keeper import see_to_worker

        one.resume()
        see_to_worker(one)
    elif arguments.verb == "change":
        if arguments.beta is None and arguments.rate is None:
            raise VAEError("Nothing says what to change: add --beta B or --rate R.")
        one.change(arguments.beta, arguments.rate)
    elif arguments.verb == "rename":
        one.rename(arguments.name)
    elif ask is not None:
        ask(one)
    gone = arguments.verb == "delete"
    said = {"id": one.id, "state": "deleted"} if gone else facts(one)
    print(json.dumps(said) if arguments.json else f"{one.id} is deleted." if gone else _shown(said))
    if arguments.verb == "resume" and not arguments.json:
        print(f"`python -m vae runs follow {one.id}` shows how it goes.")


def facts(run: Run, turns: Sequence[Waiting] | None = None) -> dict[str, Any]:
    """What is known of a run, as JSON values. `turns`: who waits, where that is known already."""
    seen, how = watch(run.events()[0]), run.state()
    return {
        "id": run.id,
        "name": run.name,
        "state": how,
        "progress": round(seen.fraction, 4),
        "line": _line(run, how, seen, turns),
        "created": run.created.isoformat(timespec="seconds"),
        "owner": run.owner,
        "parent": run.parent,
        "device": run.device,
        "arguments": run.arguments,
        "folder": str(run.folder),
        "model": str(run.model_folder),
        "saved_step": run.saved_step(),
        "can_resume": run.can_resume,
        "bytes": run.size,
    }


def _line(run: Run, how: str, seen: Watch, turns: Sequence[Waiting] | None) -> str:
    """Where it is, in words that agree with its state: what it said last may be older than that."""
    if how in ("queued", "interrupted") and run.queued:
        turns = waiting(run.folder.parent) if turns is None else turns
        wait = next((turn.position - 1 for turn in turns if turn.run.id == run.id), 0)
        train = sum(each.queued and each.state() in UNDER_WAY for each in runs(run.folder.parent))
        before = "one is before it" if wait + train == 1 else f"{wait + train} are before it"
        if not wait:
            before = "it is next, after what trains now" if train else "it is next"
        why = "" if how == "queued" else "Its process was ended from outside, and it goes on by itself. "
        return f"{why}It waits for its turn: {before}."
    said = run.last_event().get("kind", "")
    if how == "paused" and said != how:  # nobody was left to say so
        return "Paused. It goes on from its newest save."
    if how == "cancelled" and said != how:
        return "Cancelled: nothing was kept."
    return run.failure() or seen.line


def follow(run: Run, arguments: argparse.Namespace) -> None:
    """Show how a run goes until it rests, then what came of it.

    Raises:
        VAEError: it failed.
    """
    reporter = Reporter(arguments.progress)
    place = 0
    total = None
    try:
        while True:
            how = run.state()
            events, place = run.events(place)
            for event in events:
                if event["kind"] == "start":
                    total = event["train"], event["epochs"] * event["train"]
                elif event["kind"] == "step" and total:
                    note = f"reconstruction {event['recon_nll'] or 0:.1f}, KL {event['kl'] or 0:.1f}"
                    reporter.bar("training", round(event["at"] * total[0]), total[1], note=note)
                elif event["kind"] in ("encoding", "data"):
                    reporter.bar(str(event.get("what")), int(event.get("done", 0)), int(event.get("total", 0)))
            if how in RESTING and not (how == "interrupted" and run.queued):
                break
            time.sleep(LOOK)
    except KeyboardInterrupt:
        reporter.close()
        print(f"It goes on: `python -m vae runs follow {run.id}`, or `runs stop` to end it and keep the model.")
        return
    reporter.close()
    if how == "failed":
        raise VAEError(run.failure())
    last = run.last_event()
    report(how, {name: value for name, value in last.items() if name != "kind"} if "test_loss" in last else {},
           arguments.json)  # fmt: skip


def _resume_here(run: Run, arguments: argparse.Namespace) -> None:
    from vae.cli.training import carry_out, take_part
    from vae.train.parallel import leave

    if int(os.environ.get("RANK", "0")):  # of torchrun: the first process speaks and saves
        take_part(run.arguments)
        leave()
    with run.resumed_here():
        result = carry_out(run, bars=arguments.progress)
    report(run.state(), result, arguments.json)


def _list(as_json: bool) -> None:
    known = runs(runs_folder())
    turns = waiting(runs_folder())
    positions = {turn.run.id: turn.position for turn in turns}
    rows = [facts(run, turns) | {"position": positions.get(run.id)} for run in known]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        how = f"{row['state']} ({row['position']})" if row["position"] else row["state"]
        print(f"{row['id']}  {how:12} {row['progress']:4.0%}  {row['bytes'] / 1e6:7.1f} MB  {row['name']}")
    used = f"{disk_use(runs_folder()) / 1e9:.2f} of {quota() / 1e9:g} GB are used."
    print(used if rows else "Nothing was trained yet: `python -m vae train --help` says how.")


def _shown(said: dict[str, Any]) -> str:
    lines = [f"{name:11} {said[name]}" for name in ("id", "name", "state", "line", "created", "device", "model")]
    return "\n".join([*lines, f"{'size':11} {said['bytes'] / 1e6:.1f} MB"])


def _work(arguments: argparse.Namespace) -> None:
    from vae.cli.training import carry_out, warm
    from vae.train.worker import ALONE, cores, work

    threads = max(1, cores() - 1)  # one is left for the pictures that follow a hand
    warm(arguments.device, threads)
    work(
        arguments.folder or runs_folder(),
        arguments.device,
        lambda run: carry_out(run, device=arguments.device, threads=threads),
        lock=arguments.lock,
        alone=ALONE if arguments.alone is None else arguments.alone,
    )
