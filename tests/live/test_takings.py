"""Data sets are made in turn, one for each visitor, and can be ended at any moment."""

import time
from collections.abc import Callable
from threading import Event, Thread, Timer

import pytest

from live import takings
from live.fair import Turns, Usual
from live.takings import AT_ONCE, Takings
from vae.data.intake import Choice
from vae.errors import VAEError


def wait_for(ready: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not ready() and time.monotonic() < end:
        time.sleep(0.005)
    assert ready()


class Making:
    """In the place of `take_in`: it goes on until it is told."""

    def __init__(self) -> None:
        self.go, self.began, self.ended = Event(), [], []

    def __call__(self, given, choice, *, title, owner, progress, stopped, keep_days) -> str:
        self.began.append(owner)
        progress(1, 4)
        while not self.go.wait(0.005):
            if stopped():
                self.ended.append(owner)
                raise VAEError("Stopped: nothing was kept.")
        if title == "bad":
            raise VAEError("The files could not be read: try others.")
        if title == "worse":
            raise ZeroDivisionError
        return f"set of {owner}"


@pytest.fixture
def making():
    return Making()


@pytest.fixture
def queue(making):
    made = Takings(making)
    yield made
    making.go.set()
    made.close()


def test_a_set_is_made_and_said_once(queue, making):
    assert queue.of("ada") is None and queue.made("ada") == ""
    queue.ask("ada", "x", Choice(), "cells")
    wait_for(lambda: making.began)
    now = queue.of("ada")
    assert (now.how, now.owner, now.fraction) == ("measuring", "ada", 0.25) and "cells" in now.what
    assert queue.of("bob") is None and queue.made("ada") == ""
    making.go.set()
    wait_for(lambda: queue.of("ada") is None)
    assert queue.made("bob") == ""
    assert queue.made("ada") == "set of ada"
    assert queue.made("ada") == ""


def test_a_visitor_has_one_at_a_time_and_the_server_some(queue, making):
    for owner in ("ada", "bob", "cem", "dee"):
        queue.ask(owner, "x", Choice(), "cells")
    queue.ask("ada", "y", Choice(), "another")
    wait_for(lambda: len(making.began) == AT_ONCE)
    time.sleep(0.05)
    assert sorted(making.began) == ["ada", "bob"]
    assert [queue.of(owner).how for owner in ("ada", "cem", "dee")] == ["measuring", "waiting", "waiting"]
    assert [queue.of(owner).ahead for owner in ("cem", "dee")] == [2, 3]
    making.go.set()
    wait_for(lambda: all(queue.of(owner) is None for owner in ("ada", "bob", "cem", "dee")))
    assert sorted(making.began) == ["ada", "bob", "cem", "dee"]


def test_cancel_ends_what_is_made_and_what_waits(queue, making):
    for owner in ("ada", "bob", "cem"):
        queue.ask(owner, "x", Choice(), "cells")
    wait_for(lambda: len(making.began) == AT_ONCE)
    queue.cancel("cem")
    queue.cancel("ada")
    assert queue.of("ada") is None and queue.of("cem") is None
    wait_for(lambda: making.ended == ["ada"])
    making.go.set()
    wait_for(lambda: queue.of("bob") is None)
    assert queue.made("ada") == queue.made("cem") == "" and "cem" not in making.began
    queue.ask("ada", "x", Choice(), "cells")
    wait_for(lambda: queue.of("ada") is None)
    assert queue.made("ada") == "set of ada"


@pytest.mark.parametrize("title", ["bad", "worse"])
def test_what_goes_wrong_is_one_line_until_it_is_read(queue, making, title):
    making.go.set()
    queue.ask("ada", "x", Choice(), title)
    wait_for(lambda: queue.of("ada") is not None and queue.of("ada").how == "failed")
    assert "try" in queue.of("ada").why and "\n" not in queue.of("ada").why
    queue.cancel("ada")
    assert queue.of("ada") is None


def test_too_many_are_refused(queue, making, monkeypatch):
    monkeypatch.setattr(takings, "MOST", 3)
    for number in range(3):
        queue.ask(f"visitor {number}", "x", Choice(), "cells")
    with pytest.raises(VAEError, match="try again"):
        queue.ask("one more", "x", Choice(), "cells")


def test_who_waits_hears_how_long_once_one_was_made(queue, making, monkeypatch):
    monkeypatch.setattr(queue._usual, "note", lambda seconds: None)
    for owner in ("ada", "bob", "cem", "dee"):
        queue.ask(owner, "x", Choice(), "cells")
    wait_for(lambda: len(making.began) == AT_ONCE)
    assert queue.of("dee").left is None
    monkeypatch.setattr(queue, "_usual", Usual())
    queue._usual.note(20.0)
    assert 25 < queue.of("dee").left <= 30 and 15 < queue.of("cem").left <= 20  # three, and two, at two places
    queue.cancel("cem")
    assert 15 < queue.of("dee").left <= 20


def test_a_look_waits_its_turn_and_says_how_far_it_is(monkeypatch):
    said, go, running = [], Event(), []

    def look(given, choice, *, progress, stopped):
        running.append(given)
        progress(1, 4)
        while not go.wait(0.005):
            assert not stopped()
        return given

    monkeypatch.setattr(takings.intake, "look", look)
    monkeypatch.setattr(takings, "_looks", Turns(1))
    first = Thread(target=takings.look, args=("a", None, "ada", said.append))
    first.start()
    wait_for(lambda: any(now.how == "measuring" and now.fraction == 0.25 for now in said))
    late = Timer(5, go.set)  # so that a wait that nobody can end is a failure, not a test that hangs
    late.start()
    with pytest.raises(KeyboardInterrupt):  # as Streamlit ends a page that somebody has left
        takings.look("b", None, "bob", give_up)
    late.cancel()
    assert running == ["a"]
    go.set()
    first.join(10)
    assert takings.look("b", None, "bob") == "b"


def give_up(now):
    assert (now.how, now.ahead) == ("waiting", 1)
    raise KeyboardInterrupt
