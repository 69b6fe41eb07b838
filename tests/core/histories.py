"""Histories as a training leaves them, made of chance."""

from dataclasses import fields

import numpy as np

from vae.explore.render import png, tile
from vae.frames import ACROSS, SAMPLES, Dots, Frame
from vae.history import Curves, History

SHOWN = 4  # test images in a frame's pictures


def a_frame(step=0, dots=6, latents=3, at=None, seed=0):
    chance = np.random.default_rng(seed + step)
    xy, spread = chance.standard_normal((dots, 2)).astype(np.float16), chance.random(latents).astype(np.float32)
    noise = lambda count, across: png(tile(chance.integers(0, 256, (count, 4, 4, 1), np.uint8), across))  # noqa: E731
    return Frame(step, step / 10 if at is None else at, xy, spread, noise(2 * SHOWN, SHOWN), noise(SAMPLES, ACROSS))


def a_history(frames=4, dots=6, epochs=3, latents=3, flat="pca"):
    chance = np.random.default_rng(1)
    columns = {one.name: chance.random(epochs).astype(np.float32) for one in fields(Curves)}
    columns["kl_per_dim"] = chance.random((epochs, latents)).astype(np.float32)
    labels = (np.arange(dots) % 2).astype(np.int32)
    return History(
        Curves(**columns),
        Dots(np.arange(dots, dtype=np.int32) + 5, labels, ("even", "odd"), "parity", SHOWN),
        tuple(a_frame(10 * i, dots, latents) for i in range(frames)),
        flat,
    )
