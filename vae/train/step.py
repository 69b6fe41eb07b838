"""One step of training: the loss of a batch, its gradients, and what Adam makes of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vae.batches import as_x
from vae.model import VAE
from vae.objectives import KLTerm, loss


@dataclass(frozen=True, eq=False)
class Terms:
    """What a batch came to, still on the device, so that no step waits for it.

    Attributes:
        total: scalar, what is minimised.
        recon_nll, kl: scalars, nats, summed over the batch.
    """

    total: Tensor
    recon_nll: Tensor
    kl: Tensor


class Stepper:
    """The optimiser and the one way in which weights change.

    Args:
        vae: trained in place.
        rate: of Adam.
        precision: "float32" or "bfloat16".
    """

    def __init__(self, vae: VAE, rate: float, precision: str = "float32") -> None:
        self.vae = vae
        self.device = next(vae.parameters()).device
        self.optimiser = torch.optim.Adam(vae.parameters(), lr=rate, fused=self.device.type in ("cpu", "cuda"))

    @property
    def rate(self) -> float:
        """Of Adam, now."""
        return float(self.optimiser.param_groups[0]["lr"])

    @rate.setter
    def rate(self, value: float) -> None:
        self.optimiser.param_groups[0]["lr"] = value

    def gradients(self, batch: Tensor, generator: torch.Generator, kl_term: KLTerm) -> Terms:
        """The loss of stored pixels (B, ...) and its gradient, which the parameters hold afterwards."""
        found = loss(self.vae, as_x(batch), generator, kl_term)
        self.optimiser.zero_grad(set_to_none=True)
        found.total.backward()
        return Terms(found.total.detach(), found.recon_nll.detach().sum(), found.kl.detach().sum())

    def apply(self) -> None:
        """Change the weights by the gradients they hold."""
        self.optimiser.step()

    def state(self) -> dict[str, Tensor]:
        """Everything the optimiser remembers, as tensors by name; copies on the CPU."""
        raise NotImplementedError

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        raise NotImplementedError
