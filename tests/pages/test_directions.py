"""Directions without labels on their page: tried, named, kept, deleted; and those that were kept on Sliders."""

import math

import numpy as np
import pytest

from live import engine
from pages.ui import cache, unlabelled
from pages.ui.state import KeptDirection
from tests.pages.conftest import parts, pictures, sound, stage, visit
from tests.pages.hands import told_in_one_line
from tests.pages.test_board import alike, drawn


def console(app):
    return parts(app, "console")[0]


def kept(app):
    state = app.session_state["muscope"]
    return state.directions.get(state.model, [])


def choose(app, way):
    return sound(app.segmented_control(key="directions.way").set_value(way).run())


@pytest.mark.parametrize("model", ["many", "line", "table", "autoencoder"])
def test_every_way_finds_axes_at_right_angles_with_a_film_each(home, model):
    app = sound(visit("directions.py", model=model))
    for way in unlabelled.TITLES:
        app = choose(app, way)
        vectors = np.array([knob["vector"] for knob in console(app)["knobs"]])
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        assert np.allclose(units @ units.T, np.eye(len(units)), atol=1e-4), way
        assert len(vectors) == min(unlabelled.SHOWN, cache.entry(model).latent_dim)
        assert len(pictures(app, "axis")) == len(vectors)


def test_a_collapsed_model_says_why_it_has_none(home):
    app = sound(visit("directions.py", model="collapsed"))
    assert "The codes of all images are the same" in app.info[0].value
    assert stage(app) and parts(app, "console") == []


def test_what_is_most_visible_here_depends_on_the_picture_and_changes_it_as_it_says(home):
    found = []
    for image in ("test/3", "test/8"):
        app = choose(visit("directions.py", model="digits", image=image), unlabelled.HERE)
        found.append(console(app)["knobs"][0]["vector"])
    assert found[0] != found[1]
    code, entry = np.array(app.session_state["muscope"].place.code), cache.entry("digits")
    change = {}
    for knob in console(app)["knobs"]:
        unit = np.array(knob["vector"]) / np.linalg.norm(knob["vector"])
        ends = engine.shared().x_of(entry, np.array([code - 0.1 * unit, code + 0.1 * unit], np.float32))
        change[knob["id"]] = np.linalg.norm(ends[1] - ends[0])
    assert list(change.values()) == sorted(change.values(), reverse=True)


def test_knobs_move_the_picture_from_where_it_is_and_back(home, hands):
    app = visit("directions.py", model="digits", image="test/3")
    start = app.session_state["muscope"].place
    steps = [np.array(knob["vector"]) for knob in console(app)["knobs"]]
    app = sound(hands.tell(app, "console", "settled", values={"1": -1.5}))
    app = sound(hands.tell(app, "console", "settled", values={"0": 2.0}))
    assert [knob["value"] for knob in console(app)["knobs"]] == [2.0, -1.5, 0.0]
    assert alike(stage(app), drawn("digits", np.array(start.code) + 2 * steps[0] - 1.5 * steps[1]))
    assert app.session_state["muscope"].place == start  # it is tried on the picture, not done to it
    app = sound(hands.tell(app, "console", "back"))
    assert [knob["value"] for knob in console(app)["knobs"]] == [0.0, 0.0, 0.0]
    app = sound(hands.tell(app, "console", "settled", values={"0": 2.0}))
    assert [knob["value"] for knob in console(choose(app, unlabelled.DIMENSIONS))["knobs"]] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("value", [10.5, math.nan, "1", None])
def test_a_value_that_cannot_be_changes_nothing(home, hands, value):
    app = visit("directions.py", model="digits")
    app = hands.tell(app, "console", "settled", values={"0": value})
    told_in_one_line(app)
    assert [knob["value"] for knob in console(app)["knobs"]] == [0.0, 0.0, 0.0]


def test_a_direction_is_named_kept_deleted_and_brought_back(home):
    app = visit("directions.py", model="digits")
    knob = console(app)["knobs"][1]
    (box,) = [box for box in app.text_input if box.label == "Name for Axis 2"]
    box.set_value("  how  *wide* ").run()
    app = sound(app.run())
    assert app.button(key="directions.do.keep.1").label.startswith("Keep as “how")
    app = sound(app.button(key="directions.do.keep.1").click().run())
    (found,) = kept(app)
    assert found.name == "how *wide*" and "of the variance" in found.words
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-5)
    assert np.allclose(found.gap * np.array(found.vector), knob["vector"], atol=1e-5)
    app = app.button(key="directions.do.keep.1").click().run()
    assert "is kept already" in told_in_one_line(app)
    app = sound(app.button(key="directions.do.keep.0").click().run())
    assert [each.name for each in kept(app)] == ["how *wide*", "Axis 1"]
    app = sound(app.button(key="directions.do.delete.0").click().run())
    assert [each.name for each in kept(app)] == ["Axis 1"]
    app = sound(app.button(key="directions.do.restore").click().run())
    assert [each.name for each in kept(app)] == ["how *wide*", "Axis 1"]


def test_a_kept_direction_is_a_knob_on_sliders_that_turns_the_code_and_is_at_zero_again(home, hands):
    app = visit("sliders.py", model="digits", image="test/3")
    state = app.session_state["muscope"]
    start = np.array(state.place.code)
    state.keep_direction(KeptDirection("wide", (0.6, 0.8, 0.0), 2.0, "Some words."))
    app = sound(app.run())
    knob = console(app)["knobs"][-1]
    assert (knob["label"], knob["value"], knob["fold"]) == ("wide", 0.0, "kept")
    assert [fold["id"] for fold in console(app)["folds"] if fold["open"]] == ["kept"]  # at hand: somebody wanted it
    assert np.allclose(knob["vector"], [1.2, 1.6, 0.0])
    app = sound(hands.tell(app, "console", "settled", values={"kept-0": 0.5, "2": 1.25}))
    wanted = [start[0] + 0.6, start[1] + 0.8, 1.25]
    assert np.allclose(state.place.code, wanted, atol=1e-6)
    assert console(app)["knobs"][-1]["value"] == 0.0
    app = sound(hands.tell(app, "console", "undo"))
    assert np.array_equal(state.place.code, start)
    told_in_one_line(hands.tell(app, "console", "settled", values={"kept-1": 0.5}))
