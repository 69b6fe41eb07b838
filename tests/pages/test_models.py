"""Your models: what was brought from elsewhere opens on every page, is its owner's, and goes when told to."""

import shutil
from pathlib import Path

import pytest

from live import openings
from live.openings import Openings, Wish
from live.visitor import short
from pages.ui import uploader
from tests.foreign.conftest import kl, pythae  # noqa: F401
from tests.foreign.test_given import program, upload
from tests.pages.conftest import PAGES, ROOT, serve_others, sound, stage, visit, words_on
from vae.checkpoint import Owner, load, save_owner
from vae.cli import main
from vae.errors import VAEError
from vae.foreign.allow import VARIABLE

PICTURELESS = {"train.py", "compare.py", "bring.py", "models.py"}


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one model of each kind from elsewhere."""
    place = tmp_path_factory.mktemp("brought")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, f"{ROOT}/examples/adapter.py:Waves")
        for name, words in {
            "waves": ["adapter:Waves"],
            "kl": [str(ROOT / "tests/foreign/kl"), "--data", "digits", "--axes", "5"],
        }.items():
            assert main(["bring", *words, "--images", "60", "--out", str(place / "models" / name)]) == 0
    return place


@pytest.fixture
def home(brought: Path, tmp_path: Path, open_home, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, f"{ROOT}/examples/adapter.py:Waves")
    place = tmp_path / "home"
    shutil.copytree(brought, place)
    open_home(place)
    return place


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("model", ["waves", "kl"])
def test_a_model_from_elsewhere_opens_on_every_page(home: Path, model: str, page: str) -> None:
    app = sound(visit(page, model=model))
    assert app.selectbox(key="frame.model").value == model
    if page not in PICTURELESS:
        assert len(stage(app)) > 60


def test_without_its_adapter_a_model_says_what_it_needs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises(VAEError, match="no adapter 'Waves'"):
        load(home / "models" / "waves")
    app = visit("models.py")  # the others stay as they are
    assert "Twelve waves" in words_on(sound(app))


@pytest.fixture
def queue(home: Path, monkeypatch: pytest.MonkeyPatch):
    """What was asked of the queue; nothing is done."""
    asked: list[tuple[str, Wish]] = []
    ours = Openings(home / "models")
    monkeypatch.setattr(ours._pool, "submit", lambda work, job: asked.append((job.owner, job.wish)))
    monkeypatch.setattr(openings, "_openings", lambda folder: ours)
    return asked


def test_from_a_path_to_a_wish(queue, pythae: Path) -> None:  # noqa: F811
    app = sound(visit("models.py"))
    sound(app.segmented_control(key="models.way").set_value("This machine").run())
    sound(app.text_input(key="models.path").set_value(str(pythae)).run())
    assert "A model of the pythae library: dense layers, 3 numbers in a code" in words_on(app).replace("\\", "")
    data = app.selectbox(key=f"models.data.path.{pythae}")
    assert data.options == ["Small digits"]  # the only ones of 8 by 8 pixels
    sound(app.text_input(key=f"models.name.path.{pythae}").set_value("Mine").run())
    sound(app.button(key="models.do.open").click().run())
    ((_, wish),) = queue
    assert (wish.what, wish.data, wish.title, wish.images) == (str(pythae), "digits", "Mine", 2000)
    assert wish.name.startswith("mine-") and not wish.expires
    assert any(each.key == "models.do.cancel" for each in app.button)


def test_an_adapter_is_offered_and_asked_for(queue) -> None:
    app = sound(visit("models.py"))
    sound(app.segmented_control(key="models.way").set_value("Your code").run())
    assert "Twelve waves" in words_on(app)
    sound(app.button(key="models.do.open").click().run())
    assert queue[0][1].what == "adapter:Waves" and queue[0][1].data == "digits"


def test_a_program_shows_the_lines_that_convert_it(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = upload(tmp_path / "up", {"model.pt": program()})
    monkeypatch.setattr(uploader, "draw_uploader", lambda *a, **k: place)
    monkeypatch.setattr(uploader, "title_of", lambda *a: "model")
    app = visit("models.py")
    assert any("never opens those" in each.value for each in app.error)
    assert any('torch.load("model.pt"' in each.value for each in app.code)
    assert not any(each.key == "models.do.open" for each in app.button)


def test_where_nothing_suits_it_says_what_to_bring(home: Path, pythae: Path) -> None:  # noqa: F811
    config = pythae / "model_config.json"
    config.write_text(config.read_text().replace("[1, 8, 8]", "[1, 4, 16]"))
    app = visit("models.py")
    app.segmented_control(key="models.way").set_value("This machine").run()
    sound(app.text_input(key="models.path").set_value(str(pythae)).run())
    assert any("16 by 4 pixels" in each.value for each in app.info)


def test_a_private_model_is_its_owners_and_nobody_elses(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_others(monkeypatch)
    save_owner(home / "models" / "waves", Owner("another", shared=False))
    app = visit("models.py", model="waves")
    assert "Twelve waves" not in words_on(app)
    assert "waves" not in app.selectbox(key="frame.model").options
    save_owner(home / "models" / "waves", Owner("another", shared=True))
    app = visit("models.py")
    assert "Twelve waves**, shared by another visitor" in words_on(app)
    assert not any((each.key or "").startswith("models.do.delete.waves") for each in app.button)


def test_one_is_shared_deleted_and_taken_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_owner(home / "models" / "waves", Owner(short("ada"), shared=False))
    app = visit("models.py")
    sound(app.button(key="models.do.share.waves").click().run())
    assert "shared by you" in words_on(app)
    sound(app.button(key="models.do.delete.waves").click().run())
    assert "Twelve waves" not in words_on(app)
    sound(app.button(key="models.do.undo").click().run())
    assert "Twelve waves" in words_on(app)
