"""The slope of a decoder against those that are known: linear ones exactly, a network by its own gradients."""

import numpy as np
import pytest
import torch

from vae.config import Config
from vae.errors import VAEError
from vae.explore.visible import BATCH, jacobian, pulled_back
from vae.model import VAE


def linear(seed=0, pixels=30, latents=4):
    return np.random.default_rng(seed).normal(size=(pixels, latents))


def test_the_slope_of_a_linear_decoder_is_its_matrix():
    matrix = linear()
    for z in (np.zeros(4), np.array([1.5, -2.0, 0.3, 7.0])):
        found = jacobian(lambda codes: codes.astype(np.float64) @ matrix.T, z)
        assert found.shape == (30, 4)
        assert np.allclose(found, matrix, atol=1e-9)


def test_the_slope_of_a_curve_is_taken_at_the_code():
    found = jacobian(lambda codes: np.stack([np.sin(codes[:, 0]), codes[:, 0] * codes[:, 1]], axis=1), [0.5, 2.0])
    assert np.allclose(found, [[np.cos(0.5), 0], [2.0, 0.5]], atol=1e-4)


def test_pictures_of_any_shape_are_flattened_row_by_row():
    found = jacobian(lambda codes: np.stack([codes, 2 * codes, 3 * codes], axis=1)[:, None], [0.25, -1.0])
    assert np.allclose(found, np.concatenate([np.eye(2), 2 * np.eye(2), 3 * np.eye(2)]), atol=1e-4)


@pytest.mark.parametrize("levels", [(), (2, 3)])
def test_the_slope_of_a_network_is_that_of_its_gradients(levels):
    config = Config((1, 8, 8), 5, "gated" if levels else "mlp", (16,), (16,), levels=levels)
    vae = VAE(config, seed=1).eval()
    z = torch.tensor([0.3, -1.0, 0.5, 2.0, -0.2])
    wanted = torch.autograd.functional.jacobian(lambda code: vae.decode(code[None]).flatten(), z).numpy()

    def decode(codes):
        with torch.no_grad():
            return vae.decode(torch.from_numpy(codes)).numpy()

    found = jacobian(decode, z.numpy())
    assert np.linalg.norm(found - wanted) < 2e-3 * np.linalg.norm(wanted)


def test_the_decoder_is_asked_for_few_pictures_at_a_time():
    asked = []

    def decode(codes):
        asked.append(len(codes))
        return codes

    assert np.allclose(jacobian(decode, np.zeros(50)), np.eye(50))
    assert sum(asked) == 100 and max(asked) <= BATCH


def test_the_metric_of_a_linear_decoder_is_its_matrix_squared_wherever_one_stands():
    matrix = linear()
    found = pulled_back(lambda codes: codes.astype(np.float64) @ matrix.T, np.random.default_rng(0).normal(size=(3, 4)))
    assert np.allclose(found, matrix.T @ matrix, atol=1e-8)


def test_the_metric_is_the_mean_over_the_codes():
    found = pulled_back(lambda codes: codes**2, [[1.0], [2.0]])  # slopes 2 and 4
    assert found[0, 0] == pytest.approx((4 + 16) / 2, rel=1e-4)


def test_what_has_no_slope_is_told_in_a_line():
    with pytest.raises(VAEError, match="slope is not finite"):
        jacobian(lambda codes: np.where(codes > 0, np.inf, 0.0), [0.0])
    with pytest.raises(VAEError, match="not finite"):
        jacobian(lambda codes: codes, [float("nan")])
