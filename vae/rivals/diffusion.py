"""A small diffusion model on pictures (Ho et al. 2020): a U-Net of two scales that learns to take noise away."""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.dense import Dense
from vae.posterior import Source, normal, uniform
from vae.priors.schedule import ddim, noised, time_features
from vae.rivals.learning import batches, follow

CHANNELS, TIMES = 40, 64
BATCH, RATE = 128, 2e-3
STEPS = 25  # of sampling
SPREAD = 0.5  # of pixels in [-1, 1]: they are divided by it, so that the schedule's variance stays at about 1


class Block(nn.Module):
    """h (B, C, H, W) with the time (B, T) added, residual."""

    def __init__(self, channels: int, times: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.second = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.norm = nn.GroupNorm(4, channels)
        self.time = Dense(times, 2 * channels)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.time(time)[..., None, None].chunk(2, dim=1)  # (B, C, 1, 1)
        inner = self.norm(self.first(F.silu(h))) * (1 + scale) + shift
        return h + self.second(F.silu(inner))


class UNet(nn.Module):
    """x_t (B, 1, 28, 28), t (B,) to the velocity, shaped as x_t. Four pixels are one place: 14 by 14, then 7 by 7."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.time = nn.Sequential(Dense(TIMES, 128), nn.SiLU(), Dense(128, 128), nn.SiLU())
        self.inlet = nn.Conv2d(4, channels, kernel_size=3, padding=1)
        self.before = Block(channels, 128)
        self.down = nn.Conv2d(channels, 2 * channels, kernel_size=2, stride=2)
        self.middle = nn.ModuleList(Block(2 * channels, 128) for _ in range(3))
        self.up = nn.ConvTranspose2d(2 * channels, channels, kernel_size=2, stride=2)
        self.after = nn.ModuleList(Block(channels, 128) for _ in range(2))
        self.outlet = nn.Conv2d(channels, 4, kernel_size=3, padding=1)
        nn.init.zeros_(self.outlet.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        time = self.time(time_features(t, TIMES))  # (B, 128)
        fine = self.before(self.inlet(F.pixel_unshuffle(x, 2)), time)  # (B, C, 14, 14)
        h = self.down(fine)  # (B, 2C, 7, 7)
        for block in self.middle:
            h = block(h, time)
        h = self.up(h) + fine
        for block in self.after:
            h = block(h, time)
        return F.pixel_shuffle(self.outlet(F.silu(h)), 2)


def as_signal(x: Tensor) -> Tensor:
    """Pictures in [0, 1] to what is noised: mean about 0, variance about 1."""
    return (2 * x - 1) / SPREAD


def as_picture(signal: Tensor) -> Tensor:
    """The way back, clipped to [0, 1]."""
    return (0.5 * (SPREAD * signal + 1)).clamp(0, 1)


@torch.inference_mode()
def sample_diffusion(
    network: UNet,
    n: int,
    generator: Source,
    *,
    steps: int = STEPS,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """(n, 1, 28, 28) in [0, 1], on the CPU; each picture takes `steps` passes through the network."""
    device = next(network.parameters()).device
    noise = normal((n, 1, 28, 28), generator, device)
    parts: list[Tensor] = []
    for part in noise.split(250):
        parts.append(as_picture(ddim(network, part, steps)).cpu())
        if progress:
            progress(min(250 * len(parts), n), n)
    return torch.cat(parts)


def train_diffusion(
    pixels: Tensor,
    generator: torch.Generator,
    *,
    epochs: int,
    channels: int = CHANNELS,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> UNet:
    """Learn the velocity at random times (Ho et al. 2020, Algorithm 1); the rate rises for a
    twentieth of the steps, then falls along a cosine.

    Args:
        pixels: uint8 (N, 1, 28, 28), on the device of the training.
        generator: of weights, order, times and noise.
        channels, batch: of the network; more: slower, and closer to the images up to a point.
        progress: called with (steps done, steps).

    Returns:
        The running mean of the weights.
    """
    device = pixels.device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31 - 1, (), generator=generator)))
        network = UNet(channels).to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster on a CPU
    kept = copy.deepcopy(network).eval().requires_grad_(False)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    for done, steps, picture in batches(pixels, generator, epochs=epochs, batch=batch, progress=progress):
        for group in optimiser.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * done / steps)) * min(1, 20 * (done + 1) / steps)
        x = as_signal(picture)
        t = (uniform((1,), generator, device) + torch.arange(batch, device=device) / batch) % 1
        x_t, wanted = noised(x, normal(x.shape, generator, device), t)
        loss = (network(x_t, t) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        follow(kept, network, done)
    return kept
