"""A disk that can be stopped at any moment, and one that fails at its n-th call.

`Disk` lets a body work in a real folder, notes every change it makes through `os`, and then says how the folder may
look after a power cut: at each point of the sequence, with everything that was not flushed there, gone, or torn.

What a disk promises here is no more than POSIX and a journal do. What a file holds is sure after its own fsync: before
that it may be whole, cut, zeros, or as it was. A name is sure after the fsync of the folder it is in: before that, the
changes of a folder arrive in order, but any number of the last may be missing, whatever other folders have seen. A
rename arrives as a whole.
"""

import errno
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import vae.files

Tree = dict[str, bytes | None]  # paths below the root; None is a folder
ROOT = 0


@dataclass
class Change:
    """Names taken and given up in one instant: (folder, name, what is there now, None for nothing)."""

    names: list[tuple[int, str, int | None]]


@dataclass
class Moment:
    """What may be on the disk after one more call."""

    call: str
    synced: frozenset[int]  # changes of names that are on the disk
    changes: int  # all that were made so far
    contents: dict[int, tuple[bytes, ...]]  # what each file may hold


@dataclass
class Disk:
    """Calls of `os` below `root`, done, noted, and refused where `fail` says so.

    Args:
        fail: given the number (from 0) and the name of a call that changes the disk: 0, or the error it shall end with.
    """

    root: Path
    fail: Callable[[int, str], int] = lambda number, call: 0
    calls: list[str] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.root = self.root.resolve()
        self.changes: list[Change] = []
        self.synced: set[int] = set()
        self.contents: dict[int, tuple[bytes, ...]] = {}
        self.folders: set[int] = {ROOT}
        self.now: dict[int, dict[str, int]] = {ROOT: {}}  # folders by number: names, and what they are
        self.handles: dict[int, Path] = {}
        self.really = {name: getattr(os, name) for name in CALLS}
        self.exchange = vae.files._exchange
        for path in sorted(self.root.rglob("*")):
            self._link(path, self._new(path.read_bytes() if path.is_file() else None))
        self.synced = set(range(len(self.changes)))
        self._note("start")

    # ---- while the body works

    def __enter__(self) -> "Disk":
        self.patches = [patch.object(os, name, getattr(self, f"_{name}")) for name in CALLS]
        self.patches.append(patch.object(vae.files, "_exchange", self._exchange))
        for one in self.patches:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.patches:
            one.stop()

    def _asked(self, call: str, path: Path) -> None:
        self.calls.append(call)
        if code := self.fail(len(self.calls) - 1, call):
            raise OSError(code, os.strerror(code), str(path))

    def _path(self, path: Any, folder: int | None = None) -> Path | None:
        """Below the root, or None: not our disk."""
        if isinstance(path, int):
            return self.handles.get(path)
        where = self.handles.get(folder) if folder is not None else Path.cwd()
        if where is None:
            return None
        whole = where / os.fsdecode(path)
        return whole if whole.is_relative_to(self.root) else None

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        ours = self._path(path, dir_fd)
        new = ours is not None and flags & os.O_CREAT and not os.path.lexists(ours)
        if ours and new:
            self._asked("create", ours)
        handle = int(self.really["open"](path, flags, mode, dir_fd=dir_fd))
        if ours:
            self.handles[handle] = ours
            if new:
                self._link(ours, self._new(b""))
                self._note("create")
            elif flags & os.O_TRUNC:
                self.contents[self._node(ours)] += (b"",)
        return handle

    def _close(self, handle: int) -> None:
        self.handles.pop(handle, None)
        self.really["close"](handle)

    def _write(self, handle: int, data: Any) -> int:
        ours = self._path(handle)
        if ours is None:
            return int(self.really["write"](handle, data))
        try:
            self._asked("write", ours)
        except OSError:
            self.really["write"](handle, bytes(data)[: len(data) // 2])  # a full disk takes what still fits
            raise
        count = int(self.really["write"](handle, data))
        node, new = self._node(ours), bytes(data)[:count]
        old = self.contents[node][-1]
        self.contents[node] += (old + new[: count // 2], old + bytes(count), old + new)
        self._note("write")
        return count

    def _fsync(self, handle: int) -> None:
        ours = self._path(handle)
        if ours is None:
            return
        try:
            self._asked("fsync", ours)
        except OSError:
            if ours.is_file():
                kept = len(self.contents[self._node(ours)][0])
                os.truncate(ours, kept)  # what could not be flushed is gone, and a second fsync would not say so
            raise
        node = self._node(ours)
        if node in self.folders:
            for number, change in enumerate(self.changes):
                if any(folder == node for folder, _, _ in change.names):
                    self.synced.add(number)
        else:
            self.contents[node] = self.contents[node][-1:]
        self._note("fsync")

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        ours = self._path(path, dir_fd)
        if ours:
            self._asked("mkdir", ours)
        self.really["mkdir"](path, mode, dir_fd=dir_fd)
        if ours:
            self._link(ours, self._new(None))
            self._note("mkdir")

    def _rename(self, source: Any, target: Any) -> None:
        self._move("rename", source, target)

    def _replace(self, source: Any, target: Any) -> None:
        self._move("replace", source, target)

    def _move(self, call: str, source: Any, target: Any) -> None:
        one, other = self._path(source), self._path(target)
        if one is None or other is None:
            self.really[call](source, target)
            return
        self._asked(call, other)
        self.really[call](source, target)
        node = self._node(one)
        self._change([(one, None), (other, node)])
        self._note(call)

    def _exchange(self, one: Path, other: Path) -> bool:
        if vae.files._swap() is None:
            return False
        self._asked("exchange", other)
        first, second = self._node(one), self._node(other)
        if not self.exchange(one, other):
            return False
        self._change([(one, second), (other, first)])
        self._note("exchange")
        return True

    def _unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._remove("unlink", path, dir_fd)

    def _rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._remove("rmdir", path, dir_fd)

    def _remove(self, call: str, path: Any, dir_fd: int | None) -> None:
        ours = self._path(path, dir_fd)
        there = ours is not None and os.path.lexists(ours)
        if ours and there:
            self._asked(call, ours)
        self.really[call](path, dir_fd=dir_fd)
        if ours and there:
            self._change([(ours, None)])
            self._note(call)

    # ---- what it comes to

    def _new(self, data: bytes | None) -> int:
        node = len(self.contents) + len(self.folders)
        if data is None:
            self.folders.add(node)
            self.now[node] = {}
        else:
            self.contents[node] = (data,)
        return node

    def _node(self, path: Path) -> int:
        node = ROOT
        for name in path.relative_to(self.root).parts:
            node = self.now[node][name]
        return node

    def _link(self, path: Path, node: int) -> None:
        self._change([(path, node)])

    def _change(self, names: list[tuple[Path, int | None]]) -> None:
        change = Change([(self._node(path.parent), path.name, node) for path, node in names])
        _apply(self.now, change)
        self.changes.append(change)

    def _note(self, call: str) -> None:
        self.moments.append(Moment(call, frozenset(self.synced), len(self.changes), dict(self.contents)))

    def after_a_power_cut(self, moment: int) -> Iterator[Tree]:
        """Each way in which the folder may be found again, if the power went after the call of this number."""
        at = self.moments[moment]
        pending = [number for number in range(at.changes) if number not in at.synced]
        folders = sorted({folder for number in pending for folder, _, _ in self.changes[number].names})
        queues = [[n for n in pending if any(f == folder for f, _, _ in self.changes[n].names)] for folder in folders]
        seen: set[frozenset[int]] = set()
        for arrived in itertools.product(*(range(len(queue) + 1) for queue in queues)):
            late = frozenset(n for queue, count in zip(queues, arrived, strict=True) for n in queue[count:])
            done = frozenset(n for queue, count in zip(queues, arrived, strict=True) for n in queue[:count])
            if late not in seen and not late & done:  # a rename from one folder to another is in both or in none
                seen.add(late)
                yield from self._trees([number for number in range(at.changes) if number not in late], at)

    def _trees(self, there: list[int], at: Moment) -> Iterator[Tree]:
        names: dict[int, dict[str, int]] = {folder: {} for folder in self.folders}
        for number in there:
            _apply(names, self.changes[number])
        paths = dict(_walk(names, ROOT, ""))
        files = {path: node for path, node in paths.items() if node not in self.folders}
        folders: Tree = {path: None for path, node in paths.items() if node in self.folders}
        choices = [tuple(dict.fromkeys(at.contents[node])) for node in files.values()]
        for chosen in itertools.product(*choices):
            yield folders | dict(zip(files, chosen, strict=True))

    def everything(self) -> list[tuple[int, Tree]]:
        """(the last moment it can be found at, a way to find the folder), each way once."""
        found: dict[tuple[tuple[str, bytes | None], ...], int] = {}
        for moment in range(len(self.moments)):
            for tree in self.after_a_power_cut(moment):
                found[tuple(sorted(tree.items()))] = moment
        return [(moment, dict(tree)) for tree, moment in found.items()]


CALLS = ("open", "close", "write", "fsync", "mkdir", "rename", "replace", "unlink", "rmdir")


def _apply(folders: dict[int, dict[str, int]], change: Change) -> None:
    for folder, name, node in change.names:
        if node is None:
            folders[folder].pop(name, None)
        else:
            folders[folder][name] = node


def _walk(folders: dict[int, dict[str, int]], folder: int, above: str) -> Iterator[tuple[str, int]]:
    for name, node in folders[folder].items():
        yield above + name, node
        if node in folders:
            yield from _walk(folders, node, f"{above}{name}/")


def lay_out(tree: Tree, folder: Path) -> None:
    """Make a folder look like this."""
    for path, data in sorted(tree.items()):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True) if data is None else place.write_bytes(data)


def only(number: int, code: int = errno.EIO) -> Callable[[int, str], int]:
    """One call fails, and all is well after it."""
    return lambda call, name: code if call == number else 0


def from_now_on(number: int, code: int = errno.ENOSPC) -> Callable[[int, str], int]:
    """From one call on nothing new can be written; what is there can be deleted and renamed."""
    return lambda call, name: code if call >= number and name in ("create", "write", "mkdir", "fsync") else 0


def dead(number: int, code: int = errno.EIO) -> Callable[[int, str], int]:
    """From one call on nothing can be changed at all."""
    return lambda call, name: code if call >= number else 0
