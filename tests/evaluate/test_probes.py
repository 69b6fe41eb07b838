"""Probes: codes that say the label, codes that say nothing, and the same protocol for all three."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from vae.data import Images, load
from vae.errors import VAEError
from vae.evaluate.codes.probes import _explained, linear_guesses, lines_of, measure_probes, pca
from vae.evaluate.suites import measure_suite


def chance(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def digits():
    return load("digits", "train", limit=600), load("digits", "test")


def noise(x):
    return torch.randn(len(x), 4, generator=torch.Generator().manual_seed(len(x)))


def score(found, probe, space, what="label"):
    return next(one.score for one in found.read if (one.probe, one.space, one.what) == (probe, space, what))


# ---- the parts -----------------------------------------------------------------------------------------------------


def test_the_linear_probe_is_scikit_learns_on_standardised_numbers(digits):
    fitted, asked = (images.pixels.reshape(len(images), -1) / 255.0 for images in digits)
    scale = StandardScaler().fit(fitted)
    oracle = LogisticRegression(max_iter=2000).fit(scale.transform(fitted), digits[0].labels)
    guesses = linear_guesses(fitted, digits[0].labels, asked, flows=False)
    assert (guesses == oracle.predict(scale.transform(asked))).mean() > 0.99
    flowing = fitted @ chance().normal(size=64)
    ridge = Ridge().fit(scale.transform(fitted), flowing)
    assert linear_guesses(fitted, flowing, asked, flows=True) == pytest.approx(ridge.predict(scale.transform(asked)))


def test_the_probe_does_not_care_for_shift_and_scale():
    fitted, asked = chance(0).normal(size=(300, 5)), chance(1).normal(size=(100, 5))
    known = (fitted[:, 0] > fitted[:, 3]).astype(int)
    moved = lambda rows: rows * np.array([1e3, 1e-3, 1, 7, 1]) + 50  # noqa: E731
    for flows in (False, True):
        one, other = (linear_guesses(f(fitted), known, f(asked), flows) for f in (np.array, moved))
        assert other == pytest.approx(one, abs=1e-6)


def test_pca_is_fitted_on_training_images_alone():
    fitted, asked = chance(0).normal(size=(200, 9)) @ chance(1).normal(size=(9, 9)), chance(2).normal(size=(50, 9)) * 30
    oracle = PCA(3, svd_solver="full").fit(fitted)
    mine = pca(fitted, asked, 3)
    assert np.abs(mine[0]) == pytest.approx(np.abs(oracle.transform(fitted)), abs=1e-4)
    assert np.abs(mine[1]) == pytest.approx(np.abs(oracle.transform(asked)), abs=1e-4)
    assert pca(fitted, asked, 50)[0].shape == (200, 9)


def test_variance_explained_has_an_interval_that_holds():
    held = []
    for seed in range(60):
        truth = chance(seed).normal(size=300)
        guess = truth * 0.5 + chance(seed + 1000).normal(size=300) * 0.5  # 1 - (0.25 + 0.25) = 0.5 in the long run
        found = _explained(np.square(guess - truth), truth, chance(seed))
        held.append(found.low <= 0.5 <= found.high)
    assert np.mean(held) > 0.85


# ---- all of it -----------------------------------------------------------------------------------------------------


def test_a_code_that_is_the_image_reads_as_pixels_do_and_noise_as_a_guess(digits, told_by):
    whole = measure_probes(told_by(64, lambda x: x.flatten(1)), *digits)
    for probe in ("linear", "k-NN"):
        assert score(whole, probe, "mu").value == pytest.approx(score(whole, probe, "pixels").value, abs=0.005)
        assert score(whole, probe, "pixels").value > 0.85
    nothing = measure_probes(told_by(4, noise), *digits)
    for probe in ("linear", "k-NN"):
        assert score(nothing, probe, "mu").value < 0.2
        assert score(nothing, probe, "pixels") == score(whole, probe, "pixels")
        assert 0.3 < score(nothing, probe, "pca").value < 0.95
    assert {one.size for one in nothing.read if one.space == "pca"} == {4}
    for lead in nothing.leads:
        assert lead.score.value == pytest.approx(
            score(nothing, lead.probe, "mu").value - score(nothing, lead.probe, "pca").value
        )
        assert lead.score.high < 0
    assert (whole.train, whole.test) == (600, 360)


def test_it_says_all_in_json_and_in_lines_and_repeats(digits, told_by):
    model = told_by(4, noise)
    found = measure_suite("probes", model, *digits, limit=200)
    assert (found.train, found.test) == (200, 200)
    assert json.loads(json.dumps(found.to_json()))["read"][0]["space"] == "mu"
    head, *rows = [re.split(r"\s{2,}", line) for line in found.lines()]
    assert head == ["read rightly", "linear", "k-NN"]
    assert [row[0] for row in rows] == [
        *("code, 4 numbers", "PCA, 4 numbers", "raw pixels, 64 numbers", "code less PCA", "images")
    ]
    assert rows[2][1].startswith(f"{100 * score(found, 'linear', 'pixels').value:.1f}% (")
    assert rows[2][2].startswith(f"{100 * score(found, 'k-NN', 'pixels').value:.1f}% (")
    assert " points (" in rows[3][1] and rows[4][1] == "200 to fit, 200 to score"
    assert lines_of(json.loads(json.dumps(found.to_json()))) == found.lines()
    assert lines_of({"lines": ["as it was"], "read": [{}]}) == ["as it was"]
    assert measure_suite("probes", model, *digits, limit=200) == found
    assert measure_suite("probes", model, *digits, limit=200, seed=1) != found


def test_attributes_are_read_where_there_are_no_labels(told_by):
    """One that is yes or no, one that flows, and one that never varies; the code is the one that flows."""
    pixels = chance(0).integers(0, 256, (500, 8, 8, 1), dtype=np.uint8)
    flowing = pixels[:, 0, 0, 0] / 255.0 * 7 - 2
    attributes = np.stack([pixels[:, 1, 1, 0] > 127, flowing, np.ones(500)], axis=1).astype(np.float32)
    images = Images("x", "train", pixels, attributes=attributes, attribute_names=("smile", "turn", "all"))
    train, test = images.take(slice(350)), replace(images.take(slice(350, None)), split="test")
    found = measure_probes(told_by(1, lambda x: x[:, 0, 0, :1]), train, test)
    assert {(one.what, one.measure) for one in found.read} == {("smile", "accuracy"), ("turn", "R2")}
    assert score(found, "linear", "mu", "turn").value > 0.999
    assert score(found, "k-NN", "mu", "turn").value > 0.99
    assert score(found, "linear", "pca", "turn").value < 0.3
    assert score(found, "linear", "mu", "smile").value < 0.7
    lead = next(one for one in found.leads if (one.what, one.probe) == ("turn", "linear"))
    assert lead.measure == "R2" and lead.score.low > 0.6


def test_what_cannot_be_read_is_said_in_a_line(digits, told_by):
    model = told_by(4, noise)
    bare = [replace(images, labels=None, label_names=()) for images in digits]
    with pytest.raises(VAEError, match="has neither"):
        measure_probes(model, *bare)
    train, test = digits
    with pytest.raises(VAEError, match="one label"):
        measure_probes(model, train.take(train.labels == 3), test)
