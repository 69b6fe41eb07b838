"""Slow work that many wait for: done once, nobody else held up, and left undone where nobody waits for it any more."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from live.once import Once

PATIENCE = 10.0  # seconds


class Slow:
    """Work that goes on until it is told."""

    def __init__(self, fails: bool = False) -> None:
        self.begun, self.go, self.times, self.fails = threading.Event(), threading.Event(), 0, fails

    def __call__(self) -> None:
        self.times += 1
        self.begun.set()
        assert self.go.wait(PATIENCE)
        if self.fails:
            raise ZeroDivisionError


def run(story: Callable[[], Awaitable[Any]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await story()

    asyncio.run(bounded())


async def passing(found: Callable[[], bool]) -> None:
    while not found():
        await asyncio.sleep(0.005)


def test_thirty_who_wait_for_one_thing_take_one_thread_and_nobody_else_waits() -> None:
    async def story() -> None:
        once, large = Once(2), Slow()
        waiting = [asyncio.create_task(once.do("large", large)) for _ in range(30)]
        await passing(large.begun.is_set)
        await asyncio.wait_for(once.do("small", lambda: None), 5)
        assert not any(each.done() for each in waiting)
        large.go.set()
        await asyncio.gather(*waiting)
        assert large.times == 1 and not once._coming

    run(story)


def test_what_fails_fails_for_all_who_wait_and_is_tried_again_by_the_next() -> None:
    async def story() -> None:
        once, broken = Once(1), Slow(fails=True)
        waiting = [asyncio.create_task(once.do("a", broken)) for _ in range(3)]
        broken.go.set()
        assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [
            ZeroDivisionError
        ] * 3
        with pytest.raises(ZeroDivisionError):
            await once.do("a", broken)
        assert broken.times == 2

    run(story)


def test_who_leaves_leaves_the_others_waiting_and_what_nobody_waits_for_is_not_begun() -> None:
    async def story() -> None:
        once, first, second = Once(1), Slow(), Slow()
        waiting = [asyncio.create_task(once.do("first", first)) for _ in range(2)]
        await passing(first.begun.is_set)
        nobody = asyncio.create_task(once.do("second", second))
        await passing(lambda: "second" in once._coming)
        for left in (waiting[0], nobody):
            left.cancel()
        await asyncio.wait([waiting[0], nobody])
        assert list(once._coming) == ["first"]
        # Whoever comes while it is under way awaits the same one, even after all who waited have left.
        waiting[1].cancel()
        await asyncio.wait([waiting[1]])
        late = asyncio.create_task(once.do("first", first))
        await asyncio.sleep(0)
        first.go.set()
        await late
        await once.do("third", lambda: None)
        assert (first.times, second.times) == (1, 0) and not once._coming

    run(story)
