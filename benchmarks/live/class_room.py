"""A class: many visitors drag at once, and many open the app at once.

Each visitor is a Streamlit session (its own socket, the Start page of the model run to its end) and a live socket with
the ticket of that page. All drag at 20 requests a second for a minute, at an even pace whatever comes back; each second
request also asks how unusual the code is, as the page does ten times a second. The wait is from a request to the
picture of it or of a newer one. Bytes count both ways with the heads of their frames. Memory is the server's resident
set, when all have dragged, less that before they came (one visitor had been there), for each visitor.

Cold: sessions that begin one a second each fetch the page and every file it names, run it, and then ask for their first
live picture. The server has just been started and has met nobody.

The visitors share the machine's cores with the server; what they use of them is told.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.live.visitors import (
    Line,
    Server,
    Trace,
    about,
    line,
    open_as_a_browser,
    percentiles,
    served,
    session,
    strokes,
)
from benchmarks.report import section
from live.engine import shared

COMMAND = "python -m benchmarks.live class_room"
P95, MBIT, MEMORY, COLD = 100.0, 1.5, 2.0, 20.0  # ms, a visitor and second, MB a visitor, seconds: the bars
PATIENCE = 600  # seconds for one class

T = TypeVar("T")


@dataclass
class Lesson:
    """One class and what it met."""

    model: str
    visitors: int
    seconds: float
    trace: Trace
    growth: float  # MB of memory, all visitors together
    server: float  # share of one core
    generator: float  # share of one core
    batches: dict[int, int]

    @property
    def errors(self) -> int:
        return self.trace.refused + self.trace.lost + self.trace.unanswered

    @property
    def mbit(self) -> float:
        return (self.trace.received + self.trace.sent) * 8e-6 / self.seconds / self.visitors

    def missed(self) -> bool:
        p95 = percentiles(self.trace.waits)[1]
        return bool(self.errors) or p95 > P95 or self.mbit > MBIT or self.growth / self.visitors > MEMORY

    def row(self) -> str:
        p50, p95, p99 = percentiles(self.trace.waits)
        pictures = (self.trace.answers - self.trace.refused) / self.seconds
        return (
            f"| {self.model} | {self.visitors} | {self.errors} | {p50:.1f} / {p95:.1f} / {p99:.1f} | {pictures:,.0f} | "
            f"{self.mbit:.2f} | {self.growth / self.visitors:.2f} | {_sizes(self.batches)} | "
            f"{self.server:.0%} | {self.generator:.0%} |"
        )


def _sizes(batches: dict[int, int]) -> str:
    """Mean batch, and the largest."""
    pictures = sum(size * times for size, times in batches.items())
    return f"{pictures / max(1, sum(batches.values())):.1f}, {max(batches, default=0)}"


async def attend(server: Server, model: str, visitors: int, rate: float, seconds: float) -> Lesson:
    """Everybody comes, everybody drags, everybody goes."""
    latent_dim = next(entry.latent_dim for entry in shared().models() if entry.name == model)
    count = int(rate * seconds)
    async with AsyncExitStack() as room:

        async def come(number: int) -> Line:
            tab = await room.enter_async_context(session(server.port))
            page = await tab.run(f"model={model}")
            found = await room.enter_async_context(line(server.port, page.token))
            strokes_[number] = strokes(page.model, latent_dim, count, seed=number)
            await found.drag(strokes(page.model, latent_dim, 4, seed=number), rate, 0)
            return found

        strokes_: dict[int, list[bytes]] = {}
        await come(visitors)  # one more, who has gone through it all before the others come
        before = server.memory()
        lines = [await come(number) for number in range(visitors)]
        began, cpu, own = time.perf_counter(), server.seconds(), time.process_time()

        async def drag(number: int) -> Trace:
            await asyncio.sleep(number / rate / visitors)  # hands do not move in step
            return await lines[number].drag(strokes_[number], rate, 0)

        whole = Trace()
        for trace in await asyncio.gather(*(drag(number) for number in range(visitors))):
            whole.add(trace)
        took = time.perf_counter() - began
        used, spent = (server.seconds() - cpu) / took, (time.process_time() - own) / took
        return Lesson(model, visitors, took, whole, server.memory() - before, used, spent, {})


def lesson(model: str, visitors: int, rate: float, seconds: float) -> Lesson:
    """A class on a server of its own."""
    with served() as server:
        found = asyncio.run(_bounded(attend(server, model, visitors, rate, seconds)))
        found.batches = server.batches()
    return found


async def _bounded(work: Awaitable[T]) -> T:
    async with asyncio.timeout(PATIENCE):
        return await work


# ---- cold ----------------------------------------------------------------------------------------------------------


@dataclass
class Arrival:
    """Seconds from opening the address to the picture on the page, and to the first live one."""

    page: float
    live: float
    bytes: int


async def arrive(server: Server, visitors: int, within: float) -> list[Arrival]:
    """Visitors who open the app one after the other, evenly."""
    latent_dim = next(entry.latent_dim for entry in shared().models())

    async def one(number: int) -> Arrival:
        await asyncio.sleep(number * within / visitors)
        began = time.perf_counter()
        size = await open_as_a_browser(server.port)
        async with session(server.port) as tab:
            page = await tab.run()
            if not page.picture:
                raise RuntimeError("the page came without a picture")
            shown = time.perf_counter() - began
            async with line(server.port, page.token) as found:
                await found.ask(strokes(page.model, latent_dim, 1, number)[0])
                return Arrival(shown, time.perf_counter() - began, size + page.bytes)

    return list(await asyncio.gather(*(one(number) for number in range(visitors))))


# ---- what is said of it --------------------------------------------------------------------------------------------


def report(told: str, lessons: Sequence[Lesson], arrivals: Sequence[Arrival], rate: float, seconds: float) -> str:
    """The section."""
    rows = "\n".join(found.row() for found in lessons)
    pages, live = sorted(a.page for a in arrivals), sorted(a.live for a in arrivals)
    middle = len(arrivals) // 2
    return f"""## A class

{told} All drag at {rate:g} requests a second for {seconds:g} s. Bars for 30 visitors: no error, p95 at
most {P95:g} ms, at most {MBIT:g} Mbit/s and {MEMORY:g} MB a visitor; 100 are reported.

| model | visitors | errors | wait, ms (p50 / p95 / p99) | pictures/s | Mbit/s a visitor | MB a visitor | \
batch (mean, largest) | server, of one core | visitors, of one core |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
{rows}

{len(arrivals)} cold sessions within 30 s, {arrivals[0].bytes / 1e6:.1f} MB each: the picture on the page after
{pages[middle]:.2f} s (median), {pages[-1]:.2f} s (last); the first live picture after {live[middle]:.2f} s (median),
{live[-1]:.2f} s (last). Bar: {COLD:g} s for the last.
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Measure a class of visitors.")
    parser.add_argument("--models", nargs="+", default=["mnist", "faces"], metavar="NAME")
    parser.add_argument("--visitors", type=int, default=30, metavar="N")
    parser.add_argument("--many", type=int, default=100, metavar="N", help="visitors of the class that is reported")
    parser.add_argument("--seconds", type=float, default=60, metavar="S")
    parser.add_argument("--rate", type=float, default=20, metavar="N", help="requests a second")
    parser.add_argument("--note", default="", metavar="TEXT", help="what else must be known of the machine")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    told = about(COMMAND, os.getloadavg()[0], options.note)
    with served() as server:
        arrivals = asyncio.run(_bounded(arrive(server, options.visitors, within=30)))
    lessons = [lesson(model, options.visitors, options.rate, options.seconds) for model in options.models]
    missed = any(found.missed() for found in lessons) or max(a.page for a in arrivals) > COLD
    if options.many:
        short = options.seconds / 3
        lessons += [lesson(model, options.many, options.rate, short) for model in options.models]
    text = report(told, lessons, arrivals, options.rate, options.seconds)
    print(text) if options.dry else section("live", "class_room", text)
    return int(missed)
