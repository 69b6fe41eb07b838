"""A run that was broken off and taken up again, anywhere, ends to the bit as one that was never interrupted."""

import json
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from vae.config import Config
from vae.data.images import Images
from vae.errors import VAEError
from vae.model import VAE
from vae.train.loop import Trainer
from vae.train.news import Changed, Epoch, Event, Planned, Step
from vae.train.settings import Objective, Settings
from vae.train.wishes import Wishes

CONFIG = Config((1, 8, 8), 3, encoder_sizes=(7,), decoder_sizes=(5,))
TIMES = ("images_per_second", "seconds", "seconds_left")

RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "decay": ({}, {"decay": 0.7}),
    "warm-up": ({}, {"objective": Objective("warmup", rise=0.8)}),
    "cyclical, dynamic": ({"binarise": "dynamic"}, {"objective": Objective("cyclical", cycles=2)}),
    "capacity, sums": ({"batch_reduction": "sum"}, {"objective": Objective("capacity", nats=5.0)}),
    "free bits, gaussian": ({"likelihood": "gaussian"}, {"objective": Objective("free-bits")}),
    "conv": ({"network": "conv", "encoder_sizes": (4,), "decoder_sizes": (4,)}, {"decay": 1.0}),
    "importance-weighted": ({"binarise": "dynamic"}, {"objective": Objective("iwae", samples=3)}),
    "doubly reparameterised": ({}, {"objective": Objective("dreg", samples=3)}),
    "total correlation": ({"beta": 4.0}, {"objective": Objective("tc")}),
    "critic of codes": ({}, {"objective": Objective("factor", critic=8), "decay": 0.5}),
    "critic of pictures": ({}, {"objective": Objective("gan", rise=0.5, critic=16)}),
}


def noise(count: int, split: str = "train") -> Images:
    chance = np.random.default_rng(count)
    return Images("noise", split, chance.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8))


TRAIN, TEST = noise(45), noise(6, "test")  # 6 steps of 8 in an epoch, the last of 5


def made(config: dict[str, Any], settings: dict[str, Any], **rest: Any) -> Trainer:
    vae = VAE(CONFIG.with_(**config), seed=0)
    return Trainer(vae, TRAIN, TEST, Settings(**({"epochs": 3, "batch_size": 8, "rate": 0.01} | settings)), **rest)


def through_files(state: tuple[dict[str, torch.Tensor], dict[str, Any]]) -> tuple[Any, Any]:
    tensors, facts = state
    return safetensors.torch.load(safetensors.torch.save(tensors)), json.loads(json.dumps(facts, allow_nan=False))


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([value.flatten().clone() for value in trainer.vae.state_dict().values()])


def said(events: list[Event]) -> list[dict[str, Any]]:
    """What was said of epochs, times left out."""
    epochs = [event.__dict__ for event in events if isinstance(event, Epoch)]
    return [{name: value for name, value in epoch.items() if name not in TIMES} for epoch in epochs]


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_paused_after_every_step_ends_as_if_it_had_never_stopped(kind: str) -> None:
    whole = made(*RUNS[kind])
    unbroken = list(whole.run())
    events: list[Event] = []
    state, legs = None, 0
    while True:
        trainer = made(*RUNS[kind], wishes=lambda: Wishes("pause"))
        torch.manual_seed(legs)  # the global generator is nobody's business
        if state:
            trainer.restore(*through_files(state))
        events += trainer.run()
        state, legs = trainer.state(), legs + 1
        if trainer.finished or legs > 30:
            break
    assert legs == 19  # 18 steps, and once to see that there is no more
    assert torch.equal(weights(trainer), weights(whole))
    assert said(events) == said(unbroken)


def test_a_state_may_be_taken_whenever_something_is_said() -> None:
    """Also between a step and the epoch that it ends, and just after that epoch."""
    kind = RUNS["cyclical, dynamic"]
    whole = made(*kind)
    states, events = [], []
    for event in whole.run():
        states.append(through_files(whole.state()))
        events.append(event)
    for index, state in enumerate(states):
        again = made(*kind)
        again.restore(*state)
        rest = list(again.run())
        assert torch.equal(weights(again), weights(whole))
        assert said(rest) == said(events[index + 1 :])


def test_a_state_is_a_copy() -> None:
    trainer = made({}, {})
    tensors, facts = trainer.state()
    kept, known = {name: value.clone() for name, value in tensors.items()}, json.dumps(facts)
    list(trainer.run())
    assert all(torch.equal(kept[name], value) for name, value in tensors.items())
    assert json.dumps(facts) == known


def test_minutes_that_were_counted_out_stay_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is asked before the plan is made and not after, so a run taken up again has the same last step."""
    settings = {"epochs": 1000, "minutes": 0.01, "decay": 0.5}
    now = [0.0]

    def tick() -> float:
        now[0] += 0.005
        return now[0]

    monkeypatch.setattr("vae.train.pace.time.perf_counter", tick)
    whole = made({}, settings)
    states = []
    for event in whole.run():
        if isinstance(event, Step | Epoch | Planned):
            states.append((through_files(whole.state()), weights(whole)))
    assert 10 < whole.step < 200
    planned = [state for state, _ in states if state[1]["plan"]["counted"]]
    assert len(planned) > 5
    for state in planned[:: len(planned) // 4]:
        again = made({}, settings)
        again.restore(*state)
        list(again.run())
        assert again.step == whole.step
        assert torch.equal(weights(again), weights(whole))


def test_a_change_is_kept_with_the_run() -> None:
    trainer = made({}, {}, wishes=lambda: Wishes("pause" if trainer.step == 4 else "", beta=0.25, rate=0.002))
    events = list(trainer.run())
    assert [event for event in events if isinstance(event, Changed)] == [Changed(1, 1, 0.25, 0.002)]
    again = made({}, {})
    again.restore(*through_files(trainer.state()))
    assert again.changes == [{"step": 1, "beta": 0.25, "rate": 0.002}]
    rest = [event for event in again.run() if isinstance(event, Step)]
    assert {(event.beta, event.rate) for event in rest} == {(0.25, 0.002)}


def test_the_running_means_go_on() -> None:
    """What an epoch came to is the mean over all its steps, those before the pause too."""
    whole = made({}, {"epochs": 1})
    (epoch,) = said(list(whole.run()))
    first = made({}, {"epochs": 1}, wishes=lambda: Wishes("pause" if first.step == 3 else ""))
    list(first.run())
    second = made({}, {"epochs": 1})
    second.restore(*through_files(first.state()))
    assert said(list(second.run())) == [epoch]


def test_a_run_that_is_finished_has_nothing_more_to_say() -> None:
    trainer = made({}, {})
    list(trainer.run())
    again = made({}, {})
    again.restore(*through_files(trainer.state()))
    assert list(again.run()) == [] and again.finished
    assert (again.step, again.epoch, again.at, again.last.epoch if again.last else 0) == (18, 3, 3.0, 3)


@pytest.mark.parametrize(
    ("config", "settings", "line"),
    [
        ({"latent_dim": 4}, {}, "another model"),
        ({"beta": 2.0}, {}, "another model"),
        ({}, {"seed": 1}, "other settings"),
        ({}, {"epochs": 4}, "other settings"),
        ({}, {"objective": Objective("warmup")}, "other settings"),
    ],
)
def test_what_belongs_to_another_run_is_refused(config: Any, settings: Any, line: str) -> None:
    state = through_files(made({}, {}).state())
    other = made(config, settings)
    before = weights(other)
    with pytest.raises(VAEError, match=line):
        other.restore(*state)
    assert torch.equal(before, weights(other))


def test_other_data_and_missing_weights_are_refused() -> None:
    tensors, facts = through_files(made({}, {}).state())
    few = Trainer(VAE(CONFIG, 0), noise(30), TEST, Settings(epochs=3, batch_size=8, rate=0.01))
    with pytest.raises(VAEError, match="other data"):
        few.restore(tensors, facts)
    for name in ("model.decoder.out.bias", "adam.decoder.out.bias.exp_avg", "generator.now", "sums.whole"):
        with pytest.raises(VAEError):
            made({}, {}).restore({key: value for key, value in tensors.items() if key != name}, facts)
    with pytest.raises(VAEError, match="does not have the weights"):
        made({}, {}).restore(tensors | {"model.decoder.out.bias": torch.zeros(3)}, facts)
    with pytest.raises(VAEError):
        made({}, {}).restore(tensors | {"model.more": torch.zeros(3)}, facts)
