"""The process that does what waits, and the keeper that sees to it that there is one."""

import fcntl
import os
import signal
import sys
import time
from contextlib import suppress

import pytest

from vae import checkpoint
from vae.errors import VAEError
from vae.train import keeper as keeper_module
from vae.train import worker
from vae.train.events import EventLog
from vae.train.keeper import keep_workers, start_worker
from vae.train.run import KILLED
from vae.train.run_folder import Attempts
from vae.train.runs import next_run, submit
from vae.train.worker import devices, work, worker_of

SMALL = ("--data", "digits", "--model", "mlp", "--latent-dim", "2", "--encoder-sizes", "16", "--device", "cpu")


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


@pytest.fixture
def ask(tmp_path):
    """Submit a small run."""
    return lambda name="mine", *words, **options: submit(tmp_path, [*SMALL, *words], name, **options)


@pytest.fixture
def ended(tmp_path):
    """Whoever works in this folder is ended with the test."""
    yield
    for device in ("cpu", *devices()):
        if pid := worker_of(tmp_path, device):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def once(monkeypatch):
    """`work` ends where it would begin anew."""

    def over(*arguments):
        raise SystemExit

    monkeypatch.setattr(worker, "_begin_anew", over)
    monkeypatch.setattr(worker, "LOOK_WELL", 0.1)
    monkeypatch.setattr(os, "nice", lambda more: 0)  # the tests themselves stay as they are


# ---- the whole -----------------------------------------------------------------------------------------------------


def test_a_run_outlives_a_server_and_a_kill(tmp_path, ask, ended):
    """The app's own process: started by one server, killed, started again by the next; nothing is lost."""
    keeper = keep_workers(tmp_path, settle=0)
    one = ask("-mine-", "--epochs", "100000")
    wait_for(lambda: one.saved_step() or one.failure())
    assert one.state() == "running", one.failure()
    pid = worker_of(tmp_path, "cpu")
    assert os.getsid(pid) == pid  # the end of the server's terminal is not its end
    assert os.getpriority(os.PRIO_PROCESS, pid) == worker.NICE

    keeper.stop()  # the server may go: the worker does not
    before = one.saved_step()
    wait_for(lambda: one.saved_step() > before)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: one.state() == "interrupted", 2)
    keeper = keep_workers(tmp_path, settle=0)
    wait_for(lambda: one.state() == "running")
    assert worker_of(tmp_path, "cpu") != pid
    one.change(beta=3.0)
    wait_for(lambda: any(event["kind"] == "change" for event in one.events()[0]))
    one.stop()
    wait_for(lambda: one.state() == "stopped")
    keeper.stop()

    events, _ = one.events()
    resumed = next(event for event in events if event["kind"] == "resumed")
    assert resumed["step"] >= before
    epochs = [event["epoch"] for event in events if event["kind"] == "epoch"]
    assert sorted(set(epochs)) == list(range(1, max(epochs) + 1))  # none was lost
    card = checkpoint.load(one.model_folder).card
    assert card["title"] == "-mine-" and card["resumed"] == 1 and card["changes"][0]["beta"] == 3.0
    assert card["settings"]["threads"] == max(1, worker.cores() - 1)


# ---- a worker ------------------------------------------------------------------------------------------------------


def test_a_worker_does_the_next_run_under_its_lock_and_begins_anew(tmp_path, ask, once):
    one = ask()

    def carry_out(run):
        os.write(1, b"a word from a library")
        assert run == one and run.alive() and worker_of(tmp_path, "cpu") == os.getpid()
        assert run.attempts().starts == 1 and time.time() - run.attempts().taken < 10
        EventLog(run.folder / "events.jsonl").say("done")

    with pytest.raises(SystemExit):
        work(tmp_path, "cpu", carry_out)
    assert one.state() == "done" and worker_of(tmp_path, "cpu") is None
    assert "a word from a library" in (one.folder / "log.txt").read_text()


def test_a_device_has_one_worker(tmp_path, once):
    with worker.hold(tmp_path, "cpu"), pytest.raises(VAEError, match="a worker for cpu already"):
        work(tmp_path, "cpu", pytest.fail)
    assert worker_of(tmp_path, "cpu") is None


def test_without_work_and_without_a_server_it_ends(tmp_path, once):
    (tmp_path / "runs").mkdir()
    began = time.monotonic()
    assert work(tmp_path / "runs", "cpu", pytest.fail, alone=0.3) is None
    assert 0.3 <= time.monotonic() - began < 10


def test_a_worker_sees_whether_a_server_keeps_the_runs(tmp_path, monkeypatch):
    """Each server holds the lock, and two may: one who looks must see them, and not be seen."""
    monkeypatch.setattr(keeper_module.Keeper, "_see_to", lambda self, device: None)
    assert not worker._served(tmp_path)
    server = keep_workers(tmp_path)
    wait_for(lambda: worker._served(tmp_path), 5)
    with (tmp_path / ".server").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        server.stop()
        assert worker._served(tmp_path)
    assert not worker._served(tmp_path)


def test_it_ends_when_the_folder_is_gone(tmp_path, once, monkeypatch):
    monkeypatch.setattr(worker, "mark_of", lambda folder: time.monotonic_ns())
    monkeypatch.setattr(worker, "_served", lambda folder: folder.rmdir() or True)
    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(worker, "place", lambda folder, device: tmp_path / "lock")
    assert work(tmp_path / "runs", "cpu", pytest.fail) is None


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (VAEError("The data are gone."), "The data are gone."),
        (KeyError("x"), "The training broke off (KeyError): its log has the rest."),
    ],
)
def test_whatever_breaks_is_told_and_does_not_end_the_worker(tmp_path, ask, once, error, line):
    one = ask()

    def carry_out(run):
        raise error

    with pytest.raises(SystemExit):
        work(tmp_path, "cpu", carry_out)
    assert one.state() == "failed" and one.failure() == line
    assert one.can_resume


def test_a_run_that_is_killed_again_and_again_is_given_up_and_can_be_resumed(tmp_path, ask):
    one, starts = ask(), []
    for _ in range(worker.STARTS + 1):
        assert one.state() == "queued"
        worker._do(one, starts.append)  # it comes back without a word, as if it had been killed
    assert len(starts) == worker.STARTS and one.state() == "failed" and one.failure() == KILLED
    one.resume()
    worker._do(one, starts.append)
    assert len(starts) == worker.STARTS + 1
    for step in (10, 20, 30, 40):  # as long as it saves it may go on
        (one.folder / "saves" / f"{step:09d}").mkdir(parents=True)
        worker._do(one, starts.append)
    assert len(starts) == worker.STARTS + 5 and one.state() == "queued"
    assert one.attempts() == Attempts(1, 40, one.attempts().taken)


def test_what_somebody_else_took_is_not_done_twice(tmp_path, ask):
    one = ask()
    with one.held():
        worker._do(one, pytest.fail)
    assert one.state() == "queued"


def test_what_was_cancelled_while_its_process_died_is_cleared_away(tmp_path, ask, once):
    one = ask()
    EventLog(one.folder / "events.jsonl").say("start")
    (one.folder / "frames").mkdir()
    with one.held():
        one.cancel()
    assert one.state() == "cancelled" and one.last_event()["kind"] == "start" and next_run(tmp_path) is None
    assert work(tmp_path, "cpu", pytest.fail, alone=0.2) is None
    assert one.last_event()["kind"] == "cancelled" and not (one.folder / "frames").exists()


# ---- a keeper ------------------------------------------------------------------------------------------------------


@pytest.fixture
def sleeper(monkeypatch):
    """A worker that costs nothing: it holds its lock and sleeps."""

    def command(folder, device, lock, alone):
        sign = f"open({str(worker.place(folder, device))!r}, 'w').write(str(os.getpid()))"
        return [sys.executable, "-S", "-c", f"import os, time; {sign}; time.sleep({alone})"]

    monkeypatch.setattr(keeper_module, "command", command)


def test_a_worker_that_died_has_a_successor_within_a_second_or_so(tmp_path, sleeper, ended):
    keeper = keep_workers(tmp_path, settle=0)
    wait_for(lambda: worker_of(tmp_path, "cpu"))
    first = worker_of(tmp_path, "cpu")
    other = keep_workers(tmp_path, settle=0)  # a second server beside it: still one worker
    time.sleep(0.8)
    assert worker_of(tmp_path, "cpu") == first
    other.stop()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: worker_of(tmp_path, "cpu") not in (None, 0, first), 3)
    keeper.stop()
    second = worker_of(tmp_path, "cpu")
    os.kill(second, signal.SIGKILL)
    time.sleep(0.7)
    assert worker_of(tmp_path, "cpu") is None  # nobody keeps it any more


def test_a_server_is_left_alone_at_first_unless_somebody_waits(tmp_path, ask, sleeper, ended):
    keeper = keep_workers(tmp_path, settle=60)
    time.sleep(0.3)
    assert worker_of(tmp_path, "cpu") is None
    ask()
    wait_for(lambda: worker_of(tmp_path, "cpu"), 3)
    keeper.stop()


def test_a_worker_that_dies_at_once_is_not_started_all_the_time(tmp_path, monkeypatch):
    born = []
    monkeypatch.setattr(keeper_module, "command", lambda *a: born.append(1) or [sys.executable, "-S", "-c", ""])
    monkeypatch.setattr(keeper_module, "KEEP", 0.02)
    keeper = keep_workers(tmp_path, settle=0)
    wait_for(lambda: len(born) == 2, 10)
    time.sleep(1)
    keeper.stop()
    assert len(born) == 2


def test_a_place_that_cannot_be_written_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    keeper = keep_workers(tmp_path / "file", settle=0)
    wait_for(lambda: not keeper._thread.is_alive(), 5)
    assert "No training can be done" in capsys.readouterr().err
    with pytest.raises(VAEError, match="could not be written"):
        start_worker(tmp_path / "file", "cpu")
