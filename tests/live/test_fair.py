"""Turns: who came first is served first, one of each visitor at a time; nobody is passed over for another's many."""

import random
import threading
import time

import pytest

from live.fair import Turns, Usual, wait


class Class:
    """Visitors who each want some turns, in threads; what is begun goes on until it is told."""

    def __init__(self, places: int) -> None:
        self.turns = Turns(places)
        self.began: list[str] = []
        self.told: dict[str, tuple[int, float | None]] = {}
        self._go: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self.at_once: list[int] = []
        self.twice: list[str] = []  # who had two turns at once
        self._running: list[str] = []

    def come(self, name: str) -> None:
        """ "ada.1": the first of Ada's. It stands in the line when this returns."""
        self._go[name] = threading.Event()
        thread = threading.Thread(target=self._want, args=(name,), daemon=True)
        self._threads.append(thread)
        before = len(self.turns._turns)
        thread.start()
        until(lambda: len(self.turns._turns) > before)

    def _want(self, name: str) -> None:
        owner = name.partition(".")[0]
        with self.turns.turn(owner, lambda *said: self.told.update({name: said})):
            self.twice += [name for each in self._running if each.partition(".")[0] == owner]
            self._running.append(name)
            self.at_once.append(len(self._running))
            self.began.append(name)
            self._go[name].wait(10)
            self._running.remove(name)

    def end(self, name: str) -> None:
        before = len(self.turns._turns)
        self._go[name].set()
        until(lambda: len(self.turns._turns) < before)

    def all_over(self) -> list[str]:
        for event in self._go.values():
            event.set()
        for thread in self._threads:
            thread.join(10)
        return self.began


def until(found) -> None:
    end = time.monotonic() + 10
    while not found() and time.monotonic() < end:
        time.sleep(0.002)
    assert found()


@pytest.mark.parametrize("places", [1, 2, 5])
def test_thirty_who_come_at_once_are_all_served_as_they_came(places: int) -> None:
    room = Class(places)
    names = [f"student{place}.1" for place in range(30)]
    for name in names:
        room.come(name)
    until(lambda: len(room.began) == places)
    for place, name in enumerate(names):
        until(lambda place=place: len(room.began) >= min(30, place + places))
        room.end(name)
    assert room.all_over() == names and max(room.at_once) == places
    for _ in range(3):  # whoever goes on alone soon stands for nobody but herself
        with room.turns.turn("ada"):
            pass
    assert list(room.turns._last) == ["ada"]


def test_who_comes_with_many_has_one_turn_and_then_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Class(1)
    for name in ("eve.1", "eve.2", "eve.3", "ada.1", "bob.1", "ada.2"):
        room.come(name)
    order = ["eve.1", "ada.1", "bob.1", "eve.2", "ada.2", "eve.3"]
    for place, name in enumerate(order):
        until(lambda place=place: len(room.began) == place + 1)
        room.end(name)
    assert room.all_over() == order


def test_two_who_come_again_at_once_do_not_keep_a_third_waiting() -> None:
    room = Class(1)
    for name in ("eve.1", "ada.1", "bob.1", "bob.2"):
        room.come(name)
    order = ["eve.1", "ada.1", "bob.1", "bob.2", "eve.2", "ada.2", "bob.3", "eve.3"]
    for place, name in enumerate(order):
        until(lambda place=place: len(room.began) == place + 1)
        owner, _, turn = name.partition(".")
        room.end(name)
        if name != "bob.1":
            room.come(f"{owner}.{int(turn) + 1}")  # before the next look of those who wait, or after it
    assert room.all_over()[: len(order)] == order and len(room.turns._last) <= 3


def test_nobody_has_two_turns_at_once_whatever_the_order() -> None:
    room, draw = Class(3), random.Random(2)
    names = [f"{owner}.{turn}" for owner in "ab" for turn in range(4)]
    draw.shuffle(names)
    for name in names:
        room.come(name)
    until(lambda: len(room.began) == 2)
    time.sleep(0.3)  # another look of those who wait
    assert sorted(room.all_over()) == sorted(names) and max(room.at_once) <= 3 and room.twice == []


def test_who_waits_hears_how_many_are_before_and_how_long_that_is() -> None:
    room = Class(1)
    for name in ("ada.1", "bob.1", "cyd.1"):
        room.come(name)
    until(lambda: room.told.get("bob.1") == (1, None) and room.told.get("cyd.1") == (2, None))
    room.turns.usual.note(8.0)
    until(lambda: room.told["cyd.1"][1] is not None)
    ahead, left = room.told["cyd.1"]
    assert ahead == 2 and 14 < left <= 16
    room.end("ada.1")
    until(lambda: room.told["cyd.1"][0] == 1)
    room.all_over()


def test_who_leaves_while_waiting_leaves_the_line_and_a_turn_ends_however_it_ends() -> None:
    room = Class(1)
    room.come("ada.1")
    until(lambda: room.began == ["ada.1"])

    def gone(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), room.turns.turn("bob", gone):
        raise AssertionError("it was not his turn")
    assert len(room.turns._turns) == 1
    room.end("ada.1")
    with pytest.raises(ZeroDivisionError), room.turns.turn("bob"):
        raise ZeroDivisionError
    with room.turns.turn("bob"):
        pass


def test_the_time_left_is_that_of_what_is_before_over_the_places() -> None:
    assert wait([], 2) == 0 and wait([4.0, 2.0, 6.0], 2) == 6.0 and wait([4.0, None], 1) is None
    usual = Usual()
    assert usual.seconds is None
    for seconds in (100.0, 1.0, 2.0, 3.0, 2.0):
        usual.note(seconds)
    assert usual.seconds == 2.0
