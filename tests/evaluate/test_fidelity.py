"""Measures of samples: each against a closed form, or against the plain way to compute it."""

import numpy as np
import pytest
import scipy.linalg
import torch

from vae.batches import as_x, stored
from vae.data import load
from vae.errors import VAEError
from vae.evaluate.pictures.fidelity import (
    Moments,
    copied,
    frechet,
    manifold,
    moments,
    nearest,
    precision_recall,
    sharpness,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def gaussian(width, seed):
    chance = np.random.default_rng(seed)
    root = chance.normal(size=(width, width))
    return Moments(torch.tensor(chance.normal(size=width)), torch.tensor(root @ root.T), 0)


# ---- Frechet -------------------------------------------------------------------------------------------------------


def test_the_distance_of_gaussians_that_share_their_axes_is_the_closed_form():
    """Diagonal covariances: sum of (m - n)^2 + (s - t)^2."""
    m, n, s, t = (torch.tensor(v, dtype=torch.float64) for v in ([1, 2, 0], [0, 4, 0], [1, 2, 3], [2, 2, 0.5]))
    found = frechet(Moments(m, torch.diag(s**2), 0), Moments(n, torch.diag(t**2), 0))
    assert found == pytest.approx(1 + 4 + 1 + 0 + 6.25)


@pytest.mark.parametrize("seed", range(4))
def test_the_distance_is_that_of_scipys_matrix_root(seed):
    a, b = gaussian(6, seed), gaussian(6, seed + 50)
    root = scipy.linalg.sqrtm(a.covariance.numpy() @ b.covariance.numpy()).real
    wanted = ((a.mean - b.mean) ** 2).sum() + a.covariance.trace() + b.covariance.trace() - 2 * np.trace(root)
    assert frechet(a, b) == pytest.approx(float(wanted))
    assert frechet(b, a) == pytest.approx(frechet(a, b))
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)


def test_a_feature_that_never_varies_is_no_trouble():
    flat = Moments(torch.zeros(2, dtype=torch.float64), torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64)), 0)
    other = Moments(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64), 0)
    assert frechet(flat, other) == pytest.approx(1)


def test_moments_are_numpys(generator):
    features = torch.randn(50, 4, generator=generator)
    found = moments(features)
    assert np.allclose(found.mean, features.numpy().mean(0), atol=1e-6)
    assert np.allclose(found.covariance, np.cov(features.numpy().T), atol=1e-6)
    with pytest.raises(VAEError, match="more than 4 pictures"):
        moments(features[:4])


def test_the_bias_falls_as_one_over_the_number_of_pictures(generator):
    """Two draws of one distribution: the distance is all bias, and N times it stays about the same."""

    def bias(n):
        draws = [frechet(*(moments(torch.randn(n, 8, generator=generator)) for _ in "ab")) for _ in range(20)]
        return float(np.mean(draws))

    few, many = bias(250), bias(1000)
    assert few > 0 and many > 0
    assert few / many == pytest.approx(4, rel=0.25)


# ---- precision and recall ------------------------------------------------------------------------------------------


def test_precision_and_recall_are_those_of_the_plain_way(generator):
    real, made = torch.randn(60, 3, generator=generator), 0.7 * torch.randn(50, 3, generator=generator) + 0.5
    found = precision_recall(manifold(real), manifold(made))

    def held(points, by):
        radii = [sorted(np.linalg.norm(p - q) for q in by)[3] for p in by]  # the nearest of all is itself
        return np.mean([any(np.linalg.norm(p - q) <= r for q, r in zip(by, radii, strict=True)) for p in points])

    assert found == pytest.approx((held(made.numpy(), real.numpy()), held(real.numpy(), made.numpy())))


def test_pictures_of_one_kind_are_precise_and_recall_little(generator):
    """Two clusters, and samples of one alone: precision stays, recall falls to a half; and the other way round."""
    one, two = torch.randn(300, 2, generator=generator), torch.randn(300, 2, generator=generator) + 40
    again = torch.randn(300, 2, generator=generator)
    both, single = manifold(torch.cat([one, two])), manifold(again)
    precision, recall = precision_recall(both, single)
    assert precision > 0.9 and recall == pytest.approx(0.5, abs=0.05)
    precision, recall = precision_recall(single, both)
    assert precision == pytest.approx(0.5, abs=0.05) and recall > 0.9


def test_where_they_lie_far_from_zero_changes_nothing(generator):
    real, made = torch.randn(80, 3, generator=generator), torch.randn(80, 3, generator=generator) + 1
    near = precision_recall(manifold(real), manifold(made))
    assert precision_recall(manifold(real + 1000), manifold(made + 1000)) == pytest.approx(near, abs=0.03)


def test_too_few_pictures_are_refused(generator):
    with pytest.raises(VAEError, match="more than 3"):
        manifold(torch.randn(3, 2, generator=generator))


# ---- sharpness and copies ------------------------------------------------------------------------------------------


def test_sharpness_falls_with_blur_and_is_the_variance_of_the_laplacian(generator):
    x = (torch.rand(5, 1, 12, 12, generator=generator) > 0.5).float()
    blurred = torch.nn.functional.avg_pool2d(x, 3, stride=1, padding=1)
    assert (sharpness(blurred) < 0.5 * sharpness(x)).all()
    picture = x[0, 0].numpy()
    around = picture[:-2, 1:-1] + picture[2:, 1:-1] + picture[1:-1, :-2] + picture[1:-1, 2:] - 4 * picture[1:-1, 1:-1]
    assert sharpness(x)[0].item() == pytest.approx(around.var(), rel=1e-5)
    assert sharpness(torch.full((1, 1, 8, 8), 0.3)).item() == pytest.approx(0, abs=1e-9)


def test_sharpness_of_colours_is_that_of_each_channel(generator):
    x = torch.rand(2, 3, 9, 9, generator=generator)
    around = torch.stack([x[:, c : c + 1] for c in range(3)])
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).view(1, 1, 3, 3)
    wanted = torch.cat([torch.nn.functional.conv2d(c, kernel).flatten(1) for c in around], dim=1).var(1, correction=0)
    assert torch.allclose(sharpness(x), wanted)


def test_the_nearest_image_is_found(generator):
    known = torch.rand(200, 1, 6, 6, generator=generator)
    rows = torch.tensor([5, 17, 199])
    found, distances = nearest(known[rows] + 1e-3, known)
    assert found[:, 0].tolist() == rows.tolist()
    assert torch.allclose(distances[:, 0], torch.full((3,), 6e-3), atol=1e-3)
    found, distances = nearest(known[rows], known, k=3)
    plain = torch.cdist(known[rows].flatten(1), known.flatten(1)).sort(dim=1)
    assert found.tolist() == plain.indices[:, :3].tolist()
    assert torch.allclose(distances[:, 1:], plain.values[:, 1:3], atol=1e-4)


@pytest.fixture(scope="module")
def digits():
    return as_x(stored(load("digits", "train"))).split(600)  # learned from, held out, new


def test_copies_are_told_from_new_images(digits):
    """Of new images as many look like copies of the one as of the other: nearly a half, so the rest is what tells."""
    train, held_out, new = digits
    assert copied(new, train, held_out) == pytest.approx(0, abs=0.08)
    assert copied(train[:200], train, held_out) > 0.4
    assert copied(held_out[:200], train, held_out) < -0.4
    third = copied(torch.cat([train[:100], new[:200]]), train, held_out)
    assert third == pytest.approx(copied(train[:100], train, held_out) / 3, abs=0.08)


def test_what_is_smooth_is_no_copy_and_a_blurred_copy_is_one(digits):
    """It lies nearer to everything, so its distance alone would tell nothing."""
    train, held_out, new = digits
    grey = train.mean(dim=0)
    assert copied(0.7 * new + 0.3 * grey, train, held_out) == pytest.approx(0, abs=0.08)
    assert copied(0.7 * train[:200] + 0.3 * grey, train, held_out) > 0.4
