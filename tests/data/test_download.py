import contextlib
import errno
import hashlib
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vae.data import download
from vae.data.download import RemoteFile, cache_folder, fetch_files
from vae.errors import VAEError

CONTENT = {name: bytes([65 + row]) * (150_000 + row) for row, name in enumerate(("a.gz", "b.gz"))}


class Server:
    """A file server whose faults are chosen: `script` says, request by request, what goes wrong ("" for nothing)."""

    def __init__(self) -> None:
        self.script: list[str] = []
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                outer.asked.append(self.path)
                fault = outer.script.pop(0) if outer.script else ""
                body = CONTENT[name]
                if fault == "404":
                    self.send_error(404)
                    return
                if fault == "silent":
                    time.sleep(0.6)
                    return
                self.send_response(200)
                if fault != "endless":
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if fault == "wrong":
                    body = b"x" * len(body)
                if fault == "cut":
                    body = body[: len(body) // 2]
                if fault == "endless":
                    body = body * 40
                with contextlib.suppress(OSError):  # the other side may hang up, as it should
                    self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"

    def files(self, *more: str) -> tuple[RemoteFile, ...]:
        return tuple(
            RemoteFile(
                name, tuple(base + name for base in (self.url, *more)), len(body), hashlib.sha256(body).hexdigest()
            )
            for name, body in CONTENT.items()
        )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    import pooch.core

    monkeypatch.setattr(pooch.core.time, "sleep", lambda seconds: None)  # the waits between tries
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    one = Server()
    thread = threading.Thread(target=one.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield one
    one.http.shutdown()
    one.http.server_close()
    thread.join()


def test_good_files_arrive_whole_and_progress_only_grows(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    fetch_files(server.files(), tmp_path / "new/folder", "Test", lambda done, total: seen.append((done, total)))
    total = sum(map(len, CONTENT.values()))
    assert {name: (tmp_path / "new/folder" / name).read_bytes() for name in CONTENT} == CONTENT
    assert len(seen) > 4
    assert {every for _, every in seen} == {total}
    done = [one for one, _ in seen]
    assert done == sorted(done)
    assert done[-1] == total


def test_what_is_there_and_right_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    fetch_files(server.files(), tmp_path, "Test")
    (tmp_path / "b.gz").write_bytes(b"B" * 10)
    server.asked.clear()
    fetch_files(server.files(), tmp_path, "Test")
    assert server.asked == ["/b.gz"]
    assert (tmp_path / "b.gz").read_bytes() == CONTENT["b.gz"]


@pytest.mark.parametrize("fault", ["cut", "wrong", "404", "silent", "endless"])
def test_one_failure_is_tried_again(server: Server, tmp_path: Path, fault: str) -> None:
    server.script = [fault]
    fetch_files(server.files(), tmp_path, "Test")
    assert server.asked == ["/a.gz", "/a.gz", "/b.gz"]
    assert (tmp_path / "a.gz").read_bytes() == CONTENT["a.gz"]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("cut", "broke off"),
        ("wrong", "checksum differs"),
        ("404", "answered 404"),
        ("silent", "cannot be reached|too long"),
        ("endless", "checksum differs"),
    ],
)
def test_a_lasting_failure_is_one_plain_line_and_leaves_nothing(
    server: Server, tmp_path: Path, fault: str, why: str
) -> None:
    server.script = [fault] * 3
    with pytest.raises(VAEError, match=why) as caught:
        fetch_files(server.files(), tmp_path, "Test")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Test could not be downloaded: ")
    assert server.asked == ["/a.gz"] * 3
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_never_stops_is_cut_off_before_it_fills_the_disk() -> None:
    meter = download._Meter(0, RemoteFile("a.gz", (), 100_000, ""), 100_000, None)
    with pytest.raises(ValueError, match="longer"):
        for _ in range(100_000 // download.CHUNK + 3):
            meter.update(download.CHUNK)


def test_a_second_mirror_serves_when_the_first_does_not(server: Server, tmp_path: Path) -> None:
    server.script = ["404"] * 3
    fetch_files(server.files(server.url + "mirror/"), tmp_path, "Test")
    assert server.asked == ["/a.gz"] * 3 + ["/mirror/a.gz", "/b.gz"]


def test_no_network_is_said(tmp_path: Path, server: Server) -> None:
    nowhere = RemoteFile("a.gz", ("http://127.0.0.1:9/a.gz",), 10, "0" * 64)  # the discard port: nobody listens
    with pytest.raises(VAEError, match="cannot be reached"):
        fetch_files((nowhere,), tmp_path, "Test")


def test_a_full_disk_is_seen_before_the_download(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(VAEError, match="too full"):
        fetch_files(server.files(), tmp_path, "Test")
    assert server.asked == []


def test_a_disk_that_fills_up_meanwhile_is_one_plain_line(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pooch

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    with pytest.raises(VAEError, match="filled up") as caught:
        fetch_files(server.files(), tmp_path, "Test")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_folder_that_cannot_be_made_is_one_plain_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(VAEError, match="MUSCOPE_CACHE"):
        fetch_files(server.files(), tmp_path / "file" / "folder", "Test")


def test_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSCOPE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("MUSCOPE_CACHE")
    assert "muscope" in cache_folder().parts
