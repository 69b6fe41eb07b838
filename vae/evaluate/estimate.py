"""A figure with what is known of it: a value and the interval in which it would come out again."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vae.errors import VAEError

LEVEL = 0.95  # of every interval here
Z = 1.959964  # standard deviations of a normal on either side of it
RESAMPLES = 400  # of a bootstrap: the ends of an interval are then known to a tenth of its width


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval, low to high."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise VAEError(f"An interval from {self.low} to {self.high} does not hold its own value, {self.value}.")

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)

    def phrase(self, form: str = ".3f") -> str:
        """For a terminal: "0.948 (0.941 to 0.955)"."""
        return f"{self.value:{form}} ({self.low:{form}} to {self.high:{form}})"


def share(hits: int, count: int) -> Estimate:
    """A share of yes and no, by Wilson's interval (1927): it stays inside 0 to 1 and holds at the ends too.

    Args:
        hits: 0 to count. count: at least 1.
    """
    if not 0 <= hits <= count or not count:
        raise VAEError(f"{hits} of {count} is no share: give at least one case, and no more hits than cases.")
    rate, square = hits / count, Z * Z
    middle = (rate + square / (2 * count)) / (1 + square / count)
    half = Z / (1 + square / count) * math.sqrt(rate * (1 - rate) / count + square / (4 * count * count))
    return Estimate(rate, max(0.0, min(middle - half, rate)), min(1.0, max(middle + half, rate)))


def mean_of(values: np.ndarray) -> Estimate:
    """The mean of many independent values (N,), by the normal limit; one value has no spread and says so by itself."""
    values = np.asarray(values, np.float64)
    centre = float(values.mean())
    half = Z * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Estimate(centre, centre - half, centre + half)


def mean_of_few(values: list[float]) -> Estimate:
    """The mean of a few independent values, such as folds or seeds, by Student's t; one alone has no interval."""
    from scipy.stats import t  # half a second to import

    if len(values) < 2:
        return Estimate(values[0], values[0], values[0])
    centre = float(np.mean(values))
    half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return Estimate(centre, centre - half, centre + half)


def bootstrapped(value: float, again: np.ndarray) -> Estimate:
    """A value and the middle 95 % of what resamples gave (B,), widened where need be to hold it (Efron 1979)."""
    low, high = np.quantile(np.asarray(again, np.float64), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, min(float(low), value), max(float(high), value))


def resampled(count: int, generator: np.random.Generator, times: int = RESAMPLES) -> Iterator[np.ndarray]:
    """How often each of `count` cases is in a resample: `times` rows (count,) int64 that sum to `count`."""
    for _ in range(times):
        yield np.bincount(generator.integers(0, count, count), minlength=count)
