"""What a watcher is told of a run, from its events alone."""

import pytest

from vae.train.watch import barely_trained_by, duration, epochs, resumptions, standing, watch

STEPS = 10  # of an epoch


def step(epoch, number, **terms):
    total = (epoch - 1) * STEPS + number
    return {"kind": "step", "epoch": epoch, "step": number, "steps": STEPS, "recon_nll": 100.0, "kl": 5.0, "beta": 1.0,
            "images_per_second": 2000.4, "seconds_left": 30.0, "step_total": total, "at": total / STEPS,
            "rate": 1e-3} | terms  # fmt: skip


def epoch(number, **terms):
    return {"kind": "epoch", "epoch": number, "recon_nll": 90.0, "kl": 6.0, "images_per_second": 2100.0, "beta": 1.0,
            "seconds_left": 20.0, "step": number * STEPS, "at": number, "rate": 1e-3,
            "active_units": 3} | terms  # fmt: skip


def frame(epoch):
    return {"kind": "frame", "step": epoch * STEPS, "at": epoch, "frame": "x"}


START = {"kind": "start", "epochs": 4, "latent_dim": 8, "batch_size": 128}


@pytest.mark.parametrize(
    ("events", "fraction", "line"),
    [
        ([], 0.0, "Starting: the program loads"),
        ([{"kind": "queued"}], 0.0, "Starting: the program loads"),
        ([{"kind": "data"}], 0.0, "The first step is under way."),
        ([START], 0.0, "The first step is under way."),
        ([START, step(1, 5)], 0.125, "Epoch 1 of 4, 2,000 images a second, about 30 s left."),
        ([START, step(1, 10), epoch(1), step(2, 5)], 0.375, "Epoch 2 of 4, 2,000 images a second, about 30 s left."),
        ([START, step(1, 10), epoch(1)], 0.25, "Epoch 1 of 4, 2,100 images a second, about 20 s left."),
        ([START, epoch(1), frame(1)], 0.25, "Epoch 1 of 4, 2,100 images"),
        ([START, epoch(4), {"kind": "encoding"}], 1.0, "Trained. Its images are encoded"),
        ([START, epoch(4), {"kind": "encoding", "ready": True}], 1.0, "Trained. You can open it"),
        ([START, epoch(4), {"kind": "done", "epochs": 4, "seconds": 8.2}], 1.0, "Finished after 4 epochs in 8 s"),
        ([START, epoch(1), {"kind": "done", "epochs": 1, "seconds": 90}], 0.25, "Finished after 1 epoch in 2 min"),
        ([START, step(1, 3), {"kind": "stopped", "epochs": 0.3, "seconds": 2}], 0.075,
         "Stopped, and the model kept, after 0.3 epochs in 2 s of training."),
        ([START, step(1, 3), {"kind": "paused", "step": 3, "at": 0.3}], 0.075, "Paused after 0.3 epochs."),
        ([START, step(1, 3), {"kind": "cancelled"}], 0.075, "Cancelled"),
        ([START, step(1, 3), {"kind": "failed", "line": "x"}], 0.075, "It broke off."),
    ],
)  # fmt: skip
def test_how_far_it_is_in_numbers_and_words(events, fraction, line):
    seen = watch(events)
    assert seen.fraction == pytest.approx(fraction)
    assert seen.line.startswith(line)


def test_minutes_that_were_counted_out_say_how_far_it_is():
    start = START | {"epochs": 100_000, "minutes": 1.0}
    assert watch([start, step(3, 5)]).fraction == 0
    counted = watch([start, step(1, 5), {"kind": "plan", "steps": 50}, step(3, 5)])
    assert counted.fraction == pytest.approx(0.5)
    assert counted.line == "Epoch 3, 2,000 images a second, about 30 s left."


def test_curves_lie_on_one_count_of_epochs():
    events = [
        START, step(1, 5, recon_nll=120.0, kl=1.0), step(1, 10, recon_nll=110.0, kl=2.0), epoch(1),
        step(2, 10, recon_nll=99.0, kl=3.0), epoch(2, recon_nll=80.0, kl=7.0),
    ]  # fmt: skip
    seen = watch(events)
    assert seen.recon.epochs == seen.kl.epochs == (0.5, 1.0, 2.0)
    assert seen.recon.nats == (120.0, 110.0, 99.0) and seen.kl.nats == (1.0, 2.0, 3.0)
    assert seen.test_recon.epochs == (1.0, 2.0)
    assert seen.test_recon.nats == (90.0, 80.0) and seen.test_kl.nats == (6.0, 7.0)


def test_a_number_that_was_not_finite_leaves_a_gap():
    """JSON has no NaN: the events say null."""
    seen = watch([START, step(1, 5, recon_nll=None), step(1, 10, kl=None)])
    assert seen.recon.epochs == (1.0,) and seen.kl.epochs == (0.5,)


def test_a_run_whose_first_events_were_not_read_is_no_more_than_whole():
    assert watch([step(3, 10)]).fraction == 1.0


def test_a_model_can_be_opened_while_a_better_map_is_drawn():
    drawing = [START, {"kind": "encoding", "ready": True, "model_id": "ab"}]
    assert watch(drawing).ready
    assert "You can open it" in watch(drawing).line
    assert not watch([START, {"kind": "encoding"}]).ready


# ---- how it learns, and what happened to it ------------------------------------------------------------------------


def test_how_it_learns_is_told_from_the_newest_step():
    assert watch([START]).state == ""
    seen = watch([START, step(1, 5, beta=0.25, rate=5e-4)])
    assert seen.state == "Beta 0.25, learning rate 0.0005." and (seen.beta, seen.rate) == (0.25, 5e-4)
    seen = watch([START, step(1, 10, beta=0.25), epoch(1, beta=0.5)])
    assert seen.state == "Beta 0.25, learning rate 0.001, 3 of 8 latents in use." and seen.active_units == 3
    assert watch([START, epoch(1, beta=0.5)]).beta == 0.5


def note(*events):
    (found,) = watch([START, step(1, 5), *events]).notes
    return found


def test_what_happened_to_it_is_told_in_a_sentence_each():
    assert watch([START, step(1, 5), epoch(1)]).notes == ()
    skipped = {"kind": "skipped", "step": 3, "epoch": 1, "term": "KL", "count": 1}
    assert note(skipped).startswith("One step was left out: the KL was not a number.")
    assert note(skipped, skipped | {"term": "reconstruction", "count": 3}).startswith(
        "4 steps were left out: the reconstruction"
    )
    halved = {"kind": "memory", "step": 3, "batch_size": 64}
    assert note(halved) == "The memory was full, so a step now takes 64 images in place of 128."
    changed = {"kind": "change", "step": 7, "epoch": 2, "beta": 4.0, "rate": 1e-3}
    assert note(changed) == "From epoch 2 on: beta 4, learning rate 0.001."
    assert note({"kind": "bad_save", "line": "One save was damaged."}) == "One save was damaged."
    resumed = {"kind": "resumed", "step": 5, "epoch": 1}
    assert note(resumed, step(1, 7)) == "It was resumed from step 5, as if it had never stopped."
    assert note(resumed, step(1, 7), resumed, step(1, 6)).startswith("It was resumed 2 times, last from step 5,")


def test_what_a_run_says_at_its_end_is_told():
    end = {"kind": "done", "epochs": 3, "seconds": 2.0, "note": "PCA with as many numbers does better."}
    assert watch([{"kind": "start", "epochs": 3}, end]).notes == ("PCA with as many numbers does better.",)
    assert watch([{"kind": "start", "epochs": 3}, end | {"kind": "stopped", "note": ""}]).notes == ()


def test_a_resumption_counts_only_where_training_went_on():
    """A run that rests is resumed also in order to be stopped: it learns nothing then."""
    first, again = {"kind": "resumed", "step": 5}, {"kind": "resumed", "step": 10}
    stopped = {"kind": "stopped", "epochs": 1, "seconds": 2}
    events = [START, step(1, 5), START, first, step(1, 10), epoch(1), START, again, epoch(1), stopped]
    assert resumptions(events) == [first]
    assert watch(events).notes == ("It was resumed from step 5, as if it had never stopped.",)
    assert watch([START, step(1, 5), START, first]).notes == ()


def test_a_reason_is_told_once():
    line = "The loss ran away in epoch 1: try a lower learning rate."
    gone = {"kind": "rolled_back", "step": 0, "line": line}
    failed = {"kind": "failed", "line": line}  # the run's own failure has the line
    assert watch([START, step(1, 5), gone, failed]).notes == ()
    assert watch([START, gone, failed, START, {"kind": "resumed", "step": 0}, gone]).notes == (line,)


def test_what_broke_off_is_not_called_trained():
    gone, encoding = {"kind": "rolled_back", "step": 10, "line": "x"}, {"kind": "encoding", "ready": True}
    assert watch([START, epoch(1), gone, encoding]).line.startswith("It broke off, and is kept as it was before. You")
    again = [START, {"kind": "resumed", "step": 10}]
    assert watch([START, epoch(1), gone, encoding, *again, step(2, 1)]).line.startswith("Epoch 2 of 4")
    assert watch([START, epoch(1), gone, encoding, *again, epoch(4), encoding]).line.startswith("Trained.")


def test_codes_that_collapsed_are_told_with_what_to_do():
    asleep = [epoch(number, active_units=0, step=number * 500) for number in (1, 2, 3, 4)]
    assert watch([START, asleep[0]]).notes == ()  # they may wake yet
    (line,) = watch([START, *asleep]).notes
    assert "No latent is in use:" in line and "smaller beta, a warm-up or free bits" in line
    assert watch([START, *asleep, epoch(5, step=2500)]).notes == ()


@pytest.mark.parametrize(("number", "steps"), [(2, 1000), (3, 3000), (50, 999)])
def test_codes_that_sleep_after_little_training_are_to_be_trained_longer_first(number, steps):
    (line,) = watch([START, epoch(number, active_units=0, step=steps)]).notes
    assert f"barely been trained ({number} epochs, {steps:,} steps): train it longer" in line
    assert "collapsed" not in line
    card = {"data": {"train": 1000}, "settings": {"batch_size": 300}, "epochs": 3}
    assert "(3 epochs, 12 steps)" in barely_trained_by(card)
    assert barely_trained_by(card | {"epochs": 250}) == ""
    assert barely_trained_by({"epochs": 1}) == ""


@pytest.mark.parametrize(
    ("count", "words"),
    [(4, "4"), (605.89, "605.9"), (605.04, "605"), (12345.6, "12345.6"), (0.3, "0.3"), (0.042, "0.04")],
)
def test_a_number_of_epochs_has_one_form(count, words):
    assert epochs(count) == words
    paused = watch([START, {"kind": "paused", "step": 3, "at": count}]).line
    assert paused.startswith(f"Paused after {words} epochs.")
    done = watch([START, {"kind": "done", "epochs": count, "seconds": 9}]).line
    assert done.startswith(f"Finished after {words} epochs")


def test_what_lay_behind_the_save_is_void_after_a_resumption():
    """It is said again, and otherwise perhaps: curves must not go back and forth."""
    resumed = {"kind": "resumed", "step": 10, "epoch": 1}
    before = [START, step(1, 5), step(1, 10), epoch(1), frame(1), step(2, 5, kl=9.0), epoch(2), frame(2)]
    events = [*before, START, resumed, step(2, 4)]
    kept = standing(events)
    assert kept == [*before[:5], START, resumed, step(2, 4)]
    seen = watch(events)
    assert seen.recon.epochs == (0.5, 1.0, 1.4) and seen.test_kl.epochs == (1.0,)
    assert seen.fraction == pytest.approx(1.4 / 4)
    assert standing([*events, epoch(2), resumed]) == [*kept[:7], resumed]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min"), (5399, "90 min"), (5400, "1.5 h"), (86400, "24.0 h")],
)
def test_a_time_is_as_precise_as_it_deserves(seconds, words):
    assert duration(seconds) == words


def test_a_plain_autoencoder_is_told_no_beta() -> None:
    told = {"kind": "step", "epoch": 1, "at": 0.5, "step": 5, "steps": 10, "step_total": 5, "beta": 1.0, "rate": 0.01}
    told |= {"recon_nll": 40.0, "kl": 0.0, "images_per_second": 100.0, "seconds_left": 3.0}
    start = {"kind": "start", "epochs": 2, "latent_dim": 3}
    assert "Beta" in watch([start, told]).state
    assert watch([start | {"posterior": "point"}, told]).state == "Learning rate 0.01."
