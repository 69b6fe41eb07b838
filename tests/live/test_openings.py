"""The queue in which models are opened, with processes that only pretend to; and whose a model is."""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from live import openings, own_models
from live.openings import Openings, Wish, command
from live.uploads import shared_uploads
from vae.checkpoint import Owner, read_owner, save_owner
from vae.errors import VAEError


def until(found, patience: float = 20.0):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.01)
    raise AssertionError("it never came")


@pytest.fixture
def queue(tmp_path: Path):
    """`queue("python")`: openings whose process runs that, with `out`, `events` and `owner` known."""
    made = []

    def make(body: str) -> Openings:
        head = "import json, sys, time\nfrom pathlib import Path\n"
        head += "out, events, owner = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]\n"
        ours = Openings(
            tmp_path / "models",
            lambda wish, owner, out, events: [sys.executable, "-c", head + body, str(out), str(events), owner],
        )
        made.append(ours)
        return ours

    yield make
    for ours in made:
        ours.close()


def test_what_is_asked_for_is_done_and_said_once(queue, tmp_path: Path) -> None:
    ours = queue("out.mkdir(parents=True); (out / owner).touch()")
    wish = Wish("somewhere", "mine")
    ours.ask("ada", wish)
    assert until(lambda: ours.done("ada")) == wish
    assert (tmp_path / "models" / "mine" / "ada").exists()
    assert ours.done("ada") is None and ours.of("ada") is None


def test_what_is_over_is_not_waited_for(queue, tmp_path: Path) -> None:
    ours = queue(f"while owner == 'bob' and not Path('{tmp_path}/go').exists(): time.sleep(0.01)")
    ours.ask("ada", Wish("x", "x"))
    until(lambda: ours.of("ada") is None)  # done, and nobody has come to hear of it
    for who in ("bob", "cyd"):
        ours.ask(who, Wish("x", who))
    until(lambda: ours.of("bob").how == "measuring")
    assert ours.of("cyd").ahead == 1
    (tmp_path / "go").touch()


def test_a_mistake_of_ours_ends_the_waiting_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ours = Openings(tmp_path / "models", lambda *_: {}["nothing"])
    ours.ask("ada", Wish("x", "x"))
    assert until(lambda: ours.of("ada").why) == "Opening it broke off. The details are in the terminal."
    assert "KeyError" in capfd.readouterr().err
    ours.close()


def test_each_visitor_has_one_and_the_others_wait(queue, tmp_path: Path) -> None:
    ours = queue(f"while not Path('{tmp_path}/go').exists(): time.sleep(0.01)")
    for who in ("ada", "bob", "ada", "cyd"):
        ours.ask(who, Wish(f"of {who}", who))
    until(lambda: ours.of("ada").how == "measuring")
    assert [(ours.of(who).how, ours.of(who).ahead) for who in ("bob", "cyd")] == [("waiting", 1), ("waiting", 2)]
    ours.cancel("bob")
    assert ours.of("bob") is None and ours.of("cyd").ahead == 1
    (tmp_path / "go").touch()
    until(lambda: ours.done("cyd"))


def test_who_waits_hears_how_long_that_is(queue, tmp_path: Path) -> None:
    ours = queue(f"while owner != 'eve' and not Path('{tmp_path}/go').exists(): time.sleep(0.01)")
    for who in ("ada", "bob", "cyd"):
        ours.ask(who, Wish(f"of {who}", who))
    until(lambda: ours.of("ada").how == "measuring")
    assert ours.of("cyd").left is None  # none was opened yet
    ours._usual.note(60.0)
    assert 50 < ours.of("bob").left <= 60 and 110 < ours.of("cyd").left <= 120
    (tmp_path / "go").touch()
    until(lambda: ours.done("cyd"))
    assert ours._usual.seconds < 60  # what these took counts too


def test_a_model_is_looked_at_once_until_a_file_of_it_changes(tmp_path: Path, monkeypatch) -> None:
    looked = []
    monkeypatch.setattr(openings.known, "look", lambda brought: looked.append(1) or len(looked))
    folder = tmp_path / "model" / "vae"
    folder.mkdir(parents=True)
    for name in ("config.json", "diffusion_pytorch_model.safetensors"):
        (folder / name).write_bytes(b"{}")
    found = [openings.look(str(tmp_path / "model")) for _ in range(3)]
    (folder / "config.json").write_bytes(b"{ }")
    assert found == [1, 1, 1] and openings.look(str(tmp_path / "model")) == 2


def test_it_says_how_far_it_is_and_ends_when_told_to(queue, tmp_path: Path) -> None:
    say = {"what": "encoding", "done": 3, "total": 4}
    ours = queue(f"events.write_text(json.dumps({say}) + chr(10)); Path('{tmp_path}/pid').touch(); time.sleep(60)")
    ours.ask("ada", Wish("x", "x"))
    now = until(lambda: (now := ours.of("ada")) and now.what and now)
    assert (now.what, now.fraction) == ("encoding", 0.75)
    process = ours._jobs["ada"].process
    ours.cancel("ada")
    assert ours.of("ada") is None
    assert process.wait(10) != 0


def test_what_goes_wrong_is_one_line(queue) -> None:
    for body, line in {
        "print('Half a line.', file=sys.stderr); sys.exit(2)": "Half a line.",
        "import os; os.abort()": "more memory",
        "raise KeyError('x')": "It broke off",
    }.items():
        ours = queue(body)
        ours.ask("ada", Wish("x", "x"))
        now = until(lambda ours=ours: (now := ours.of("ada")) and now.how == "failed" and now)
        assert line in now.why
        ours.cancel("ada")
        assert ours.of("ada") is None


def test_the_command_is_what_a_person_would_type(tmp_path: Path) -> None:
    from vae.cli import _parser

    wish = Wish("adapter:Waves", "waves-1", "digits", "--my waves", 500, 8, "2030-01-01T00:00:00+00:00")
    words = command(wish, "ada", tmp_path / "waves-1", tmp_path / "events")
    asked = _parser().parse_args(words[words.index("vae") + 1 :])
    assert (asked.what, asked.data, asked.title, asked.images, asked.axes) == (
        "adapter:Waves",
        "digits",
        "--my waves",
        500,
        8,
    )
    assert asked.guarded and asked.owner == "ada" and asked.expires == wish.expires and asked.out.name == "waves-1"
    assert "--look" in command(Wish("hub:a/b"), "ada", tmp_path, tmp_path / "e")


# ---- whose it is ---------------------------------------------------------------------------------------------------


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def a_model(models: Path, name: str, owner: Owner) -> SimpleNamespace:
    (models / name).mkdir()
    (models / name / "weights").write_bytes(b"x" * 100)
    save_owner(models / name, owner)
    return SimpleNamespace(folder=models / name, name=name, shipped=False, card={})


def test_a_model_is_its_owners_until_it_is_shared(models: Path) -> None:
    entry = a_model(models, "a", Owner("ada", shared=False, expires="2030-01-01"))
    assert own_models.is_brought(entry)
    assert read_owner(entry.folder).lets("ada") and not read_owner(entry.folder).lets("bob")
    own_models.share(entry, True)
    assert read_owner(entry.folder) == Owner("ada", shared=True, expires="2030-01-01")
    assert read_owner(entry.folder).lets("bob")


@pytest.mark.parametrize("said", [b"", b"{}", b"[1]", b'{"owner": 3, "shared": true}', b"[" * 900, b"x" * 2000])
def test_an_owner_that_cannot_be_read_hides_a_model(said: bytes, models: Path) -> None:
    entry = a_model(models, "a", Owner("ada"))
    (entry.folder / "owner.json").write_bytes(said)
    assert not read_owner(entry.folder).lets("ada") and not read_owner(entry.folder).lets("")


def test_what_is_deleted_can_be_taken_back_for_an_hour(models: Path) -> None:
    entry = a_model(models, "a", Owner("ada", shared=False))
    name = own_models.remove(entry)
    assert not entry.folder.exists()
    own_models.sweep(time.time() + 3000)
    own_models.restore(name)
    assert entry.folder.exists()
    own_models.remove(entry)
    own_models.sweep(time.time() + 4000)
    with pytest.raises(VAEError, match="gone for good"):
        own_models.restore(name)
    for name in ("../../etc", "/etc", ".."):
        with pytest.raises(VAEError):
            own_models.restore(name)


def test_what_has_had_its_time_goes(models: Path) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for name, expires in {"soon": soon, "never": "", "odd": "tomorrow"}.items():
        a_model(models, name, Owner("ada", shared=False, expires=expires))
    own_models.sweep()
    assert len(list(models.iterdir())) == 3
    own_models.sweep(time.time() + 4000)
    assert sorted(each.name for each in models.iterdir()) == ["never", "odd"]


def test_what_ships_is_nobodys_to_delete(models: Path, tmp_path: Path) -> None:
    for folder in (tmp_path / "elsewhere", own_models.SHIPPED / "mnist"):
        for what in (own_models.remove, lambda entry: own_models.share(entry, True)):
            with pytest.raises(VAEError):
                what(SimpleNamespace(folder=folder, name="x", shipped=False, card={}))


def test_how_much_a_visitors_models_take(models: Path) -> None:
    entry = a_model(models, "a", Owner("ada"))
    a_model(models, "b", Owner("bob"))
    size = sum(each.stat().st_size for each in (models / "a").iterdir())
    used = shared_uploads().used()
    assert used["ada"] == size > 100 and set(used) == {"ada", "bob"}
    assert json.loads((models / "a" / "owner.json").read_text())["owner"] == "ada"
    own_models.remove(entry)
    assert shared_uploads().used() == used  # it can still be taken back


def test_an_upload_that_models_left_no_room_for_is_refused(models: Path, monkeypatch) -> None:
    ada, upload = "ada000000000", "0123456789abcdef"
    a_model(models, "a", Owner(ada))
    size = shared_uploads().used()[ada]
    monkeypatch.setenv("MUSCOPE_BROUGHT_GB", str(8 * size / 1e9))  # a share of twice the model
    shared_uploads().begin(ada, upload, 1, size - 1)
    with pytest.raises(VAEError, match="delete some of your data or models"):
        shared_uploads().begin(ada, upload, 1, size + 1)


def test_models_and_what_was_uploaded_take_of_one_room(models: Path, monkeypatch) -> None:
    a_model(models, "a", Owner("ada"))
    size = shared_uploads().used()["ada"]
    monkeypatch.setenv("MUSCOPE_BROUGHT_GB", str(5 * size / 1e9))
    own_models.check_room("ada")
    monkeypatch.setenv("MUSCOPE_BROUGHT_GB", str(3 * size / 1e9))  # three quarters of it: more than a share
    own_models.check_room("bob")
    with pytest.raises(VAEError, match="delete some"):
        own_models.check_room("ada")
    a_model(models, "b", Owner("cyd"))
    monkeypatch.setenv("MUSCOPE_BROUGHT_GB", str(size / 1e9))
    with pytest.raises(VAEError, match="All visitors together"):
        own_models.check_room("bob")
