"""What several tests of evaluation need."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.model import VAE
from vae.posterior import Posterior

ToldBy = Callable[..., Checkpoint]


class Tells(VAE):
    """Its code is what `tell` makes of x."""

    def __init__(self, size: int, tell: Callable[[torch.Tensor], torch.Tensor], side: int) -> None:
        super().__init__(Config(shape=(1, side, side), latent_dim=size, encoder_sizes=(4,), decoder_sizes=(4,)))
        self.tell = tell

    def encode(self, x: torch.Tensor) -> Posterior:
        mu = self.tell(x)
        return Posterior(mu, torch.zeros_like(mu))


@pytest.fixture
def told_by(tmp_path: Path) -> ToldBy:
    """told_by(size, tell): a model whose codes are (B, size) `tell(x)` of x (B, 1, side, side), without spread."""

    def made(size: int, tell: Callable[[torch.Tensor], torch.Tensor], side: int = 8) -> Checkpoint:
        return Checkpoint(Tells(size, tell, side).eval().requires_grad_(False), {}, "0" * 16, tmp_path)

    return made
