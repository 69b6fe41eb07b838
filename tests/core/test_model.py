"""The model draws only when it is asked to, says pictures in [0, 1], and refuses what it cannot read."""

from typing import Any

import pytest
import torch

from vae.config import Config
from vae.likelihoods import LOG_STD_FLOOR
from vae.model import VAE


def test_encoding_and_decoding_draw_nothing(vae: VAE) -> None:
    x, z = torch.rand(4, 1, 8, 8), torch.randn(4, 3)
    before = torch.get_rng_state()
    first, second = vae.encode(x), vae.encode(x)
    pictures = vae.decode(z), vae.decode(z)
    assert torch.equal(first.mu, second.mu) and torch.equal(first.logvar, second.logvar)
    assert torch.equal(*pictures)
    assert torch.equal(before, torch.get_rng_state())


def test_building_and_a_pass_with_a_generator_leave_the_global_one_alone(small: Config) -> None:
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(0)
    for kind in ("mlp", "conv"):
        VAE(small.with_(network=kind), seed=4)(torch.rand(2, 1, 8, 8, generator=generator), generator)
    assert torch.equal(before, torch.get_rng_state())


def test_an_image_is_encoded_alike_alone_and_in_a_batch(vae: VAE) -> None:
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    together, alone = vae.encode(x), vae.encode(x[3:4])
    torch.testing.assert_close(together.mu[3:4], alone.mu)
    torch.testing.assert_close(together.logvar[3:4], alone.logvar)


def test_forward_is_encode_draw_decode(vae: VAE) -> None:
    x = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    out = vae(x, torch.Generator().manual_seed(5))
    q = vae.encode(x)
    z = q.sample(torch.Generator().manual_seed(5))
    assert torch.equal(out.posterior.mu, q.mu) and torch.equal(out.posterior.logvar, q.logvar)
    assert torch.equal(out.z, z)
    assert not torch.equal(z, q.mu)
    assert torch.equal(out.x_params, vae.decode_params(z))


@pytest.mark.parametrize("likelihood", ["bernoulli", "mse", "gaussian"])
def test_a_sigmoid_is_applied_exactly_once(likelihood: str, small: Config) -> None:
    vae = VAE(small.with_(likelihood=likelihood))
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    raw = vae.decoder(z)
    torch.testing.assert_close(vae.decode(z), torch.sigmoid(raw))
    # What the likelihood eats: logits for a Bernoulli, the mean itself for the others.
    torch.testing.assert_close(vae.decode_params(z), raw if likelihood == "bernoulli" else torch.sigmoid(raw))


@pytest.mark.parametrize("likelihood", ["mse", "gaussian"])
def test_a_linear_output_is_left_free(likelihood: str, small: Config) -> None:
    vae = VAE(small.with_(likelihood=likelihood, output="linear"))
    z = 50 * torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(vae.decode(z), vae.decoder(z))
    assert torch.equal(vae.decode_params(z), vae.decoder(z))
    assert vae.decode(z).min() < 0


def test_only_a_gaussian_has_a_standard_deviation_of_its_own(small: Config) -> None:
    names = [dict(VAE(small.with_(likelihood=kind)).named_parameters()) for kind in ("bernoulli", "mse", "gaussian")]
    assert ["log_std" in weights for weights in names] == [False, False, True]
    log_std = names[2]["log_std"]
    assert log_std.shape == () and log_std.requires_grad
    assert LOG_STD_FLOOR < log_std.item() <= 0  # at or under the floor it would never learn


@pytest.mark.parametrize("shape", [(2, 1, 8, 9), (2, 3, 8, 8), (2, 64), (8, 8)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...], vae: VAE, refused: Any) -> None:
    with refused("This model reads images of shape (1, 8, 8)"):
        vae.encode(torch.rand(shape))


@pytest.mark.parametrize("shape", [(2, 4), (3,), (1, 1, 3)])
def test_codes_of_another_length_are_refused(shape: tuple[int, ...], vae: VAE, refused: Any) -> None:
    with refused("A code of this model has 3 numbers"):
        vae.decode(torch.zeros(shape))
