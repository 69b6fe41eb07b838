"""What a browser fetches of a training: the dots of its map, the frames of its unfolding, its curves, a film of it.

Over plain HTTP: a class of thirty watches one run, nothing of it goes through their sessions, and what a browser has it
keeps. Whoever has a ticket may watch any run but those of data that another visitor keeps private; the history of a
model is for those who may see the model.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from live.desk import Desk
from live.http import TICKET, Handler
from live.visitor import who
from vae.errors import VAEError

if TYPE_CHECKING:
    from live.reels import Reel

MOST = 100  # frames in one answer
FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
GONE = {"Cache-Control": "no-store"}


def dots(desk: Callable[[], Desk]) -> Handler:
    """The handler for the dots of a reel: which class each is of."""

    def answer(reel: "Reel", request: Request) -> tuple[bytes, bool]:
        from live.reels import dots_payload

        return dots_payload(reel), True

    return _handler(desk, answer)


def curves(desk: Callable[[], Desk]) -> Handler:
    """The handler for the curves of a reel; the address names how far they had come, so it is another for more."""

    def answer(reel: "Reel", request: Request) -> tuple[bytes, bool]:
        from live.reels import curves_payload

        return curves_payload(reel), reel.drawn == request.path_params["version"]

    return _handler(desk, answer)


def frames(desk: Callable[[], Desk]) -> Handler:
    """The handler for frames of a reel, named as `live.reels.Shot` does, with commas between them."""

    def answer(reel: "Reel", request: Request) -> tuple[bytes, bool]:
        from live.reels import frames_payload

        names = request.path_params["wanted"].split(",")
        if len(names) > MOST:
            raise VAEError(f"No more than {MOST} frames are sent at once: ask for fewer.")
        return frames_payload(reel, names)

    return _handler(desk, answer)


def film(desk: Callable[[], Desk]) -> Handler:
    """The handler for the film of a reel, a GIF file: made when it is asked for, which takes a second or two."""

    def answer(reel: "Reel", request: Request) -> tuple[bytes, bool]:
        from live.reels import film_of

        return film_of(reel), False

    return _handler(desk, answer)


def _handler(desk: Callable[[], Desk], answer: "Callable[[Reel, Request], tuple[bytes, bool]]") -> Handler:
    async def handle(request: Request) -> Response:
        return await run_in_threadpool(reply, request)

    def reply(request: Request) -> Response:
        tickets, token = desk().tickets, request.headers.get(TICKET, "")
        kind, name = request.path_params["kind"], request.path_params["name"]
        if not tickets.known(token):
            return PlainTextResponse("This page has no ticket any more: reload it.", 401, GONE)
        if kind == "model" and not tickets.allows(token, name):
            return PlainTextResponse("This page may not see that model: reload it.", 403, GONE)
        try:
            if kind == "run":
                _check_private(name, who(request.cookies, tickets.visitor(token)))
            body, whole = answer(_reel(desk(), kind, name), request)
        except VAEError as error:
            return PlainTextResponse(str(error), 404, GONE)
        return Response(body, media_type="application/octet-stream", headers=FOR_EVER if whole else GONE)

    return handle


def _check_private(name: str, visitor: str) -> None:
    """VAEError: this training is of data that another visitor brought and keeps private."""
    from live import privacy
    from live.components import this_machine_only
    from vae.home import runs_folder
    from vae.train.run import ID, Run

    if this_machine_only() or not ID.fullmatch(name):
        return
    run = Run.open(runs_folder() / name)
    if not privacy.may_watch(run.owner, privacy.data_of(run), visitor):
        raise VAEError("There is no such history: it may have been deleted.")


def _reel(desk: Desk, kind: str, name: str) -> "Reel":
    from live import reels
    from vae.home import runs_folder
    from vae.train.run import ID, Run

    if kind == "run" and ID.fullmatch(name):
        return reels.of_run(Run.open(runs_folder() / name).folder)
    found = reels.of_model(desk.answers.entry(name)) if kind == "model" else None
    if found is None:
        raise VAEError("There is no such history: it may have been deleted.")
    return found
