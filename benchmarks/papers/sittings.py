"""A row is trained in as many sittings as it takes: a run in a home of its own, taken up where the last one left it."""

import io
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.papers.elsewhere import kept_elsewhere
from benchmarks.papers.published import LONG, Row
from vae.cli import main
from vae.errors import VAEError
from vae.train.run import Run
from vae.train.runs import UNDER_WAY, runs, submit

KEPT = Path(__file__).with_name("rows")
# Of a card or a suite, what is kept of a row beside its figure.
ALSO = ("nll_error", "draw_error", "elbo", "rate", "distortion", "active_units", "latent_dim", "likelihood", "images",
        "draws", "kl_per_level")  # fmt: skip
MACHINE = ("--threads", "--device", "--title")  # options that make no other model, each with a value


@dataclass(frozen=True)
class Sitting:
    """Where and how long.

    Attributes:
        home: holds the rows' runs, where they are found again.
        minutes: of training, after which the run is paused; None: to the end.
        device, threads: as `python -m vae train` takes them.
    """

    home: Path
    minutes: float | None = None
    device: str = "auto"
    threads: int | None = None


def sit(row: Row, seed: int, sitting: Sitting) -> dict[str, Any] | None:
    """Train one seed of a row on, and measure it if it is trained.

    Returns:
        What is kept of it; None where more sittings are needed.

    Raises:
        VAEError: the training or the measurement failed.
    """
    run = _find(row, seed, sitting.home)
    if run is None or run.state() != "done":
        run = _train(row, seed, sitting, run)
    if run.state() != "done":
        return None
    return _measured(row, seed, sitting, run)


def words_of(row: Row, seed: int) -> tuple[str, ...]:
    """Of `python -m vae train`, for one seed, without what only concerns the machine."""
    return (*row.train, "--seed", str(seed), *LONG)


def keep(row: Row, seed: int, found: dict[str, Any]) -> Path:
    """Put what was found into the row's file, beside its other seeds."""
    path = KEPT / f"{row.name}.json"
    seeds = kept(row)
    seeds[str(seed)] = found
    ordered = dict(sorted(seeds.items(), key=lambda item: int(item[0])))
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")
    return path


def kept(row: Row) -> dict[str, dict[str, Any]]:
    """What was found of each seed, by its number as text."""
    if row.elsewhere:
        return kept_elsewhere(row)
    path = KEPT / f"{row.name}.json"
    seeds: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return seeds


def _find(row: Row, seed: int, home: Path) -> Run | None:
    """The run of this seed that came furthest, or None. One with other settings is another training, whatever its name.

    Raises:
        VAEError: another process is training it.
    """
    wanted = sorted(words_of(row, seed))
    same = [run for run in runs(home / "runs") if sorted(without_machine(run.arguments)) == wanted]
    states = {run.id: run.state() for run in same}
    for state in ("done", *UNDER_WAY, "paused", "interrupted", "stopped"):
        for run in same:
            if states[run.id] == state and state in UNDER_WAY:
                raise VAEError(f"{row.name}, seed {seed}, is being trained by another process: wait for it.")
            if states[run.id] == state:
                return run
    return None


def without_machine(words: Sequence[str]) -> list[str]:
    """The words of a run less those that make no other model: --threads 1, --device=cpu, --title=NAME."""
    left, skip = [], False
    for word in words:
        option, equals, _ = word.partition("=")
        if skip:
            skip = False
        elif option in MACHINE:
            skip = not equals
        else:
            left.append(word)
    return left


def _train(row: Row, seed: int, sitting: Sitting, run: Run | None) -> Run:
    """Begin or take up the training, for as long as the sitting lasts."""
    from vae.cli.training import carry_out  # brings torch: not for the table

    if run is None:
        run = submit(sitting.home / "runs", words_of(row, seed), f"{row.name}-{seed}", queued=False)
        hold = run.held()
    else:
        hold = run.resumed_here()
    with hold, _paused_after(run, sitting.minutes):
        carry_out(run, device=sitting.device, threads=sitting.threads, bars=True)
    return run


@contextmanager
def _paused_after(run: Run, minutes: float | None) -> Iterator[None]:
    """Have the run paused when it has trained so long in the block; not at all: None."""

    def pause() -> None:
        with suppress(VAEError):  # it is trained, and only what belongs to the model is being made
            run.pause()

    timer = threading.Timer(60 * (minutes or 0), pause)
    timer.daemon = True
    if minutes is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _measured(row: Row, seed: int, sitting: Sitting, run: Run) -> dict[str, Any]:
    """The row's figure and what belongs to it, of a training that is done."""
    card = json.loads((run.model_folder / "card.json").read_text(encoding="utf-8"))
    last = run.last_event()
    values: dict[str, Any] = card["figures"]
    seconds = 0.0
    if row.measure:
        words = ["evaluate", str(run.model_folder), *row.measure, "--device", sitting.device, "--json", "--progress"]
        words += ["--threads", str(sitting.threads)] if sitting.threads else []
        printed = io.StringIO()
        with redirect_stdout(printed):
            status = main(words)
        if status:
            raise VAEError(f"{row.name}, seed {seed}, could not be measured: why stands above.")
        values = json.loads(printed.getvalue())
        seconds = values[row.measure[1]]["seconds"]
    part = values.get(row.measure[1], {}) if row.measure else values
    return {
        "figure": figure_of(values, row.figure),
        **{name: part[name] for name in ALSO if name in part},
        "epochs": last["epochs"],
        "train_seconds": last["seconds"],
        "measure_seconds": seconds,
        "device": last["device"],
        "sittings": 1 + int(card.get("resumed", 0)),
        "train": "python -m vae train " + " ".join(words_of(row, seed)),
        "measured": datetime.now(UTC).date().isoformat(),
    }


def figure_of(values: dict[str, Any], name: str) -> float:
    """A figure by its name, "likelihood.nll".

    Raises:
        VAEError: there is none of that name.
    """
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise VAEError(f"What was measured has no figure {name!r}.")
    return float(found)
