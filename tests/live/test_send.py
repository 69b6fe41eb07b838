"""What is taken home streams from the disk, to whom it was offered, for as long as the model is theirs to see."""

import asyncio
import tracemalloc
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from live import components, privacy, takeaways
from live.send import take
from live.visitor import COOKIE, owner_of
from vae.errors import VAEError

ADA, BOB = owner_of({COOKIE: "A" * 32}), owner_of({COOKIE: "B" * 32})


@pytest.fixture
def entry(engine, entries, monkeypatch, tmp_path):
    """A model whose file is `tmp_path/file`."""
    monkeypatch.setattr(takeaways, "shared", lambda: engine)
    monkeypatch.setattr(takeaways, "takeaway", lambda engine, entry, to, columns: tmp_path / "file")
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
    assert fetch(key, "A" * 32)[0] == fetch(key)[0] == 200
    assert fetch(key, "B" * 32)[0] == fetch("x" * 32)[0] == 404


def test_who_may_not_see_the_model_any_more_gets_nothing(entry, monkeypatch):
    keys = [takeaways.offer(ADA, entry, "csv", columns) for columns in (False, True)]
    monkeypatch.setattr(components, "this_machine_only", lambda: False)
    monkeypatch.setattr(privacy, "may_see", lambda entry, visitor: visitor == ADA)
    monkeypatch.setattr(privacy, "may_use", lambda data, visitor: False)
    assert [fetch(key)[0] for key in keys] == [200, 404]  # the columns are those of the data
    assert fetch(takeaways.offer(BOB, entry, "csv"))[0] == 404
    monkeypatch.setattr(components, "this_machine_only", lambda: True)
    assert fetch(keys[1])[0] == 200


def test_another_model_of_that_name_is_another(entry, monkeypatch):
    key = takeaways.offer(ADA, entry, "csv")
    monkeypatch.setattr(takeaways, "shared", lambda: SimpleNamespace(models=lambda: ()))
    with pytest.raises(VAEError, match="make it again"):
        takeaways.offered(key, ADA)


def test_only_so_many_offers_are_remembered(entry, monkeypatch):
    monkeypatch.setattr(takeaways, "OFFERS", 2)
    keys = [takeaways.offer(f"{place:012}", entry, "csv") for place in range(3)]
    assert [fetch(key)[0] for key in keys] == [404, 200, 200]
    assert takeaways.offer(f"{0:012}", entry, "csv") != keys[0]
