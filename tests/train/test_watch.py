"""What a watcher is told of a run, from its events alone."""

import pytest

from vae.train.watch import duration, watch


def step(epoch, number, steps=10, **terms):
    return {"kind": "step", "epoch": epoch, "step": number, "steps": steps, "recon_nll": 100.0, "kl": 5.0,
            "images_per_second": 2000.4, "seconds_left": 30.0} | terms  # fmt: skip


def epoch(number, **terms):
    return {"kind": "epoch", "epoch": number, "recon_nll": 90.0, "kl": 6.0, "images_per_second": 2100.0,
            "seconds_left": 20.0} | terms  # fmt: skip


START = {"kind": "start", "epochs": 4}


@pytest.mark.parametrize(
    ("events", "fraction", "line"),
    [
        ([], 0.0, "Starting: the program loads"),
        ([{"kind": "data"}], 0.0, "The first step is under way."),
        ([START], 0.0, "The first step is under way."),
        ([START, step(1, 5)], 0.125, "Epoch 1 of 4, 2,000 images a second, about 30 s left."),
        ([START, step(1, 10), epoch(1), step(2, 5)], 0.375, "Epoch 2 of 4, 2,000 images a second, about 30 s left."),
        ([START, step(1, 10), epoch(1)], 0.25, "Epoch 1 of 4, 2,100 images a second, about 20 s left."),
        ([START, epoch(1), {"kind": "pictures", "file": "a.png", "epoch": 1}], 0.25, "Epoch 1 of 4, 2,100 images"),
        ([START, epoch(4), {"kind": "encoding"}], 1.0, "Trained. Its images are encoded"),
        ([START, epoch(4), {"kind": "done", "epochs": 4, "seconds": 8.2}], 1.0, "Finished after 4 epochs in 8 s"),
        ([START, epoch(1), {"kind": "done", "epochs": 1, "seconds": 90}], 0.25, "Finished after 1 epoch in 2 min"),
        ([START, step(1, 3), {"kind": "stopped", "epochs": 0.3, "seconds": 2}], 0.075,
         "Stopped, and the model kept, after 0.3 epochs in 2 s of training."),
        ([START, step(1, 3), {"kind": "failed", "line": "x"}], 0.075, "It broke off."),
    ],
)  # fmt: skip
def test_how_far_it_is_in_numbers_and_words(events, fraction, line):
    seen = watch(events)
    assert seen.fraction == pytest.approx(fraction)
    assert seen.line.startswith(line)


def test_the_newest_picture_is_shown():
    first, second = ({"kind": "pictures", "file": file, "epoch": at} for file, at in (("a.png", 0), ("b.png", 2)))
    events = [START, first, second]
    assert (watch(events[:2]).picture, watch(events[:2]).picture_epoch) == ("a.png", 0)
    assert (watch(events).picture, watch(events).picture_epoch) == ("b.png", 2)
    assert watch([START]).picture == ""


def test_curves_lie_on_one_count_of_epochs():
    events = [
        START, step(1, 5, recon_nll=120.0, kl=1.0), step(1, 10, recon_nll=110.0, kl=2.0), epoch(1),
        step(2, 10, recon_nll=99.0, kl=3.0), epoch(2, recon_nll=80.0, kl=7.0),
    ]  # fmt: skip
    seen = watch(events)
    assert seen.recon.epochs == seen.kl.epochs == (0.5, 1.0, 2.0)
    assert seen.recon.nats == (120.0, 110.0, 99.0) and seen.kl.nats == (1.0, 2.0, 3.0)
    assert seen.test_recon.epochs == (1.0, 2.0) and seen.test_recon.nats == (90.0, 80.0)
    assert seen.test_kl.nats == (6.0, 7.0)


def test_a_number_that_was_not_finite_leaves_a_gap():
    """JSON has no NaN: the events say null."""
    seen = watch([START, step(1, 5, recon_nll=None), step(1, 10, kl=None)])
    assert seen.recon.epochs == (1.0,) and seen.kl.epochs == (0.5,)


def test_a_run_whose_first_events_were_not_read_is_no_more_than_whole():
    assert watch([step(3, 10)]).fraction == 1.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min"), (5399, "90 min"), (5400, "1.5 h"), (86400, "24.0 h")],
)
def test_a_time_is_as_precise_as_it_deserves(seconds, words):
    assert duration(seconds) == words


def test_a_model_can_be_opened_while_a_better_map_is_drawn() -> None:
    drawing = [START, {"kind": "encoding", "ready": True, "model_id": "ab"}]
    assert watch(drawing).ready
    assert "You can open it" in watch(drawing).line
    assert not watch([START, {"kind": "encoding"}]).ready
