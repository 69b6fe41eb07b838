"""Maps: from codes to a point on the screen. Always of mu, never of a random draw."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes
from vae.explore.neighbours import nearest

Progress = Callable[[int, int], None]


# ---- PCA -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Projection:
    """The flat view of the codes that keeps most of their variance.

    Attributes:
        xy: (N, 2) float32, the map.
        explained: (2,) float32, the share of the variance that each axis keeps, from 0 to 1.
        centre: (L,), the mean of mu: the origin of the map.
        axes: (2, L), unit vectors at a right angle to each other (zeros where there is no second direction).
    """

    xy: Floats
    explained: Floats
    centre: Floats
    axes: Floats

    def __post_init__(self) -> None:
        if self.xy.ndim != 2 or self.xy.shape[1] != 2 or self.axes.shape != (2, len(self.centre)):
            raise VAEError(f"A map of {self.xy.shape} does not go with axes of {self.axes.shape}.")

    def place(self, mu: ArrayLike) -> Floats:
        """Where other codes (M, L) of the same model lie on this map, (M, 2)."""
        mu = many_codes(mu)
        if mu.shape[1] != len(self.centre):
            raise VAEError(f"The codes have {mu.shape[1]} numbers, those of the map {len(self.centre)}: use one model.")
        return ((mu.astype(np.float64) - self.centre) @ self.axes.T).astype(np.float32)


def pca(mu: ArrayLike) -> Projection:
    """Look at the codes from where they spread most (Pearson 1901), by singular values.

    The sign of an axis is free: here its largest number is positive, so the same codes always give the same map.

    Args:
        mu: (N, L), the codes of the images.

    Returns:
        Projection. With latent_dim 1, or all images on one line, the second axis is zero.

    Raises:
        VAEError: not (N, L), or not finite.
    """
    mu = many_codes(mu)
    centre = mu.mean(axis=0, dtype=np.float64)
    _, values, directions = np.linalg.svd(mu - centre, full_matrices=False)
    variance = values**2
    # What the rounding of float32 leaves behind is no direction: it would be a different one on another machine.
    real = values > 4 * np.finfo(np.float32).eps * np.sqrt(len(mu)) * np.abs(mu).max()
    axes, explained = np.zeros((2, mu.shape[1])), np.zeros(2)
    for i in np.flatnonzero(real[:2]):
        largest = directions[i, np.argmax(np.abs(directions[i]))]
        axes[i] = directions[i] * np.sign(largest)
        explained[i] = variance[i] / variance.sum()
    xy = (mu - centre) @ axes.T
    return Projection(*(part.astype(np.float32) for part in (xy, explained, centre, axes)))


# ---- UMAP ----------------------------------------------------------------------------------------------------------


def umap(mu: ArrayLike, *, seed: int, neighbours: int = 15, progress: Progress | None = None) -> Floats:
    """Lay the codes out so that neighbours stay neighbours (McInnes 2018), starting from PCA.

    Exact neighbours and the PCA start (Kobak 2021) make the map repeatable and keep the groups about where PCA has
    them. Takes seconds to half a minute and compiles first: run it in a process of its own, never in the server.

    Args:
        mu: (N, L), the codes of the images.
        seed: the same seed and codes give the same map on the same machine.
        neighbours: how many images count as near. More: the large shape is truer, small groups melt together.
        progress: called with (percent done, 100).

    Returns:
        xy (N, 2) float32. Distances between far groups mean little.

    Raises:
        VAEError: not (N, L), not finite, or no more images than neighbours.
    """
    mu = many_codes(mu)
    if neighbours < 2:
        raise VAEError(f"UMAP cannot work with {neighbours} neighbours: ask for at least 2, usually 15.")
    if len(mu) <= neighbours:
        raise VAEError(f"UMAP needs more than {neighbours} images and here are {len(mu)}: PCA will do for so few.")
    report = progress or (lambda done, total: None)
    near = nearest(mu, mu, neighbours, progress=lambda done, total: report(25 * done // total, 100))

    with warnings.catch_warnings():
        # It misses TensorFlow, for a variant not used here, and it cannot place new images; place() below does that.
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        warnings.filterwarnings("ignore", message="precomputed_knn", category=UserWarning)
        from umap import UMAP  # here, because it compiles for seconds and brings threads that dislike company

        layout = UMAP(
            n_neighbors=neighbours,
            min_dist=0.1,
            init=_start(mu, np.random.default_rng(seed)),
            precomputed_knn=(near.rows, near.distances),
            random_state=seed,
            n_jobs=1,  # more threads would not repeat
            tqdm_kwds=_ticks(lambda done, total: report(25 + 75 * done // total, 100)),
        )
        xy = np.asarray(layout.fit_transform(mu), dtype=np.float32)
    report(100, 100)
    return xy


def _start(mu: Floats, generator: np.random.Generator) -> Floats:
    """PCA at unit size, with a little noise: UMAP stretches each axis to the same width, and zeros would become NaN."""
    xy = pca(mu).xy
    noise = generator.normal(scale=1e-4, size=xy.shape).astype(np.float32)
    return xy / max(float(xy.std()), 1e-6) + noise


class _Ticker:
    """A stream that reads the progress bar UMAP writes, because it offers no other way to ask how far it is."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def write(self, text: str) -> None:
        done, _, total = text.strip().partition("/")
        if done.isdigit() and total.isdigit():
            self.progress(int(done), int(total))

    def flush(self) -> None:
        pass


def _ticks(progress: Progress) -> dict[str, object]:
    return {"disable": False, "file": _Ticker(progress), "bar_format": "{n}/{total}", "mininterval": 0.1}


# ---- new codes on a finished map -----------------------------------------------------------------------------------


def place(mu_new: ArrayLike, mu: ArrayLike, xy: ArrayLike, k: int = 15) -> Floats:
    """Put new codes on a finished map, among their nearest encodings (Shepard 1968: weights 1 / distance^2).

    Args:
        mu_new: (M, L), the new codes.
        mu: (N, L), the codes the map was made of.
        xy: (N, 2), the map.
        k: encodings that pull on a point. More: smoother, and further from small groups.

    Returns:
        (M, 2) float32. A code that is on the map already gets its own place exactly.

    Raises:
        VAEError: shapes that do not agree, or values that are not finite.
    """
    mu_new, mu, xy = many_codes(mu_new), many_codes(mu), many_codes(xy, "the map")
    if xy.shape != (len(mu), 2):
        raise VAEError(f"A map of {xy.shape} does not belong to {len(mu)} codes: it needs one point for each.")
    near = nearest(mu, mu_new, k)
    distances = near.distances.astype(np.float64)  # (M, k), nearest first
    closest = distances[:, :1]
    weights = (closest / np.where(distances > 0, distances, 1)) ** 2  # as 1 / d^2, and never overflows
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    placed = (weights[:, :, None] * xy[near.rows]).sum(axis=1)  # (M, 2)
    return np.where(closest == 0, xy[near.rows[:, 0]], placed).astype(np.float32)
