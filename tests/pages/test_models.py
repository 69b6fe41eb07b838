"""Your models: what was brought from elsewhere opens on every page, is its owner's, and goes when told to."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st

from live import openings, own_models
from live.engine import shared
from live.openings import Openings, Wish
from live.visitor import short
from pages.ui import cache, judged, models_data, uploader, visitor
from tests.foreign.conftest import kl, pythae  # noqa: F401
from tests.foreign.test_given import program, upload
from tests.pages.conftest import PAGES, ROOT, serve_others, sound, stage, visit, words_on
from vae import data
from vae.checkpoint import Owner, load, read_owner, save_owner
from vae.cli import main
from vae.data import sized
from vae.errors import VAEError
from vae.foreign.adapted import Plan
from vae.foreign.allow import VARIABLE
from vae.foreign.known import Understood

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
    assert data.options[0] == "Small digits"  # the only ones of 8 by 8 pixels
    assert "Cartoon faces, resized to 8 by 8, in grey" in data.options
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


def test_what_is_here_comes_first_and_a_download_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MUSCOPE_CACHE", str(tmp_path))
    monkeypatch.delenv("MUSCOPE_DATA", raising=False)
    grey = Understood("own", "Mine", "", (1, 28, 28), 4, Plan("own", {}))
    suit = models_data.suiting(grey, list(data.NAMES))
    assert [one.fetched > 0 for one in suit] == sorted(one.fetched > 0 for one in suit)
    titles = [one.title for one in suit]
    assert titles[0] == "Cartoon faces, resized to 28 by 28, in grey"
    assert "MNIST digits (11.6 MB, from the internet)" in titles
    assert not any(one.fetched and sized.parts(one.name) for one in suit)  # of downloads only what suits as it is
    rows = Understood("own", "Mine", "", (7,), 4, Plan("own", {}))
    assert models_data.suiting(rows, list(data.NAMES)) == []
    for one in suit[:2] + [one for one in suit if "Small digits" in one.title]:
        if not one.fetched:
            assert data.describe(one.name).shape == (1, 28, 28)


def test_what_could_not_be_opened_leaves_the_form_and_can_be_tried_again(queue, home: Path) -> None:
    app = sound(visit("models.py"))
    sound(app.segmented_control(key="models.way").set_value("Your code").run())
    other = "sized:1x8x8:faces"
    sound(app.selectbox(key="models.data.adapter:Waves").set_value(other).run())
    sound(app.button(key="models.do.open").click().run())
    assert not any(each.key == "models.do.open" for each in app.button)  # one at a time
    assert app.selectbox(key="models.adapter").value == "Waves"
    ours = openings._openings(home / "models")
    (job,) = ours._jobs.values()
    job.over, job.why = True, "There is no way to the internet: [try](x) later."
    app.run()
    assert not app.exception
    assert any("Twelve waves could not be opened. There is no way" in each.value for each in app.error)
    assert app.button(key="models.do.open")
    assert app.selectbox(key="models.data.adapter:Waves").value == other  # what was chosen is not lost
    sound(app.button(key="models.do.again").click().run())
    assert len(queue) == 2 and queue[1][1].data == other and queue[1][1].name != queue[0][1].name
    assert any(each.key == "models.do.cancel" for each in app.button)
    sound(app.button(key="models.do.cancel").click().run())
    assert app.button(key="models.do.open")


def test_one_that_is_open_is_named_above_the_form(queue, home: Path) -> None:
    app = sound(visit("models.py"))
    app.session_state["muscope.models.made"] = "waves"
    sound(app.run())
    assert [each.value for each in app.success] == ["Twelve waves is open."]


def test_before_anything_of_a_model_is_drawn_it_says_that_it_is_read(home: Path, monkeypatch) -> None:
    said: list[str] = []
    seen = st.spinner
    monkeypatch.setattr(st, "spinner", lambda words, **more: said.append(words) or seen(words, **more))
    sound(visit("sliders.py", model="kl"))
    assert [words for words in said if words.startswith("kl is being opened: ")], said
    said.clear()
    sound(visit("map.py", model="kl"))
    assert said == []  # it is in memory


def test_axes_stand_in_their_own_order_on_sliders(home: Path) -> None:
    app = sound(visit("sliders.py", model="kl"))
    model_id = app.session_state["muscope"].entry.model_id
    assert [knob.dim for knob in cache.knobs(model_id)] == list(range(5))
    assert app.session_state["muscope"].entry.axes == 5
    carried = [knob.kl for knob in cache.knobs(model_id)]
    assert carried != sorted(carried, reverse=True)  # or this says nothing


def test_of_a_model_from_elsewhere_nobody_is_told_to_train_it_otherwise(home: Path) -> None:
    entries = {entry.name: entry for entry in shared().models()}
    assert own_models.is_from_elsewhere(entries["waves"]) and "learned from" in judged.idle(entries["waves"])
    trained = replace(entries["waves"], card=entries["waves"].card | {"settings": {}})
    assert own_models.is_brought(trained) and not own_models.is_from_elsewhere(trained)


def test_a_private_model_says_that_its_link_opens_for_nobody_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_owner(home / "models" / "waves", Owner(short("ada"), shared=False))
    app = sound(visit("map.py", model="waves"))
    assert not any(each.key == "frame.do.share" for each in app.button)  # whoever sits here sees all there is
    serve_others(monkeypatch)
    monkeypatch.setattr("pages.ui.seen.visitor", lambda: short("ada"))
    app = sound(visit("map.py", model="waves"))
    assert any("not shared: only you" in each.value for each in app.caption)
    sound(app.button(key="frame.do.share").click().run())
    assert read_owner(home / "models" / "waves").shared
    assert not any(each.key == "frame.do.share" for each in app.button)


def test_what_is_said_of_who_sees_it_is_true_of_this_server(queue, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "at this computer" in visitor.seen_by()
    serve_others(monkeypatch)
    assert "Only you" in visitor.seen_by()


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
