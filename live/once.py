"""Slow work that many wait for, done once: a class that opens one large model takes one thread, not thirty.

Nothing here imports torch or NumPy: `live.socket` reads this before the server answers.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

AT_ONCE = 16  # pieces of work, of the whole server; most of their time they wait for the disk


@dataclass
class _Coming:
    work: "Future[object]"
    over: "asyncio.Future[object]"  # the same, as a loop awaits it
    waiting: int = 0


class Once:
    """Threads of their own for slow work, each piece under a name: who asks for one that is on its way awaits that.

    For one event loop. The loop's own threads stay free: new sockets are let in by them.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="once")
        self._coming: dict[Hashable, _Coming] = {}

    async def do(self, name: Hashable, work: Callable[[], object]) -> None:
        """Wait until the work of that name is done, whoever asked for it first; what it raises is raised here.

        Who is cancelled leaves the others waiting. What nobody waits for any more is not begun.
        """
        coming = self._coming.get(name)
        if coming is None:
            begun = self._pool.submit(work)
            coming = self._coming[name] = _Coming(begun, asyncio.wrap_future(begun))
            coming.over.add_done_callback(lambda over: self._gone(name, over))
        coming.waiting += 1
        try:
            await asyncio.shield(coming.over)
        finally:
            coming.waiting -= 1
            if not coming.waiting and coming.work.cancel():
                self._gone(name, coming.over)

    def _gone(self, name: Hashable, over: "asyncio.Future[object]") -> None:
        if over.done() and not over.cancelled():
            over.exception()  # seen: where all who waited have left, nobody else looks at it
        if name in self._coming and self._coming[name].over is over:
            del self._coming[name]
