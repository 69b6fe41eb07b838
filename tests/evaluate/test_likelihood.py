"""The suite: what it says of a model, that it says it twice alike, and what it refuses."""

import json
import math

import numpy as np
import pytest
import torch

from vae.batches import stored
from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data import Images, load
from vae.errors import VAEError
from vae.evaluate import importance
from vae.evaluate.codes.aggregate import aggregate
from vae.evaluate.likelihood import _as_judged, measure_likelihood
from vae.evaluate.suites import SUITES, function_of, measure_suite
from vae.likelihoods import binarise_once
from vae.measure import measure
from vae.model import VAE
from vae.train.loop import Trainer
from vae.train.settings import Settings

SMALL = Config(shape=(1, 8, 8), latent_dim=6, encoder_sizes=(32,), decoder_sizes=(32,), binarise="dynamic")


@pytest.fixture(scope="module")
def digits():
    return load("digits", "train"), load("digits", "test")


def checkpoint(config, folder="."):
    return Checkpoint(VAE(config, seed=1).eval().requires_grad_(False), {}, "0" * 16, folder)


@pytest.fixture(scope="module")
def model(digits):
    vae = VAE(SMALL)
    list(Trainer(vae, *digits, Settings(epochs=4, rate=3e-3, batch_size=64)).run())
    return Checkpoint(vae.eval().requires_grad_(False), {}, "0" * 16, None)


@pytest.fixture(scope="module")
def found(model, digits):
    return measure_likelihood(model, *digits, k=100)


# ---- figures -------------------------------------------------------------------------------------------------------


def test_the_elbo_is_that_of_the_loss_and_the_bound_is_tighter(found, model, digits):
    losses = [measure(model.vae, stored(digits[1]), seed=seed).loss for seed in range(8)]
    again = np.std(losses, ddof=1)  # pixels drawn afresh each time
    assert found.elbo == pytest.approx(-np.mean(losses), abs=4 * again)
    assert found.exact_nll is None
    assert found.elbo == pytest.approx(-(found.rate + found.distortion))
    assert -found.nll > found.elbo + 0.3
    assert (found.images, found.draws, found.latent_dim) == (360, 100, 6)


def test_the_rate_is_told_latent_by_latent_and_level_by_level(found, digits):
    assert sum(found.kl_per_dim) == pytest.approx(found.rate) == pytest.approx(sum(found.kl_per_level))
    ladder = checkpoint(SMALL.with_(levels=(2, 4)))
    of_levels = measure_likelihood(ladder, *digits, k=5)
    assert of_levels.levels == (2, 4) and len(of_levels.kl_per_level) == 2
    assert of_levels.kl_per_level[0] == pytest.approx(sum(of_levels.kl_per_dim[:2]))
    assert of_levels.information is None and of_levels.marginal_kl_per_dim is None


def test_the_error_over_images_is_that_of_their_mean(model, digits):
    """Of many halves of the test set: the spread of their means, which take half the images from a finite set."""
    halves = [measure_likelihood(model, *digits, k=2, seed=seed, images=180) for seed in range(30)]
    shown = np.std([half.nll for half in halves], ddof=1)
    assert 0.6 < shown / (halves[0].nll_error * math.sqrt(0.5)) < 1.5


def test_a_linear_model_says_its_exact_likelihood_beside_the_estimate(digits):
    config = Config(
        shape=(1, 8, 8), latent_dim=2, network="linear", encoder_sizes=(), decoder_sizes=(), likelihood="gaussian",
        output="linear",
    )  # fmt: skip
    vae = VAE(config, seed=1)
    list(Trainer(vae, *digits, Settings(epochs=10, rate=1e-2, batch_size=64)).run())
    found = measure_likelihood(Checkpoint(vae.eval().requires_grad_(False), {}, "0" * 16, None), *digits, k=2000)
    assert found.nll == pytest.approx(found.exact_nll, abs=0.05)
    assert -found.elbo > found.exact_nll and "in closed form" in found.lines()[1]


def test_active_units_are_those_whose_mu_varies(model, digits):
    vae = VAE(SMALL)
    vae.load_state_dict(model.vae.state_dict())
    with torch.no_grad():
        vae.encoder.heads.mu.weight[2] = 0
    found = measure_likelihood(Checkpoint(vae.eval(), {}, "0" * 16, None), *digits, k=1)
    assert found.active_units == measure_likelihood(model, *digits, k=1).active_units - 1


def test_codes_against_the_prior_are_those_of_the_same_pixels(found, model, digits):
    x = _as_judged(SMALL, stored(digits[1]), torch.Generator().manual_seed(0)) / 255
    q = model.vae.encode(x)
    expected = aggregate(q.mu.detach().numpy(), q.logvar.detach().numpy(), 0)
    assert found.information == pytest.approx(expected.information, abs=1e-4)
    assert found.marginal_kl == pytest.approx(expected.marginal_kl, abs=1e-4)


def test_pixels_are_drawn_once_where_the_model_sees_drawn_ones(digits):
    grey = stored(digits[1])
    drawn = _as_judged(SMALL, grey, torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0, 255}
    assert (drawn.float().mean() / 255 - grey.float().mean() / 255).abs() < 0.01
    assert _as_judged(SMALL.with_(binarise="none"), grey, torch.Generator()) is grey
    fixed = _as_judged(SMALL.with_(binarise="static"), grey, torch.Generator().manual_seed(5))
    assert (fixed / 255 == binarise_once(grey / 255)).all()


# ---- again, and less -----------------------------------------------------------------------------------------------


def test_it_repeats_to_the_byte_and_another_seed_is_another_draw(found, model, digits):
    torch.rand(3)
    assert measure_likelihood(model, *digits, k=100) == found
    assert measure_likelihood(model, *digits, k=100, seed=1).nll != found.nll


def test_some_images_are_chosen_by_the_seed(model, digits):
    first = measure_likelihood(model, *digits, k=3, images=50)
    assert first.images == 50
    assert measure_likelihood(model, *digits, k=3, images=10_000).images == 360
    head = measure_likelihood(model, digits[0], digits[1].take(slice(50)), k=3)
    assert first.distortion != head.distortion


def test_more_draws_than_memory_holds_are_none_at_once(model, digits, monkeypatch):
    monkeypatch.setattr(importance, "CPU_TILE", 64 * 16)
    rows = []
    hook = model.vae.decoder.register_forward_hook(lambda module, given, said: rows.append(len(given[0])))
    measure_likelihood(model, *digits, k=5_000, images=2)
    hook.remove()
    assert max(rows) == 16


# ---- words ---------------------------------------------------------------------------------------------------------


def test_it_is_plain_json_and_says_its_likelihood(found):
    values = found.to_json()
    assert json.loads(json.dumps(values)) == values
    assert "afresh" in values["likelihood"] and values["binarisation"] == "dynamic"
    first = found.lines()[0]
    assert f"{found.nll:.2f} nats per image" in first and "afresh" in first and "k = 100" in first
    assert any("active" in line for line in found.lines())


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (SMALL.with_(posterior="point", binarise="none"), "autoencoder"),
        (SMALL.with_(likelihood="mse", binarise="none"), "no likelihood"),
        (SMALL.with_(shape=(1, 9, 9)), "shape"),
    ],
)
def test_a_model_that_cannot_be_measured_is_refused_in_a_line(config, words, digits):
    with pytest.raises(VAEError, match=words) as caught:
        measure_likelihood(checkpoint(config), *digits, k=2)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("options", [{"k": 0}, {"k": 10**7}, {"k": 2.5}, {"k": True}, {"images": 1}, {"images": -3}])
def test_numbers_out_of_range_are_refused_in_a_line(options, model, digits):
    with pytest.raises(VAEError, match="whole number"):
        measure_likelihood(model, *digits, **options)


def test_one_image_has_no_error(model, digits):
    with pytest.raises(VAEError, match="two"):
        measure_likelihood(model, digits[0], digits[1].take(slice(1)))


def test_vectors_are_measured_too():
    config = Config(shape=(5,), latent_dim=2, encoder_sizes=(4,), decoder_sizes=(4,), likelihood="gaussian")
    rows = Images("table:x.csv", "test", np.random.default_rng(0).random((9, 5)).astype(np.float32))
    found = measure_likelihood(checkpoint(config), rows, rows, k=4)
    assert found.images == 9 and math.isfinite(found.nll) and "density" in found.likelihood


# ---- by name -------------------------------------------------------------------------------------------------------


def test_a_suite_is_found_by_its_name(found, model, digits):
    assert measure_suite("likelihood", model, *digits, k=100) == found
    assert function_of("likelihood") is measure_likelihood
    with pytest.raises(VAEError, match=", ".join(SUITES)):
        measure_suite("beauty", model, *digits)
