"""The way out for what a visitor takes home: it streams from the disk, and nothing of it is held in memory.

GET live/take/KEY   a file that a page offered to its visitor (`live.takeaways.offer`); a plain link leads here
"""

from collections.abc import Callable

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from live.http import Handler
from live.visitor import owner_of
from vae.errors import VAEError

HEADERS = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
STREAMS, STREAMS_OF_ONE = 200, 4  # downloads at a time, together and of one visitor
LOOKERS = 2  # threads that look for files: those that answer others are never taken


def take() -> Handler:
    """The handler: who may see the model still gets the file while it is kept. Nothing is made here."""
    streams: dict[str, int] = {}
    lookers: list[CapacityLimiter] = []  # made when the first one comes: it belongs to the loop of the server

    async def answer(request: Request) -> Response:
        key, visitor = request.path_params["key"], owner_of(request.cookies)
        who = visitor or key  # of a browser that keeps no cookies the key says who it is
        if sum(streams.values()) >= STREAMS or streams.get(who, 0) >= STREAMS_OF_ONE:
            return PlainTextResponse("Many files are being fetched at the moment: try again in a minute.", 503, HEADERS)
        streams[who] = streams.get(who, 0) + 1
        try:
            if not lookers:
                lookers.append(CapacityLimiter(LOOKERS))
            response = await to_thread.run_sync(find, key, visitor, limiter=lookers[0])
        except BaseException:
            leave(who)
            raise
        return _Counted(response, lambda: leave(who))

    def leave(who: str) -> None:
        streams[who] -= 1
        if not streams[who]:
            del streams[who]

    return answer


def find(key: str, visitor: str) -> Response:
    """The file of a key, or why there is none."""
    from live import takeaways  # here, because it imports torch

    try:
        path, name = takeaways.offered(key, visitor)
    except VAEError as error:
        return PlainTextResponse(str(error), 404, HEADERS)
    return FileResponse(path, headers=HEADERS, filename=name, media_type="application/octet-stream")


class _Counted(Response):
    """A response that says when it is over, however it ends."""

    def __init__(self, response: Response, over: Callable[[], None]) -> None:
        self._response, self._over = response, over

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._response(scope, receive, send)
        finally:
            self._over()
