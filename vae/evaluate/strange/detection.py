"""How well a score tells strange images from usual ones, and where to draw the line."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vae.errors import VAEError
from vae.evaluate.estimate import Estimate, bootstrapped, resampled, share


def auroc(usual: np.ndarray, strange: np.ndarray) -> float:
    """The chance that a strange image scores above a usual one, ties counted half (Mann and Whitney 1947).

    Exact, by ranks: the area under the ROC curve. 0.5 is a coin, 1 is perfect, below 0.5 the score is upside down.

    Args:
        usual: (N,), strange: (M,), scores; more means stranger.

    Raises:
        VAEError: an empty side, or scores that are not finite.
    """
    places = _Places.of(usual, strange)
    return places.area(places.usual_counts, places.strange_counts)


def auroc_estimate(usual: np.ndarray, strange: np.ndarray, *, seed: int = 0) -> Estimate:
    """The AUROC with a bootstrap interval: both sides drawn again, each from itself. Arguments as `auroc`."""
    places = _Places.of(usual, strange)
    generator = np.random.default_rng(seed)
    draws = zip(resampled(len(usual), generator), resampled(len(strange), generator), strict=True)
    again = [places.area(places.count(places.usual, a), places.count(places.strange, b)) for a, b in draws]
    return bootstrapped(places.area(places.usual_counts, places.strange_counts), np.array(again))


@dataclass(frozen=True, eq=False)
class _Places:
    """Where each score stands among all that differ: `usual` (N,) and `strange` (M,) count from 0 to `size` - 1."""

    usual: np.ndarray
    strange: np.ndarray
    size: int

    @classmethod
    def of(cls, usual: np.ndarray, strange: np.ndarray) -> "_Places":
        both = np.concatenate([np.asarray(usual, np.float64).ravel(), np.asarray(strange, np.float64).ravel()])
        if not len(usual) or not len(strange):
            raise VAEError("An AUROC compares usual with strange images: give at least one of each.")
        if not np.isfinite(both).all():
            raise VAEError("Some scores are not finite numbers: this model does not read these images, or diverged.")
        distinct, place = np.unique(both, return_inverse=True)
        return cls(place[: len(usual)], place[len(usual) :], len(distinct))

    def count(self, places: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
        """(size,): how many scores stand at each place, each counted `times` (as often as it is there)."""
        return np.bincount(places, times, self.size)

    @property
    def usual_counts(self) -> np.ndarray:
        return self.count(self.usual)

    @property
    def strange_counts(self) -> np.ndarray:
        return self.count(self.strange)

    def area(self, usual: np.ndarray, strange: np.ndarray) -> float:
        """Of all pairs, those in which the strange one stands higher, and half of those on one place."""
        below = np.cumsum(usual, dtype=np.float64) - usual  # usual ones strictly below each place
        return float((strange * (below + usual / 2)).sum() / (usual.sum() * strange.sum()))


@dataclass(frozen=True)
class Threshold:
    """A line between usual and strange.

    Attributes:
        value: images that score above it are called strange.
        asked: the share of usual images that may be called strange by mistake.
        false_alarms: the share of the usual images that are, with its interval: what new ones are to expect.
        images: usual images it was drawn from.
    """

    value: float
    asked: float
    false_alarms: Estimate
    images: int

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)


def threshold(usual: np.ndarray, false_alarms: float = 0.05) -> Threshold:
    """The lowest line that at most the given share of usual images scores above.

    Args:
        usual: (N,), scores of images that the model did not learn from; of those it did, the line would be too low.
        false_alarms: 0 to 1. More: more strange images found, and more usual ones called strange.

    Raises:
        VAEError: no scores, not finite ones, or a share that is none.
    """
    scores = np.sort(np.asarray(usual, np.float64).ravel())
    if not len(scores) or not np.isfinite(scores).all():
        raise VAEError("A threshold is drawn from the scores of usual images: give at least one, all finite.")
    if not 0 <= false_alarms <= 1:
        raise VAEError(f"The false-alarm rate is {false_alarms}: give a share from 0 to 1.")
    allowed = int(np.floor(false_alarms * len(scores) + 1e-9))  # usual images that may lie above
    value = scores[len(scores) - 1 - allowed] if allowed < len(scores) else np.nextafter(scores[0], -np.inf)
    return Threshold(float(value), false_alarms, share(int((scores > value).sum()), len(scores)), len(scores))


def caught(scores: np.ndarray, line: Threshold) -> Estimate:
    """The share of scores (N,) above the line."""
    return share(int((np.asarray(scores, np.float64) > line.value).sum()), len(scores))
