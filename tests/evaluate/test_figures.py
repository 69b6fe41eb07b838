"""The figures of a model: each against an oracle, and none of them by chance."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.neighbors import KNeighborsClassifier

from vae.batches import as_x, stored
from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data import Images, load
from vae.encodings import encode, join
from vae.errors import VAEError
from vae.evaluate import evaluate, figures
from vae.evaluate.figures import knn_labels, likelihood_phrase, trustworthiness
from vae.measure import measure
from vae.model import VAE
from vae.train.loop import Trainer
from vae.train.settings import Settings


@pytest.fixture(scope="module")
def digits():
    return load("digits", "train"), load("digits", "test")


@pytest.fixture(scope="module")
def model(digits, tmp_path_factory):
    """A few epochs on digits: good enough for neighbours to mean something."""
    vae = VAE(Config(shape=(1, 8, 8), latent_dim=6, encoder_sizes=(64,), decoder_sizes=(64,)))
    list(Trainer(vae, *digits, Settings(epochs=6, rate=3e-3, batch_size=64)).run())
    vae.eval().requires_grad_(False)
    return Checkpoint(vae, {}, "0" * 16, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def found(model, digits):
    return evaluate(model, *digits)


# ---- likelihood and reconstruction ---------------------------------------------------------------------------------


def test_the_likelihood_is_that_of_the_loss_over_the_test_set(found, model, digits):
    test = measure(model.vae, stored(digits[1]), seed=0)
    assert (found.recon_nll, found.kl, found.test_loss) == (test.recon_nll, test.kl, test.loss)
    assert found.elbo == pytest.approx(-(found.recon_nll + found.kl))
    assert found.images == 360


def test_it_repeats_to_the_byte(found, model, digits):
    torch.rand(3)
    assert evaluate(model, *digits) == found


def test_the_squared_error_is_per_pixel_and_at_mu(found, model, digits):
    x = as_x(stored(digits[1]))
    again = model.vae.decode(model.vae.encode(x).mu)
    assert found.recon_mse == pytest.approx((again - x).square().mean().item(), rel=1e-5)


def test_active_units_are_those_whose_mu_varies(digits, model):
    mu = encode(model.vae, digits[1]).mu
    assert (mu.var(axis=0) > 0.01).all()
    vae = VAE(model.config)
    vae.load_state_dict(model.vae.state_dict())
    heads = vae.encoder.heads.mu.weight
    with torch.no_grad():
        heads[2] = 0
        heads[3] *= np.sqrt(0.012 / mu.var(axis=0)[3])  # it varies just enough
        heads[4] *= np.sqrt(0.008 / mu.var(axis=0)[4])  # it varies, and by too little to say anything
    assert evaluate(replace(model, vae=vae.eval()), *digits).active_units == 4


def test_data_of_another_shape_or_none_are_refused(model, digits):
    other = Images("table:x.csv", "test", np.zeros((3, 5), np.float32))
    with pytest.raises(VAEError, match="shape"):
        evaluate(model, other, other)
    with pytest.raises(VAEError, match="at least one"):
        evaluate(model, digits[0], digits[1].take(slice(0)))


# ---- nearest neighbours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_neighbours_vote_as_scikit_learns_do(shift, monkeypatch):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 900)
    mu = (generator.normal(size=(900, 3)) + labels[:, None] * 0.7 + shift).astype(np.float32)
    asked = (generator.normal(size=(301, 3)) + 1 + shift).astype(np.float32)
    oracle = KNeighborsClassifier(5, algorithm="brute").fit(mu.astype(np.float64) - shift, labels)
    assert (knn_labels(mu, labels, asked) == oracle.predict(asked.astype(np.float64) - shift)).all()
    monkeypatch.setattr(figures, "CHUNK", 900 * 7)  # seven at a time, the last batch not full
    assert (knn_labels(mu, labels, asked) == oracle.predict(asked.astype(np.float64) - shift)).all()


def test_the_lowest_of_equal_labels_wins_and_few_codes_all_vote():
    mu = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    labels = np.array([7, 3, 3, 7])
    assert knn_labels(mu, labels, np.array([[0.1], [2.9]], np.float32)).tolist() == [3, 3]
    assert knn_labels(mu, labels, np.array([[0.1], [2.9]], np.float32), k=1).tolist() == [7, 7]


def test_accuracy_counts_test_images_by_train_codes(found, model, digits):
    train, test = (encode(model.vae, images).mu for images in digits)
    oracle = KNeighborsClassifier(5).fit(train, digits[0].labels).score(test, digits[1].labels)
    assert found.knn_accuracy == pytest.approx(oracle)
    assert found.knn_accuracy > 0.8


def test_without_labels_there_is_no_accuracy(model, digits):
    bare = [replace(images, labels=None, label_names=()) for images in digits]
    assert evaluate(model, *bare).knn_accuracy is None


# ---- trustworthiness -----------------------------------------------------------------------------------------------


def flat(mu):
    """Some map."""
    return mu[:, :2]


def kept(model, digits, map_of=flat, rows=slice(None)):
    """Encodings as a folder keeps them: train and test, in another order, with a UMAP map."""
    both = join(*(encode(model.vae, images) for images in digits)).take(rows)
    both = both.take(np.random.default_rng(1).permutation(len(both)))
    return both.with_map("umap", map_of(both.mu))


def test_it_is_scikit_learns_with_fifteen_neighbours():
    mu = np.random.default_rng(0).normal(size=(200, 5))
    expected = sklearn_trustworthiness(mu, flat(mu), n_neighbors=15)
    assert trustworthiness(mu, flat(mu)) == pytest.approx(expected)


def test_the_kept_map_is_used_image_by_image(model, digits):
    found = evaluate(model, *digits, kept(model, digits), embed=pytest.fail)
    mu = encode(model.vae, digits[1]).mu
    assert found.trustworthiness == pytest.approx(trustworthiness(mu, flat(mu)), abs=1e-6)
    assert found.mapped == 360


def test_without_a_map_of_all_these_images_one_is_made_of_their_mu(model, digits):
    seen = []

    def embed(mu):
        seen.append(mu)
        return flat(mu)

    some = kept(model, digits, rows=slice(-10))  # ten test images are missing
    first = evaluate(model, *digits, some, embed=embed)
    second = evaluate(model, *digits, replace(some, maps={"pca": some.maps["umap"]}), embed=embed)
    third = evaluate(model, *digits, None, embed=embed)
    assert first.trustworthiness == second.trustworthiness == third.trustworthiness
    assert [mu.shape for mu in seen] == [(360, 6)] * 3
    assert evaluate(model, *digits, None).trustworthiness is None


def test_it_looks_at_some_images_chosen_by_a_fixed_seed(model, digits, monkeypatch):
    monkeypatch.setattr(figures, "MAP_IMAGES", 100)
    seen = []

    def embed(mu):
        seen.append(mu)
        return flat(mu)

    assert evaluate(model, *digits, embed=embed).mapped == 100
    evaluate(model, *digits, embed=embed)
    assert (seen[0] == seen[1]).all() and len(seen[0]) == 100
    every = {row.tobytes() for row in encode(model.vae, digits[1]).mu}
    first = {row.tobytes() for row in encode(model.vae, digits[1].take(slice(100))).mu}
    chosen = {row.tobytes() for row in seen[0]}
    assert chosen <= every and chosen != first


def test_too_few_images_have_no_trustworthiness(model, digits):
    few = digits[1].take(slice(30))
    found = evaluate(model, digits[0], few, embed=pytest.fail)
    assert found.trustworthiness is None and found.mapped == 0
    assert evaluate(model, digits[0], digits[1].take(slice(31)), embed=flat).mapped == 31


# ---- words ---------------------------------------------------------------------------------------------------------


def test_the_likelihood_is_called_what_it_is(found, model):
    config = model.config
    assert found.likelihood == likelihood_phrase(config) == "Bernoulli on grey pixels (a pseudo-likelihood)"
    assert "afresh" in likelihood_phrase(config.with_(binarise="dynamic"))
    assert "no likelihood" in likelihood_phrase(config.with_(likelihood="mse"))
    assert "one learned std" in likelihood_phrase(config.with_(likelihood="gaussian"))
    assert "std 0.25 (a density" in likelihood_phrase(config.with_(likelihood="gaussian", std=0.25))
    assert "binarised once" in likelihood_phrase(config.with_(binarise="static"))
    assert "logistic over 256 grey levels (a probability" in likelihood_phrase(config.with_(likelihood="logistic"))


def test_figures_are_plain_json(found):
    values = found.to_json()
    assert set(values) >= {"recon_nll", "kl", "elbo", "recon_mse", "active_units", "knn_accuracy", "trustworthiness"}
    assert all(type(value) in (int, float, str, type(None)) for value in values.values())
