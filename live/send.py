"""The way out for what a visitor takes home: it streams from the disk, and nothing of it is held in memory.

GET live/take/KEY   a file that a page offered to its visitor (`live.takeaways.offer`); a plain link leads here
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from live.http import Handler
from live.visitor import owner_of
from vae.errors import VAEError

HEADERS = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


def take() -> Handler:
    """The handler: who may see the model still gets the file, made once more where it was given up meanwhile."""

    async def answer(request: Request) -> Response:
        return await run_in_threadpool(reply, request)

    def reply(request: Request) -> Response:
        from live import takeaways  # here, because it imports torch

        try:
            path, name = takeaways.offered(request.path_params["key"], owner_of(request.cookies))
        except VAEError as error:
            return PlainTextResponse(str(error), 404, HEADERS)
        return FileResponse(path, headers=HEADERS, filename=name, media_type="application/octet-stream")

    return answer
