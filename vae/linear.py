"""The linear VAE, whose log p(x) is known exactly: the oracle of every estimate of a likelihood.

With p(z) = N(0, I) and p(x|z) = N(W z + b, s^2 I), x is Gaussian too (probabilistic PCA, Tipping and Bishop 1999, eq. 3
to 5). A VAE of this form has its best ELBO where that Gaussian fits best (Lucas et al. 2019, section 4), and there its
bound is exact.
"""

import math

import torch
from torch import Tensor


def marginal_log_prob(x: Tensor, weight: Tensor, bias: Tensor, std: Tensor) -> Tensor:
    """log N(x; b, W W^T + s^2 I), in float64; only an (L, L) matrix is ever solved (Woodbury).

    Args:
        x: (B, D). weight: W (D, L). bias: b (D,). std: s, a scalar.

    Returns:
        (B,) nats. A density: it can be positive.
    """
    x, weight, bias, std = (tensor.double() for tensor in (x, weight, bias, std))
    apart = x - bias  # (B, D)
    size, latents = weight.shape
    # M = W^T W + s^2 I (their M after eq. 6): C^-1 = (I - W M^-1 W^T) / s^2, and |C| = s^(2 (D - L)) |M|.
    inner = weight.T @ weight + std.square() * torch.eye(latents, dtype=torch.float64, device=x.device)
    root = torch.linalg.cholesky(inner)  # (L, L)
    seen = torch.linalg.solve_triangular(root, (apart @ weight).T, upper=False)  # (L, B)
    distance = (apart.square().sum(dim=1) - seen.square().sum(dim=0)) / std.square()  # (B,)
    log_det = 2 * root.diagonal().log().sum() + 2 * (size - latents) * std.log()
    return -0.5 * (size * math.log(2 * math.pi) + log_det + distance)
