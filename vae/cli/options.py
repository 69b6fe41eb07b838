"""Options that several verbs share, said once; those of a training stand in `vae.train.options`."""

import argparse

from vae.train.options import add_device, add_keep, whole

__all__ = ["add_device", "add_keep", "add_output", "whole"]


def add_output(parser: argparse.ArgumentParser) -> None:
    """--json and --progress."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")
    parser.add_argument("--progress", action="store_true", help="show progress bars even when nobody seems to watch")
