"""Scores by a gap: how much more the best latent knows of a factor than the next best.

Two scores are called MIG, and they differ. Chen's asks what a draw from q(z|x) tells; Locatello's what mu tells, cut
into 20 bins: a latent that the posterior blurs reads higher there. SAP asks what a threshold or a line on mu tells.

Everywhere the gap is taken over latents, within each factor: (L, K) matrices, the first axis the latents.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.errors import VAEError
from vae.evaluate.codes.factors import Factors
from vae.evaluate.estimate import Estimate, bootstrapped, resampled

BINS = 20  # of mu, equally wide (Locatello et al. 2019, appendix C)
CHUNK = 2**22  # densities held at once: 16 MB, what a cache holds
RESAMPLES = 200
DRAWS = 5_000  # of MIG from samples: half a hundredth of a nat is then told


@dataclass(frozen=True, eq=False)
class Gap:
    """A score by a gap.

    Attributes:
        score: the mean over factors of the gap, 0 to 1.
        table: (L, K), what each latent knows of each factor: nats over the factor's entropy, or a share explained.
    """

    score: Estimate
    table: np.ndarray

    @property
    def gaps(self) -> np.ndarray:
        """(K,)"""
        return gaps(self.table)


def gaps(table: np.ndarray) -> np.ndarray:
    """Of each factor, the best latent's entry less the next best's: (..., L, K) to (..., K). One latent: all of it."""
    ordered = np.sort(table, axis=-2)
    best: np.ndarray = ordered[..., -1, :]
    return best - ordered[..., -2, :] if table.shape[-2] > 1 else best


def mig_of_samples(mu: np.ndarray, logvar: np.ndarray, factors: Factors, generator: np.random.Generator) -> Gap:
    """The mutual information gap (Chen et al. 2018, eq. 6), from z ~ q(z|x).

    I(z_j; v_k) = E[log q(z_j|v_k) - log q(z_j)], both aggregates over the images given (their eq. 5 and appendix C),
    one draw for each image, of more than 5,000 for so many of them. The interval is from resampling the draws, the
    aggregates held.

    Args:
        mu, logvar: (N, L), of the images whose factors are given. The time grows as draws * N * L: 10,000 images with
            10 latents take about five seconds.

    Raises:
        VAEError: shapes that do not agree.
    """
    _check(mu, factors)
    centre, std = torch.from_numpy(mu).float().T.contiguous(), torch.from_numpy(logvar).float().T.mul(0.5).exp()
    drawn = np.sort(generator.permutation(len(mu))[:DRAWS])
    noise = torch.from_numpy(generator.standard_normal((mu.shape[1], len(drawn)), np.float32))
    z = centre[:, drawn] + std[:, drawn] * noise  # (L, S)
    told = np.empty((len(drawn), mu.shape[1], len(factors.names)))  # of each draw, in nats
    # Of each factor and class: the draws of it, and all images of it.
    groups = [list(zip(*map(_groups, (column[drawn], column)), strict=False)) for column in factors.classes.T]
    for j in range(mu.shape[1]):
        among_all = log_aggregate(z[j], centre[j], std[j]).numpy()  # (S,)
        for k, of_factor in enumerate(groups):
            for of_draws, rows in of_factor:
                if len(of_draws):
                    alike = log_aggregate(z[j, of_draws], centre[j, rows], std[j, rows]).numpy()
                    told[of_draws, j, k] = alike - among_all[of_draws]
    table = told.mean(axis=0) / factors.entropy  # (L, K)
    flat = told.reshape(len(drawn), -1)
    again = [
        gaps((times @ flat / len(drawn)).reshape(table.shape) / factors.entropy).mean()
        for times in resampled(len(drawn), generator, RESAMPLES)
    ]
    return Gap(bootstrapped(float(gaps(table).mean()), np.array(again)), table)


def log_aggregate(z: Tensor, mu: Tensor, std: Tensor) -> Tensor:
    """log of the mean over n of N(z; mu_n, std_n), in nats: (S,) of z (S,) among mu and std (N,).

    Each z must have been drawn from one of the N: its own density keeps the sum above zero.
    """
    inverse, constant = 1 / std, std.log() + 0.5 * np.log(2 * np.pi)
    parts = []
    for part in z.split(max(1, CHUNK // len(mu))):
        parts.append(
            ((part[:, None] - mu) * inverse).square_().mul_(-0.5).sub_(constant).exp_().mean(dim=1).log_()  # (B, N)
        )
    return torch.cat(parts)


def mig_of_means(mu: np.ndarray, factors: Factors, generator: np.random.Generator) -> Gap:
    """The mutual information gap from mu in 20 equally wide bins (Locatello et al. 2019, as in disentanglement_lib).

    Args:
        mu: (N, L).
    """
    _check(mu, factors)
    bins = np.stack([_in_bins(column) for column in mu.T], axis=1)  # (N, L)

    def table(times: np.ndarray | None) -> np.ndarray:
        return np.array(
            [
                [mutual_information(joint(bins[:, j], classes, times)) for classes in factors.classes.T]
                for j in range(mu.shape[1])
            ]
        )

    found = table(None) / factors.entropy
    again = [gaps(table(times) / factors.entropy).mean() for times in resampled(len(mu), generator, RESAMPLES)]
    return Gap(bootstrapped(float(gaps(found).mean()), np.array(again)), found)


def joint(a: np.ndarray, b: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """(A, B): how often each pair of whole numbers from 0 up occurs, each case counted `times`."""
    across, down = int(a.max()) + 1, int(b.max()) + 1
    return np.bincount(a * down + b, times, across * down).reshape(across, down).astype(np.float64)


def mutual_information(counts: np.ndarray) -> float:
    """Nats, of a table of counts (A, B)."""
    shares = counts / counts.sum()
    apart = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0)
    there = shares > 0
    return float((shares[there] * np.log(shares[there] / apart[there])).sum())


def sap(mu: np.ndarray, factors: Factors, active: np.ndarray, generator: np.random.Generator) -> Gap:
    """Separated attribute predictability (Kumar et al. 2018, section 3): the gap of what single latents predict.

    Factors with an order: the share of their variance that a line on one latent explains. Kinds: the balanced accuracy
    of the best thresholds on one latent, here rescaled so that a guess is 0 (the paper's is 1 over the kinds, and its
    gap that much smaller).

    Args:
        mu: (N, L). active: (L,) bool; the others predict nothing, as in the paper.
    """
    _check(mu, factors)
    orders = [np.argsort(column, kind="stable") for column in mu.T]
    z = (mu - mu.mean(axis=0, dtype=np.float64)) / np.maximum(mu.std(axis=0, dtype=np.float64), 1e-12)
    values = factors.values - factors.values.mean(axis=0)

    def table(times: np.ndarray) -> np.ndarray:
        found = np.zeros((mu.shape[1], len(factors.names)))
        explained = _explained(z, values, times)
        for j in np.flatnonzero(active):
            for k, ordered in enumerate(factors.ordered):
                if ordered:
                    found[j, k] = explained[j, k]
                else:
                    of = orders[j]
                    found[j, k] = threshold_accuracy(mu[of, j], factors.classes[of, k], times[of])
        return found

    found = table(np.ones(len(mu)))
    again = [gaps(table(times)).mean() for times in resampled(len(mu), generator, RESAMPLES // 4)]
    return Gap(bootstrapped(float(gaps(found).mean()), np.array(again)), found)


def threshold_accuracy(z: np.ndarray, classes: np.ndarray, times: np.ndarray | None = None) -> float:
    """The best balanced accuracy of thresholds on one latent: 0 a guess, 1 always right.

    The classes lie along the latent in the order of their means, an interval each (some may be empty); the best
    intervals are found exactly.

    Args:
        z: (N,), the smallest first. classes: (N,) from 0 up. times: (N,) how often each case counts.
    """
    times = np.ones(len(z)) if times is None else times
    totals = np.bincount(classes, times)
    kinds = np.flatnonzero(totals)
    if len(kinds) < 2:
        return 0.0
    means = np.bincount(classes, times * z)[kinds] / totals[kinds]
    cuts = np.flatnonzero(np.concatenate([[True], z[1:] > z[:-1], [True]]))  # equal latents are not told apart
    best = np.where(np.arange(len(cuts)) == 0, 0.0, -np.inf)  # (cuts,) the intervals so far end here: what is right
    for kind in kinds[np.argsort(means, kind="stable")]:
        right = np.concatenate([[0.0], np.cumsum((classes == kind) * times)])[cuts] / totals[kind]
        best = right + np.maximum.accumulate(best - right)
    chance = 1 / len(kinds)
    return float(max(0.0, best[-1] * chance - chance) / (1 - chance))


def _explained(z: np.ndarray, values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(L, K) squared correlation of z (N, L) with values (N, K)."""
    weights = times / times.sum()
    z, values = z - weights @ z, values - weights @ values
    both = (z * weights[:, None]).T @ values
    apart = np.outer(weights @ z**2, weights @ values**2)
    return np.divide(both**2, apart, out=np.zeros_like(both), where=apart > 1e-18)


def _in_bins(column: np.ndarray) -> np.ndarray:
    edges = np.histogram_bin_edges(column.astype(np.float64), BINS)
    return np.clip(np.digitize(column, edges[1:-1]), 0, BINS - 1)


def _groups(classes: np.ndarray) -> list[np.ndarray]:
    """The rows of each class."""
    order = np.argsort(classes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(classes))[:-1])


def _check(mu: np.ndarray, factors: Factors) -> None:
    if mu.ndim != 2 or len(mu) != len(factors):
        raise VAEError(f"Codes {mu.shape} and factors of {len(factors)} images do not go together.")
