"""`python -m vae train`: a run in the foreground, on all cores, or one in the queue. What it does is in `training`."""

import argparse
import json
import os
from typing import Any

from vae.cli import options
from vae.errors import VAEError
from vae.home import runs_folder
from vae.train.options import add_arguments as add_training

NAME = "train"
HELP = "Train a model, keep it with the codes of its images, and say what came of it."
OWN = {"--name": True, "--queue": False, "--follow": False, "--json": False, "--progress": False}  # takes a value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every option of a run, and how it is done and watched."""
    add_training(parser)
    watch = parser.add_argument_group("doing and watching")
    watch.add_argument("--name", default="", help="what people call the run, and the model unless --title says another")
    watch.add_argument("--queue", action="store_true", help="let it wait for its turn and train behind this command")
    watch.add_argument("--follow", action="store_true", help="with --queue: show how it goes; Ctrl-C leaves it running")
    options.add_output(watch)  # type: ignore[arg-type]  # a group adds options as a parser does


def run(arguments: argparse.Namespace) -> None:
    """Train, then print what came of it."""
    from vae.train.runs import submit

    words = without_own(arguments.argv[1:])
    if arguments.follow and not arguments.queue:
        raise VAEError("--follow watches a run in the queue: add --queue, or leave it out and see the bar here.")
    if arguments.queue:
        _queue(arguments, words)
        return
    if int(os.environ.get("RANK", "0")):  # of torchrun: the first process speaks and saves
        from vae.cli.training import take_part
        from vae.train.parallel import leave

        take_part(words)
        leave()
    one = submit(runs_folder(), words, arguments.name, queued=False)
    from vae.cli.training import carry_out  # torch takes seconds to import: not for --help, not for bad options

    with one.held():
        result = carry_out(one, bars=arguments.progress)
    report(one.state(), result, arguments.json)


def _queue(arguments: argparse.Namespace, words: list[str]) -> None:
    from vae.cli.runs import facts, follow
    from vae.train.keeper import see_to_worker
    from vae.train.runs import submit

    one = submit(runs_folder(), words, arguments.name)
    see_to_worker(one)
    if arguments.follow:
        follow(one, arguments)
    elif arguments.json:
        print(json.dumps(facts(one)))
    else:
        print(f"{one.name} waits for its turn: `python -m vae runs follow {one.id}` shows how it goes.")


def without_own(argv: tuple[str, ...]) -> list[str]:
    """The words that make the run what it is, without those that only concern how it is done and watched."""
    words: list[str] = []
    skip = False
    for word in argv:
        option, equals, _ = word.partition("=")
        if skip:
            skip = False
        elif option in OWN:
            skip = OWN[option] and not equals
        else:
            words.append(word)
    return words


def report(how: str, result: dict[str, Any], as_json: bool) -> None:
    """Print what came of a run, `how` it ended."""
    if as_json:
        print(json.dumps(result or {"state": how}))
    else:
        print(_summary(result) if result else f"The training is {how}: `python -m vae runs list` shows it.")


def _summary(result: dict[str, Any]) -> str:
    lines = [
        f"test loss            {result['test_loss']:.2f}",
        f"reconstruction       {result['recon_nll']:.2f} nats per image ({result['likelihood']})",
    ]
    if result.get("posterior") != "point":  # a plain autoencoder has no spread, so neither KL nor bound
        lines += [
            f"KL                   {result['kl']:.2f} nats per image",
            f"ELBO                 {result['elbo']:.2f} nats per image",
            f"effective beta       {result['effective_beta']:g}",
        ]
    lines += [
        f"trained              {result['epochs']:g} epochs in {result['seconds']:.1f} s on {result['device']}"
        f" ({result['images_per_second']:,.0f} images/s)",
        f"kept as              {result['folder']} ({result['model_id']})",
        *([result["note"]] if result.get("note") else []),
    ]
    return "\n".join(lines)
