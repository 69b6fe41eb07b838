"""Two processes against one with the same global batch: what each epoch came to.

Both are the command a person types: `python -m vae train ...`, and the same under `torchrun --nproc-per-node=2` with
gloo on the CPU, where each process takes half the rows of every batch. Figures are read from the runs' own events.

Between the two, sums are taken in another order, and a difference in the last bit grows from step to step, in any
training. How fast is shown by a third run: one process, with the last bit of each weight flipped before the first step.
And that rounding is all there is to it by two more: one process against two in double precision.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import torch

from benchmarks.report import measured_on, section
from vae import measure
from vae.data import load
from vae.model import VAE
from vae.train import options, step
from vae.train.loop import Trainer
from vae.train.news import Epoch
from vae.train.parallel import ALONE, Share, joined, leave
from vae.train.plan import make_model_config, make_settings

COMMAND = "python -m benchmarks.training two"
BAR = 1e-4  # of the loss
LOSSES = ("loss", "recon_nll", "kl", "train_recon_nll", "train_kl")
RUNS = {
    "`digits`, recipe `pytorch`, 10 epochs": "--data digits --recipe pytorch --epochs 10",
    "`digits`, convolutional, dynamically binarised, free bits, 10 epochs": (
        "--data digits --model conv --encoder-sizes 16,32 --latent-dim 4 --binarise dynamic "
        "--objective free-bits --nats 0.2 --epochs 10"
    ),
    "`mnist`, recipe `pytorch`, warm-up, falling rate, batch of 1,000, 4 epochs": (
        "--data mnist --recipe pytorch --objective warmup --decay 0.5 --batch-size 1000 --epochs 4"
    ),
    "`mnist`, recipe `pytorch`, 2 epochs": "--data mnist --recipe pytorch --epochs 2",
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND)
    parser.add_argument("--quick", action="store_true", help="the first run alone, and write nothing")
    parser.add_argument("--exact", help="one run in double precision, told as JSON: how this command starts itself")
    asked = parser.parse_args(arguments)
    if asked.exact:
        tell_exact(asked.exact)
    rows, single, double = [], 0, 0
    for name, words in list(RUNS.items())[: 1 if asked.quick else None]:
        one, two = (epochs_of(words, processes) for processes in (1, 2))
        (_, first), (absolute, relative) = difference(one[:1], two[:1]), difference(one, two)
        _, flipped = difference(one, [asdict(epoch) for epoch in in_process(words, flip_last_bits)])
        _, exact = difference(*(exact_epochs(words, processes) for processes in (1, 2)))
        single += relative <= BAR
        double += exact <= BAR
        losses = f"{one[-1]['loss']:.4f} | {two[-1]['loss']:.4f} | {absolute:.1e}"
        rows.append(f"| {name} | {losses} | {first:.1e} | {relative:.1e} | {flipped:.1e} | {exact:.1e} |")
        print(rows[-1], flush=True)
    if not asked.quick:
        table = "\n".join(rows)
        section(
            "training",
            "two",
            f"""## Two processes against one

{measured_on(COMMAND)}

The same command alone and under `torchrun --nproc-per-node=2` (gloo, CPU, one thread each; alone: one thread), with
the same batch in all. The largest difference over all epochs of what they tell: the test loss, its two terms, and both
terms in training; in nats per image, and as a part of the test loss. Seed 0 throughout. They differ by rounding alone:
in double precision (last column) next to nothing is left. In single precision rounding grows as training goes on; for
scale, one process against itself with the last bit of each weight flipped at the start.

| run | last test loss, one | two | difference, nats | as a part: first epoch | all | last bits flipped | double |
|---|---|---|---|---|---|---|---|
{table}

Bar: {BAR:g} of the loss. In single precision: met by {single} of {len(rows)} runs. In double precision: {double} of
{len(rows)}.""",
        )
    return int(not single == double == len(rows))


def epochs_of(words: str, processes: int) -> list[dict[str, Any]]:
    """What a run says of its epochs."""
    start = ["-m", "vae"] if processes == 1 else torchrun(processes, "vae")
    with tempfile.TemporaryDirectory() as home:
        subprocess.run(
            [sys.executable, *start, "train", *words.split(), "--map", "none", "--device", "cpu", "--threads", "1"],
            env=os.environ | {"MUSCOPE_HOME": home, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (events,) = Path(home).glob("runs/*/events.jsonl")
        said = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    return [event for event in said if event["kind"] == "epoch"]


def in_process(words: str, change: Callable[[VAE], object], share: Share = ALONE) -> list[Epoch]:
    """What the same run says, made here, with the untrained model changed."""
    torch.set_num_threads(1)
    arguments = options.parse(words.split())
    train, test = (load(arguments.data, split) for split in ("train", "test"))
    settings = make_settings(arguments)
    vae = VAE(make_model_config(arguments, train.shape), settings.seed)
    change(vae)
    return [event for event in Trainer(vae, train, test, settings, share=share).run() if isinstance(event, Epoch)]


@torch.no_grad()
def flip_last_bits(vae: VAE) -> None:
    """Each weight becomes the next larger number."""
    for weight in vae.parameters():
        weight.copy_(torch.nextafter(weight, torch.tensor(torch.inf)))


def tell_exact(words: str) -> NoReturn:
    """Print the epochs of a run in double precision; under torchrun, as one of its processes."""
    for module in (step, measure):
        module.as_x = lambda batch: batch.double() / 255  # type: ignore[attr-defined]
    with joined(torch.device("cpu")) as share:
        epochs = in_process(words, VAE.double, share)
    if share.rank == 0:
        print(json.dumps([asdict(epoch) for epoch in epochs]))
    leave()


def exact_epochs(words: str, processes: int) -> list[dict[str, Any]]:
    """What `tell_exact` prints."""
    start = ["-m", "benchmarks.training"] if processes == 1 else torchrun(processes, "benchmarks.training")
    done = subprocess.run(
        [sys.executable, *start, "two", "--", f"--exact={words}"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    epochs: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return epochs


def torchrun(processes: int, module: str) -> list[str]:
    """Words after `python` that start `python -m MODULE` so many times."""
    return ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m", module]


def difference(one: list[dict[str, Any]], two: list[dict[str, Any]]) -> tuple[float, float]:
    """The largest over all epochs and losses: in nats per image, and as a part of the epoch's test loss."""
    if len(one) != len(two) or not one:
        raise SystemExit(f"{len(one)} epochs against {len(two)}: the runs are not the same")
    pairs = [(abs(a[name] - b[name]), abs(a["loss"])) for a, b in zip(one, two, strict=True) for name in LOSSES]
    return max(gap for gap, _ in pairs), max(gap / loss for gap, loss in pairs)
