"""What is taken home streams from the disk, to whom it was offered, for as long as the model is theirs to see."""

import asyncio
import threading
import time
import tracemalloc
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from live import components, privacy, takeaways
from live.send import STREAMS_OF_ONE, find, take
from live.visitor import COOKIE, owner_of
from vae.errors import VAEError

ADA, BOB = owner_of({COOKIE: "A" * 32}), owner_of({COOKIE: "B" * 32})


@pytest.fixture
def entry(engine, entries, monkeypatch, tmp_path):
    """A model whose file is `tmp_path/file`."""
    monkeypatch.setattr(takeaways, "shared", lambda: engine)
    monkeypatch.setattr(takeaways, "kept", lambda engine, entry, to, columns: tmp_path / "file")
    (tmp_path / "file").write_bytes(b"abc")
    return entries["digits"]


def fetch(key: str, cookie: str = "") -> tuple[int, dict[str, str], int]:
    """What a browser gets by a link: the status, the headers, and how many bytes; nothing of it is held here."""
    app = Starlette(routes=[Route("/live/take/{key}", take())])
    start, size = {}, [0]

    async def hear():
        await asyncio.sleep(60)

    async def send(message):
        if message["type"] == "http.response.start":
            start.update(message)
        size[0] += len(message.get("body", b""))

    headers = [(b"cookie", f"{COOKIE}={cookie}".encode())] if cookie else []
    scope = {"type": "http", "method": "GET", "path": f"/live/take/{key}", "headers": headers, "query_string": b""}
    asyncio.run(app(scope | {"scheme": "http", "root_path": ""}, hear, send))
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, size[0]


def test_a_large_file_is_not_held_in_memory(entry, tmp_path):
    size = 48 << 20
    with (tmp_path / "file").open("wb") as file:
        file.truncate(size)
    key = takeaways.offer(ADA, entry, "folder")
    fetch(key)
    tracemalloc.start()
    try:
        status, headers, came = fetch(key, "A" * 32)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (status, came) == (200, size) and peak < 4 << 20, peak
    assert headers["content-disposition"].startswith("attachment") and "digits" in headers["content-disposition"]
    assert headers["cache-control"] == "private, no-store"


def test_it_is_given_to_whom_it_was_offered(entry):
    key = takeaways.offer(ADA, entry, "csv")
    assert key == takeaways.offer(ADA, entry, "csv") and key not in (
        takeaways.offer(BOB, entry, "csv"),
        takeaways.offer(ADA, entry, "npz"),
        takeaways.offer(ADA, entry, "csv", columns=True),
    )
    assert fetch(key, "A" * 32)[0] == 200
    assert fetch(key, "B" * 32)[0] == fetch("x" * 32)[0] == fetch(key)[0] == 404  # without its cookie nobody is Ada


def test_a_browser_that_keeps_no_cookies_has_the_key_alone(entry):
    key = takeaways.offer(ADA, entry, "csv", cookie=False)
    assert key != takeaways.offer(ADA, entry, "csv")
    assert [fetch(key)[0], fetch(key, "B" * 32)[0]] == [200, 404]


def test_a_link_that_no_page_shows_any_more_leads_nowhere(entry, monkeypatch):
    now = [time.monotonic()]
    monkeypatch.setattr(takeaways, "_clock", lambda: now[0])
    first, second = takeaways.offer(ADA, entry, "csv"), takeaways.offer(ADA, entry, "npz")
    now[0] += takeaways.OFFERED - 1
    assert takeaways.offer(ADA, entry, "csv") == first  # shown again
    now[0] += 2
    assert [fetch(first, "A" * 32)[0], fetch(second, "A" * 32)[0]] == [200, 404]
    assert takeaways.offer(ADA, entry, "npz") != second


def test_who_may_not_see_the_model_any_more_gets_nothing(entry, monkeypatch):
    keys = [takeaways.offer(ADA, entry, "csv", columns) for columns in (False, True)]
    monkeypatch.setattr(components, "this_machine_only", lambda: False)
    monkeypatch.setattr(privacy, "may_see", lambda entry, visitor: visitor == ADA)
    monkeypatch.setattr(privacy, "may_read_rows", lambda data, visitor: False)
    assert [fetch(key, "A" * 32)[0] for key in keys] == [200, 404]  # the columns are those of the data
    assert fetch(takeaways.offer(BOB, entry, "csv"), "B" * 32)[0] == 404
    monkeypatch.setattr(components, "this_machine_only", lambda: True)
    assert fetch(takeaways.offer(BOB, entry, "csv"), "B" * 32)[0] == 200


def test_another_model_of_that_name_is_another(entry, monkeypatch):
    key = takeaways.offer(ADA, entry, "csv")
    monkeypatch.setattr(takeaways, "shared", lambda: SimpleNamespace(models=lambda: ()))
    with pytest.raises(VAEError, match="make it again"):
        takeaways.offered(key, ADA)


def test_only_so_many_offers_are_remembered(entry, monkeypatch):
    monkeypatch.setattr(takeaways, "OFFERS", 2)
    keys = [takeaways.offer(f"{place:012}", entry, "csv") for place in range(3)]
    assert [find(key, f"{place:012}").status_code for place, key in enumerate(keys)] == [404, 200, 200]
    assert takeaways.offer(f"{0:012}", entry, "csv") != keys[0]


def test_a_link_waits_for_nothing_that_is_being_made_and_makes_nothing(engine, entries, monkeypatch, tmp_path):
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path))
    monkeypatch.setattr(takeaways, "shared", lambda: engine)
    monkeypatch.setattr(takeaways.subprocess, "run", lambda *_, **__: pytest.fail("a link made a file"))
    here, gone = (takeaways.offer(ADA, entries["digits"], kind) for kind in ("csv", "npz"))
    path = takeaways._place(engine, entries["digits"], "csv", False)
    path.parent.mkdir()
    path.write_bytes(b"abc")
    said = []
    with takeaways._making:  # somebody's file takes long
        asked = threading.Thread(target=lambda: said.extend(fetch(key, "A" * 32)[0] for key in (here, gone)))
        asked.start()
        asked.join(5)
        assert said == [200, 404]
        assert takeaways.takeaway(engine, entries["digits"], "csv") == path


def test_one_visitor_fetches_a_few_at_a_time_and_takes_nobodys_turn(entry):
    """Downloads that a slow line does not take: one too many is refused, another visitor's comes, and then all do."""
    handler, keys = take(), {who: takeaways.offer(owner, entry, "csv") for who, owner in (("A", ADA), ("B", BOB))}
    app = Starlette(routes=[Route("/live/take/{key}", handler)])

    async def ask(who: str, taken: asyncio.Event, said: list[int]) -> None:
        async def hear():
            await asyncio.sleep(60)

        async def send(message):
            if message["type"] == "http.response.start":
                said.append(message["status"])
            await taken.wait()

        headers = [(b"cookie", f"{COOKIE}={who * 32}".encode())]
        path = {"path": f"/live/take/{keys[who]}", "query_string": b"", "root_path": "", "scheme": "http"}
        await app({"type": "http", "method": "GET", "headers": headers} | path, hear, send)

    async def all_of_it() -> list[list[int]]:
        taken, said = asyncio.Event(), [[], [], [], []]
        slow = [asyncio.create_task(ask("A", taken, said[0])) for _ in range(STREAMS_OF_ONE)]
        while len(said[0]) < STREAMS_OF_ONE:
            await asyncio.sleep(0.01)
        now = asyncio.Event()
        now.set()
        await ask("A", now, said[1])
        await ask("B", now, said[2])
        slow.pop().cancel()  # the visitor gave one up
        taken.set()
        await asyncio.gather(*slow)
        for _ in range(STREAMS_OF_ONE + 1):
            await ask("A", now, said[3])
        return said

    first, more, other, after = asyncio.run(asyncio.wait_for(all_of_it(), 20))
    assert (first, more, other) == ([200] * STREAMS_OF_ONE, [503], [200]) and set(after) == {200}
