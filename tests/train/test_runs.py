"""Runs as folders: what is made, whose turn it is, and what may be asked of each."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.errors import VAEError
from vae.train import limits, run, runs
from vae.train.events import EventLog
from vae.train.run import FINAL, Run
from vae.train.run_folder import TAIL, WORDS, Attempts, Control
from vae.train.runs import disk_use, find, next_run, submit, waiting

SMALL = ("--data", "digits", "--model", "mlp")


@pytest.fixture
def ask(tmp_path):
    """Submit a small run."""
    return lambda name="mine", *words, **options: submit(tmp_path, [*SMALL, *words], name, **options)


@contextmanager
def living(one):
    """Hold the lock as its process would."""
    with (one.folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(one, *kinds, **fields):
    for kind in kinds:
        EventLog(one.folder / "events.jsonl").say(kind, **fields)


def save_at(one, step):
    (one.folder / "saves" / f"{step:09d}").mkdir(parents=True)


# ---- a new run -----------------------------------------------------------------------------------------------------


def test_a_run_is_a_folder_that_says_what_was_asked_for(tmp_path):
    one = submit(tmp_path, [*SMALL, "--out", "here"], "-my  digits-", owner="ada", parent="20260101-000000-abcdef")
    assert (one.name, one.owner, one.parent, one.device, one.queued) == (
        "-my digits-", "ada", "20260101-000000-abcdef", "auto", True,
    )  # fmt: skip
    assert one.arguments == [*SMALL, "--out", os.path.abspath("here"), "--title=-my digits-"]
    assert one.model_folder == one.model_folder.absolute() and one.model_folder.name == "here"
    assert one.state() == "queued" and one.events() == ([], 0) and one.created.tzinfo is not None
    assert runs.runs(tmp_path) == [one] == [Run.open(tmp_path / one.id)]
    other = submit(tmp_path, [*SMALL, "--title", "Own", "--device", "cpu"], "")
    assert other.model_folder == other.folder / "model" and other.name == "Own" and other.device == "cpu"
    assert [each.id for each in runs.runs(tmp_path)] == [other.id, one.id]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--data", "digits"), "--recipe NAME or --model"),
        (("--data", "mnits", "--model", "mlp"), "mnits"),
        ((*SMALL, "--epochs", "0"), "epochs is 0"),
        ((*SMALL, "--nonsense"), "--nonsense"),
        ((*SMALL, "--device", "cuda:77"), "cuda:77"),
        ((*SMALL, "--precision", "bfloat16", "--device", "cpu"), "bfloat16"),
        ((*SMALL, "--out", "model.pt"), "--out takes the folder"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_is_made(tmp_path, words, reason):
    with pytest.raises(VAEError, match=reason):
        submit(tmp_path / "runs", list(words), "x")
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_is_no_run_is_refused_and_not_listed(tmp_path, ask):
    with pytest.raises(VAEError, match="no training called"):
        Run.open(tmp_path / "gone")
    one = ask()
    for text in ("[]", "{", '{"arguments": 3}'):
        (one.folder / "run.json").write_text(text)
        assert runs.runs(tmp_path) == []
        with pytest.raises(VAEError, match="cannot be read"):
            _ = one.name
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes").mkdir()
    assert runs.runs(tmp_path) == [] == runs.runs(tmp_path / "nowhere")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VAEError, match="could not be written"):
        submit(tmp_path / "file", SMALL, "x")


def test_a_run_is_found_by_its_id_its_end_or_its_name(tmp_path, ask):
    one, other = ask("one"), ask("two")
    assert find(tmp_path, one.id) == find(tmp_path, one.id[-6:]) == find(tmp_path, "one") == one
    assert find(tmp_path, "last") == other
    ask("two")
    for word in ("two", "three", "", "../x"):
        with pytest.raises(VAEError, match="runs list"):
            find(tmp_path, word)


# ---- limits --------------------------------------------------------------------------------------------------------


def test_a_visitor_has_three_waiting_or_under_way_and_no_more(tmp_path, ask, monkeypatch):
    mine = [ask(owner="ada") for _ in range(3)]
    with pytest.raises(VAEError, match="3 trainings waiting or under way, and 3 are allowed"):
        ask(owner="ada")
    ask(owner="bob")  # another visitor's matter
    ask()  # and whoever works at the machine has no such limit
    mine[0].cancel()
    ask(owner="ada")
    mine[1].pause()
    ask(owner="ada")
    monkeypatch.setenv("MUSCOPE_MAX_QUEUED", "1")
    with pytest.raises(VAEError, match="1 trainings"):
        ask(owner="bob")
    ask(owner="bob", queued=False)


def test_minutes_are_bounded_where_somebody_said_so(ask, monkeypatch):
    assert "--minutes" not in ask().arguments
    monkeypatch.setenv("MUSCOPE_MAX_MINUTES", "2.5")
    assert ask().arguments[-2:] == ["--minutes", "2.5"]
    assert "--minutes" in ask("mine", "--minutes", "2").arguments
    with pytest.raises(VAEError, match="may take 2.5 minutes here and 3 were asked for"):
        ask("mine", "--minutes", "3")
    assert "--minutes" not in ask(queued=False).arguments


def test_a_full_quota_is_refused(tmp_path, ask, monkeypatch):
    one = ask(owner="ada")
    (one.folder / "saves").mkdir()
    (one.folder / "saves" / "big").write_bytes(bytes(600_000))
    assert 600_000 < disk_use(tmp_path) == one.size == disk_use(tmp_path, "ada") < 610_000
    assert disk_use(tmp_path, "bob") == 0
    monkeypatch.setenv("MUSCOPE_QUOTA_GB", "0.001")
    with pytest.raises(VAEError, match="Your trainings take 0.6 MB of the 0.5 MB they may"):
        ask(owner="ada")
    ask(owner="bob")
    monkeypatch.setenv("MUSCOPE_QUOTA_GB", "0.0005")
    with pytest.raises(VAEError, match="delete some"):
        ask(owner="bob")
    with pytest.raises(VAEError, match="delete some"):
        ask(queued=False)


@pytest.mark.parametrize("text", ["many", "nan", "-1", "0"])
def test_a_limit_that_is_no_number_is_told(monkeypatch, text):
    monkeypatch.setenv("MUSCOPE_MAX_QUEUED", text)
    with pytest.raises(VAEError, match=f"MUSCOPE_MAX_QUEUED is '{text}'"):
        limits.max_queued()


# ---- turns ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=8), st.lists(st.sampled_from("abcd"), max_size=4))
def test_turns_go_round(tmp_path_factory, owners, served):
    """Of two who still wait, neither has had two turns more; who was served longest ago begins; own runs by age."""
    folder = tmp_path_factory.mktemp("turns")
    for number, owner in enumerate(served):
        make(folder, f"20260101-0000{number:02d}-000000", owner, 100.0 + number)
        say(Run(folder / f"20260101-0000{number:02d}-000000"), "done")
    waits = [make(folder, f"20260102-0000{number:02d}-000000", owner) for number, owner in enumerate(owners)]
    last = {owner: max((i for i, each in enumerate(served) if each == owner), default=-1) for owner in set(owners)}
    order = [each.run for each in waiting(folder)]
    assert sorted(one.id for one in order) == [one.id for one in waits]
    for owner in set(owners):
        own = [one.id for one in order if one.owner == owner]
        assert own == sorted(own)
        for other in set(owners) - {owner}:
            turns = [one.owner for one in order if one.owner in (owner, other)]
            both = 2 * min(turns.count(owner), turns.count(other))
            if last[owner] != last[other]:
                assert turns[0] == max((owner, other), key=lambda each: -last[each])
            assert all(turns[at] != turns[at + 1] for at in range(0, both, 2))
    for number, one in enumerate(order):  # and one by one it comes to the same
        assert next_run(folder) == one
        one.write_attempts(Attempts(1, None, 1000.0 + number))
        say(one, "done")


def make(folder, name, owner, taken=0.0):
    """A run's folder by hand: the checks of `submit` take too long for hundreds of them."""
    one = Run(folder / name)
    one.folder.mkdir()
    facts = {"owner": owner, "arguments": list(SMALL), "created": "2026-01-01T00:00:00+00:00", "queued": True}
    (one.folder / "run.json").write_text(json.dumps(facts | {"id": name, "name": name, "device": "auto"}))
    (one.folder / "lock").touch()
    if taken:
        one.write_attempts(Attempts(1, None, taken))
    return one


def test_an_interrupted_run_goes_on_first_and_nobody_else_takes_it(tmp_path, ask):
    first, second, third = ask("first", owner="a"), ask("second", owner="b"), ask("third", queued=False)
    say(second, "start", "step")
    say(third, "start", "step")
    assert [each.run.name for each in waiting(tmp_path)] == ["second", "first"]
    with living(second):
        assert [each.run.name for each in waiting(tmp_path)] == ["first"]
        assert next_run(tmp_path) == first
    second.cancel()
    assert next_run(tmp_path) == first
    third.resume()  # a run of the foreground waits for a worker when it is resumed
    assert [each.run.name for each in waiting(tmp_path)] == ["first", "third"]


def test_a_device_takes_what_was_meant_for_it(tmp_path, ask):
    ask("any")
    ask("cpu", "--device", "cpu")
    names = lambda **options: getattr(next_run(tmp_path, **options), "name", None)  # noqa: E731
    assert names(device="cpu") == names(device="cuda:1") == "any"
    assert names(device="cpu", auto=False) == "cpu" and names(device="cuda:1", auto=False) is None


def test_the_wait_is_what_is_left_and_what_those_before_take(tmp_path, ask):
    now, next_, after, last = ask("now"), ask("next", "--minutes", "2"), ask("after", "--epochs", "20"), ask("last")
    say(now, "start")
    with living(now):
        assert [each.seconds for each in waiting(tmp_path)] == [None, None, None]
        say(now, "step", seconds_left=30.0)
        say(now, "frame")
        assert [(each.run, each.position, each.seconds) for each in waiting(tmp_path)] == [
            (next_, 1, 30), (after, 2, 150), (last, 3, None),
        ]  # fmt: skip
        done = ask("done")
        say(done, "done", seconds=5.0, epochs=10)
        assert [each.seconds for each in waiting(tmp_path)] == [30, 150, 160]
        say(now, "encoding")
        assert waiting(tmp_path)[0].seconds == 0


# ---- how it is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "held", "free"),
    [
        ((), "starting", "queued"),
        (("data",), "starting", "interrupted"),
        (("start",), "running", "interrupted"),
        (("start", "step", "skipped"), "running", "interrupted"),
        (("epoch", "frame"), "running", "interrupted"),
        (("epoch", "encoding"), "encoding", "interrupted"),
        (("start", "paused"), "paused", "paused"),
        (("start", "paused", "queued"), "starting", "queued"),
        (("failed", "queued"), "starting", "queued"),
        (("start", "failed"), "failed", "failed"),
        (("encoding", "done"), "done", "done"),
        (("encoding", "stopped"), "stopped", "stopped"),
        (("cancelled",), "cancelled", "cancelled"),
    ],
)
def test_the_state_follows_the_last_event_and_the_lock(ask, said, held, free):
    one = ask()
    say(one, *said)
    with living(one):
        assert Run.open(one.folder).state() == held
        assert one.alive()
    assert one.state() == free and not one.alive()
    assert (one.failure() != "") == (free == "interrupted")


@pytest.mark.parametrize(("want", "state"), [("pause", "paused"), ("cancel", "cancelled"), ("stop", "interrupted")])
def test_what_was_wanted_of_a_process_that_died_still_counts(ask, want, state):
    one = ask()
    say(one, "start", "step")
    with living(one):
        getattr(one, want)()
        assert one.state() == "running" and one.control().want == want
    assert one.state() == state


def test_two_who_ask_at_once_do_not_see_each_other(ask):
    one = ask()
    with (one.folder / "lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not one.alive()


def test_who_waited_for_a_run_that_was_deleted_does_not_hold_it(ask, monkeypatch):
    one = ask()
    lock = (one.folder / "lock").open("rb")
    fcntl.flock(lock, fcntl.LOCK_EX)

    def meanwhile(seconds):
        one.folder.rename(one.folder.with_name(".gone"))
        lock.close()

    monkeypatch.setattr("vae.train.run_folder.time.sleep", meanwhile)
    with pytest.raises(VAEError, match="may have been deleted"), one.held():
        pass


def test_the_last_event_is_found_in_a_long_file(ask):
    one = ask()
    say(one, *["epoch"] * 4, kl_per_dim=[0.123456789] * 4096)
    assert one.last_event()["kind"] == "epoch"  # it alone is longer than what is read at first
    say(one, "encoding")
    assert (one.folder / "events.jsonl").stat().st_size > 10 * TAIL
    assert one.last_event() == {"kind": "encoding"}
    with (one.folder / "events.jsonl").open("ab") as file:
        file.write(b'{"kind": "do')  # killed in the middle of a word
    assert one.last_event() == {"kind": "encoding"}


def test_last_words_need_no_new_room_on_the_disk(ask):
    one = ask()
    say(one, "start", "step")
    before = (one.folder / "last-words").stat()
    one.write_last_words("The disk is full. " + "é" * 2000)
    after = (one.folder / "last-words").stat()
    assert (after.st_size, after.st_ino) == (before.st_size, before.st_ino) == (WORDS, after.st_ino)
    assert one.state() == "failed" and one.failure().startswith("The disk is full. é")
    one.resume()
    assert one.state() == "queued" and one.failure() == ""


# ---- what is asked of it -------------------------------------------------------------------------------------------


def test_a_run_that_waits_is_paused_and_resumed_without_a_process(tmp_path, ask):
    one, other = ask("one"), ask("other")
    one.pause()
    assert one.state() == "paused" and next_run(tmp_path) == other and one.can_resume
    with pytest.raises(VAEError, match="It is paused"):
        one.pause()
    one.resume()
    assert one.state() == "queued" and next_run(tmp_path) == one and one.control().want == "run"
    with pytest.raises(VAEError, match="It is queued: there is nothing to resume"):
        one.resume()


def test_a_run_under_way_is_told_and_the_rest_is_up_to_it(ask):
    one = ask()
    say(one, "start", "step")
    with living(one):
        one.pause()
        assert one.control() == Control("pause")
        one.change(beta=2.0)
        one.change(rate=0.01)
        assert one.control() == Control("pause", 2.0, 0.01)
        one.stop()
        one.cancel()
        assert one.control().want == "cancel" and one.last_event()["kind"] == "step"
        with pytest.raises(VAEError, match="under way"):
            one.delete()


def test_a_pause_can_be_taken_back_in_time(ask):
    one = ask()
    say(one, "start", "step")
    with living(one):
        one.pause()
        run.PATIENCE, before = 0.1, run.PATIENCE
        try:
            one.resume()
        finally:
            run.PATIENCE = before
        assert one.control().want == "run" and one.state() == "running"


def test_stop_keeps_what_there_is_and_asks_for_a_worker_where_nobody_is_at_it(tmp_path, ask):
    one = ask()
    with pytest.raises(VAEError, match="cancel it instead"):
        one.stop()
    say(one, "start", "step")
    save_at(one, 40)
    one.pause()
    one.stop()
    assert one.state() == "queued" and one.control().want == "stop" and next_run(tmp_path) == one
    say(one, "stopped")
    assert one.can_resume  # it has its save still
    with pytest.raises(VAEError, match="It is stopped already"):
        one.stop()


def test_cancel_keeps_what_was_said_and_nothing_else(tmp_path, ask):
    one = ask("one", "--out", str(tmp_path / "model"))
    say(one, "start", "step")
    save_at(one, 40)
    (one.folder / "frames").mkdir()
    (one.folder / "pictures-000000040.png").touch()
    (tmp_path / "model").mkdir()
    one.cancel()
    assert one.state() == "cancelled" and not one.can_resume and next_run(tmp_path) is None
    assert [event["kind"] for event in one.events()[0]] == ["start", "step", "cancelled"]
    assert not any(path.is_dir() or path.suffix == ".png" for path in one.folder.iterdir())
    assert (tmp_path / "model").is_dir()
    with pytest.raises(VAEError, match="cancelled already"):
        one.cancel()
    assert [event["kind"] for event in one.events()[0]].count("cancelled") == 1


@pytest.mark.parametrize("kind", FINAL)
def test_nothing_is_asked_of_a_run_that_is_over(ask, kind):
    one = ask()
    say(one, kind)
    for what in (one.pause, one.stop):
        with pytest.raises(VAEError, match=f"It is {kind}"):
            what()
    if kind != "failed":
        with pytest.raises(VAEError, match=f"It is {kind}"):
            one.change(beta=1.0)
        with pytest.raises(VAEError, match=f"It is {kind}"):
            one.resume()


@pytest.mark.parametrize("given_", [{"beta": -1.0}, {"beta": float("nan")}, {"rate": 0.0}, {"rate": 2.0}])
def test_a_change_that_cannot_be_is_refused(ask, given_):
    one = ask()
    with pytest.raises(VAEError):
        one.change(**given_)
    assert one.control() == Control()


@pytest.mark.parametrize("text", ["", "[]", '{"want": "dance"}', '{"want": "pa'])
def test_a_control_that_cannot_be_read_asks_for_nothing(ask, text):
    one = ask()
    (one.folder / "control.json").write_text(text)
    assert one.control() == Control()


def test_the_size_is_known_also_while_saves_come_and_go(ask, monkeypatch):
    one = ask()
    before = one.size
    save_at(one, 10)
    (one.folder / "saves" / "000000010" / "state").write_bytes(bytes(50_000))
    assert one.size >= before + 50_000
    real = os.scandir

    def vanishing(path):
        if str(path).endswith("000000010"):
            shutil.rmtree(path, ignore_errors=True)
        return real(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert before <= one.size < before + 50_000


def test_a_name_is_changed_and_seen_at_once(ask):
    one = ask("before")
    assert one.name == "before"
    one.rename("  after\nall ")
    assert one.name == Run.open(one.folder).name == "after all" and one.arguments[-1] == "--title=before"
    with pytest.raises(VAEError, match="needs a name"):
        one.rename(" ")


def test_deleting_takes_the_folder_and_leaves_a_model_elsewhere(tmp_path, ask):
    (tmp_path / "model").mkdir()
    one = ask("one", f"--out={tmp_path / 'model'}")
    one.delete()
    assert not one.folder.exists() and (tmp_path / "model").is_dir() and runs.runs(tmp_path) == []
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".deleted")]
    with pytest.raises(VAEError, match="no training called"), one.held():
        pass


def test_looking_costs_neither_torch_nor_streamlit(root):
    code = (
        "import sys, vae.train.runs, vae.train.worker, vae.cli; "
        "print([m for m in ('torch', 'streamlit', 'umap') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
