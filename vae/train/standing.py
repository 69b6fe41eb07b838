"""Where a training stands: everything but the weights and the optimiser that it needs to go on, in one place."""

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from vae.errors import VAEError
from vae.train.guard import Guard
from vae.train.pace import Clock, Mean, Plan

COUNTS = ("step", "done", "seen", "taken", "batch_size", "beta", "rate", "beta_now", "rate_now")
GENERATORS = ("generator.now", "generator.epoch")


class Standing:
    """How far a training is.

    Args:
        images: to train on.
        epochs: of the whole run.
        batch_size, beta, rate: to begin with.
        seed: of the generator.
        device: where the sums, the flags and the generator live.

    Attributes:
        step: steps done since the start of the run.
        done: whole epochs done.
        seen, taken: images and steps of the epoch under way.
        batch_size: of the next step.
        beta, rate: as set, by the config and the settings or by a wish, before any schedule.
        beta_now, rate_now: of the last step.
        changes: what was wished, {"step", "beta", "rate"} each.
        generator: of the data order and of every draw of the training.
        whole, recent, window: means over the epoch, since the last `Step`, and since the guard last looked.
        said: seconds of the clock when a `Step` was last said.
    """

    def __init__(
        self, images: int, epochs: int, batch_size: int, beta: float, rate: float, seed: int, device: torch.device
    ) -> None:
        self.images, self.epochs, self.device = images, epochs, device
        self.step = self.done = self.seen = self.taken = 0
        self.batch_size, self.beta, self.rate = batch_size, beta, rate
        self.beta_now, self.rate_now = beta, rate
        self.changes: list[dict[str, Any]] = []
        self.generator = torch.Generator(device).manual_seed(seed)
        self._before = self.generator.get_state()  # the state in which the order was drawn
        self._order: Tensor | None = None  # of the images in the epoch under way
        self.whole, self.recent, self.window = (Mean(device) for _ in range(3))
        self.guard = Guard(device)
        self.clock, self.said = Clock(), 0.0
        self.plan = Plan(self.most_steps)

    @property
    def epoch(self) -> int:
        """The epoch under way, from 1; between two, the one that is done; 0 before the first step."""
        return self.done + bool(self.seen)

    @property
    def at(self) -> float:
        """Epochs done, the one under way as a fraction."""
        return self.done + self.seen / self.images

    @property
    def whole_epoch(self) -> bool:
        """Every image was seen."""
        return self.seen == self.images

    @property
    def steps(self) -> int:
        """Of the epoch under way, the batch staying what it is."""
        return self.taken + -(-(self.images - self.seen) // self.batch_size)

    @property
    def most_steps(self) -> int:
        """Of the whole run, by its epochs."""
        later = (self.epochs - self.done - 1) * -(-self.images // self.batch_size)
        return self.step - self.taken + self.steps + later

    @property
    def out_of_steps(self) -> bool:
        """The plan has no further step."""
        return self.step >= self.plan.steps

    def next_rows(self) -> Tensor:
        """(B,) the images of the next step: an order of its own for each epoch, without return."""
        if self._order is None:
            self._before = self.generator.get_state()
            self._order = torch.randperm(self.images, generator=self.generator, device=self.device)
        return self._order[self.seen : self.seen + self.batch_size]

    def advance(self, count: int, sums: Tensor) -> None:
        """A step of `count` images is done; `sums` as `Mean` keeps them."""
        self.recent.add(sums)
        self.window.add(sums)
        self.step += 1
        self.taken += 1
        self.seen += count

    def turn_page(self) -> None:
        """The next epoch begins."""
        self.done, self.seen, self.taken, self._order = self.done + 1, 0, 0, None
        self.whole.total.zero_()

    def tensors(self) -> dict[str, Tensor]:
        """The sums and flags as they are, not copies; generators as uint8."""
        return {
            "sums.whole": self.whole.total,
            "sums.recent": self.recent.total,
            "sums.window": self.window.total,
            "guard.tally": self.guard.tally,
            "generator.now": self.generator.get_state(),
            "generator.epoch": self._before,
        }

    def facts(self) -> dict[str, Any]:
        """The rest, as plain JSON values."""
        return {name: getattr(self, name) for name in COUNTS} | {
            "changes": [dict(change) for change in self.changes],
            "plan": asdict(self.plan),
            "clock": asdict(self.clock),
            "guard": self.guard.state(),
        }

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take up what `tensors` and `facts` gave. VAEError: they are of another machine; then nothing was changed."""
        now, before = (tensors[name] for name in GENERATORS)
        if now.shape != before.shape or now.shape != self._before.shape:
            raise VAEError("This save has the random numbers of another device: go on with the one it belongs to.")
        for name, value in self.tensors().items():
            if name not in GENERATORS:
                value.copy_(tensors[name])
        for name in COUNTS:
            setattr(self, name, facts[name])
        self.changes = [dict(change) for change in facts["changes"]]
        self.plan, self.clock = Plan(**facts["plan"]), Clock(**facts["clock"])
        self.said = self.clock.elapsed
        self.guard.restore(facts["guard"])
        self.generator.set_state(before)
        self._before, self._order = before.clone(), None
        if self.seen:
            self.next_rows()
        self.generator.set_state(now)
