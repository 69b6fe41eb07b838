"""One training on several devices: each process takes its rows of every batch, and the gradients are added up.

Started by `torchrun`, one process for each device. All begin with the same weights and the same generator; the noise of
a step is drawn for the whole batch by each of them and cut to its rows, so together they do what one process would do.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

from vae.config import Config
from vae.errors import VAEError
from vae.objectives import KLTerm
from vae.train.step import Stepper, Terms

Told = TypeVar("Told")


@dataclass(frozen=True)
class Share:
    """The part of each batch that this process takes.

    Attributes:
        rank: of this process, from 0. Only rank 0 speaks and saves.
        world: processes in all.
    """

    rank: int = 0
    world: int = 1

    @property
    def alone(self) -> bool:
        """One process does it all."""
        return self.world == 1

    def rows(self, count: int) -> tuple[slice, int]:
        """Which of the `count` rows of a batch are ours, and how many of them count.

        Where there are fewer rows than processes, some look at the first row and add nothing: all take part in the
        sum, and all draw the same noise.
        """
        first, last = (count * rank // self.world for rank in (self.rank, self.rank + 1))
        return (slice(first, last), last - first) if first < last else (slice(0, 1), 0)

    def add_up(self, gradients: Sequence[Tensor], sums: Tensor) -> Tensor:
        """Add gradients over all processes, in place, and a few sums: one all_reduce for everything.

        Args:
            gradients: of this process's rows, already weighed so that their sum is the gradient of the batch.
            sums: (K,) likewise.

        Returns:
            (K,), over all processes.
        """
        flat = torch.cat([*(gradient.reshape(-1) for gradient in gradients), sums])
        dist.all_reduce(flat)
        *parts, sums = flat.split([*(gradient.numel() for gradient in gradients), len(sums)])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return sums

    def average(self, mean: Tensor, weight: float) -> Tensor:
        """From each process's own mean to that of the whole batch. weight: our part of the batch."""
        whole = mean * weight
        dist.all_reduce(whole)
        return whole

    def tell(self, what: Told, device: torch.device) -> Told:
        """What rank 0 says, to everybody: anything that JSON can say."""
        text = torch.tensor(list(json.dumps(what).encode()), dtype=torch.uint8, device=device)
        length = torch.tensor(len(text), device=device)
        dist.broadcast(length, src=0)
        if self.rank:
            text = torch.empty(int(length), dtype=torch.uint8, device=device)
        dist.broadcast(text, src=0)
        said: Told = json.loads(bytes(text.tolist()))
        return said

    def spread(
        self, tensors: dict[str, Tensor], facts: dict[str, Any], device: torch.device
    ) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What rank 0 has, to everybody; the tensors are of the same shapes everywhere."""
        for name in sorted(tensors):
            there = tensors[name].to(device)
            dist.broadcast(there, src=0)
            tensors[name] = there.cpu()
        return tensors, self.tell(facts, device)


ALONE = Share()


class SharedDraws:
    """Stands in a generator's place: draws for the whole batch and gives the rows of this process.

    Args:
        generator: in the same state in every process.
        rows: ours.
        count: of the whole batch.
    """

    def __init__(self, generator: torch.Generator, rows: slice, count: int) -> None:
        self.generator, self.rows, self.count = generator, rows, count
        self.device = generator.device

    def normal(self, shape: Sequence[int], device: torch.device, dtype: torch.dtype) -> Tensor:
        """Rows of N(0, 1) draws for the whole batch; shape is that of the rows."""
        whole = (self.count, *shape[1:])
        return torch.randn(*whole, generator=self.generator, device=self.device, dtype=dtype)[self.rows].to(device)

    def uniform(self, shape: Sequence[int], device: torch.device, dtype: torch.dtype) -> Tensor:
        """The same, between 0 and 1."""
        whole = (self.count, *shape[1:])
        return torch.rand(*whole, generator=self.generator, device=self.device, dtype=dtype)[self.rows].to(device)


def device_of_share(device: str) -> str:
    """The device of this process under torchrun: its own GPU where "auto" or "cuda" was asked for."""
    local = os.environ.get("LOCAL_RANK")
    if local is None or device not in ("auto", "cuda") or not torch.cuda.is_available():
        return device
    if int(local) >= torch.cuda.device_count():
        raise VAEError(
            f"torchrun started more processes than the {torch.cuda.device_count()} GPUs here: lower --nproc-per-node."
        )
    return f"cuda:{local}"


def processes() -> int:
    """How many of them torchrun started to train together; 1 where it did not start this one."""
    told = {"RANK", "MASTER_ADDR"} <= set(os.environ)  # a cluster may set the size alone and mean something else
    return int(os.environ.get("WORLD_SIZE", "1")) if told else 1


@contextmanager
def joined(device: torch.device) -> Iterator[Share]:
    """This process's share; under torchrun the processes find each other first, and part at the end.

    gloo on a CPU, nccl on CUDA.
    """
    world = processes()
    if world == 1:
        yield ALONE
        return
    if device.type not in ("cpu", "cuda"):
        raise VAEError(f"torchrun cannot train on {device.type}: take --device cpu or cuda.")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Share(dist.get_rank(), world)
    finally:
        dist.destroy_process_group()


def leave() -> NoReturn:
    """End a process that torchrun started and that has nothing more to do, at once.

    Threads of torch's have been seen to abort a process on its usual way out (1 in 30 over gloo), after its last word;
    torchrun then ends the others too, and the first may still be keeping the model.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def gradients(
    stepper: Stepper, pixels: Tensor, rows: Tensor, term: KLTerm, generator: torch.Generator, share: Share
) -> Tensor:
    """Gradients of one batch, each device doing its part of it.

    Args:
        pixels: all that is trained on.
        rows: (B,) those of the batch.

    Returns:
        (4,) the sums of the whole batch, as `Mean` keeps them.
    """
    config = stepper.vae.config
    if share.alone:
        return _sums(stepper.gradients(pixels.index_select(0, rows), generator, term), len(rows), config)
    mine, count = share.rows(len(rows))
    weight = count / len(rows)
    term = replace(term, over_all=lambda mean: share.average(mean, weight))
    draws = SharedDraws(generator, mine, len(rows))
    terms = stepper.gradients(pixels.index_select(0, rows[mine]), draws, term)
    found = [weights.grad for weights in stepper.vae.parameters() if weights.grad is not None]
    for gradient in found:
        gradient *= float(count > 0) if config.batch_reduction == "sum" else weight
    return share.add_up(found, _sums(terms, count, config) * float(count > 0))


def _sums(terms: Terms, images: int, config: Config) -> Tensor:
    """What `Mean` adds up, of one batch: (4,)."""
    total = terms.total if config.batch_reduction == "sum" else terms.total * images
    return torch.stack([terms.recon_nll, terms.kl, total, torch.full_like(total, images)])
