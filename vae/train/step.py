"""One step of training: the loss of a batch, its gradients, and what Adam makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vae.batches import as_x
from vae.errors import VAEError
from vae.model import VAE
from vae.objectives import KLTerm, Loss, loss
from vae.posterior import Source
from vae.train.adam import Adam
from vae.train.minimise import LossOf
from vae.train.process import keep_freed_memory
from vae.train.replay import Replay


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

    On a GPU the two halves of a step, `gradients` and `apply`, are recorded and replayed; what is computed is the same.

    Args:
        vae: trained in place. Its weights must lie where and as they will be trained.
        rate: of Adam.
        precision: "float32"; or "bfloat16", in which the network's products are then computed. The weights, the draw
            of z and the loss stay float32.
        loss_of: what is minimised.
    """

    def __init__(self, vae: VAE, rate: float, precision: str = "float32", loss_of: LossOf = loss) -> None:
        self.vae, self.loss_of = vae, loss_of
        self.device = next(vae.parameters()).device
        self.names = [name for name, _ in vae.named_parameters()]
        self.weights: list[Tensor] = list(vae.parameters())
        self.half = precision == "bfloat16"
        self._norm: Tensor | None = None
        self._held: tuple[tuple[float, ...], Tensor] = (), torch.empty(0)  # numbers, and where they lie on the device
        if self.device.type == "cuda":
            self._recorded_gradients = Replay(self._compute)
            for weight in self.weights:
                weight.grad = torch.zeros_like(weight)  # a place that stays: what is recorded knows only places
        elif self.device.type == "cpu":
            keep_freed_memory()
        self.adam = Adam(self.names, self.weights, rate)

    @property
    def rate(self) -> float:
        """Of Adam, now."""
        return self.adam.rate

    @rate.setter
    def rate(self, value: float) -> None:
        self.adam.rate = value

    def gradients(self, batch: Tensor, generator: Source, kl_term: KLTerm) -> Terms:
        """The loss of stored pixels (B, ...) and its gradient, which the parameters hold afterwards.

        On a GPU the terms are written over by the next call.
        """
        talks = kl_term.over_all is not None  # to other processes, which cannot be recorded
        if self.device.type == "cuda" and isinstance(generator, torch.Generator) and not talks:
            options = (generator, kl_term.capacity is not None, kl_term.free_bits)
            try:
                *terms, self._norm = self._recorded_gradients(
                    batch, self._on_device(kl_term.beta, kl_term.capacity or 0.0), generator=generator, options=options
                )
            except torch.OutOfMemoryError:
                self._recorded_gradients.forget()
                raise
            return Terms(*terms)
        found = self._loss(batch, generator, kl_term)
        self._norm = None
        if self.device.type == "cuda":
            hold(self.weights, torch.autograd.grad(found.total, self.weights))
        else:
            for weight in self.weights:
                weight.grad = None  # the backward pass then hands its own tensors over, and adds to nothing
            found.total.backward()
        return terms_of(found)

    def in_half(self) -> torch.autocast:
        """`with` it the network's products are computed in bfloat16, where that was asked for."""
        # No cache of the weights in bfloat16: a recording must turn them anew each time.
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half, cache_enabled=False)

    def _loss(self, batch: Tensor, generator: Source, kl_term: KLTerm) -> Loss:
        with self.in_half():
            return self.loss_of(self.vae, as_x(batch), generator, kl_term)

    def _compute(
        self, batch: Tensor, held: Tensor, generator: torch.Generator, limited: bool, free_bits: float
    ) -> tuple[Tensor, ...]:
        """What is recorded of `gradients`; beta and capacity change from step to step and lie in a tensor (2,)."""
        beta: Any
        capacity: Any
        beta, capacity = held.unbind()
        found = self._loss(batch, generator, KLTerm(beta, capacity if limited else None, free_bits))
        hold(self.weights, torch.autograd.grad(found.total, self.weights))
        terms = terms_of(found)
        return terms.total, terms.recon_nll, terms.kl, norm_of(self.weights)

    def _on_device(self, *numbers: float) -> Tensor:
        if numbers != self._held[0]:
            self._held = numbers, torch.tensor(numbers, device=self.device)
        return self._held[1]

    def norm(self) -> Tensor:
        """Scalar: the length of the whole gradient, all weights together. Not finite as soon as one number is not."""
        return norm_of(self.weights) if self._norm is None else self._norm

    def culprit(self) -> str:
        """The first weight whose gradient is not finite, such as "decoder.out.weight"; "" where all are."""
        for name, weight in zip(self.names, self.weights, strict=True):
            if weight.grad is not None and not weight.grad.isfinite().all():
                return name
        return ""

    def apply(self, skip: Tensor | None = None) -> None:
        """Change the weights by the gradients they hold.

        Args:
            skip: bool scalar on the device; where it holds nothing changes, neither weights nor what Adam remembers.
                It is looked at there, so a GPU is not waited for.
        """
        self.adam.apply(skip)

    def state(self) -> dict[str, Tensor]:
        """Everything Adam remembers, as tensors by name; see `Adam.state`."""
        return self.adam.state()

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up what `state` gave, to the bit. VAEError: it is of another network; then nothing was changed."""
        self.adam.restore(tensors)


def terms_of(found: Loss) -> Terms:
    """A loss as a step tells it."""
    return Terms(found.total.detach(), found.recon_nll.detach().sum(), found.kl.detach().sum())


@torch.no_grad()
def hold(weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
    """Copy gradients to where the weights hold theirs: those lie as the weights do, and stay where they are."""
    torch._foreach_copy_([weight.grad for weight in weights if weight.grad is not None], list(gradients))


def norm_of(weights: Sequence[Tensor]) -> Tensor:
    """Scalar: the length of the whole gradient that these weights hold."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if weights[0].device.type != "cpu":
        return torch.nn.utils.get_total_norm(gradients)
    flat = [gradient.flatten() for gradient in gradients]  # a dot product takes half the time of a norm here
    return torch.stack([each.dot(each) for each in flat]).sum().sqrt()


def pick_precision(wanted: str, device: torch.device) -> str:
    """ "float32" or "bfloat16": what "auto" comes to on this device. VAEError: bfloat16 where it does not pay."""
    able = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if wanted == "bfloat16" and not able:
        raise VAEError("bfloat16 needs a GPU that multiplies in it, and this device does not: take float32 or auto.")
    return "bfloat16" if able and wanted != "float32" else "float32"
