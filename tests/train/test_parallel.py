"""Several processes do together what one does: rows, noise, gradients, losses, and what is wished."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vae.config import Config
from vae.data.images import Images
from vae.errors import VAEError
from vae.model import VAE
from vae.train.loop import Trainer
from vae.train.news import Changed, Epoch, Event, Planned, Skipped, Step
from vae.train.parallel import Share, SharedDraws, device_of_share, joined
from vae.train.settings import Objective, Settings
from vae.train.wishes import Wishes

ROOT = Path(__file__).resolve().parents[2]
CONFIG = Config((1, 8, 8), 3, encoder_sizes=(7,), decoder_sizes=(5,))

KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "sums": ({"batch_reduction": "sum", "binarise": "dynamic"}, {}),
    "capacity": ({"beta": 30.0}, {"objective": Objective("capacity", nats=3.0, rise=0.1)}),
    "free bits, sums": ({"batch_reduction": "sum"}, {"objective": Objective("free-bits", nats=0.2)}),
    "gaussian": ({"likelihood": "gaussian", "recon_reduction": "mean"}, {"decay": 1.0}),
}


def noise(count: int, split: str = "train") -> Images:
    chance = np.random.default_rng(count)
    return Images("noise", split, chance.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8))


TRAIN, TEST = noise(41), noise(6, "test")  # the last batch of an epoch has one image: less than there are processes


@dataclass
class Table:
    """Where threads that play processes put what they have, and see what the others put."""

    world: int
    barrier: threading.Barrier = field(init=False)
    places: list[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.barrier = threading.Barrier(self.world, timeout=20)
        self.places = [None] * self.world

    def swap(self, rank: int, mine: Any) -> list[Any]:
        self.places[rank] = mine
        self.barrier.wait()
        everybodys = list(self.places)
        self.barrier.wait()
        return everybodys


@dataclass(frozen=True)
class Seat(Share):
    """A share whose processes are threads."""

    table: Any = None

    def add_up(self, gradients: Sequence[torch.Tensor], sums: torch.Tensor) -> torch.Tensor:
        everybodys = self.table.swap(self.rank, [gradient.clone() for gradient in gradients])
        for gradient, parts in zip(gradients, zip(*everybodys, strict=True), strict=True):
            gradient.copy_(sum(parts))
        return sum(self.table.swap(self.rank, sums.clone()))

    def average(self, mean: torch.Tensor, weight: float) -> torch.Tensor:
        return sum(self.table.swap(self.rank, mean * weight))

    def tell(self, what: Any, device: torch.device) -> Any:
        return self.table.swap(self.rank, what)[0]

    def spread(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any], device: torch.device) -> Any:
        return self.table.swap(self.rank, (tensors, facts))[0]


def made(kind: str, share: Share, wishes: Any = Wishes, **more: Any) -> Trainer:
    config, settings = KINDS[kind]
    settings = {"epochs": 3, "batch_size": 10, "rate": 0.01} | settings | more
    vae = VAE(CONFIG.with_(**config), seed=0)
    return Trainer(vae, TRAIN, TEST, Settings(**settings), wishes=wishes, share=share)


def together(trainers: list[Trainer]) -> list[list[Event]]:
    """What each of them says, run at the same time."""
    said: list[list[Event]] = [[] for _ in trainers]
    faults: list[BaseException] = []

    def work(rank: int) -> None:
        try:
            said[rank].extend(trainers[rank].run())
        except BaseException as fault:
            faults.append(fault)
            trainers[rank].share.table.barrier.abort()  # type: ignore[attr-defined]

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(len(trainers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return said


def seats(world: int) -> list[Share]:
    table = Table(world)
    return [Seat(rank, world, table) for rank in range(world)]


def losses(events: list[Event]) -> list[tuple[float, ...]]:
    return [
        (event.loss, event.recon_nll, event.kl, event.train_recon_nll, event.train_kl)
        for event in events
        if isinstance(event, Epoch)
    ]


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([value.flatten().clone() for value in trainer.vae.state_dict().values()])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("world", [2, 3])
def test_several_do_what_one_does(kind: str, world: int) -> None:
    one = made(kind, Share())
    wanted = losses(list(one.run()))
    trainers = [made(kind, share) for share in seats(world)]
    said = together(trainers)
    for events in said:
        np.testing.assert_allclose(losses(events), wanted, rtol=1e-4, atol=1e-4)
    for trainer in trainers:
        torch.testing.assert_close(weights(trainer), weights(one), rtol=1e-3, atol=1e-4)
        assert torch.equal(weights(trainer), weights(trainers[0]))  # among themselves to the bit
        assert (trainer.step, trainer.at) == (one.step, one.at)


def test_rank_0_alone_is_asked_and_all_do_as_it_says() -> None:
    def wish() -> Wishes:
        return Wishes("stop" if trainers[0].step == 7 else "", beta=0.3, rate=0.003)

    def nobodys() -> Wishes:
        raise AssertionError("only rank 0 is asked")

    trainers = [made("plain", share, nobodys if share.rank else wish) for share in seats(2)]
    first, second = together(trainers)
    for events in (first, second):
        assert [event for event in events if isinstance(event, Changed)] == [Changed(1, 1, 0.3, 0.003)]
    assert [trainer.ended for trainer in trainers] == ["stopped", "stopped"]
    assert [trainer.step for trainer in trainers] == [7, 7]
    assert torch.equal(weights(trainers[0]), weights(trainers[1]))


def test_minutes_are_counted_out_by_rank_0_for_all() -> None:
    trainers = [made("plain", share, minutes=0.01, epochs=100_000) for share in seats(2)]
    said = together(trainers)
    plans = [[event for event in events if isinstance(event, Planned)] for events in said]
    assert plans[0] and plans[0] == plans[1]
    assert trainers[0].step == trainers[1].step


def test_a_step_that_is_no_number_for_one_is_skipped_by_all() -> None:
    trainers = [made("plain", share) for share in seats(2)]
    real = trainers[1].stepper.gradients

    def gradients(*given: Any) -> Any:
        terms = real(*given)
        if trainers[1].step == 3:
            trainers[1].vae.decoder.out.bias.grad[0] = float("nan")
        return terms

    trainers[1].stepper.gradients = gradients  # type: ignore[method-assign]
    for events in together(trainers):
        told = [event for event in events if isinstance(event, Skipped)]
        assert told == [Skipped(4, 1, "gradient of decoder.out.bias", 1)]
    assert torch.equal(weights(trainers[0]), weights(trainers[1])) and weights(trainers[0]).isfinite().all()


def test_a_run_of_two_goes_on_as_one_and_the_other_way_round() -> None:
    one = made("plain", Share())
    wanted = losses(list(one.run()))
    trainers = [made("plain", share, lambda: Wishes("pause" if trainers[0].step == 7 else "")) for share in seats(2)]
    together(trainers)
    assert trainers[0].paused and trainers[1].paused
    alone = made("plain", Share())
    alone.restore(*trainers[1].state())
    np.testing.assert_allclose(losses(list(alone.run())), wanted[1:], rtol=1e-4)
    again = [made("plain", share) for share in seats(3)]
    again[0].restore(*trainers[0].state())  # the others stand where it stands
    for events in together(again):
        np.testing.assert_allclose(losses(events), wanted[1:], rtol=1e-4)


def test_a_full_memory_ends_a_shared_run_in_one_line() -> None:
    def gradients(*given: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    trainers = [made("plain", share) for share in seats(2)]
    for trainer in trainers:
        trainer.stepper.gradients = gradients  # type: ignore[method-assign]
    with pytest.raises(VAEError, match="memory of the device is full"):
        together(trainers)


@pytest.mark.parametrize("world", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 128])
def test_every_row_is_somebodys_and_nobody_has_none(world: int, count: int) -> None:
    parts = [Share(rank, world).rows(count) for rank in range(world)]
    owned = [row for rows, counted in parts if counted for row in range(count)[rows]]
    assert owned == list(range(count))
    assert sum(counted for _, counted in parts) == count
    assert all(len(range(count)[rows]) == max(counted, 1) for rows, counted in parts)
    sizes = [counted for _, counted in parts]
    assert max(sizes) - min(sizes) <= 1


def test_draws_are_the_rows_of_the_draws_for_all() -> None:
    cpu, kind = torch.device("cpu"), torch.float32
    one = torch.Generator().manual_seed(3)
    whole = torch.rand(7, 4, generator=one), torch.randn(7, 2, generator=one)
    for rank in range(3):
        rows, count = Share(rank, 3).rows(7)
        draws = SharedDraws(torch.Generator().manual_seed(3), rows, 7)
        assert torch.equal(draws.uniform((count, 4), cpu, kind), whole[0][rows])
        assert torch.equal(draws.normal((count, 2), cpu, kind), whole[1][rows])


def test_a_process_takes_the_gpu_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_of_share("auto") == "auto"
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert [device_of_share(name) for name in ("auto", "cuda", "cpu", "cuda:0")] == [
        "cuda:1",
        "cuda:1",
        "cpu",
        "cuda:0",
    ]
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(VAEError, match="more processes than the 2 GPUs"):
        device_of_share("auto")


SECOND = """
import torch
from tests_train_parallel import made
from vae.train.parallel import joined, leave
torch.set_num_threads(1)
with joined(torch.device("cpu")) as share:
    for kind in ("capacity", "sums"):
        list(made(kind, share).run())
leave()
"""


def test_two_processes_agree_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As torchrun starts them, and over gloo; this process is the first."""
    (tmp_path / "tests_train_parallel.py").write_bytes(Path(__file__).read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": "0", "LOCAL_RANK": "0"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    changed = {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "RANK": "1", "LOCAL_RANK": "1"}
    with subprocess.Popen([sys.executable, "-c", SECOND], env=os.environ | changed) as second:
        try:
            with joined(torch.device("cpu")) as share:
                assert share == Share(0, 2)
                found = {kind: losses(list(made(kind, share).run())) for kind in ("capacity", "sums")}
            assert second.wait(60) == 0
        finally:
            second.kill()
    for kind, those in found.items():
        np.testing.assert_allclose(those, losses(list(made(kind, Share()).run())), rtol=1e-4)


def test_steps_are_told_by_every_rank_alike() -> None:
    trainers = [made("plain", share) for share in seats(2)]
    first, second = together(trainers)
    kept = [[event.step_total for event in events if isinstance(event, Step)] for events in (first, second)]
    assert kept[0] == kept[1] == [1, 2, 5, 10, 15]
