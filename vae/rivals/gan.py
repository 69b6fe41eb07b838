"""A small GAN (Goodfellow et al. 2014), built and trained as DCGAN (Radford et al. 2016)."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.dense import Dense
from vae.posterior import Source, normal
from vae.rivals.learning import batches, follow

NOISE = 64  # numbers that a picture is made of
CHANNELS = 32
BATCH, RATE, MOMENTUM = 128, 4e-4, 0.5
REAL = 0.9  # what the critic shall say of real images: it may not become sure (Salimans et al. 2016)


class Generator(nn.Module):
    """z (B, 64) to pictures (B, 1, 28, 28) in [0, 1]."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.inlet = Dense(NOISE, 2 * channels * 49)
        self.body = nn.Sequential(
            nn.BatchNorm2d(2 * channels),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * channels, channels, kernel_size=4, stride=2, padding=1),  # (B, C, 14, 14)
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.ConvTranspose2d(channels, 1, kernel_size=4, stride=2, padding=1),  # (B, 1, 28, 28)
        )
        self.channels = channels

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.body(self.inlet(z).unflatten(1, (2 * self.channels, 7, 7))))


class Critic(nn.Module):
    """Pictures (B, 1, 28, 28) to a logit (B,): real, or made."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels, 2 * channels, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Dropout(0.3),
            Dense(2 * channels * 49, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x).squeeze(1)


@torch.inference_mode()
def sample_gan(network: Generator, n: int, generator: Source) -> Tensor:
    """(n, 1, 28, 28) in [0, 1], on the CPU."""
    device = next(network.parameters()).device
    noise = normal((n, NOISE), generator, device)
    return torch.cat([network(part).cpu() for part in noise.split(500)])


def train_gan(
    pixels: Tensor,
    generator: torch.Generator,
    *,
    epochs: int,
    channels: int = CHANNELS,
    batch: int = BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> Generator:
    """Two networks against each other, a step of the critic and a step of the generator for each batch.

    The generator maximises log D(G(z)) (Goodfellow et al. 2014, section 3). What is returned is the running mean of its
    weights.

    Args:
        pixels: uint8 (N, 1, 28, 28), on the device of the training.
        generator: of weights, order and noise.
        channels, batch: of both networks; more: slower, and sharper up to a point.
        progress: called with (steps done, steps).
    """
    device = pixels.device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(int(torch.randint(2**31 - 1, (), generator=generator)))
        maker, critic = Generator(channels).to(device), Critic(channels).to(device)
        kept = copy.deepcopy(maker)
        of_maker, of_critic = (torch.optim.Adam(net.parameters(), RATE, (MOMENTUM, 0.999)) for net in (maker, critic))
        for done, _, x in batches(pixels, generator, epochs=epochs, batch=batch, progress=progress):
            made = maker(normal((batch, NOISE), generator, device))  # (B, 1, 28, 28)
            real, fake = critic(x), critic(made.detach())
            loss = _said(real, REAL) + _said(fake, 0.0)
            of_critic.zero_grad()
            loss.backward()
            of_critic.step()
            critic.requires_grad_(False)  # it only passes the gradient on
            loss = _said(critic(made), 1.0)
            of_maker.zero_grad()
            loss.backward()
            of_maker.step()
            critic.requires_grad_(True)
            follow(kept, maker, done)
    return kept.eval().requires_grad_(False)


def _said(logits: Tensor, wanted: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, wanted))
