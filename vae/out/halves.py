"""A model's two halves as networks of their own, traced for whoever runs them without Muscope."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vae.checkpoint import Checkpoint
from vae.errors import VAEError

LARGEST_BATCH = 65_536
EXAMPLES = 3  # in the batch that is traced: any number but 0 and 1, which a trace takes for constants


class Encoder(nn.Module):
    """x (B, *shape) in [0, 1] to mu and logvar, (B, L) each; of a plain autoencoder to mu alone."""

    def __init__(self, vae: nn.Module, point: bool) -> None:
        super().__init__()
        self.vae, self.point = vae, point

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        q = self.vae.encode(x)  # type: ignore[operator]
        return q.mu if self.point else (q.mu, q.logvar)


class Decoder(nn.Module):
    """z (B, L) to the picture x (B, *shape): the mean of p(x|z)."""

    def __init__(self, vae: nn.Module) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = self.vae.decode(z)  # type: ignore[operator]
        return x


@dataclass(frozen=True, eq=False)
class Half:
    """One half of a model.

    Attributes:
        name: "encoder" or "decoder".
        network: on the CPU, in evaluation mode.
        example: a batch it can be traced with.
        takes, gives: names of what goes in and what comes out.
    """

    name: str
    network: nn.Module
    example: Tensor
    takes: str
    gives: tuple[str, ...]

    def answers(self, batch: Tensor) -> tuple[Tensor, ...]:
        """What torch says of a batch, one tensor for each name in `gives`."""
        with torch.inference_mode():
            found = self.network(batch)
        return found if isinstance(found, tuple) else (found,)


def halves(model: Checkpoint) -> tuple[Half, Half]:
    """Encoder and decoder of a model that was loaded on the CPU."""
    point = model.config.posterior == "point"
    generator = torch.Generator().manual_seed(0)
    x = torch.rand((EXAMPLES, *model.config.shape), generator=generator)
    z = torch.randn((EXAMPLES, model.config.latent_dim), generator=generator)
    return (
        Half("encoder", Encoder(model.vae, point).eval(), x, "x", ("mu",) if point else ("mu", "logvar")),
        Half("decoder", Decoder(model.vae).eval(), z, "z", ("x",)),
    )


def traced(half: Half) -> torch.export.ExportedProgram:
    """The half as a program of torch's own, for batches of any size up to 65,536.

    Raises:
        VAEError: what the network does depends on the numbers it is given, so it cannot be written down once for all.
    """
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    try:
        with quiet(), torch.no_grad():
            return torch.export.export(half.network, (half.example,), dynamic_shapes=({0: batch},))
    except Exception as error:  # torch's tracer has no error of its own; a network of another's may do anything
        raise VAEError(
            f"The {half.name} of this model cannot be traced by torch ({_first_line(error)}): take its folder instead."
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Torch's exporters warn about parts of their own; what goes wrong is told by an error."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
