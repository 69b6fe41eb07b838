"""Options that several verbs share, said once."""

import argparse


def add_output(parser: argparse.ArgumentParser) -> None:
    """--json and --progress."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")
    parser.add_argument("--progress", action="store_true", help="show progress bars even when nobody seems to watch")


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device and --threads."""
    parser.add_argument("--device", default="auto", help="auto (the fastest there is), cpu, cuda or mps")
    parser.add_argument("--threads", type=whole, metavar="N", help="processor threads; fewer leave room for others")


def add_keep(parser: argparse.ArgumentParser) -> None:
    """--keep-images."""
    parser.add_argument(
        "--keep-images",
        type=kept,
        metavar="N:M",
        help="keep the codes of N training and M test images, chosen at random by the seed (default: all)",
    )


def whole(text: str) -> int:
    """A whole number from 1 up."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return number


def sizes(text: str) -> tuple[int, ...]:
    """ "32,64" to (32, 64)."""
    return tuple(whole(part.strip()) for part in text.split(","))


def kept(text: str) -> tuple[int, int]:
    """ "8000:2000" to (8000, 2000)."""
    train, colon, test = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers like 8000:2000")
    return whole(train), whole(test)
