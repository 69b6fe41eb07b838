"""What a page fetches: the files of the browser side, for everybody, and the parts of a map, for who shows a ticket."""

from collections.abc import Awaitable, Callable
from hashlib import blake2b

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from live.assets import WEB, web_path
from live.desk import Desk
from live.tickets import files_of
from vae.errors import VAEError

KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
TICKET = "X-Muscope-Token"

Handler = Callable[[Request], Awaitable[Response]]


async def web_file(request: Request) -> Response:
    """A module or a style sheet of `live/web`."""
    path = WEB / request.path_params["file"]
    kind = KINDS.get(path.suffix)
    if kind is None or path.parent != WEB or not path.is_file():
        return PlainTextResponse("There is no such file.", 404)
    # A page that was opened before a restart asks for the files of that time: it must not keep today's as those.
    now = request.url.path.endswith(f"{web_path()}/{path.name}")
    caching = "public, max-age=31536000, immutable" if now else "no-store"
    headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    return Response(path.read_bytes(), media_type=kind, headers=headers)


def map_part(what: str, desk: Callable[[], Desk]) -> Handler:
    """The handler for a part of a model's map: its "points" (of a view), a column of "colours", or the "files"."""

    async def answer(request: Request) -> Response:
        model_id, name = request.path_params["model_id"], request.path_params.get("name", "")
        token = request.headers.get(TICKET, "")
        return await run_in_threadpool(_answer, request.headers.get("If-None-Match"), token, model_id, name)

    def _answer(held: str | None, token: str, model_id: str, name: str) -> Response:
        from live import points

        tickets = desk().tickets
        if not tickets.known(token):
            return PlainTextResponse("This page has no ticket any more: reload it.", 401)
        if not tickets.allows(token, model_id):
            return PlainTextResponse("This page may not see that model: reload it.", 403)
        if what == "files" and not tickets.allows(token, files_of(model_id)):
            return PlainTextResponse("The names of these images are their owner's.", 403)
        payload = points.points_payload if what == "points" else points.colours_payload
        try:
            answers = desk().answers
            engine, entry = answers.engine, answers.known(model_id).entry
            body = points.files_payload(engine, entry) if what == "files" else payload(engine, entry, name)
        except VAEError as error:
            return PlainTextResponse(str(error), 404)
        # The address names the model, and a map may be made again for the same model: so the browser asks each time.
        tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = {"Cache-Control": "private, no-cache", "ETag": tag, "Vary": TICKET}
        if held == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/octet-stream", headers=headers)

    return answer
