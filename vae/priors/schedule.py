"""Diffusion without a network: how much noise there is at each time, and the way back from noise.

Time runs from 0, nothing but data, to 1, nothing but noise: x_t = cos(a) x_0 + sin(a) eps with a = t pi / 2, the cosine
schedule (Nichol and Dhariwal 2021) in continuous time, which keeps the variance at 1 where the data's is 1. A network
learns the velocity v = cos(a) eps - sin(a) x_0 (Salimans and Ho 2022, appendix D): from v and x_t follow both x_0 and
eps, at every time, without a division by something small.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]  # x_t (B, ...), t (B,) -> v (B, ...)


def alpha_sigma(t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """What is left of the data and how much noise there is at times t (B,), shaped to multiply `like` (B, ...)."""
    angle = (0.5 * math.pi * t).view(-1, *[1] * (like.ndim - 1))
    return angle.cos(), angle.sin()


def noised(x: Tensor, eps: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """x_t and the velocity that a network shall say there (Ho et al. 2020, eq. 4; Salimans and Ho 2022, appendix D).

    Args:
        x, eps: (B, ...), the data and N(0, I).
        t: (B,) in [0, 1].
    """
    alpha, sigma = alpha_sigma(t, x)
    return alpha * x + sigma * eps, alpha * eps - sigma * x


def mean_velocity(x_t: Tensor, t: Tensor, codes: Tensor) -> Tensor:
    """The velocity at x_t on average over which of some codes it came from: a perfect network's answer, were these all.

    A network that learns from it, not from the one code that was drawn, learns the same thing, with much less chance
    in its loss (the stable target field of Xu et al. 2023).

    Args:
        x_t: (B, L). t: (B,), above 0.
        codes: (M, L), those that x_t was made of among them. More: less chance, more time.
    """
    alpha, sigma = alpha_sigma(t, x_t)
    # log N(x_t; alpha c, sigma^2) of each code c, but for what all of them share
    log_each = torch.addmm(-0.5 * (alpha / sigma).square() * codes.square().sum(dim=1), x_t * alpha / sigma**2, codes.T)
    x_0 = log_each.softmax(dim=1) @ codes  # (B, L)
    return alpha * (x_t - alpha * x_0) / sigma - sigma * x_0


def ddim(velocity: Velocity, noise: Tensor, steps: int, progress: Callable[[int, int], None] | None = None) -> Tensor:
    """The deterministic way from noise to data (Song et al. 2021, eq. 12 with no noise added).

    Args:
        velocity: what the network says.
        noise: (B, ...) of N(0, I): the only chance there is.
        steps: at least 1. More: closer to the continuous way, slower.
        progress: called with (steps done, steps).

    Returns:
        (B, ...).
    """
    x = noise
    times = torch.linspace(1, 0, steps + 1, device=x.device)
    for step, (now, then) in enumerate(zip(times[:-1], times[1:], strict=True)):
        alpha, sigma = alpha_sigma(now.expand(len(x)), x)
        v = velocity(x, now.expand(len(x)))
        x_0, eps = alpha * x - sigma * v, sigma * x + alpha * v
        alpha, sigma = alpha_sigma(then.expand(len(x)), x)
        x = alpha * x_0 + sigma * eps
        if progress:
            progress(step + 1, steps)
    return x


def flow(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """The same way by the midpoint rule: dx / da = v with a = t pi / 2 (Song et al. 2021b, eq. 13, in this schedule).

    Args:
        noise: (B, ...) of N(0, I).
        steps: at least 1, two looks of the network each. More: closer, by the square of their number.

    Returns:
        (B, ...).
    """
    x, size = noise, 0.5 * math.pi / steps
    for step in range(steps):
        now = 1 - step / steps
        middle = x - 0.5 * size * velocity(x, x.new_full((len(x),), now))
        x = x - size * velocity(middle, x.new_full((len(x),), now - 0.5 / steps))
    return x


def time_features(t: Tensor, count: int) -> Tensor:
    """t (B,) as sines and cosines of `count` / 2 frequencies, pi to about 300 pi (Vaswani et al. 2017): (B, count)."""
    frequencies = math.pi * torch.exp(torch.linspace(0, math.log(300), count // 2, device=t.device))
    angles = t[:, None] * frequencies  # (B, count / 2)
    return torch.cat([angles.sin(), angles.cos()], dim=1)
