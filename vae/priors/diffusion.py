"""Latent diffusion: a small network that turns noise into codes (Ho et al. 2020, on codes as Rombach et al. 2022)."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.dense import Dense
from vae.errors import VAEError
from vae.posterior import Source, normal, uniform
from vae.priors.noise import check_codes
from vae.priors.schedule import flow, mean_velocity, noised, time_features

WIDTH, BLOCKS, TIMES = 384, 3, 64
STEPS, BATCH, RATE = 3000, 1024, 4e-3  # 8,000 batches of 256 stayed behind a mixture
COMPARED = 4  # more codes for each of a batch, over which its targets are means: a third to a half less error
FIRST = 0.01  # the earliest time that is learned: before it there is no noise to speak of
KEPT = 0.999  # of the running mean of the weights, at each step
SAMPLING_STEPS = 50
_AT_ONCE = 4096  # codes sampled in one pass


class Denoiser(nn.Module):
    """x_t (B, L) and t (B,) to the velocity (B, L): a dense network with residual blocks."""

    def __init__(self, latent_dim: int, width: int = WIDTH, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.inlet = Dense(latent_dim, width)
        self.time = nn.Sequential(Dense(TIMES, width), nn.SiLU(), Dense(width, width))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.SiLU(), Dense(width, width), nn.SiLU(), Dense(width, width))
            for _ in range(blocks)
        )
        self.outlet = Dense(width, latent_dim)
        nn.init.zeros_(self.outlet.weight)  # at first the velocity is 0, which is right on average

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = self.inlet(x) + self.time(time_features(t, TIMES))  # (B, width)
        for block in self.blocks:
            h = h + block(h)
        return self.outlet(F.silu(h))


@dataclass(frozen=True, eq=False)
class LatentDiffusion:
    """A denoiser of codes that were brought to mean 0 and spread 1.

    Attributes:
        network: in evaluation mode. mean, std: (L,), of the codes it learned from.
    """

    kind: ClassVar[str] = "diffusion"
    network: Denoiser
    mean: Tensor
    std: Tensor

    @property
    def latent_dim(self) -> int:
        return len(self.mean)

    def sample(self, n: int, generator: Source, *, steps: int = SAMPLING_STEPS) -> Tensor:
        """(n, L). All chance is in the noise it begins with; steps: more, closer to the codes it learned from."""
        return self.place(normal((n, self.latent_dim), generator, self.mean.device), steps=steps)

    @torch.inference_mode()
    def place(self, noise: Tensor, choice: Tensor | None = None, *, steps: int = SAMPLING_STEPS) -> Tensor:
        """Codes (n, L): where noise (n, L) of N(0, I) is carried to. No other choice is made."""
        parts = [flow(self.network, part, steps) for part in noise.split(_AT_ONCE)]
        return self.mean + self.std * torch.cat(parts)

    def tensors(self) -> dict[str, Tensor]:
        """What is kept of it."""
        weights = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        return {"mean": self.mean, "std": self.std} | weights

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> Self:
        """As `tensors` gave it."""
        weights = {name.removeprefix("network."): value for name, value in tensors.items() if "." in name}
        blocks = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
        width, latent_dim = weights["inlet.weight"].shape
        if width > 4096 or blocks > 64 or tensors["mean"].shape != (latent_dim,):
            raise VAEError("The parts of this diffusion do not fit each other: fit the prior again.")
        network = Denoiser(latent_dim, width, blocks)
        network.load_state_dict(weights)
        return cls(network.eval().requires_grad_(False), tensors["mean"], tensors["std"])


def fit_diffusion(
    codes: Tensor,
    generator: torch.Generator,
    *,
    steps: int = STEPS,
    width: int = WIDTH,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> LatentDiffusion:
    """Learn to take noise away (Ho et al. 2020, Algorithm 1, with the mean velocity for a target, Xu et al. 2023).

    What is kept is the running mean of the weights; the rate rises at once, then falls along a cosine. Runs on the
    device of the codes.

    Args:
        codes: (N, L) float32, at least 20.
        generator: of the initial weights, of each batch, of times and noise.
        steps: more: closer to the codes, up to a point; the usual ones take some 5 minutes of one core.
        width: of the network. batch: codes in a step. More: a finer shape, more time.
        progress: called with (steps done, steps).

    Raises:
        VAEError: too few codes, or codes that are not finite.
    """
    check_codes(codes)
    mean, std = codes.mean(dim=0), codes.std(dim=0).clamp(min=1e-6)  # (L,)
    x_0 = (codes - mean) / std
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31 - 1, (), generator=generator)))
        network = Denoiser(codes.shape[1], width).to(codes.device)
    kept = copy.deepcopy(network).eval().requires_grad_(False)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE, fused=codes.device.type in ("cpu", "cuda"))
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, 50 * (step + 1) / steps) * 0.5 * (1 + math.cos(math.pi * step / steps))
        x = x_0[torch.randint(len(x_0), (batch,), generator=generator)]  # (B, L)
        # Times spread evenly over the batch, all moved by one draw: the loss of a batch then varies less.
        t = (uniform((1,), generator, x.device) + torch.arange(batch, device=x.device) / batch) % 1
        t = FIRST + (1 - FIRST) * t
        x_t, _ = noised(x, normal(x.shape, generator, x.device), t)
        others = x_0[torch.randint(len(x_0), (COMPARED * batch,), generator=generator)]
        wanted = mean_velocity(x_t, t, torch.cat([x, others]))
        loss = (network(x_t, t) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            mix = min(KEPT, (step + 1) / (step + 10))  # at first the weights change too much for a long memory
            torch._foreach_lerp_(list(kept.parameters()), list(network.parameters()), 1 - mix)
        if progress and (step + 1) % 50 == 0:
            progress(step + 1, steps)
    return LatentDiffusion(kept, mean, std)
