"""The way in for what a visitor brings: it streams to the disk, and nothing of it is held in memory.

POST live/upload/UPLOAD/begin   {"files": 3, "bytes": 123}: may it come? Its room is kept, or one line says why not
POST live/upload/UPLOAD/files   some of its files, one behind the other (`live.uploads.Parcel`); again after a failure
POST live/upload/UPLOAD/finish  all have come
POST live/upload/UPLOAD/remove  nothing of it is wanted
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from live.http import TICKET, Handler
from live.tickets import Tickets, shared_tickets
from live.visitor import who
from vae.errors import VAEError

if TYPE_CHECKING:
    from live.uploads import Parcel, Uploads

PIECE = 256 << 10  # bytes handed to the disk at a time
SILENCE = 60.0  # seconds without a byte, and a request is given up
PATIENCE = 20.0  # seconds to hear out a request that is refused
STREAMS, STREAMS_OF_ONE = 200, 4  # requests with files at a time, together and of one visitor
WRITERS = 4  # threads that write: those that answer others are never all taken
SMALL = 4 << 10  # bytes of a request that brings no files

GONE = {"Cache-Control": "no-store"}


def shared() -> "Uploads":
    """The uploads of this server."""
    from live.uploads import shared_uploads  # here, because it imports NumPy

    return shared_uploads()


def upload(tickets: Callable[[], Tickets] = shared_tickets, uploads: "Callable[[], Uploads]" = shared) -> Handler:
    """The handler of all four; what is refused is one line, with a status that says whether to come again (503)."""
    streams: dict[str, int] = {}
    writers: list[CapacityLimiter] = []  # made when the first one comes: it belongs to the loop of the server

    async def answer(request: Request) -> Response:
        token, name = request.headers.get(TICKET, ""), request.path_params["upload"]
        if not tickets().known(token):
            return PlainTextResponse("This page has no ticket any more: reload it.", 401, GONE)
        owner = who(request.cookies, tickets().visitor(token))
        does = {"begin": begin, "files": files, "finish": finish, "remove": remove}.get(request.path_params["what"])
        if does is None:
            return PlainTextResponse("There is no such thing to ask of an upload.", 404, GONE)
        try:
            return await does(request, owner, name)
        except VAEError as error:
            return PlainTextResponse(str(error), 400, GONE)
        except (ClientDisconnect, TimeoutError):
            return PlainTextResponse("The connection was lost: try once more.", 408, GONE)

    async def begin(request: Request, owner: str, name: str) -> Response:
        said = await _small(request)
        address = request.client.host if request.client else ""
        await in_thread(uploads().begin, owner, name, said.get("files"), said.get("bytes"), address)
        return Response(status_code=204, headers=GONE)

    async def finish(_request: Request, owner: str, name: str) -> Response:
        await in_thread(uploads().finish, owner, name)
        return Response(status_code=204, headers=GONE)

    async def remove(_request: Request, owner: str, name: str) -> Response:
        await in_thread(uploads().remove, owner, name)
        return Response(status_code=204, headers=GONE)

    async def files(request: Request, owner: str, name: str) -> Response:
        if sum(streams.values()) >= STREAMS or streams.get(owner, 0) >= STREAMS_OF_ONE:
            return PlainTextResponse("Many are uploading at the moment: try again in a minute.", 503, GONE)
        from live.uploads import Parcel

        streams[owner] = streams.get(owner, 0) + 1
        parcel = Parcel(uploads(), owner, name)
        try:
            await stream(request, parcel)
            if not parcel.whole():
                raise VAEError("A file did not come whole: upload it again.")
            return Response(status_code=204, headers=GONE)
        except VAEError:
            await _hear_out(request)
            raise
        finally:
            parcel.close()
            streams[owner] -= 1
            if not streams[owner]:
                del streams[owner]

    async def stream(request: Request, parcel: "Parcel") -> None:
        coming, piece = aiter(request.stream()), bytearray()
        while True:
            async with asyncio.timeout(SILENCE):
                chunk = await anext(coming, None)
            if chunk is not None:
                piece += chunk
            if len(piece) >= PIECE or (piece and chunk is None):
                await in_thread(parcel.feed, bytes(piece))  # no more is read of this line meanwhile
                piece.clear()
            if chunk is None:
                return

    async def in_thread(work: Callable[..., Any], *args: Any) -> Any:
        if not writers:
            writers.append(CapacityLimiter(WRITERS))
        return await to_thread.run_sync(work, *args, limiter=writers[0])

    return answer


async def _hear_out(request: Request) -> None:
    """Let the rest of a refused request come and forget it: a browser reads no answer before it has said everything."""
    with suppress(ClientDisconnect, TimeoutError, RuntimeError):  # RuntimeError: everything has come already
        async with asyncio.timeout(PATIENCE):
            async for _ in request.stream():
                pass


async def _small(request: Request) -> dict[str, Any]:
    """The JSON of a request that says little."""
    body = bytearray()
    async with asyncio.timeout(SILENCE):
        async for chunk in request.stream():
            body += chunk
            if len(body) > SMALL:
                break
    with suppress(ValueError, RecursionError):
        said = json.loads(body) if len(body) <= SMALL else None
        if isinstance(said, dict):
            return said
    raise VAEError("The page told something that cannot be read: reload it and try once more.")
