"""What is brought lies on the disk as it came, under names of ours, within its limits, and is nobody else's."""

import asyncio
import json
import os
import random
import time
import tracemalloc
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from live import receive
from live.tickets import Tickets
from live.uploads import IDLE, KEPT, NAMES, OPEN, Parcel, Uploads
from live.visitor import COOKIE, owner_of, short
from vae.errors import VAEError

ADA, BOB = "ada000000000", "bob000000000"
ONE, TWO = "0123456789abcdef", "fedcba9876543210"
TALE = {"number": 1, "name": "a.png", "size": 3}


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads", tmp_path / "brought")


def head(number: int, name: str, size: int) -> bytes:
    said = json.dumps({"number": number, "name": name, "size": size}).encode()
    return len(said).to_bytes(4, "little") + said


def framed(files: list[tuple[int, str, bytes]]) -> bytes:
    """The body of a request that brings these."""
    return b"".join(head(number, name, len(data)) + data for number, name, data in files)


def bring(uploads: Uploads, files: list[tuple[str, bytes]], owner: str = ADA, upload: str = ONE):
    """A whole upload, in one request."""
    uploads.begin(owner, upload, len(files), sum(len(data) for _, data in files))
    Parcel(uploads, owner, upload).feed(framed([(place, *file) for place, file in enumerate(files, start=1)]))
    return uploads.finish(owner, upload)


def refused(work) -> str:
    with pytest.raises(VAEError) as told:
        work()
    assert "\n" not in str(told.value)
    return str(told.value)


# ---- what comes is what lies there ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_however_the_line_cuts_them_the_files_are_those_that_were_sent(uploads, seed):
    draw = random.Random(seed)
    files = [(f"f{i}", draw.randbytes(draw.choice([0, 1, 3, 700, 5000]))) for i in range(draw.randrange(1, 30))]
    uploads.begin(ADA, ONE, len(files), sum(len(data) for _, data in files))
    body, parcel = framed([(place, *file) for place, file in enumerate(files, start=1)]), Parcel(uploads, ADA, ONE)
    while body:
        cut = draw.choice([1, 2, 5, 64, 3000])
        parcel.feed(body[:cut])
        body = body[cut:]
    assert parcel.whole()
    found = uploads.finish(ADA, ONE)
    assert found.names == tuple(name for name, _ in files)
    assert [(found.folder / f"{n:04}.bin").read_bytes() for n in range(1, len(files) + 1)] == [d for _, d in files]
    assert json.loads((found.folder / NAMES).read_text())["0001.bin"] == "f0"
    assert uploads.found(ADA, ONE) == found and found.size == sum(len(data) for _, data in files)


@pytest.mark.parametrize(
    "name", ["../../../x", "/etc/passwd", "..", "a\0b", "\udce9", "a" * 5000, "\u202egnp.exe", "names.json", "", "a\nb"]
)
def test_a_name_never_becomes_the_name_of_a_file(uploads, tmp_path, name):
    found = bring(uploads, [(name, b"abc")])
    assert sorted(each.name for each in found.folder.iterdir()) == ["0001.bin", NAMES]
    assert sorted(each.name for each in tmp_path.rglob("*")) == sorted(["uploads", ADA, ONE, "0001.bin", NAMES])
    assert found.names[0].isprintable() and 1 <= len(found.names[0]) <= 400


def test_a_file_that_is_sent_again_takes_the_place_of_the_first_try(uploads):
    uploads.begin(ADA, ONE, 1, 4)
    torn = Parcel(uploads, ADA, ONE)
    torn.feed(framed([(1, "a", b"abcd")])[:-2])
    assert not torn.whole()
    torn.close()
    assert "did not come whole" in refused(lambda: uploads.finish(ADA, ONE))
    Parcel(uploads, ADA, ONE).feed(framed([(1, "a", b"abcd")]))
    assert (uploads.finish(ADA, ONE).folder / "0001.bin").read_bytes() == b"abcd"


def test_the_first_try_of_a_file_writes_nothing_once_it_is_sent_again(uploads):
    uploads.begin(ADA, ONE, 2, 4000)
    first = Parcel(uploads, ADA, ONE)
    first.feed(head(1, "a", 4000) + b"x")
    Parcel(uploads, ADA, ONE).feed(head(1, "a", 0))  # so that its room is free for another
    first.feed(b"x" * 3999)
    assert uploads._root.joinpath(ADA, ONE, "0001.bin").stat().st_size == 0


def test_an_upload_that_was_removed_takes_no_more(uploads):
    uploads.begin(ADA, ONE, 1, 4000)
    parcel = Parcel(uploads, ADA, ONE)
    parcel.feed(head(1, "a", 4000) + b"x")
    uploads.remove(ADA, ONE)
    assert "choose the files once more" in refused(lambda: parcel.feed(b"x"))
    parcel.close()


def test_one_large_file_that_comes_slowly_is_not_swept(uploads, monkeypatch):
    uploads.begin(ADA, ONE, 1, 4)
    parcel, now = Parcel(uploads, ADA, ONE), time.time()
    for byte, later in enumerate((0, 0.8 * IDLE, 1.6 * IDLE, 2.4 * IDLE)):
        monkeypatch.setattr("live.uploads.time", lambda later=later: now + later)
        uploads.sweep()
        parcel.feed((head(1, "a", 4) if not byte else b"") + b"x")
    assert uploads.finish(ADA, ONE).size == 4


# ---- limits --------------------------------------------------------------------------------------------------------


def test_what_is_too_much_is_refused_before_it_comes(uploads, monkeypatch, tmp_path):
    monkeypatch.setenv("MUSCOPE_UPLOAD_MB", "1")
    monkeypatch.setenv("MUSCOPE_UPLOAD_FILES", "10")
    assert "at most 10" in refused(lambda: uploads.begin(ADA, ONE, 11, 5))
    assert "at most 1.0 MB" in refused(lambda: uploads.begin(ADA, ONE, 1, 1_000_001))
    assert "no file" in refused(lambda: uploads.begin(ADA, ONE, 0, 0))
    uploads.begin(ADA, ONE, 10, 1_000_000)
    assert sorted(each.name for each in (tmp_path / "uploads").rglob("*")) == sorted([ADA, ONE])


def test_each_visitor_has_a_share_and_all_together_have_the_rest(uploads, monkeypatch):
    monkeypatch.setenv("MUSCOPE_BROUGHT_GB", "0.004")  # 4 MB, and 1 MB for each
    uploads.begin(ADA, ONE, 1, 900_000)  # room is kept for what has not come yet
    assert "delete some" in refused(lambda: uploads.begin(ADA, TWO, 1, 200_000))
    for number in range(3):
        uploads.begin(f"visitor{number:05}", ONE, 1, 1_000_000)
    assert "All visitors together" in refused(lambda: uploads.begin(BOB, ONE, 1, 200_000))
    uploads.begin(BOB, ONE, 1, 100_000)
    uploads.remove(ADA, ONE)
    uploads.begin(ADA, TWO, 1, 900_000)


def test_data_sets_take_of_the_same_room(uploads, monkeypatch, tmp_path):
    monkeypatch.setenv("MUSCOPE_BROUGHT_GB", "0.004")
    made = tmp_path / "brought" / ONE
    made.mkdir(parents=True)
    (made / "set.json").write_text(json.dumps({"owner": ADA}))
    (made / "set.safetensors").write_bytes(bytes(950_000))
    assert "delete some" in refused(lambda: uploads.begin(ADA, ONE, 1, 100_000))
    uploads.begin(BOB, ONE, 1, 100_000)


@pytest.mark.parametrize(
    "files", [[(1, "a", b"abcd")], [(1, "a", b"ab"), (2, "b", b"cd")], [(3, "a", b"a")], [(0, "a", b"a")]]
)
def test_no_more_comes_than_was_announced(uploads, files):
    uploads.begin(ADA, ONE, 2, 3)
    assert "announced" in refused(lambda: Parcel(uploads, ADA, ONE).feed(framed(files)))
    assert sum(file.stat().st_size for file in uploads._root.rglob("*.bin")) <= 3


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xff\xff\xff" + bytes(20),
        b"\x02\0\0\0[]",
        b"\x02\0\0\0{}",
        b"\x04\0\0\0null",
        b"\x03\0\0\0\xff\xfe\xfd",
        (lambda said: len(said).to_bytes(4, "little") + said)(json.dumps(TALE | {"number": True}).encode()),
        (lambda said: len(said).to_bytes(4, "little") + said)(json.dumps(TALE | {"size": -1}).encode()),
        (lambda said: len(said).to_bytes(4, "little") + said)(json.dumps(TALE | {"name": 7}).encode()),
        (lambda said: len(said).to_bytes(4, "little") + said)(b"[" * 5000),
    ],
)
def test_what_no_browser_says_is_refused_in_one_line(uploads, body):
    uploads.begin(ADA, ONE, 1, 100)
    refused(lambda: Parcel(uploads, ADA, ONE).feed(body))
    assert not list(uploads._root.rglob("*.bin"))


def test_a_visitor_has_some_uploads_under_way_and_the_oldest_gives_way(uploads):
    for number in range(OPEN + 3):
        uploads.begin(ADA, f"{number:016x}", 1, 1)
    assert len(list((uploads._root / ADA).iterdir())) == OPEN
    refused(lambda: Parcel(uploads, ADA, f"{0:016x}").feed(framed([(1, "a", b"a")])))


# ---- whose it is, and how long -------------------------------------------------------------------------------------


def test_an_upload_is_nobody_elses(uploads):
    bring(uploads, [("a", b"abc")])
    assert uploads.found(BOB, ONE) is None and uploads.found(ADA, TWO) is None
    assert uploads.found("../" + ADA, ONE) is None and uploads.found(ADA, f"../{ADA}/{ONE}") is None
    uploads.remove(BOB, ONE)
    assert uploads.found(ADA, ONE) is not None
    refused(lambda: uploads.begin("../../etc", ONE, 1, 1))
    refused(lambda: uploads.begin(ADA, "../../../etcetera", 1, 1))
    assert (uploads._root / ADA).stat().st_mode & 0o077 == 0


def test_the_next_server_keeps_what_is_whole_and_deletes_the_rest(uploads, tmp_path):
    bring(uploads, [("a", b"abc")])
    uploads.begin(ADA, TWO, 1, 5)
    Parcel(uploads, ADA, TWO).feed(framed([(1, "b", b"abcde")]))
    (uploads._root / "README").write_text("not ours")
    after = Uploads(uploads._root, tmp_path / "brought")
    assert after.found(ADA, ONE) is not None and not (after._root / ADA / TWO).exists()
    assert "does not know" in refused(lambda: after.finish(ADA, TWO))
    assert (uploads._root / "README").exists()


def test_what_nobody_uses_goes_after_its_time(uploads, monkeypatch):
    whole = bring(uploads, [("a", b"abc")])
    uploads.begin(BOB, TWO, 1, 5)
    uploads.sweep()
    assert whole.folder.exists() and (uploads._root / BOB / TWO).exists()
    now = time.time()
    monkeypatch.setattr("live.uploads.time", lambda: now + IDLE + 1)
    uploads.sweep()
    assert whole.folder.exists() and not (uploads._root / BOB).exists()
    os.utime(whole.folder / NAMES, (now - KEPT, now - KEPT))
    uploads.sweep()
    assert not whole.folder.exists() and not (uploads._root / ADA).exists()


# ---- the way in ----------------------------------------------------------------------------------------------------


class Server:
    """The route, as a browser with this ticket and this cookie meets it."""

    def __init__(self, folder: Path) -> None:
        self.uploads, self.tickets = Uploads(folder / "uploads", folder / "brought"), Tickets()
        handler = receive.upload(lambda: self.tickets, lambda: self.uploads)
        self.app = Starlette(routes=[Route("/live/upload/{upload}/{what}", handler, methods=["POST"])])
        self.token, self.cookie = self.tickets.issue("ada", []), "A" * 32

    async def ask(self, what: str, pieces=(b"",), upload=ONE, token=None, cookie=None, address="10.0.0.1"):
        said, coming = [], list(pieces)

        async def hear():
            if not coming:
                return {"type": "http.disconnect"}
            piece = coming.pop(0)
            if callable(piece):
                piece = await piece()
            return {"type": "http.request", "body": piece, "more_body": bool(coming)}

        async def send(message):
            said.append(message)

        names = {"X-Muscope-Token": self.token if token is None else token}
        if self.cookie if cookie is None else cookie:
            names["cookie"] = f"{COOKIE}={self.cookie if cookie is None else cookie}"
        headers = [(name.lower().encode(), value.encode()) for name, value in names.items()]
        scope = {"type": "http", "method": "POST", "path": f"/live/upload/{upload}/{what}", "headers": headers}
        await self.app(
            scope | {"query_string": b"", "scheme": "http", "root_path": "", "client": (address, 5)}, hear, send
        )
        return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:]).decode()

    def do(self, what: str, *pieces: bytes, **how) -> tuple[int, str]:
        return asyncio.run(self.ask(what, pieces or (b"",), **how))


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def test_a_browser_brings_files_and_they_are_this_browsers(server):
    assert server.do("begin", b'{"files": 2, "bytes": 5}') == (204, "")
    body = framed([(1, "a.png", b"abc"), (2, "b/c.png", b"de")])
    assert server.do("files", body[:7], body[7:90], body[90:]) == (204, "")
    assert server.do("finish") == (204, "")
    found = server.uploads.found(owner_of({COOKIE: server.cookie}), ONE)
    assert found is not None and found.names == ("a.png", "b/c.png")
    assert server.do("remove", cookie="B" * 32) == (204, "") and found.folder.exists()
    assert server.do("remove") == (204, "") and not found.folder.exists()


def test_one_machine_cannot_make_up_visitors_for_ever(server, monkeypatch):
    monkeypatch.setenv("MUSCOPE_NEW_VISITORS", "3")
    said = [server.do("begin", b'{"files": 1, "bytes": 1}', cookie=letter * 32) for letter in "ABCDE"]
    assert [status for status, _ in said] == [204, 204, 204, 400, 400] and "try in an hour" in said[-1][1]
    assert server.do("begin", b'{"files": 1, "bytes": 1}', cookie="A" * 32)[0] == 204
    assert server.do("begin", b'{"files": 1, "bytes": 1}', cookie="E" * 32, address="10.0.0.2")[0] == 204


def test_a_browser_without_cookies_is_known_by_its_ticket(server):
    server.do("begin", b'{"files": 1, "bytes": 1}', cookie="")
    server.do("files", framed([(1, "a", b"a")]), cookie="")
    assert server.do("finish", cookie="") == (204, "")
    assert server.uploads.found(short("ada"), ONE) is not None


@pytest.mark.parametrize("what", ["begin", "files", "finish", "remove"])
def test_without_a_ticket_nothing_is_taken(server, what, tmp_path):
    assert server.do(what, b"{}", token="")[0] == server.do(what, b"{}", token="x" * 32)[0] == 401
    assert not (tmp_path / "uploads").exists()


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("begin", b""),
        ("begin", b"[]"),
        ("begin", b'{"files": "many", "bytes": 1}'),
        ("begin", b"[" * 3000),
        ("begin", b" " * 10_000),
        ("files", b"\0\0\0\0"),
        ("finish", b""),
    ],
)
def test_nonsense_is_refused_in_one_line(server, what, body):
    status, line = server.do(what, body)
    assert status == 400 and line and "\n" not in line


def test_a_place_that_is_no_place_is_refused(server):
    assert server.do("begin", b'{"files": 1, "bytes": 1}', upload="..%2f..%2fetc")[0] == 400
    assert server.do("begin", b'{"files": 1, "bytes": 1}', upload="A" * 16)[0] == 400
    assert server.do("eat")[0] == 404


def test_half_a_file_is_told_at_once(server):
    server.do("begin", b'{"files": 1, "bytes": 9}')
    status, line = server.do("files", framed([(1, "a", bytes(9))])[:-1])
    assert status == 400 and "did not come whole" in line


def test_an_upload_is_not_held_in_memory(server):
    size = 24 << 20
    server.do("begin", json.dumps({"files": 1, "bytes": size}).encode())
    pieces = [head(1, "a", size), *[lambda: _piece()] * (size >> 16)]

    async def _piece() -> bytes:
        return bytes(1 << 16)

    async def both() -> tuple[int, int]:
        status, _ = await server.ask("files", pieces)
        return status, tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        status, peak = asyncio.run(both())
    finally:
        tracemalloc.stop()
    assert status == 204 and peak < 3 << 20, peak


def test_of_one_visitor_so_many_come_at_a_time_and_no_more(server):
    server.do("begin", b'{"files": 9, "bytes": 9}')

    async def many() -> list[int]:
        gate = asyncio.Event()

        async def held() -> bytes:
            await gate.wait()
            return b""

        def one(number: int):
            return server.ask("files", (framed([(number, "a", b"a")]), held))

        waiting = [asyncio.create_task(one(number)) for number in range(1, receive.STREAMS_OF_ONE + 1)]
        await asyncio.sleep(0.05)
        status, line = await one(9)
        assert status == 503 and "\n" not in line
        gate.set()
        return [status for status, _ in await asyncio.gather(*waiting)] + [(await one(9))[0]]

    assert asyncio.run(many()) == [204] * (receive.STREAMS_OF_ONE + 1)
