"""The guard of a training: steps that are no numbers are skipped, and a run that has gone wrong goes back.

A step counts as no number when its reconstruction, its KL, or the norm of its gradient is infinite or NaN. A run has
gone wrong when `PATIENCE` steps in a row were that, or when its loss is finite, but for `LOOKS` looks in a row a
thousand times what it was. A rate somewhat too high makes a loss leap and come back; that is left alone.
"""

import math
from typing import Any

import torch
from torch import Tensor

from vae.config import Config
from vae.errors import VAEError
from vae.objectives import effective_beta

PATIENCE = 5  # steps in a row that may be skipped
BEYOND = 1e3  # times the best loss, or the first
LOOKS = 5  # in a row beyond that
CALM = 10  # times the same: an epoch that ended above is not one to go back to
LARGE_BETA = 10  # effective: from here on it may be the KL that tears the weights apart
TERMS = ("reconstruction", "KL", "gradient")


class Diverged(VAEError):
    """Training went wrong; the model has the weights of the last good epoch, and the line says what to change."""


class Guard:
    """What was skipped since it was last looked at, and whether the loss runs away.

    The flags stay on the device: a CPU is asked after each step, a GPU only every few, since asking makes it wait.
    """

    def __init__(self, device: torch.device) -> None:
        self.at_once = device.type != "cuda"
        self.tally = torch.zeros(len(TERMS) + 3, dtype=torch.int64, device=device)
        self._fine = torch.zeros((), dtype=torch.bool, device=device)
        self.scale = 0.0  # the largest of |first loss| and |best loss|: what BEYOND multiplies
        self.best = math.inf
        self.beyond = 0  # looks in a row

    def judge(self, sums: Tensor, norm: Tensor) -> Tensor:
        """Whether this step is to be skipped, a bool scalar on the device, and take note of why.

        Args:
            sums: reconstruction and KL come first.
            norm: scalar, of the gradient.
        """
        if self.at_once and math.isfinite(sum(sums[:2].tolist(), norm.item())) and not self.tally.any():
            return self._fine  # as nearly always; on a CPU the books below take a twentieth of a small step
        terms = torch.cat([sums[:2], norm.reshape(1).to(sums.dtype)])
        bad = torch.cat([terms, terms.sum(dim=0, keepdim=True)]).isfinite().logical_not_()  # the last: any of them
        # tally: how often each term was to blame, steps skipped, of these in a row now, the longest such row
        self.tally[:4] += bad
        self.tally[4] = (self.tally[4] + 1) * bad[3]
        self.tally[5] = torch.maximum(self.tally[5], self.tally[4])
        return bad[3]

    def look(self) -> tuple[int, str, int]:
        """Steps skipped since the last look, the term to blame ("" for none), and the longest row of them."""
        *blamed, count, in_a_row, longest = self.tally.tolist()
        if not (count or in_a_row or longest):
            return 0, "", 0
        self.tally[:4] = 0
        self.tally[5] = self.tally[4]
        term = next((name for name, times in zip(TERMS, blamed, strict=True) if times), "")
        return count, term, longest

    def runs_away(self, loss: float) -> bool:
        """Given the mean loss of the last few steps, of any sign: is it far off, and has it been for some time?

        Call it once after the first step: its loss is that of weights that had learned nothing.
        """
        if math.isnan(loss):
            return False
        if self.best == math.inf:
            self.scale = max(abs(loss), 1e-6)
        if loss < self.best:
            self.best = loss
            self.scale = max(self.scale, abs(loss))
        self.beyond = self.beyond + 1 if loss - self.best > BEYOND * self.scale else 0
        return self.beyond >= LOOKS

    def calm(self, loss: float) -> bool:
        """Nothing is wrong, and nothing is about to be: the weights of this moment are worth going back to."""
        near = self.best == math.inf or math.isnan(loss) or loss - self.best <= CALM * self.scale
        return near and not self.beyond and not self.tally[4].item()

    def state(self) -> dict[str, Any]:
        """Plain JSON values; the flags, a tensor, are not among them. {} where no loss was looked at yet."""
        known = {"scale": self.scale, "best": self.best, "beyond": self.beyond}
        return known if self.best < math.inf else {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` gave."""
        vars(self).update({"scale": 0.0, "best": math.inf, "beyond": 0} | state)


def advice(config: Config, beta: float, rate: float) -> str:
    """What to change where training went wrong at this beta and rate: the likeliest first."""
    changes = [f"a lower learning rate (it was {rate:.3g})"]
    if effective_beta(config.with_(beta=beta)) >= LARGE_BETA:
        changes.append(f"a smaller beta (it was {beta:g})")
    if config.likelihood == "gaussian":
        changes.append("squared error alone as the likelihood (mse)")
    return " or ".join(changes)
