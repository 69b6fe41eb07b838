"""The form says what a run needs in the words of `python -m vae train`, and a fork fills it again."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from pages.ui import train_form, train_network, train_settings, train_words
from pages.ui.state import State
from pages.ui.widgets import once
from tests.pages.conftest import serve_others, sound, visit, words_on
from vae.errors import VAEError
from vae.objectives import Objective, check_objective
from vae.recipes import RECIPES
from vae.train import options, plan
from vae.train.runs import Run, runs, submit


def asked_of(place: Path):
    """The newest run in the home of these models, and what it was asked for as the command line understands it."""
    run = runs(place.parent / "runs")[0]
    return run, options.parse(run.arguments)


def start(app):
    return app.button(key="train.do.start").click().run()


# ---- what is set is what is run ------------------------------------------------------------------------------------


def test_as_it_stands_the_form_trains_digits(own):
    place = own("digits")
    sound(start(sound(visit("train.py"))))
    run, said = asked_of(place)
    assert run.name == "my digits" and run.queued and run.parent == ""
    assert said.out == place / "my-digits"
    assert (said.data, said.model, said.latent_dim, said.epochs, said.beta) == ("digits", "conv", 16, 55, 1.0)
    assert (said.batch_size, said.rate, said.seed, said.map, said.likelihood) == (128, 1e-3, 0, "both", "bernoulli")
    assert (said.minutes, said.objective, said.device, said.precision) == (None, None, "auto", "auto")


def test_what_is_set_is_what_is_run(own):
    place = own("digits")
    app = visit("train.py")
    app.selectbox(key="train.data").select("sprites").run()
    app.selectbox(key="train.network").select("keras").run()
    for option, value in (
        ("latent-dim", 5),
        ("epochs", 3),
        ("beta", 4.5),
        ("batch-size", 32),
        ("rate", 0.02),
        ("decay", 0.25),
        ("seed", 9),
    ):
        app.number_input(key=f"train.keras.sprites.{option}").set_value(value).run()
    app.text_input(key="train.keras.sprites.encoder-sizes").set_value("64, 32").run()
    app.text_input(key="train.name").set_value("  Ünïque, my “own”/../model  ").run()
    sound(start(app))
    run, said = asked_of(place)
    assert run.name == "Ünïque, my “own”/../model"
    assert said.out.parent == place and set(said.out.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert (said.data, said.recipe, said.model, said.latent_dim) == ("sprites", "keras", None, 5)
    assert (said.epochs, said.beta, said.batch_size, said.rate, said.seed) == (3, 4.5, 32, 0.02, 9)
    assert (said.decay, said.encoder_sizes) == (0.25, (64, 32))
    assert said.likelihood is None  # a recipe brings its own


OBJECTIVES = {
    "warmup": {"rise": 0.3},
    "cyclical": {"rise": 0.9, "cycles": 7},
    "capacity": {"rise": 0.25, "nats": 12.0},
    "free-bits": {"nats": 0.75},
    "dreg": {"samples": 9},
    "tc": {},
    "factor": {"gamma": 35.0, "critic": 64},
}


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_an_objective_goes_with_its_own_numbers_and_no_others(own, kind):
    place = own("digits")
    app = visit("train.py")
    app.selectbox(key="train.conv.digits.objective").select(kind).run()
    for name, value in OBJECTIVES[kind].items():
        key = f"train.conv.digits.{kind}.nats" if name == "nats" else f"train.conv.digits.{name}"
        app.number_input(key=key).set_value(value).run()
    sound(start(app))
    _, said = asked_of(place)
    names = ("rise", "cycles", "nats", "samples", "gamma", "critic")
    expected = dict.fromkeys(names) | OBJECTIVES[kind]
    assert said.objective == kind
    assert {name: getattr(said, name) for name in expected} == expected


NETWORKS = {
    "gated": {"model": "gated", "likelihood": "bernoulli"},
    "linear": {"model": "linear", "likelihood": None, "encoder_sizes": None},
    "autoencoder": {"model": "conv", "posterior": "point", "beta": None, "objective": None},
    "levels": {"model": "conv", "levels": (4, 12), "latent_dim": None},
    "gan": {"model": "conv", "objective": "gan", "rise": 0.5, "gamma": 10.0, "critic": 256},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_list_is_what_it_says_and_a_fork_finds_it_again(own, name):
    place = own("digits")
    app = visit("train.py")
    app.selectbox(key="train.network").select(name).run()
    sound(start(app))
    run, said = asked_of(place)
    expected = {"posterior": None, "levels": None, "std": None, "binarise": None, "output": None} | NETWORKS[name]
    assert {key: getattr(said, key) for key in expected} == expected
    assert "Not as usual" not in words_on(app)
    sound(fork(app))
    assert app.selectbox(key="train.network").value == name
    assert not [each.value for each in app.code if "--" in each.value]
    sound(start(app))
    again = asked_of(place)[1]
    assert {key for key, value in vars(again).items() if getattr(said, key) != value} == {"out", "title"}


def test_what_a_network_is_built_of_can_be_chosen_and_is_said_where_it_is_unusual(own):
    place = own("digits")
    app = visit("train.py")
    app.selectbox(key="train.network").select("levels").run()
    app.selectbox(key="train.levels.digits.model").select("gated").run()
    app.text_input(key="train.levels.digits.levels").set_value("2, 3, 5").run()
    assert {"dreg", "tc", "gan"}.isdisjoint(train_words.offered("levels"))
    sound(start(app))
    run, said = asked_of(place)
    assert (said.model, said.levels) == ("gated", (2, 3, 5))
    assert "Not as usual under More settings: Built of: gated dense layers." in words_on(app)
    assert "2 + 3 + 5 latents" in train_settings.line(run.arguments)
    for wrong, words in (("4", "give at least two numbers"), ("two", "give whole numbers such as 4,12")):
        app.text_input(key="train.levels.digits.levels").set_value(wrong).run()
        assert [words in each.value for each in app.warning] == [True] and not app.error
    app.text_input(key="train.levels.digits.encoder-sizes").set_value("9,banana").run()
    assert len(app.warning) == 2 and "“9,banana”" in app.warning[1].value
    app.text_input(key="train.levels.digits.encoder-sizes").set_value("").run()
    start(app)
    assert [each.value for each in app.error] == ["Latents of each level is “two”: give whole numbers such as 4,12."]


def test_how_pixels_are_seen_is_the_recipes_own_until_it_is_changed(own):
    place = own("digits")
    app = visit("train.py")
    app.selectbox(key="train.network").select("burda").run()
    assert app.selectbox(key="train.burda.digits.binarise").value == "dynamic"
    sound(start(app))
    assert asked_of(place)[1].binarise is None
    app.selectbox(key="train.burda.digits.binarise").select("static").run()
    sound(start(app))
    assert asked_of(place)[1].binarise == "static"
    assert r"Pixels: black and white\, drawn once" in words_on(app)
    app.selectbox(key="train.network").select("mlp").run()
    app.selectbox(key="train.mlp.digits.likelihood").select("gaussian").run()
    app.number_input(key="train.mlp.digits.std").set_value(0.25).run()
    sound(start(app))
    said = asked_of(place)[1]
    assert (said.likelihood, said.std, said.binarise) == ("gaussian", 0.25, None)


@pytest.mark.parametrize(("name", "missing"), [("keras", "iwae"), ("levels", "tc"), ("conv", "gan")])
def test_an_objective_that_cannot_be_is_not_offered(own, name, missing):
    own("digits")
    app = visit("train.py")
    app.selectbox(key="train.network").select(name).run()
    offered = app.selectbox(key=f"train.{name}.digits.objective").options
    assert train_words.objective("warmup") in offered and train_words.objective(missing) not in offered


@pytest.mark.parametrize("network", [*train_words.NETWORKS, *RECIPES])
def test_every_objective_that_can_be_is_offered_and_no_other(network):
    words = [*train_network.what(network), *(["--model=conv"] if network in train_words.MADE_OF else [])]
    asked = options.parse(["--data=digits", *words, *(["--levels=4,12"] if network == "levels" else [])])
    config, offered = plan.make_model_config(asked, (1, 8, 8)), train_words.offered(network)
    for kind in train_words.OBJECTIVE_WORDS:
        try:
            check_objective(Objective(kind), config)
        except VAEError:
            assert kind not in offered or kind == "gan"  # of a recipe whose pixels may be left grey
        else:
            assert kind in offered or kind == "gan"  # that one is a network of the list
    assert "(IWAE)" in train_words.objective("iwae") and "(beta-TCVAE)" in train_words.objective("tc")


def test_what_does_not_go_together_is_refused_beside_the_button(own):
    place = own("digits")
    app = visit("train.py")
    app.selectbox(key="train.conv.digits.likelihood").select("mse").run()
    app.selectbox(key="train.conv.digits.objective").select("iwae").run()
    start(app)
    assert ["squared error is none" in each.value for each in app.error] == [True] and not runs(place.parent / "runs")


def test_a_training_can_be_asked_for_by_minutes(own):
    place = own("digits")
    app = visit("train.py")
    app.segmented_control(key="train.conv.digits.how").set_value("minutes").run()
    app.number_input(key="train.conv.digits.minutes").set_value(2.5).run()
    sound(start(app))
    _, said = asked_of(place)
    assert said.minutes == 2.5 and said.epochs == 100_000  # the time ends it, not the epochs


def test_two_latents_are_a_map_by_themselves(own):
    place = own("digits")
    app = visit("train.py")
    app.number_input(key="train.conv.digits.latent-dim").set_value(2).run()
    sound(start(app))
    assert asked_of(place)[1].map == "pca"


def test_a_network_remembers_its_numbers_while_another_is_looked_at(own):
    own("digits")
    app = visit("train.py")
    app.number_input(key="train.conv.digits.latent-dim").set_value(7).run()
    app.selectbox(key="train.network").select("pytorch").run()
    assert app.number_input(key="train.pytorch.digits.latent-dim").value == 20  # as its source has it
    app.selectbox(key="train.network").select("conv").run()
    assert app.number_input(key="train.conv.digits.latent-dim").value == 7
    app.switch_page("map.py").run()
    app.switch_page("train.py").run()
    assert app.number_input(key="train.conv.digits.latent-dim").value == 7


def test_a_double_press_starts_one_training():
    state, heard = State(model=""), []
    press = once(state, heard.append)
    press("first")
    press("second")  # before the page was drawn again
    assert heard == ["first"]
    once(state, heard.append)("third")
    assert heard == ["first", "third"]


# ---- what cannot work is refused -----------------------------------------------------------------------------------


def test_an_own_folder_needs_its_path(own, tmp_path):
    place = own("digits")
    cats = tmp_path / "my cats"
    for label in ("black", "white"):
        (cats / label).mkdir(parents=True)
        for shade in range(0, 250, 25):
            Image.new("L", (16, 16), shade).save(cats / label / f"{label}{shade}.png")
    app = visit("train.py")
    app.selectbox(key="train.data").select("folder").run()
    start(app)
    assert not runs(place.parent / "runs") and ["path is missing" in each.value for each in app.error] == [True]
    app.text_input(key="train.path").set_value(str(tmp_path / "no such folder")).run()
    start(app)
    assert not runs(place.parent / "runs") and len(app.error) == 1 and "no such folder" in app.error[0].value
    app.text_input(key="train.path").set_value(f" {cats} ").run()
    sound(start(app))
    run, said = asked_of(place)
    assert said.data == f"folder:{cats}" and run.name == "my folder:my cats"
    assert said.epochs == 200  # few images, many turns


def test_a_table_is_offered_no_network_that_wants_pictures(own):
    own("digits")
    app = visit("train.py")
    assert "convolutional" in app.selectbox(key="train.network").options
    app.selectbox(key="train.data").select("table").run()
    app.text_input(key="train.path").set_value("rows.csv").run()
    assert {"convolutional", "VAE-GAN"}.isdisjoint(app.selectbox(key="train.network").options)
    app.selectbox(key="train.network").select("autoencoder").run()
    assert app.selectbox(key="train.autoencoder.table:rows.csv.model").options == ["dense layers", "gated dense layers"]


def test_settings_that_cannot_work_are_refused_beside_the_button_and_nothing_is_made(own):
    place = own("digits")
    app = visit("train.py")
    app.text_input(key="train.conv.digits.encoder-sizes").set_value("32,many").run()
    start(app)
    (line,) = (each.value for each in app.error)
    assert line == "Layers is “32,many”: give whole numbers such as 400,200." and not app.exception
    assert not runs(place.parent / "runs")
    app.text_input(key="train.conv.digits.encoder-sizes").set_value("").run()
    assert not app.error  # said once


@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        ("beta", -3.0, "Beta is -3: give a number from 0 to 10,000."),
        ("epochs", 99_999_999, "Epochs is 99,999,999: give a whole number from 1 to 100,000."),
        ("rate", 0.0, "Learning rate is 0: give a number from 0.000001 to 1."),
    ],
)
def test_a_number_out_of_range_is_refused_and_nothing_else_is_trained_with(own, option, value, line):
    place = own("digits")
    app = visit("train.py")
    app.number_input(key=f"train.conv.digits.{option}").set_value(value).run()
    start(app)
    assert [each.value for each in app.error] == [line] and not runs(place.parent / "runs")


def test_what_is_typed_counts_though_start_is_pressed_at_once(own):
    place = own("digits")
    app = visit("train.py")
    app.number_input(key="train.conv.digits.epochs").set_value(3)
    sound(start(app))
    assert asked_of(place)[1].epochs == 3


def test_what_is_unusual_under_more_settings_is_said_at_the_button_and_can_be_undone(own):
    place = own("digits")
    app = visit("train.py")
    assert "Not as usual" not in words_on(app)
    app.selectbox(key="train.conv.digits.objective").select("warmup").run()
    app.number_input(key="train.conv.digits.seed").set_value(3).run()
    sound(start(app))
    assert "Not as usual under More settings: Objective: warm-up; Seed: 3." in words_on(app)
    sound(app.button(key="train.do.usual").click().run())
    assert "Not as usual" not in words_on(app)
    sound(start(app))
    said = asked_of(place)[1]
    assert (said.objective, said.seed) == (None, 0)


def test_a_full_disk_is_one_plain_line(own, monkeypatch):
    own("digits")

    def fail(*_, **__):
        raise VAEError("The disk is full: make room and start again.")

    monkeypatch.setattr(train_form, "submit", fail)
    app = start(visit("train.py"))
    assert not app.exception
    assert [each.value for each in app.error] == ["The disk is full: make room and start again."]


def test_paths_are_offered_to_this_machine_alone(own, monkeypatch):
    own("digits")
    for address, offered in (("127.0.0.1", True), ("0.0.0.0", False), (None, False)):
        serve_others(monkeypatch, address)
        app = sound(visit("train.py"))
        assert any("on this machine" in option for option in app.selectbox(key="train.data").options) is offered


# ---- names and folders ---------------------------------------------------------------------------------------------


def test_a_second_model_of_a_name_gets_a_folder_of_its_own(own):
    place = own("digits")
    assert train_form.free_folder("Digits").name == "digits-2"
    shutil.copytree(place / "digits", place / "digits-2")
    assert train_form.free_folder("digits!").name == "digits-3"
    assert train_form.free_folder("“”").name == "model"
    app = sound(start(visit("train.py")))
    assert train_form.free_folder("my digits").name == "my-digits-2"  # asked for, though nothing is there yet
    sound(start(app))
    assert [run.name for run in runs(place.parent / "runs")] == ["my digits 2", "my digits"]


def test_one_broken_run_does_not_stop_another(own):
    place = own("digits")
    broken = place.parent / "runs" / "20200101-000000-abcdef"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("{")
    sound(start(visit("train.py")))
    assert len(runs(place.parent / "runs")) == 1


# ---- fork ----------------------------------------------------------------------------------------------------------


def fork(app):
    return app.button(key="train.do.fork").click().run()


def test_a_fork_fills_the_form_and_a_changed_number_is_all_that_differs(own):
    place = own("digits")
    words = "--data mnist --recipe pytorch --latent-dim 2 --epochs 7 --beta 2.5 --rate 0.004 --seed 11 --batch-size 64"
    words += " --objective capacity --rise 0.2 --nats 9 --limit 500 --binarise dynamic --decay 0.5"
    first = submit(place.parent / "runs", [*words.split(), f"--out={place / 'first'}"], "a *bold* first")
    app = sound(visit("train.py", run=first.id))
    sound(fork(app))
    assert app.selectbox(key="train.data").value == "mnist" and app.selectbox(key="train.network").value == "pytorch"
    assert r"a \*bold\* first" in words_on(app)
    app.number_input(key="train.pytorch.mnist.latent-dim").set_value(3).run()
    sound(start(app))
    run, said = asked_of(place)
    old = options.parse(first.arguments)
    assert run.parent == first.id and run.name == "a *bold* first again" and run.folder != first.folder
    given = {name: value for name, value in vars(old).items() if value not in (None, False, "")}
    differs = {name for name, value in given.items() if getattr(said, name) != value}
    assert differs == {"latent_dim", "out", "map", "title"} and (said.latent_dim, said.map) == (3, "both")
    assert (said.limit, said.binarise, said.minutes) == (500, "dynamic", None)
    assert "Filled with" not in words_on(app)  # the next one is nobody's
    sound(start(app))
    assert asked_of(place)[0].parent == ""


def test_a_fork_forgets_what_the_form_said_before(own):
    place = own("digits")
    run = submit(place.parent / "runs", ["--data=digits", "--model=mlp", "--latent-dim=5"], "plain")
    app = visit("train.py", run=run.id)
    app.selectbox(key="train.network").select("mlp").run()
    app.number_input(key="train.mlp.digits.beta").set_value(9.0).run()
    app.selectbox(key="train.mlp.digits.objective").select("warmup").run()
    sound(start(fork(app)))
    _, said = asked_of(place)
    assert (said.latent_dim, said.beta, said.objective) == (5, 1.0, None)


def test_a_fork_of_a_run_by_minutes_is_by_minutes(own):
    place = own("digits")
    words = ["--data=digits", "--model=mlp", "--minutes=3", "--epochs=100000"]
    run = submit(place.parent / "runs", words, "timed")
    app = sound(fork(visit("train.py", run=run.id)))
    assert app.number_input(key="train.mlp.digits.minutes").value == 3.0
    sound(start(app))
    assert asked_of(place)[1].minutes == 3.0


def test_what_the_form_cannot_show_goes_along_or_is_left_behind_on_request(own):
    place = own("digits")
    words = ["--data=digits", "--model=mlp", "--latent-dim=5", "--limit=100", "--half"]
    run = submit(place.parent / "runs", words, "odd")
    app = sound(fork(visit("train.py", run=run.id)))
    assert [each.value for each in app.code if "--limit" in each.value] == ["--limit 100 --half"]
    app.button(key="train.do.unfork").click().run()
    sound(app)
    assert app.selectbox(key="train.network").value == "conv"
    sound(start(app))
    run, said = asked_of(place)
    assert (said.limit, said.half, said.latent_dim, run.parent) == (None, False, 16, "")


def test_a_folder_of_this_machine_is_not_offered_to_others_by_a_fork(own, monkeypatch, tmp_path):
    place = own("digits")
    for label in "ab":
        (tmp_path / "mine" / label).mkdir(parents=True)
        for shade in range(0, 250, 10):
            Image.new("L", (16, 16), shade).save(tmp_path / "mine" / label / f"{shade}.png")
    run = submit(place.parent / "runs", [f"--data=folder:{tmp_path / 'mine'}", "--model=mlp"], "mine")
    serve_others(monkeypatch)
    app = sound(fork(visit("train.py", run=run.id)))
    assert app.selectbox(key="train.data").value == "digits"
    assert any("not offered over a network" in each.value for each in app.warning)
    assert str(tmp_path) not in words_on(app)


@pytest.mark.parametrize(
    "words",
    [
        "--data nothing --model mlp",
        "--data digits --recipe gone",
        "--data digits --model mlp --epochs many",
        "--data digits --model mlp --latent-dim 999999 --beta nan",
        "--data digits --model mlp --latent-dim",
        "-x y --data",
        "",
    ],
)
def test_a_run_with_odd_arguments_still_fills_a_form_that_works(own, words):
    place = own("digits")
    run = submit(place.parent / "runs", ["--data=digits", "--model=mlp"], "odd")
    facts = run.facts | {"arguments": words.split()}
    (run.folder / "run.json").write_text(__import__("json").dumps(facts))
    app = fork(visit("train.py", run=run.id))
    sound(app)
    assert Run.open(run.folder).arguments == words.split()
