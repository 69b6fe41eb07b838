"""The WebSocket of live pictures, and the routes that Streamlit's server carries for us.

Nothing here imports torch or NumPy before a visitor comes: `app.py` reads this file before the server answers, and the
first picture would come later.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from live.desk import Desk, shared_desk
from live.http import map_part, web_file
from live.once import Once
from live.receive import upload
from live.runs import curves, dots, film, frames
from live.send import take
from vae.errors import VAEError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from live.wire import Request

MESSAGE = 64 << 10  # bytes of a request at most
RATE, BURST = 200.0, 200.0  # requests a second and at once, for each token: a class may share one address
SOCKETS = 4  # of one token; one more closes the oldest, which is often a connection that is lost already
STRIKES = 3  # requests for a model that the ticket does not open, and the socket is closed
GREETING = 5.0  # seconds to show the token

# How a socket is closed, beside WebSocket's own codes.
GARBAGE, TOO_BIG = 1008, 1009
NO_TICKET, NOT_YOURS, TAKEN_OVER = 4401, 4403, 4409


def routes(
    base: str, origin_allowed: Callable[[str, str], bool], desk: Callable[[], Desk] = shared_desk
) -> list[BaseRoute]:
    """Everything under `/live/`.

    Args:
        base: what stands before every path of this server: "" or "/class".
        origin_allowed: (origin of a page, host that it asks) to whether that page may open a socket.
        desk: who answers; asked for when the first visitor comes.
    """
    lines, once = _Lines(), Once()

    async def socket(websocket: WebSocket) -> None:
        origin, host = (websocket.headers.get(name, "") for name in ("origin", "host"))
        # In a thread: for a foreign origin Streamlit may look up its own address first, and the others would wait.
        if not origin or not await asyncio.to_thread(origin_allowed, origin, host):
            await websocket.close()  # before it is accepted: the browser is told 403
            return
        await websocket.accept()
        with suppress(WebSocketDisconnect):
            await _serve(websocket, lines, await asyncio.to_thread(desk), once)

    return [
        WebSocketRoute(f"{base}/live/socket", socket),
        Route(f"{base}/live/web/{{version}}/{{file}}", web_file),
        Route(f"{base}/live/upload/{{upload}}/{{what}}", upload(), methods=["POST"]),
        Route(f"{base}/live/take/{{key}}", take()),
        Route(f"{base}/live/points/{{model_id}}/{{name}}", map_part("points", desk)),
        Route(f"{base}/live/colours/{{model_id}}/{{name:path}}", map_part("colours", desk)),
        Route(f"{base}/live/files/{{model_id}}", map_part("files", desk)),
        Route(f"{base}/live/reels/{{kind}}/{{name}}/dots", dots(desk)),
        Route(f"{base}/live/reels/{{kind}}/{{name}}/curves/{{version}}", curves(desk)),
        Route(f"{base}/live/reels/{{kind}}/{{name}}/film", film(desk)),
        Route(f"{base}/live/reels/{{kind}}/{{name}}/frames/{{wanted}}", frames(desk)),
    ]


# ---- one socket ----------------------------------------------------------------------------------------------------


class _Bucket:
    """So many messages a second, and no more at once than BURST."""

    def __init__(self) -> None:
        self._left, self._seen = BURST, monotonic()

    def take(self) -> float:
        """Take one message out: 0. Or, where there is none, the seconds until there is one."""
        now = monotonic()
        self._left, self._seen = min(BURST, self._left + (now - self._seen) * RATE), now
        if self._left < 1:
            return (1 - self._left) / RATE
        self._left -= 1
        return 0.0


class _Lines:
    """The open sockets of each token, and its bucket: a second socket does not double its rate."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[_Bucket, list[_Visit]]] = {}

    async def enter(self, visit: "_Visit") -> _Bucket:
        bucket, visits = self._open.setdefault(visit.token, (_Bucket(), []))
        visits.append(visit)
        if len(visits) > SOCKETS:
            await visits.pop(0).close(TAKEN_OVER, "another socket has come in this one's place")
        return bucket

    def leave(self, visit: "_Visit") -> None:
        _, visits = self._open.get(visit.token, (None, []))
        if visit in visits:
            visits.remove(visit)
        # Not at once: whoever comes back at once comes back to the same bucket, and has no new burst.
        asyncio.get_running_loop().call_later(BURST / RATE, self._forget, visit.token)

    def _forget(self, token: str) -> None:
        if token in self._open and not self._open[token][1]:
            del self._open[token]


class _Visit:
    """One socket that showed a ticket: what comes in goes to the queue, what is ready goes out.

    Of each lane only the newest answer is kept until it is sent, so a slow line is not sent what is old already.
    """

    def __init__(self, websocket: WebSocket, token: str, desk: Desk, once: Once) -> None:
        self.token = token
        self._websocket = websocket
        self._desk, self._once = desk, once
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, Future[bytes]] = {}  # lane to the answer to come
        self._newest: dict[int, Request] = {}
        self._ready: dict[int, bytes] = {}  # lane to the answer to send
        self._something_ready = asyncio.Event()
        self._preparing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._strikes = 0
        self._closed = False

    async def run(self, bucket: _Bucket) -> None:
        """Serve until the socket closes."""
        from live import wire  # here, because it imports NumPy

        sending = self._start(self._send())
        try:
            while not (self._closed or sending.done()):
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                body = message.get("bytes")
                if body is None:
                    return await self.close(GARBAGE, "requests are binary")
                if len(body) > MESSAGE:
                    return await self.close(TOO_BIG, f"a request has at most {MESSAGE} bytes")
                while (wait := bucket.take()) and not self._closed:
                    await asyncio.sleep(wait)  # nothing more is read of this socket meanwhile: its sender feels it
                try:
                    request = wire.parse(body)
                except VAEError as error:
                    return await self.close(GARBAGE, str(error))
                if not self._desk.tickets.allows(self.token, request.model_id):
                    self._strikes += 1
                    if self._strikes >= STRIKES:
                        return await self.close(NOT_YOURS, "these models are not yours to see")
                    self._put(request, wire.refusal(request, "This page may not see that model: reload it."))
                else:
                    self._take(request)
        finally:
            self._closed = True
            for future in self._waiting.values():
                future.cancel()
            for task in self._tasks:
                task.cancel()

    async def close(self, code: int, reason: str = "") -> None:
        """Close the socket from our side; a code tells the page what to do."""
        self._closed = True
        with suppress(WebSocketDisconnect, RuntimeError):  # RuntimeError: it is closed already
            await self._websocket.close(code, reason[:100])

    def _take(self, request: "Request") -> None:
        self._newest[request.lane] = request
        if self._desk.answers.ready(request):
            self._submit(request)
        else:
            self._start(self._prepare(request))

    async def _prepare(self, request: "Request") -> None:
        """What is slow the first time is made outside the queue, where nobody waits behind it; one thing at a time."""
        async with self._preparing:
            if self._newest.get(request.lane) is request:
                with suppress(Exception):  # the queue will meet it again, and say it
                    for name, work in self._desk.answers.slow(request):
                        await self._once.do(name, work)
        if self._newest.get(request.lane) is request:
            self._submit(request)

    def _submit(self, request: "Request") -> None:
        from live import wire

        try:
            future = self._desk.queue.submit(self.token, (id(self), request.lane), self._desk.answers.job(request))
        except VAEError as error:
            return self._put(request, wire.refusal(request, str(error)))
        self._waiting[request.lane] = future

        def done(answered: "Future[bytes]") -> None:  # in the queue's thread
            if not answered.cancelled():
                with suppress(RuntimeError):  # the loop is closed: the server is going down
                    self._loop.call_soon_threadsafe(self._answered, request, answered)

        future.add_done_callback(done)

    def _answered(self, request: "Request", future: "Future[bytes]") -> None:
        from live import wire

        if self._waiting.get(request.lane) is future:
            del self._waiting[request.lane]
        error = future.exception()
        if error is None:
            self._put(request, future.result())
        elif isinstance(error, VAEError):
            self._put(request, wire.refusal(request, str(error)))
        else:
            self._put(request, wire.refusal(request, "The picture could not be made: the terminal says why."))

    def _put(self, request: "Request", answer: bytes) -> None:
        self._ready[request.lane] = answer
        self._something_ready.set()

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._something_ready.wait()
                self._something_ready.clear()
                while self._ready:
                    lane = next(iter(self._ready))
                    await self._websocket.send_bytes(self._ready.pop(lane))

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _serve(websocket: WebSocket, lines: _Lines, desk: Desk, once: Once) -> None:
    token = await _token(websocket)
    if token is None:
        return await websocket.close(GARBAGE, "show a token first")
    if not desk.tickets.known(token):
        return await websocket.close(NO_TICKET, "unknown token: the page must run again")
    visit = _Visit(websocket, token, desk, once)
    bucket = await lines.enter(visit)
    try:
        await websocket.send_text('{"ready": true}')
        await visit.run(bucket)
    finally:
        lines.leave(visit)


async def _token(websocket: WebSocket) -> str | None:
    """The token in the first message; None where there is none in time."""
    try:
        async with asyncio.timeout(GREETING):
            message = await websocket.receive()
    except TimeoutError:
        return None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect()
    try:
        token = json.loads(message.get("text") or "")["token"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return token if isinstance(token, str) else None
