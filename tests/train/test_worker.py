"""A training in a process of its own: what a page can know of it and do to it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from vae import checkpoint
from vae.encodings import load_encodings
from vae.errors import VAEError
from vae.train import worker
from vae.train.worker import Run, runs, start

SMALL = ["--data", "digits", "--model", "mlp", "--latent-dim", "2", "--encoder-sizes", "16", "--device", "cpu"]


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path):
    """A run's folder as if its process had just been started."""
    (tmp_path / "request.json").write_text(json.dumps({"name": "mine", "arguments": ["--out", "x"], "started": ""}))
    (tmp_path / "lock").touch()
    return tmp_path


@contextmanager
def living(folder):
    """Hold the lock as the process would."""
    with (folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(folder, *kinds, **fields):
    with (folder / "events.jsonl").open("a") as file:
        file.writelines(json.dumps({"kind": kind} | fields) + "\n" for kind in kinds)


def test_a_run_from_start_to_stop(tmp_path):
    run = start(tmp_path / "runs", [*SMALL, "--epochs", "100000"], "-my digits-")
    assert run.state() == "starting" and run.alive() and run.name == "-my digits-"
    wait_for(lambda: any(event["kind"] == "epoch" for event in run.events()[0]) or not run.alive())
    assert run.state() == "running", run.failure()

    pid = int((run.folder / "pid").read_text())
    assert os.getsid(pid) == pid  # the end of the server's terminal is not its end
    assert os.getpriority(os.PRIO_PROCESS, pid) == worker.NICE
    again = Run.open(run.folder)  # another process would see the same
    again.stop()
    wait_for(lambda: not run.alive())
    assert run.state() == again.state() == "stopped"
    assert run.failure() == ""
    wait_for(lambda: not Path(f"/proc/{pid}").exists())  # buried: no zombie stays

    events, _ = run.events()
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "data" and kinds[-1] == "stopped" and "encoding" in kinds
    pictures = [event for event in events if event["kind"] == "pictures"]
    assert pictures[0]["epoch"] == 0
    with Image.open(run.folder / pictures[-1]["file"]) as picture:
        assert picture.size == (10 * 8 + 9 * 2, 2 * 8 + 2)
    kept = checkpoint.load(run.model_folder)
    assert kept.model_id == events[-1]["model_id"]
    assert kept.card["title"] == "-my digits-"
    assert 0 < kept.card["epochs"] < 100000
    codes = load_encodings(run.model_folder)
    assert len(codes) == 1797 and "pca" in codes.maps
    assert [one.folder for one in runs(tmp_path / "runs")] == [run.folder]


def test_a_run_that_cannot_work_fails_with_its_own_words(tmp_path):
    run = start(tmp_path, [*SMALL, "--epochs", "0", f"--out={tmp_path / 'model'}"], "bad")
    wait_for(lambda: not run.alive())
    assert run.state() == "failed"
    assert run.failure().startswith("epochs is 0:")
    assert run.model_folder == tmp_path / "model" and not run.model_folder.exists()


def test_a_killed_run_is_a_failed_run(tmp_path):
    run = start(tmp_path, [*SMALL, "--epochs", "100000"], "killed")
    os.kill(int((run.folder / "pid").read_text()), signal.SIGKILL)
    wait_for(lambda: not run.alive())
    assert run.state() == "failed"
    assert "without a word" in run.failure()


def test_arguments_that_nobody_can_parse_are_told(tmp_path):
    run = start(tmp_path, ["--data"], "bad")
    wait_for(lambda: not run.alive())
    assert run.state() == "failed"
    assert "--data" in run.failure() and "\n" not in run.failure()


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ((), "starting"),
        (("data",), "starting"),
        (("data", "start"), "running"),
        (("start", "step"), "running"),
        (("start", "epoch", "pictures"), "running"),
        (("epoch", "encoding"), "encoding"),
        (("encoding", "done"), "done"),
        (("encoding", "stopped"), "stopped"),
        (("start", "failed"), "failed"),
    ],
)
def test_the_state_follows_the_last_event(folder, said, state):
    say(folder, *said)
    with living(folder):
        assert Run.open(folder).state() == state
    assert Run.open(folder).state() == (state if state in worker.FINAL else "failed")


def test_two_who_ask_at_once_do_not_see_each_other(folder):
    with (folder / "lock").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not Run.open(folder).alive()


def test_the_last_event_is_found_in_a_long_file(folder):
    say(folder, *["epoch"] * 40, kl_per_dim=[0.123456789] * 4096)
    say(folder, "encoding")
    assert (folder / "events.jsonl").stat().st_size > 2 * worker.TAIL
    with living(folder):
        assert Run.open(folder).state() == "encoding"


def test_the_last_plain_line_of_the_log_says_why(folder):
    (folder / "log.txt").write_bytes(
        b"Traceback\n  File\ntraining 50%\rtraining 90%\rKilled by \xff the system\n\n  \n"
    )
    assert Run.open(folder).failure() == "Killed by \ufffd the system"
    say(folder, "failed", line="The disk is full.")
    assert Run.open(folder).failure() == "The disk is full."


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(VAEError, match="no training called"):
        Run.open(tmp_path / "gone")
    (tmp_path / "request.json").write_text("[]")
    with pytest.raises(VAEError, match="cannot be read"):
        _ = Run.open(tmp_path).name
    assert runs(tmp_path / "nowhere") == []


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VAEError, match="could not be written"):
        start(tmp_path / "file", SMALL, "x")


def test_the_server_pays_nothing_for_it():
    """Neither torch nor streamlit comes with the worker, nor with the command line's help."""
    code = (
        "import sys, vae.train.worker, vae.cli; print([m for m in ('torch', 'streamlit', 'umap') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=worker.REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
