"""The training loop against a plain one written out here, and against what its settings promise."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from vae.config import Config
from vae.data.images import Images
from vae.errors import VAEError
from vae.model import VAE
from vae.objectives import loss
from vae.train.loop import Trainer
from vae.train.news import Epoch, Step
from vae.train.settings import Settings
from vae.train.wishes import Wishes

CONFIG = Config((1, 8, 8), 3, encoder_sizes=(7,), decoder_sizes=(5,))


def noise(count: int, split: str = "train") -> Images:
    chance = np.random.default_rng(count)
    return Images("noise", split, chance.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8))


TRAIN, TEST = noise(21), noise(6, "test")


def weights(vae: VAE) -> torch.Tensor:
    return torch.cat([weight.detach().flatten().clone() for weight in vae.parameters()])


def trained(config: Config = CONFIG, **settings: Any) -> tuple[VAE, list[Any]]:
    vae = VAE(config, seed=0)
    return vae, list(Trainer(vae, TRAIN, TEST, Settings(**({"epochs": 2, "batch_size": 8} | settings))).run())


@pytest.mark.parametrize("binarise", ["none", "dynamic"])
def test_the_loop_is_adam_on_the_loss_over_shuffled_images(binarise: str) -> None:
    config = CONFIG.with_(binarise=binarise)
    plain = VAE(config, seed=0)
    generator = torch.Generator().manual_seed(5)
    adam = torch.optim.Adam(plain.parameters(), lr=0.01)
    x = torch.tensor(TRAIN.pixels).permute(0, 3, 1, 2) / 255
    for _ in range(2):
        order = torch.randperm(21, generator=generator)
        for start in (0, 8, 16):
            adam.zero_grad()
            loss(plain, x[order[start : start + 8]], generator).total.backward()
            adam.step()
    vae, _ = trained(config, rate=0.01, seed=5)
    torch.testing.assert_close(weights(vae), weights(plain), rtol=1e-4, atol=1e-5)


def test_the_seed_alone_decides_the_weights() -> None:
    before = torch.get_rng_state()
    first = weights(trained(seed=3)[0])
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(77)
    assert torch.equal(first, weights(trained(seed=3)[0]))
    assert not torch.equal(first, weights(trained(seed=4)[0]))


def test_every_image_is_seen_once_in_each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []

    def spy(vae: VAE, x: torch.Tensor, *others: Any) -> Any:
        seen.append(x.clone())
        return loss(vae, x, *others)

    monkeypatch.setattr("vae.train.minimise.loss", spy)
    trained()
    assert [len(x) for x in seen] == [8, 8, 5, 8, 8, 5]
    wanted = sorted(map(tuple, (TRAIN.pixels.reshape(21, 64) / np.float32(255)).tolist()))
    for epoch in (seen[:3], seen[3:]):
        rows = torch.cat(epoch).flatten(1).tolist()
        np.testing.assert_allclose(sorted(map(tuple, rows)), wanted, atol=1e-6)
    assert not torch.equal(torch.cat(seen[:3]), torch.cat(seen[3:]))  # another order in the second epoch


def test_training_terms_are_means_per_image() -> None:
    """With a rate of next to nothing the model stays, so the epoch's KL is that of the untrained model."""
    x = torch.tensor(TRAIN.pixels).permute(0, 3, 1, 2) / 255
    wanted = VAE(CONFIG, seed=0).encode(x).kl().mean().item()
    for reduction in ("mean", "sum"):
        _, events = trained(CONFIG.with_(batch_reduction=reduction), rate=1e-12, epochs=1)
        assert isinstance(events[-1], Epoch)
        assert events[-1].train_kl == pytest.approx(wanted, rel=1e-4)
        assert 40 < events[-1].train_recon_nll < 50  # 64 grey pixels at about ln 2 each


def test_training_learns() -> None:
    _, events = trained(epochs=60, rate=0.02)
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [event.epoch for event in epochs] == list(range(1, 61))
    assert epochs[-1].train_recon_nll + epochs[-1].train_kl < epochs[0].train_recon_nll + epochs[0].train_kl - 1


def test_the_rate_falls_along_a_half_cosine_to_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    fused = torch._fused_adam_

    def spy(*args: Any, **kwargs: Any) -> Any:
        rates.append(kwargs["lr"])
        return fused(*args, **kwargs)

    monkeypatch.setattr(torch, "_fused_adam_", spy)
    trained(epochs=4, rate=0.5, decay=0.5)  # 12 steps, the last 6 of them falling
    steady, falling = [0.5] * 6, [0.25 * (1 + math.cos(math.pi * i / 6)) for i in range(6)]
    assert rates == pytest.approx(steady + falling)
    rates.clear()
    trained(epochs=2, rate=0.5)
    assert rates == [0.5] * 6


def test_a_stop_ends_the_run_and_keeps_what_was_learned() -> None:
    vae = VAE(CONFIG, seed=0)
    untouched = weights(vae)
    asked: list[int] = []

    def wishes() -> Wishes:
        asked.append(1)
        return Wishes("stop" if len(asked) >= 2 else "")

    events = list(Trainer(vae, TRAIN, TEST, Settings(epochs=50, batch_size=8), wishes=wishes).run())
    assert [type(event) for event in events] == [Step, Step, Epoch]
    assert (events[1].step, events[1].steps, events[2].epoch) == (2, 3, 1)
    assert not torch.equal(untouched, weights(vae))


@pytest.mark.parametrize("weight", [1e30, math.nan])
def test_a_loss_that_is_no_number_ends_the_run_in_one_line(weight: float) -> None:
    vae = VAE(CONFIG, seed=0)
    with torch.no_grad():
        vae.encoder.heads.mu.weight.fill_(weight)
    with pytest.raises(VAEError, match="The (reconstruction|KL) term was no longer a number in epoch 1: try a lower"):
        list(Trainer(vae, TRAIN, TEST, Settings(epochs=1, batch_size=4)).run())


def test_the_learned_spread_is_trained_and_told() -> None:
    vae, events = trained(CONFIG.with_(likelihood="gaussian"), rate=0.05, epochs=5)
    start = VAE(CONFIG.with_(likelihood="gaussian")).log_std.item()
    assert events[-1].log_std == pytest.approx(vae.log_std.item())
    assert abs(events[-1].log_std - start) > 0.05
    assert trained()[1][-1].log_std is None
