"""Is a code worth more than as many principal components? VAEs of four sizes on two data sets, read by two probes."""

import argparse
from functools import partial

from benchmarks.report import measured_on, section
from benchmarks.representations.rows import Row, Task, row_of, trained
from vae import data
from vae.config import Config
from vae.data.images import Images
from vae.evaluate.codes.probes import measure_probes
from vae.train.settings import Settings

COMMAND = "python -m benchmarks.representations probes"
SETS = ("mnist", "fashion-mnist")
SIZES = (2, 5, 10, 20)


def task_of(name: str, size: int, epochs: int, seed: int) -> Task:
    # As the models that ship. Dense VAEs of 600-300 fell behind PCA at 20 numbers, and at 10 of Fashion-MNIST's.
    config = Config((1, 28, 28), size, "conv", encoder_sizes=(32, 64), decoder_sizes=(64, 32), activation="silu")
    settings = Settings(epochs=epochs, batch_size=128, rate=1e-3, seed=seed, decay=0.5)
    return Task(f"probes-conv-{name}-{size}-{seed}", config, settings, {"data": name, "size": size})


def measured(task: Task, train: Images, test: Images, device: str) -> Row:
    return measure_probes(trained(task, train, test, device), train, test, seed=task.settings.seed).to_json()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Probes of VAEs against PCA of equal size.")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="trainings of each size (1)")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    for name in SETS:
        train, test = (data.load(name, split) for split in ("train", "test"))
        for seed in range(options.seeds):
            for size in SIZES:
                task = task_of(name, size, options.epochs, seed)
                rows.append(row_of(task, partial(measured, task, train, test, options.device)))
    section("representations", "probes", _page(options, rows))
    return int(any(lead["score"]["value"] <= 0 for row in rows for lead in row["leads"]))


def _page(options: argparse.Namespace, rows: list[Row]) -> str:
    head = "| data | numbers | probe | code | PCA | raw pixels, 784 | code less PCA |"
    lines = [head, "|---|---:|---|---:|---:|---:|---:|"]
    for row in rows:
        more = row["task"]["more"]
        for lead in row["leads"]:
            by = {one["space"]: one["score"]["value"] for one in row["read"] if one["probe"] == lead["probe"]}
            ends = f"{lead['score']['value']:+.2%} ({lead['score']['low']:+.2%} to {lead['score']['high']:+.2%})"
            cells = " | ".join(f"{by[space]:.2%}" for space in ("mu", "pca", "pixels"))
            lines.append(f"| {more['data']} | {more['size']} | {lead['probe']} | {cells} | {ends} |")
    behind = [lead for row in rows for lead in row["leads"] if lead["score"]["value"] <= 0]
    every = sum(len(row["leads"]) for row in rows)
    seconds = sum(row["seconds"] for row in rows)
    return f"""## Labels read off codes, off PCA and off pixels

{measured_on(f"{COMMAND} -- --seeds {options.seeds} --epochs {options.epochs}")} Accuracy on the 10,000 test images; \
probes fitted on 10,000 training images, the same for all three, PCA fitted on the same; 95 % interval of the \
difference image by image. VAEs: convolutional 32-64, {options.epochs} epochs, seeds: {options.seeds}, Bernoulli on \
grey pixels (a pseudo-likelihood); {seconds:,.0f} s in all with one thread beside other work. Bar: the code ahead of \
PCA in every row; it is in {every - len(behind)} of {every}.

{chr(10).join(lines)}
"""
