"""A file or folder is whole or not there, and what was there before is never lost."""

import ctypes
import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vae import files
from vae.files import flush, size_of, write_aside, write_folder


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, and what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """The system itself refuses to write more than `size` bytes into one file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def fail(code: int) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "card.json"
    for words in (b"first", b"second", b""):
        write_aside(path, words)
        assert path.read_bytes() == words
        assert names(path.parent) == ["card.json"]


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path, refused: Any) -> None:
    path = tmp_path / "card.json"
    path.write_text("old")
    with refused("The disk is full: card.json was not saved"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fail(errno.ENOSPC))
        write_aside(path, b"new")
    with refused("card.json could not be written (File too large)"), disk_of(1000):
        write_aside(path, b"x" * 100_000)
    with pytest.raises(ZeroDivisionError), pytest.MonkeyPatch.context() as patch:  # a bug of ours stays a bug
        patch.setattr(os, "fsync", lambda handle: 1 / 0)
        write_aside(path, b"new")
    assert tree(tmp_path) == {"card.json": b"old"}


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, order = tmp_path / "card.json", []
    really_sync, really_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("sync"), really_sync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("rename"), really_replace(a, b)))
    write_aside(path, b"words")
    assert order == ["sync", "rename", "sync"]  # the file, then its name, then the folder's list of names


def test_a_folder_is_written_and_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "mine"
    write_folder(folder, {"a": b"1"})
    write_folder(folder, {"b": b"2"})
    assert tree(tmp_path) == {"models/mine/b": b"2"}
    assert names(folder.parent) == ["mine"]
    assert folder.stat().st_mode & 0o777 == 0o755  # a temporary folder's own 700 would lock out other users


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_the_old_folder(code: int, tmp_path: Path, refused: Any) -> None:
    folder = tmp_path / "mine"
    write_folder(folder, {"a": b"1"})
    with refused("The disk is full: mine was not saved. Free some space"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", fail(code))
        write_folder(folder, {"a": b"2"})
    with refused("mine could not be written (File too large)"), disk_of(1000):
        write_folder(folder, {"a": b"x" * 100_000})
    assert tree(tmp_path) == {"mine/a": b"1"}
    assert names(tmp_path) == ["mine"]


@pytest.fixture
def no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that cannot let two folders swap their names."""
    monkeypatch.setattr(files, "_swap", lambda: None)


@pytest.mark.usefixtures("no_exchange")
@pytest.mark.parametrize("call", [1, 2])
def test_a_rename_that_fails_leaves_the_old_folder(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    folder = tmp_path / "mine"
    write_folder(folder, {"a": b"1"})
    really, calls = os.rename, []

    def rename(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == call:
            fail(errno.EIO)()
        really(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with refused("mine could not be written (Input/output error)"):
        write_folder(folder, {"a": b"2"})
    assert tree(tmp_path) == {"mine/a": b"1"}
    assert names(tmp_path) == ["mine"]


@pytest.mark.usefixtures("no_exchange")
def test_what_was_there_survives_even_a_rename_back_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    folder = tmp_path / "mine"
    write_folder(folder, {"a": b"old"})
    really, calls = os.rename, []

    def rename(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) > 1:
            fail(errno.EIO)()
        really(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with refused("mine could not be written"):
        write_folder(folder, {"a": b"new"})
    assert list(tree(tmp_path).values()) == [b"old"]


def test_an_interruption_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    write_folder(folder, {"a": b"1"})

    def interrupt(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_folder(folder, {"a": b"2"})
    assert tree(tmp_path) == {"mine/a": b"1"}


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL])
def test_a_disk_without_exchange_replaces_a_folder_too(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(one: bytes, other: bytes) -> int:
        ctypes.set_errno(code)
        return -1

    monkeypatch.setattr(files, "_swap", lambda: refuse)
    write_folder(tmp_path / "mine", {"a": b"1"})
    write_folder(tmp_path / "mine", {"b": b"2"})
    assert tree(tmp_path) == {"mine/b": b"2"} and names(tmp_path) == ["mine"]


def test_an_exchange_that_fails_leaves_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    def refuse(one: bytes, other: bytes) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    monkeypatch.setattr(files, "_swap", lambda: refuse)
    write_folder(tmp_path / "mine", {"a": b"1"})
    with refused("mine could not be written (Input/output error)"):
        write_folder(tmp_path / "mine", {"a": b"2"})
    assert tree(tmp_path) == {"mine/a": b"1"} and names(tmp_path) == ["mine"]


def test_a_folder_is_on_the_disk_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    really_sync, really_rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("sync"), really_sync(handle)))
    monkeypatch.setattr(os, "rename", lambda a, b: (order.append("rename"), really_rename(a, b)))
    write_folder(tmp_path / "mine", {"a": b"1", "b": b"2"})
    assert order == ["sync", "sync", "sync", "rename", "sync"]


def test_a_place_that_cannot_be_written_is_said_plainly(tmp_path: Path, refused: Any) -> None:
    (tmp_path / "file").write_text("in the way")
    with refused("mine could not be written (File exists): choose another folder"):
        write_folder(tmp_path / "file" / "mine", {})
    with refused("card.json could not be written (File exists): choose another folder"):
        write_aside(tmp_path / "file" / "card.json", b"")


def test_flush_closes_what_it_opens(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(3):
        flush(tmp_path)
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before


def test_the_size_of_a_folder_is_that_of_its_own_files_and_a_link_leads_nowhere(tmp_path: Path) -> None:
    folder, far = tmp_path / "model", tmp_path / "far"
    (folder / "deep").mkdir(parents=True)
    far.write_bytes(bytes(5000))
    for name, size in (("a", 700), (".hidden", 80)):
        (folder / name).write_bytes(bytes(size))
    (folder / "deep" / "b").write_bytes(bytes(900))
    assert size_of(folder) == 780
    (folder / "link").symlink_to(far)
    (folder / "broken").symlink_to(tmp_path / "nowhere")
    assert size_of(folder) == 780 + len(str(far)) + len(str(tmp_path / "nowhere"))
    assert size_of(tmp_path / "nowhere") == 0
