"""The same seed twice, and numbers that are none.

1. `python -m vae train` is run twice with the same seed, each time in a process of its own, and the bytes of
   `model.safetensors` are compared; another seed must give other bytes.
2. A loss term or one weight's gradient is made NaN or infinite at one random step of a run, fifty times over. Caught:
   the run says "skipped" of that very step and names what was at fault, and weights and optimiser are the same to the
   bit before and after it. At the end the weights are finite, and the model can be kept and opened. The same fifty with
   the guard taken out show what the step would have done.
"""

import argparse
import hashlib
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import measured_on, section
from vae import checkpoint
from vae.data import Images, load
from vae.errors import VAEError
from vae.model import VAE
from vae.recipes import make_config
from vae.train.guard import Guard
from vae.train.loop import Trainer
from vae.train.news import Skipped
from vae.train.settings import Settings
from vae.train.wishes import Wishes

COMMAND = "python -m benchmarks.training repeat"
TWICE = {
    "`digits`, recipe `pytorch`, 20 epochs": "--data digits --recipe pytorch --epochs 20",
    "`digits`, convolutional, dynamically binarised, cyclical, 5 epochs": (
        "--data digits --model conv --encoder-sizes 16,32 --binarise dynamic --objective cyclical --epochs 5"
    ),
    "`mnist`, recipe `pytorch`, 1 epoch": "--data mnist --recipe pytorch --epochs 1",
    "`sprites`, convolutional, learned spread, 256 images, 2 epochs": (
        "--data sprites --model conv --likelihood gaussian --limit 256 --epochs 2 --decay 0.5"
    ),
}
EPOCHS = 4
NOT_NUMBERS = (math.nan, math.inf, -math.inf)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND)
    parser.add_argument("--injections", type=int, default=50)
    parser.add_argument("--no-twice", action="store_true", help="leave the first part out, and write nothing")
    options = parser.parse_args(arguments)
    rows, same = [], True
    for name, words in {} if options.no_twice else TWICE.items():
        first, second, other = (weights_of(words, seed) for seed in (7, 7, 8))
        same &= first == second and first != other
        rows.append(f"| {name} | {first[:12]} | {second[:12]} | {other[:12]} |")
        print(rows[-1], flush=True)
    torch.set_num_threads(1)  # the nets are small
    guarded = [inject(number) for number in range(options.injections)]
    caught, finite = sum(one.caught for one in guarded), sum(one.finite for one in guarded)
    ruined = sum(inject(number, guard=False).ruined for number in range(options.injections))
    print(f"caught {caught}, finite {finite}, ruined without the guard {ruined}, of {len(guarded)}", flush=True)
    if not options.no_twice:
        table = "\n".join(rows)
        section(
            "training",
            "repeat",
            f"""## The same seed, and numbers that are none

{measured_on(COMMAND)}

sha256 of `model.safetensors` after `python -m vae train`, each run in a process of its own, all cores:

| run | seed 7 | seed 7 again | seed 8 |
|---|---|---|---|
{table}

Same seed, same bytes: {"**yes**" if same else "**no**"}.

One NaN or infinity, in a term of the loss or in one number of one weight's gradient, at one random step of a run of
{EPOCHS} epochs over `digits` ({steps_of()} steps), {options.injections} times (seeds 0 to {options.injections - 1}):

| | of {options.injections} |
|---|---|
| caught at that very step, named, weights and optimiser untouched | **{caught}** |
| kept model finite | **{finite}** |
| weights that were no numbers after that step with the guard taken out | {ruined} |""",
        )
    return 0 if same and caught == finite == options.injections else 1


def weights_of(words: str, seed: int) -> str:
    """The sha256 of the weights that a training leaves."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model"
        subprocess.run(
            [sys.executable, "-m", "vae", "train", *words.split(), f"--seed={seed}", "--map=none", f"--out={out}"],
            env=os.environ | {"MUSCOPE_HOME": folder},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()


@dataclass(frozen=True)
class Injected:
    """What one bad number came to."""

    caught: bool
    ruined: bool  # weights that were no numbers right after it
    finite: bool


def inject(number: int, guard: bool = True) -> Injected:
    """One run of `digits` with one bad number in it."""
    chance = random.Random(number)
    config = make_config("pytorch", input_size=(1, 8, 8), encoder_sizes=(32,), decoder_sizes=(32,), latent_size=4)
    vae = VAE(config, number)
    step = chance.randint(1, steps_of())
    # Paused just before that step and just after it, so that what lies on either side can be compared.
    trainer = Trainer(vae, *digits(), Settings(epochs=EPOCHS, seed=number), wishes=lambda: pause_at(trainer, step))
    if not guard:
        trainer.standing.guard = Blind(trainer.device)
    name = spoil(trainer, step, chance)
    before = trainer.state()[0] if step == 1 else {}
    told, untouched, ruined = [], False, False
    while not trainer.finished:
        try:
            told += [event for event in trainer.run() if isinstance(event, Skipped)]
        except VAEError:  # a test loss that is no number ends a run
            ruined = not guard
            break
        if trainer.step == step - 1:
            before = trainer.state()[0]
        if trainer.step == step:
            untouched = same_weights(before, trainer.state()[0])
            ruined = not is_finite(vae)
    caught = guard and [(event.step, event.term) for event in told] == [(step, name)] and untouched
    return Injected(caught, ruined, can_be_kept(vae))


def pause_at(trainer: Trainer, step: int) -> Wishes:
    return Wishes("pause" if trainer.step in (step - 1, step) else "")


def spoil(trainer: Trainer, step: int, chance: random.Random) -> str:
    """Have one step of a run give one number that is none; returns the name it should be caught under."""
    bad = chance.choice(NOT_NUMBERS)
    name, weight = chance.choice(list(trainer.vae.named_parameters()))
    place = chance.randrange(weight.numel())
    where = chance.choice(("recon_nll", "kl", "gradient"))
    real: Callable[..., Any] = trainer.stepper.gradients

    def gradients(*given: Any) -> Any:
        terms = real(*given)
        if trainer.step != step - 1:
            return terms
        assert weight.grad is not None
        if where == "gradient":
            weight.grad.view(-1)[place] = bad
            return terms
        for each in trainer.vae.parameters():  # a loss that is no number has no gradient that is one
            assert each.grad is not None
            each.grad.mul_(bad)
        return replace(terms, **{where: terms.total * bad})

    trainer.stepper.gradients = gradients  # type: ignore[method-assign, assignment]
    return {"recon_nll": "reconstruction", "kl": "KL"}.get(where, f"gradient of {name}")


class Blind(Guard):
    """A guard that sees nothing."""

    def judge(self, sums: Tensor, norm: Tensor) -> Tensor:
        return torch.zeros((), dtype=torch.bool)


def same_weights(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    """Weights and what Adam remembers, to the bit."""
    names = [name for name in two if name.startswith(("model.", "adam."))]
    return all(name in one and torch.equal(one[name], two[name]) for name in names)


def is_finite(vae: VAE) -> bool:
    return all(bool(value.isfinite().all()) for value in vae.state_dict().values())


def can_be_kept(vae: VAE) -> bool:
    """Every weight is finite, and the model is opened again from where it was kept."""
    if not is_finite(vae):
        return False
    with tempfile.TemporaryDirectory() as folder:
        checkpoint.save(Path(folder) / "model", vae, {})
        kept = checkpoint.load(Path(folder) / "model").vae.state_dict()
    return all(torch.equal(value, kept[name]) for name, value in vae.state_dict().items())


def digits() -> tuple[Images, Images]:
    return load("digits", "train"), load("digits", "test")


def steps_of() -> int:
    return EPOCHS * -(-len(load("digits", "train")) // Settings().batch_size)
