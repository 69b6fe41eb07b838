"""The dense layer: nn.Linear, with a faster product of matrices for batches on a CPU.

Most of the time of a dense VAE is products of matrices. torch hands them to MKL, which on a processor that is not
Intel's works at half its speed. oneDNN, which torch brings along for convolutions, works at full speed on both, so
batches go there. The numbers agree to rounding, and what is kept of a layer is that of nn.Linear.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

BATCH = 32  # rows from which the other product pays: what follows a hand is less and stays with torch's own


def product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a (M, K) times b (N, K) transposed, plus bias (N,): (M, N), all float32 on the CPU. Fastest with a contiguous."""
    return torch.ops.mkldnn._linear_pointwise(a.contiguous(), b, bias, "none", [], "")


def _product_works() -> bool:
    # The operator is one that torch keeps for its own compiler: it is tried before it is trusted.
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkl.is_available()):
        return False
    a, b, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0]]), torch.tensor([1.0, -1.0])
    try:
        return torch.equal(product(a, b, bias), torch.tensor([[12.0, 16.0]]))
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False


PRODUCT_WORKS = _product_works()


class _Linear(torch.autograd.Function):
    """y = x W^T + b by `product`, and its three gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)  # (B, I), (O, I) -> (B, O)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            product(grad, weight.t()) if needs_x else None,  # (B, O), (I, O) -> (B, I)
            product(grad.t(), x.t()) if needs_weight else None,  # (O, B), (I, B) -> (O, I)
            grad.sum(dim=0) if needs_bias else None,  # (O,)
        )


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x (B, I) times weight (O, I) transposed, plus bias (O,): (B, O)."""
    if (
        PRODUCT_WORKS
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and x.ndim == 2
        and not torch.compiler.is_exporting()  # a program for elsewhere: torch's own, for any batch
        and len(x) >= BATCH
        and not torch.is_autocast_enabled("cpu")
    ):
        return _Linear.apply(x, weight, bias)
    return F.linear(x, weight, bias)


class Dense(nn.Linear):
    """x (B, I) to (B, O), float32 or what the layer was turned to."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight, self.bias)
