"""The books of a training: how far it is, what its minutes hold, and what its steps came to."""

import math

import pytest
import torch

from vae.train.pace import ADRIFT, Clock, Mean, Plan, fall


def test_progress_is_the_part_that_lies_behind() -> None:
    plan = Plan(8)
    assert [plan.progress(step) for step in range(9)] == [step / 8 for step in range(9)]
    assert plan.progress(20) == 1


@pytest.mark.parametrize("steps", [20, 55, 400])
def test_a_plan_counted_anew_goes_on_from_where_it_was(steps: int) -> None:
    """Neither a schedule of beta nor one of the rate leaps, and both come to their end with the run."""
    plan = Plan(100)
    before = [plan.progress(step) for step in range(11)]
    plan.recount(10, steps)
    after = [plan.progress(step) for step in range(10, steps + 1)]
    assert after[0] == before[-1] and after[-1] == 1
    assert after == sorted(after)
    assert after[1] - after[0] == pytest.approx(0.9 / (steps - 10))


def test_minutes_are_counted_out_once_the_pace_is_known() -> None:
    plan = Plan(10_000)
    assert plan.within(60, 1.9, 19, 10_000) == 10_000 and not plan.counted  # too early to say
    steps = plan.within(60, 2.0, 20, 10_000)
    assert steps == 600
    plan.recount(20, steps)
    assert plan.within(60, 30.0, 300, 10_000) == 600  # on its way
    assert plan.within(60, 31.0, 300, 10_000) == 600  # a little late is let be
    late = plan.within(60, 40.0, 300, 10_000)  # ten seconds late: the end would lie at 80
    assert late == 300 + 150
    assert 60 * (1 + ADRIFT) < 80


def test_minutes_hold_no_more_than_the_epochs_and_no_less_than_what_is_done() -> None:
    assert Plan(50).within(60, 3.0, 30, 50) == 50
    assert Plan(500).within(60, 61.0, 30, 500) == 30
    assert Plan(500).within(60, 0.0, 0, 500) == 500
    assert Plan(500).within(0.6, 0.2, 10, 500) == 30  # a very short time is counted out sooner


def test_the_rate_is_whole_and_then_falls_along_a_half_cosine() -> None:
    for progress in (0.0, 0.3, 0.6):
        assert fall(0.4, progress) == 1
    for part in (0.25, 0.5, 0.75, 1.0):
        assert fall(0.4, 0.6 + 0.4 * part) == pytest.approx(0.5 * (1 + math.cos(math.pi * part)))
    assert fall(0.0, 1.0) == 1


def test_a_clock_tells_steps_from_what_lies_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("vae.train.pace.time.perf_counter", lambda: now[0])
    clock = Clock()
    clock.go()
    for between, within in ((1.0, 2.0), (5.0, 3.0)):
        now[0] += between
        clock.start()
        now[0] += within
        clock.stop(10)
    assert (clock.images, clock.seconds, clock.elapsed, clock.rate) == (20, 5.0, 11.0, 4.0)
    now[0] += 1000.0  # a pause
    clock.go()
    clock.start()
    now[0] += 1.0
    clock.stop(4)
    assert (clock.seconds, clock.elapsed) == (6.0, 12.0)


def test_a_mean_is_per_image() -> None:
    mean, other = Mean(torch.device("cpu")), Mean(torch.device("cpu"))
    assert all(math.isnan(value) for value in mean.value())
    other.add(torch.tensor([30.0, 6.0, 36.0, 3.0]))
    other.add(torch.tensor([10.0, 2.0, 12.0, 1.0]))
    mean.take(other)
    assert mean.value() == (10.0, 2.0, 12.0)
    assert all(math.isnan(value) for value in other.value())
