"""Visitors without a browser: Streamlit's own socket and the live one, spoken as a browser speaks them.

Many of them run in one process, so that the machine is left to the server that is measured.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from benchmarks.report import measured_on
from live.wire import REPLY_HEAD, Decode, Request
from tools.browser import ROOT, RunningApp, free_port
from vae.errors import VAEError

FRAME = 4  # bytes of a WebSocket frame's own head, about


# ---- the server ----------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """The app under measurement."""

    app: RunningApp
    folder: Path

    @property
    def port(self) -> int:
        return int(self.app.url.rsplit(":", 1)[1])

    def memory(self) -> float:
        """MB of memory that the process holds (its resident set)."""
        lines = Path(f"/proc/{self.app.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))

    def seconds(self) -> float:
        """Seconds of processor time it has used."""
        words = Path(f"/proc/{self.app.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def batches(self) -> dict[int, int]:
        """How often its queue decoded each number of pictures. Ends the server."""
        os.kill(self.app.process.pid, signal.SIGINT)  # at SIGTERM uvicorn ends without a word
        self.app.process.wait(30)
        return {int(size): int(times) for size, times in json.loads(self._left.read_text())["batches"]}

    @property
    def _left(self) -> Path:
        return self.folder / "statistics.json"


@contextmanager
def served() -> Iterator[Server]:
    """The app, with a home of its own, ended with the block."""
    with tempfile.TemporaryDirectory(prefix="muscope-measured-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        words = [sys.executable, "-m", "benchmarks.live.served", str(port), str(folder / "statistics.json")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
        environment |= {"MUSCOPE_HOME": str(folder / "home")}
        log = folder / "app.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        app = RunningApp(f"http://127.0.0.1:{port}", log, process, time.perf_counter())
        try:
            app.wait()
            yield Server(app, folder)
        finally:
            app.stop()


# ---- a page --------------------------------------------------------------------------------------------------------


@dataclass
class Page:
    """What one run of a page left with the browser: enough to speak the live wire."""

    token: str  # "" where the page has no live part
    model: str
    picture: bool  # the large picture came with it
    seconds: float  # from the request to the end of the run
    bytes: int


class Session:
    """A tab, as Streamlit sees it."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._pages: dict[str, str] = {}  # end of the address to Streamlit's name of the page

    async def run(self, query: str = "", page: str = "") -> Page:
        """Run a page, and read it to its end.

        Args:
            query: of the address, such as "model=mnist".
            page: the end of its address, such as "sliders"; the first run must be of the first page, "".
        """
        wish = BackMsg()
        wish.rerun_script.query_string = query
        wish.rerun_script.page_script_hash = self._pages.get(page, "")
        began, size, found = time.perf_counter(), 0, None
        await self._socket.send(wish.SerializeToString())
        while True:
            raw = await self._socket.recv(decode=False)
            size += len(raw)
            message = ForwardMsg()
            message.ParseFromString(raw)
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "bidi_component":
                found = _data(message.delta.new_element.bidi_component) or found
            if kind == "navigation":
                self._pages = {each.url_pathname: each.page_script_hash for each in message.navigation.app_pages}
            if kind == "script_finished":
                seconds = time.perf_counter() - began
                if found is None:
                    return Page("", "", False, seconds, size)
                return Page(found["live"]["token"], found["model"], "png" in found, seconds, size)


def _data(component: Any) -> dict[str, Any] | None:
    text = component.json or component.mixed.json
    data = json.loads(text) if text else None
    return data if isinstance(data, dict) and "live" in data else None


@asynccontextmanager
async def session(port: int) -> AsyncIterator[Session]:
    """A tab that is open for the length of the block."""
    address, origin = f"ws://127.0.0.1:{port}/_stcore/stream", Origin(f"http://127.0.0.1:{port}")
    async with connect(
        address,
        origin=origin,
        subprotocols=[Subprotocol("streamlit")],
        compression=None,
        max_size=None,
        ping_interval=None,
    ) as socket:
        yield Session(socket)


async def fetch(port: int, paths: Sequence[str]) -> list[bytes]:
    """Files, one after the other on one kept connection, as one of a browser's does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    bodies = []
    try:
        for path in paths:
            writer.write(f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            if (length := re.search(r"content-length: (\d+)", head)) is None or " 200 " not in head.split("\r\n")[0]:
                raise RuntimeError(f"/{path}: {head.splitlines()[0]}")
            bodies.append(await reader.readexactly(int(length[1])))
    finally:
        writer.close()
    return bodies


async def open_as_a_browser(port: int) -> int:
    """Fetch the page and all that it names at once, six at a time. Returns bytes."""
    (page,) = await fetch(port, [""])
    named = sorted(set(re.findall(r'(?:src|href)="\./(static/[^"]+)"', page.decode())))
    parts = await asyncio.gather(*(fetch(port, named[i::6]) for i in range(6)))
    return len(page) + sum(len(body) for bodies in parts for body in bodies)


# ---- the live wire -------------------------------------------------------------------------------------------------


@dataclass
class Trace:
    """What one hand met.

    Attributes:
        waits: seconds from each request to the picture of it or of a newer one.
        unanswered: requests that no picture followed.
        received, sent: bytes, with the heads of their frames.
    """

    waits: list[float] = field(default_factory=list)
    answers: int = 0
    refused: int = 0
    unanswered: int = 0
    received: int = 0
    sent: int = 0
    lost: int = 0

    def add(self, other: Self) -> None:
        self.waits += other.waits
        for name in ("answers", "refused", "unanswered", "received", "sent", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Line:
    """The live socket of a tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def ask(self, message: bytes) -> bytes:
        """One request, one answer."""
        await self.socket.send(message)
        return await self.socket.recv(decode=False)

    async def drag(self, messages: Sequence[bytes], rate: float, first: int) -> Trace:
        """Send requests at an even pace, whatever comes back, and take what comes back.

        Args:
            messages: numbered one after the other.
            rate: a second.
            first: number of the first.
        """
        trace = Trace()
        sent: dict[int, float] = {}  # number to when, oldest first
        last = first + len(messages) - 1
        loop = asyncio.get_running_loop()
        over = asyncio.Event()

        async def read() -> None:
            try:
                while sent or not over.is_set():
                    answer = await self.socket.recv(decode=False)
                    now = loop.time()
                    kind, _, _, number, *_ = REPLY_HEAD.unpack_from(answer)
                    trace.received += len(answer) + FRAME
                    trace.answers += 1
                    trace.refused += kind == 0
                    while sent and (oldest := next(iter(sent))) <= number:
                        trace.waits.append(now - sent.pop(oldest))
                    if number == last:
                        return
            except ConnectionClosed:
                trace.lost += 1

        reading = asyncio.create_task(read())
        began = loop.time()
        for i, message in enumerate(messages):
            if (wait := began + i / rate - loop.time()) > 0:
                await asyncio.sleep(wait)
            sent[first + i] = loop.time()
            trace.sent += len(message) + FRAME
            try:
                await self.socket.send(message)
            except ConnectionClosed:
                break
        over.set()
        done, _ = await asyncio.wait([reading], timeout=5)
        if not done:
            reading.cancel()
        trace.unanswered = len(sent)
        return trace


@asynccontextmanager
async def line(port: int, token: str) -> AsyncIterator[Line]:
    """A live socket that has shown its ticket."""
    address, origin = f"ws://127.0.0.1:{port}/live/socket", Origin(f"http://127.0.0.1:{port}")
    async with connect(
        address, origin=origin, compression=None, max_size=None, max_queue=None, ping_interval=None
    ) as socket:
        await socket.send(json.dumps({"token": token}))
        if json.loads(await socket.recv()) != {"ready": True}:
            raise VAEError("The live socket did not take the page's token.")
        yield Line(socket)


def strokes(model: str, latent_dim: int, count: int, seed: int, first: int = 0, every: int = 2) -> list[bytes]:
    """Requests of a hand that wanders among the codes; every second one also asks how unusual the code is."""
    generator = np.random.default_rng(seed)
    steps = generator.standard_normal((count, latent_dim)).astype(np.float32)
    codes = np.empty_like(steps)
    code = generator.standard_normal(latent_dim).astype(np.float32)
    for i, step in enumerate(steps):
        code = codes[i] = 0.995 * code + 0.1 * step  # stays N(0, I)
    return [
        Request(Decode(codes[i : i + 1]), model, 0, first + i, every > 0 and i % every == 0).write()
        for i in range(count)
    ]


def about(command: str, load: float, note: str) -> str:
    """When and on what it was measured, how busy the machine was before, and what else must be known."""
    return " ".join(filter(None, [measured_on(command), f"Load of the machine before: {load:.1f}.", note]))


def percentiles(waits: Sequence[float]) -> tuple[float, float, float]:
    """(median, 95th, 99th) in milliseconds."""
    if not waits:
        return (float("nan"),) * 3
    p50, p95, p99 = np.percentile(np.array(waits) * 1000, (50, 95, 99))
    return float(p50), float(p95), float(p99)
