"""The real images nearest to a code. Exact: every code is looked at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, Rows, many_codes

_CHUNK_BYTES = 32 << 20  # of float64 distances held at once


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest codes, nearest first.

    Attributes:
        rows: (k,) int64, or (B, k) when B codes were asked about. Rows of the table that was searched.
        distances: the same shape, float32. Euclidean, in standard deviations of the prior.
    """

    rows: Rows
    distances: Floats

    def __post_init__(self) -> None:
        if self.rows.shape != self.distances.shape:
            raise VAEError(f"{self.rows.shape} rows do not go with {self.distances.shape} distances.")


def nearest(
    mu: ArrayLike,
    z: ArrayLike,
    k: int,
    exclude: ArrayLike = (),
    progress: Callable[[int, int], None] | None = None,
) -> Neighbours:
    """Find the k codes of mu nearest to z; at equal distance the lower row comes first.

    Args:
        mu: (N, L), the codes to search.
        z: (L,), or (B, L) to ask about many at once.
        k: how many, at least 1. Fewer come back when fewer are there.
        exclude: rows of mu to leave out, such as the image itself.
        progress: called with (codes done, codes in all).

    Returns:
        Neighbours of shape (k,) or (B, k).

    Raises:
        VAEError: shapes that do not agree, values that are not finite, k below 1, or nothing left to search.
    """
    mu = many_codes(mu)
    asked = many_codes(np.atleast_2d(np.asarray(z, dtype=np.float32)), "the code")
    if asked.shape[1] != mu.shape[1]:
        raise VAEError(f"The code has {asked.shape[1]} numbers and the images' have {mu.shape[1]}: use one model.")
    if k < 1:
        raise VAEError(f"Cannot look for {k} neighbours: ask for at least 1.")
    kept = np.delete(np.arange(len(mu)), _known(exclude, len(mu)))
    if not len(kept):
        raise VAEError("Every image was left out, so there is no neighbour: leave fewer out.")

    found = np.empty((len(asked), min(k, len(kept))), np.int64)
    squared = np.empty(found.shape, np.float64)
    for i, (rows, distances) in enumerate(_search(mu[kept].astype(np.float64), asked.astype(np.float64), k)):
        found[i], squared[i] = kept[rows], distances
        if progress and (i + 1 == len(asked) or (i + 1) % 1000 == 0):
            progress(i + 1, len(asked))
    shape = found.shape[1:] if np.ndim(z) == 1 else found.shape
    return Neighbours(found.reshape(shape), np.sqrt(squared).astype(np.float32).reshape(shape))


def _known(exclude: ArrayLike, count: int) -> Rows:
    rows = np.asarray(exclude, dtype=np.int64).reshape(-1)
    if len(rows) and not (rows.min() >= 0 and rows.max() < count):
        raise VAEError(f"A row to leave out is not among the {count} images: rows run from 0 to {count - 1}.")
    return rows


def _search(mu: np.ndarray, asked: np.ndarray, k: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each code asked about, (rows, squared distances) of its k nearest.

    |a|^2 + |b|^2 - 2ab is fast but loses the last digits, and a code's distance to itself comes out as noise. So it
    only chooses candidates, with room for its own rounding; the differences themselves decide among them.
    """
    k = min(k, len(mu))
    lengths = (mu**2).sum(axis=1)  # (N,)
    chunk = max(1, _CHUNK_BYTES // (8 * len(mu)))
    for start in range(0, len(asked), chunk):
        block = asked[start : start + chunk]
        rough = lengths - 2 * (block @ mu.T)  # (chunk, N), short of |z|^2, which changes no order
        for z, row in zip(block, rough, strict=True):
            slack = 1e-12 * (z @ z + lengths.max())
            candidates = np.flatnonzero(row <= np.partition(row, k - 1)[k - 1] + slack)
            exact = ((mu[candidates] - z) ** 2).sum(axis=1)
            order = np.argsort(exact, kind="stable")[:k]  # stable: candidates are in row order
            yield candidates[order], exact[order]
