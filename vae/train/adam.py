"""The optimiser: Adam over a list of weights, what it remembers of them, and its step as a GPU records it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from vae.errors import VAEError
from vae.train.replay import Replay


class Adam:
    """Kingma and Ba 2014, algorithm 1, in torch's fused kernel. The weights hold their gradients.

    Args:
        names: of the weights, under which `state` has what is remembered of each.
        weights: they stay where they are in memory. A GPU also wants their gradients to, from before this is made.
        rate: the paper's alpha.
        beta1, beta2: how long the means of the gradient, and of its square, remember.
    """

    def __init__(
        self, names: Sequence[str], weights: Sequence[Tensor], rate: float, beta1: float = 0.9, beta2: float = 0.999
    ) -> None:
        self.names, self.weights = list(names), list(weights)
        self.beta1, self.beta2 = beta1, beta2
        device = self.weights[0].device
        # Steps done, and of each weight the means of its gradient and of that squared.
        self._steps = torch.zeros((), device=device)
        self._first, self._second = ([torch.zeros_like(weight) for weight in self.weights] for _ in range(2))
        self._rate = rate
        self._rate_on_gpu = torch.tensor(rate, device=device) if device.type == "cuda" else None
        self.recorded = Replay(self.work) if device.type == "cuda" else None

    @property
    def rate(self) -> float:
        """The length of a step, now."""
        return self._rate

    @rate.setter
    def rate(self, value: float) -> None:
        if value != self._rate and self._rate_on_gpu is not None:
            self._rate_on_gpu.fill_(value)
        self._rate = value

    def apply(self, skip: Tensor | None = None) -> None:
        """Change the weights by the gradients they hold.

        Args:
            skip: bool scalar on the device; where it holds nothing changes, neither weights nor what is remembered.
                It is looked at there, so a GPU is not waited for.
        """
        if self.recorded is not None:
            self.recorded(torch.zeros_like(self._steps) if skip is None else skip.float())
        elif skip is None or not skip:
            self.work()

    @torch.no_grad()
    def work(self, skip: Tensor | None = None) -> tuple[Tensor, ...]:
        """One step; skip: 1.0 where nothing is to change, else 0.0."""
        self._steps += 1 if skip is None else 1 - skip
        torch._fused_adam_(
            self.weights,
            [weight.grad for weight in self.weights if weight.grad is not None],
            self._first,
            self._second,
            [],
            [self._steps] * len(self.weights),
            lr=self._rate if self._rate_on_gpu is None else self._rate_on_gpu,
            beta1=self.beta1,
            beta2=self.beta2,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
            found_inf=skip,
        )
        return ()

    def state(self) -> dict[str, Tensor]:
        """Everything it remembers, as tensors by name; copies on the CPU, and whole without `rate`.

        "adam.step" (float32 scalar: steps done), and "adam.NAME.exp_avg" and "adam.NAME.exp_avg_sq" of each weight.
        """
        kept = {"adam.step": self._steps} | self._moments()
        return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in kept.items()}

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up what `state` gave, to the bit. VAEError: it is of another network; then nothing was changed."""
        self.check(tensors)
        for name, value in self._moments().items():
            value.copy_(tensors[name])
        self._steps.copy_(tensors["adam.step"])

    def check(self, tensors: dict[str, Tensor]) -> None:
        """VAEError: this is not what `state` gives of these weights."""
        kept = self._moments()
        steps = tensors.get("adam.step")
        if (
            steps is None
            or steps.numel() != 1
            or set(tensors) != {"adam.step", *kept}
            or any(tensors[name].shape != value.shape for name, value in kept.items())
        ):
            raise VAEError("What was kept of the optimiser is of another network: go on with the one it belongs to.")

    def _moments(self) -> dict[str, Tensor]:
        return {
            f"adam.{name}.{moment}": value
            for moment, values in (("exp_avg", self._first), ("exp_avg_sq", self._second))
            for name, value in zip(self.names, values, strict=True)
        }
