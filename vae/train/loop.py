"""The training loop: `fit` is a generator, and whoever draws from it decides what to do with what happens."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vae.batches import stored
from vae.data.images import Images
from vae.errors import VAEError
from vae.measure import measure
from vae.model import VAE
from vae.objectives import KLTerm
from vae.train.settings import Settings
from vae.train.step import Stepper

STEPS_BETWEEN_EVENTS = 20


@dataclass(frozen=True)
class Step:
    """Where the run is within an epoch, said every few steps. Terms in nats per image, mean since the last one."""

    epoch: int
    step: int
    steps: int
    recon_nll: float
    kl: float
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images came to. Test figures use z drawn from q by a fixed generator.

    Attributes:
        loss: on test data, per image, with the recipe's own reductions over pixels and latents.
        recon_nll, kl: test, nats per image.
        kl_per_dim: L values, test, nats.
        train_recon_nll, train_kl: mean over the epoch's own steps.
        seconds: training alone since the start of the run, test passes left out.
    """

    epoch: int
    epochs: int
    loss: float
    recon_nll: float
    kl: float
    kl_per_dim: tuple[float, ...]
    train_recon_nll: float
    train_kl: float
    images_per_second: float
    seconds: float
    seconds_left: float
    log_std: float | None


Event = Step | Epoch


def fit(
    vae: VAE,
    train: Images,
    test: Images,
    settings: Settings,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Train `vae` in place, yielding a `Step` every few steps and an `Epoch` after each pass.

    The data lie on the model's device as uint8 and are indexed, scaled and binarised there. Whenever an event has
    been yielded the model may be read or saved; the loop waits.

    Args:
        should_stop: asked after each step; True ends the run there, the model as it is then.

    Raises:
        VAEError: data of another shape, too few images, or a loss that is no longer finite.
    """
    if train.shape != vae.config.shape:
        raise VAEError(f"The model reads {vae.config.shape} and the images are {train.shape}: choose one size.")
    if not len(train) or not len(test):
        raise VAEError("There must be at least one image to train on and one to test on: add some.")
    device = next(vae.parameters()).device
    if vae.config.network == "conv":
        vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster on a CPU
    pixels, test_pixels = stored(train, device), stored(test, device)
    generator = torch.Generator(device).manual_seed(settings.seed)
    stepper = Stepper(vae, settings.rate)
    steps = -(-len(train) // settings.batch_size)
    factor = _cosine_tail(settings, steps)
    clock = _Clock(settings.epochs * len(train))
    for epoch in range(1, settings.epochs + 1):
        vae.train()
        order = torch.randperm(len(train), generator=generator, device=device)
        whole = _Mean()
        recent = _Mean()
        for step, rows in enumerate(order.split(settings.batch_size), start=1):
            clock.start()
            stepper.rate = settings.rate * factor((epoch - 1) * steps + step - 1)
            terms = stepper.gradients(pixels[rows], generator, KLTerm(vae.config.beta))
            stepper.apply()
            recent.add(torch.stack([terms.recon_nll, terms.kl]), len(rows))
            stop = should_stop()
            due = stop or step % STEPS_BETWEEN_EVENTS == 0 or step == steps
            if due:
                recon, kl = recent.value()  # waits for the device, so the clock counts its work and not the asking
            clock.stop(len(rows))
            if due:
                whole.take(recent)
                _check_finite(recon, kl, epoch)
                yield Step(epoch, step, steps, recon, kl, clock.rate, clock.left)
            if stop:
                break
        recon, kl = whole.value()
        figures = measure(vae, test_pixels)
        yield Epoch(
            epoch=epoch,
            epochs=settings.epochs,
            loss=figures.loss,
            recon_nll=figures.recon_nll,
            kl=figures.kl,
            kl_per_dim=figures.kl_per_dim,
            train_recon_nll=recon,
            train_kl=kl,
            images_per_second=clock.rate,
            seconds=clock.seconds,
            seconds_left=clock.left,
            log_std=vae.log_std.item() if vae.config.likelihood == "gaussian" else None,
        )
        if stop or should_stop():
            return


def _cosine_tail(settings: Settings, steps: int) -> Callable[[int], float]:
    whole = settings.epochs * steps
    tail = settings.decay * whole

    def factor(step: int) -> float:
        into = step - (whole - tail)
        if tail == 0 or into <= 0:
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(into / tail, 1.0)))

    return factor


def _check_finite(recon: float, kl: float, epoch: int) -> None:
    for name, value in (("reconstruction", recon), ("KL", kl)):
        if not math.isfinite(value):
            raise VAEError(f"The {name} term was no longer a number in epoch {epoch}: try a lower learning rate.")


class _Mean:
    """A mean of the two terms per image, kept on the device so that no step waits for it."""

    def __init__(self) -> None:
        self.total: Tensor | None = None
        self.count = 0

    def add(self, total: Tensor, count: int) -> None:
        self.total = total.clone() if self.total is None else self.total + total
        self.count += count

    def take(self, other: "_Mean") -> None:
        """Add what another mean has gathered, and empty it."""
        if other.total is not None:
            self.add(other.total, other.count)
        other.total, other.count = None, 0

    def value(self) -> tuple[float, float]:
        if self.total is None:
            return float("nan"), float("nan")
        recon, kl = (self.total / self.count).tolist()
        return recon, kl


class _Clock:
    """Seconds spent in steps alone, and what is left at this pace."""

    def __init__(self, images: int) -> None:
        self.images = images
        self.done = 0
        self.seconds = 0.0
        self._since = 0.0

    def start(self) -> None:
        self._since = time.perf_counter()

    def stop(self, images: int) -> None:
        self.seconds += time.perf_counter() - self._since
        self.done += images

    @property
    def rate(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float:
        return (self.images - self.done) / self.rate if self.seconds else 0.0
