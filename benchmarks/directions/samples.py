"""Samples from the prior, from where the images' codes lie, and by diffusion: how near they come to real images.

Options: names of models (mnist, fashion-mnist, mnist-2d where none is given). Each takes some minutes, is kept as a row
beside this file, and the section is written of all rows there are.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.report import measured_on, section

ROOT = Path(__file__).resolve().parents[2]
ROWS = Path(__file__).parent / "rows"
MODELS = ("mnist", "fashion-mnist", "mnist-2d")
SEEDS = 3


def main(arguments: list[str]) -> int:
    """Measure the models that are named, and write the section."""
    for name in arguments or MODELS:
        _measure(name)
    section("directions", "samples", _page())
    return 0


def _measure(name: str) -> None:
    from vae import data
    from vae.checkpoint import load
    from vae.evaluate.pictures.quality import measure_samples

    model = load(ROOT / "checkpoints" / name)
    source = model.card["data"]["name"]
    began = time.perf_counter()

    def stage(what: str) -> Any:
        print(f"{name}: {what}", file=sys.stderr, flush=True)
        return lambda done, total: None

    train, test = data.load(source, "train"), data.load(source, "test")
    found = measure_samples(model, train, test, seeds=SEEDS, stage=stage)
    row = found.to_json() | {"model_id": model.model_id, "seconds": time.perf_counter() - began}
    ROWS.mkdir(exist_ok=True)
    (ROWS / f"samples-{name}.json").write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")


def _page() -> str:
    rows = {name: json.loads(path.read_text()) for name in MODELS if (path := ROWS / f"samples-{name}.json").is_file()}
    lines = [
        "## Samples: the prior, and where the images' codes lie",
        "",
        measured_on("python -m benchmarks.directions samples"),
        "",
        "Fréchet distance to real test images in the features of the judge that ships (less is nearer), mean and "
        f"standard deviation over {SEEDS} seeds, each with a fit of its own; precision and recall beside it.",
        "",
        "| model | samples from | Fréchet distance | less than N(0, I) by | precision | recall | fit, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        plain = row["sources"][0]["frechet"]["mean"]
        for source in row["sources"]:
            far, near = source["frechet"], (source["precision"]["mean"], source["recall"]["mean"])
            gain = "" if source is row["sources"][0] else f"{100 * (1 - far['mean'] / plain):.0f} %"
            lines.append(
                f"| {name} | {source['name']} | {far['mean']:.1f} ± {far['sd']:.1f} | {gain} | "
                f"{near[0]:.3f} | {near[1]:.3f} | {source['fit_seconds']['mean']:.0f} |"
            )
        lines.append(f"| {name} | *reconstructions of test images* | {row['reconstructions']['frechet']:.1f} | | | | |")
    return "\n".join(lines)
