"""`python -m vae data`: what there is to train on, and how one's own files come to it."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli import options
from vae.cli.progress import Reporter

if TYPE_CHECKING:
    from vae.data.intake import Understood

NAME = "data"
HELP = "List the data sets, say what is known of one, fetch it, or make one of your own files."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """list, show NAME, fetch NAME, take PATH."""
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="verb", required=True)
    for verb, words in (
        ("list", "every data set that has a name"),
        ("show", "what is known of one"),
        ("fetch", "download it, or draw it once, and keep it"),
    ):
        one = verbs.add_parser(verb, help=words, description=words)
        if verb != "list":
            one.add_argument("name", metavar="NAME", help="a name from the list, folder:PATH or table:PATH")
        options.add_output(one)
    words = "make a data set of files: images, arrays, tables, an archive, CelebA's folder, dataset:NAME"
    take = verbs.add_parser("take", help=words, description=words)
    take.add_argument("path", metavar="PATH", help="a file or folder; or dataset:NAME of Hugging Face, from its cache")
    take.add_argument("--title", default="", metavar="WORDS", help="what you call it; the file's name unless given")
    take.add_argument("--look", action="store_true", help="only say what was understood, and keep nothing")
    take.add_argument("--side", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), help="pixels, 8 to 128")
    take.add_argument("--fit", choices=("crop", "pad"), default="crop", help="images of another shape")
    take.add_argument("--colour", choices=("keep", "grey", "colour"), default="keep")
    take.add_argument("--vectors", action="store_true", help="an array of rows, not of images")
    take.add_argument("--label", metavar="COLUMN", help="the column that says the class; '' for none")
    take.add_argument("--split", metavar="COLUMN", help="train and test by name, or what belongs together; '' for none")
    take.add_argument("--array", default="", metavar="NAME", help="the array of an .npz that holds the images")
    take.add_argument("--credit", default="", metavar="WORDS", help="who made the data, under which licence")
    options.add_output(take)


def run(arguments: argparse.Namespace) -> None:
    """Print what was asked for."""
    from vae import data

    if arguments.verb == "take":
        _take(arguments)
        return
    if arguments.verb == "list":
        names = [*data.NAMES, *(one.name for one in data.brought.sets(owner=""))]
        rows = [_facts(name) for name in names]
        lines = [f"{row['name']:15}{_where(row):13}{_sentence(row)}" for row in rows]
        print(json.dumps(rows) if arguments.json else "\n".join(lines))
        return
    if arguments.verb == "fetch":
        reporter = Reporter(arguments.progress)
        unit = "image" if data.describe(arguments.name).built_in else "B"
        data.fetch(arguments.name, reporter.stage(f"fetching {data.public_name(arguments.name)}", unit=unit))
        reporter.close()
    facts = _facts(arguments.name)
    print(json.dumps(facts) if arguments.json else _shown(facts))


def _take(arguments: argparse.Namespace) -> None:
    from vae.data import intake

    choice = intake.Choice(
        kind="vectors" if arguments.vectors else "",
        side=None if arguments.side is None else tuple(arguments.side),
        fit=arguments.fit,
        colour=arguments.colour,
        label_column=arguments.label,
        split_column=arguments.split,
        array=arguments.array,
    )
    reporter = Reporter(arguments.progress)
    path = arguments.path
    given = path if path.startswith("dataset:") else str(Path(path).expanduser().absolute())
    understood = intake.look(given, choice, progress=reporter.stage("looking"))
    reporter.close()
    if arguments.look:
        plain = {key: value for key, value in understood.to_json().items() if key != "previews"}
        print(json.dumps(plain) if arguments.json else _understood(understood))
        return
    set_id = intake.take_in(
        given,
        understood.suggested,
        title=arguments.title or Path(given).stem,
        credit=arguments.credit,
        progress=reporter.stage("taking in"),
    )
    reporter.close()
    facts = _facts(f"brought:{set_id}")
    print(json.dumps(facts) if arguments.json else f"{_understood(understood)}\n{_shown(facts)}")


def _understood(understood: "Understood") -> str:
    left_out = [f"left out {name}: {why}" for name, why in understood.left_out[:10]]
    if understood.left_out_count > 10:
        left_out.append(f"left out {understood.left_out_count - 10:,} more")
    columns = ", ".join(f"{column.name} ({column.kind})" for column in understood.columns[:20])
    lines = [
        f"given    {understood.source}; {understood.count:,} will be used",
        f"shape    {' x '.join(str(side) for side in understood.shape)}",
        f"columns  {columns or 'none'}",
        f"split    {understood.split}",
        *([f"crops    {understood.crops}"] if understood.crops else []),
        *left_out,
        *understood.warnings,
    ]
    return "\n".join(lines)


def _facts(name: str) -> dict[str, Any]:
    from vae import data

    return asdict(data.describe(name)) | {"on_machine": data.on_machine(name)}


def _sentence(facts: dict[str, Any]) -> str:
    return f" {facts['title']}: {facts['sentence']}" if facts["name"].startswith("brought:") else facts["sentence"]


def _where(facts: dict[str, Any]) -> str:
    if facts["built_in"]:
        return "built in"
    if facts["name"].startswith("brought:"):
        return " your own"
    return "here" if facts["on_machine"] else "to download"


def _shown(facts: dict[str, Any]) -> str:
    shape = facts["shape"]
    size = f"{shape[2]} by {shape[1]} pixels, {shape[0]} channel(s)" if len(shape) == 3 else f"{shape[0]} numbers"
    lines = [
        f"{facts['title']} ({facts['name']})",
        facts["sentence"],
        f"images   {facts['train_size']:,} to train on, {facts['test_size']:,} to test on; {size}",
        f"classes  {', '.join(facts['classes']) or 'none'}",
        f"credit   {facts['credit']}",
        f"place    {_where(facts)}",
    ]
    return "\n".join(lines)
