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

MOMENTS = ("exp_avg", "exp_avg_sq")  # what Adam remembers of each weight (Kingma and Ba 2014, algorithm 1)


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
        self.weights = list(vae.parameters())
        self.half = precision == "bfloat16"
        on_gpu = self.device.type == "cuda"
        self._rate = rate
        self.optimiser = torch.optim.Adam(
            self.weights,
            lr=torch.tensor(rate, device=self.device) if on_gpu else rate,
            fused=self.device.type in ("cpu", "cuda"),
        )
        for weight in self.weights:  # as Adam would at its first step; then `state` need not ask whether there was one
            kept = self.optimiser.state[weight]
            kept["step"] = torch.zeros((), device=self.device if on_gpu else None)
            for moment in MOMENTS:
                kept[moment] = torch.zeros_like(weight)
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
        if value == self._rate:
            return
        self._rate = value
        group = self.optimiser.param_groups[0]
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(value)
        else:
            group["lr"] = value

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
        return torch.nn.utils.get_total_norm([weight.grad for weight in self.weights if weight.grad is not None])

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
            self.optimiser.step()

    def _adam(self, skip: Tensor) -> tuple[Tensor, ...]:
        on_gpu = self.device.type == "cuda"
        # Said only where it is true: Adam warns of a step that could be recorded and is not.
        self.optimiser.param_groups[0]["capturable"] = on_gpu and torch.cuda.is_current_stream_capturing()
        self.optimiser.found_inf = skip  # type: ignore[attr-defined]  # what a gradient scaler would set: 1 to skip
        self.optimiser.step()
        self.optimiser.found_inf = None  # type: ignore[attr-defined]
        return ()

    def state(self) -> dict[str, Tensor]:
        """Everything Adam remembers, as tensors by name; copies on the CPU, and whole without `rate`.

        "adam.step" (float32 scalar: steps done), and "adam.NAME.exp_avg" and "adam.NAME.exp_avg_sq" of each weight.
        """
        kept = {"adam.step": self.optimiser.state[self.weights[0]]["step"]} | self._moments()
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
        for weight in self.weights:
            self.optimiser.state[weight]["step"].copy_(steps)

    def _moments(self) -> dict[str, Tensor]:
        return {
            f"adam.{name}.{moment}": self.optimiser.state[weight][moment]
            for name, weight in zip(self.names, self.weights, strict=True)
            for moment in MOMENTS
        }


def _terms(found: Loss) -> Terms:
    return Terms(found.total.detach(), found.recon_nll.detach().sum(), found.kl.detach().sum())
