"""A class that uploads at once: 100 visitors with 20 MB each, and one who only looks at pictures meanwhile.

Each visitor has connections and a cookie of its own and says what a browser says: begin, the files, finish. The one
who looks drags on the live wire and turns pages all the while. Memory is the server's resident set: before, at its
worst, and for three minutes after.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.live.visitors import Server, about, line, percentiles, served, session, strokes
from benchmarks.report import section
from live.engine import shared
from live.visitor import COOKIE, owner_of

COMMAND = "python -m benchmarks.intake uploads"
WORST, AFTER, WITHIN = 1500.0, 300.0, 180.0  # MB above the base at most, MB after that many seconds: the bars
FILES = 4  # of an upload
PIECE = 64 << 10
RATE = 15.0  # requests a second of the hand that drags meanwhile


@dataclass
class Course:
    """What was seen: MB at each moment, seconds of each upload, and what the one who looks had to wait."""

    base: float
    memory: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    lost: int = 0
    back: float = float("nan")  # seconds after the last upload until the bar was reached
    rest: float = float("nan")  # MB at the end


class Visitor:
    """One who uploads, as a browser does."""

    def __init__(self, number: int, port: int, token: str) -> None:
        self.cookie, self.upload = f"{number:032d}", f"{number:016x}"
        self._port, self._token = port, token

    async def bring(self, data: bytes) -> None:
        """All of `data`, as a few files.

        Raises:
            RuntimeError: the server said no, with its line.
        """
        part = -(-len(data) // FILES)
        spans = [(at, min(at + part, len(data))) for at in range(0, len(data), part)]
        heads = [_head(number, last - first) for number, (first, last) in enumerate(spans, start=1)]
        await self._post("begin", [json.dumps({"files": len(spans), "bytes": len(data)}).encode()])
        pieces = [memoryview(data)[first:last] for first, last in spans]  # one copy for all visitors
        await self._post("files", [each for pair in zip(heads, pieces, strict=True) for each in pair])
        await self._post("finish", [])

    async def _post(self, what: str, parts: Sequence[bytes | memoryview]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            head = f"POST /live/upload/{self.upload}/{what} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            head += f"X-Muscope-Token: {self._token}\r\nCookie: {COOKIE}={self.cookie}\r\nConnection: close\r\n"
            writer.write(f"{head}Content-Length: {sum(len(part) for part in parts)}\r\n\r\n".encode())
            for part in parts:
                for at in range(0, len(part), PIECE):
                    writer.write(part[at : at + PIECE])
                    await writer.drain()
            said = (await reader.read()).decode()
        finally:
            writer.close()
        if " 204 " not in said.partition("\r\n")[0]:
            raise RuntimeError(said.rpartition("\r\n\r\n")[2] or said.partition("\r\n")[0] or "no answer")


def _head(number: int, size: int) -> bytes:
    said = json.dumps({"number": number, "name": f"{number}.npy", "size": size}).encode()
    return len(said).to_bytes(4, "little") + said


async def measured(server: Server, visitors: int, size: int) -> Course:
    """The whole course of it."""
    entry = next(entry for entry in shared().models() if entry.shipped)
    data = os.urandom(size)
    async with session(server.port) as tab:
        for _ in range(2):
            await tab.run(f"model={entry.name}")
            page = await tab.run(f"model={entry.name}", "bring")
            page = await tab.run(f"model={entry.name}", "sliders")
        async with line(server.port, page.token) as live:
            await live.drag(strokes(page.model, entry.latent_dim, 20, seed=0), 100, 0)
            course = Course(server.memory())
            over = asyncio.Event()

            async def watch() -> None:
                while not over.is_set():
                    course.memory.append(server.memory())
                    await asyncio.sleep(0.05)

            async def look() -> None:
                first = 20
                while not over.is_set():
                    some = strokes(page.model, entry.latent_dim, 15, seed=first, first=first)
                    trace = await live.drag(some, RATE, first)
                    course.waits += trace.waits
                    course.lost += trace.lost + trace.unanswered + trace.refused
                    first += len(some)
                    course.pages.append((await tab.run(f"model={entry.name}", "sliders")).seconds)

            async def upload(number: int) -> None:
                began = time.perf_counter()
                try:
                    await Visitor(number, server.port, page.token).bring(data)
                    course.took.append(time.perf_counter() - began)
                except (RuntimeError, OSError) as error:
                    course.refused.append(str(error))

            others = [asyncio.create_task(watch()), asyncio.create_task(look())]
            await asyncio.gather(*(upload(number) for number in range(1, visitors + 1)))
            over.set()
            await asyncio.gather(*others)
        ended = time.perf_counter()
        while (passed := time.perf_counter() - ended) < WITHIN:
            course.rest = server.memory()
            if course.rest <= course.base + AFTER:
                course.back = passed
                break
            await asyncio.sleep(1)
    return course


def whole(home: Path, visitors: int, size: int) -> int:
    """How many of the uploads lie on the disk whole."""
    found = 0
    for number in range(1, visitors + 1):
        folder = home / "uploads" / owner_of({COOKIE: f"{number:032d}"}) / f"{number:016x}"
        with suppress(OSError):
            there = (folder / "names.json").exists()
            found += there and sum(file.stat().st_size for file in folder.glob("*.bin")) == size
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND)
    parser.add_argument("--visitors", type=int, default=100)
    parser.add_argument("--mb", type=float, default=20.0)
    parser.add_argument("--note", default="")
    asked = parser.parse_args(arguments)
    size, load = int(asked.mb * 1e6), os.getloadavg()[0]
    with served() as server:
        course = asyncio.run(measured(server, asked.visitors, size))
        there = whole(server.folder / "home", asked.visitors, size)
    peak = max(course.memory) - course.base
    good = there == asked.visitors and not course.refused and peak <= WORST and course.back == course.back
    section(
        "intake", "uploads", _words(course, asked.visitors, asked.mb, there, peak, about(COMMAND, load, asked.note))
    )
    return 0 if good and not course.lost else 1


def _words(course: Course, visitors: int, mb: float, there: int, peak: float, how: str) -> str:
    p50, _, p99 = percentiles(course.waits)
    mean: Callable[[list[float]], float] = lambda numbers: sum(numbers) / max(len(numbers), 1)  # noqa: E731
    back = f"{course.back:.0f} s" if course.back == course.back else f"not within {WITHIN:.0f} s"
    rows = [
        ("uploads that lie on the disk whole", f"{there} of {visitors}", "all"),
        ("refused", "; ".join([f"{len(course.refused)}", *sorted(set(course.refused))]), "none"),
        ("an upload takes, mean and longest", f"{mean(course.took):.1f} s, {max(course.took, default=0):.1f} s", ""),
        ("memory before", f"{course.base:.0f} MB", ""),
        ("memory at its worst", f"+ {peak:.0f} MB", f"+ {WORST:.0f} MB"),
        (f"back to + {AFTER:.0f} MB after", f"{back} (+ {course.rest - course.base:.0f} MB)", f"{WITHIN:.0f} s"),
        ("a picture under another visitor's hand meanwhile, median and 99 %", f"{p50:.0f} ms, {p99:.0f} ms", ""),
        ("a page of another visitor meanwhile, longest", f"{max(course.pages, default=0):.2f} s", ""),
        ("requests of that visitor that were lost", f"{course.lost}", "none"),
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"""## {visitors} uploads of {mb:g} MB at once

{how}

| what | found | the bar |
|---|---|---|
{table}
"""
