"""Scores of strangeness: each against its definition, and strange images told by them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from torch.nn import functional as F

from vae.batches import as_x, stored
from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data import Images, load
from vae.encodings import encode, save_encodings
from vae.errors import VAEError
from vae.evaluate.strange import anomaly, strangeness
from vae.evaluate.strange.anomaly import NAMES, damaged, error_maps, measure_anomaly, scores, training_codes
from vae.evaluate.strange.strangeness import distances, unexplained
from vae.evaluate.suites import measure_suite
from vae.model import VAE
from vae.train.loop import Trainer
from vae.train.settings import Settings

CONFIG = Config(shape=(1, 8, 8), latent_dim=6, encoder_sizes=(64,), decoder_sizes=(64,))


@pytest.fixture(scope="module")
def digits():
    return load("digits", "train"), load("digits", "test")


@pytest.fixture(scope="module")
def model(digits, tmp_path_factory):
    vae = VAE(CONFIG)
    list(Trainer(vae, *digits, Settings(epochs=5, rate=3e-3, batch_size=64)).run())
    vae.eval().requires_grad_(False)
    return Checkpoint(vae, {}, "0" * 16, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def found(model, digits):
    return scores(model, digits[1], reference=training_codes(model, digits[0]))


def another(model, **changes):
    """The same weights under another config."""
    vae = VAE(model.config.with_(**changes))
    vae.load_state_dict(model.vae.state_dict(), strict=False)
    return replace(model, vae=vae.eval().requires_grad_(False))


# ---- each score ----------------------------------------------------------------------------------------------------


def test_the_reconstruction_error_is_the_one_kept_with_the_encodings(found, model, digits):
    assert (found.recon == encode(model.vae, digits[1]).recon_error).all()


def test_likelihoods_are_those_of_one_image_at_a_time(model, digits):
    """-ELBO = mean over draws of -log p(x|z), plus the KL; -log p(x) from the weights p(x|z) p(z) / q(z|x)."""
    few = digits[1].take(slice(3))
    found = scores(model, few, draws=400)
    x = as_x(stored(few))
    q = model.vae.encode(x)
    for row in range(3):
        chance = torch.Generator().manual_seed(row)
        mu, std = q.mu[row].double(), (q.logvar[row].double() / 2).exp()
        z = mu + std * torch.randn(20_000, 6, generator=chance, dtype=torch.float64)
        logits = model.vae.decode_params(z.float()).double()
        target = x[row].double().expand_as(logits)
        likely = -F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(1).sum(1)
        normal = torch.distributions.Normal
        prior = normal(0.0, 1.0).log_prob(z).sum(1)
        weights = likely + prior - normal(mu, std).log_prob(z).sum(1)
        assert found.elbo[row] == pytest.approx(-weights.mean().item(), abs=0.25)
        assert found.iwae[row] == pytest.approx(np.log(20_000) - weights.logsumexp(0).item(), abs=0.25)


def test_the_bound_is_tighter_than_the_elbo_and_with_one_draw_the_same_on_average(found, model, digits):
    assert (found.iwae < found.elbo + 1).mean() > 0.99 and found.iwae.mean() < found.elbo.mean() - 0.1
    once = scores(model, digits[1], draws=1)
    assert once.iwae.mean() == pytest.approx(once.elbo.mean(), abs=0.3)


def test_the_same_seed_gives_the_same_scores_and_another_does_not(found, model, digits):
    again = scores(model, digits[1], reference=training_codes(model, digits[0]))
    other = scores(model, digits[1], reference=training_codes(model, digits[0]), seed=1)
    for name in NAMES:
        assert (getattr(again, name) == getattr(found, name)).all()
        assert (getattr(other, name) == getattr(found, name)).all() == (name not in ("elbo", "iwae"))


def test_pixels_are_binarised_where_the_model_is_of_binary_images(model, digits):
    few = digits[1].take(slice(40))
    binary = replace(few, pixels=np.where(few.pixels > 127, 255, 0).astype(np.uint8))
    grey, drawn = model, another(model, binarise="dynamic")
    assert not np.allclose(scores(drawn, few).elbo, scores(grey, few).elbo)
    assert scores(drawn, binary, draws=64).elbo == pytest.approx(scores(grey, binary, draws=64).elbo, rel=0.1)


@given(st.integers(1, 40), st.integers(1, 7))
def test_distances_are_to_the_kth_nearest(count, k):
    chance = np.random.default_rng(count)
    known, asked = chance.normal(size=(count, 3)) + 1e3, chance.normal(size=(9, 3)) + 1e3
    oracle = NearestNeighbors(n_neighbors=min(k, count)).fit(known).kneighbors(asked)[0][:, -1]
    assert distances(known, asked, k) == pytest.approx(oracle, abs=1e-4)


def test_distances_in_parts_are_the_same(monkeypatch):
    chance = np.random.default_rng(0)
    known, asked = chance.normal(size=(50, 3)), chance.normal(size=(31, 3))
    whole = distances(known, asked)
    monkeypatch.setattr(strangeness, "CHUNK", 50 * 7)
    assert (distances(known, asked) == whole).all()


def test_density_compares_with_the_codes_given_or_kept_or_else_the_prior(model, digits, tmp_path):
    few = digits[1].take(slice(20))
    mu = encode(model.vae, few).mu
    alone = scores(model, few)
    assert alone.against == "the prior"
    assert alone.density == pytest.approx(np.linalg.norm(mu, axis=1))
    train = encode(model.vae, digits[0])
    save_encodings(tmp_path, train)
    kept = scores(replace(model, folder=tmp_path), few)
    assert kept.against == f"{len(train):,} training codes"
    assert kept.density == pytest.approx(distances(train.mu, mu), abs=0.01)
    only_test = tmp_path / "test"
    only_test.mkdir()
    save_encodings(only_test, encode(model.vae, digits[1]))
    assert scores(replace(model, folder=only_test), few).against == "the prior"


def test_a_training_set_that_is_large_is_looked_at_in_part(model, digits, monkeypatch):
    monkeypatch.setattr(strangeness, "REFERENCE", 100)
    every = {row.tobytes() for row in encode(model.vae, digits[0]).mu}
    some = training_codes(model, digits[0])
    assert len(some) == 100 and len(np.unique(some, axis=0)) == 100 and {row.tobytes() for row in some} <= every


# ---- what is unexplained -------------------------------------------------------------------------------------------


class Says(VAE):
    """A model that says x itself, a flat grey, or what it is told, and whose KL is known."""

    def __init__(self, config, picture):
        super().__init__(config)
        self.picture = picture

    def encode(self, x):
        from vae.posterior import Posterior

        self.x = x
        mu = torch.zeros(len(x), self.config.latent_dim)
        mu[:, 0] = 2.0  # a KL of 2 nats
        return Posterior(mu, torch.zeros_like(mu))

    def decode_params(self, z):
        mean = self.x if self.picture == "itself" else self.x.mean(dim=(1, 2, 3), keepdim=True).expand_as(self.x)
        return torch.logit(mean, eps=1e-6) if self.config.likelihood == "bernoulli" else mean


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "mse", "logistic"])
def test_nothing_is_unexplained_of_a_perfect_copy_and_all_of_a_flat_grey(digits, likelihood):
    few = digits[1].take(slice(10))
    config = CONFIG.with_(likelihood=likelihood)
    x = as_x(stored(few))
    copy, flat = (unexplained(Says(config, picture).eval(), few) for picture in ("itself", "grey"))
    without = 2 / copy - 1  # a copy costs the 2 nats of its KL, over without + 1
    assert flat == pytest.approx((without + 2) / (without + 1), rel=1e-3)
    grey = x.mean(dim=(1, 2, 3), keepdim=True).expand_as(x)
    if likelihood == "bernoulli":
        cost = lambda p: F.binary_cross_entropy(p, x, reduction="none").sum(dim=(1, 2, 3))  # noqa: E731
        assert without == pytest.approx((cost(grey) - cost(x)).numpy(), rel=1e-2)
    if likelihood == "mse":
        assert without == pytest.approx((x - grey).square().sum(dim=(1, 2, 3)).numpy(), rel=1e-3)


def test_a_blank_picture_has_a_value_and_a_pale_one_is_strange(model, digits):
    blank = Images("x", "test", np.zeros((2, 8, 8, 1), np.uint8))
    assert np.isfinite(unexplained(model.vae, blank)).all()
    few = digits[1].take(slice(100))
    pale = replace(few, pixels=few.pixels // 12)
    assert np.median(unexplained(model.vae, pale)) > 2 * np.median(unexplained(model.vae, few))


def test_both_together_are_the_geometric_mean(found):
    assert found.combined == pytest.approx(np.sqrt(found.relative * found.density), rel=1e-5)


# ---- models that lack something ------------------------------------------------------------------------------------


def test_a_plain_autoencoder_and_a_squared_error_have_no_likelihood(model, digits):
    few = digits[1].take(slice(5))
    for changes in ({"posterior": "point"}, {"likelihood": "mse"}):
        odd = another(model, **changes)
        odd_scores = scores(odd, few)
        assert odd_scores.elbo is None and odd_scores.iwae is None
        assert set(odd_scores.known()) == set(NAMES) - {"elbo", "iwae"}
        assert all(np.isfinite(values).all() for values in odd_scores.known().values())


def test_images_of_another_shape_and_no_draws_are_refused(model):
    with pytest.raises(VAEError, match="shape"):
        scores(model, Images("x", "test", np.zeros((2, 9, 9, 1), np.uint8)))
    with pytest.raises(VAEError, match="at least 1"):
        scores(model, Images("x", "test", np.zeros((2, 8, 8, 1), np.uint8)), draws=0)
    with pytest.raises(VAEError, match="error map"):
        error_maps(model, Images("x", "test", np.zeros((2, 5), np.float32)))


def test_an_error_map_is_the_difference_of_each_pixel(model, digits):
    few = digits[1].take(slice(7))
    maps = error_maps(model, few)
    again = model.vae.decode(model.vae.encode(as_x(stored(few))).mu)
    assert maps.shape == (7, 8, 8)
    assert maps == pytest.approx((again - as_x(stored(few))).abs()[:, 0].numpy(), abs=1e-6)


# ---- the suite -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stripes():
    """A data set of other things: stripes."""
    pixels = np.zeros((80, 8, 8, 1), np.uint8)
    pixels[::2, ::2] = 255
    pixels[1::2, :, ::2] = 255
    return Images("stripes", "test", pixels)


def test_strange_images_are_told_from_usual_ones(model, digits, stripes):
    found = measure_suite("anomaly", model, *digits, other=stripes, limit=150)
    kinds = {one.strange for one in found.told}
    assert kinds == {"images of stripes", "damaged images"}
    assert {one.score for one in found.told} == set(NAMES) == set(found.thresholds)
    for one in found.told:
        if one.score != "density":
            assert one.auroc.value > (0.9 if "stripes" in one.strange else 0.7), one
            assert one.auroc.low <= one.auroc.value <= one.auroc.high
    assert found.usual == 150
    assert all(line.false_alarms.value <= 0.05 and line.images == 150 for line in found.thresholds.values())
    assert json.loads(json.dumps(found.to_json()))["usual"] == 150
    assert len(found.lines()) == 1 + len(found.told) and "stripes" in found.lines()[1]
    assert measure_suite("anomaly", model, *digits, other=stripes, limit=150) == found


def test_labels_left_out_of_the_training_are_strange(model, digits):
    train, test = digits
    some = train.take(train.labels < 8)
    found = measure_anomaly(model, some, test, limit=100)
    assert [one.images for one in found.told if one.strange == "images of labels left out"][0] > 50
    named = measure_anomaly(model, train, test, normal=range(8), limit=100)
    assert [one.auroc for one in named.told] == [one.auroc for one in found.told]
    with pytest.raises(VAEError, match="0 to 9"):
        measure_anomaly(model, train, test, normal=[12])
    assert "No data set of other things" in found.skipped[0]


def test_the_usual_counterpart_is_taken_where_it_is(model, digits, stripes, monkeypatch):
    monkeypatch.setattr(anomaly, "OTHERS", {"digits": "stripes"})
    monkeypatch.setattr(anomaly.data, "on_machine", lambda name: True)
    monkeypatch.setattr(anomaly.data, "load", lambda name, split, download=True: stripes)
    assert "images of stripes" in {one.strange for one in measure_anomaly(model, *digits, limit=50).told}


def test_what_cannot_be_asked_is_said_in_a_line(model, digits, stripes):
    train, test = digits
    with pytest.raises(VAEError, match="choose one shape"):
        measure_anomaly(model, train, test, other=Images("big", "test", np.zeros((5, 9, 9, 1), np.uint8)))
    with pytest.raises(VAEError, match="none: leave"):
        measure_anomaly(model, stripes, stripes, normal=[1])
    with pytest.raises(VAEError, match="fewer than 2"):
        measure_anomaly(model, train, test.take(slice(1)))
    flat = Images("table:x.csv", "test", np.zeros((9, 5), np.float32))
    with pytest.raises(VAEError, match="nothing strange"):
        measure_anomaly(model, flat, flat)


def test_a_damaged_image_differs_in_one_square_and_in_nothing_else(digits):
    few = digits[1].take(slice(30))
    broken = damaged(few, np.random.default_rng(0))
    changed = broken.pixels != few.pixels
    for one, before, after in zip(changed[..., 0], few.pixels, broken.pixels, strict=True):
        rows, columns = np.flatnonzero(one.any(axis=1)), np.flatnonzero(one.any(axis=0))
        assert 1 <= np.ptp(rows) + 1 <= 2 and 1 <= np.ptp(columns) + 1 <= 2
        assert (after[one] == 255 - before[one]).all()
    assert len({row.tobytes() for row in changed}) > 5  # not always at the same place
    assert (broken.labels == few.labels).all() and (few.pixels == digits[1].pixels[:30]).all()
