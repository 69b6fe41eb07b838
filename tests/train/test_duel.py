"""A critic beside the VAE: who learns from what, who rests when, and what of it is kept."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from vae.batches import stored
from vae.config import Config
from vae.data.images import Images
from vae.errors import VAEError
from vae.model import VAE
from vae.objectives import KLTerm, Objective, check_objective
from vae.total_correlation import code_critic_loss, factor, permuted
from vae.train.duel import PACE, Duel
from vae.train.loop import Trainer
from vae.train.parallel import Share
from vae.train.settings import Settings
from vae.train.telling import measured

CONFIG = Config((1, 8, 8), 3, encoder_sizes=(7,), decoder_sizes=(5,))
BOTH = pytest.mark.parametrize("kind", ["factor", "gan"])
ASKED = KLTerm(1.0, gamma=4.0, learns=True)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small steps on two threads wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pixels(count: int = 20, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def duel(kind: str, **config: Any) -> Duel:
    vae = VAE(CONFIG.with_(**config), seed=1).train()
    return Duel(vae, 0.01, "float32", Objective(kind, critic=16), pixels(), seed=0)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def held(weights: Any) -> torch.Tensor:
    return torch.cat([weight.grad.flatten() for weight in weights]).clone()


def values(weights: Any) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in weights]).clone()


def test_factorvae_learns_from_two_batches() -> None:
    """Kim and Mnih 2018, algorithm 2: the critic's shuffled codes are of images drawn anew."""
    it = duel("factor")
    it.gradients(pixels(8, 5), seeded(), ASKED)
    source = seeded()
    found = factor(it.vae, pixels(8, 5) / 255, source, ASKED, critic=it.critic)
    torch.testing.assert_close(held(it.weights), torch.cat([g.flatten() for g in _of(found.total, it.weights)]))
    other = pixels()[(torch.rand(8, generator=source) * 20).long()] / 255
    with torch.no_grad():
        _, z = it.vae.draw(other, source)
    guesses = code_critic_loss(it.critic, found.output.z.detach(), permuted(z, source))
    torch.testing.assert_close(held(it.theirs), torch.cat([g.flatten() for g in _of(guesses, it.theirs)]))


def _of(total: torch.Tensor, weights: Any) -> Any:
    return torch.autograd.grad(total, weights, retain_graph=True)


def test_the_encoder_of_a_vae_gan_does_not_learn_to_fool() -> None:
    found = []
    for gamma in (1e-9, 1e4):
        it = duel("gan")
        it.gradients(pixels(8), seeded(), KLTerm(1.0, gamma=gamma, learns=True))
        found.append((held(it.vae.encoder.parameters()), held(it.vae.decoder.parameters()), held(it.theirs)))
    (encoder, decoder, critic), (fooling, drawing, watching) = found
    torch.testing.assert_close(encoder, fooling)
    torch.testing.assert_close(critic, watching)
    assert (decoder - drawing).norm() > 0.1 * decoder.norm()


@BOTH
def test_each_has_an_optimiser_of_its_own(kind: str) -> None:
    it = duel(kind)
    it.rate = 0.002
    assert (it.adam.rate, it.critic_adam.rate) == (0.002, 0.002 * PACE[kind])
    ours, theirs = values(it.weights), values(it.theirs)
    it.gradients(pixels(8), seeded(), ASKED)
    it.apply()
    assert (values(it.weights) - ours).abs().max() == pytest.approx(0.002, rel=0.01)  # Adam's first step is its rate
    assert (values(it.theirs) - theirs).abs().max() == pytest.approx(0.002 * PACE[kind], rel=0.01)


def test_a_critic_rests_until_it_is_to_learn_and_while_it_is_too_strong(monkeypatch: pytest.MonkeyPatch) -> None:
    it = duel("gan")
    theirs = values(it.theirs)
    it.gradients(pixels(8), seeded(), KLTerm(1.0))
    it.apply()
    assert torch.equal(values(it.theirs), theirs)
    it.gradients(pixels(8), seeded(), ASKED)
    it.apply()
    assert not torch.equal(values(it.theirs), theirs)
    theirs, ours = values(it.theirs), values(it.weights)
    monkeypatch.setattr("vae.picture_critic.STRONG", 10.0)
    monkeypatch.setattr("vae.picture_critic.WEAK", 10.0)
    it.gradients(pixels(8), seeded(), ASKED)
    it.apply()
    assert torch.equal(values(it.theirs), theirs) and not torch.equal(values(it.weights), ours)


@BOTH
def test_what_is_no_number_changes_neither(kind: str) -> None:
    it = duel(kind)
    it.gradients(pixels(8), seeded(), ASKED)
    it.apply()
    theirs, ours, kept = values(it.theirs), values(it.weights), it.state()
    it.gradients(pixels(8), seeded(), ASKED)
    it.apply(torch.tensor(True))
    assert torch.equal(values(it.theirs), theirs) and torch.equal(values(it.weights), ours)
    it.gradients(pixels(8), seeded(), ASKED)
    it.theirs[0].grad.fill_(torch.nan)  # of the critic alone: the VAE goes on
    it.apply(torch.tensor(False))
    assert torch.equal(values(it.theirs), theirs) and not torch.equal(values(it.weights), ours)
    assert it.state()["critic.adam.step"] == kept["critic.adam.step"] == 1


@BOTH
@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: kept.pop("critic.adam.step"),
        lambda kept: kept.pop("adam.step"),
        lambda kept: kept.pop("critic.net.body.0.weight"),
        lambda kept: kept.update({"critic.net.body.0.weight": torch.zeros(3)}),
        lambda kept: kept.update({"critic.net.more": torch.zeros(3)}),
        lambda kept: kept.update({"critic.adam.body.0.bias.exp_avg": torch.zeros(3)}),
    ],
)
def test_what_belongs_to_another_critic_is_refused_and_nothing_changes(kind: str, spoil: Any) -> None:
    it = duel(kind)
    it.gradients(pixels(8), seeded(), ASKED)
    it.apply()
    before = it.state()
    kept = {name: value + 1 for name, value in before.items()}
    spoil(kept)
    with pytest.raises(VAEError, match="another network"):
        it.restore(kept)
    assert all(torch.equal(value, before[name]) for name, value in it.state().items())


# ---- a training ----------------------------------------------------------------------------------------------------


def noise(count: int, split: str = "train") -> Images:
    chance = np.random.default_rng(count)
    return Images("noise", split, chance.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8))


def trained(objective: Objective, epochs: int = 2, **config: Any) -> Trainer:
    trainer = Trainer(
        VAE(CONFIG.with_(**config), 0), noise(40), noise(6, "test"), Settings(epochs, batch_size=8, objective=objective)
    )
    list(trainer.run())
    return trainer


def test_a_vae_gan_is_a_vae_until_its_critic_learns() -> None:
    """10 steps: with rise 1 the critic learns from the ninth on, and is never asked."""
    other = trained(Objective("gan", rise=1.0, critic=16))
    early = [
        Trainer(VAE(CONFIG, 0), noise(40), noise(6, "test"), Settings(2, batch_size=8, objective=o))
        for o in (Objective(), Objective("gan", rise=1.0, critic=16))
    ]
    for trainer in early:
        trainer.standing.clock.go()
        for _ in range(8):
            list(trainer._go_on())
    assert torch.equal(values(early[0].vae.parameters()), values(early[1].vae.parameters()))
    assert other.stepper.state()["critic.adam.step"] > 0
    assert early[1].stepper.state()["critic.adam.step"] == 0


@BOTH
def test_the_seed_alone_decides_the_critic_too(kind: str) -> None:
    first, again = (trained(Objective(kind, rise=0.2, critic=16)) for _ in range(2))
    state = first.stepper.state()
    assert all(torch.equal(value, again.stepper.state()[name]) for name, value in state.items())
    assert state["critic.adam.step"] > 0


@pytest.mark.parametrize(
    ("kind", "config", "line"),
    [
        ("iwae", {"posterior": "point"}, "plain autoencoder"),
        ("warmup", {"posterior": "point"}, "plain autoencoder"),
        ("gan", {"posterior": "point"}, "plain autoencoder"),
        ("dreg", {"levels": (1, 2)}, "levels"),
        ("tc", {"levels": (1, 2)}, "levels"),
        ("iwae", {"likelihood": "mse"}, "squared error"),
        ("factor", {"recon_reduction": "mean"}, "averages"),
        ("tc", {"kl_reduction": "mean"}, "averages"),
        ("gan", {"shape": (64,)}, "looks at pictures"),
        ("gan", {"binarise": "dynamic"}, "binarise"),
        ("gan", {"binarise": "static"}, "binarise"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line_before_the_start(kind: str, config: Any, line: str) -> None:
    with pytest.raises(VAEError, match=line) as caught:
        check_objective(Objective(kind), CONFIG.with_(**config))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 160
    if "shape" not in config:
        with pytest.raises(VAEError, match=line):
            trained(Objective(kind), **config)


@pytest.mark.parametrize("kind", ["iwae", "dreg", "tc", "factor", "gan"])
def test_several_processes_are_refused_what_they_cannot_share(kind: str) -> None:
    with pytest.raises(VAEError, match="without torchrun"):
        Trainer(VAE(CONFIG, 0), noise(9), noise(6), Settings(objective=Objective(kind)), share=Share(0, 2))


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("iwae", {"levels": (1, 2)}),
        ("factor", {"levels": (1, 2)}),
        ("gan", {"levels": (1, 2)}),
        ("gan", {"likelihood": "gaussian", "batch_reduction": "sum"}),
        ("factor", {"binarise": "dynamic", "batch_reduction": "sum"}),
        ("dreg", {"likelihood": "logistic"}),
    ],
)
def test_what_can_be_trained_learns(kind: str, config: Any) -> None:
    trainer = trained(Objective(kind, rise=0.3, gamma=1.0, critic=16), 5, **config)
    start = measured(VAE(CONFIG.with_(**config), 0), stored(noise(6, "test")))
    assert trainer.finished and trainer.last is not None
    assert trainer.last.recon_nll < start.recon_nll


def test_the_batch_of_one_image_at_the_end_of_an_epoch_does_no_harm() -> None:
    for kind in ("iwae", "dreg", "tc", "factor", "gan"):
        settings = Settings(2, batch_size=8, objective=Objective(kind, rise=0.0, critic=16))
        trainer = Trainer(VAE(CONFIG, 0), noise(17), noise(6, "test"), settings)
        list(trainer.run())
        assert values(trainer.vae.parameters()).isfinite().all()
        assert not int(trainer.standing.guard.tally.sum())


@pytest.mark.gpu
@BOTH
def test_a_duel_on_a_gpu_goes_on_from_what_it_kept(kind: str) -> None:
    vae = VAE(CONFIG, 1).train().cuda()
    it = Duel(vae, 0.01, "float32", Objective(kind, critic=16), pixels().cuda(), 0)
    source = torch.Generator("cuda").manual_seed(0)
    for batch in pixels(80).cuda().split(8):
        it.gradients(batch, source, ASKED)
        it.apply()
    assert values(it.weights).isfinite().all() and it.state()["critic.adam.step"] > 0
    fresh = Duel(VAE(CONFIG, 1).train().cuda(), 0.01, "float32", Objective(kind, critic=16), pixels().cuda(), 0)
    fresh.vae.load_state_dict(it.vae.state_dict())
    fresh.restore(it.state())
    draws = torch.Generator("cuda")
    draws.set_state(source.get_state())
    for one, generator in ((it, source), (fresh, draws)):
        for batch in pixels(40, 3).cuda().split(8):
            one.gradients(batch, generator, ASKED)
            one.apply()
    assert torch.equal(values(it.weights), values(fresh.weights))
