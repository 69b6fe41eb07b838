"""How far the latents keep apart what truly varies: five scores, on data whose factors are known.

The choice of seed moves these scores more than the choice of loss does (Locatello et al. 2019): compare several seeds.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vae.checkpoint import Checkpoint
from vae.data.images import Images
from vae.encodings import encode
from vae.errors import VAEError
from vae.evaluate.codes.dci import dci
from vae.evaluate.codes.factors import Factors, known_factors
from vae.evaluate.codes.gaps import gaps, mig_of_means, mig_of_samples, sap
from vae.evaluate.codes.votes import factor_vae_score
from vae.evaluate.estimate import Estimate
from vae.evaluate.figures import ACTIVE_VARIANCE, Stage

IMAGES = 10_000
LEAST = 500
NAMES = {
    "mig_samples": "MIG from samples (Chen 2018)",
    "mig_means": "MIG from means, 20 bins (Locatello 2019)",
    "factor_vae": "FactorVAE score (Kim and Mnih 2018)",
    "dci_disentanglement": "DCI disentanglement (random forest)",
    "dci_completeness": "DCI completeness (random forest)",
    "dci_informativeness": "DCI informativeness (random forest)",
    "sap": "SAP (Kumar 2018, a guess is 0)",
}


@dataclass(frozen=True)
class Disentanglement:
    """What `measure_disentanglement` found. Every score: 0 nothing, 1 perfect, with its 95 % interval.

    Attributes:
        scores: by the names of NAMES. "mig_samples" is missing for a plain autoencoder, whose codes have no spread.
        factors: names. gap: of each, the share of its entropy by which the best latent leads, from samples where there
            are any.
        knows: for each latent, what it knows of each factor, likewise: mutual information over the factor's entropy.
        importance: for each latent and factor, what the forests of DCI lean on.
        active: latents whose mu varies; the others are left out of SAP and the FactorVAE score.
        images: training images behind it all, as published scores have them: they know no test split.
    """

    scores: dict[str, Estimate]
    factors: tuple[str, ...]
    gap: tuple[float, ...]
    knows: tuple[tuple[float, ...], ...]
    importance: tuple[tuple[float, ...], ...]
    active: int
    images: int

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal: a name, a value, its unit."""
        best = np.array(self.knows).argmax(axis=0).tolist()
        told = zip(self.factors, best, self.gap, strict=True)
        return [
            *(f"{NAMES[name]:<42} {found.phrase()}" for name, found in self.scores.items()),
            *(f"{f'{name} known best by':<42} latent {latent}, gap {gap:.2f}" for name, latent, gap in told),
            f"{'images':<42} {self.images:,}",
        ]


def measure_disentanglement(
    model: Checkpoint,
    train: Images,
    test: Images,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
    images: int = IMAGES,
) -> Disentanglement:
    """All the scores of a model, in about half a minute for ten latents.

    Args:
        train: images with known factors. test: not looked at.
        images: training images that are measured, drawn by the seed; at least 500. More: narrower intervals; the time
            of MIG from samples grows with the square.

    Raises:
        VAEError: data whose factors are not known, or too few of them.
    """
    factors = known_factors(train)
    rows = np.sort(np.random.default_rng(seed).permutation(len(train))[:images])
    if len(rows) < LEAST:
        raise VAEError(f"Disentanglement needs at least {LEAST} training images, and there are {len(rows)}: give more.")
    codes = encode(model.vae, train.take(rows), progress=stage("encoding training images"))
    spread = model.config.posterior != "point"
    return of_codes(codes.mu, codes.logvar if spread else None, factors.take(rows), seed=seed, stage=stage)


def of_codes(
    mu: np.ndarray,
    logvar: np.ndarray | None,
    factors: Factors,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
) -> Disentanglement:
    """The scores of codes mu, logvar (N, L) of images with known factors; logvar None where codes have no spread."""
    generator = np.random.default_rng(seed)
    active = mu.var(axis=0, dtype=np.float64) > ACTIVE_VARIANCE
    found: dict[str, Estimate] = {}
    stage("mutual information")
    by_means = mig_of_means(mu, factors, generator)
    table = by_means.table
    if logvar is not None:
        by_samples = mig_of_samples(mu, logvar, factors, generator)
        found["mig_samples"], table = by_samples.score, by_samples.table
    found["mig_means"] = by_means.score
    found["factor_vae"] = factor_vae_score(mu, factors, active, seed=seed)
    forests = dci(mu, factors, seed=seed, progress=stage("forests of DCI"))
    found["dci_disentanglement"] = forests.disentanglement
    found["dci_completeness"] = forests.completeness
    found["dci_informativeness"] = forests.informativeness
    stage("single latents")
    found["sap"] = sap(mu, factors, active, generator).score
    return Disentanglement(
        scores=found,
        factors=factors.names,
        gap=tuple(gaps(table).tolist()),
        knows=tuple(map(tuple, table.tolist())),
        importance=tuple(map(tuple, forests.importance.tolist())),
        active=int(active.sum()),
        images=len(mu),
    )
