"""What goes wrong is told in one plain line, once, and the rest of the app goes on."""

import json
import shutil

import pytest

from live import engine
from pages.ui import cache
from tests.pages.conftest import PAGES, make, sound, stage, visit
from vae import data
from vae.config import Config


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "nothing-like-it"},
        {"model": "../../etc"},
        {"model": ""},
        {"model": "digits", "image": "test/99999999"},
        {"model": "digits", "image": "test/" + "9" * 400},
        {"model": "digits", "image": "/etc/passwd"},
        {"model": "digits", "image": "test/-1"},
        {"model": "digits", "image": "validation/1"},
        {"model": "digits", "image": "test/²"},
        {"image": "test/3"},
        {"nonsense": "<script>"},
    ],
)
@pytest.mark.parametrize("page", ["start.py", "sliders.py"])
def test_a_link_that_asks_for_nonsense_opens_what_there_is(home, page, asked):
    app = sound(visit(page, **asked))
    known = app.session_state["muscope"]
    assert known.model in {entry.name for entry in engine.shared().models()}
    assert known.place.image_id == "test/3" if asked == {"image": "test/3"} else known.place.image_id is not None
    assert stage(app)


@pytest.mark.parametrize("page", PAGES)
def test_without_any_model_a_plain_line_says_what_to_do_and_training_works(own, page):
    own()
    app = visit(page)
    assert not app.exception
    if page in ("bring.py", "models.py", "train.py"):
        assert not app.error
        assert page != "train.py" or not app.button(key="train.do.start").disabled
    else:
        (line,) = app.error
        assert line.value.startswith("No model was found: ") and "Train" in line.value


@pytest.mark.parametrize("page", PAGES)
def test_a_model_without_encodings_says_how_to_make_them_once(own, library, page):
    place = own("digits", "flat")
    (place / "digits" / "encodings.safetensors").unlink()
    app = visit(page, model="digits", image="test/3")
    assert not app.exception
    told = [each.value for kind in (app.error, app.warning) for each in kind]
    assert set(told) == {"The model digits has no encodings yet: run `python -m vae encode` on it."}
    assert len(told) <= 2  # beside the picker, and in place of the page
    app.selectbox(key="frame.model").select("flat").run()  # it is no trap
    sound(app)


def test_a_damaged_model_is_left_out_with_a_line_and_the_others_open(own):
    place = own("digits", "flat")
    (place / "flat" / "config.json").write_text("{}")
    (place / "odd").mkdir()
    (place / "odd" / "config.json").write_text("not JSON at all")
    (place / "no model").mkdir()
    app = sound(visit("map.py"))
    assert app.selectbox(key="frame.model").options == ["Tiny digits"]
    left_out = [each.value for each in app.sidebar.caption if each.value.startswith("Left out: ")]
    assert len(left_out) == 2 and all("\n" not in line for line in left_out)
    assert any("odd" in line for line in left_out)


def test_damaged_weights_are_told_where_the_picture_would_be(own):
    place = own("digits", "flat")
    weights = place / "digits" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    app = visit("sliders.py", model="digits")
    assert not app.exception
    assert any("digits" in each.value for each in (*app.error, *app.sidebar.caption))
    assert all("\n" not in each.value for each in app.error)


def test_a_damaged_file_of_encodings_is_told(own):
    place = own("digits", "flat")
    (place / "digits" / "encodings.safetensors").write_bytes(b"x" * 100)
    app = visit("map.py", model="digits")
    assert not app.exception and "encodings.safetensors of the model digits is damaged" in app.error[0].value


# ---- a folder deleted under the app ----------------------------------------------------------------------------------


def gone(own, page):
    """A page open on a model whose folder is then deleted."""
    place = own("digits", "flat")
    app = sound(visit(page, model="digits"))
    shutil.rmtree(place / "digits")
    return app


@pytest.mark.parametrize("page", PAGES)
def test_when_its_folder_is_deleted_the_app_goes_to_another_model(own, page):
    app = gone(own, page)
    sound(app.run())
    assert app.selectbox(key="frame.model").value == "flat"


@pytest.mark.parametrize(
    ("page", "key"),
    [
        ("sliders.py", "sliders.do.keep"),
        ("start.py", "start.tap.3"),
        ("start.py", "start.do.others"),
        ("attributes.py", "attributes.do.keep"),
    ],
)
def test_a_press_after_the_folder_was_deleted_breaks_nothing(own, page, key):
    app = gone(own, page)
    app.button(key=key).click().run()
    assert not app.exception, [each.message for each in app.exception]
    sound(app.run())
    assert app.selectbox(key="frame.model").value == "flat"


SAMPLES = {"draw": 2, "count": 36, "temperature": 1.0, "pace": 2.0, "live": False, "of": 1, "at": 1.0, "index": 3}


@pytest.mark.parametrize(
    ("page", "part", "event", "told"),
    [
        ("sliders.py", "console", "random", {}),
        ("sliders.py", "console", "back", {}),
        ("sliders.py", "console", "settled", {"values": {"1": 0.0}}),
        ("sample.py", "shower", "settled", SAMPLES),
        ("sample.py", "shower", "keep", SAMPLES),
        ("paths.py", "player", "keep", {"frame": 3}),
        ("map.py", "map", "settled", {"view": "pca", "row": 3, "xy": [0.0, 0.0]}),
        ("attributes.py", "console", "settled", {"values": {"strength": 0.5}}),
    ],
)
def test_a_hand_that_lets_go_after_the_folder_was_deleted_breaks_nothing(own, hands, page, part, event, told):
    app = gone(own, page)
    hands.tell(app, part, event, **told)
    assert not app.exception, [each.message for each in app.exception]
    sound(app.run())
    assert app.selectbox(key="frame.model").value == "flat"


def test_a_shelf_forgets_codes_of_a_deleted_model(own):
    place = own("digits", "flat")
    app = sound(visit("sliders.py", model="digits"))
    app.button(key="sliders.do.keep").click().run()
    app.selectbox(key="frame.model").select("flat").run()
    app.button(key="sliders.do.keep").click().run()
    assert len(app.session_state["muscope"].shelf) == 2
    shutil.rmtree(place / "digits")
    sound(app.run())
    assert [kept.model for kept in app.session_state["muscope"].shelf] == ["flat"]


def test_another_model_under_the_same_name_is_another_model(own, library):
    place = own("digits")
    app = sound(visit("sliders.py", model="digits"))
    app.button(key="sliders.do.keep").click().run()
    shutil.rmtree(place / "digits")
    shutil.copytree(library / "many", place / "digits")  # twenty latents, where there were three
    sound(app.run())
    assert len(app.session_state["muscope"].place.code) == 20
    assert app.session_state["muscope"].shelf == []


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_our_own_mistakes_are_told_plainly_and_in_full_in_the_terminal(home, monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(cache, "knobs", broken)
    app = visit("sliders.py", model="digits")
    assert not app.exception
    (line,) = app.error
    assert line.value.startswith("Muscope itself made a mistake here.") and "secret" not in line.value
    assert "ZeroDivisionError: secret detail" in capsys.readouterr().err
    sound(app.switch_page("map.py").run())


def test_a_mistake_in_a_press_is_told_plainly_too(home, hands, monkeypatch, capsys):
    app = sound(visit("sliders.py", model="digits"))

    def broken(*_):
        raise ZeroDivisionError("secret detail")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "random_codes", broken)
        hands.tell(app, "console", "random")
    assert not app.exception
    assert [each.value[:28] for each in app.error] == ["Muscope itself made a mistak"]
    assert "ZeroDivisionError: secret detail" in capsys.readouterr().err
    sound(app.run())


# ---- small and odd data --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("page", PAGES)
def test_a_folder_of_a_few_images_is_enough(own, tmp_path, page, labels):
    """Six images and one label, or three with two each: too few for directions, not for pages."""
    from PIL import Image

    place = own()
    for number in range(6):
        file = tmp_path / "few" / f"label{number % labels}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number * 40).save(file)
    name = f"folder:{tmp_path / 'few'}"
    make(place / "few", data.load(name, "train"), data.load(name, "test"), Config(shape=(1, 8, 8), latent_dim=3))
    sound(visit(page))


def test_originals_that_nobody_can_fetch_are_not_offered(own, tmp_path):
    place = own("table")
    card = json.loads((place / "table" / "card.json").read_text())
    for name in (f"table:{tmp_path}/gone.csv", "folder:gone", "", "a set we never heard of"):
        card["data"]["name"] = name
        (place / "table" / "card.json").write_text(json.dumps(card))
        app = sound(visit("sliders.py"))
        assert "do.fetch" not in [button.key for button in app.button], name


def test_originals_that_can_be_fetched_are(own, monkeypatch):
    place = own("digits")
    card = json.loads((place / "digits" / "card.json").read_text())
    card["data"]["name"] = "kmnist"
    (place / "digits" / "card.json").write_text(json.dumps(card))
    fetched = []
    monkeypatch.setattr(data, "on_machine", lambda name: name in fetched)
    monkeypatch.setattr(data, "originals", lambda name, split, rows: None)
    monkeypatch.setattr(data, "fetch", lambda name, show: (show(1, 2), fetched.append(name)))
    app = sound(visit("sliders.py"))
    app.button(key="do.fetch").click().run()
    assert fetched == ["kmnist"]
    assert "do.fetch" not in [button.key for button in app.button]


def test_a_download_that_fails_is_one_line(own, monkeypatch):
    from vae.errors import VAEError

    place = own("digits")
    card = json.loads((place / "digits" / "card.json").read_text())
    card["data"]["name"] = "kmnist"
    (place / "digits" / "card.json").write_text(json.dumps(card))

    def fail(name, show):
        raise VAEError("kmnist could not be downloaded: try again later.")

    monkeypatch.setattr(data, "on_machine", lambda name: False)
    monkeypatch.setattr(data, "fetch", fail)
    app = sound(visit("sliders.py"))
    app.button(key="do.fetch").click().run()
    assert [each.value for each in app.error] == ["kmnist could not be downloaded: try again later."]
    assert not app.exception and "do.fetch" in [button.key for button in app.button]
