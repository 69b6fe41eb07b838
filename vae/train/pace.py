"""How far a run is, how long it has taken, and what its steps came to: the books that a training keeps."""

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

SETTLED = 2.0  # seconds after which the pace is known well enough to count a time out in steps
ADRIFT = 0.15  # of that time: so far off may the end come to lie before it is counted anew


@dataclass
class Plan:
    """How many steps a run has. They can be counted anew on the way, and progress goes on from where it was.

    Attributes:
        steps: after which the run ends.
        since: the step at which they were last counted.
        before: progress there.
        counted: whether a time was counted out.
    """

    steps: int
    since: int = 0
    before: float = 0.0
    counted: bool = False

    def progress(self, step: int) -> float:
        """Part of the run that lies behind after `step` steps, 0 to 1."""
        if step >= self.steps:
            return 1.0
        return self.before + (1 - self.before) * (step - self.since) / (self.steps - self.since)

    def recount(self, step: int, steps: int) -> None:
        """From `step` on the run has `steps` steps in all."""
        self.before, self.since, self.steps = self.progress(step), step, steps

    def within(self, seconds: float, elapsed: float, step: int, most: int) -> int:
        """How many steps a run of so many seconds has: as planned, unless it is time to count them (anew).

        Args:
            elapsed: seconds that the first `step` steps took.
            most: steps of the run where time does not matter.
        """
        if not step or elapsed < min(SETTLED, seconds / 4):
            return self.steps
        end = elapsed + (self.steps - step) * elapsed / step
        if self.counted and abs(end - seconds) <= ADRIFT * seconds:
            return self.steps
        self.counted = True
        return min(most, step + max(0, round((seconds - elapsed) * step / elapsed)))


def fall(decay: float, progress: float) -> float:
    """Factor of the learning rate: 1, then along a half cosine to 0 over the last part `decay` of the run.

    Loshchilov and Hutter 2017, eq. 5, without restarts and with eta_min 0.
    """
    into = progress - (1 - decay)
    if decay == 0 or into <= 0:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min(into / decay, 1.0)))


@dataclass
class Clock:
    """Seconds of a run, over all the times it was resumed.

    Attributes:
        images: trained on.
        seconds: in steps alone.
        elapsed: with everything between the steps: tests, saves, pictures.
    """

    images: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0

    def go(self) -> None:
        """The run goes on from here; what passed since it paused does not count."""
        self._mark = time.perf_counter()

    def start(self) -> None:
        """A step begins."""
        self._since = time.perf_counter()

    def stop(self, images: int) -> None:
        """A step of so many images is over."""
        now = time.perf_counter()
        self.seconds += now - self._since
        self.elapsed += now - self._mark
        self._mark = now
        self.images += images

    @property
    def rate(self) -> float:
        """Images per second of training."""
        return self.images / self.seconds if self.seconds else 0.0


class Mean:
    """Means per image of sums over batches, kept on the device so that no step waits for it.

    Attributes:
        total: (4,) sums so far: reconstruction and KL in nats, what is minimised, and the number of images.
    """

    def __init__(self, device: torch.device) -> None:
        exact = torch.float32 if device.type == "mps" else torch.float64
        self.total = torch.zeros(4, dtype=exact, device=device)

    def add(self, sums: Tensor) -> None:
        """(4,), laid out as `total`."""
        self.total += sums

    def take(self, other: "Mean") -> None:
        """Add what another mean has gathered, and empty it."""
        self.total += other.total
        other.total.zero_()

    def value(self) -> tuple[float, float, float]:
        """Reconstruction, KL, and what is minimised, each per image; not a number when there was none."""
        recon, kl, total, images = self.total.tolist()
        return (recon / images, kl / images, total / images) if images else (math.nan, math.nan, math.nan)
