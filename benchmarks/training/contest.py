"""What all who are timed against each other share: the task, its data, and one line for each epoch.

Each is a process of its own, `python -m benchmarks.training.NAME --data mnist ...`, so that what is timed is what a
person would wait for. The first line it prints is said when its data are there; the others are its test losses.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Self

import torch

from vae.config import Config
from vae.data import Images, load
from vae.recipes import make_config


@dataclass(frozen=True)
class Task:
    """What is trained, and on what.

    Attributes:
        network: "mlp", the `pytorch` recipe (one hidden layer of 400, 20 latents); or "conv", 4x4 kernels of stride 2,
            32 channels and more.
        limit: images of each split; 0: all.
        threads: 0: as many as there are cores.
    """

    data: str = "mnist"
    network: str = "mlp"
    epochs: int = 1
    seed: int = 0
    batch_size: int = 128
    rate: float = 1e-3
    limit: int = 0
    threads: int = 0
    device: str = "cpu"

    @classmethod
    def read(cls, words: Sequence[str] | None = None) -> Self:
        """From the command line; torch is given its threads."""
        parser = argparse.ArgumentParser()
        for field in fields(cls):
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
        task = cls(**vars(parser.parse_args(words)))
        torch.set_num_threads(task.threads or os.cpu_count() or 1)
        return task

    def words(self) -> list[str]:
        """The command line that `read` reads."""
        return [word for name, value in asdict(self).items() for word in (f"--{name.replace('_', '-')}", str(value))]

    def images(self) -> tuple[Images, Images]:
        """Train and test."""
        found = [load(self.data, split) for split in ("train", "test")]
        train, test = [each.take(slice(self.limit)) if self.limit else each for each in found]
        return train, test

    def config(self, shape: tuple[int, ...]) -> Config:
        """The network and its loss, both terms summed over everything, as the minimal example has them."""
        config = make_config("pytorch", input_size=shape)
        if self.network == "mlp":
            return config
        channels = (32, 64) if shape[1] < 64 else (32, 64, 64, 128)
        return config.with_(network="conv", encoder_sizes=channels, decoder_sizes=channels[::-1])


def say(epoch: int, loss: float) -> None:
    """The test loss after an epoch, in nats per image, z drawn from q."""
    print(json.dumps({"epoch": epoch, "loss": loss}), flush=True)
