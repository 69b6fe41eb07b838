"""The history of a training on its page: what is drawn of a run under way, of one that is over, and of a model."""

import fcntl

import pytest

from pages.ui import followed
from tests.core.histories import a_frame, a_history
from tests.pages.conftest import parts, sound, visit, words_on
from vae.checkpoint import HISTORY
from vae.frames import write_dots, write_frame
from vae.history import save_history
from vae.train.events import EventLog
from vae.train.run import Run
from vae.train.runs import submit

START = {"epochs": 4, "steps": 10, "latent_dim": 3}


def epoch(number, latents=3):
    return {"epoch": number, "epochs": 4, "at": float(number), "step": 10 * number, "recon_nll": 30.0, "kl": 5.0,
            "train_recon_nll": 31.0, "train_kl": 4.0, "kl_per_dim": [1.0] * latents, "active_units": latents,
            "beta": 1.0, "rate": 1e-3, "seconds": 1.0, "images_per_second": 9.0, "seconds_left": 1.0}  # fmt: skip


@pytest.fixture
def run(own):
    """A run under way that has said three frames and one epoch."""
    followed.look_again()
    place = own("digits")
    made = submit(place.parent / "runs", ["--data=digits", "--model=mlp", f"--out={place / 'mine'}"], "mine")
    log, kept = EventLog(made.folder / "events.jsonl"), a_history(frames=3)
    log.say("start", **START)
    write_dots(made.folder, kept.dots, kept.flat)
    for frame in kept.frames:
        log.say("frame", **write_frame(made.folder, frame))
    log.say("epoch", **epoch(1))
    with (made.folder / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield made


def over(run: Run):
    EventLog(run.folder / "events.jsonl").say("done", epochs=4, seconds=9.0)


def test_a_run_under_way_is_followed_frame_by_frame(run):
    app = sound(visit("train.py", run=run.id))
    (part,) = parts(app, "unfold")
    assert part["going"] and part["address"] == f"reels/run/{run.id}"
    assert [(step, at) for _, step, at in part["frames"]] == [(0, 0.0), (10, 1.0), (20, 2.0)]
    frame = a_frame(30)
    EventLog(run.folder / "events.jsonl").say("frame", **write_frame(run.folder, frame))
    (part,) = parts(sound(app.run()), "unfold")
    assert part["frames"][-1] == [f"30-{frame.tag}", 30, 3.0]


def test_no_picture_goes_through_the_page(run):
    """A class of thirty asks once a second: the page carries names, the browser fetches what they stand for."""
    (part,) = parts(sound(visit("train.py", run=run.id)), "unfold")
    assert len(str(part)) < 3000


def test_it_says_what_the_picture_proves_and_what_it_does_not(run):
    (part,) = parts(sound(visit("train.py", run=run.id)), "unfold")
    assert part["about"].startswith("Each dot is one of 6 test images.")
    assert "found by itself" in part["about"] and "not told the labels" in part["about"]
    assert "proves little" in part["about"] and "other dimensions" in part["read"]


def test_the_curves_have_another_name_when_there_is_more_of_them(run):
    (before,) = parts(sound(visit("train.py", run=run.id)), "unfold")
    EventLog(run.folder / "events.jsonl").say("epoch", **epoch(2))
    (after,) = parts(sound(visit("train.py", run=run.id)), "unfold")
    assert before["curves"] and before["curves"] != after["curves"]


def test_before_the_first_frame_a_line_says_what_will_come(run):
    (run.folder / "events.jsonl").write_text('{"kind": "start", "epochs": 4}\n')
    app = sound(visit("train.py", run=run.id))
    assert "The first pictures come with the first step." in words_on(app) and not parts(app, "unfold")


def test_a_run_whose_frames_are_gone_still_has_its_curves(run):
    for file in (run.folder / "frames").iterdir():
        file.unlink()
    (part,) = parts(sound(visit("train.py", run=run.id)), "unfold")
    assert part["curves"] and "no map to show" in part["about"]


def test_a_model_that_was_kept_with_its_history_can_be_replayed(own):
    place = own("digits", "flat")
    save_history(place / "flat", a_history(latents=2, flat="codes"))
    app = sound(visit("train.py", run="model:flat"))
    (part,) = parts(app, "unfold")
    assert not part["going"] and part["address"].startswith("reels/model/") and len(part["frames"]) == 4
    assert part["curves"] and "The two numbers of a code are its place." in part["read"]


def test_the_circles_are_of_the_prior_and_of_an_autoencoder_a_scale(own):
    place = own("flat", "autoencoder")
    said = {}
    for name in ("flat", "autoencoder"):
        save_history(place / name, a_history(latents=2, flat="codes"))
        (part,) = parts(sound(visit("train.py", run=f"model:{name}")), "unfold")
        said[name] = part["read"]
    assert "standard deviations of the prior: where the training pulls" in said["flat"]
    assert "prior" not in said["autoencoder"] and "for scale: nothing pulls" in said["autoencoder"]


def test_a_run_of_an_autoencoder_has_circles_for_scale(own):
    followed.look_again()
    place, kept = own("digits"), a_history(frames=1)
    words = ["--data=digits", "--model=mlp", "--posterior=point", f"--out={place / 'mine'}"]
    made = submit(place.parent / "runs", words, "mine")
    EventLog(made.folder / "events.jsonl").say("start", **START)
    write_dots(made.folder, kept.dots, kept.flat)
    EventLog(made.folder / "events.jsonl").say("frame", **write_frame(made.folder, kept.frames[0]))
    (part,) = parts(sound(visit("train.py", run=made.id)), "unfold")
    assert "for scale" in part["read"] and "prior" not in part["read"]


def test_a_damaged_history_is_told_in_a_line(own):
    place = own("digits")
    (place / "digits" / HISTORY).write_bytes(b"not a history")
    app = visit("train.py", run="model:digits")
    assert not app.exception
    assert any("is damaged" in each.value for each in app.error) or "is damaged" in words_on(app)
