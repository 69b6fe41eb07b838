"""What is made of data that a visitor brought is theirs: models, trainings, and what the wire sends of them."""

import json
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from live import components, own_models, privacy, takeaways
from live.desk import Desk
from live.engine import Engine
from live.runs import curves
from live.tickets import Tickets, files_of
from live.visitor import COOKIE, owner_of
from tests.live.conftest import build
from vae.checkpoint import Owner, save_owner
from vae.cli.keeping import keep_private
from vae.data import brought
from vae.data.intake import Choice
from vae.errors import VAEError
from vae.train.run import Run

ADA, BOB = owner_of({COOKIE: "A" * 32}), owner_of({COOKIE: "B" * 32})
SET = "0123456789abcdef"


@pytest.fixture
def cells(monkeypatch, tmp_path):
    """A set that Ada brought; `cells(True)` shares it."""
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path))
    plain = {"title": "cells", "kind": "images", "shape": (1, 8, 8), "label_names": (), "label_column": ""}
    plain |= {"attribute_names": (), "columns": (), "owner": ADA, "made": "2026-01-01T00:00:00+00:00", "expires": None}
    plain |= {"train_size": 5, "test_size": 2, "left_out": (), "left_out_count": 0, "channels": (), "credit": ""}

    def write(shared: bool, owner: str = ADA) -> None:
        said = plain | {"owner": owner}
        one = brought.BroughtSet(id=SET, shared=shared, choice=Choice(), source="seven files", **said)
        brought.place(SET).mkdir(parents=True, exist_ok=True)
        (brought.place(SET) / brought.FACTS).write_text(one.to_json())

    write(False)
    return write


def test_data_that_were_brought_are_their_owners_until_shared(cells):
    assert privacy.may_use("mnist", BOB) and privacy.may_use("folder:/x", BOB)
    assert privacy.may_use(f"brought:{SET}", ADA) and not privacy.may_use(f"brought:{SET}", BOB)
    cells(True)
    assert privacy.may_use(f"brought:{SET}", BOB)
    cells(False, "")  # made by whoever runs the server, which a visitor without a name is not
    assert not privacy.may_use(f"brought:{SET}", "") and not privacy.may_watch("", f"brought:{SET}", "")
    brought.delete(SET)
    assert not privacy.may_use(f"brought:{SET}", ADA)  # nothing says any more whose it was


def test_a_model_of_private_data_is_hidden_and_stays_hidden_when_the_data_go(cells, engine, entries):
    entry = replace(entries["digits"], data=f"brought:{SET}", shipped=False)
    assert privacy.may_see(entry, ADA) and not privacy.may_see(entry, BOB)
    mine = replace(entry, owner=Owner(ADA, shared=False))
    brought.delete(SET)
    assert privacy.may_see(mine, ADA) and not privacy.may_see(mine, BOB)
    assert privacy.may_see(replace(mine, owner=Owner(ADA, shared=True)), BOB)
    assert privacy.may_see(replace(entry, shipped=True), BOB)
    assert privacy.may_see(entries["digits"], BOB)


@pytest.mark.parametrize(("shared", "owner", "hidden"), [(False, ADA, True), (True, ADA, False), (False, "", False)])
def test_training_says_in_the_models_folder_whose_it_is(cells, tmp_path, shared, owner, hidden):
    cells(shared)
    build(tmp_path / "models" / "cells", "noise", (1, 12, 12))
    keep_private(tmp_path / "models" / "cells", f"brought:{SET}", owner)
    from vae.checkpoint import read_owner

    assert read_owner(tmp_path / "models" / "cells").lets(BOB) is not hidden
    assert read_owner(tmp_path / "models" / "cells").lets(ADA)
    save_owner(tmp_path / "models" / "cells", Owner(ADA, shared=True))
    assert read_owner(tmp_path / "models" / "cells").lets(BOB)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--data", "mnist", "--half"], "mnist"),
        (["--recipe", "keras", "--data=brought:x"], "brought:x"),
        (["--recipe", "keras"], ""),
        (["--data"], ""),
    ],
)
def test_a_run_says_of_which_data_it_is(arguments, name, tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"arguments": arguments}))
    assert privacy.data_of(Run(tmp_path)) == name


@pytest.mark.parametrize("alone", [False, True])
def test_the_wire_sends_nothing_of_a_private_training_to_others(cells, tmp_path, monkeypatch, alone):
    monkeypatch.setattr(components, "this_machine_only", lambda: alone)
    run = "20260101-000000-abcdef"
    (tmp_path / "runs" / run).mkdir(parents=True)
    facts = {"arguments": [f"--data=brought:{SET}", "--out=x"], "owner": ADA, "created": "2026-01-01T00:00:00+00:00"}
    (tmp_path / "runs" / run / "run.json").write_text(json.dumps(facts))
    tickets = Tickets()
    handler = curves(lambda: Desk(tickets, None, None))
    app = Starlette(routes=[Route("/live/reels/{kind}/{name}/curves/{version}", handler)])
    token = tickets.issue("somebody", [])

    def asked(cookie: str) -> int:
        import asyncio

        said = []

        async def hear():
            return {"type": "http.request", "body": b""}

        async def send(message):
            said.append(message)

        headers = [(b"x-muscope-token", token.encode()), (b"cookie", f"{COOKIE}={cookie}".encode())]
        path = f"/live/reels/run/{run}/curves/0"
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "headers": headers,
            "query_string": b"",
            "root_path": "",
        }
        asyncio.run(app(scope, hear, send))
        return said[0]["status"]

    assert asked("A" * 32) == 200
    assert asked("B" * 32) == (200 if alone else 404)
    cells(True)
    assert asked("B" * 32) == 200


def test_a_set_that_cannot_be_read_is_nobodys(cells):
    (brought.place(SET) / brought.FACTS).write_text("{}")
    with pytest.raises(VAEError):
        brought.get(SET)
    assert not privacy.may_use(f"brought:{SET}", ADA)


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """`opened(model_id)`: what the tickets of Ada's and of Bob's open pages let them see of a model and its names."""
    engine, tickets = Engine((tmp_path / "models",)), Tickets()
    for module in (privacy, takeaways):
        monkeypatch.setattr(module, "shared", lambda: engine)
    monkeypatch.setattr(privacy, "shared_tickets", lambda: tickets)
    monkeypatch.setattr(components, "this_machine_only", lambda: False)
    tokens: list[str] = []

    def see(model_id: str) -> list[str]:
        if not tokens:
            both = [model_id, files_of(model_id)]
            tokens.extend(tickets.issue(owner, both, owner) for owner in (ADA, BOB))
        words = (("model", model_id), ("names", files_of(model_id)))
        return [" ".join(word for word, name in words if tickets.allows(token, name)) for token in tokens]

    return see


def test_open_pages_of_others_lose_what_is_shared_no_longer(cells, opened, tmp_path):
    cells(True)
    build(tmp_path / "models" / "mine", f"brought:{SET}", (1, 12, 12))
    save_owner(tmp_path / "models" / "mine", Owner(ADA, shared=True))
    (mine,) = privacy.shared().models()
    assert opened(mine.model_id) == ["model names", "model names"]
    cells(False)
    privacy.withdraw(privacy.made_of(SET))
    assert opened(mine.model_id) == ["model names", "model"]  # the model is still shared
    own_models.share(mine, False)
    assert opened(mine.model_id) == ["model names", ""]
    own_models.remove(mine)
    assert opened(mine.model_id) == ["names", ""]  # the images are still hers
    assert not privacy.made_of(SET)


def test_a_model_that_another_holds_too_stays_open(cells, opened, tmp_path):
    for name, shared in (("mine", False), ("same", True)):
        build(tmp_path / "models" / name, "noise", (1, 12, 12))
        save_owner(tmp_path / "models" / name, Owner(ADA, shared=shared))
    mine, same = sorted(privacy.shared().models(), key=lambda entry: entry.name)
    assert mine.model_id == same.model_id and opened(mine.model_id) == ["model names"] * 2
    privacy.withdraw([mine])
    assert opened(mine.model_id) == ["model", "model"]
