"""The rows that stand beside the models in a comparison: trained, sampled and judged by the models' own measures."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.family import rivals
from benchmarks.family.rivals import RIVALS
from vae.data import Images


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Data of blots, a network of two weights, samples that are noise, and rows kept elsewhere."""
    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 256, (90, 28, 28, 1), dtype=np.uint8)
    monkeypatch.setattr(rivals, "ROWS", tmp_path)
    monkeypatch.setattr(rivals.data, "load", lambda name, split: Images(name, split, pixels))

    def train(pixels, generator, *, epochs, progress):
        assert pixels.shape == (90, 1, 28, 28) and epochs == 1
        progress(1, 1)
        return nn.Linear(1, 1)

    def sample(network, n, generator):
        return torch.rand(n, 1, 28, 28, generator=generator)

    for name in RIVALS:
        monkeypatch.setitem(RIVALS, name, replace(RIVALS[name], train=train, sample=sample))
    return tmp_path


def test_each_leaves_a_row_that_says_what_it_is_and_what_it_took(quick):
    words = ["--epochs", "1", "--seeds", "2", "--pictures", "80", "--device", "cpu"]
    assert rivals.main(words) == 0
    assert sorted(path.name for path in quick.iterdir()) == ["diffusion.json", "gan.json"]
    row = json.loads((quick / "gan.json").read_text())
    assert (row["data"], row["judge"], row["seeds"], row["pictures"], row["weights"]) == ("mnist", "mnist", 2, 80, 2)
    assert row["command"] == "python -m benchmarks.family rivals -- --only gan --epochs 1 --seeds 2"
    assert row["passes"] == 1 and json.loads((quick / "diffusion.json").read_text())["passes"] > 1
    figures = row["samples"]
    for name in ("frechet", "precision", "recall", "recognised", "sharpness", "copied", "images_per_second"):
        assert len(figures[name]["values"]) == 2, name
    assert figures["frechet"]["values"][0] != figures["frechet"]["values"][1], "each seed is a training of its own"


def test_other_data_leave_another_row(quick):
    assert rivals.main(["--only", "gan", "--data", "fashion-mnist", "--epochs", "1", "--pictures", "70"]) == 0
    assert [path.name for path in quick.iterdir()] == ["gan-fashion-mnist.json"]
