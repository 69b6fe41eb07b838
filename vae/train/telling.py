"""What is said of a step and of an epoch: where the training stands and how good the model is, as news."""

import math

import torch
from torch import Tensor

from vae.measure import TestFigures, measure
from vae.model import VAE
from vae.train.news import Epoch, Step
from vae.train.standing import Standing

TEST_BATCH = 1000


def step_said(now: Standing, minutes: float | None, recon: float, kl: float) -> Step:
    """The last step, and that something was said of it.

    Args:
        minutes: that the run was given, None for no limit.
        recon, kl: nats per image, means since the last `Step`.
    """
    now.said = now.clock.elapsed
    now.whole.take(now.recent)
    return Step(
        epoch=now.done + 1,
        step=now.taken,
        steps=now.steps,
        recon_nll=recon,
        kl=kl,
        images_per_second=now.clock.rate,
        seconds_left=seconds_left(now, minutes),
        step_total=now.step,
        at=now.at,
        beta=now.beta_now,
        rate=now.rate_now,
    )


def epoch_said(
    now: Standing, minutes: float | None, number: int, figures: TestFigures, train: tuple[float, float], vae: VAE
) -> Epoch:
    """What an epoch, whole or broken off, came to.

    Args:
        minutes: that the run was given, None for no limit.
        number: of the epoch, from 1.
        figures: of the test images.
        train: reconstruction and KL of the images trained on, nats per image, means over the epoch.
    """
    recon, kl = train
    return Epoch(
        epoch=number,
        epochs=now.epochs,
        loss=figures.loss,
        recon_nll=figures.recon_nll,
        kl=figures.kl,
        kl_per_dim=figures.kl_per_dim,
        train_recon_nll=recon,
        train_kl=kl,
        images_per_second=now.clock.rate,
        seconds=now.clock.seconds,
        seconds_left=seconds_left(now, minutes),
        log_std=vae.log_std.item() if vae.config.likelihood == "gaussian" else None,
        active_units=figures.active_units,
        step=now.step,
        at=now.at,
        beta=now.beta_now,
        rate=now.rate_now,
    )


def seconds_left(now: Standing, minutes: float | None) -> float:
    """Of the whole run, at the pace so far; never more than is left of its minutes."""
    limit = 60 * minutes if minutes else math.inf
    left = (now.plan.steps - now.step) * now.clock.elapsed / max(now.step, 1)
    return max(0.0, min(left, limit - now.clock.elapsed))


def measured(vae: VAE, test_pixels: Tensor) -> TestFigures:
    """The model on the test images, in batches as large as the memory takes.

    Raises:
        torch.OutOfMemoryError: not even one image at a time fits.
    """
    size = TEST_BATCH
    while True:
        try:
            return measure(vae, test_pixels, batch_size=size)
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size //= 2
