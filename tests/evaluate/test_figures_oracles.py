"""Each figure against an independent way to it: scikit-learn, or a formula written out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness as reference_trust
from sklearn.neighbors import KNeighborsClassifier

from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data.images import Images
from vae.encodings import encode, join
from vae.evaluate import figures
from vae.evaluate.figures import evaluate, knn_labels, trustworthiness
from vae.model import VAE
from vae.objectives import loss

CONFIG = Config((1, 8, 8), 3, encoder_sizes=(7,), decoder_sizes=(5,))


def model(config: Config = CONFIG) -> Checkpoint:
    vae = VAE(config, seed=1)
    with torch.no_grad():
        vae.encoder.heads.mu.weight.mul_(8)  # so that codes differ and some units are active
    return Checkpoint(vae.eval().requires_grad_(False), {}, "0" * 16, Path("mine"))


def noise(split: str, count: int = 60) -> Images:
    chance = np.random.default_rng(count + (split == "test"))
    labels = np.arange(count, dtype=np.int64) % 3
    pixels = chance.integers(0, 160, (count, 8, 8, 1)) + 45 * labels[:, None, None, None]
    return Images("noise", split, pixels.astype(np.uint8), labels, ("a", "b", "c"))


@pytest.mark.parametrize("k", [1, 5, 8])
def test_the_vote_is_that_of_scikit_learn(k: int) -> None:
    chance = np.random.default_rng(k)
    mu, labels = chance.normal(size=(300, 4)).astype(np.float32), chance.integers(0, 5, 300)
    asked = chance.normal(size=(200, 4)).astype(np.float32)
    reference = KNeighborsClassifier(n_neighbors=k, algorithm="brute").fit(mu, labels).predict(asked)
    assert (knn_labels(mu, labels, asked, k) == reference).all()


def test_the_vote_holds_far_from_the_origin_in_pieces_and_with_few_voters(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(0)
    mu, labels = chance.normal(size=(300, 4)), chance.integers(0, 5, 300)
    asked = chance.normal(size=(50, 4))
    whole = knn_labels(mu, labels, asked)
    assert (knn_labels(mu + 1e6, labels, asked + 1e6) == whole).all()
    monkeypatch.setattr(figures, "CHUNK", 300 * 7)
    assert (knn_labels(mu, labels, asked) == whole).all()
    assert (knn_labels(mu[:3], labels[:3], asked, 5) == np.bincount(labels[:3]).argmax()).all()


def test_trustworthiness_is_scikit_learns_with_15_neighbours() -> None:
    chance = np.random.default_rng(0)
    mu, xy = chance.normal(size=(100, 4)), chance.normal(size=(100, 2))
    assert trustworthiness(mu, xy) == pytest.approx(reference_trust(mu, xy, n_neighbors=15))
    assert trustworthiness(mu, mu[:, :2]) > trustworthiness(mu, xy)
    assert trustworthiness(mu[:, :2], mu[:, :2]) == 1


def test_every_figure_from_its_formula() -> None:
    this, train, test = model(), noise("train"), noise("test")
    found = evaluate(this, train, test)
    x = torch.tensor(test.pixels).permute(0, 3, 1, 2) / 255
    drawn = loss(this.vae, x, torch.Generator().manual_seed(0))  # z from q, never at mu
    assert found.recon_nll == pytest.approx(drawn.recon_nll.mean().item(), rel=1e-5)
    assert found.kl == pytest.approx(drawn.kl.mean().item(), rel=1e-5)
    assert found.elbo == pytest.approx(-found.recon_nll - found.kl)
    assert found.test_loss == pytest.approx(drawn.total.item(), rel=1e-5)
    mu = this.vae.encode(x).mu
    assert found.recon_mse == pytest.approx(((this.vae.decode(mu) - x) ** 2).mean().item(), rel=1e-5)
    assert found.active_units == int((mu.numpy().var(axis=0) > 0.01).sum())
    codes = [encode(this.vae, images).mu for images in (train, test)]
    voters = KNeighborsClassifier(n_neighbors=5).fit(codes[0], train.labels)
    assert found.knn_accuracy == pytest.approx(voters.score(codes[1], test.labels))
    assert found.trustworthiness is None  # no map kept, and no way to make one given
    assert (found.images, found.mapped, found.latent_dim) == (60, 0, 3)
    assert evaluate(this, train, test) == found


def test_the_kept_map_is_matched_to_its_images_by_row_and_split() -> None:
    this, train, test = model(), noise("train"), noise("test")
    codes = join(encode(this.vae, train), encode(this.vae, test))
    chance = np.random.default_rng(0)
    xy = chance.normal(size=(120, 2)).astype(np.float32)
    kept = codes.with_map("umap", xy).take(chance.permutation(120))
    wanted = reference_trust(codes.mu[60:], xy[60:], n_neighbors=15)
    found = evaluate(this, train, test, kept, embed=lambda mu: pytest.fail("the kept map does"))
    assert found.trustworthiness == pytest.approx(wanted)
    assert found.mapped == 60


def test_a_map_is_made_of_mu_when_none_is_kept() -> None:
    this, train, test = model(), noise("train"), noise("test")
    made: list[np.ndarray] = []

    def embed(mu: np.ndarray) -> np.ndarray:
        made.append(mu)
        return mu[:, :2]

    some = join(encode(this.vae, train), encode(this.vae, test).take(np.arange(50)))  # ten test images short
    some = some.with_map("umap", np.zeros((110, 2)))
    found = evaluate(this, train, test, some, embed=embed)
    mu = encode(this.vae, test).mu
    np.testing.assert_allclose(np.sort(made[0], axis=0), np.sort(mu, axis=0))
    assert found.trustworthiness == pytest.approx(reference_trust(mu, mu[:, :2], n_neighbors=15))


def test_few_images_and_no_labels_leave_gaps_and_no_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    this = model()
    bare = [Images("noise", split, noise(split, 30).pixels) for split in ("train", "test")]
    found = evaluate(this, *bare, embed=lambda mu: mu[:, :2])
    assert found.knn_accuracy is None and found.trustworthiness is None
    monkeypatch.setattr(figures, "MAP_IMAGES", 40)
    found = evaluate(this, noise("train"), noise("test"), embed=lambda mu: mu[:, :2])
    assert (found.images, found.mapped) == (60, 40)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "Bernoulli on grey pixels (a pseudo-likelihood)"),
        ({"binarise": "dynamic"}, "Bernoulli on pixels binarised afresh each time"),
        ({"likelihood": "mse"}, "squared error (no likelihood)"),
        ({"likelihood": "gaussian"}, "Gaussian, one learned std (a density, in nats)"),
    ],
)
def test_the_likelihood_is_named(change: dict[str, Any], words: str) -> None:
    found = evaluate(model(CONFIG.with_(**change)), noise("train", 9), noise("test", 9))
    assert found.likelihood == words
    assert found.binarisation == change.get("binarise", "none")
