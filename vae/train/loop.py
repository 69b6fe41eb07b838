"""The training loop: a `Trainer` yields what happens, and whoever draws from it decides what to do with that."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from vae.batches import stored
from vae.data.images import Images
from vae.errors import VAEError
from vae.model import VAE
from vae.objectives import check_objective, kl_term_at
from vae.train.duel import CRITICS, Duel
from vae.train.everything import Everything
from vae.train.guard import PATIENCE, Diverged, advice
from vae.train.minimise import loss_of
from vae.train.news import Changed, Epoch, Event, Halved, Planned, RolledBack, Skipped
from vae.train.pace import fall
from vae.train.parallel import ALONE, Share, gradients
from vae.train.settings import Settings
from vae.train.standing import Standing
from vae.train.step import Stepper, pick_precision
from vae.train.telling import epoch_said, measured, step_said
from vae.train.wishes import Wishes

STEPS_BETWEEN_EVENTS = 20
EARLY = (1, 2, 5, 10)  # steps of a run after which something is said too: whoever waits sees that it goes
SILENCE = 1.0  # seconds after which something is said whatever the step


class Trainer:
    """One training: made, or made and restored; then `run`.

    The data lie on the model's device as uint8 and are indexed, scaled and binarised there.

    Args:
        vae: trained in place, on its own device.
        wishes: asked after each step (on CUDA every few), so it must answer fast. A beta or rate that cannot be is
            passed over.
        share: the part of each batch that this process takes; see `vae.train.parallel`.

    Attributes:
        standing: how far it is; see `Standing`.
        last: the last `Epoch`, or None.
        ended: how `run` ended: "finished", "stopped", "paused", or "" so far.

    Raises:
        VAEError: data of another shape, too few images, or a precision that this device does not have.
    """

    def __init__(
        self,
        vae: VAE,
        train: Images,
        test: Images,
        settings: Settings,
        *,
        wishes: Callable[[], Wishes] = Wishes,
        share: Share = ALONE,
    ) -> None:
        if train.shape != vae.config.shape:
            raise VAEError(f"The model reads {vae.config.shape} and the images are {train.shape}: choose one size.")
        if not len(train) or not len(test):
            raise VAEError("There must be at least one image to train on and one to test on: add some.")
        self.vae, self.settings, self.wishes, self.share = vae, settings, wishes, share
        self.device = next(vae.parameters()).device
        if vae.config.network == "conv":
            vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster on a CPU
        self.pixels, self.test_pixels = stored(train, self.device), stored(test, self.device)
        check_objective(settings.objective, vae.config, alone=share.alone)
        self.stepper = self._make_stepper()
        self.standing = Standing(
            len(train), settings.epochs, settings.batch_size, vae.config.beta, settings.rate, settings.seed, self.device
        )
        self._everything = Everything(vae, settings, self.stepper, self.standing, (len(train), len(test)))
        self.last: Epoch | None = None
        self.ended = ""
        self._good = self.state()  # what a run that has gone wrong goes back to

    def _make_stepper(self) -> Stepper:
        settings = self.settings
        precision = pick_precision(settings.precision, self.device)
        if settings.objective.kind in CRITICS:
            return Duel(self.vae, settings.rate, precision, settings.objective, self.pixels, settings.seed)
        return Stepper(self.vae, settings.rate, precision, loss_of(settings.objective, len(self.pixels)))

    @property
    def step(self) -> int:
        """Steps done since the start of the run."""
        return self.standing.step

    @property
    def steps(self) -> int:
        """Of the whole run, as planned."""
        return self.standing.plan.steps

    @property
    def epoch(self) -> int:
        """The epoch under way, from 1; between two, the one that is done; 0 before the first step."""
        return self.standing.epoch

    @property
    def at(self) -> float:
        """Epochs done, the one under way as a fraction."""
        return self.standing.at

    @property
    def changes(self) -> list[dict[str, Any]]:
        """What was wished, {"step", "beta", "rate"} each."""
        return self.standing.changes

    @property
    def finished(self) -> bool:
        """There is nothing left to do."""
        return self.ended == "finished"

    @property
    def paused(self) -> bool:
        """`run` ended because of a wish, to go on later."""
        return self.ended == "paused"

    def run(self) -> Iterator[Event]:
        """Go on from where the training stands, yielding what happens; whoever draws may read or save the model then.

        Raises:
            Diverged: the loss was not finite, or ran away; a `RolledBack` was yielded before it.
            VAEError: the memory of the device is full even for one image at a time.
        """
        if not self.share.alone:
            self.restore(*self.share.spread(*self.state(), self.device))  # all stand where rank 0 stands
        self.ended = ""
        now = self.standing
        now.clock.go()
        while not now.out_of_steps or (now.seen and not self._told):
            while not (now.whole_epoch or now.out_of_steps or self.ended):
                yield from self._go_on()
            whole = now.whole_epoch
            if whole or not self.paused:
                yield from self._look_at_epoch()
            if whole and not self.ended:
                yield from self._hear()
            if self.ended:
                return
        self.ended = "finished"

    @property
    def _told(self) -> bool:
        """An `Epoch` was said of this very step."""
        return self.last is not None and self.last.step == self.step

    # ---- a step ----------------------------------------------------------------------------------------------------

    def _go_on(self) -> Iterator[Event]:
        """One step, and what is to be said of it."""
        now = self.standing
        rows = now.next_rows()
        progress = now.plan.progress(now.step)
        term = kl_term_at(self.settings.objective, now.beta, progress)
        now.beta_now, now.rate_now = term.beta, now.rate * fall(self.settings.decay, progress)
        self.stepper.rate = now.rate_now
        now.clock.start()
        try:
            sums = gradients(self.stepper, self.pixels, rows, term, now.generator, self.share)  # (4,)
        except torch.OutOfMemoryError as error:
            yield self._halve(error)
            return
        skip = now.guard.judge(sums, self.stepper.norm())
        self.stepper.apply(skip)
        now.advance(len(rows), torch.where(skip, 0.0, sums))
        mark = now.whole_epoch or now.out_of_steps or now.taken % STEPS_BETWEEN_EVENTS == 0
        look = now.step == 1 or now.step % STEPS_BETWEEN_EVENTS == 0
        wrong = ""
        if mark or look or now.guard.at_once:
            skipped, wrong = self._look(look)
            if skipped:
                yield skipped
            if not wrong:
                yield from self._hear()
        if mark or self.ended or now.step in EARLY or now.clock.elapsed - now.said > SILENCE:
            recon, kl, _ = now.recent.value()  # waits for the device, so the clock counts its work and not the asking
            now.clock.stop(len(rows))
            yield step_said(now, self.settings.minutes, recon, kl)
        else:
            now.clock.stop(len(rows))
        if wrong:
            yield from self._go_back(wrong)

    def _halve(self, error: torch.OutOfMemoryError) -> Halved:
        """Go on with batches half as large; the step under way begins again."""
        now = self.standing
        size = min(now.batch_size, now.images)
        if size == 1 or not self.share.alone:
            raise VAEError(
                "The memory of the device is full: choose fewer units or channels, or a smaller batch."
            ) from error
        now.clock.stop(0)
        now.batch_size = size // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        now.plan.recount(now.step, now.most_steps)
        return Halved(now.step, now.batch_size)

    # ---- what is said and heard ------------------------------------------------------------------------------------

    def _hear(self) -> Iterator[Event]:
        """Do what is wished, and count the minutes out. Rank 0 asks, so that all processes do the same."""
        now = self.standing
        wishes = self.wishes() if self.share.rank == 0 else Wishes()
        beta, rate = wishes.beta_from(now.beta), wishes.rate_from(now.rate)
        stop = {"stop": "stopped", "pause": "paused"}.get(wishes.stop, "")
        steps = self._count_out()
        if not self.share.alone:
            stop, beta, rate, steps = self.share.tell((stop, beta, rate, steps), self.device)
        if steps != now.plan.steps:
            now.plan.recount(now.step, steps)
            yield Planned(steps)
        if (beta, rate) != (now.beta, now.rate):
            now.beta, now.rate = beta, rate
            now.changes.append({"step": now.step, "beta": beta, "rate": rate})
            yield Changed(now.step, now.epoch, beta, rate)
        self.ended = stop

    def _count_out(self) -> int:
        """Steps of the whole run; where minutes were given, those that fit into them at the pace so far."""
        now, minutes = self.standing, self.settings.minutes
        if minutes is None:
            return now.plan.steps
        return now.plan.within(60 * minutes, now.clock.elapsed, now.step, now.most_steps)

    def _look_at_epoch(self) -> Iterator[Event]:
        """Measure the model as it is, and say what the epoch came to; a whole one makes room for the next."""
        figures = measured(self.vae, self.test_pixels)
        now = self.standing
        if not math.isfinite(figures.loss):
            yield from self._go_back(self._line("The loss on the test images was no longer a number"))
        recon, kl, _ = now.whole.value()
        number = now.done + 1
        if now.whole_epoch:
            now.turn_page()
        self.last = epoch_said(now, self.settings.minutes, number, figures, (recon, kl), self.vae)
        if now.guard.calm(now.window.value()[2]):
            self._good = self.state()
        yield self.last

    # ---- when it goes wrong ----------------------------------------------------------------------------------------

    def _look(self, at_loss: bool) -> tuple[Skipped | None, str]:
        """What was skipped since the last look, and a line when the run has gone wrong, else ""."""
        now = self.standing
        count, term, in_a_row = now.guard.look()
        if term == "gradient" and now.guard.at_once:
            term = f"gradient of {self.stepper.culprit()}".removesuffix(" of ")
        skipped = Skipped(now.step, now.done + 1, term, count) if count else None
        if in_a_row >= PATIENCE:
            named = f"The {term}" if term.startswith("gradient") else f"The {term} term"
            return skipped, self._line(f"{named} was no longer a number")
        if at_loss:
            loss = now.window.value()[2]
            now.window.total.zero_()
            if now.guard.runs_away(loss):
                return skipped, self._line(f"The loss ran away, to {loss:,.0f} for each image,")
        return skipped, ""

    def _line(self, what: str) -> str:
        """What went wrong, where, what to change, and which weights the model has."""
        now, good = self.standing, self._good[1]
        kept = f"after epoch {good['done']}" if not good["seen"] else f"after step {good['step']}"
        kept = kept if good["step"] else "before the first step"
        change = advice(self.vae.config, now.beta_now, now.rate_now)
        return f"{what} in epoch {now.done + 1}: try {change}. The model is as it was {kept}."

    def _go_back(self, line: str) -> Iterator[Event]:
        self.restore(*self._good)
        yield RolledBack(self.step, self.epoch, line)
        raise Diverged(line)

    # ---- all of it, to be kept -------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that the run needs to go on as if it had not been interrupted, after any step: see `Everything`."""
        return self._everything.state(self.last)

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take up what `state` gave; `run` then goes on from there, to the bit on the same machine and versions.

        Raises:
            VAEError: it is of another model, other data, other settings or another kind of device; nothing was changed.
        """
        self.last = self._everything.restore(tensors, facts)
        self.ended = ""
        self._good = self.state()
