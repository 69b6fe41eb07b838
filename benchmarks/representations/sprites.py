"""Does the loss keep the factors apart? VAE, beta-VAE, beta-TCVAE and FactorVAE on sprites, five seeds each.

The sprites are drawn here: 30,000 of 737,280 pictures, 32 by 32 (dSprites has them all, 64 by 64), so published figures
stand beside as a guide and not as a bar.
"""

import argparse
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.report import measured_on, section
from benchmarks.representations.rows import Row, Task, rows_of, trained
from vae import data
from vae.config import Config
from vae.data.images import Images
from vae.evaluate.codes.disentanglement import NAMES, measure_disentanglement
from vae.evaluate.figures import evaluate
from vae.objectives import Objective
from vae.train.settings import Settings

COMMAND = "python -m benchmarks.representations sprites"


@dataclass(frozen=True)
class Method:
    """A loss with its usual strength, and what was published for it on dSprites."""

    words: str
    beta: float
    objective: Objective
    published: str


METHODS = {
    "vae": Method("VAE", 1.0, Objective("fixed"), "MIG .10, FactorVAE score .63, DCI .30"),
    "beta": Method("beta-VAE, beta 4", 4.0, Objective("fixed"), "MIG .21, FactorVAE score .63, DCI .41"),
    "tc": Method("beta-TCVAE, beta 6", 6.0, Objective("tc"), "MIG .45, FactorVAE score .62, DCI .29"),
    "factor": Method(
        "FactorVAE, gamma 10",
        1.0,
        Objective("factor", gamma=10.0),
        "with gamma 40: MIG .43, FactorVAE score .82, DCI .74",
    ),
}


def task_of(name: str, seed: int, epochs: int) -> Task:
    method = METHODS[name]
    config = Config(
        shape=(1, 32, 32), latent_dim=10, encoder_sizes=(600, 300), decoder_sizes=(300, 600), beta=method.beta
    )
    settings = Settings(epochs=epochs, batch_size=128, rate=1e-3, seed=seed, decay=0.3, objective=method.objective)
    return Task(f"sprites-{name}-{seed}", config, settings, {"method": name})


def measured(task: Task, train: Images, test: Images, device: str) -> Row:
    model = trained(task, train, test, device)
    found = measure_disentanglement(model, train, test, seed=0)
    figures = evaluate(model, train.take(slice(100)), test)
    return {
        "scores": {name: score.value for name, score in found.scores.items()},
        "factors": dict(zip(found.factors, found.gap, strict=True)),
        "recon_nll": figures.recon_nll,
        "kl": figures.kl,
        "active": found.active,
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Disentanglement of four losses on sprites.")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=5, metavar="N")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    options = parser.parse_args(arguments)
    train, test = (data.load("sprites", split) for split in ("train", "test"))
    rows = rows_of(
        options.methods,
        options.seeds,
        partial(task_of, epochs=options.epochs),
        partial(measured, train=train, test=test, device=options.device),
    )
    if set(rows) != set(METHODS):
        return 0
    section("representations", "sprites", _page(options, rows))
    return int(_quartiles(rows["tc"], "mig_samples")[0] <= _quartiles(rows["vae"], "mig_samples")[2])


def _values(rows: list[Row], name: str) -> list[float]:
    return [row["scores"].get(name, row.get(name)) for row in rows]


def _quartiles(rows: list[Row], name: str) -> tuple[float, float, float]:
    low, middle, high = np.quantile(_values(rows, name), [0.25, 0.5, 0.75]).tolist()
    return low, middle, high


def _page(options: argparse.Namespace, rows: dict[str, list[Row]]) -> str:
    head = ["| score | " + " | ".join(METHODS[name].words for name in rows) + " |", "|---|" + "---:|" * len(rows)]
    names = NAMES | {
        "recon_nll": "reconstruction, nats per image",
        "kl": "KL, nats per image",
        "active": "active units",
    }
    for name, words in names.items():
        form = ".1f" if name in ("recon_nll", "kl") else ".0f" if name == "active" else ".3f"
        cells = []
        for of in rows.values():
            low, middle, high = _quartiles(of, name)
            cells.append(f"{middle:{form}} ({low:{form}} to {high:{form}})")
        head.append(f"| {words} | {' | '.join(cells)} |")
    published = "; ".join(f"{METHODS[name].words}: {METHODS[name].published}" for name in rows)
    seconds = [row["seconds"] for of in rows.values() for row in of]
    apart = _quartiles(rows["tc"], "mig_samples")[0] > _quartiles(rows["vae"], "mig_samples")[2]
    verdict = "the quartiles are disjoint" if apart else "the quartiles overlap"
    return f"""## What the loss does for the factors of sprites

{measured_on(f"{COMMAND} -- --seeds {options.seeds} --epochs {options.epochs}")} Median (quartiles) over \
{options.seeds} seeds; dense 600-300, 10 latents, {options.epochs} epochs of 30,000 pictures of 32 by 32, Bernoulli on \
grey pixels (a pseudo-likelihood); {np.mean(seconds):.0f} s a run on average, with one thread beside other work.

{chr(10).join(head)}

MIG from samples, beta-TCVAE against the VAE: {verdict}. Published for dSprites, 64 by 64, all 737,280 pictures: \
{published}.
"""
