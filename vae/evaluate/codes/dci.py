"""Disentanglement, completeness, informativeness: which latents a regressor leans on (Eastwood and Williams 2018)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vae.errors import VAEError
from vae.evaluate.codes.factors import Factors
from vae.evaluate.estimate import Estimate, mean_of_few

FOLDS = 5
TREES = 20
LEAF = 5  # images in a leaf, at least: trees that learn single images by heart lean on noise
IMAGES = 5_000


@dataclass(frozen=True, eq=False)
class DCI:
    """Three scores, each 0 to 1, and what they come from.

    Attributes:
        disentanglement: each latent speaks of one factor (the paper's eq. for D_i, weighted by rho_i).
        completeness: each factor is spoken of by one latent (C_j, the mean over factors).
        informativeness: what the forests know of images they have not seen, the mean over factors: of factors with an
            order the share of variance, of kinds the share of a guess's errors that is put right.
        importance: (L, K), the mean over folds.
    """

    disentanglement: Estimate
    completeness: Estimate
    informativeness: Estimate
    importance: np.ndarray


def disentanglement_of(importance: np.ndarray) -> float:
    """1 - H_K of each latent's row, weighted by how much the latent matters (section 2); importance (L, K) >= 0."""
    weight = importance.sum(axis=1)
    return float((weight / weight.sum() * (1 - _entropy(importance))).sum()) if weight.sum() else 0.0


def completeness_of(importance: np.ndarray) -> float:
    """The mean over factors of 1 - H_L of the factor's column (section 2); importance (L, K) >= 0."""
    return float((1 - _entropy(importance.T)).mean()) if importance.sum() else 0.0


def _entropy(rows: np.ndarray) -> np.ndarray:
    """(R,) entropy of each row's shares, in logarithms to the number of columns: 0 one alone, 1 all alike."""
    if rows.shape[1] < 2:
        return np.zeros(len(rows))
    total = rows.sum(axis=1, keepdims=True)
    shares = np.divide(rows, total, out=np.full(rows.shape, 1 / rows.shape[1]), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    found: np.ndarray = -(shares * logs).sum(axis=1) / np.log(rows.shape[1])
    return found


def dci(mu: np.ndarray, factors: Factors, *, seed: int = 0, progress: Callable[[int, int], None] | None = None) -> DCI:
    """The three scores, with random forests (the paper's second choice of regressor), the spread that of five folds.

    A factor is regressed where it has an order, else classified. Importance is the forest's own: the fall of variance
    or impurity that splits on a latent bring.

    Args:
        mu: (N, L), N at least 50; of more than 5,000, so many are drawn by the seed.

    Raises:
        VAEError: too few images.
    """
    if len(mu) < 10 * FOLDS or len(mu) != len(factors):
        raise VAEError(f"DCI needs at least {10 * FOLDS} images with their factors: give more.")
    generator = np.random.default_rng(seed)
    rows = generator.permutation(len(mu))[:IMAGES]
    mu, factors = mu[rows], factors.take(rows)
    fold = np.arange(len(mu)) % FOLDS
    importance = np.zeros((FOLDS, mu.shape[1], len(factors.names)))
    known = np.zeros((FOLDS, len(factors.names)))
    for number in range(FOLDS):
        for k in range(len(factors.names)):
            importance[number, :, k], known[number, k] = _lean(mu, factors, k, fold != number, seed)
            if progress:
                progress(number * len(factors.names) + k + 1, FOLDS * len(factors.names))
    return DCI(
        mean_of_few([disentanglement_of(one) for one in importance]),
        mean_of_few([completeness_of(one) for one in importance]),
        mean_of_few(known.mean(axis=1).tolist()),
        importance.mean(axis=0),
    )


def _lean(mu: np.ndarray, factors: Factors, k: int, fit: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """(importance (L,), what is known of the rows not fitted, 0 to 1) of one factor."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor  # a second to import

    options = {"n_estimators": TREES, "min_samples_leaf": LEAF, "max_features": None, "random_state": seed}
    if factors.ordered[k]:
        wanted = factors.values[:, k]
        forest = RandomForestRegressor(**options).fit(mu[fit], wanted[fit])
        error = np.square(forest.predict(mu[~fit]) - wanted[~fit]).sum()
        guess = np.square(wanted[~fit] - wanted[fit].mean()).sum()
    else:
        classes = factors.classes[:, k]
        forest = RandomForestClassifier(**options).fit(mu[fit], classes[fit])
        error = (forest.predict(mu[~fit]) != classes[~fit]).sum()
        guess = (classes[~fit] != np.bincount(classes[fit]).argmax()).sum()
    return forest.feature_importances_, max(0.0, 1 - error / guess) if guess else 0.0
