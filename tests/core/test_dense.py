"""The dense layer does what nn.Linear does, whichever product it is given to."""

import pytest
import torch
from torch import nn

from vae import dense
from vae.dense import BATCH, Dense

needs_product = pytest.mark.skipif(not dense.PRODUCT_WORKS, reason="this torch has no other product")
SIZES = [(784, 400), (20, 3), (1, 1), (7, 1), (1, 9)]


def pair(into: int, out: int) -> tuple[Dense, nn.Linear]:
    """Ours and torch's, of the same weights."""
    ours, torchs = Dense(into, out), nn.Linear(into, out)
    torchs.load_state_dict(ours.state_dict())
    return ours, torchs


@pytest.mark.parametrize(("into", "out"), SIZES)
@pytest.mark.parametrize("rows", [1, BATCH - 1, BATCH, 128, 131])
def test_values_and_gradients_are_those_of_linear(into: int, out: int, rows: int) -> None:
    found = []
    for layer in pair(into, out):
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(rows, into, generator=generator).requires_grad_()
        y = layer(x)
        y.backward(torch.randn(rows, out, generator=generator))
        found.append((y.detach(), x.grad, layer.weight.grad, layer.bias.grad))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-4)
    assert all(value.is_contiguous() for value in found[0])


@needs_product
def test_a_batch_goes_to_the_other_product_and_what_follows_a_hand_does_not(monkeypatch) -> None:
    seen = []
    real = dense.product
    monkeypatch.setattr(dense, "product", lambda a, *more: (seen.append(len(a)), real(a, *more))[1])
    layer = Dense(4, 3)
    for rows in (1, 8, BATCH - 1, BATCH, 100):
        layer(torch.zeros(rows, 4))
    assert seen == [BATCH, 100]
    layer.double()(torch.zeros(100, 4, dtype=torch.float64))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer.float()(torch.zeros(100, 4)).dtype == torch.bfloat16
    assert seen == [BATCH, 100]


@needs_product
def test_the_gradient_is_that_of_small_steps() -> None:
    layer = Dense(3, 2)
    x = torch.randn(BATCH, 3, generator=torch.Generator().manual_seed(0))
    step = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    weigh = torch.randn(BATCH, 2, generator=torch.Generator().manual_seed(2))
    moved = x.clone().requires_grad_()
    (layer(moved) * weigh).sum().backward()
    ahead, behind = ((layer(x + sign * 0.1 * step) * weigh).sum().item() for sign in (1, -1))
    assert (moved.grad * step).sum().item() == pytest.approx((ahead - behind) / 0.2, rel=1e-3)


def test_what_needs_no_gradient_gets_none() -> None:
    layer = Dense(4, 3).requires_grad_(False)
    x = torch.zeros(64, 4, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None and layer.weight.grad is None and layer.bias.grad is None
    layer = Dense(4, 3)
    layer(torch.zeros(64, 4)).sum().backward()
    assert layer.weight.grad is not None


def test_rows_that_are_not_laid_out_one_after_the_other() -> None:
    ours, torchs = pair(6, 5)
    x = torch.randn(6, 64, generator=torch.Generator().manual_seed(0)).t()
    y = ours(x)
    torch.testing.assert_close(y, torchs(x))
    y.backward(torch.ones(5, 64).t())
    torchs(x).sum().backward()
    torch.testing.assert_close(ours.weight.grad, torchs.weight.grad)


def test_the_same_batch_gives_the_same_bits() -> None:
    layer, x = Dense(300, 200), torch.randn(128, 300, generator=torch.Generator().manual_seed(0))
    first = layer(x)
    assert all(torch.equal(first, layer(x.clone())) for _ in range(5))


def test_a_torch_without_the_operator_is_served_by_linear(monkeypatch) -> None:
    monkeypatch.setattr(dense, "product", lambda *_: (_ for _ in ()).throw(AttributeError("no such operator")))
    assert not dense._product_works()
    monkeypatch.setattr(dense, "PRODUCT_WORKS", False)
    ours, torchs = pair(6, 5)
    assert torch.equal(ours(torch.ones(64, 6)), torchs(torch.ones(64, 6)))
