"""How a model is trained: one frozen object that can be written as JSON and read again."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from vae.errors import VAEError
from vae.objectives import OBJECTIVES, Objective

__all__ = ["OBJECTIVES", "PRECISIONS", "Objective", "Settings", "check_beta", "check_rate", "usual_epochs"]

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Settings:
    """How a model is trained.

    Attributes:
        epochs: passes over the training images; with `minutes`, the most of them.
        minutes: of training after which the run ends, or None. What they hold is counted out in steps once the pace is
            known, so that a rate that falls has fallen when they are over.
        batch_size: images in one step. More: steadier and fewer steps, each slower.
        rate: of Adam. More: faster, until it diverges.
        seed: of the data order and of the draws of z. The same seed on the same machine gives the same weights.
        decay: fall of the rate to zero along a half cosine over the last part of the run; 0 none, 1 the whole run.
        objective: what the KL costs over the run.
        precision: of the arithmetic; "auto" is what pays on the device: bfloat16 products on a GPU that has them.
    """

    epochs: int = 10
    minutes: float | None = None
    batch_size: int = 128
    rate: float = 1e-3
    seed: int = 0
    decay: float = 0.0
    objective: Objective = field(default_factory=Objective)
    precision: str = "auto"

    def __post_init__(self) -> None:
        _check_whole("epochs", self.epochs, 1, 100_000)
        _check_whole("batch_size", self.batch_size, 1, 65_536)
        if self.minutes is not None and not _number(self.minutes, 0.01, 100_000):
            raise VAEError(f"minutes is {self.minutes!r}: give how long to train, from 0.01 up.")
        check_rate(self.rate)
        if not _number(self.decay, 0, 1):
            raise VAEError(f"decay is {self.decay!r}: give the part of the run in which the rate falls, 0 to 1.")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < 2**63:
            raise VAEError(f"The seed is {self.seed!r}: give a whole number from 0 up.")
        if self.precision not in PRECISIONS:
            raise VAEError(f"The precision is {self.precision!r}: choose {', '.join(PRECISIONS)}.")

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The settings that `to_json` wrote. VAEError: a field too many or too few, or a value out of range."""
        if not isinstance(data, dict) or set(data) != {one.name for one in fields(cls)}:
            raise VAEError("The settings of this training were not written by this version: start another.")
        objective = data["objective"]
        if not isinstance(objective, dict) or set(objective) != {one.name for one in fields(Objective)}:
            raise VAEError("The objective of this training was not written by this version: start another.")
        return cls(**(data | {"objective": Objective(**objective)}))


def check_rate(rate: object) -> None:
    """VAEError: this cannot be the learning rate of Adam."""
    if not _number(rate, 0, 1) or not rate:
        raise VAEError(f"The learning rate is {rate!r}: give a number above 0 and up to 1; 0.001 is usual.")


def check_beta(beta: object) -> None:
    """VAEError: this cannot be the weight of the KL."""
    if not _number(beta, 0, 1e9):
        raise VAEError(f"beta is {beta!r}: it weighs the KL and is a number from 0 up; 1 is the ELBO.")


def usual_epochs(images: int) -> int:
    """Passes that a training set of so many images usually needs: 10, and more for a small one (about 80,000 views)."""
    return max(10, min(200, 80_000 // max(images, 1)))


def _number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _check_whole(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise VAEError(f"{name} is {value!r}: give a whole number from {low} to {high:,}.")
