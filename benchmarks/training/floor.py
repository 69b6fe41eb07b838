"""The bare products of matrices of the dense network, forward and back, by torch's own `mm` into places that are ready.

Nothing else is done: no data, no activations, no loss, no Adam. As many steps as an epoch has, a line for each epoch;
the test pass is its forward products.
"""

from itertools import pairwise

import torch
from torch import Tensor

from benchmarks.training.contest import Task, say

Product = tuple[Tensor, Tensor, Tensor]  # a, b, and where a times b goes


def products(sizes: list[tuple[int, int]], batch: int, device: str) -> tuple[list[Product], list[Product]]:
    """Of one step: forward, and back. The first layer needs no gradient of what it reads.

    Args:
        sizes: numbers into and out of each layer, in order; the two heads of an encoder stand side by side.
    """
    forward, back = [], []
    for number, (into, out) in enumerate(sizes):
        x, weight, grad = (torch.randn(shape, device=device) for shape in ((batch, into), (out, into), (batch, out)))
        forward.append((x, weight.t(), torch.empty(batch, out, device=device)))
        back.append((grad.t(), x, torch.empty(out, into, device=device)))
        if number:
            back.append((grad, weight, torch.empty(batch, into, device=device)))
    return forward, back


def multiply(task: Task) -> None:
    """The products of all epochs."""
    train, test = task.images()
    config = task.config(train.shape)
    encoder = list(pairwise((config.pixels, *config.encoder_sizes)))
    heads = [(config.encoder_sizes[-1], config.latent_dim)] * 2
    decoder = list(pairwise((config.latent_dim, *config.decoder_sizes, config.pixels)))
    forward, back = products(encoder + heads + decoder, task.batch_size, task.device)
    for epoch in range(1, task.epochs + 1):
        for _ in range(-(-len(train) // task.batch_size)):
            for a, b, place in forward + back:
                torch.mm(a, b, out=place)
        for _ in range(-(-len(test) // task.batch_size)):
            for a, b, place in forward:
                torch.mm(a, b, out=place)
        if task.device != "cpu":
            torch.cuda.synchronize()
        say(epoch, 0.0)


if __name__ == "__main__":
    multiply(Task.read())
