"""What some images, gathered on a map, have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, Rows, many_codes


@dataclass(frozen=True, eq=False)
class Gathered:
    """Some of N images, looked at together.

    Attributes:
        count: how many they are.
        mean: (L,) float32, the mean of their mu.
        most: the name of their largest class, or of the attribute that sets them apart; "" without either.
        share: of them that have it, 0 to 1.
        usual: of all N that have it, 0 to 1.
    """

    count: int
    mean: Floats
    most: str
    share: float
    usual: float


def gathered(
    mu: ArrayLike,
    rows: Rows,
    labels: np.ndarray | None = None,
    label_names: Sequence[str] = (),
    attributes: np.ndarray | None = None,
    attribute_names: Sequence[str] = (),
) -> Gathered:
    """Look at some rows together.

    Args:
        mu: (N, L), the codes of all images.
        rows: (K,) of mu, at least one.
        labels, label_names: (N,) classes and what they are called. Of these the largest is named.
        attributes, attribute_names: (N, A), looked at where there are no labels: of those that are zero or one for
            every image, the one whose share among the rows differs most from its share among all ("no ..." where it is
            the lack of it that does).

    Raises:
        VAEError: no row, or codes that are none.
    """
    mu, rows = many_codes(mu), np.asarray(rows)
    if not len(rows):
        raise VAEError("There is no image in this group: draw around some dots.")
    mean = mu[rows].mean(axis=0, dtype=np.float64).astype(np.float32)
    most, share, usual = "", 0.0, 0.0
    if labels is not None and len(label_names):
        largest = int(np.argmax(np.bincount(labels[rows], minlength=len(label_names))))
        most, share, usual = label_names[largest], _share(labels[rows] == largest), _share(labels == largest)
    elif attributes is not None:
        for name, values in zip(attribute_names, attributes.T, strict=True):
            if not np.isin(values, (0, 1)).all():
                continue
            here, everywhere = _share(values[rows] == 1), _share(values == 1)
            if abs(here - everywhere) > abs(share - usual):
                lacking = here < everywhere
                most = f"no {name}" if lacking else name
                share, usual = (1 - here, 1 - everywhere) if lacking else (here, everywhere)
    return Gathered(len(rows), mean, most, share, usual)


def draws(mu: ArrayLike, logvar: ArrayLike, count: int, *, generator: np.random.Generator) -> Floats:
    """Draw from the posterior of one image: z = mu + std * eps, eps from N(0, I) (Kingma 2014).

    Args:
        mu, logvar: (L,) of the image.
        count: how many, at least 1. The first ones stay the same when more are asked for.

    Returns:
        (count, L) float32.
    """
    codes = many_codes(np.stack([np.asarray(mu), np.asarray(logvar)]), "the posterior")
    if count < 1:
        raise VAEError(f"Cannot draw {count} codes: ask for at least 1.")
    eps = generator.standard_normal((count, codes.shape[1]), dtype=np.float32)
    return codes[0] + np.exp(codes[1] / 2) * eps


def _share(mask: np.ndarray) -> float:
    return float(mask.mean())
