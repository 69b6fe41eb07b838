"""All trainings of this machine: a new one is checked and put in the queue, and everybody's turn comes.

The queue is the runs' folders and nothing else, so it is there after a crash as it was before. Whose turn it is follows
from them: a run that was interrupted goes on first; then comes the visitor who was served longest ago, and of several
runs of one visitor the oldest.
"""

import argparse
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from vae.data.images import public_name
from vae.errors import VAEError
from vae.files import plain_disk_errors, write_folder
from vae.train import limits, options
from vae.train.events import read_events
from vae.train.run import FINAL, ID, RESTING, UNDER_WAY, Run
from vae.train.run_folder import WORDS

__all__ = ["FINAL", "RESTING", "UNDER_WAY", "Run", "Waiting", "disk_use", "next_run", "runs", "submit", "waiting"]

LOOK_BACK = 1 << 16  # bytes of events in which the pace is looked for


@dataclass(frozen=True)
class Waiting:
    """A run that waits for its turn.

    Attributes:
        position: from 1, the next to be taken.
        seconds: until its turn, about; None where that cannot be known.
    """

    run: Run
    position: int
    seconds: float | None


def submit(
    runs_dir: Path,
    arguments: Sequence[str],
    name: str,
    *,
    owner: str = "",
    parent: str = "",
    queued: bool = True,
) -> Run:
    """Check a training and make its folder; a worker takes it from there when its turn comes.

    Args:
        runs_dir: where runs are kept.
        arguments: of `python -m vae train`; without --out the model is kept inside the run's folder.
        name: what people call it; the model's title unless --title says another.
        owner: who may control it, an opaque string; "" for whoever works at this machine, who has no limits but the
            disk's.
        parent: id of the run whose settings these were.
        queued: a worker does it; False when the caller does it itself, at once.

    Raises:
        VAEError: settings that cannot work, too many trainings, no room. Nothing was made then.
    """
    from vae.train import plan  # brings torch, which is slow to import: not for those who only look

    words, name = _whole_paths(arguments), " ".join(name.split())[:200]
    asked = options.parse(words)
    plan.check(asked)
    if name and not asked.title:
        words.append(f"--title={name}")  # one word: a name may begin with a dash
    if queued:
        minutes = limits.check_minutes(asked.minutes)
        if asked.minutes is None and minutes is not None:
            words += ["--minutes", f"{minutes:g}"]
            plan.check(options.parse(words))
    now = datetime.now(UTC)
    folder = Path(runs_dir).resolve() / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    facts = {
        "id": folder.name,
        "name": name or _plain_name(asked),
        "owner": owner,
        "created": now.isoformat(timespec="milliseconds"),
        "arguments": words,
        "device": "cuda:0" if asked.device == "cuda" else asked.device,
        "parent": parent,
        "queued": queued,
    }

    files = {
        "run.json": json.dumps(facts, indent=2, ensure_ascii=False).encode(),
        "last-words": b"\n".rjust(WORDS),
        "lock": b"",
        "log.txt": b"",
        "events.jsonl": b"",
    }
    with _one_at_a_time(folder.parent):
        _check_limits(folder.parent, owner, queued)
        write_folder(folder, files)
    with suppress(OSError):
        (folder.parent / ".changed").touch()
    return Run(folder)


def runs(runs_dir: Path) -> list[Run]:
    """Every run kept in a folder, the newest first."""
    try:
        names = [entry.name for entry in os.scandir(runs_dir) if ID.fullmatch(entry.name)]
    except OSError:
        return []
    found = [Run(Path(runs_dir) / name) for name in names]
    return sorted((run for run in found if _readable(run)), key=lambda run: (run.created, run.id), reverse=True)


def find(runs_dir: Path, word: str) -> Run:
    """The run with this id, or the only one whose id ends so or that is called so; "last" is the newest.

    Raises:
        VAEError: none, or several.
    """
    known = runs(runs_dir)
    if word == "last" and known:
        return known[0]
    found = [run for run in known if run.id == word] or [
        run for run in known if word and (run.id.endswith(word) or run.name == word)
    ]
    if len(found) != 1:
        many = "is the name of several trainings" if found else "is no training here"
        raise VAEError(f"{word!r} {many}: `python -m vae runs list` shows their ids.")
    return found[0]


def next_run(runs_dir: Path, device: str | None = None, *, auto: bool = True) -> Run | None:
    """Whose turn it is on a device, or None when nobody waits.

    Args:
        device: as a worker's; None for whichever.
        auto: whether it is one of the fastest, and so does also what asked for no device.
    """
    return next(iter(_order(runs(runs_dir), device, auto)), None)


def waiting(runs_dir: Path, device: str | None = None) -> list[Waiting]:
    """Who waits, in the order in which their turns come if nobody else joins."""
    known = runs(runs_dir)
    turns = _order(known, device)
    if not turns:
        return []
    states = [(run, run.state()) for run in known]
    ahead: float | None = sum_known([_left(run) for run, how in states if how in UNDER_WAY and _fits(run, device)])
    paces = _paces([run for run, how in states if how in ("done", "stopped")])
    found = []
    for position, run in enumerate(turns, start=1):
        found.append(Waiting(run, position, ahead))
        ahead = sum_known([ahead, _whole(run, paces)])
    return found


def disk_use(runs_dir: Path, owner: str | None = None) -> int:
    """Bytes that runs take, all of them or one owner's."""
    return sum(run.size for run in runs(runs_dir) if owner is None or run.owner == owner)


def sum_known(numbers: Sequence[float | None]) -> float | None:
    """The sum, or None where one of them is unknown."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


# ---- turns ---------------------------------------------------------------------------------------------------------


def _order(known: Sequence[Run], device: str | None, auto: bool = True) -> list[Run]:
    """Everybody who waits, by turns. `known` may stand in any order."""
    states = [(run, run.state()) for run in known if run.queued and _fits(run, device, auto)]
    if not any(how in ("interrupted", "queued") for _, how in states):
        return []
    served: dict[str, float] = {}
    for run in known:
        served[run.owner] = max(served.get(run.owner, 0.0), run.attempts().taken)
    first = sorted((run for run, how in states if how == "interrupted"), key=lambda run: run.attempts().taken)
    rest = sorted((run for run, how in states if how == "queued"), key=lambda run: (run.created, run.id))
    turns = first
    clock = max(served.values(), default=0.0)
    while rest:
        run = min(rest, key=lambda run: served[run.owner])  # the oldest of those served longest ago: `min` is stable
        rest.remove(run)
        turns.append(run)
        clock += 1.0
        served[run.owner] = clock
    return turns


def _fits(run: Run, device: str | None, auto: bool = True) -> bool:
    return device is None or run.device == device or (auto and run.device == "auto")


def _left(run: Run) -> float | None:
    """Seconds of training left, as the run itself said last."""
    path = run.folder / "events.jsonl"
    with suppress(OSError):
        events, _ = read_events(path, max(0, path.stat().st_size - LOOK_BACK))
        for event in reversed(events):
            if event["kind"] == "encoding":
                return 0.0
            if isinstance(event.get("seconds_left"), int | float):
                return float(event["seconds_left"])
    return None


def _whole(run: Run, paces: dict[tuple[object, ...], tuple[float, float]]) -> float | None:
    """Seconds that a run that waits will take: its minutes, or as long as one like it took."""
    asked = _asked(tuple(run.arguments))
    if asked is None:
        return None
    if asked.minutes is not None:
        return 60.0 * float(asked.minutes)
    pace, epochs = paces.get(_kind(asked), (None, 0.0))
    return None if pace is None else pace * float(asked.epochs or epochs)


def _paces(ended: Sequence[Run]) -> dict[tuple[object, ...], tuple[float, float]]:
    """(seconds of an epoch, epochs) of the newest run of each kind. `ended`: newest first."""
    paces: dict[tuple[object, ...], tuple[float, float]] = {}
    for run in ended:
        asked, end = _asked(tuple(run.arguments)), run.last_event()
        if asked is not None and end.get("seconds") and end.get("epochs"):
            paces.setdefault(_kind(asked), (float(end["seconds"]) / float(end["epochs"]), float(end["epochs"])))
    return paces


def _kind(asked: argparse.Namespace) -> tuple[object, ...]:
    """What decides how long an epoch takes."""
    names = ("data", "recipe", "model", "limit", "latent_dim", "encoder_sizes", "batch_size", "device", "threads")
    return tuple(getattr(asked, name) for name in names)


@lru_cache(maxsize=1024)
def _asked(words: tuple[str, ...]) -> argparse.Namespace | None:
    try:
        return options.parse(words)
    except VAEError:
        return None


# ---- a new run -----------------------------------------------------------------------------------------------------


def _check_limits(runs_dir: Path, owner: str, queued: bool) -> None:
    known = runs(runs_dir)
    own = [run for run in known if run.owner == owner]
    if owner and queued:
        limits.check_queue(sum(run.state() in ("queued", "interrupted", *UNDER_WAY) for run in own))
    sizes = {run.id: run.size for run in known}
    limits.check_disk(sum(sizes.values()), sum(sizes[run.id] for run in own) if owner else None)


def _plain_name(asked: argparse.Namespace) -> str:
    return asked.title or (asked.out.name if asked.out else f"{public_name(asked.data)}, {asked.recipe or asked.model}")


def _whole_paths(arguments: Sequence[str]) -> list[str]:
    """The words with each path made whole: who works on the run may stand in another folder."""
    words = list(arguments)
    for at, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option not in ("--out", "--data") or (not equals and at + 1 == len(words)):
            continue
        kind, colon, path = (value if equals else words[at + 1]).partition(":")
        if option == "--data" and not (colon and kind in ("folder", "table") and path):
            continue
        if option == "--out":
            kind, colon, path = "", "", value if equals else words[at + 1]
            if Path(path).name in ("", "..") or not path:
                continue  # refused by `plan.check_out`, in its own words
        whole = f"{kind}{colon}{Path(path).expanduser().absolute()}"
        words[at if equals else at + 1] = f"{option}={whole}" if equals else whole
    return words


@contextmanager
def _one_at_a_time(runs_dir: Path) -> Iterator[None]:
    """Two who submit at once are counted one after the other."""
    with plain_disk_errors(runs_dir):
        runs_dir.mkdir(parents=True, exist_ok=True)
        lock = (runs_dir / ".submit").open("ab")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _readable(run: Run) -> bool:
    try:
        return bool(run.facts)
    except VAEError:  # what cannot be read is no run; it is left where it is
        return False
