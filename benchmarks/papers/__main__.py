"""`python -m benchmarks.papers run ROW | table | list`: train and measure a row in sittings; write papers.md."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.papers.page import PAGE, page
from benchmarks.papers.published import NAMES, ROWS, row_of
from benchmarks.papers.sittings import Sitting, keep, kept, sit
from vae.errors import VAEError
from vae.home import home
from vae.train.process import how_to_wait

COMMAND = "python -m benchmarks.papers"


def main(arguments: Sequence[str] | None = None) -> int:
    if "OMP_WAIT_POLICY" not in os.environ:  # read once, when torch is imported
        os.environ.update(how_to_wait())
    asked = _parser().parse_args(arguments)
    if asked.verb == "table":
        PAGE.write_text(page(), encoding="utf-8")
        print(f"{PAGE.name}: {sum(bool(kept(row)) for row in ROWS)} of {len(ROWS)} rows are filled.")
        return 0
    if asked.verb == "list":
        for row in ROWS:
            done = f"{len(kept(row))} of {len(row.seeds)} seeds"
            print(f"{row.name:18} {done:14} {'GPU  ' if row.gpu else '     '}{row.title} ({row.protocol})")
        return 0
    try:
        return _run(asked)
    except VAEError as error:
        print(error, file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace) -> int:
    row = row_of(asked.row)
    if row is None:
        raise VAEError(f"There is no row {asked.row!r}: choose {', '.join(NAMES)}.")
    if row.elsewhere:
        raise VAEError(f"The row {row.name} has a benchmark of its own: run `{row.elsewhere}`.")
    if asked.minutes is not None and asked.minutes <= 0:
        raise VAEError(f"--minutes is {asked.minutes:g}: give how long to train in this sitting.")
    sitting = Sitting(asked.home, asked.minutes, asked.device, asked.threads)
    for seed in [asked.seed] if asked.seed is not None else row.seeds:
        if str(seed) in kept(row) and not asked.again:
            continue
        print(f"{row.name}, seed {seed}", file=sys.stderr, flush=True)
        found = sit(row, seed, sitting)
        if found is None:
            print(f"{row.name}, seed {seed}: paused; the same command takes it up again.")
            return 0
        keep(row, seed, found)
        print(f"{row.name}, seed {seed}: {found['figure']:.3f} ({row.protocol}; published {row.published})", flush=True)
    print(f"`{COMMAND} table` writes it into {PAGE.name}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Published numbers, and ours beside them.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("run", help="train a row, or go on with it, then measure it")
    one.add_argument("row", metavar="ROW", help=", ".join(NAMES))
    one.add_argument("--minutes", type=float, metavar="M", help="of training in this sitting; then it is paused")
    one.add_argument("--home", type=Path, default=home() / "papers", metavar="DIR", help="where its runs are kept")
    one.add_argument("--seed", type=int, metavar="S", help="one of the row's seeds only, or another")
    one.add_argument("--again", action="store_true", help="measure again what is kept already")
    one.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    one.add_argument("--threads", type=int, metavar="N", help="processor threads (as many as cores)")
    verbs.add_parser("table", help=f"write {PAGE.name}")
    verbs.add_parser("list", help="every row and how far it is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
