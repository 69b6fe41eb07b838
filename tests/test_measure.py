"""The loss over a test set: drawn from q, never at mu, and the same each time."""

import pytest
import torch

from vae.batches import as_x, stored
from vae.data import load
from vae.measure import measure
from vae.model import VAE
from vae.objectives import bernoulli_nll
from vae.recipes import RECIPES, make_config


@pytest.fixture(scope="module")
def digits():
    return stored(load("digits", "test"))


def small(recipe: str, **changes):
    return VAE(
        make_config(recipe, input_size=(1, 8, 8), latent_size=4, encoder_sizes=(16,), decoder_sizes=(16,)).with_(
            **changes
        ),
        seed=3,
    )


def test_it_repeats_and_leaves_the_model_and_the_world_as_they_were(digits):
    vae = small("pytorch").train()
    before = torch.random.get_rng_state()
    assert measure(vae, digits) == measure(vae, digits)
    assert vae.training
    assert torch.equal(before, torch.random.get_rng_state())
    assert measure(vae, digits, seed=1) != measure(vae, digits)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_loss_is_per_image_with_the_reductions_of_the_recipe(digits, recipe):
    vae = small(recipe)
    config, found = vae.config, measure(vae, digits)
    recon = found.recon_nll / (64 if config.recon_reduction == "mean" else 1)
    kl = found.kl / (4 if config.kl_reduction == "mean" else 1)
    assert found.loss == pytest.approx(recon + config.beta * kl, rel=1e-5)


def test_an_uneven_last_batch_weighs_no_more_than_its_images(digits):
    vae = small("scratch")
    with torch.no_grad():  # a posterior so narrow that the draw does not matter, and batches can be compared
        vae.encoder.heads.logvar.weight.zero_()
        vae.encoder.heads.logvar.bias.fill_(-20)
    whole, uneven = measure(vae, digits, batch_size=360), measure(vae, digits, batch_size=350)
    assert uneven.recon_nll == pytest.approx(whole.recon_nll, rel=1e-4)
    assert uneven.loss == pytest.approx(whole.loss, rel=1e-4)
    assert uneven.kl == pytest.approx(whole.kl, rel=1e-5)


def test_z_is_drawn_from_q_and_not_taken_at_mu(digits):
    vae = small("pytorch")
    with torch.no_grad():
        vae.decoder.out.weight.mul_(20)  # a decoder that minds what it is given
        x = as_x(digits)
        at_mu = bernoulli_nll(vae.decode_params(vae.encode(x).mu), x).mean().item()
    assert measure(vae, digits).recon_nll > at_mu + 1


def test_kl_per_dim_sums_to_kl(digits):
    found = measure(small("keras"), digits)
    assert len(found.kl_per_dim) == 4
    assert sum(found.kl_per_dim) == pytest.approx(found.kl)
    assert min(found.kl_per_dim) >= 0
