"""Noise whose codes fall among images of a kind: how a prior that knows no kinds is asked for a three.

Noise is tried in its order, the seed's first, its second, ...; each code asks the images around it. So the same seed
gives the same pictures, and more of them begin with the fewer.
"""

from collections.abc import Callable

import numpy as np

from vae.errors import VAEError
from vae.explore.codes import Floats, Mask
from vae.explore.neighbours import nearest

NEAR = 15  # images around a code that vote on what it is of
VOTERS = 20_000  # images that may vote: 0.1 s for a round of tries
ROUND = 512  # codes tried at once
TRIES = 100  # for each sample wanted, at most, of a kind that is rare or not told apart

Place = Callable[[Floats, Floats], Floats]


class Noise:
    """The noise of a draw, round after round.

    Args:
        seed: the same seed, the same noise.
    """

    def __init__(self, seed: int) -> None:
        self._noise, self._choice = np.random.default_rng(seed), np.random.default_rng((seed, 1))

    def draw(self, count: int, latent_dim: int) -> tuple[Floats, Floats]:
        """Standard normal noise (count, L), and numbers in [0, 1) by which a component is chosen (count,)."""
        drawn = self._noise.standard_normal((count, latent_dim), dtype=np.float32)
        return drawn, self._choice.random(count, dtype=np.float32)


def noise_of_kind(place: Place, mu: Floats, wanted: Mask, what: str, count: int, seed: int) -> tuple[Floats, Floats]:
    """The first noise whose codes lie where most of the nearest images are wanted ones.

    Args:
        place: what makes codes (n, L) of noise (n, L) and choices (n,): the prior.
        mu: (N, L), the codes of the images. wanted: (N,), which of them are of the kind.
        what: the kind in a word, for the refusal.
        count: how many are asked for.

    Returns:
        Noise (count, L) and choices (count,).

    Raises:
        VAEError: hardly any of the codes tried fall there.
    """
    voters = np.linspace(0, len(mu) - 1, min(VOTERS, len(mu))).astype(int)
    known, votes = mu[voters], wanted[voters]
    source = Noise(seed)
    taken: list[tuple[Floats, float]] = []
    for _ in range(max(1, TRIES * count // ROUND)):
        noise, choice = source.draw(ROUND, mu.shape[1])
        share = votes[nearest(known, place(noise, choice), min(NEAR, len(known))).rows].mean(axis=1)
        taken += [(noise[row], choice[row]) for row in np.flatnonzero(share > 0.5)]
        if len(taken) >= count:
            rows = taken[:count]
            return np.stack([each for each, _ in rows]), np.array([each for _, each in rows], np.float32)
    raise VAEError(
        f"These samples hardly ever fall among images of “{what}”: choose another kind, or draw from where the images "
        "are."
    )
