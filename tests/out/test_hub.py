"""Pushed to the Hub: what arrives at a stand-in for its API on this machine, and what a card can do there."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vae.checkpoint import OWNER, WEIGHTS, Owner, load, save, save_owner
from vae.cli import main
from vae.config import Config
from vae.errors import VAEError
from vae.model import VAE
from vae.out.hub import page, push, without_paths

pytest.importorskip("huggingface_hub")

TINY = Config((1, 8, 8), 2, encoder_sizes=(4,), decoder_sizes=(4,))
HOSTILE = "<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://x/y) `a` | b\n---\n# c"


class Hub(ThreadingHTTPServer):
    """As much of the Hub as a push asks for. `files`: what was written, by its path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.files: dict[str, bytes] = {}
        self.made: dict[str, object] = {}
        self.status = 200
        self.address = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else b"".join(self._chunks())
        if self.server.status != 200 and not self.path.endswith("/create"):
            return self._say({"error": "no"}, self.server.status)
        if self.path == "/api/repos/create":
            self.server.made = json.loads(body)
            return self._say({"url": f"{self.server.address}/me/tiny", "name": "me/tiny"})
        if self.path == "/api/validate-yaml":
            return self._say({"warnings": [], "errors": []})
        if self.path.endswith("/preupload/main"):
            names = [each["path"] for each in json.loads(body)["files"]]
            return self._say(
                {"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]}
            )
        if self.path.endswith("/commit/main"):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            return self._say(
                {"commitUrl": f"{self.server.address}/me/tiny/commit/1", "commitOid": "1" * 40, "success": True}
            )
        return self._say({"error": self.path}, 404)

    def do_GET(self) -> None:
        self._say({"id": "me/tiny", "sha": "0" * 40, "siblings": []})

    def _chunks(self):
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()

    def _say(self, what: object, status: int = 200) -> None:
        data = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "tiny"
    card = {
        "title": HOSTILE,
        "figures": {"elbo": -98.7654321},
        "likelihood": "bernoulli",
        "command": "python -m vae train /me",
    }
    save(folder, VAE(TINY), card | {"data": {"name": "folder:/home/me/secret", "train": 3}})
    save_owner(folder, Owner("somebody", shared=False))
    (folder / "notes.txt").write_text("not a model's")
    return folder


def test_a_model_arrives_whole_with_its_page_and_opens_again(hub, model, tmp_path):
    push(model, "me/tiny", token="hf_test", endpoint=hub.address)
    assert hub.made.get("visibility") == "private" or hub.made.get("private") is True
    assert set(hub.files) == {"config.json", WEIGHTS, "card.json", "README.md"}
    back = tmp_path / "back"
    back.mkdir()
    for name, data in hub.files.items():
        if name != "README.md":
            (back / name).write_bytes(data)
    assert load(back).model_id == load(model).model_id


def test_nobodys_places_and_no_owner_are_told(hub, model):
    push(model, "me/tiny", token="hf_test", endpoint=hub.address)
    everything = b"\n".join(hub.files.values())
    assert b"/home/me" not in everything and b"somebody" not in everything and OWNER not in hub.files
    assert json.loads(hub.files["card.json"])["data"] == {"name": "folder:secret", "train": 3}


@pytest.mark.parametrize(
    ("status", "said"), [(401, "does not let you"), (403, "does not let you"), (500, "status 500")]
)
def test_what_the_hub_refuses_is_told_in_a_line(hub, model, status, said):
    hub.status = status
    with pytest.raises(VAEError, match=said) as error:
        push(model, "me/tiny", token="hf_test", endpoint=hub.address)
    assert "\n" not in str(error.value) and "hf_test" not in str(error.value)


def test_a_name_that_is_none_and_a_hub_that_is_not_there(model):
    with pytest.raises(VAEError, match="is no name for a repository"):
        push(model, "a/b/c/d", token="hf_test", endpoint="http://127.0.0.1:9")
    with pytest.raises(VAEError, match="could not be reached"):
        push(model, "me/tiny", token="hf_test", endpoint="http://127.0.0.1:9")


def test_the_command_asks_where_to(model, capsys):
    assert main(["export", str(model), "--to", "hub"]) == 2
    assert "Add --repo" in capsys.readouterr().err


def test_nothing_in_a_card_becomes_a_mark(model):
    card = json.loads((model / "card.json").read_bytes())
    text = page(TINY, card, "0" * 16, "tiny")
    title = next(line for line in text.splitlines() if line.startswith("# "))
    assert not set("<>[]()`!|*_") & set(title) and title.count("#") == 1 + title.count("&#")
    assert text.count("\n---\n") == 1  # the end of the head, and no other
    assert "| elbo | -98.765 |" in text


def test_a_card_of_known_data_stays_as_it_is():
    card = {"data": {"name": "mnist"}, "command": "python -m vae train --data mnist"}
    assert without_paths(card) == card
