"""Principal axes of long codes, held to the singular vectors of the same codes."""

import numpy as np
import pytest
import torch

from vae.foreign.axes import fit


def codes(count: int, length: int) -> torch.Tensor:
    """Codes that differ along a few directions most."""
    generator = torch.Generator().manual_seed(0)
    scale = torch.linspace(3, 0.1, length)
    return torch.randn(count, length, generator=generator) * scale + 5


@pytest.mark.parametrize(("count", "length"), [(40, 12), (12, 40)])
def test_the_axes_are_the_principal_components(count: int, length: int) -> None:
    means = codes(count, length)
    axes, share = fit(means, 4)
    _, values, across = np.linalg.svd((means - means.mean(0)).double().numpy(), full_matrices=False)
    across = torch.from_numpy(across[:4]).float()
    spread = torch.from_numpy(values[:4] / np.sqrt(count - 1)).float()
    torch.testing.assert_close((axes.across * across).sum(1).abs(), torch.ones(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(axes.spread, spread, rtol=1e-4, atol=0)
    assert share == pytest.approx((values[:4] ** 2).sum() / (values**2).sum(), rel=1e-5)


def test_short_codes_are_in_standard_deviations_and_lead_back() -> None:
    means = codes(30, 10)
    axes, share = fit(means, 10)
    short, _ = axes.short(means, torch.zeros_like(means))
    torch.testing.assert_close(short.mean(0), torch.zeros(10), atol=1e-4, rtol=0)
    torch.testing.assert_close(short.std(0), torch.ones(10), atol=1e-4, rtol=0)
    torch.testing.assert_close(axes.long(short), means, atol=1e-3, rtol=0)
    assert share == pytest.approx(1)


def test_the_spread_of_each_number_is_carried_along() -> None:
    axes, _ = fit(codes(30, 10), 3)
    logvar = torch.randn(2, 10, generator=torch.Generator().manual_seed(1))
    _, along = axes.short(torch.zeros(2, 10), logvar)
    whole = (axes.across / axes.spread[:, None]) @ torch.diag(logvar[0].exp()) @ (axes.across / axes.spread[:, None]).T
    torch.testing.assert_close(along[0].exp(), whole.diagonal(), rtol=1e-4, atol=0)


def test_there_are_no_more_axes_than_images_tell_apart(refused) -> None:
    assert fit(codes(5, 40), 32)[0].count == 4
    twice = codes(3, 10).repeat(4, 1)
    assert fit(twice, 8)[0].count == 2
    with refused("same code"):
        fit(torch.ones(9, 4), 2)
    with refused("three images"):
        fit(codes(2, 4), 2)
