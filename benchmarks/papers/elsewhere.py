"""Rows that another benchmark trains and measures: their figures, read from the small files that it keeps."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.papers.published import Row

FOLDER = Path(__file__).resolve().parents[1] / "representations" / "rows"


def kept_elsewhere(row: Row) -> dict[str, dict[str, Any]]:
    """What was found of each seed, by its number as text, in the form of `sittings.kept`.

    A seed may have several files, one for each digit: its figure is their mean, its seconds are their sum. A figure
    that ends in "*" is the best of several scores, the same one for all files and seeds.
    """
    seeds: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(FOLDER.glob(f"{row.files}.json")):
        seeds[path.stem.rpartition("-")[2]].append(json.loads(path.read_text(encoding="utf-8")))
    whole = {seed: found for seed, found in seeds.items() if len(found) == row.parts}
    part, _, name = row.figure.rpartition(".")
    if name == "*" and whole:
        every = [one[part] for found in whole.values() for one in found]
        name = max(every[0], key=lambda score: mean(one[score] for one in every))
    return {
        seed: {
            "figure": mean(one[part][name] for one in found),
            "train_seconds": sum(one["seconds"] for one in found),
            "measure_seconds": 0.0,
            "device": "training and measuring",
        }
        for seed, found in sorted(whole.items(), key=lambda item: int(item[0]))
    }
