"""Copies: planted ones are found, moved and noisy ones too; images never seen are not; nor is one among many alike."""

import numpy as np
import pytest
import torch
from scipy.stats import binom

from vae.data.images import Images
from vae.errors import VAEError
from vae.evaluate.pictures import copies
from vae.evaluate.pictures.copies import SIDE, find_copies, fit_copies


def blobs(count, seed, side=20, split="train"):
    """Pictures of five soft spots each: no two alike, all of a kind."""
    chance = np.random.default_rng(seed)
    at = np.stack(np.meshgrid(*[np.arange(side)] * 2, indexing="ij"))[:, None, None]  # (2, 1, 1, side, side)
    centre = chance.uniform(2, side - 2, (2, count, 5, 1, 1))
    spots = np.exp(-((at - centre) ** 2).sum(axis=0) / 4).sum(axis=1)
    pixels = (255 * np.clip(spots, 0, 1)).astype(np.uint8)
    return Images("blobs", split, pixels[:, :, :, None])


def x_of(images):
    return torch.tensor(images.pixels).permute(0, 3, 1, 2).float() / 255


@pytest.fixture(scope="module")
def known():
    return fit_copies(blobs(600, 1), blobs(600, 2, split="test"), torch.Generator().manual_seed(0))


@pytest.fixture
def planted():
    return x_of(blobs(600, 1))[100:200]


def test_copies_are_found_and_named(known, planted):
    found = find_copies(planted, known)
    assert found.copy.all() and torch.equal(found.rows, torch.arange(100, 200))
    assert found.distance.max() < 1e-3 and found.ratio.max() < 0.01


def test_noisy_and_moved_copies_are_copies(known, planted):
    noise = 0.03 * torch.randn(planted.shape, generator=torch.Generator().manual_seed(1))
    for changed in ((planted + noise).clamp(0, 1), torch.roll(planted, (1, 1), (2, 3)), torch.roll(planted, -1, 2)):
        found = find_copies(changed, known)
        assert found.copy.all() and torch.equal(found.rows, torch.arange(100, 200))


def test_images_that_were_never_seen_are_copies_at_most_once_in_a_hundred(known):
    found = find_copies(x_of(blobs(600, 3)), known)
    assert found.copy.float().mean() <= 0.01
    assert 0 < known.line < 0.95


@pytest.mark.parametrize(("count", "place"), [(20, 0), (458, 0), (459, 0), (1000, 2), (2000, 9), (5000, 33)])
def test_the_line_is_the_tolerance_limit_of_the_textbook(count, place):
    """At most 1 in 100 lie below the line, with a confidence of 99 % where there are enough (459) to say so."""
    assert copies._place(count) == place
    assert binom.cdf(place, count, 0.01) <= 0.01 or place == 0
    assert binom.cdf(place + 1, count, 0.01) > 0.01


def test_smooth_pictures_near_to_everything_are_no_copies(known):
    """A mean of many lies nearer to each than they do to each other."""
    train = x_of(blobs(600, 1))
    smooth = torch.stack([train[start : start + 50].mean(dim=0) for start in range(0, 600, 50)])
    found = find_copies(smooth, known)
    assert not found.copy.any()


def test_the_distance_is_per_pixel_of_small_pictures_and_vectors_are_compared_as_they_are():
    chance = np.random.default_rng(0)
    train, test = (Images("v", split, chance.random((60, 7)).astype(np.float32)) for split in ("train", "test"))
    known = fit_copies(train, test, torch.Generator().manual_seed(0))
    x = torch.tensor(chance.random((4, 7)), dtype=torch.float32)
    wanted = torch.cdist(x, torch.tensor(train.pixels)).min(dim=1)
    found = find_copies(x, known)
    assert torch.equal(found.rows, wanted.indices)
    assert torch.allclose(found.distance, wanted.values / 7**0.5, atol=1e-4)
    assert fit_copies(blobs(20, 1, side=40), blobs(20, 2, side=40), torch.Generator()).small.shape[1] <= SIDE**2


def test_too_few_images_are_a_plain_line():
    with pytest.raises(VAEError, match="more than 10 training images"):
        fit_copies(blobs(10, 1), blobs(50, 2), torch.Generator())
    with pytest.raises(VAEError, match="20 held-out ones"):
        fit_copies(blobs(50, 1), blobs(19, 2), torch.Generator())
