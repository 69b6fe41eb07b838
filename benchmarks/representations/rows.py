"""Rows that were measured, a small JSON file each, so that a long benchmark can be done in several sittings."""

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data.images import Images
from vae.files import finite, write_aside
from vae.model import VAE
from vae.train.loop import Trainer
from vae.train.settings import Settings

ROWS = Path(__file__).resolve().parent / "rows"
Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A training and what it is for: equal tasks have equal rows.

    Attributes:
        name: of the row and its file: letters, digits, dashes.
        config, settings: of the model and its training.
        more: whatever else the figures depend on, as JSON.
    """

    name: str
    config: Config
    settings: Settings
    more: dict[str, Any]

    def to_json(self) -> Row:
        return {"config": self.config.to_json(), "settings": self.settings.to_json(), "more": self.more}


def kept(task: Task) -> Row | None:
    """The row of a task, or None where it was not measured yet, or for other settings."""
    path = ROWS / f"{task.name}.json"
    if not path.is_file():
        return None
    row: Row = json.loads(path.read_bytes())
    return row if row.get("task") == json.loads(json.dumps(task.to_json())) else None


def row_of(task: Task, measure: Callable[[], Row]) -> Row:
    """The row of a task: read, or measured and kept; "seconds" is what it took."""
    found = kept(task)
    if found is None:
        print(f"{task.name} ...", file=sys.stderr, flush=True)
        began = time.perf_counter()
        found = {"task": task.to_json(), **measure()} | {"seconds": round(time.perf_counter() - began, 1)}
        ROWS.mkdir(exist_ok=True)
        write_aside(ROWS / f"{task.name}.json", (json.dumps(finite(found), indent=1) + "\n").encode())
        found = kept(task) or found
    return found


def rows_of(
    names: Iterable[str], seeds: int, task_of: Callable[[str, int], Task], measure: Callable[[Task], Row]
) -> dict[str, list[Row]]:
    """The rows of each name, a seed after the other: all names of a seed first, so that what is broken off compares.

    Args:
        task_of: of a name and a seed. measure: what to do where a row is not kept.
    """
    rows: dict[str, list[Row]] = {name: [] for name in names}
    for seed in range(seeds):
        for name, of in rows.items():
            task = task_of(name, seed)
            of.append(row_of(task, partial(measure, task)))
    return rows


def trained(task: Task, train: Images, test: Images, device: str = "cpu") -> Checkpoint:
    """A model of the task, frozen, in no folder."""
    vae = VAE(task.config, task.settings.seed).to(torch.device(device))
    for _ in Trainer(vae, train, test, task.settings).run():
        pass
    return Checkpoint(vae.eval().requires_grad_(False), {}, "0" * 16, Path("nowhere"))
