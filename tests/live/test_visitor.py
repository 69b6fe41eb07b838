"""A browser gets one cookie with its first page, and is the same visitor from then on."""

import asyncio
from http.cookies import SimpleCookie

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from live.visitor import COOKIE, VisitorCookie, owner_of, short, who

ALWAYS = "A" * 32


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse("<p>a page</p>", headers={"set-cookie": "theirs=1"})


async def other(request: Request) -> PlainTextResponse:
    return PlainTextResponse("no page")


app = Starlette(routes=[Route("/", page), Route("/health", other)], middleware=[Middleware(VisitorCookie)])


def cookies_of(path: str, cookie: str = "", scheme: str = "http") -> list[str]:
    """What a browser that shows this cookie is told to keep, a line for each."""
    said = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        said.extend(message.get("headers", ()))

    headers = [(b"cookie", cookie.encode("latin-1"))] if cookie else []
    scope = {"type": "http", "method": "GET", "path": path, "scheme": scheme, "headers": headers, "query_string": b""}
    asyncio.run(app(scope, receive, send))
    return [value.decode() for name, value in said if name == b"set-cookie"]


def given(path: str = "/", **asked: str) -> str:
    """The line that sets our cookie, or "" where none was set."""
    return next((line for line in cookies_of(path, **asked) if line.startswith(COOKIE)), "")


def test_the_first_page_brings_a_cookie_and_the_next_one_none():
    theirs, ours = sorted(cookies_of("/"), key=lambda line: line.startswith(COOKIE))
    morsel = SimpleCookie(ours)[COOKIE]
    assert morsel["httponly"] and morsel["samesite"] == "Lax" and morsel["path"] == "/"
    assert int(morsel["max-age"]) > 30 * 24 * 3600 and not morsel["secure"]
    assert owner_of({COOKIE: morsel.value})
    assert theirs == "theirs=1"  # the page's own is not lost
    assert given(cookie=f"other=2; {COOKIE}={morsel.value}") == ""


def test_over_https_the_cookie_never_travels_without():
    assert "Secure" in given(scheme="https")


def test_only_a_page_brings_it():
    assert given("/health") == ""


def test_every_browser_gets_another():
    tokens = {SimpleCookie(given())[COOKIE].value for _ in range(50)}
    assert len({owner_of({COOKIE: token}) for token in tokens}) == 50


def test_an_owner_does_not_give_the_cookie_away():
    owner = owner_of({COOKIE: ALWAYS})
    assert len(owner) == 12 and owner.isalnum() and owner not in ALWAYS and ALWAYS not in owner
    assert owner == owner_of({COOKIE: ALWAYS, "other": "x"})


@pytest.mark.parametrize("token", ["", "short", "A" * 31, "A" * 33, "A" * 31 + "é", "A" * 31 + " ", "A" * 32 + "\n"])
def test_a_cookie_that_is_not_ours_names_nobody_and_is_replaced(token):
    assert owner_of({COOKIE: token}) == ""
    if token.isascii() and token.isprintable():
        assert given(cookie=f"{COOKIE}={token}")


@pytest.mark.parametrize("others", ['x="b; [y]=3', "a b c", "=; ;;", '{"json": 1}'])
def test_a_broken_cookie_of_another_program_does_not_make_a_new_visitor_of_us(others):
    # Programs on other ports of one host share its cookies.
    assert given(cookie=f"{others}; {COOKIE}={ALWAYS}") == ""


def test_a_socket_passes_untouched():
    seen = []

    async def inner(scope, receive, send):
        seen.append((scope, receive, send))

    parts = ({"type": "websocket", "headers": []}, object(), object())
    asyncio.run(VisitorCookie(inner)(*parts))
    assert seen == [parts]


def test_a_visitor_is_the_cookie_or_else_the_visit():
    cookie = {COOKIE: ALWAYS}
    assert who(cookie, "ada") == who(cookie, "") == owner_of(cookie)
    assert who({}, "ada") == who({COOKIE: "forged"}, "ada") == short("ada") != who({}, "bob")
    assert who({}, "") == ""
