"""A posterior that collapses, and what brings it back.

Two collapses on MNIST: the recipe `edifice`, whose beta of 1 acts like 784, and the same sizes with plain sums over
pixels and latents and a beta of 20.
"""

import argparse
from functools import partial
from statistics import mean

from benchmarks.report import measured_on, section
from benchmarks.representations.rows import Row, Task, rows_of, trained
from vae import data
from vae.config import Config
from vae.data.images import Images
from vae.evaluate.figures import evaluate
from vae.objectives import Objective, effective_beta
from vae.recipes import make_config
from vae.train.settings import Settings

COMMAND = "python -m benchmarks.representations collapse"
TRAINED = 10_000  # images whose codes vote on labels
EDIFICE = make_config("edifice", input_size=(1, 28, 28))
HEAVY = Config((1, 28, 28), 32, encoder_sizes=(256, 128), decoder_sizes=(128, 256), beta=20.0)
FREE = Objective("free-bits", nats=0.5)
CURES = {
    "as": ("`edifice`, as it is", EDIFICE, Objective("fixed")),
    "warmup": ("with a warm-up over half the run", EDIFICE, Objective("warmup", rise=0.5)),
    "free-bits": ("with free bits, 0.5 nats for each latent", EDIFICE, FREE),
    "sums": ("with the error summed over pixels", EDIFICE.with_(recon_reduction="sum"), Objective("fixed")),
    "heavy": ("Bernoulli, sums, beta 20", HEAVY, Objective("fixed")),
    "heavy-warmup": ("with a warm-up over half the run", HEAVY, Objective("warmup", rise=0.5)),
    "heavy-free-bits": ("with free bits, 0.5 nats for each latent", HEAVY, FREE),
}
COLLAPSED, CURED = ("as", "heavy"), ("sums", "heavy-free-bits")


def task_of(name: str, seed: int, epochs: int) -> Task:
    _, config, objective = CURES[name]
    settings = Settings(epochs=epochs, batch_size=128, rate=1e-3, seed=seed, objective=objective)
    return Task(f"collapse-{name}-{seed}", config, settings, {"cure": name})


def measured(task: Task, train: Images, test: Images) -> Row:
    figures = evaluate(trained(task, train, test), train.take(slice(TRAINED)), test)
    return {
        "active": figures.active_units,
        "kl": figures.kl,
        "recon_mse": figures.recon_mse,
        "knn_accuracy": figures.knn_accuracy,
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="A collapse and its cures.")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    options = parser.parse_args(arguments)
    train, test = (data.load("mnist", split) for split in ("train", "test"))
    rows = rows_of(
        CURES, options.seeds, partial(task_of, epochs=options.epochs), partial(measured, train=train, test=test)
    )
    section("representations", "collapse", _page(options, rows))
    dead = max(row["active"] for name in COLLAPSED for row in rows[name])
    return int(dead > 0 or min(row["active"] for name in CURED for row in rows[name]) <= dead)


def _page(options: argparse.Namespace, rows: dict[str, list[Row]]) -> str:
    lines = [
        "| trained on MNIST | effective beta | active of 32 | KL, nats | squared error a pixel | 5-NN |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, of in rows.items():
        active = sorted({row["active"] for row in of})
        span = f"{active[0]}" if len(active) == 1 else f"{active[0]} to {active[-1]}"
        beta = effective_beta(task_of(name, 0, 1).config)
        cells = [mean(row[figure] for row in of) for figure in ("kl", "recon_mse", "knn_accuracy")]
        lines.append(f"| {CURES[name][0]} | {beta:g} | {span} | {cells[0]:.1f} | {cells[1]:.4f} | {cells[2]:.1%} |")
    return f"""## A collapse, and what cures it

{measured_on(f"{COMMAND} -- --seeds {options.seeds} --epochs {options.epochs}")} Dense 256-128, 32 latents, \
{options.epochs} epochs; means over {options.seeds} seeds, on the 10,000 test images. An active unit's mu varies by \
more than 0.01 over images; 5-NN: the label by the 5 nearest of 10,000 training codes.

{chr(10).join(lines)}

In `edifice` the error is averaged over 784 pixels and the KL is not, so telling images apart never pays, and the sum \
over pixels removes the cause. A warm-up puts a collapse off. Free bits pay for a code whatever beta is; where what \
lies above them costs 784 times too much, they pay for little of one.
"""
