"""How a judge is trained (`python -m tools.train_judge`): what it is shown, and what it shall say of that."""

import math

import pytest
import torch

from tools.train_judge import SHIFT, batch_loss, none_of_them, shifted
from vae.evaluate.pictures.judge.classifier import Classifier


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_moved_pictures_are_the_same_elsewhere(generator):
    x = torch.zeros(60, 1, 28, 28)
    x[:, :, 10:14, 12:16] = torch.rand(60, 1, 4, 4, generator=generator)
    moved = shifted(x, generator)
    assert torch.allclose(moved.sum(dim=(1, 2, 3)), x.sum(dim=(1, 2, 3)), atol=1e-4)
    where = (moved[:, 0].amax(dim=2) > 0).float().argmax(dim=1) - 10  # the first row that is not black
    assert where.min() == -SHIFT and where.max() == SHIFT
    for picture, before, down in zip(moved, x, where.tolist(), strict=True):
        assert any(torch.equal(picture, before.roll((down, right), dims=(1, 2))) for right in range(-SHIFT, SHIFT + 1))


def test_pictures_that_are_none_are_pictures_and_not_those_they_are_made_of(generator):
    x = torch.rand(30, 1, 28, 28, generator=generator)
    found = none_of_them(x, generator)
    assert found.shape == x.shape and found.min() >= 0 and found.max() <= 1
    assert torch.cdist(found.flatten(1), x.flatten(1)).min() > 1
    assert torch.allclose(found[:10].sum(dim=(1, 2, 3)), x[:10].sum(dim=(1, 2, 3)), atol=1e-2)  # the same patches


def test_what_is_none_shall_be_any_class_alike(generator):
    """A network that says the same of everything pays log 10 for each kind of picture; answers are shares."""
    network = Classifier()
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.zero_()
    x, labels = torch.rand(36, 1, 28, 28, generator=generator), torch.arange(36) % 10
    loss = batch_loss(network, x, labels, 10, generator)
    assert loss.item() == pytest.approx(math.log(10), rel=1e-4)
