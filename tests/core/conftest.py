"""What the tests of the core share: one small model, one small data set, and what makes a good error."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from vae.config import Config
from vae.data.images import Images
from vae.errors import VAEError
from vae.model import VAE

SMALL = Config(shape=(1, 8, 8), latent_dim=3, encoder_sizes=(7,), decoder_sizes=(5,))


@pytest.fixture
def small() -> Config:
    """A dense model of 8x8 grey images with three latents."""
    return SMALL


@pytest.fixture
def vae() -> VAE:
    """That model, built from seed 1."""
    return VAE(SMALL, seed=1)


@pytest.fixture
def images() -> Images:
    """Twelve 8x8 grey test images with two labels and one attribute, rows 100 to 111 of their split."""
    chance = np.random.default_rng(0)
    return Images(
        "noise",
        "test",
        chance.integers(0, 256, (12, 8, 8, 1), dtype=np.uint8),
        labels=np.arange(12, dtype=np.int64) % 2,
        label_names=("even", "odd"),
        attributes=chance.random((12, 1)).astype(np.float32),
        attribute_names=("light",),
        index=np.arange(100, 112),
    )


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def refused() -> Callable[[str], object]:
    """`with refused("words"):` the body raises a VAEError, one plain line that has the words and ends well."""

    @contextmanager
    def check(words: str) -> Iterator[None]:
        with pytest.raises(VAEError, match=re.escape(words)) as caught:
            yield
        line = str(caught.value)
        assert len(line.splitlines()) == 1
        assert 20 < len(line) < 400
        assert line.endswith(".")
        assert "Traceback" not in line and "Error" not in line

    return check
