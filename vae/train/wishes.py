"""What people want of a training that is under way."""

from collections.abc import Callable
from dataclasses import dataclass

from vae.errors import VAEError
from vae.train.settings import check_beta, check_rate


@dataclass(frozen=True)
class Wishes:
    """What people want of a run that is under way.

    Attributes:
        stop: "" to go on, "stop" to end with the model as it is, "pause" to end and go on later.
        beta: weight of the KL from here on; None: as it is.
        rate: of Adam from here on, before its fall; None: as it is.
    """

    stop: str = ""
    beta: float | None = None
    rate: float | None = None

    def beta_from(self, now: float) -> float:
        """The weight of the KL that is wished, where it can be one; else what is."""
        return _possible(self.beta, check_beta, now)

    def rate_from(self, now: float) -> float:
        """The rate that is wished, where it can be one; else what is."""
        return _possible(self.rate, check_rate, now)


def _possible(wished: float | None, check: Callable[[object], None], now: float) -> float:
    """What is wished where it can be, else what is."""
    if wished is None:
        return now
    try:
        check(wished)
    except VAEError:
        return now
    return wished
