"""Settings that suit data nobody has trained on before: found by looking at some of the images.

What is usual for the sets that ship suits tens of thousands of images. A person brings a few hundred photographs as
often, and the likelihood of black and white ink is a poor one for them.
"""

from dataclasses import dataclass

import numpy as np

from vae.data import describe, load
from vae.data.images import Images

LOOKED_AT = 500  # training images
EDGE = 13  # grey levels from black, and from white, within which a pixel counts as ink or paper
INK = 0.85  # of all pixels, above which images are ink on paper
# Pixels of the longer side up to which dense layers do as well as convolutions, and faster. Above, they learn a few
# thousand images by heart: of Omniglot (4,050) held-out squared error .036 after a minute and .049 after four, where
# convolutions have .032 and PCA .044.
SMALL = 16
FEW, MANY = 1_000, 20_000  # training images


@dataclass(frozen=True)
class Suited:
    """What to begin with.

    Attributes:
        network: "mlp" or "conv". likelihood: of `vae.likelihoods`. latent_dim: numbers in a code.
        batch_size: images in a step; fewer where there are few. minutes: of training on a small computer.
    """

    network: str
    likelihood: str
    latent_dim: int
    batch_size: int
    minutes: float


def suited(name: str) -> Suited:
    """Settings for a data set.

    Raises:
        VAEError: it is gone or damaged.
    """
    known = describe(name)
    flat = len(known.shape) == 1
    small = flat or max(known.shape[1:]) <= SMALL
    some = load(name, "train", limit=LOOKED_AT)
    return Suited(
        network="mlp" if small else "conv",
        likelihood="bernoulli" if not flat and ink_share(some) > INK else "gaussian",
        latent_dim=max(2, min(16, known.shape[0] // 8)) if flat else 16,
        batch_size=32 if known.train_size < FEW else 128,
        minutes=10.0 if known.train_size > MANY else 2.0,
    )


def ink_share(images: Images) -> float:
    """The part of all pixels that are nearly black or nearly white, 0 to 1."""
    pixels = images.pixels
    return float(np.mean((pixels <= EDGE) | (pixels >= 255 - EDGE)))
