"""What is held in memory: each thing made once, and never more bytes than there is room for, whoever asks at once."""

import threading
import time
from random import Random
from typing import Any

import pytest

from live.recent import Recent

PATIENCE = 5.0  # seconds


class Watched(Recent):
    """Writes down how much was held at most, being made or made, and what was made together."""

    most, together = 0, 0

    def _make_room(self, key: Any, size: int) -> None:
        super()._make_room(key, size)
        self.most = max(self.most, sum(self._sizes.values()))
        self.together = max(self.together, len(self._making))


def ask_all(held: Recent, asks: list[tuple[Any, int]], seconds: float) -> list[Any]:
    """What each of many threads got that ask at once; a key stands for itself."""
    got: list[Any] = []

    def ask(key: Any, size: int) -> None:
        def make() -> Any:
            time.sleep(seconds)
            return ("made", key)

        got.append((key, held.get(key, make, size)))

    threads = [threading.Thread(target=ask, args=each, daemon=True) for each in asks]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads)
    return got


def test_ten_large_ones_asked_for_at_once_are_made_one_after_the_other() -> None:
    held = Watched(32, 4)
    got = ask_all(held, [(place, 3) for place in range(10)], 0.01)
    assert sorted(got) == [(place, ("made", place)) for place in range(10)]
    assert held.most == 3 and held.together == 1 and len(held._things) == 1


def test_those_that_fit_are_made_at_the_same_time() -> None:
    held = Watched(32, 9)
    ask_all(held, [(place, 3) for place in range(3)], 0.1)
    assert held.together == 3 and held.most == 9


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_asked_for_the_room_and_the_number_are_kept(seed: int) -> None:
    draw, held = Random(seed), Watched(5, 10)
    sizes = {key: draw.randint(1, 9) for key in range(12)}
    asked = [draw.randrange(12) for _ in range(80)]
    got = ask_all(held, [(key, sizes[key]) for key in asked], 0.001)
    assert sorted(got) == sorted((key, ("made", key)) for key in asked)
    assert held.most <= 10 and len(held._things) <= 5 and not held._making
    assert held._sizes == {key: sizes[key] for key in held._things}


def test_one_larger_than_the_room_is_held_alone() -> None:
    held = Watched(32, 4)
    ask_all(held, [("a", 2), ("b", 50), ("c", 2), ("d", 60)], 0.01)
    assert held.most <= 60 and held.get("b", lambda: "again", 50) and list(held._things) == ["b"]
    held.get("a", lambda: "small", 2)
    assert list(held._things) == ["a"]


def test_one_that_fails_gives_its_room_back_to_who_waits() -> None:
    held, begun, go = Recent(32, 4), threading.Event(), threading.Event()

    def broken() -> None:
        begun.set()
        assert go.wait(PATIENCE)
        raise ZeroDivisionError

    def first() -> None:
        with pytest.raises(ZeroDivisionError):
            held.get("a", broken, 3)

    failing = threading.Thread(target=first, daemon=True)
    failing.start()
    assert begun.wait(PATIENCE)
    threading.Timer(0.05, go.set).start()
    assert ask_all(held, [("b", 3)], 0.0) == [("b", ("made", "b"))]
    failing.join(PATIENCE)
    assert held.get("a", lambda: "a", 1) == "a" and set(held._things) == {"a", "b"}
