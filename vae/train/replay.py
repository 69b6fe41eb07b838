"""Work on a GPU that is recorded once and then replayed: a hundred small kernels started at the price of one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM = 3  # calls before one is recorded: libraries choose their kernels at the first


class Replay:
    """A function of tensors on a CUDA device, recorded as a CUDA graph for each shape of its arguments.

    What it returns is written over by the next call. Where recording fails, for whatever reason, the function is
    simply called, then and ever after.

    Args:
        work: launches the same kernels for the same shapes and options, and waits for none. Tensors that it reads or
            writes besides its arguments stay where they are in memory.
    """

    def __init__(self, work: Callable[..., tuple[Tensor, ...]]) -> None:
        self.work = work
        self.works = True
        self._calls: dict[Any, int] = {}
        self._takes: dict[Any, tuple[torch.cuda.CUDAGraph, tuple[Tensor, ...], tuple[Tensor, ...]]] = {}

    def __call__(
        self, *inputs: Tensor, generator: torch.Generator | None = None, options: tuple[Any, ...] = ()
    ) -> tuple[Tensor, ...]:
        """What `work(*inputs, *options)` returns.

        Args:
            inputs: of any shape; each shape is recorded by itself.
            generator: that `work` draws from, always the same one.
            options: what else `work` is to know; hashable, and recorded as it is.
        """
        if not self.works:
            return self.work(*inputs, *options)
        key = (options, *((each.shape, each.dtype) for each in inputs))
        if key not in self._takes:
            self._calls[key] = self._calls.get(key, 0) + 1
            if self._calls[key] <= WARM or not self._record(key, inputs, generator, options):
                return self.work(*inputs, *options)
        graph, places, outputs = self._takes[key]
        for place, each in zip(places, inputs, strict=True):
            place.copy_(each)
        graph.replay()
        return outputs

    def forget(self) -> None:
        """Give the memory of all recordings back."""
        self._takes.clear()
        self._calls.clear()

    def _record(
        self, key: Any, inputs: tuple[Tensor, ...], generator: torch.Generator | None, options: tuple[Any, ...]
    ) -> bool:
        before = generator.get_state() if generator else None
        try:
            graph = torch.cuda.CUDAGraph()
            places = tuple(each.clone() for each in inputs)
            if generator is not None:
                graph.register_generator_state(generator)  # each replay then goes on drawing where the last one ended
            with torch.cuda.graph(graph):
                outputs = self.work(*places, *options)
        except (AttributeError, RuntimeError):  # a torch without a part of it; work that cannot be recorded
            self.works = False
            self.forget()
            if generator is not None and before is not None:
                generator.set_state(before)
            return False
        self._takes[key] = graph, places, outputs
        return True
