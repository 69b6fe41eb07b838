"""The command line: one file for each verb, and the one place where an error becomes a line and an exit status."""

import argparse
import os
import sys
from collections.abc import Sequence

from vae.cli import bring, data, encode, evaluate, export, prior, project, runs, train
from vae.errors import VAEError
from vae.train.options import Parser
from vae.train.process import how_to_wait

VERBS = (data, train, runs, encode, project, prior, evaluate, export, bring)
BAD_INPUT, INTERRUPTED = 2, 130


def main(argv: Sequence[str]) -> int:
    """Run one command.

    Args:
        argv: what stands after `python -m vae`.

    Returns:
        The exit status: 0, or 2 for bad input, explained in one line on standard error.
    """
    if "OMP_WAIT_POLICY" not in os.environ:  # else whoever started us has said it; read once, when torch is imported
        os.environ.update(how_to_wait())
    try:
        arguments = _parser().parse_args(argv)
        arguments.argv = tuple(argv)
        arguments.run(arguments)
    except VAEError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("Interrupted: what was not finished is not kept.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # Python flushes the old one on the way out and would complain
        return 0
    except SystemExit as done:  # argparse after --help
        return int(done.code or 0)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m vae", description="Train variational autoencoders and look inside them.")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True, parser_class=Parser)
    for verb in VERBS:
        one = verbs.add_parser(verb.NAME, help=verb.HELP, description=verb.HELP)
        verb.add_arguments(one)
        one.set_defaults(run=verb.run)
    return parser
