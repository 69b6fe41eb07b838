"""`python -m vae data`: what there is to train on."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from vae.cli import options
from vae.cli.progress import Reporter

NAME = "data"
HELP = "List the data sets, say what is known of one, or fetch it so that it needs no network later."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """list, show NAME, fetch NAME."""
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


def run(arguments: argparse.Namespace) -> None:
    """Print what was asked for."""
    from vae import data

    if arguments.verb == "list":
        rows = [_facts(name) for name in data.NAMES]
        lines = [f"{row['name']:15}{_where(row):13}{row['sentence']}" for row in rows]
        print(json.dumps(rows) if arguments.json else "\n".join(lines))
        return
    if arguments.verb == "fetch":
        reporter = Reporter(arguments.progress)
        unit = "image" if data.describe(arguments.name).built_in else "B"
        data.fetch(arguments.name, reporter.stage(f"fetching {data.public_name(arguments.name)}", unit=unit))
        reporter.close()
    facts = _facts(arguments.name)
    print(json.dumps(facts) if arguments.json else _shown(facts))


def _facts(name: str) -> dict[str, Any]:
    from vae import data

    return asdict(data.describe(name)) | {"on_machine": data.on_machine(name)}


def _where(facts: dict[str, Any]) -> str:
    if facts["built_in"]:
        return "built in"
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
