"""The form says what a run needs in the words of `python -m vae train`, and the view follows a run to its end."""

import json
import shutil

import pytest
from PIL import Image

from pages.ui import training
from tests.pages.conftest import pictures, sound, visit, words_on
from vae.cli import train as command
from vae.errors import VAEError
from vae.explore import render
from vae.train.worker import Run


@pytest.fixture
def started(monkeypatch, tmp_path):
    """Runs are not started: their arguments are kept here, each with a folder as if it had been."""
    asked = []

    def start(runs_dir, arguments, name):
        folder = runs_dir / f"run-{len(asked)}"
        folder.mkdir(parents=True)
        words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--") else [word])]
        (folder / "request.json").write_text(json.dumps({"name": name, "arguments": words, "started": "now"}))
        asked.append((name, arguments))
        return Run(folder)

    monkeypatch.setattr(training, "start", start)
    return asked


def parsed(arguments):
    """As the command line itself understands them."""
    import argparse

    parser = argparse.ArgumentParser(exit_on_error=False)
    command.add_arguments(parser)
    return parser.parse_args(arguments)


def test_as_it_stands_the_form_trains_digits(own, started):
    own("digits")
    app = sound(visit("train.py"))
    app.button(key="train.do.start").click().run()
    assert not app.exception
    ((name, arguments),) = started
    said = parsed(arguments)
    assert name == "my digits" and said.out.name == "my-digits"
    assert (said.data, said.model, said.latent_dim, said.epochs, said.beta) == ("digits", "conv", 16, 55, 1.0)
    assert (said.batch_size, said.rate, said.seed, said.map, said.likelihood) == (128, 1e-3, 0, "both", "bernoulli")


def test_what_is_set_is_what_is_run(own, started):
    own("digits")
    app = visit("train.py")
    app.selectbox(key="train.data").select("sprites").run()
    app.selectbox(key="train.network").select("keras").run()
    for key, value in (
        ("latent-dim", 5),
        ("epochs", 3),
        ("beta", 4.5),
        ("batch-size", 32),
        ("rate", 0.02),
        ("seed", 9),
    ):
        app.number_input(key=f"train.keras.sprites.{key}").set_value(value).run()
    app.text_input(key="train.name").set_value("  Ünïque, my “own”/../model  ").run()
    app.button(key="train.do.start").click().run()
    ((name, arguments),) = started
    said = parsed(arguments)
    assert name == "Ünïque, my “own”/../model"
    assert said.out.parent.name == "models" and set(said.out.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert (said.data, said.recipe, said.model, said.latent_dim) == ("sprites", "keras", None, 5)
    assert (said.epochs, said.beta, said.batch_size, said.rate, said.seed) == (3, 4.5, 32, 0.02, 9)
    assert said.likelihood is None  # a recipe brings its own


def test_an_own_folder_needs_its_path(own, started, tmp_path):
    own("digits")
    cats = tmp_path / "my cats"
    for label in ("black", "white"):
        (cats / label).mkdir(parents=True)
        for shade in range(0, 250, 25):
            Image.new("L", (16, 16), shade).save(cats / label / f"{label}{shade}.png")
    app = visit("train.py")
    app.selectbox(key="train.data").select("folder").run()
    assert app.button(key="train.do.start").disabled
    app.text_input(key="train.path").set_value(str(tmp_path / "no such folder")).run()
    app.button(key="train.do.start").click().run()
    assert not started and len(app.error) == 1 and "no such folder" in app.error[0].value
    app.text_input(key="train.path").set_value(f" {cats} ").run()
    app.button(key="train.do.start").click().run()
    ((name, arguments),) = started
    said = parsed(arguments)
    assert (
        said.data == f"folder:{cats}" and name == "my folder:my cats" and said.epochs == 200
    )  # few images, many turns


def test_a_table_is_offered_no_network_that_wants_pictures(own):
    own("digits")
    app = visit("train.py")
    assert "convolutional" in app.selectbox(key="train.network").options
    app.selectbox(key="train.data").select("table").run()
    app.text_input(key="train.path").set_value("rows.csv").run()
    assert "convolutional" not in app.selectbox(key="train.network").options


def test_a_second_model_of_a_name_gets_a_folder_of_its_own(own, started):
    place = own("digits")
    assert training.free_folder("Digits").name == "digits-2"
    shutil.copytree(place / "digits", place / "digits-2")
    assert training.free_folder("digits!").name == "digits-3"
    assert training.free_folder("“”").name == "model"
    app = visit("train.py")
    app.button(key="train.do.start").click().run()
    assert training.free_folder("my digits").name == "my-digits-2"  # asked for, though nothing is there yet


def test_a_run_that_cannot_be_started_is_one_plain_line(own, monkeypatch):
    own("digits")

    def fail(*_):
        raise VAEError("The disk is full: make room and start again.")

    monkeypatch.setattr(training, "start", fail)
    app = visit("train.py")
    app.button(key="train.do.start").click().run()
    assert not app.exception
    assert [each.value for each in app.error] == ["The disk is full: make room and start again."]


def say(folder, *events):
    with (folder / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def test_the_view_follows_a_run_to_its_end(own, started, monkeypatch, library):
    place = own("digits")
    monkeypatch.setattr(Run, "alive", lambda run: not (place / "my-digits").exists())
    app = visit("train.py")
    app.button(key="train.do.start").click().run()
    sound(app)
    folder = place.parent / "runs" / "run-0"
    assert "my digits" in [each.value for each in app.subheader]
    assert app.button(key="train.do.stop")

    rates = {"images_per_second": 1000.0, "seconds_left": 9.0}
    say(folder, {"kind": "start", "epochs": 2}, {"kind": "pictures", "file": "pictures-0.png", "epoch": 0})
    (folder / "pictures-0.png").write_bytes(render.png(render.to_pixels([[[[0.5] * 8] * 8]])[0]))
    terms = {"recon_nll": 40.0, "kl": 3.0}
    say(folder, {"kind": "step", "epoch": 1, "step": 5, "steps": 10} | rates | terms)
    sound(app.run())
    ((alt, _),) = pictures(app, "stage")
    assert alt == "Originals above reconstructions, before the first step"
    app.button(key="train.do.stop").click().run()
    assert (folder / "stop").exists()

    shutil.copytree(library / "flat", place / "my-digits")
    say(folder, {"kind": "epoch", "epoch": 1} | rates | terms, {"kind": "stopped", "epochs": 1.0, "seconds": 3.0})
    sound(app.run())
    assert "train.do.stop" not in [button.key for button in app.button]
    app.button(key="train.do.open").click().run()
    sound(app)
    assert app.session_state["muscope"].model == "my-digits"
    app.switch_page("train.py").run()
    app.button(key="train.do.away").click().run()
    assert "train.do.open" not in [button.key for button in app.button]


def test_a_run_that_failed_says_why(own, started, monkeypatch):
    place = own("digits")
    app = visit("train.py")
    app.button(key="train.do.start").click().run()
    say(place.parent / "runs" / "run-0", {"kind": "failed", "line": "beta is -1: give 0 or more."})
    app.run()
    assert not app.exception and [each.value for each in app.error] == ["beta is -1: give 0 or more."]


def test_a_run_whose_folder_is_deleted_is_forgotten(own, started):
    place = own("digits")
    app = visit("train.py")
    app.button(key="train.do.start").click().run()
    shutil.rmtree(place.parent / "runs")
    sound(app.run())
    assert any("Nothing is being trained" in each.value for each in app.info)


def test_a_picture_that_is_not_there_is_left_out(own, started, monkeypatch):
    place = own("digits")
    monkeypatch.setattr(Run, "alive", lambda run: True)
    app = visit("train.py")
    app.button(key="train.do.start").click().run()
    say(
        place.parent / "runs" / "run-0",
        {"kind": "start", "epochs": 2},
        {"kind": "pictures", "file": "x.png", "epoch": 0},
    )
    sound(app.run())
    assert pictures(app, "stage") == []


def test_one_broken_run_does_not_stop_another(own, started):
    place = own("digits")
    broken = place.parent / "runs" / "00000000-broken"
    broken.mkdir(parents=True)
    (broken / "request.json").write_text("{")
    app = visit("train.py")
    app.button(key="train.do.start").click().run()
    assert len(started) == 1 and not app.exception


def test_paths_are_offered_to_this_machine_alone(own, monkeypatch):
    own("digits")
    import streamlit as st

    seen = st.get_option
    for address, offered in (("127.0.0.1", True), ("0.0.0.0", False), (None, False)):
        monkeypatch.setattr(st, "get_option", lambda name, a=address: a if name == "server.address" else seen(name))
        app = sound(visit("train.py"))
        assert any("on this machine" in option for option in app.selectbox(key="train.data").options) is offered
        assert "Nothing is being trained" in words_on(app)
