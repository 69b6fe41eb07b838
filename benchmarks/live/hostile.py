"""A hostile client: what happens to it, and what its neighbours notice.

First every way to come in where one should not, one after the other, and what became of each. Then five good visitors
drag at 20 requests a second: alone, and beside a client that offers 10,000 requests a second on each of four sockets
with its own ticket. The wait is from a request to the picture of it or of a newer one; the good visitors' p95 may at
most double. Of a flood those requests count that left the client's hands, be it into the buffers of the system.

Reported without a bar: beside one that fills a socket with 1,000 requests, drops it, and opens the next, ten times a
second. Such a burst is taken apart by the web server itself before we see the first of it.
"""

import argparse
import asyncio
import base64
import json
import os
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from benchmarks.live.visitors import Line, Server, Trace, about, line, percentiles, served, session, strokes
from benchmarks.report import section
from live.engine import shared

COMMAND = "python -m benchmarks.live hostile"
TIMES = 2.0  # the good visitors' p95 beside a flood, against that without: the bar
FLOOD = 10_000  # requests a second
GOOD = 5  # visitors
MODEL = "faces"
LARGE = 100 << 20  # bytes of one message
PATIENCE = 300  # seconds for the whole


@dataclass
class Attempt:
    """What was tried, what should come of it, and what did."""

    what: str
    wanted: str
    came: str


# ---- one way in after the other ------------------------------------------------------------------------------------


async def attempts(server: Server, token: str, model: str) -> list[Attempt]:
    """Every one of them, on the server as it is."""
    found: list[Attempt] = []

    async def attempt(what: str, wanted: str, way: Callable[[], Awaitable[str]]) -> None:
        found.append(Attempt(what, wanted, await way()))

    async def knock(origin: str | None) -> str:
        try:
            async with _socket(server, origin):
                return "let in"
        except InvalidStatus as error:
            return f"HTTP {error.response.status_code}"

    async def say(*messages: str | bytes, show: bool = True) -> str:
        async with _socket(server, server.app.url) as socket:
            with suppress(ConnectionClosed):
                if show:
                    await socket.send(json.dumps({"token": token}))
                    await socket.recv()
                for message in messages:
                    await socket.send(message)
            return await _end(socket)

    (good,) = strokes(model, 16, 1, seed=1)
    others = good.replace(bytes.fromhex(model), b"\xde\xad" * 4)
    await attempt("a page of another origin", "HTTP 403", lambda: knock("https://elsewhere.example"))
    await attempt("no origin", "HTTP 403", lambda: knock(None))
    await attempt("no token", "closed, 1008", lambda: say(show=False))
    await attempt("a made-up token", "closed, 4401", lambda: say('{"token": "made up"}', show=False))
    await attempt("another visitor's model, three times", "closed, 4403", lambda: say(others, others, others))
    await attempt("random bytes", "closed, 1008", lambda: say(os.urandom(200)))
    await attempt("text", "closed, 1008", lambda: say("DROP TABLE models"))
    await attempt("a message of 1 MB", "closed, 1009", lambda: say(bytes(1 << 20)))
    before = server.memory()
    await attempt("the head of a message of 100 MB", "closed, 1009", lambda: _large(server, token, "/live/socket"))
    await attempt("the same to Streamlit's own socket", "closed, 1009", lambda: _large(server, None, "/_stcore/stream"))
    grown = server.memory() - before
    found.append(Attempt("memory after both, MB", "10 at most", f"{max(0.0, grown):.0f}"))
    return found


def _socket(server: Server, origin: str | None) -> connect:
    address = f"ws://127.0.0.1:{server.port}/live/socket"
    return connect(address, origin=Origin(origin) if origin else None, compression=None, max_size=None)


async def _end(socket: ClientConnection) -> str:
    try:
        async with asyncio.timeout(10):
            while True:
                await socket.recv()
    except ConnectionClosed as error:
        return f"closed, {error.rcvd.code}" if error.rcvd else "closed without a word"
    except TimeoutError:
        return "still open"


async def _large(server: Server, token: str | None, path: str) -> str:
    """Announce a message of 100 MB, and see what the server says to its head alone. A client's library would refuse."""
    reader, writer = await _raw(server, path, token)
    writer.write(struct.pack("!BBQ4s", 0x82, 0xFF, LARGE, b"\0\0\0\0"))
    try:
        async with asyncio.timeout(5):
            while True:
                first, length = await reader.readexactly(2)
                body = await reader.readexactly(length if length < 126 else int.from_bytes(await reader.readexactly(2)))
                if first & 0x0F == 8:  # the frame that closes
                    return f"closed, {int.from_bytes(body[:2])}"
    except TimeoutError:
        return "read on"
    except (ConnectionError, asyncio.IncompleteReadError):
        return "closed without a word"
    finally:
        writer.close()


async def _raw(server: Server, path: str, token: str | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket without a library around it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = {
        "Host": f"127.0.0.1:{server.port}",
        "Origin": server.app.url,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    if token is not None:
        writer.write(_frame(json.dumps({"token": token}).encode(), text=True))
        _, length = await reader.readexactly(2)
        await reader.readexactly(length)  # that it is ready
    return reader, writer


def _frame(body: bytes, text: bool = False) -> bytes:
    length = bytes([0x80 | len(body)]) if len(body) < 126 else struct.pack("!BH", 0xFE, len(body))
    return bytes([0x81 if text else 0x82]) + length + b"\0\0\0\0" + body  # a mask of zeros changes nothing


# ---- the flood -----------------------------------------------------------------------------------------------------


async def pour(server: Server, token: str, frames: bytes, count: int) -> int:
    """Offer FLOOD requests a second on one socket until cancelled. Returns how many the server's side took."""
    _, writer = await _raw(server, "/live/socket", token)
    taken, began = 0, time.perf_counter()
    try:
        while True:
            writer.write(frames)
            await writer.drain()
            taken += count
            await asyncio.sleep(max(0.0, began + taken / FLOOD - time.perf_counter()))
    except ConnectionError:
        return taken
    except asyncio.CancelledError:
        return taken
    finally:
        writer.transport.abort()  # to close it would first bring the rest of the flood


async def come_again(server: Server, token: str, frames: bytes, count: int) -> int:
    """Fill a socket, drop it, open the next, FLOOD requests a second, until cancelled."""
    taken, began = 0, time.perf_counter()
    try:
        while True:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                _, writer = await _raw(server, "/live/socket", token)
                writer.write(frames)
                await asyncio.sleep(0)
                writer.transport.abort()
                taken += count
            await asyncio.sleep(max(0.0, began + taken / FLOOD - time.perf_counter()))
    except asyncio.CancelledError:
        return taken


@dataclass
class Neighbours:
    """The good visitors in one setting."""

    setting: str
    trace: Trace
    offered: float  # requests of the flood that were taken off its hands, a second
    server: float  # share of one core


async def neighbours(server: Server, setting: str, lines: list[Line], model: str, seconds: float, flood) -> Neighbours:  # type: ignore[no-untyped-def]
    """Drag beside whatever `flood` starts."""
    rate = 20.0
    floods = [asyncio.create_task(each) for each in flood()]
    await asyncio.sleep(1.0 if floods else 0.0)  # its first burst is over
    began, cpu = time.perf_counter(), server.seconds()

    async def drag(number: int) -> Trace:
        await asyncio.sleep(number / rate / GOOD)
        return await lines[number].drag(strokes(model, 16, int(rate * seconds), seed=number), rate, 0)

    whole = Trace()
    for trace in await asyncio.gather(*(drag(number) for number in range(GOOD))):
        whole.add(trace)
    took = time.perf_counter() - began
    used = (server.seconds() - cpu) / took
    for each in floods:
        each.cancel()
    taken = sum(await asyncio.gather(*floods))
    await asyncio.sleep(2)  # what it left behind is worked off
    return Neighbours(setting, whole, taken / (took + 1), used)


async def measure(server: Server, seconds: float) -> tuple[list[Attempt], list[Neighbours]]:
    entry = next(entry for entry in shared().models() if entry.name == MODEL)
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as room:

        async def come() -> str:
            tab = await room.enter_async_context(session(server.port))
            return (await tab.run(f"model={MODEL}")).token

        lines = [await room.enter_async_context(line(server.port, await come())) for _ in range(GOOD)]
        token, again = await come(), await come()
        batch = strokes(entry.model_id, 16, 1000, seed=99)
        frames = b"".join(_frame(message[:1] + bytes([i % 6]) + message[2:]) for i, message in enumerate(batch))
        found = await attempts(server, await come(), entry.model_id)
        settings = [
            ("alone", list),
            (f"beside {FLOOD:,} requests a second on each of four sockets",
             lambda: [pour(server, token, frames, len(batch)) for _ in range(4)]),
            ("beside as many from one that fills a socket, drops it and opens the next",
             lambda: [come_again(server, again, frames, len(batch))]),
            ("alone again", list),
        ]  # fmt: skip
        return found, [await neighbours(server, name, lines, entry.model_id, seconds, way) for name, way in settings]


# ---- what is said of it --------------------------------------------------------------------------------------------


def report(told: str, found: list[Attempt], settings: list[Neighbours]) -> str:
    tries = "\n".join(f"| {each.what} | {each.wanted} | {each.came} |" for each in found)
    alone = percentiles(settings[0].trace.waits)[1]
    rows = "\n".join(
        f"| {each.setting} | {p50:.1f} / {p95:.1f} / {p99:.1f} | {p95 / alone:.2f} | "
        f"{each.trace.refused + each.trace.lost + each.trace.unanswered} | {each.offered:,.0f} | {each.server:.0%} |"
        for each in settings
        for p50, p95, p99 in [percentiles(each.trace.waits)]
    )
    return f"""## A hostile client

{told}

| what is tried | wanted | came |
|---|---|---|
{tries}

{GOOD} good visitors drag `{MODEL}` at 20 requests a second. Bar: their p95 at most {TIMES:g} times that alone
beside the first flood; the second is reported.

| the good visitors | wait, ms (p50 / p95 / p99) | p95 against alone | errors | flood, requests a second | \
server, of one core |
|---|---:|---:|---:|---:|---:|
{rows}
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Measure what a hostile client can do.")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="of each setting")
    parser.add_argument("--note", default="", metavar="TEXT", help="what else must be known of the machine")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    told = about(COMMAND, os.getloadavg()[0], options.note)
    with served() as server:
        found, settings = asyncio.run(measure(server, options.seconds))
    text = report(told, found, settings)
    print(text) if options.dry else section("live", "hostile", text)
    p95 = [percentiles(each.trace.waits)[1] for each in settings]
    *tries, grown = found
    return int(any(each.came != each.wanted for each in tries) or float(grown.came) > 10 or p95[1] > TIMES * p95[0])
