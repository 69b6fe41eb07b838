"""Whatever stops a write, at whatever call: there is what was there before, or all that is new."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.disk import Disk, Tree, dead, from_now_on, lay_out, only
from vae import checkpoint, files
from vae.config import Config
from vae.errors import VAEError
from vae.files import write_aside, write_folder
from vae.model import VAE

Fail = Callable[[int, int], Callable[[int, str], int]]
OLD, NEW = b"old and long", b"new"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting for the machine's own disk: `Disk` says what was flushed."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(params=["exchange", "two renames"])
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A disk that can let two folders swap their names, and one that cannot."""
    if request.param == "exchange":
        if files._swap() is None:
            pytest.skip("this system cannot")
        return True
    monkeypatch.setattr(files, "_swap", lambda: None)
    return False


def contents(tree: Tree, name: str) -> dict[str, bytes]:
    return {path: data for path, data in tree.items() if data is not None and path.startswith(name)}


@pytest.mark.parametrize("before", [None, OLD])
def test_after_a_power_cut_a_file_is_old_or_new(before: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "run" / "run.json"
    if before is not None:
        write_aside(path, before)
    with Disk(tmp_path) as disk:
        write_aside(path, NEW)
    last = len(disk.moments) - 1
    for moment, tree in disk.everything():
        assert tree.get("run/run.json") in ({NEW} if moment == last else {before, NEW})


def test_after_a_power_cut_a_new_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        write_folder(tmp_path / "runs" / "mine", {"a": OLD, "b": NEW})
    last = len(disk.moments) - 1
    whole = {"runs/mine/a": OLD, "runs/mine/b": NEW}
    for moment, tree in disk.everything():
        assert contents(tree, "runs/mine") in ([whole] if moment == last else [{}, whole])
        assert moment == last or "runs/mine" not in tree or contents(tree, "runs/mine") == whole


def test_after_a_power_cut_a_replaced_folder_is_old_or_new(exchange: bool, tmp_path: Path) -> None:
    old, new = {"mine/a": OLD, "mine/c": OLD}, {"mine/a": NEW, "mine/b": NEW}
    write_folder(tmp_path / "mine", {"a": OLD, "c": OLD})
    with Disk(tmp_path) as disk:
        write_folder(tmp_path / "mine", {"a": NEW, "b": NEW})
    assert ("exchange" in disk.calls) == exchange
    last = len(disk.moments) - 1
    for moment, tree in disk.everything():
        there = contents(tree, "mine")
        if not exchange and not there and moment < last:  # between the two renames: the old one is hidden, and whole
            aside = {path.split("/")[-1]: data for path, data in tree.items() if data is not None and "/old/" in path}
            assert aside == {"a": OLD, "c": OLD}
        else:
            assert there in ([new] if moment == last else [old, new])


def test_after_a_power_cut_a_model_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    config = Config(shape=(9,), latent_dim=2, encoder_sizes=(), decoder_sizes=(), likelihood="mse", output="linear")
    folder = tmp_path / "disk"
    first = checkpoint.save(folder / "mine", VAE(config, seed=1), {"name": "first"})
    with Disk(folder) as disk:
        second = checkpoint.save(folder / "mine", VAE(config, seed=2), {"name": "second"})
    last = len(disk.moments) - 1
    for number, (moment, tree) in enumerate(disk.everything()):
        lay_out(tree, tmp_path / str(number))
        found = checkpoint.load(tmp_path / str(number) / "mine")
        assert (found.model_id, found.card["name"]) in (
            [(second, "second")] if moment == last else [(first, "first"), (second, "second")]
        )


@pytest.mark.parametrize("fail", [only, from_now_on, dead])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_call_leaves_the_old_file_or_the_new(fail: Fail, code: int, tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / str(number) / "card.json"
        write_aside(path, OLD)
        with Disk(path.parent, fail(number, code)) as disk:
            try:
                write_aside(path, NEW)
                said = True
            except VAEError:
                said = False
        assert path.read_bytes() == NEW if said else path.read_bytes() in (OLD, NEW)
        if number >= len(disk.calls):
            break
    assert said and number == 5  # create, write, fsync, replace, fsync


@pytest.mark.parametrize("fail", [only, from_now_on, dead])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_call_leaves_the_old_model_or_the_new(
    fail: Fail, code: int, exchange: bool, tmp_path: Path
) -> None:
    config = Config(shape=(9,), latent_dim=2, encoder_sizes=(), decoder_sizes=(), likelihood="mse", output="linear")
    second = checkpoint.save(tmp_path / "elsewhere", VAE(config, seed=2), {})
    for number in range(40):
        folder = tmp_path / str(number) / "mine"
        first = checkpoint.save(folder, VAE(config, seed=1), {})
        said = ""
        with Disk(folder.parent, fail(number, code)) as disk:
            try:
                said = checkpoint.save(folder, VAE(config, seed=2), {})
            except VAEError as error:
                assert ("disk is full" if code == errno.ENOSPC else "could not be written") in str(error)
        if fail is dead and not folder.exists():  # no rename back on a dead disk: hidden is better than lost
            (folder,) = folder.parent.glob(".mine.*.old/old")
            folder.rename(folder := folder.parents[1] / "mine")
        assert checkpoint.load(folder).model_id in ([second] if said else [first, second])
        if number >= len(disk.calls):
            break
    assert said == second and number >= 12


def test_new_folders_above_a_file_outlive_a_power_cut_with_it(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        write_aside(tmp_path / "a" / "b" / "c" / "file", NEW)
    for tree in disk.after_a_power_cut(len(disk.moments) - 1):
        assert tree["a/b/c/file"] == NEW
