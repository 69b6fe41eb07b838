"""What the rivals' trainings have in common: batches in a new order each epoch, and the running mean of the weights."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from vae.batches import as_x

KEPT = 0.998  # of the running mean, at each step
SAID = 20  # steps between two words on how far it is


def batches(
    pixels: Tensor,
    generator: torch.Generator,
    *,
    epochs: int,
    batch: int,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[int, int, Tensor]]:
    """The steps of a training: steps done before it, steps of all, and a batch (B, C, H, W) in [0, 1].

    Args:
        pixels: uint8 (N, C, H, W). Those that fill no batch wait for another epoch.
        generator: of the order.
        progress: called with (steps done, steps).
    """
    whole = len(pixels) // batch * batch
    steps, done = epochs * (whole // batch), 0
    for _ in range(epochs):
        order = torch.randperm(len(pixels), generator=generator)
        for rows in order[:whole].split(batch):
            yield done, steps, as_x(pixels[rows])
            done += 1
            if progress and done % SAID == 0:
                progress(done, steps)


@torch.no_grad()
def follow(kept: nn.Module, network: nn.Module, done: int) -> None:
    """Move the running mean on by a step: of the weights. What else a network keeps is taken as it is.

    Args:
        kept: holds the mean, of the same shape as `network`. done: steps before this one; while they are few the mean
            forgets faster, or its random start would stay in it.
    """
    keep = min(KEPT, (done + 1) / (done + 10))
    torch._foreach_lerp_(list(kept.parameters()), list(network.parameters()), 1 - keep)
    for mine, its in zip(kept.buffers(), network.buffers(), strict=True):
        mine.copy_(its)
