"""The FactorVAE score: which latent stands still while one factor does (Kim and Mnih 2018, section 4)."""

import numpy as np

from vae.errors import VAEError
from vae.evaluate.codes.factors import Factors
from vae.evaluate.estimate import Estimate, mean_of_few

FOLDS = 5
VOTES = 1_000  # of each fold that is asked, and as many of the others that teach
BATCH = 64  # images behind a vote (the paper's 200 want more images of each value than a sample has)


def factor_vae_score(mu: np.ndarray, factors: Factors, active: np.ndarray, *, seed: int = 0) -> Estimate:
    """The accuracy of the majority-vote classifier; its interval from five folds of the images.

    A vote: a factor by chance, one of its values by chance, a batch of images that share it; each latent's variance in
    the batch over its variance in all; the latent where that is least. The classifier answers, for each latent, the
    factor that it was most often chosen for. It learns from the votes of four folds and is asked those of the fifth.

    Args:
        mu: (N, L). active: (L,) bool; the others are left out, as in the paper: they stand still whatever varies.

    Returns:
        1 for a latent to each factor; 1/K and a little more for noise.

    Raises:
        VAEError: fewer than 100 images.
    """
    if len(mu) < 100 or len(mu) != len(factors):
        raise VAEError("The FactorVAE score needs at least 100 images with their factors: give more.")
    kinds = len(factors.names)
    if not active.any():  # nothing to choose from: any answer is a guess
        return Estimate(1 / kinds, 1 / kinds, 1 / kinds)
    generator = np.random.default_rng(seed)
    z = mu[:, active] / mu[:, active].std(axis=0, dtype=np.float64)  # (N, A)
    fold = generator.permutation(len(z)) % FOLDS
    right = []
    for number in range(FOLDS):
        taught = _votes(z, factors.classes, fold != number, generator)
        asked = _votes(z, factors.classes, fold == number, generator)
        right.append(float(asked[np.arange(len(asked)), taught.argmax(axis=1)].sum() / asked.sum()))
    return mean_of_few(right)


def _votes(z: np.ndarray, classes: np.ndarray, among: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """(A, K): how often each latent stood stillest while each factor was held, among the rows of a mask."""
    rows = np.flatnonzero(among)
    count = np.zeros((z.shape[1], classes.shape[1]), np.int64)
    held = generator.integers(0, classes.shape[1], VOTES)
    for k in range(classes.shape[1]):
        order = rows[np.argsort(classes[rows, k], kind="stable")]
        sizes = np.bincount(classes[rows, k])
        present = np.flatnonzero(sizes > 1)  # a value that one image has alone holds everything
        starts = np.cumsum(sizes) - sizes
        chosen = present[generator.integers(0, len(present), int((held == k).sum()))]  # (V,) values
        picks = (generator.random((len(chosen), BATCH)) * sizes[chosen, None]).astype(np.int64)
        batch = z[order[starts[chosen, None] + picks]]  # (V, B, A)
        count[:, k] = np.bincount(batch.var(axis=1).argmin(axis=1), minlength=z.shape[1])
    return count
