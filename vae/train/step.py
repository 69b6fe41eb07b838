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
    """

    def __init__(self, vae: VAE, rate: float, precision: str = "float32") -> None:
        self.vae = vae
        self.device = next(vae.parameters()).device
        self.names = [name for name, _ in vae.named_parameters()]
        self.weights: list[Tensor] = list(vae.parameters())
        self.half = precision == "bfloat16"
        on_gpu = self.device.type == "cuda"
        # What Adam remembers: steps done, and of each weight the means of its gradient and of that squared.
        self._steps = torch.zeros((), device=self.device)
        self._first, self._second = ([torch.zeros_like(weight) for weight in self.weights] for _ in range(2))
        self._rate = rate
        self._rate_on_gpu = torch.tensor(rate, device=self.device) if on_gpu else None
        self._norm: Tensor | None = None
        self._held: tuple[tuple[float, ...], Tensor] = (), torch.empty(0)  # numbers, and where they lie on the device
        if on_gpu:
            self._recorded_gradients, self._recorded_adam = Replay(self._compute), Replay(self._adam)
            for weight in self.weights:
                weight.grad = torch.zeros_like(weight)  # a place that stays: what is recorded knows only places
        elif self.device.type == "cpu":
            keep_freed_memory()

    @property
    def rate(self) -> float:
        """Of Adam, now."""
        return self._rate

    @rate.setter
    def rate(self, value: float) -> None:
        if value != self._rate and self._rate_on_gpu is not None:
            self._rate_on_gpu.fill_(value)
        self._rate = value

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
            self._take(torch.autograd.grad(found.total, self.weights))
        else:
            for weight in self.weights:
                weight.grad = None  # the backward pass then hands its own tensors over, and adds to nothing
            found.total.backward()
        return _terms(found)

    def _loss(self, batch: Tensor, generator: Source, kl_term: KLTerm) -> Loss:
        # No cache of the weights in bfloat16: a recording must turn them anew each time.
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half, cache_enabled=False):
            return loss(self.vae, as_x(batch), generator, kl_term)

    def _compute(
        self, batch: Tensor, held: Tensor, generator: torch.Generator, limited: bool, free_bits: float
    ) -> tuple[Tensor, ...]:
        """What is recorded of `gradients`; beta and capacity change from step to step and lie in a tensor (2,)."""
        beta: Any
        capacity: Any
        beta, capacity = held.unbind()
        found = self._loss(batch, generator, KLTerm(beta, capacity if limited else None, free_bits))
        self._take(torch.autograd.grad(found.total, self.weights))
        terms = _terms(found)
        return terms.total, terms.recon_nll, terms.kl, self._total_norm()

    def _on_device(self, *numbers: float) -> Tensor:
        if numbers != self._held[0]:
            self._held = numbers, torch.tensor(numbers, device=self.device)
        return self._held[1]

    @torch.no_grad()
    def _take(self, gradients: Sequence[Tensor]) -> None:
        torch._foreach_copy_([weight.grad for weight in self.weights if weight.grad is not None], list(gradients))

    def norm(self) -> Tensor:
        """Scalar: the length of the whole gradient, all weights together. Not finite as soon as one number is not."""
        return self._total_norm() if self._norm is None else self._norm

    def _total_norm(self) -> Tensor:
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        if self.device.type != "cpu":
            return torch.nn.utils.get_total_norm(gradients)
        flat = [gradient.flatten() for gradient in gradients]  # a dot product takes half the time of a norm here
        return torch.stack([each.dot(each) for each in flat]).sum().sqrt()

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
        if self.device.type == "cuda":
            self._recorded_adam(torch.zeros((), device=self.device) if skip is None else skip.float())
        elif skip is None or not skip:
            self._adam()

    @torch.no_grad()
    def _adam(self, skip: Tensor | None = None) -> tuple[Tensor, ...]:
        """Kingma and Ba 2014, algorithm 1, in torch's fused kernel; skip: 1.0 where nothing is to change, else 0.0."""
        self._steps += 1 if skip is None else 1 - skip
        torch._fused_adam_(
            self.weights,
            [weight.grad for weight in self.weights if weight.grad is not None],
            self._first,
            self._second,
            [],
            [self._steps] * len(self.weights),
            lr=self._rate if self._rate_on_gpu is None else self._rate_on_gpu,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
            found_inf=skip,
        )
        return ()

    def state(self) -> dict[str, Tensor]:
        """Everything Adam remembers, as tensors by name; copies on the CPU, and whole without `rate`.

        "adam.step" (float32 scalar: steps done), and "adam.NAME.exp_avg" and "adam.NAME.exp_avg_sq" of each weight.
        """
        kept = {"adam.step": self._steps} | self._moments()
        return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in kept.items()}

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up what `state` gave, to the bit. VAEError: it is of another network; then nothing was changed."""
        kept = self._moments()
        steps = tensors.get("adam.step")
        if (
            steps is None
            or steps.numel() != 1
            or set(tensors) != {"adam.step", *kept}
            or any(tensors[name].shape != value.shape for name, value in kept.items())
        ):
            raise VAEError("What was kept of the optimiser is of another network: go on with the one it belongs to.")
        for name, value in kept.items():
            value.copy_(tensors[name])
        self._steps.copy_(steps)

    def _moments(self) -> dict[str, Tensor]:
        return {
            f"adam.{name}.{moment}": value
            for moment, values in (("exp_avg", self._first), ("exp_avg_sq", self._second))
            for name, value in zip(self.names, values, strict=True)
        }


def _terms(found: Loss) -> Terms:
    return Terms(found.total.detach(), found.recon_nll.detach().sum(), found.kl.detach().sum())
