"""Noise that becomes codes: how much of it, and how far out it may lie. And the prior that leaves it as it is."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from vae.errors import VAEError
from vae.posterior import Source, normal

FEWEST = 20  # codes that a prior model is fitted on


def check_codes(codes: Tensor) -> None:
    """VAEError: codes (N, L) that no prior model can be fitted on."""
    if len(codes) < FEWEST or not torch.isfinite(codes).all():
        raise VAEError(
            f"A prior is fitted on {FEWEST} finite codes or more, and there are {len(codes)}: encode more images."
        )


def tightened(noise: Tensor, temperature: float = 1.0, limit: float = 0.0) -> Tensor:
    """Noise of N(0, I) drawn closer in: truncated to |e_i| <= limit, then scaled by the temperature.

    Truncation is the truncated normal itself, what redrawing each number beyond the limit gives (Brock et al. 2019,
    section 3.1), but through the distribution function: the same noise moves evenly as the limit moves.

    Args:
        noise: (n, L) of N(0, I).
        temperature: at least 0. Less: more typical, less variety; 0: the middle every time.
        limit: in standard deviations; less: more typical. 0: none.

    Returns:
        (n, L), the noise itself where neither changes it.

    Raises:
        VAEError: a temperature or a limit that is negative or not finite.
    """
    for what, value in (("temperature", temperature), ("limit", limit)):
        if not 0 <= value < float("inf"):
            raise VAEError(f"The {what} of samples is {value}: choose a number from 0 on.")
    if limit:
        tail = torch.special.ndtr(torch.tensor(-limit, dtype=torch.float64))
        share = tail + torch.special.ndtr(noise.double()) * (1 - 2 * tail)  # of N(0, 1) below it
        noise = torch.special.ndtri(share).clamp(-limit, limit).to(noise.dtype)
    return noise if temperature == 1 else noise * temperature + 0.0  # + 0 turns -0.0 into 0.0


@dataclass(frozen=True)
class Standard:
    """N(0, I) itself."""

    kind: ClassVar[str] = "standard"
    latent_dim: int

    def place(self, noise: Tensor, choice: Tensor) -> Tensor:
        """The noise as it is."""
        return noise

    def sample(self, n: int, generator: Source) -> Tensor:
        """(n, L)."""
        return normal((n, self.latent_dim), generator, torch.device("cpu"))

    def tensors(self) -> dict[str, Tensor]:
        """Nothing needs to be kept of it."""
        return {}
