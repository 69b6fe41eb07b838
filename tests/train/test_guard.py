"""Steps that are no numbers are skipped and named; a run that has gone wrong goes back and says what to change."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from vae.config import Config
from vae.data.images import Images
from vae.errors import VAEError
from vae.model import VAE
from vae.train.guard import BEYOND, LOOKS, PATIENCE, Diverged, Guard
from vae.train.loop import Trainer
from vae.train.news import Changed, Epoch, Event, Halved, RolledBack, Skipped, Step
from vae.train.settings import Settings
from vae.train.step import Terms
from vae.train.wishes import Wishes

CONFIG = Config((1, 8, 8), 3, encoder_sizes=(7,), decoder_sizes=(5,))
NAN = float("nan")


def noise(count: int, split: str = "train") -> Images:
    chance = np.random.default_rng(count)
    return Images("noise", split, chance.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8))


TRAIN, TEST = noise(40), noise(6, "test")  # 5 steps of 8 in an epoch


def made(config: Config = CONFIG, wishes: Callable[[], Wishes] = Wishes, **settings: Any) -> Trainer:
    settings = {"epochs": 3, "batch_size": 8, "rate": 0.01} | settings
    return Trainer(VAE(config, seed=0), TRAIN, TEST, Settings(**settings), wishes=wishes)


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([value.flatten().clone() for value in trainer.vae.state_dict().values()])


def poison(trainer: Trainer, steps: Iterable[int], where: str = "gradient") -> None:
    """Make the given steps of a run, counted from 1, no numbers: in a term, or in a gradient alone."""
    real, tries, chosen = trainer.stepper.gradients, iter(range(1, 10_000)), set(steps)

    def gradients(*arguments: Any) -> Any:
        terms = real(*arguments)
        if next(tries) not in chosen:
            return terms
        trainer.vae.decoder.out.weight.grad[0, 0] = NAN
        return terms if where == "gradient" else replace(terms, **{where: terms.total * NAN})

    trainer.stepper.gradients = gradients  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("where", "term"),
    [("gradient", "gradient of decoder.out.weight"), ("recon_nll", "reconstruction"), ("kl", "KL")],
)
def test_a_step_that_is_no_number_is_skipped_and_named(where: str, term: str) -> None:
    trainer = made()
    poison(trainer, [4], where)
    before: list[dict[str, torch.Tensor]] = []
    events: list[Event] = []
    for event in trainer.run():
        events.append(event)
        before.append({name: value for name, value in trainer.state()[0].items() if name.startswith(("model", "adam"))})
    (skipped,) = [event for event in events if isinstance(event, Skipped)]
    assert skipped == Skipped(step=4, epoch=1, term=term, count=1)
    assert trainer.finished and weights(trainer).isfinite().all()
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert len(epochs) == 3 and all(math.isfinite(epoch.train_recon_nll) for epoch in epochs)


def test_a_skipped_step_touches_neither_the_weights_nor_what_adam_remembers() -> None:
    trainer = made(wishes=lambda: Wishes("pause"))
    poison(trainer, [3])
    states = []
    for _ in range(4):
        list(trainer.run())
        tensors = trainer.state()[0]
        states.append({name: value for name, value in tensors.items() if name.startswith(("model", "adam"))})
    same = [
        all(torch.equal(one[name], two[name]) for name in one) for one, two in zip(states, states[1:], strict=False)
    ]
    assert same == [False, True, False]


def test_a_skipped_step_counts_in_no_mean() -> None:
    poisoned, plain = made(epochs=1, rate=1e-12), made(epochs=1, rate=1e-12)
    poison(poisoned, [2])
    events = [event for event in poisoned.run() if isinstance(event, Step | Epoch)]
    others = [event for event in plain.run() if isinstance(event, Step | Epoch)]
    found, usual = (event.train_recon_nll for event in (events[-1], others[-1]) if isinstance(event, Epoch))
    steps = {event.step: event.recon_nll for event in others if isinstance(event, Step)}
    without = (5 * usual - steps[2]) / 4
    assert found == pytest.approx(without, rel=1e-4)


def test_fifty_random_steps_are_caught_within_the_step() -> None:
    chance = np.random.default_rng(0)
    chosen = sorted(int(step) for step in chance.choice(np.arange(1, 101), 8, replace=False))
    trainer = made(epochs=20)
    poison(trainer, chosen)
    caught = [event.step for event in trainer.run() if isinstance(event, Skipped)]
    assert caught == chosen
    assert weights(trainer).isfinite().all()


def test_after_a_few_in_a_row_the_last_good_epoch_is_back() -> None:
    trainer, good = made(epochs=9), made(epochs=2)
    list(good.run())
    poison(trainer, range(13, 100))  # from the third step of the third epoch on
    events = []
    with pytest.raises(Diverged) as caught:
        for event in trainer.run():
            events.append(event)
    assert [event.step for event in events if isinstance(event, Skipped)] == [13, 14, 15, 16, 17]
    assert events[-1] == RolledBack(step=10, epoch=2, line=str(caught.value))
    assert str(caught.value) == (
        "The gradient of decoder.out.weight was no longer a number in epoch 4: "
        "try a lower learning rate (it was 0.01). The model is as it was after epoch 2."
    )
    assert torch.equal(weights(trainer), weights(good))
    assert (trainer.step, trainer.epoch, trainer.finished) == (10, 2, False)


def test_epochs_of_skipped_steps_alone_are_not_good() -> None:
    """Five in a row may span epochs of fewer steps; those that ended among them are not gone back to."""
    trainer = made(epochs=9, batch_size=40)
    poison(trainer, range(3, 100))
    with pytest.raises(Diverged, match=r"epoch 7: .* after epoch 2"):
        list(trainer.run())
    assert weights(trainer).isfinite().all()


def test_fewer_than_a_few_in_a_row_are_passed_over() -> None:
    trainer = made(epochs=4)
    poison(trainer, [1, 2, 3, 4, 6, 7, 8, 9, 11])
    assert sum(event.count for event in trainer.run() if isinstance(event, Skipped)) == 9
    assert trainer.finished


def test_a_run_that_went_wrong_goes_on_from_the_good_epoch_with_another_rate() -> None:
    trainer = made(epochs=3)
    poison(trainer, range(8, 100))
    with pytest.raises(Diverged):
        list(trainer.run())
    again = made(epochs=3, wishes=lambda: Wishes(rate=0.001))
    again.restore(*trainer.state())
    events = list(again.run())
    assert again.finished and [event.epoch for event in events if isinstance(event, Epoch)] == [2, 3]


def test_advice_names_what_can_be_at_fault() -> None:
    trainer = made(CONFIG.with_(likelihood="gaussian", beta=400.0), rate=0.02)
    poison(trainer, range(1, 6), "kl")
    with pytest.raises(Diverged) as caught:
        list(trainer.run())
    assert str(caught.value) == (
        "The KL term was no longer a number in epoch 1: try a lower learning rate (it was 0.02) or a smaller beta (it "
        "was 400) or squared error alone as the likelihood (mse). The model is as it was before the first step."
    )


# ---- a loss that runs away ----------------------------------------------------------------------------------------


def walk(losses: Iterable[float]) -> int | None:
    """After how many looks a loss was said to run away."""
    guard = Guard(torch.device("cpu"))
    return next((count for count, loss in enumerate(losses, start=1) if guard.runs_away(loss)), None)


def test_a_loss_that_leaves_and_stays_away_is_caught() -> None:
    assert walk([500, 100, 400, 2e6, 3e6, 4e6, 5e6, 6e6, 7e6]) == 3 + LOOKS
    assert walk([500, 100, 1e7, 9e6, 8e6, 8e6, 8e6, 8e6]) == 2 + LOOKS  # whether it grows further or not
    assert walk([-700, -900] + [1e6] * 9) == 2 + LOOKS  # a density's loss may be negative
    assert walk([5e-1, 1e-1] + [1e3] * 9) == 2 + LOOKS  # and a mean over pixels is small


def test_a_loss_that_comes_back_is_left_alone() -> None:
    assert walk([500, 7e8, 4e6, 6e5, 5e5, 430, 700, 800]) is None
    assert walk([500, 100, 4e6, 5e6, 300, 4e6, 5e6, 300] * 5) is None
    assert walk([-900.0, -1000.0, 500.0, 5000.0, 1e5] * 9) is None
    assert walk([1e-3, 1e-5, 1e-7, 2e-4, 3e-4, 4e-4] * 3) is None
    assert walk([5e8] + [500.0] * 9 + [4e8] * 9) is None  # untrained weights may be worse than any later


def test_a_runaway_goes_back_to_before_it_began() -> None:
    trainer, good = made(epochs=90), made(epochs=2)
    list(good.run())
    real, loss = trainer.stepper.gradients, iter([1.0] * 10 + [40.0] * 5 + [1e5] * 900)
    trainer.stepper.gradients = lambda *given: _larger(real(*given), next(loss))  # type: ignore[method-assign]
    events = []
    with pytest.raises(
        Diverged, match=r"The loss ran away, to .* for each image, in epoch 20: try a lower learning rate"
    ):
        for event in trainer.run():
            events.append(event)
    assert isinstance(events[-1], RolledBack) and events[-1].epoch == 2
    assert torch.equal(weights(trainer), weights(good))
    assert not any(isinstance(event, Skipped) for event in events)


def _larger(terms: Terms, times: float) -> Terms:
    return replace(terms, total=terms.total * times)


def test_the_limits_are_those_that_are_documented() -> None:
    assert (PATIENCE, BEYOND, LOOKS) == (5, 1000, 5)


# ---- a full memory -------------------------------------------------------------------------------------------------


def fill_memory(trainer: Trainer, above: int) -> list[int]:
    """Refuse batches of more than `above` images, as a GPU does. Returns the sizes that are tried, as they are."""
    real, tried = trainer.stepper.gradients, []

    def gradients(batch: torch.Tensor, *rest: Any) -> Any:
        tried.append(len(batch))
        if len(batch) > above:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate a lot.")
        return real(batch, *rest)

    trainer.stepper.gradients = gradients  # type: ignore[method-assign]
    return tried


def test_a_full_memory_halves_the_batch_and_goes_on() -> None:
    trainer = made(epochs=2, batch_size=32)
    tried = fill_memory(trainer, 9)
    events = list(trainer.run())
    assert [event for event in events if isinstance(event, Halved)] == [Halved(0, 16), Halved(0, 8)]
    assert tried == [32, 16] + [8] * 10
    assert trainer.finished and (trainer.step, trainer.at) == (10, 2.0)
    assert [event.steps for event in events if isinstance(event, Step)][-1] == 5
    again = made(epochs=2, batch_size=32)
    again.restore(*trainer.state())
    assert again.standing.batch_size == 8


def test_a_memory_that_is_full_within_an_epoch_loses_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = made(epochs=1, batch_size=16, decay=1.0)
    sizes: list[int] = []
    real = trainer.stepper.gradients

    def gradients(batch: torch.Tensor, *rest: Any) -> Any:
        if len(batch) > 5 and sizes:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        sizes.append(len(batch))
        return real(batch, *rest)

    monkeypatch.setattr(trainer.stepper, "gradients", gradients)
    rates = [event.rate for event in trainer.run() if isinstance(event, Step)]
    assert sizes == [16, 4, 4, 4, 4, 4, 4]
    assert rates == sorted(rates, reverse=True)  # progress goes on from where it was


def test_a_memory_too_small_for_one_image_is_one_line() -> None:
    trainer = made()
    fill_memory(trainer, 0)
    with pytest.raises(VAEError, match="memory of the device is full: choose fewer units"):
        list(trainer.run())


def test_a_batch_larger_than_the_data_is_halved_from_the_data() -> None:
    trainer = made(batch_size=1024)
    fill_memory(trainer, 20)
    assert Halved(0, 20) in list(trainer.run())


def test_a_test_pass_may_be_halved_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from vae.train import telling

    real, tried = telling.measure, []

    def measure(vae: VAE, pixels: torch.Tensor, *, batch_size: int) -> Any:
        tried.append(batch_size)
        if batch_size > 300:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(vae, pixels, batch_size=batch_size)

    monkeypatch.setattr(telling, "measure", measure)
    events = list(made(epochs=1).run())
    assert tried == [1000, 500, 250] and isinstance(events[-1], Epoch)


# ---- changes while it runs -----------------------------------------------------------------------------------------


def test_a_wish_changes_beta_and_rate_from_the_next_step_on() -> None:
    trainer = made(wishes=lambda: Wishes(beta=4.0) if trainer.step >= 3 else Wishes())
    events = list(trainer.run())
    assert [event for event in events if isinstance(event, Changed)] == [Changed(3, 1, 4.0, 0.01)]
    betas = {event.step_total: event.beta for event in events if isinstance(event, Step)}
    assert betas == {1: 1.0, 2: 1.0, 5: 4.0, 10: 4.0, 15: 4.0}
    assert trainer.changes == [{"step": 3, "beta": 4.0, "rate": 0.01}]


def test_a_change_is_what_a_run_with_those_settings_does() -> None:
    changed = made(epochs=1, wishes=lambda: Wishes(beta=0.0, rate=0.003))
    list(changed.run())
    plain = made(epochs=1)
    by_hand = iter(plain.run())
    for event in by_hand:
        if isinstance(event, Step) and event.step == 1:
            plain.standing.beta, plain.standing.rate = 0.0, 0.003
    assert torch.equal(weights(changed), weights(plain))
    assert not torch.equal(weights(changed), weights(made()))


@pytest.mark.parametrize("wish", [{"beta": -1.0}, {"beta": NAN}, {"rate": 0.0}, {"rate": 7.0}, {"rate": math.inf}])
def test_a_wish_that_cannot_be_is_passed_over(wish: dict[str, float]) -> None:
    events = list(made(epochs=1, wishes=lambda: Wishes(**wish)).run())
    assert not any(isinstance(event, Changed) for event in events)


def test_the_test_loss_is_measured_at_the_configs_beta() -> None:
    """So that the epochs before and after a change can be compared."""
    (epoch,) = [event for event in made(epochs=1, wishes=lambda: Wishes(beta=9.0)).run() if isinstance(event, Epoch)]
    assert epoch.loss == pytest.approx(epoch.recon_nll + epoch.kl, rel=1e-5)
    assert epoch.beta == 9.0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_a_gpu_a_bad_step_is_skipped_at_once_and_told_soon() -> None:
    vae = VAE(CONFIG, seed=0).cuda()
    trainer = Trainer(vae, TRAIN, TEST, Settings(epochs=3, batch_size=8))
    poison(trainer, [2, 3])
    told = [event for event in trainer.run() if isinstance(event, Skipped)]
    assert [(event.count, event.term) for event in told] == [(2, "gradient")]
    assert weights(trainer).isfinite().all()
