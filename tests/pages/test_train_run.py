"""A run on the page: what each state shows, who may do what, and that a link, a refresh and a second visitor agree."""

import fcntl
import json
import shutil
from contextlib import contextmanager

import numpy as np
import pytest

from live import reels
from pages.ui import followed, train_controls, train_settings, visitor
from tests.pages.conftest import serve_others, sound, visit, words_on
from vae.history import Curves, Dots, Frame, History, save_history
from vae.train.events import EventLog
from vae.train.run import Run
from vae.train.runs import runs, submit

PACE = {"images_per_second": 1000.0, "seconds_left": 9.0}
TERMS = {"recon_nll": 40.0, "kl": 3.0}
STARTED = {"kind": "start", "epochs": 4, "steps": 10, "latent_dim": 3, "beta": 2.5, "rate": 0.004, "batch_size": 128}
STEP = {"kind": "step", "epoch": 2, "step": 5, "steps": 10, "step_total": 15, "at": 1.5, "beta": 2.5, "rate": 0.004}
RUNNING = (STARTED, STEP | PACE | TERMS)
DONE = {"kind": "done", "epochs": 4, "seconds": 9.0}
BUTTONS = {"pause", "resume", "stop", "change", "fork", "rename", "cancel", "delete", "open.map", "open.sliders"}


@pytest.fixture(autouse=True)
def look_again():
    """What was seen of another test's folders within the same second is forgotten."""
    followed.look_again()


@pytest.fixture
def new_run(own):
    """`new_run("name", *events, owner=...)`: a home with one model, and a run in it that has said so much."""
    place = own("digits")

    def make(name="my run", *events, owner="", parent="", words=()):
        given = ["--data=digits", "--model=mlp", "--latent-dim=2", f"--out={place / name.replace(' ', '-')}", *words]
        run = submit(place.parent / "runs", given, name, owner=owner, parent=parent)
        say(run, *events)
        return run

    return make


def say(run, *events):
    log = EventLog(run.folder / "events.jsonl")
    for event in events:
        log.say(**event)


@contextmanager
def at_work(run):
    """As if a process worked on it."""
    with (run.folder / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def buttons(app):
    """The buttons for the run, and whether each can be pressed."""
    keys = {each.key.removeprefix("train.do."): not each.disabled for each in app.button if each.key}
    return {name: on for name, on in keys.items() if name in BUTTONS}


def press(app, name):
    return app.button(key=f"train.do.{name}").click().run()


def progress(app):
    (bar,) = app.get("progress")
    return bar.proto.value, bar.proto.text


@pytest.fixture
def over_a_network(monkeypatch):
    """The server answers other machines too, and this visitor's cookie is Ada's unless the test says otherwise."""
    serve_others(monkeypatch)
    monkeypatch.setattr(visitor, "who", lambda cookies, session: "ada")
    return lambda name: monkeypatch.setattr(visitor, "who", lambda cookies, session: name)


# ---- states --------------------------------------------------------------------------------------------------------


def test_a_run_that_waits_says_its_place_and_can_be_cancelled(new_run):
    first = new_run("first", owner="ada")
    second = new_run("second", owner="ben")
    app = sound(visit("train.py", run=first.id))
    assert "It is next" in progress(app)[1]
    app = sound(visit("train.py", run=second.id))
    assert "One is before it" in progress(app)[1]
    assert {"pause", "cancel"} <= buttons(app).keys() and "stop" not in buttons(app)
    assert "delete" not in buttons(app)  # one way out is enough
    sound(press(app, "cancel"))
    assert second.state() == "queued" and any("cannot be undone" in each.value for each in app.warning)
    sound(press(app, "unsure"))
    assert second.state() == "queued" and not app.warning
    press(app, "cancel")
    sound(press(app, "sure"))
    assert second.state() == "cancelled" and first.state() == "queued"
    assert any("Cancelled" in each.value for each in app.info)
    assert buttons(app).keys() == {"fork", "rename", "delete"}
    press(app, "delete")
    sound(press(app, "sure"))
    assert not second.folder.exists() and first.folder.exists()


def test_a_press_is_not_lost_when_the_page_is_drawn_without_its_button(new_run, own, monkeypatch):
    """As where a training ends in the instant of the press, and its model is being put in its place."""
    run = new_run("done", STARTED, DONE)
    shutil.copytree(run.model_folder.parent / "digits", run.model_folder)
    app = sound(visit("train.py", run=run.id))
    pressed = app.button(key="train.do.open.map")
    monkeypatch.setattr(train_controls, "_model_of", lambda run: None)
    app = sound(pressed.click().run())
    assert [each.value for each in app.title] == ["Map"] and app.session_state["muscope"].model == "done"
    assert "muscope.lead" not in app.session_state
    app.switch_page("train.py").run()  # and another page is not held up by it
    assert [each.value for each in app.title] == ["Train"]


def test_a_run_under_way_shows_how_far_it_is_and_how_it_learns(new_run):
    run = new_run("under way", *RUNNING)
    with at_work(run):
        app = sound(visit("train.py", run=run.id))
        done, line = progress(app)
        assert (done, line) == (37, "Epoch 2 of 4, 1,000 images a second, about 9 s left.")
        assert "Beta 2\\.5\\, learning rate 0\\.004" in words_on(app)
        assert {"pause", "stop", "change", "cancel", "fork"} <= buttons(app).keys() and "delete" not in buttons(app)
        say(run, STEP | PACE | TERMS | {"epoch": 3, "step_total": 25, "at": 2.5})
        assert progress(app.run())[0] == 62  # what is new is read on top of what was


@pytest.mark.parametrize(
    ("button", "want", "line"),
    [
        ("pause", "pause", "It pauses after"),
        ("stop", "stop", "It stops after"),
        ("cancel", "cancel", "being cancelled"),
    ],
)
def test_a_press_is_a_wish_that_the_process_reads(new_run, button, want, line):
    run = new_run("under way", *RUNNING)
    with at_work(run):
        app = visit("train.py", run=run.id)
        sound(press(app, button))
        if button == "cancel":
            sound(press(app, "sure"))
        assert run.control().want == want and line in words_on(app)
        assert buttons(app)[button] is False  # it was said once


def test_another_beta_is_asked_for_and_nothing_else_changes(new_run):
    run = new_run("under way", *RUNNING)
    with at_work(run):
        app = visit("train.py", run=run.id)
        press(app, "change")
        assert ["Nothing was changed" in each.value for each in app.error] == [True]
        (beta,) = (each for each in app.number_input if each.label == "Beta now")
        (rate,) = (each for each in app.number_input if each.label == "Learning rate now")
        assert (beta.value, rate.value) == (2.5, 0.004)
        beta.set_value(-3.0).run()
        press(app, "change")
        assert [each.value for each in app.error] == ["Beta is -3: give a number from 0 to 10,000."]
        (beta,) = (each for each in app.number_input if each.label == "Beta now")
        beta.set_value(7.0)  # typed, and the button pressed at once
        sound(press(app, "change"))
        assert (run.control().beta, run.control().rate, run.control().want) == (7.0, None, "run")
        assert [each.value for each in app.number_input if each.label == "Beta now"] == [7.0]


def test_a_paused_run_can_go_on_from_where_it_was(new_run):
    run = new_run("resting", *RUNNING, {"kind": "paused", "step": 15, "epoch": 2, "at": 1.5})
    app = sound(visit("train.py", run=run.id))
    assert "Paused after 1.5 epochs" in progress(app)[1]
    assert {"resume", "change", "cancel", "delete"} <= buttons(app).keys() and "pause" not in buttons(app)
    sound(press(app, "resume"))
    assert run.state() == "queued" and "It is next" in progress(app)[1]


def test_a_run_that_was_killed_is_told_of_and_waits_to_go_on(new_run):
    run = new_run("killed", *RUNNING)
    app = sound(visit("train.py", run=run.id))
    assert run.state() == "interrupted"
    assert any("ended from outside" in each.value for each in app.warning)
    assert "resume" in buttons(app)


def test_a_run_that_broke_off_says_what_to_change_and_can_be_resumed(new_run):
    line = "The loss is not a number any more: choose a smaller rate."
    run = new_run("broken", *RUNNING, {"kind": "failed", "line": line})
    app = visit("train.py", run=run.id)
    assert not app.exception and [each.value for each in app.error] == [line]
    assert {"resume", "fork", "delete"} <= buttons(app).keys()
    assert not {"pause", "stop", "cancel"} & buttons(app).keys()
    sound(press(app, "resume"))
    assert run.state() == "queued"


def test_a_line_that_is_a_note_too_is_said_once(new_run):
    line = "The loss grew beyond all bounds: choose a smaller rate."
    run = new_run("ran away", *RUNNING, {"kind": "rolled_back", "line": line}, {"kind": "failed", "line": line})
    app = visit("train.py", run=run.id)
    assert [each.value for each in app.error] == [line] and not any(line[:30] in each.value for each in app.caption)


def test_one_that_broke_off_in_a_terminal_does_not_say_that_it_is_about_to_begin(new_run):
    run = new_run("killed", *RUNNING)
    (run.folder / "run.json").write_text(json.dumps(run.facts | {"queued": False}))
    assert progress(sound(visit("train.py", run=run.id))) == (37, "Interrupted at 38%.")


def test_its_settings_are_said_and_of_a_fork_what_was_changed(new_run):
    first = new_run("first", *RUNNING, DONE)
    words = words_on(sound(visit("train.py", run=first.id))).replace("\\", "")
    assert "Dense 400, Small digits, 2 latents, Bernoulli, beta 1 fixed, 10 epochs, batch 128" in words
    second = new_run("second", *RUNNING, DONE, parent=first.id, words=["--beta=4", "--objective=warmup", "--rise=0.2"])
    words = words_on(sound(visit("train.py", run=second.id))).replace("\\", "")
    assert "with the settings of first, but beta 4 (there beta 1), warm-up rise 0.2 (there fixed beta)" in words
    assert train_settings.line(["--data=nothing"]) == "" and train_settings.differences(first.arguments, []) == []


def test_skipped_steps_and_a_smaller_batch_are_told(new_run):
    skipped = {"kind": "skipped", "step": 12, "epoch": 2, "term": "gradient of decoder.out.weight", "count": 1}
    run = new_run("troubled", *RUNNING, skipped, {"kind": "memory", "batch_size": 64, "step": 14})
    with at_work(run):
        app = sound(visit("train.py", run=run.id))
        words = words_on(app).replace("\\", "")
        assert "the gradient of decoder.out.weight was not a number" in words
        assert "a step now takes 64 images in place of 128" in words


def test_a_finished_run_opens_on_the_map(new_run, library):
    run = new_run("flat one", *RUNNING, DONE)
    shutil.copytree(library / "flat", run.model_folder)
    app = sound(visit("train.py", run=run.id))
    assert progress(app)[0] == 37 or progress(app)[0] == 100
    assert {"open.map", "open.sliders", "fork", "delete"} <= buttons(app).keys()
    assert not {"pause", "stop", "resume", "cancel", "change"} & buttons(app).keys()
    sound(press(app, "open.map"))
    assert app.session_state["muscope"].model == "flat-one"
    assert app.title[0].value == "Map" and app.query_params["model"] == "flat-one"


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (["--model=mlp", "--posterior=point"], "plain autoencoder, dense 400"),
        (["--model=mlp", "--levels=2,3"], "hierarchical, dense"),
        (["--model=conv", "--objective=gan"], "VAE-GAN, convolutional"),
        (["--model=mlp"], "dense 400"),
        (["--recipe=burda"], "recipe burda"),
    ],
)
def test_the_settings_begin_with_the_network_as_the_form_calls_it(words, begins):
    assert train_settings.line(["--data=digits", *words]).startswith(begins)


def test_a_model_that_lies_elsewhere_says_where_and_what_opens_it(new_run, library, tmp_path, monkeypatch):
    away = tmp_path / "away"
    run = new_run("away", *RUNNING, DONE, words=[f"--out={away}"])
    facts = run.facts | {"arguments": ["--data=digits", "--model=mlp", f"--out={away}"]}
    (run.folder / "run.json").write_text(json.dumps(facts))
    assert "Its model lies" not in words_on(sound(visit("train.py", run=run.id)))
    shutil.copytree(library / "flat", away)
    words = words_on(sound(visit("train.py", run=run.id))).replace("\\", "")
    assert f"Its model lies in {away}. A copy of that folder in " in words
    serve_others(monkeypatch)
    assert str(away) not in words_on(sound(visit("train.py", run=run.id))).replace("\\", "")


def test_an_error_in_a_press_is_one_plain_line(new_run):
    run = new_run("gone", *RUNNING, {"kind": "paused", "step": 15, "epoch": 2, "at": 1.5})
    app = visit("train.py", run=run.id)
    say(run, {"kind": "cancelled"})
    press(app, "resume")
    assert not app.exception and len(app.error) == 1 and "nothing to resume" in app.error[0].value


# ---- whose it is ---------------------------------------------------------------------------------------------------


def test_over_a_network_only_the_owner_does_more_than_watch(new_run, over_a_network):
    run = new_run("ada's", *RUNNING, owner="ada")
    with at_work(run):
        assert {"pause", "stop", "cancel", "rename"} <= buttons(sound(visit("train.py", run=run.id))).keys()
        over_a_network("ben")
        app = sound(visit("train.py", run=run.id))
        assert buttons(app).keys() == {"fork"}
        assert "Somebody else" in words_on(app) and "You watch it" in words_on(app)
        over_a_network("")  # a browser that keeps no cookies is nobody's
        assert buttons(visit("train.py", run=run.id)).keys() == {"fork"}
    assert not (run.folder / "control.json").exists()


def test_at_this_machine_everybody_does(new_run, monkeypatch):
    run = new_run("ada's", *RUNNING, owner="ada")
    with at_work(run):
        app = visit("train.py", run=run.id)
        assert {"pause", "stop", "cancel", "rename"} <= buttons(app).keys()
        assert "Everybody at this machine may control it" in words_on(app)


def test_what_is_started_on_the_page_belongs_to_its_visitor(own, over_a_network):
    place = own("digits")
    over_a_network("ben")
    app = visit("train.py")
    app.button(key="train.do.start").click().run()
    sound(app)
    (run,) = runs(place.parent / "runs")
    assert run.owner == "ben"


# ---- which run is shown --------------------------------------------------------------------------------------------


def heading(app):
    """The name of the run on the page."""
    return next(
        each.value for each in app.main.subheader if each.value not in ("Train one of your own", "All trainings")
    )


def test_a_link_is_first_then_ones_own_newest_then_what_is_under_way(new_run, over_a_network):
    other = new_run("of ben", *RUNNING, owner="ben")
    with at_work(other):
        assert heading(visit("train.py")) == "of ben"
        mine = new_run("of ada", *RUNNING, DONE, owner="ada")
        followed.look_again()
        app = visit("train.py")
        assert heading(app) == "of ada" and app.query_params["run"] == mine.id
        app = visit("train.py", run=other.id)
        assert heading(app) == "of ben" and app.query_params["run"] == other.id


def test_a_refresh_a_page_change_and_a_second_visitor_see_the_same_run(new_run):
    run = new_run("the same", *RUNNING)
    with at_work(run):
        app = visit("train.py", run=run.id)
        app.switch_page("map.py").run()
        assert "run" not in app.query_params
        assert progress(app.switch_page("train.py").run()) == progress(visit("train.py", run=run.id))
        assert app.query_params["run"] == run.id


@pytest.mark.parametrize("asked", ["../models", "..", "x", "20200101-000000-abcdef", "model:gone", "model:../digits"])
def test_a_link_that_leads_nowhere_shows_something_else_and_says_so(new_run, asked):
    run = new_run("here", *RUNNING)
    with at_work(run):
        app = sound(visit("train.py", run=asked))
        assert heading(app) == "here" and len(app.warning) == 1
        assert "\n" not in app.warning[0].value
        assert app.query_params["run"] == run.id


def test_a_link_does_not_lead_out_of_the_folder_of_runs(new_run):
    run = new_run("here", *RUNNING)
    shutil.copytree(run.folder, run.folder.parents[1] / "elsewhere")
    app = sound(visit("train.py", run="../elsewhere"))
    assert len(app.warning) >= 1 and app.query_params["run"] == run.id


def test_a_name_is_shown_as_it_was_written(new_run):
    name = "**bold** $x$ :red[no] <b>&amp;</b> [a](b) `c` _d_ # 1"
    run = new_run("odd", *RUNNING)
    run.rename(name)
    app = sound(visit("train.py", run=run.id))
    assert r"\*\*bold\*\* \$x\$ \:red\[no\] \<b\>\&amp\;" in heading(app)  # nothing in it is a mark
    assert heading(app).replace("\\", "") == name


# ---- nothing yet ---------------------------------------------------------------------------------------------------


def history():
    generator = np.random.default_rng(0)
    curve = np.linspace(9, 1, 3, dtype=np.float32)
    curves = Curves(*([curve] * 5), np.stack([curve, curve], 1), *([curve] * 4))
    dots = Dots(np.arange(5, dtype=np.int32), np.zeros(5, np.int32), ("a",))
    from vae.explore import render

    png = render.png(np.zeros((8, 8, 1), np.uint8))
    frames = [
        Frame(step, step / 10, generator.normal(size=(5, 2)).astype(np.float16), np.ones(2, np.float32), png, png)
        for step in (0, 5, 10)
    ]
    return History(curves, dots, tuple(frames), "codes")


def test_where_nothing_was_trained_a_model_shows_how_it_learned(own):
    place = own("digits", "flat")
    app = sound(visit("train.py"))
    assert any("Nothing is being trained" in each.value for each in app.info)
    save_history(place / "flat", history())
    app = sound(visit("train.py"))
    assert heading(app) == "How “Tiny flat” learned" and "Nothing is being trained" in words_on(app)
    assert "run" not in app.query_params
    app = sound(visit("train.py", run="model:flat"))
    assert heading(app) == "How “Tiny flat” learned" and app.query_params["run"] == "model:flat"


# ---- the list ------------------------------------------------------------------------------------------------------


def rows(app):
    """The lines of the list, in order."""
    return [each.label.replace("\\", "") for each in app.button if (each.key or "").startswith("train.list.")]


def test_the_list_names_every_run_and_a_press_shows_it(new_run, over_a_network):
    mine = new_run("of ada", *RUNNING, DONE, owner="ada")
    other = new_run("of ben", *RUNNING, owner="ben")
    with at_work(other):
        app = sound(visit("train.py"))
        first, second = rows(app)
        assert "of ben" in first and "training 38%" in first and "yours" not in first
        assert "of ada" in second and "finished" in second and "yours" in second
        assert heading(app) == "of ada"
        app.button(key=f"train.list.{other.id}").click().run()
        assert heading(sound(app)) == "of ben" and app.query_params["run"] == other.id
        app.button(key=f"train.list.{mine.id}").click().run()
        assert heading(sound(app)) == "of ada"


def test_what_waits_stands_in_its_order_behind_what_trains(new_run):
    trains = new_run("alpha", *RUNNING)
    new_run("bravo"), new_run("old", *RUNNING, DONE)
    last = new_run("charlie")
    with at_work(trains):
        app = sound(visit("train.py", run=last.id))
        assert "2 are before it" in progress(app)[1]
        found = rows(app)
        assert [line.split("**")[1] for line in found] == ["alpha", "bravo", "charlie", "old"]
        assert "waiting, next, after what trains now" in found[1] and "waiting, 2 are before" in found[2]


def test_what_a_cancelled_one_takes_is_counted_again(new_run):
    run = new_run("large", *RUNNING)
    (run.folder / "saves").mkdir()
    (run.folder / "saves" / "x").write_bytes(bytes(3_000_000))
    assert followed.board().used > 3_000_000
    run.cancel()
    followed.look_again()
    assert followed.board().used < 100_000


def test_a_long_list_is_folded(new_run):
    for number in range(12):
        new_run(f"run {number}", *RUNNING, DONE)
    app = visit("train.py")
    assert len(rows(app)) == 8
    assert len(rows(sound(app.button(key="train.do.whole").click().run()))) == 12


def test_a_run_is_renamed_and_deleted_and_its_model_stays(new_run, library):
    run = new_run("flat one", *RUNNING, DONE)
    shutil.copytree(library / "flat", run.model_folder)
    model = run.model_folder
    app = visit("train.py", run=run.id)
    (name,) = (each for each in app.text_input if (each.key or "").startswith("train.rename"))
    press(app, "rename")
    assert ["Nothing was changed" in each.value for each in app.error] == [True]
    (name,) = (each for each in app.text_input if (each.key or "").startswith("train.rename"))
    name.set_value("  another name ")
    sound(press(app, "rename"))
    assert heading(app) == "another name" and Run.open(run.folder).name == "another name"
    sound(press(app, "delete"))
    assert run.folder.exists() and any("stays" in each.value for each in app.warning)
    sound(press(app, "sure"))
    assert not run.folder.exists() and model.is_dir()
    assert any("Nothing is being trained" in each.value for each in app.info) and rows(app) == []


def test_disk_use_is_told_against_what_is_allowed(new_run, monkeypatch):
    monkeypatch.setenv("MUSCOPE_QUOTA_GB", "2")
    run = new_run("large", *RUNNING, DONE)
    (run.folder / "saves").mkdir()
    (run.folder / "saves" / "x").write_bytes(bytes(3_000_000))
    assert "take 3.0 MB of the 2.0 GB they may" in words_on(sound(visit("train.py")))
    monkeypatch.setenv("MUSCOPE_QUOTA_GB", "nonsense")
    assert "take 3.0 MB" in words_on(sound(visit("train.py")))


# ---- a class of thirty ---------------------------------------------------------------------------------------------


def test_thirty_who_watch_read_what_is_new_once(new_run, monkeypatch):
    run = new_run("watched", *RUNNING)
    read = []
    real = reels.read_events

    def counted(path, since=0):
        events, reached = real(path, since)
        read.extend(events)
        return events, reached

    monkeypatch.setattr(reels, "read_events", counted)
    for _ in range(30):
        assert len(followed.follow(run).events) == 2
    assert len(read) == 2
    say(run, STEP | PACE | TERMS | {"step_total": 20, "at": 2.0})
    first = followed.follow(run)
    assert reels.of_run(run.folder).training.shape[1] == 2  # the history of the page reads the same
    assert len(first.events) == 3 and len(read) == 3
    assert followed.follow(run).seen is first.seen


def test_what_was_read_of_one_home_is_not_told_of_another(new_run, monkeypatch, tmp_path):
    new_run("here", *RUNNING)
    assert len(followed.board().rows) == 1
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "elsewhere"))
    assert followed.board().rows == ()


def test_odd_events_do_not_break_the_page(new_run):
    run = new_run("odd", *RUNNING)
    with (run.folder / "events.jsonl").open("ab") as file:
        file.write(b'\n{"no kind": 1}\n[1]\nnonsense\n' + json.dumps({"kind": "unheard of"}).encode() + b"\n{")
    with at_work(run):
        sound(visit("train.py", run=run.id))
