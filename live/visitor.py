"""Who a visitor is, from one visit to the next: a cookie that names nobody and that no script can read.

A training belongs to whoever started it. The books of the server, which anybody with the folder can read, hold only a
hash of the cookie.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from secrets import token_urlsafe

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "muscope_visitor"
AGE = 365 * 24 * 3600  # seconds the browser keeps it
_OURS = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)


def owner_of(cookies: Mapping[str, str]) -> str:
    """Twelve letters and digits that stand for a browser, or "" for one that keeps no cookies."""
    token = str(cookies.get(COOKIE, ""))
    return short(token) if _OURS.fullmatch(token) else ""


def who(cookies: Mapping[str, str], session: str) -> str:
    """Who a visitor is: by the cookie, or by the session of a browser that keeps none; "" where there is neither.

    Args:
        session: the name of the visit, as `State.name` and `Tickets.visitor` have it.
    """
    return owner_of(cookies) or (short(session) if session else "")


def short(token: str) -> str:
    """What the books hold instead of a token: nobody can come from it back to the token."""
    return blake2b(token.encode(), digest_size=6).hexdigest()


class VisitorCookie:
    """Gives a browser its cookie when it loads a page. Whatever else it asks for passes untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or owner_of(HTTPConnection(scope).cookies):
            return await self.app(scope, receive, send)

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("set-cookie", _new_cookie(secure=scope.get("scheme") == "https"))
            await send(message)

        await self.app(scope, receive, with_cookie)


def _new_cookie(secure: bool) -> str:
    # Lax: a link from elsewhere opens the page as the same visitor; a form on another site cannot.
    line = f"{COOKIE}={token_urlsafe(24)}; Path=/; Max-Age={AGE}; HttpOnly; SameSite=Lax"
    return f"{line}; Secure" if secure else line
