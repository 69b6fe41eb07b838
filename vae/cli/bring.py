"""`python -m vae bring`: a model that was trained elsewhere, kept here as a model's folder, with codes of images.

What a visitor brings to the server goes this way too, in a process of its own with limits.
"""

import argparse
import contextlib
import json
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli import options
from vae.cli.progress import Reporter
from vae.train.events import EventLog

if TYPE_CHECKING:
    from vae.foreign.given import Given
    from vae.foreign.known import Understood

NAME = "bring"
HELP = "Open a model that was trained elsewhere: a folder, a zip, hub:OWNER/MODEL, or adapter:NAME."
HUB, ADAPTER = "hub:", "adapter:"
IMAGES = 4000  # that are encoded, unless asked for otherwise; five of six of them for training
ROOM = 12 << 30  # bytes of memory of a guarded process


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, with which images, and where to."""
    parser.add_argument("what", metavar="MODEL", help="a folder, a zip, hub:OWNER/MODEL, or adapter:NAME")
    parser.add_argument("--data", metavar="NAME", help="images to look at it with; its own where it names some")
    parser.add_argument("--title", help="what to call it")
    parser.add_argument("--images", type=int, default=IMAGES, metavar="N", help=f"how many to encode ({IMAGES})")
    parser.add_argument("--axes", type=int, default=0, metavar="L", help="principal axes of a long code (32)")
    parser.add_argument("--umap", action="store_true", help="a UMAP map as well; takes a minute")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the new folder (in MUSCOPE_HOME/models)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images (0)")
    parser.add_argument("--look", action="store_true", help="only say what it is")
    parser.add_argument("--owner", default="", help=argparse.SUPPRESS)  # whose it is on a server of many
    parser.add_argument("--expires", default="", help=argparse.SUPPRESS)
    parser.add_argument("--events", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Look, build, encode, keep."""
    if arguments.guarded:
        _guard()
    from vae.weights import Unopened

    began = time.perf_counter()
    reporter = Reporter(arguments.progress, EventLog(arguments.events) if arguments.events else None)
    try:
        brought, found = understand(arguments.what)
        if arguments.look:
            return _say(arguments, {"kind": found.kind, "title": found.title, "is": found.sentence})
        folder = take(arguments, brought, found, reporter)
    except Unopened as error:
        print(error.lines)  # the one line goes where every refusal goes
        raise
    reporter.close()
    _say(arguments, {"model": folder.name, "kind": found.kind, "seconds": round(time.perf_counter() - began, 1)})


def understand(what: str) -> "tuple[Given | None, Understood]":
    """The files of a model, None where its adapter has them, and what it is.

    Raises:
        VAEError: nothing that Muscope opens.
    """
    from vae.foreign import given, known

    if what.startswith(ADAPTER):
        return None, known.look_at_adapter(what.removeprefix(ADAPTER))
    place = given.from_hub(what.removeprefix(HUB)) if what.startswith(HUB) else Path(what).expanduser()
    brought = given.given(place)
    found = known.look(brought)
    return brought, known.called(found, what.rpartition("/")[2]) if what.startswith(HUB) else found


def take(arguments: argparse.Namespace, brought: "Given | None", found: "Understood", reporter: Reporter) -> Path:
    """Make the model's folder, with its codes and a map of them.

    Returns:
        The folder. With `--umap` it is there, and can be opened, before the second map is.
    """
    from vae.encodings import load_encodings, save_encodings
    from vae.foreign import known
    from vae.home import home

    title = " ".join((arguments.title or found.title).split())[:80] or "A model"
    folder = arguments.out or home() / "models" / known.new_name(title)
    if found.kind == "muscope":
        assert brought is not None
        from vae.cli.bring_ours import take_ours

        take_ours(arguments, brought, found, title, folder, reporter)
    else:
        from vae.cli.bring_foreign import take_foreign

        take_foreign(arguments, brought, found, title, folder, reporter)
    if arguments.umap and "umap" not in (encodings := load_encodings(folder)).maps:
        from vae.cli.project import draw_map

        save_encodings(folder, draw_map(encodings, "umap", arguments.seed, reporter))
    return folder


def _say(arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    line = f"{result['title']}: {result['is']}" if "is" in result else f"Kept as {result['model']}."
    print(json.dumps(result) if arguments.json else line)


def _guard() -> None:
    """Limits on what this process may take, before anything that was brought is touched; told to end, it tidies up."""
    import resource

    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 1024), (resource.RLIMIT_FSIZE, 4 << 30)]
    if sys.platform == "linux":
        limits.append((resource.RLIMIT_DATA, ROOM))
    for what, most in limits:
        hard = resource.getrlimit(what)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
