"""`python -m vae runs`, and what a run does when something is asked of it on its way."""

import json

import pytest

from vae import checkpoint
from vae.cli import course, keeping, progress
from vae.cli.training import carry_out
from vae.errors import VAEError
from vae.home import runs_folder
from vae.train import keeper, saves
from vae.train.events import EventLog
from vae.train.runs import next_run, runs, submit
from vae.train.step import Stepper
from vae.train.watch import standing

TINY = ["--data", "digits", "--model", "mlp", "--latent-dim", "3", "--encoder-sizes", "16", "--device", "cpu"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """No other test's runs."""
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "home"))
    return runs_folder()


@pytest.fixture
def ask(home):
    return lambda name="mine", *words, **options: submit(home, [*TINY, "--limit", "256", *words], name, **options)


@pytest.fixture
def at_save(monkeypatch):
    """Do something just before a save is written, counted from 1."""

    def when(number, what):
        real, count = saves.write, []

        def write(*arguments, **options):
            count.append(1)
            if len(count) == number:
                what()
            return real(*arguments, **options)

        monkeypatch.setattr(saves, "write", write)
        monkeypatch.setattr(course, "SAVE_WORTH", 0)  # every epoch, however short

    return when


@pytest.fixture
def at_step(monkeypatch):
    """Do something in the middle of a step, counted from 1."""

    def when(number, what):
        real, count = Stepper.gradients, []

        def gradients(*arguments):
            count.append(1)
            if len(count) == number:
                what()
            return real(*arguments)

        monkeypatch.setattr(Stepper, "gradients", gradients)

    return when


def work(run):
    with run.held():
        return carry_out(run)


def kinds(run):
    return [event["kind"] for event in run.events()[0]]


# ---- on its way ----------------------------------------------------------------------------------------------------


def test_a_paused_run_goes_on_as_if_it_had_not_been(ask, at_step):
    whole = work(ask("whole", "--epochs", "4", "--batch-size", "60"))
    one = ask("one", "--epochs", "4", "--batch-size", "60")
    at_step(13, one.pause)
    assert work(one) == {} and one.state() == "paused"
    said = one.last_event()
    assert said["step"] == one.saved_step() == 13 and 2 < said["at"] < 3
    assert not one.model_folder.exists() and next_run(one.folder.parent) is None
    one.resume()
    assert next_run(one.folder.parent) == one
    result = work(one)
    assert one.state() == "done" and result["model_id"] == whole["model_id"] and result["elbo"] == whole["elbo"]
    assert [event["epoch"] for event in one.events()[0] if event["kind"] == "epoch"] == [1, 2, 3, 4]
    assert checkpoint.load(one.model_folder).card["resumed"] == 1


def test_a_change_heard_at_the_end_of_an_epoch_is_in_the_save_of_the_pause(ask, at_save):
    """The wishes are heard after the epoch was saved, and the rest is of the same step."""
    one = ask("one", "--epochs", "4")

    def wish():
        one.change(beta=7.0)
        one.pause()

    at_save(2, wish)
    work(one)
    step = one.saved_step()
    one.resume()
    work(one)
    events, _ = one.events()
    assert [event["step"] for event in events if event["kind"] == "change"] == [step]
    ends = [event["step"] for event in standing(events) if event["kind"] == "epoch"]
    assert ends == sorted(set(ends))


class Killed(BaseException):
    """As if the process were gone."""


@pytest.fixture
def killed_at_word(monkeypatch):
    """Work until an epoch is to be said, counted from 1, and no further."""

    def when(run, number):
        say, count = progress.Reporter.say, []

        def silenced(reporter, kind, **fields):
            count.extend([1] * (kind == "epoch"))
            if len(count) == number:
                raise Killed
            say(reporter, kind, **fields)

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(progress.Reporter, "say", silenced)
            work(run)

    return when


def test_a_run_killed_between_a_save_and_its_word_says_the_word_later(ask, killed_at_word):
    one = ask("one", "--epochs", "2")
    killed_at_word(one, 1)
    assert one.state() == "interrupted" and one.saved_step() == 2 and "epoch" not in kinds(one)
    work(one)
    assert [event["epoch"] for event in one.events()[0] if event["kind"] == "epoch"] == [1, 2]
    assert [event["step"] for event in one.events()[0] if event["kind"] == "resumed"] == [2]


def test_epochs_that_were_saved_together_are_all_said_after_a_kill(ask, killed_at_word, monkeypatch):
    monkeypatch.setattr(course, "SAVE_WORTH", 1e9)
    monkeypatch.setattr(course, "SAID_WITHIN", 1e9)
    one = ask("one", "--epochs", "4")
    killed_at_word(one, 3)  # the first was saved alone, the others are with the end
    assert one.saved_step() == 8
    work(one)
    assert [event["epoch"] for event in one.events()[0] if event["kind"] == "epoch"] == [1, 2, 3, 4]


def test_a_damaged_save_is_set_aside_and_told(ask, at_save):
    one = ask("one", "--epochs", "3")
    at_save(3, one.pause)
    work(one)
    newest = max((one.folder / "saves").iterdir())
    (newest / "state.safetensors").write_bytes(b"torn")
    one.resume()
    work(one)
    assert one.state() == "done"
    assert "damaged" in next(event["line"] for event in one.events()[0] if event["kind"] == "bad_save")


def test_a_stopped_run_keeps_the_model_as_it_was_and_can_go_on(ask, at_save):
    one = ask("one", "--epochs", "4")
    at_save(2, one.stop)
    result = work(one)
    assert one.state() == "stopped" and 2 <= result["epochs"] < 4 and one.can_resume
    assert checkpoint.load(one.model_folder).model_id == result["model_id"]
    one.resume()
    assert work(one)["epochs"] == 4 and one.state() == "done"
    assert result["model_id"] != work(ask("whole", "--epochs", "4"))["model_id"] == one.last_event()["model_id"]


def test_a_run_that_rests_is_stopped_without_another_step(ask, at_save):
    one = ask("one", "--epochs", "4")
    at_save(2, one.pause)
    work(one)
    step = one.saved_step()
    one.stop()
    work(one)
    assert one.state() == "stopped" and one.saved_step() == step


@pytest.mark.parametrize("when", ["training", "encoding"])
def test_a_cancelled_run_keeps_nothing(ask, at_save, monkeypatch, when):
    one = ask("one", "--epochs", "4")
    if when == "training":
        at_save(2, one.cancel)
    else:
        real = keeping.encode_images
        monkeypatch.setattr(keeping, "encode_images", lambda *a: one.cancel() or real(*a))
    assert work(one) == {}
    assert one.state() == "cancelled" and kinds(one).count("cancelled") == 1
    assert not one.model_folder.exists() and not (one.folder / "saves").exists()


def test_beta_and_rate_change_on_the_way(ask, at_save):
    one = ask("one", "--epochs", "3")
    at_save(1, lambda: one.change(beta=5.0, rate=1e-4))
    work(one)
    change = next(event for event in one.events()[0] if event["kind"] == "change")
    assert (change["beta"], change["rate"]) == (5.0, 1e-4) and change["step"] in (2, 3)
    assert checkpoint.load(one.model_folder).card["changes"] == [{"step": change["step"], "beta": 5.0, "rate": 1e-4}]
    last = [event for event in one.events()[0] if event["kind"] == "epoch"][-1]
    assert last["beta"] == 5.0 and checkpoint.load(one.model_folder).config.beta == 1.0


def test_data_that_vanish_are_told_in_a_line_and_the_run_goes_on_when_they_are_back(home, tmp_path):
    table = tmp_path / "rows.csv"
    text = "a,b,c\n" + "".join(f"{i},{i % 3},{i % 5}\n" for i in range(60))
    table.write_text(text)
    one = submit(home, ["--data", f"table:{table}", "--model", "mlp", "--epochs", "1"], "")
    table.unlink()
    with pytest.raises(VAEError):
        work(one)
    assert one.state() == "failed" and "rows.csv" in one.failure() and one.can_resume
    table.write_text(text)
    one.resume()
    work(one)
    assert one.state() == "done"


# ---- the verbs -----------------------------------------------------------------------------------------------------


@pytest.fixture
def no_worker(monkeypatch):
    """Nobody begins to train behind a test."""
    started = []
    monkeypatch.setattr(keeper, "start_worker", lambda folder, device, **options: started.append(device))
    return started


def test_a_run_is_queued_listed_shown_and_asked_for_things(vae, home, no_worker):
    said = vae("train", *TINY, "--epochs", 3, "--name", "two words", "--queue", "--json").json
    assert said["state"] == "queued" and no_worker == ["cpu"]
    assert said["arguments"] == [*TINY, "--epochs", "3", "--title=two words"]
    other = vae("train", *TINY, "--queue")
    assert other.status == 0 and "waits for its turn" in other.out
    rows = vae("runs", "list", "--json").json
    assert [(row["name"], row["position"]) for row in rows] == [("digits, mlp", 2), ("two words", 1)]
    assert "two words" in vae("runs", "list").out
    for verb, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        assert vae("runs", verb, "two words", "--json").json["state"] == state
    assert vae("runs", "rename", said["id"], "three", "--json").json["name"] == "three"
    assert vae("runs", "show", "three").out.startswith("id ")
    assert vae("runs", "delete", "three", "--json").json == {"id": said["id"], "state": "deleted"}
    assert len(runs(home)) == 1
    changed = vae("runs", "change", "last", "--beta", 2)
    assert changed.status == 0 and runs(home)[0].control().beta == 2


def test_the_line_of_a_run_that_waits_agrees_with_its_state(vae, ask, no_worker):
    first, second = ask("first"), ask("second")
    for one in (first, second):
        EventLog(one.folder / "events.jsonl").say("start", epochs=3)  # then its process was killed
    lines = {row["name"]: (row["state"], row["line"]) for row in vae("runs", "list", "--json").json}
    assert [state for state, _ in lines.values()] == ["interrupted"] * 2
    assert all("ended from outside" in line and "goes on by itself" in line for _, line in lines.values())
    first.pause(), second.pause()
    said = vae("runs", "resume", "first").out
    assert "It waits for its turn: it is next." in said and "Starting" not in said
    assert f"`python -m vae runs follow {first.id}` shows how it goes." in said
    assert "one is before it." in vae("runs", "resume", "second").out
    with first.held():  # it trains
        assert "It waits for its turn: it is next, after what trains now." in vae("runs", "show", "second").out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("show", "nobody"), "runs list"),
        (("stop", "last"), "cancel it instead"),
        (("resume", "last"), "nothing to resume"),
        (("resume", "last", "--here"), "nothing to resume"),
        (("change", "last"), "add --beta"),
        (("change", "last", "--rate", 3), "rate"),
        (("rename", "last", " "), "needs a name"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(vae, ask, words, reason):
    ask()
    said = vae("runs", *words)
    assert said.status == 2 and reason in said.err and said.err.count("\n") == 1


def test_nothing_was_trained_yet(vae, home):
    assert vae("runs", "list").out.startswith("Nothing was trained yet") and vae("runs", "list", "--json").json == []
    said = vae("runs", "show", "last")
    assert said.status == 2 and "is no training here" in said.err


def test_a_run_is_followed_to_its_end(vae, ask, monkeypatch):
    one = ask("one", "--epochs", "2")
    result = work(one)
    said = vae("runs", "follow", one.id, "--json", "--progress")
    assert said.json == result and "training" in said.err
    assert "nats per image" in vae("runs", "follow", "one").out
    bad = ask("bad")
    bad.write_last_words("The disk is full.")
    said = vae("runs", "follow", "bad")
    assert said.status == 2 and said.err == "The disk is full.\n"
    ask("paused").pause()
    assert json.loads(vae("runs", "follow", "paused", "--json").out) == {"state": "paused"}


def test_ctrl_c_leaves_a_followed_run_running(vae, ask, monkeypatch):
    one = ask()

    def pressed(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("vae.cli.runs.time.sleep", pressed)
    said = vae("runs", "follow", one.id)
    assert said.status == 0 and "It goes on" in said.out and one.state() == "queued"
