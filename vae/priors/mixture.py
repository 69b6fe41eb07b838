"""A mixture of Gaussians, each with a covariance of its own, as the prior of a model's codes."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from vae.errors import VAEError
from vae.posterior import Source, normal, uniform
from vae.priors.noise import check_codes

SIZES = (1, 5, 10, 20, 40, 80)  # components that are tried
TRIED_ON = 20_000  # codes; more changes which is best by little
HELD_OUT = 0.2  # of those
PATIENCE = 60  # rounds of expectation and maximisation
FLOOR = 1e-4  # added to each variance, as a share of the codes' mean variance: no component falls onto one code


@dataclass(frozen=True, eq=False)
class Mixture:
    """p(z) = sum over k of weight_k N(z; mean_k, scale_k scale_k^T).

    Attributes:
        weights: (K,), they sum to 1. means: (K, L). scales: (K, L, L), lower triangular.
    """

    kind: ClassVar[str] = "mixture"
    weights: Tensor
    means: Tensor
    scales: Tensor

    def __post_init__(self) -> None:
        count, latents = self.means.shape
        if self.weights.shape != (count,) or self.scales.shape != (count, latents, latents):
            raise VAEError("The parts of this mixture do not fit each other: fit the prior again.")

    @property
    def latent_dim(self) -> int:
        return self.means.shape[1]

    def sample(self, n: int, generator: Source) -> Tensor:
        """(n, L): a component by its weight, then a draw of it."""
        device = self.means.device
        choice = uniform((n,), generator, device)
        return self.place(normal((n, self.latent_dim), generator, device), choice)

    def place(self, noise: Tensor, choice: Tensor) -> Tensor:
        """Codes (n, L) of noise (n, L) of N(0, I) around the component that choice (n,) in [0, 1) falls to."""
        # The last bound is 1 but for rounding; a number above it is the last component's.
        which = torch.searchsorted(self.weights.cumsum(0), choice).clamp(max=len(self.weights) - 1)  # (n,)
        z = torch.empty_like(noise)
        for k in which.unique().tolist():  # one by one: all scales at once would be n x L x L
            rows = which == k
            z[rows] = self.means[k] + noise[rows] @ self.scales[k].T
        return z

    def log_prob(self, z: Tensor) -> Tensor:
        """(B,) log p(z) in nats of z (B, L)."""
        parts = []
        for weight, mean, scale in zip(self.weights, self.means, self.scales, strict=True):
            eps = torch.linalg.solve_triangular(scale, (z - mean).T, upper=False)  # (L, B)
            volume = scale.diagonal().log().sum() + 0.5 * self.latent_dim * math.log(2 * math.pi)
            parts.append(weight.log() - volume - 0.5 * eps.square().sum(dim=0))
        return torch.logsumexp(torch.stack(parts), dim=0)

    def tensors(self) -> dict[str, Tensor]:
        """What is kept of it."""
        return {"weights": self.weights, "means": self.means, "scales": self.scales}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """As `tensors` gave it."""
        return cls(tensors["weights"], tensors["means"], tensors["scales"])


def fit_mixture(
    codes: Tensor,
    generator: torch.Generator,
    *,
    sizes: tuple[int, ...] = SIZES,
    progress: Callable[[int, int], None] | None = None,
) -> Mixture:
    """Fit by expectation and maximisation (Dempster et al. 1977); how many components, held-out likelihood decides.

    Args:
        codes: (N, L) float32, at least 20.
        generator: of the split, and of where the components begin.
        sizes: how many components are tried, where there are enough codes for them. More: a finer shape, more time.
        progress: called with (fits done, fits).

    Raises:
        VAEError: too few codes, or codes that are not finite.
    """
    check_codes(codes)
    z = codes.double().cpu().numpy()
    order = torch.randperm(len(z), generator=generator).numpy()[:TRIED_ON]
    held_out, known = np.split(z[order], [max(1, int(HELD_OUT * len(order)))])
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    tried = [size for size in sizes if size <= max(1, len(known) // (2 * z.shape[1]))] or [1]
    scores = []
    for done, size in enumerate(tried):
        scores.append(float(_em(known, size, seed).score(held_out)))
        if progress:
            progress(done + 1, len(tried) + 1)
    best = _em(z, tried[int(np.argmax(scores))], seed)
    if progress:
        progress(len(tried) + 1, len(tried) + 1)
    weights, means, covariances = (np.asarray(part) for part in (best.weights_, best.means_, best.covariances_))
    parts = (weights / weights.sum(), means, np.linalg.cholesky(covariances))
    return Mixture(*(torch.tensor(part, dtype=torch.float32) for part in parts))


def _em(z: np.ndarray, components: int, seed: int):  # type: ignore[no-untyped-def]  # scikit-learn's own class
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    floor = max(FLOOR * float(z.var(axis=0).mean()), 1e-10)
    mixture = GaussianMixture(components, reg_covar=floor, max_iter=PATIENCE, random_state=seed)
    with warnings.catch_warnings():
        # Stopped early it is a little less likely, and the held-out codes see that.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(z)
