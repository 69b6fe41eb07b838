"""The wire as a browser meets it: a real server on this machine, small models, and every way to be turned away."""

import asyncio
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from live import http, points, socket, wire
from live.answers import Answers
from live.assets import WEB, web_path
from live.desk import Desk
from live.nodelay import answer_at_once
from live.queue import DecodeQueue
from live.tickets import Tickets, files_of
from live.wire import Request, read_reply
from tests.live.conftest import LATENT
from tools.browser import ROOT, free_port
from vae import data
from vae.errors import VAEError

PATIENCE = 20  # seconds


class Held:
    """The engine, which can be held in the middle of a batch."""

    def __init__(self, engine):
        self.engine, self.going, self.batches = engine, threading.Event(), []
        self.going.set()

    def decode(self, entry, z):
        self.batches.append(len(z))
        assert self.going.wait(PATIENCE)
        return self.engine.decode(entry, z)


@dataclass
class Server:
    port: int
    desk: Desk
    engine: Held
    token: str

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    def fetch(self, path, **headers):
        """(status, headers, body) of a GET."""
        request = urllib.request.Request(
            self.origin + path, headers={n.replace("_", "-"): v for n, v in headers.items()}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


@contextmanager
def serving(desk, allowed) -> Iterator[int]:
    """A server of the live routes alone, as Streamlit runs it."""
    port = free_port()
    app = Starlette(routes=socket.routes("/base", allowed, desk))
    config = uvicorn.Config(app, port=port, ws="websockets-sansio", ws_max_size=1 << 20, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.started:
            assert thread.is_alive() and time.monotonic() < deadline
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture(scope="module")
def open_server():
    """One server for all tests, since it takes a fifth of a second: (port, where a test puts its desk)."""
    desks: list[Desk] = []
    with serving(lambda: desks[-1], lambda origin, host: origin == f"http://{host}") as port:
        yield port, desks


@pytest.fixture
def server(open_server, engine, entries):
    port, desks = open_server
    held = Held(engine)
    desk = Desk(Tickets(), Answers(engine), DecodeQueue(held))
    desks.append(desk)
    yield Server(port, desk, held, desk.tickets.issue("ada", [entries[name].model_id for name in ("digits", "faces")]))
    held.going.set()
    desk.queue.close()


@asynccontextmanager
async def knocking(server, origin=None, **options):
    """A socket that has shown nothing yet."""
    address = f"ws://127.0.0.1:{server.port}/base/live/socket"
    async with connect(address, origin=origin or server.origin, compression=None, max_size=None, **options) as ws:
        yield ws


@asynccontextmanager
async def visiting(server, token=None):
    """A socket that has shown its ticket."""
    async with knocking(server) as ws:
        await ws.send(json.dumps({"token": token or server.token}))
        assert json.loads(await ws.recv()) == {"ready": True}
        yield ws


def run(coroutine):
    async def bounded():
        async with asyncio.timeout(PATIENCE):
            return await coroutine

    return asyncio.run(bounded())


async def closed(ws):
    """The code with which the server closes."""
    try:
        while True:
            await ws.recv()
    except ConnectionClosed as error:
        return error.rcvd.code if error.rcvd else None


def code(value=0.5):
    return np.full((1, LATENT), value, np.float32)


def decode(entry, number=1, lane=0, value=0.5):
    return Request(wire.Decode(code(value)), entry.model_id, lane, number).write()


# ---- answers -------------------------------------------------------------------------------------------------------


def test_a_picture_is_asked_for_and_comes(server, engine, entries):
    async def visit():
        async with visiting(server) as ws:
            await ws.send(decode(entries["digits"], number=77, lane=3))
            return read_reply(await ws.recv())

    reply = run(visit())
    assert (reply.kind, reply.lane, reply.number) == (1, 3, 77)
    assert np.array_equal(reply.pixels, engine.decode(entries["digits"], code()))


@pytest.mark.parametrize(
    "wish",
    [
        wire.Point(0.1, 0.2, "umap"),
        wire.Measure(code()[0]),
        wire.Sample(3, 1, 1.0),
        wire.RowsOf(np.array([1, 2])),
        wire.Drawing(np.eye(20, dtype=np.uint8) * 255, "umap"),
        wire.Picture(np.zeros((12, 12, 1), np.uint8), "pca"),
    ],
    ids=lambda wish: type(wish).__name__,
)
def test_every_kind_is_answered(server, entries, wish):
    async def visit():
        async with visiting(server) as ws:
            await ws.send(Request(wish, entries["digits"].model_id, 0, 5, unusual=True).write())
            return read_reply(await ws.recv())

    reply = run(visit())
    assert (reply.kind, reply.number) == (wish.kind, 5) and "unusual" in reply.notes


def test_a_class_that_waits_for_a_large_model_holds_up_nobody_else(server, entries, monkeypatch):
    # As many as the loop has threads of its own, and more: each new socket is let in by one of those.
    opened, begun, go = [], threading.Event(), threading.Event()
    real = server.desk.answers.engine.open

    def slow(entry):
        if entry.name == "digits":
            opened.append(entry.name)
            begun.set()
            assert go.wait(PATIENCE)
        return real(entry)

    monkeypatch.setattr(server.desk.answers.engine, "open", slow)
    monkeypatch.setattr(server.desk.answers.engine, "is_open", lambda model_id: False)

    async def visit():
        async with AsyncExitStack() as sockets:
            waiting = []
            for student in range(36):
                token = server.desk.tickets.issue(f"student {student}", [entries["digits"].model_id])
                waiting.append(await sockets.enter_async_context(visiting(server, token)))
                await waiting[-1].send(decode(entries["digits"]))
            assert await asyncio.to_thread(begun.wait, PATIENCE)
            async with visiting(server) as other:
                await other.send(decode(entries["faces"], number=5))
                first = read_reply(await asyncio.wait_for(other.recv(), 5))
            go.set()
            return first, [read_reply(await each.recv()) for each in waiting]

    first, rest = run(visit())
    assert first.number == 5 and len(first.pixels) == 1
    assert len(rest) == 36 and all(len(each.pixels) == 1 for each in rest) and opened == ["digits"]


def test_a_refusal_is_one_plain_line_and_the_socket_stays(server, entries):
    async def visit():
        async with visiting(server) as ws:
            await ws.send(Request(wire.RowsOf(np.array([4000])), entries["digits"].model_id, 1, 8).write())
            refused = read_reply(await ws.recv())
            await ws.send(decode(entries["digits"], 9))
            return refused, read_reply(await ws.recv())

    refused, reply = run(visit())
    assert (refused.kind, refused.lane, refused.number) == (0, 1, 8)
    assert "row 4,000" in refused.notes["error"] and "\n" not in refused.notes["error"]
    assert reply.number == 9


def test_what_we_did_not_think_of_is_told_in_the_terminal_and_not_on_the_wire(server, entries, monkeypatch, caplog):
    def fail(entry, z):
        raise RuntimeError("secrets of the house")

    monkeypatch.setattr(server.engine, "decode", fail)

    async def visit():
        async with visiting(server) as ws:
            await ws.send(decode(entries["digits"]))
            return read_reply(await ws.recv())

    reply = run(visit())
    assert reply.kind == 0 and "secrets" not in reply.notes["error"]
    assert "secrets of the house" in caplog.text


def test_the_newest_wins_on_a_lane(server, entries):
    async def visit():
        async with visiting(server) as ws:
            server.engine.going.clear()
            await ws.send(decode(entries["digits"], 1))
            while not server.engine.batches:  # it is being made
                await asyncio.sleep(0.01)
            for number in range(2, 30):
                await ws.send(decode(entries["digits"], number))
            await ws.send(decode(entries["digits"], 99, lane=5))
            while server.desk.queue.statistics().replaced < 27:  # all of them have come in
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            server.engine.going.set()
            seen = []
            while {29, 99} - set(seen):
                seen.append(read_reply(await ws.recv()).number)
            return seen

    # The first was being made (and may be overtaken on its way out); of the 28 that waited only the last is answered.
    assert set(run(visit())) <= {1, 29, 99}


def test_a_slow_line_is_sent_only_the_newest_of_each_lane():
    # The line takes one answer and is then full. What is ready when it has room again is not what was ready first.
    sent = []

    async def visit():
        room = asyncio.Event()

        async def send_bytes(answer):
            sent.append(answer)
            await room.wait()

        visit = socket._Visit(SimpleNamespace(send_bytes=send_bytes), "token", None, None)
        sending = asyncio.create_task(visit._send())
        for number, lane in enumerate([0, 0, 3, 0, 3, 0]):
            visit._put(Request(wire.Decode(code()), "0" * 16, lane, number), bytes([lane, number]))
            await asyncio.sleep(0)
        room.set()
        while len(sent) < 3:
            await asyncio.sleep(0)
        sending.cancel()

    run(visit())
    assert sent == [b"\0\0", b"\0\5", b"\3\4"]


# ---- who may come in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_from_elsewhere_is_turned_away_at_the_door(server, origin):
    async def knock():
        async with knocking(server, origin=origin):
            pass

    with pytest.raises(InvalidStatus) as caught:
        run(knock())
    assert caught.value.response.status_code == 403


def test_without_an_origin_too(server):
    async def knock():
        async with connect(f"ws://127.0.0.1:{server.port}/base/live/socket"):
            pass

    with pytest.raises(InvalidStatus) as caught:
        run(knock())
    assert caught.value.response.status_code == 403


@pytest.mark.parametrize(
    "first",
    ["", "not json", "[]", '"token"', '{"token": 5}', "{}", "null", "[" * 4000, b'{"token": "x"}', b"\x00" * 20],
)
def test_who_does_not_show_a_token_is_closed(server, first):
    async def visit():
        async with knocking(server) as ws:
            await ws.send(first)
            return await closed(ws)

    assert run(visit()) == socket.GARBAGE


def test_a_token_that_is_not_known_asks_for_the_page_to_run_again(server):
    async def visit():
        async with knocking(server) as ws:
            await ws.send('{"token": "made up"}')
            return await closed(ws)

    assert run(visit()) == socket.NO_TICKET


def test_who_says_nothing_is_closed(server, monkeypatch):
    monkeypatch.setattr(socket, "GREETING", 0.05)

    async def visit():
        async with knocking(server) as ws:
            return await closed(ws)

    assert run(visit()) == socket.GARBAGE


def test_another_visitors_model_is_refused_and_then_the_socket_is_closed(server, entries):
    async def visit():
        async with visiting(server) as ws:
            seen = []
            for number in range(socket.STRIKES):
                await ws.send(decode(entries["more-digits"], number))
            with suppress(ConnectionClosed):
                while True:
                    seen.append(read_reply(await ws.recv()))
            return seen, ws.close_code

    seen, how = run(visit())
    assert how == socket.NOT_YOURS and server.engine.batches == []
    assert all(reply.kind == 0 and "may not see" in reply.notes["error"] for reply in seen)


def test_a_model_that_the_page_gave_up_is_refused(server, entries):
    async def visit():
        async with visiting(server) as ws:
            server.desk.tickets.issue("ada", [])
            await ws.send(decode(entries["digits"]))
            return read_reply(await ws.recv())

    assert run(visit()).kind == 0


# ---- what may come in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "how"),
    [
        (b"", socket.GARBAGE),
        (b"\xff" * 50, socket.GARBAGE),
        (b"\x01" + bytes(40), socket.GARBAGE),
        ("words", socket.GARBAGE),
        (bytes(socket.MESSAGE + 1), socket.TOO_BIG),
        (bytes(2 << 20), socket.TOO_BIG),  # refused by the server at its header
    ],
    ids=["empty", "noise", "no count", "text", "too big", "far too big"],
)
def test_garbage_closes_the_socket_and_only_that(server, entries, message, how):
    async def visit():
        async with visiting(server) as good, visiting(server) as bad:
            with suppress(ConnectionClosed):
                await bad.send(message)
            seen = await closed(bad)
            await good.send(decode(entries["digits"]))
            return seen, read_reply(await good.recv()).kind

    assert run(visit()) == (how, 1)


def test_a_flood_slows_only_itself(server, entries, monkeypatch):
    monkeypatch.setattr(socket, "RATE", 50.0)
    monkeypatch.setattr(socket, "BURST", 10.0)
    waits, take = [], socket._Bucket.take

    def noted(bucket):
        waits.append(take(bucket))
        return waits[-1]

    monkeypatch.setattr(socket._Bucket, "take", noted)
    other = server.desk.tickets.issue("bob", [entries["digits"].model_id])

    async def visit():
        async with visiting(server) as flood, visiting(server, other) as good:
            for number in range(40):
                await flood.send(decode(entries["digits"], number, lane=number % wire.LANES))
            began = time.monotonic()
            for number in range(8):
                await good.send(decode(entries["digits"], number))
                await good.recv()
            good_took = time.monotonic() - began
            while read_reply(await flood.recv()).number != 39:
                pass
            return good_took, time.monotonic() - began

    good_took, flood_took = run(visit())
    # 40 messages, 10 at once and then 50 a second: the last is read 0.6 s after the first, however fast they came.
    # Where the machine is so busy that they are slow anyway, it is the waiting that tells.
    assert flood_took > 0.3 and good_took < flood_took and any(waits)


def test_two_sockets_of_one_ticket_share_its_rate(server, entries, monkeypatch):
    monkeypatch.setattr(socket, "RATE", 50.0)
    monkeypatch.setattr(socket, "BURST", 10.0)

    async def visit():
        async with visiting(server) as one, visiting(server) as two:
            began = time.monotonic()
            for number in range(15):
                await one.send(decode(entries["digits"], number, lane=number))
                await two.send(decode(entries["digits"], number, lane=number))
            for ws in (one, two):
                while read_reply(await ws.recv()).number != 14:
                    pass
            return time.monotonic() - began

    assert run(visit()) > 0.25  # 30 messages, 10 at once


def test_a_fifth_socket_of_one_ticket_closes_the_first(server, entries):
    async def visit():
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(visiting(server)) for _ in range(socket.SOCKETS + 1)]
            how = await closed(sockets[0])
            await sockets[-1].send(decode(entries["digits"]))
            return how, read_reply(await sockets[-1].recv()).kind

    assert run(visit()) == (socket.TAKEN_OVER, 1)


# ---- coming and going ----------------------------------------------------------------------------------------------


def test_who_comes_back_shows_the_same_ticket(server, entries):
    async def visit():
        kinds = []
        for _ in range(6):
            async with visiting(server) as ws:
                await ws.send(decode(entries["digits"]))
                kinds.append(read_reply(await ws.recv()).kind)
        return kinds

    assert run(visit()) == [1] * 6


def test_who_vanishes_in_the_middle_leaves_nothing_behind(server, entries):
    async def visit():
        server.engine.going.clear()
        async with visiting(server) as ws:
            await ws.send(decode(entries["digits"], 1))
            while not server.engine.batches:
                await asyncio.sleep(0.01)
            for lane in range(5):
                await ws.send(decode(entries["digits"], 2 + lane, lane))
            await ws.send(Request(wire.Sample(100, 1, 1.0), entries["digits"].model_id, 9, 50).write())
            await asyncio.sleep(0.1)
            ws.transport.abort()
        await asyncio.sleep(0.2)
        server.engine.going.set()
        async with visiting(server) as ws:
            await ws.send(decode(entries["digits"], 1))
            return read_reply(await ws.recv()).kind

    assert run(visit()) == 1
    assert server.engine.batches == [1, 1]  # the one that ran, and the one of the second visit
    assert not server.desk.queue._line


def test_a_server_that_closes_does_not_wait_for_its_visitors(engine, entries):
    desk = Desk(Tickets(), Answers(engine), DecodeQueue(engine))
    token = desk.tickets.issue("ada", [entries["digits"].model_id])
    seen = []

    async def visit(port):
        async with visiting(SimpleNamespace(port=port, origin=f"http://127.0.0.1:{port}"), token) as ws:
            ready.set()
            seen.append(await closed(ws))

    ready = threading.Event()
    with serving(lambda: desk, lambda origin, host: True) as port:
        thread = threading.Thread(target=lambda: run(visit(port)))
        thread.start()
        assert ready.wait(PATIENCE)
    thread.join(PATIENCE)
    desk.queue.close()
    assert seen == [1012]  # the server is restarting: the page comes back by itself
    with pytest.raises(VAEError):
        desk.queue.submit("ada", 0, None)


# ---- what is fetched -----------------------------------------------------------------------------------------------


def test_modules_are_kept_under_the_address_of_their_content(server):
    status, headers, body = server.fetch(f"/base{web_path()}/client.js")
    assert status == 200 and body == (WEB / "client.js").read_bytes()
    assert headers["Content-Type"].startswith("text/javascript") and "immutable" in headers["Cache-Control"]
    status, headers, _ = server.fetch("/base/live/web/older/client.js")
    assert status == 200 and headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2fengine.py", "%2e%2e%2fsocket.py", "client", "web", "client.js%00"]
)
def test_nothing_else_can_be_fetched(server, name):
    assert server.fetch(f"/base{web_path()}/{name}")[0] == 404


def test_only_what_a_browser_runs_is_served(server, tmp_path, monkeypatch):
    monkeypatch.setattr(http, "WEB", tmp_path)
    for name in ("a.js", "a.py", "notes"):
        (tmp_path / name).write_text("words")
    assert [server.fetch(f"/base/live/web/x/{name}")[0] for name in ("a.js", "a.py", "notes")] == [200, 404, 404]


def test_the_parts_of_a_map_are_for_those_with_a_ticket(server, engine, entries):
    entry, path = entries["digits"], f"/base/live/points/{entries['digits'].model_id}/umap"
    assert server.fetch(path)[0] == 401
    assert server.fetch(path, X_Muscope_Token="made up")[0] == 401
    other = f"/base/live/points/{entries['more-digits'].model_id}/umap"
    assert server.fetch(other, X_Muscope_Token=server.token)[0] == 403
    status, headers, body = server.fetch(path, X_Muscope_Token=server.token)
    assert status == 200 and body == points.points_payload(engine, entry, "umap")
    assert headers["Cache-Control"] == "private, no-cache" and headers["Vary"] == "X-Muscope-Token"
    again = server.fetch(path, X_Muscope_Token=server.token, If_None_Match=headers["ETag"])
    assert again[0] == 304 and again[2] == b""
    colours = server.fetch(path.replace("points", "colours").replace("umap", "label"), X_Muscope_Token=server.token)
    assert colours[0] == 200 and colours[2] == points.colours_payload(engine, entry, "label")


def test_the_names_of_images_are_for_those_who_may_see_them(server, entries, monkeypatch):
    model_id = entries["digits"].model_id
    monkeypatch.setattr(data, "file_names", lambda name, split: tuple(f"{at}.tif" for at in range(10_000)))
    monkeypatch.setattr(data, "on_machine", lambda name: True)
    assert server.fetch(f"/base/live/files/{model_id}", X_Muscope_Token=server.token)[0] == 403
    token = server.desk.tickets.issue("ada", [model_id, files_of(model_id)])
    status, headers, body = server.fetch(f"/base/live/files/{model_id}", X_Muscope_Token=token)
    assert status == 200 and b".tif" in body and headers["Cache-Control"] == "private, no-cache"


def test_a_view_that_is_not_there_is_a_plain_line(server, entries):
    path = f"/base/live/points/{entries['digits'].model_id}/9,99"
    status, headers, body = server.fetch(path, X_Muscope_Token=server.token)
    assert status == 404 and headers["Content-Type"].startswith("text/plain") and b"no view" in body


def test_listening_sockets_are_told_to_answer_at_once():
    import socket as sockets

    with sockets.socket() as listening, sockets.socket() as idle:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert answer_at_once() >= 1
        with sockets.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY)
        assert not idle.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY)


def test_nothing_heavy_is_imported_before_a_visitor_comes():
    # `app.py` imports this before the server answers; torch alone would take two seconds.
    program = (
        "import sys, live; live.routes('', lambda origin, host: True); print(*{'torch', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
