"""The aggregate posterior, all images' codes thrown together, against the prior that samples are drawn from."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.posterior import log_normal

DRAWS = 2000  # codes drawn from the aggregate posterior, at most
WORK = 2**31  # densities of one latent evaluated, at most: seconds
HELD = 2**22  # of them held at once: 32 MB


@dataclass(frozen=True)
class Aggregate:
    """KL(q(z|x) || p(z)), the rate, in its two parts (Hoffman and Johnson 2016, section 3), in nats.

    Attributes:
        information: between which image it was and its code. With N images it is log N at most, so it saturates where
            the codes tell all images apart.
        marginal_kl: KL(q(z) || p(z)) of the mixture of these N posteriors: the rate less the information, so at most
            this for images without end. More: samples from N(0, I) fall where no image's code is.
        marginal_kl_per_dim: the same of each latent alone.
        draws: codes that the means are over. error: standard error over them, of information and marginal_kl alike.
    """

    information: float
    marginal_kl: float
    marginal_kl_per_dim: tuple[float, ...]
    draws: int
    error: float


def aggregate(mu: np.ndarray, logvar: np.ndarray, seed: int = 0, most: int = DRAWS) -> Aggregate:
    """Estimate the parts of the rate from all posteriors, each draw weighed against every image (eq. 9 to 11 there).

    Args:
        mu, logvar: (N, L) of all images.
        seed: of the draws, one from each of so many images, no image twice.
        most: draws, at most. More: a smaller error, more time.
    """
    count, latents = mu.shape
    draws = max(1, min(count, most, WORK // (count * latents)))
    chance = np.random.default_rng(seed)
    chosen = torch.from_numpy(np.sort(chance.permutation(count)[:draws]))
    eps = torch.from_numpy(chance.standard_normal((draws, latents)))
    centre, log_var = torch.from_numpy(np.asarray(mu, np.float64)), torch.from_numpy(np.asarray(logvar, np.float64))
    zero = torch.zeros((), dtype=torch.float64)
    z = centre[chosen] + torch.exp(0.5 * log_var[chosen]) * eps  # (M, L)
    of_own = log_normal(z, centre[chosen], log_var[chosen]).sum(dim=1)  # (M,) log q(z|x)
    prior = log_normal(z, zero, zero)  # (M, L)
    of_all = _log_mixture(z, centre, log_var)  # (M,) log q(z)
    information, marginal = of_own - of_all, of_all - prior.sum(dim=1)
    per_dim = [
        float((_log_mixture(z[:, [one]], centre[:, [one]], log_var[:, [one]]) - prior[:, one]).mean())
        for one in range(latents)
    ]
    error = float(information.std() / math.sqrt(draws)) if draws > 1 else 0.0
    return Aggregate(float(information.mean()), float(marginal.mean()), tuple(per_dim), draws, error)


def _log_mixture(z: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """log of the mean over images of N(z; mu_n, var_n), (M,): z (M, L), mu and log_var (N, L). All float64."""
    middle = mu.mean(dim=0)  # squares of what is far from 0 would lose the small distances
    z, mu = z - middle, mu - middle
    precision = torch.exp(-log_var)  # (N, L)
    constant = -0.5 * (math.log(2 * math.pi) + log_var + mu.square() * precision).sum(dim=1)  # (N,)
    # The square written out makes it two products of matrices. In float64 nothing of note is lost to it.
    first, second = (-0.5 * precision).T, (mu * precision).T  # (L, N)
    parts = []
    for part in z.split(max(1, HELD // len(mu))):
        log_each = constant + part.square() @ first + part @ second  # (m, N)
        parts.append(torch.logsumexp(log_each, dim=1))
    return torch.cat(parts) - math.log(len(mu))


@dataclass(frozen=True)
class Radii:
    """How far from the origin codes lie: of draws from q(z|x) of all images, and of N(0, I).

    Attributes:
        edges: B + 1 of them, from 0. images, prior: B shares of codes between two edges.
        shared: what the two have in common, the sum of the smaller shares: 1 where they are alike.
        usual_images, usual_prior: the median radius of either.
    """

    edges: tuple[float, ...]
    images: tuple[float, ...]
    prior: tuple[float, ...]
    shared: float
    usual_images: float
    usual_prior: float


def radii(mu: np.ndarray, logvar: np.ndarray, bins: int = 32, seed: int = 0) -> Radii:
    """The lengths of codes, one draw of each image, beside those of N(0, I): the chi distribution of L dimensions.

    Args:
        mu, logvar: (N, L). bins: more: a finer picture, less sure.
    """
    chance = np.random.default_rng(seed)
    z = mu + np.exp(0.5 * logvar) * chance.standard_normal(mu.shape)
    lengths = np.linalg.norm(z, axis=1)
    half = torch.tensor(mu.shape[1] / 2, dtype=torch.float64)
    end = max(float(np.quantile(lengths, 0.999)), math.sqrt(mu.shape[1]) + 3)
    edges = np.linspace(0, end, bins + 1)
    below = torch.special.gammainc(half, torch.from_numpy(edges**2 / 2)).numpy()  # of a chi distribution
    prior, images = np.diff(below), np.histogram(lengths, edges)[0] / len(lengths)
    middle = float(np.interp(0.5, below, edges))
    shared = float(np.minimum(prior, images).sum())
    shapes = (tuple(edges.tolist()), tuple(images.tolist()), tuple(prior.tolist()))
    return Radii(*shapes, shared, float(np.median(lengths)), middle)
