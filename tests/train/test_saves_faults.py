"""Whatever stops a save, at whatever call: the saves before it are as they were, and no save says what it is not."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.core.disk import Disk, dead, from_now_on, lay_out, only
from vae.errors import VAEError
from vae.train import saves
from vae.train.events import EventLog, read_events


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the machine's own disk: `Disk` says what was flushed."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def put(folder: Path, step: int) -> Path:
    """A save whose every part tells its step."""
    return saves.write(folder, step, {"weight": torch.full((5,), float(step))}, {"step": step}, loss=-float(step))


def newest(folder: Path) -> int:
    """The step of the save that would be used, all its parts agreeing; 0 where there is none."""
    save, lines = saves.newest(folder)
    assert lines == []  # nothing that a cut leaves looks like a save that went bad
    if save is None:
        return 0
    assert save.facts == {"step": save.step} and torch.equal(save.tensors["weight"], torch.full((5,), float(save.step)))
    return save.step


@pytest.mark.parametrize("before", [[], [1], [1, 2, 3]], ids=["the first save", "the second", "with one to delete"])
def test_after_a_power_cut_there_is_the_old_save_or_the_new_one(before: list[int], tmp_path: Path) -> None:
    disk_folder = tmp_path / "disk"
    disk_folder.mkdir()
    for step in before:
        put(disk_folder / "saves", step)
    with Disk(disk_folder) as disk:
        put(disk_folder / "saves", 9)
        written = len(disk.moments) - 1
        saves.tidy(disk_folder / "saves")
    found = disk.everything()
    assert len(found) > 12
    for number, (moment, tree) in enumerate(found):
        again = tmp_path / str(number)
        lay_out(tree, again)
        step = newest(again / "saves")
        assert step == 9 if moment >= written else step in (9, max(before, default=0)), (disk.calls[:moment], tree)
        put(again / "saves", 10)  # and the run goes on
        saves.tidy(again / "saves")
        assert newest(again / "saves") == 10
        assert not [path for path in (again / "saves").iterdir() if path.name.startswith(".")]
        lay_out(tree, bare := tmp_path / f"{number} bare")
        while step := newest(bare / "saves"):  # each older one is whole, too, also one that was being deleted
            shutil.rmtree(bare / "saves" / f"{step:09d}")


@pytest.mark.parametrize("fail", [only, from_now_on, dead])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_call_is_never_a_false_save(
    fail: Callable[[int, int], Callable[[int, str], int]], code: int, tmp_path: Path
) -> None:
    number, refused = 0, 0
    while True:
        folder = tmp_path / str(number) / "saves"
        for step in (1, 2, 3):
            put(folder, step)
        said = False
        with Disk(folder.parent, fail(number, code)) as disk:
            try:
                put(folder, 9)
                said = True
                saves.tidy(folder)
            except VAEError as error:
                refused += 1
                assert ("disk is full" if code == errno.ENOSPC else "could not be written") in str(error)
                assert said or "the state after step 9" in str(error)
        assert newest(folder) == 9 if said else newest(folder) in (3, 9)
        put(folder, 10)  # when there is room again
        saves.tidy(folder)
        assert newest(folder) == 10
        if number >= len(disk.calls):
            break
        number += 1
    assert number >= 12 and refused >= 12


def test_what_was_said_and_flushed_outlives_a_power_cut(tmp_path: Path) -> None:
    disk_folder = tmp_path / "disk"
    disk_folder.mkdir()
    with Disk(disk_folder) as disk:
        log = EventLog(disk_folder / "run" / "events.jsonl")
        log.say("epoch", epoch=1, flush=True)
        said = len(disk.moments) - 1
        log.say("step", step=2)
        log.say("epoch", epoch=2, flush=True)
    for number, (moment, tree) in enumerate(disk.everything()):
        again = tmp_path / str(number)
        lay_out(tree, again)
        log = EventLog(again / "run" / "events.jsonl")
        log.say("resumed", step=1)  # a torn line swallows nothing that comes after it
        events, _ = read_events(log.path)
        kinds = [event["kind"] for event in events]
        assert kinds[-1] == "resumed"
        assert kinds[:-1] == ["epoch", "step", "epoch"][: len(kinds) - 1]
        assert moment < said or len(kinds) > 1
        assert moment < len(disk.moments) - 1 or len(kinds) == 4


@pytest.mark.parametrize("fail", [only, from_now_on])
def test_a_full_disk_is_told_and_costs_no_line_that_was_said(
    fail: Callable[[int, int], Callable[[int, str], int]], tmp_path: Path
) -> None:
    for number in range(4):
        folder = tmp_path / str(number)
        log = EventLog(folder / "events.jsonl")
        log.say("start")
        said = []
        with Disk(folder, fail(number, errno.ENOSPC)):
            for step in (1, 2):
                try:
                    log.say("step", step=step, flush=True)
                    said.append(step)
                except VAEError as error:
                    assert "The disk is full: events.jsonl was not saved" in str(error)
        assert len(said) < 2
        log.say("done")
        events, _ = read_events(log.path)
        assert events[0]["kind"] == "start" and events[-1]["kind"] == "done"
        assert {event["step"] for event in events[1:-1]} >= set(said)


def test_a_disk_that_takes_nothing_and_gives_no_reason_ends_the_saying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    answers = iter([0] * 1000)  # then the test ends
    monkeypatch.setattr("os.write", lambda handle, data: next(answers))
    with pytest.raises(VAEError, match="The disk is full"):
        log.say("step")


def test_a_system_that_takes_a_few_bytes_at_a_time_has_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.write
    monkeypatch.setattr("os.write", lambda handle, data: really(handle, bytes(data)[:7]))
    log = EventLog(tmp_path / "events.jsonl")
    log.say("step", step=123456789)
    put(tmp_path / "saves", 3)
    monkeypatch.undo()
    assert read_events(log.path)[0] == [{"kind": "step", "step": 123456789}]
    assert newest(tmp_path / "saves") == 3
