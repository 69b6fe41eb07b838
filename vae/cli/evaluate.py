"""`python -m vae evaluate`: the figures of a model, measured as its card's were, or a suite of more of them."""

import argparse
import json
import shlex
import time
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli import options
from vae.cli.encode import data_of, load_data, open_model
from vae.cli.progress import Reporter
from vae.errors import VAEError

if TYPE_CHECKING:
    import numpy as np

    from vae.checkpoint import Checkpoint
    from vae.data import Images

NAME = "evaluate"
HELP = "Measure a model on its test images: likelihood, reconstruction, and how well its map keeps neighbours."
ALL = "all"
OF_SUITES = ("k", "images")  # options that some suites have


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, which data, and which suite."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the model's folder")
    parser.add_argument("--data", metavar="NAME", help="other data of the same shape (as its card says)")
    suite = parser.add_argument_group("suites (without one: the figures of the card)")
    suite.add_argument(
        "--suite",
        metavar="NAME",
        help="likelihood, disentanglement, probes, anomaly, samples, directions, pca, columns, or all that it can have",
    )
    suite.add_argument("--keep", action="store_true", help="keep what is found on this machine, for the model's report")
    suite.add_argument(
        "--keep-here", action="store_true", help="keep it in the model's own folder: it goes where the model goes"
    )
    suite.add_argument("--k", type=int, metavar="N", help="of likelihood: draws of each image (5000)")
    suite.add_argument(
        "--images", type=int, metavar="N", help="test images, chosen by the seed (as many as the suite wants)"
    )
    suite.add_argument("--seed", type=int, default=0, help="of every draw (0)")
    suite.add_argument("--events", type=Path, metavar="FILE", help="append how it goes to FILE, a JSON object a line")
    options.add_device(parser)
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Measure, then print."""
    if arguments.suite is not None or _asks_for_a_suite(arguments):
        _run_suites(arguments)
        return
    reporter = Reporter(arguments.progress)
    model = open_model(arguments)
    train, test = load_data(*data_of(model, arguments.data), reporter)
    figures = figures_of(model, train, test, reporter, own_data=arguments.data is None)
    figures["model_id"] = model.model_id
    print(json.dumps(figures) if arguments.json else _summary(figures))


# ---- suites --------------------------------------------------------------------------------------------------------


def _asks_for_a_suite(arguments: argparse.Namespace) -> bool:
    given = [
        name for name in ("keep", "keep_here", "events", *OF_SUITES) if getattr(arguments, name) not in (None, False)
    ]
    if given:
        raise VAEError(
            f"--{given[0].replace('_', '-')} belongs to a suite: add --suite NAME, such as --suite likelihood."
        )
    return False


def _run_suites(arguments: argparse.Namespace) -> None:
    """Measure the suite that is asked for, or all; say in the events, if there is a file for them, how it ended."""
    from vae.train.events import EventLog

    names = _names(arguments)
    reporter = Reporter(arguments.progress, EventLog(arguments.events) if arguments.events else None)
    try:
        found = _measure_all(arguments, names, reporter)
    except VAEError as error:
        reporter.close()
        reporter.say("failed", line=str(error))
        raise
    reporter.close()
    reporter.say("done", suites=[name for name in names if "line" not in found[name]])
    if arguments.json:
        print(json.dumps(found))


def _names(arguments: argparse.Namespace) -> list[str]:
    """Which suites; their options are looked at before anything is loaded."""
    from vae.evaluate.suites import SUITES

    if arguments.suite not in (*SUITES, ALL):
        raise VAEError(f"There is no suite {arguments.suite!r}: choose {', '.join(SUITES)} or {ALL}.")
    if not 0 <= arguments.seed < 2**63:
        raise VAEError(f"The seed is {arguments.seed}: give a whole number from 0 up.")
    names = [*SUITES] if arguments.suite == ALL else [arguments.suite]
    for option in OF_SUITES:
        if getattr(arguments, option) is not None and not any(option in _options_of(name) for name in names):
            raise VAEError(f"The suite {arguments.suite} has no option --{option}: leave it out.")
    return names


def _options_of(suite: str) -> set[str]:
    from vae.evaluate.suites import function_of

    return {*signature(function_of(suite)).parameters}


def _measure_all(arguments: argparse.Namespace, names: list[str], reporter: Reporter) -> dict[str, Any]:
    """What each suite found, by name. Of all, one that cannot be measured leaves a line in its place."""
    from vae.data import public_name
    from vae.evaluate.suites import measure_suite
    from vae.files import finite
    from vae.reports import check_keeping, keep_suite

    model = open_model(arguments)
    places = [place for place, asked in ((None, arguments.keep), (model.folder, arguments.keep_here)) if asked]
    for place in places:
        check_keeping(place, model.model_id)
    train, test = load_data(*data_of(model, arguments.data), reporter)
    said: dict[str, Any] = {"model_id": model.model_id, "data": public_name(test.name)}
    refused: list[VAEError] = []
    for name in names:
        given = {option: getattr(arguments, option) for option in OF_SUITES if option in _options_of(name)}
        given = {option: value for option, value in given.items() if value is not None}
        began = time.perf_counter()
        try:
            found = measure_suite(name, model, train, test, seed=arguments.seed, stage=reporter.stage, **given)
        except VAEError as error:
            refused.append(error)
            if len(refused) == len(names):  # nothing could be measured: that is a failure
                raise
            said[name] = {"line": str(error)}
            continue
        reporter.close()
        seconds = round(time.perf_counter() - began, 1)
        more = {"data": said["data"], "seconds": seconds, "command": _command(arguments, name, given)}
        said[name] = finite(found.to_json()) | more | {"lines": found.lines()}
        if not arguments.json:
            print("\n".join([f"{name}, {seconds:,} s", *found.lines()]), flush=True)
        for place in places:
            keep_suite(place, model.model_id, name, said[name])
    if not arguments.json:
        print("".join(f"{name}: {said[name]['line']}\n" for name in names if "line" in said[name]), end="")
    return said


def _command(arguments: argparse.Namespace, suite: str, given: dict[str, int]) -> str:
    """How to have the same figures again, without paths of this machine."""
    place = arguments.folder.resolve()
    ships = place.parent == Path(__file__).resolve().parents[2] / "checkpoints"
    folder = f"checkpoints/{place.name}" if ships else place.name
    words = ["python", "-m", "vae", "evaluate", folder, "--suite", suite]
    if arguments.data:
        from vae.data import public_name

        words += ["--data", public_name(arguments.data)]
    for name, value in given.items():
        words += [f"--{name}", str(value)]
    return shlex.join([*words, *(["--seed", str(arguments.seed)] if arguments.seed else [])])


# ---- the card ------------------------------------------------------------------------------------------------------


def figures_of(
    model: "Checkpoint", train: "Images", test: "Images", reporter: Reporter, own_data: bool = True
) -> dict[str, Any]:
    """The figures as JSON values, rounded; the map kept in the model's folder is used where it is of the same data."""
    from vae.checkpoint import ENCODINGS
    from vae.cli.card import round_figures
    from vae.encodings import load_encodings
    from vae.evaluate import evaluate
    from vae.explore import projection

    def embed(mu: "np.ndarray") -> "np.ndarray":
        return projection.umap(mu, seed=0, progress=reporter.stage("UMAP map of the test images", unit="%"))

    encodings = load_encodings(model.folder) if own_data and (model.folder / ENCODINGS).is_file() else None
    figures = evaluate(model, train, test, encodings, embed=embed, stage=reporter.stage)
    reporter.close()
    return round_figures(figures.to_json())


def _summary(figures: dict[str, Any]) -> str:
    def shown(name: str, form: str) -> str:
        return "-" if figures[name] is None else format(figures[name], form)

    lines = [
        f"test images          {figures['images']:,}",
        f"test loss            {figures['test_loss']:.2f} (with the reductions the model was trained with)",
        f"reconstruction       {figures['recon_nll']:.2f} nats per image ({figures['likelihood']})",
        f"KL                   {shown('kl', '.2f')} nats per image",
        f"ELBO                 {shown('elbo', '.2f')} nats per image",
        f"squared error        {figures['recon_mse']:.5f} per pixel at mu",
        f"active units         {figures['active_units']} of {figures['latent_dim']}",
        f"5-NN accuracy        {shown('knn_accuracy', '.2%')}",
        f"trustworthiness      {shown('trustworthiness', '.4f')}",
    ]
    return "\n".join(lines)
