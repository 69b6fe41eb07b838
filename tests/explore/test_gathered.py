"""What gathered images have in common."""

import numpy as np
import pytest

from vae.errors import VAEError
from vae.explore.gathered import draws, gathered

MU = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
ROWS = np.arange(20, 40)


def test_the_mean_is_that_of_their_codes():
    found = gathered(MU, ROWS)
    assert found.count == 20 and np.allclose(found.mean, MU[20:40].mean(axis=0), atol=1e-6)
    assert found.most == ""


def test_the_largest_class_is_named_with_its_share_here_and_everywhere():
    labels = np.zeros(100, int)
    labels[20:35] = 2
    found = gathered(MU, ROWS, labels, ("a", "b", "c"))
    assert (found.most, found.share, found.usual) == ("c", 0.75, 0.15)


def test_without_classes_the_attribute_that_sets_them_apart_is_named():
    attributes = np.zeros((100, 3), np.float32)
    attributes[:50, 0] = 1  # half of all, and all of these
    attributes[:, 1] = 1  # all: says nothing
    attributes[20:40, 2] = 0.3  # a measure: passed over
    found = gathered(MU, ROWS, None, (), attributes, ("hat", "nose", "age"))
    assert (found.most, found.share, found.usual) == ("hat", 1.0, 0.5)
    lacking = 1 - attributes[:, :1]
    found = gathered(MU, ROWS, None, (), lacking, ("hat",))
    assert (found.most, found.share, found.usual) == ("no hat", 1.0, 0.5)


def test_a_group_of_none_is_refused():
    with pytest.raises(VAEError, match="no image in this group"):
        gathered(MU, ROWS[:0])


def test_draws_have_the_posteriors_mean_and_spread_and_repeat():
    mu, logvar = np.array([3.0, -1.0]), np.log(np.array([0.25, 4.0]))
    drawn = draws(mu, logvar, 20_000, generator=np.random.default_rng(1))
    assert np.allclose(drawn.mean(axis=0), mu, atol=0.05)
    assert np.allclose(drawn.std(axis=0), [0.5, 2.0], rtol=0.03)
    assert np.array_equal(drawn[:5], draws(mu, logvar, 5, generator=np.random.default_rng(1)))
    with pytest.raises(VAEError):
        draws(mu, logvar, 0, generator=np.random.default_rng(1))
