"""PCA beside a model: scikit-learn's components, and a sentence that says which does better."""

import json

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vae.data import Images
from vae.errors import VAEError
from vae.evaluate import against_pca as module
from vae.evaluate.against_pca import against_pca, principal, read_against_pca


def pictures(count, side, channels=1, seed=0, split="train"):
    """Blobs that move and change: many components, ever narrower."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    middle = generator.uniform(0.2, 0.8, (count, 2, 1, 1))
    wide = generator.uniform(0.05, 0.3, (count, 1, 1))
    blob = np.exp(-((x - middle[:, 0]) ** 2 + (y - middle[:, 1]) ** 2) / wide**2)
    colour = generator.uniform(0.3, 1, (count, 1, 1, channels))
    return Images("mnist", split, np.rint(255 * blob[..., None] * colour).astype(np.uint8))


def theirs(train, test, size):
    """Errors by scikit-learn, cut off at black and white."""
    flat = [images.pixels.reshape(len(images), -1).astype(np.float64) for images in (train, test)]
    if train.pixels.ndim == 4:
        flat = [rows / 255 for rows in flat]
    found = PCA(size, svd_solver="full").fit(flat[0])
    drawn = found.inverse_transform(found.transform(flat[1])).clip(0, 1)
    return np.square(drawn - flat[1]).mean(axis=1)


WAYS = {"few pixels": (300, 12, 1), "few images": (60, 40, 1), "many of both": (1100, 20, 3)}


@pytest.mark.parametrize(("count", "side", "channels"), WAYS.values(), ids=WAYS)
def test_the_errors_are_those_of_scikit_learns_pca(count, side, channels):
    train, test = pictures(count, side, channels), pictures(40, side, channels, seed=1, split="test")
    seen = []
    found = principal(train, 6, progress=lambda done, total: seen.append((done, total)))
    assert found.axes.shape == (6, side * side * channels)
    assert np.allclose(found.axes @ found.axes.T, np.eye(6), atol=1e-4)
    assert np.allclose(found.errors(test), theirs(train, test, 6), rtol=2e-3, atol=1e-7)
    assert seen[-1][0] == seen[-1][1]


def test_the_same_seed_gives_the_same_components(monkeypatch):
    monkeypatch.setattr(module, "EXACT", 10)
    first, again, other = (principal(pictures(60, 12), 3, seed=seed).axes for seed in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_there_are_no_more_components_than_images_and_pixels():
    train, test = pictures(5, 8), pictures(6, 8, seed=1, split="test")
    found = against_pca(np.zeros(6), train, test, 50)
    assert (found.numbers, found.components) == (50, 4)
    assert "4 components, all there are," in found.sentence()


def test_the_same_images_are_compared_one_by_one_and_the_better_is_named():
    train, test = pictures(300, 12), pictures(80, 12, seed=1, split="test")
    errors = theirs(train, test, 3)
    for share, better, said in (
        (0.9, "model", "It redraws test images better than PCA with as many numbers"),
        (1.1, "pca", "there are too few images (300)"),
        (1.0, "", "redraws test images as well"),
    ):
        found = against_pca(errors * share, train, test, 3)
        noise = np.resize([1e-6, -1e-6], 80) if share == 1 else 0
        found = against_pca(errors * share + noise, train, test, 3)
        assert found.better == better and said in found.sentence()
        assert f"{found.pca.value:.4f}" in found.sentence() and f"{found.model.value:.4f}" in found.sentence()
        assert np.isclose(found.lead.value, (errors * (1 - share)).mean(), atol=1e-7)
    many = pictures(300, 12).take(np.arange(6000) % 300)
    found = against_pca(errors * 2, many, test, 3)
    assert "too few" not in found.sentence() and "train longer" in found.sentence()
    assert found.sentence("It has barely been trained.").endswith("). It has barely been trained.")


def test_vectors_are_rows_of_numbers_too():
    rows = np.random.default_rng(0).random((90, 7), dtype=np.float32)
    train, test = Images("table:x", "train", rows[:60]), Images("table:x", "test", rows[60:])
    found = against_pca(np.zeros(30), train, test, 2)
    assert np.isclose(found.pca.value, theirs(train, test, 2).mean(), rtol=1e-4)


def test_what_is_kept_is_read_again_and_nothing_else():
    train, test = pictures(30, 8), pictures(20, 8, seed=1, split="test")
    found = against_pca(np.full(20, 0.01), train, test, 2)
    assert read_against_pca(json.loads(json.dumps(found.to_json()))) == found
    kept = found.to_json()
    for bad in (
        None,
        [],
        {},
        kept | {"pca": 3},
        kept | {"train": "many"},
        kept | {"lead": {"value": 9, "low": 0, "high": 1}},
    ):
        assert read_against_pca(bad) is None


def test_too_little_is_told():
    train, test = pictures(30, 8), pictures(20, 8, seed=1, split="test")
    with pytest.raises(VAEError, match="at least two"):
        against_pca(np.zeros(1), train, test.take([0]), 2)
    with pytest.raises(VAEError, match="one for each"):
        against_pca(np.zeros(3), train, test, 2)
