"""What the browser may send when a knob is let go: anything. What is not a sound number leaves everything as it was."""

import math
from copy import deepcopy

import pytest
import streamlit as st

from pages.ui import cache, knobs, live
from pages.ui.errors import careful
from tests.pages.conftest import sound, visit

NOTHING = object()


@pytest.fixture
def hands(monkeypatch):
    """Buttons in the place of knobs: `hands.send(app, event, told)` says to Python what the browser would have said."""

    class Hands:
        def __init__(self):
            self.told = {}
            self.data = {}

        def mount(self, name, state, key, data, **on):
            if name != "console":
                return None
            self.data = live.live_data(state) | data
            for event, callback in on.items():
                hear = careful(callback)
                st.button(event, key=f"hand.{event}", on_click=lambda hear=hear: hear(deepcopy(self.told)))
            return None

        def send(self, app, event, told=NOTHING, **more):
            self.told = {"turn": self.data["turn"] + 1, "model": self.data["model"]} | more if told is NOTHING else told
            return app.button(key=f"hand.{event}").click().run()

        def knob(self, at=0):
            return self.data["knobs"][at]

    hands = Hands()
    real = live.mount
    monkeypatch.setattr(
        knobs.live, "mount", lambda name, *a, **k: (hands.mount if name == "console" else real)(name, *a, **k)
    )
    return hands


def state_of(app):
    return app.session_state["muscope"]


def all_of(app):
    """Whatever a hand can change, as it is now."""
    state = state_of(app)
    return deepcopy((state.model, state.places, state.before, state.after, state.locked, state.origins, state.draws))


# ---- sliders: what is told -----------------------------------------------------------------------------------------


def test_every_dimension_is_a_knob_and_together_they_are_the_code(home, hands, models):
    for model in models:
        app = sound(visit("sliders.py", model=model))
        told, code = hands.data, state_of(app).place.code
        assert sorted(knob["dim"] for knob in told["knobs"]) == list(range(len(code)))
        assert {knob["dim"]: knob["value"] for knob in told["knobs"]} == dict(enumerate(code))
        assert told["base"] == [0.0] * len(code)
        assert all(knob["low"] < knob["high"] <= knob["reach"] for knob in told["knobs"])


def test_knobs_stand_by_kl_eight_shown_the_rest_and_the_dead_folded(home, hands):
    sound(visit("sliders.py", model="many"))
    ranked = cache.knobs(hands.data["model"])
    active = [knob for knob in ranked if knob.active]
    assert [knob["dim"] for knob in hands.data["knobs"] if knob["fold"] != "dead"] == [knob.dim for knob in active]
    folds = [knob["fold"] for knob in hands.data["knobs"]]
    assert folds[: len(active)] == ["" if i < 8 else "more" for i in range(len(active))]
    wanted = {"more": len(active) > 8, "dead": len(active) < len(ranked)}
    assert [fold["id"] for fold in hands.data["folds"]] == [name for name, there in wanted.items() if there]


def test_a_collapsed_model_has_dead_knobs_only_and_says_so(home, hands):
    app = sound(visit("sliders.py", model="collapsed"))
    assert {knob["fold"] for knob in hands.data["knobs"]} == {"dead"}
    assert hands.data["folds"][0]["label"] == "3 dead dimensions"
    assert "the codes collapsed" in app.info[0].value


def test_the_images_own_values_are_marked_until_it_is_another_image(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    own = {knob["dim"]: knob["own"] for knob in hands.data["knobs"]}
    assert own == dict(enumerate(state_of(app).place.code))
    hands.send(app, "settled", values={hands.knob()["id"]: 0.25})
    assert {knob["dim"]: knob["own"] for knob in hands.data["knobs"]} == own


# ---- sliders: what is heard ----------------------------------------------------------------------------------------


def test_what_a_hand_leaves_is_the_code_and_the_turn_comes_back(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    before, knob = state_of(app).place, hands.knob()
    sound(hands.send(app, "settled", turn=4, values={knob["id"]: 0.25}))
    code = state_of(app).place.code
    assert code == tuple(0.25 if dim == knob["dim"] else z for dim, z in enumerate(before.code))
    assert hands.data["turn"] == 4 and hands.knob()["value"] == 0.25
    assert app.query_params == {"model": "digits"}  # no image is like this: the link does not claim one
    assert hands.data["tools"] == {"undo": True, "redo": False, "back": True, "random": True}

    sound(hands.send(app, "undo"))
    assert state_of(app).place == before and hands.data["tools"]["redo"] and not hands.data["tools"]["back"]
    sound(hands.send(app, "redo"))
    assert state_of(app).place.code == code
    sound(hands.send(app, "back"))
    assert state_of(app).place == before
    sound(hands.send(app, "random"))
    assert state_of(app).place.caption == "random code 1" and hands.data["turn"] == 8


def test_back_on_its_own_value_the_place_is_the_image_again(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    before, knob = state_of(app).place, hands.knob()
    hands.send(app, "settled", values={knob["id"]: 0.25})
    sound(hands.send(app, "settled", values={knob["id"]: knob["own"]}))
    assert state_of(app).place == before and app.query_params["image"] == "test/7"


def test_locked_knobs_keep_their_value(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    image, knob = state_of(app).place, hands.knob()
    hands.send(app, "settled", values={knob["id"]: 0.25})
    sound(hands.send(app, "lock", id=knob["id"], locked=True))
    assert hands.knob()["locked"] and state_of(app).locked == {"digits": {knob["dim"]}}
    sound(hands.send(app, "random"))
    random = state_of(app).place.code
    assert random[knob["dim"]] == 0.25 and random != image.code
    sound(hands.send(app, "back"))
    kept = state_of(app).place
    assert kept.code == tuple(0.25 if dim == knob["dim"] else z for dim, z in enumerate(image.code))
    assert kept.image_id is None and "image" not in app.query_params  # not quite that image
    sound(hands.send(app, "settled", values={knob["id"]: -0.5}))  # a hand on its own knob may
    assert state_of(app).place.code[knob["dim"]] == -0.5
    hands.send(app, "lock", id=knob["id"], locked=False)
    sound(hands.send(app, "back"))
    assert state_of(app).place == image
    for wanted in (random, random):
        assert wanted in [place.code for place in state_of(app).before["digits"]]  # one step each, all can be undone


BAD = {
    "not a number": {"values": {"0": math.nan}},
    "infinite": {"values": {"0": math.inf}},
    "far away": {"values": {"0": 1e30}},
    "farther than a float goes": {"values": {"0": 10**400}},
    "words": {"values": {"0": "0.5"}},
    "a truth": {"values": {"0": True}},
    "nothing": {"values": {"0": None}},
    "a list": {"values": [0.1, 0.2, 0.3]},
    "one too many": {"values": {"0": 0.5, "3": 0.5}},
    "another's": {"values": {"strength": 0.5}},
    "none": {"values": {}},
    "no values": {},
    "another model": {"values": {"0": 0.5}, "model": "0123456789abcdef"},
    "no model": {"values": {"0": 0.5}, "model": None},
    "no turn": {"values": {"0": 0.5}, "turn": None},
    "half a turn": {"values": {"0": 0.5}, "turn": 1.5},
    "a turn of words": {"values": {"0": 0.5}, "turn": "2"},
    "turned back": {"values": {"0": 0.5}, "turn": -1},
}
RAW = {"no mapping": [1, 2], "a word": "undo", "a number": 3}


@pytest.mark.parametrize("kind", [*BAD, *RAW])
def test_bad_numbers_change_nothing_and_are_told_in_a_line(home, hands, kind):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    before = all_of(app)
    hands.send(app, "settled", **({"told": RAW[kind]} if kind in RAW else BAD[kind]))
    assert not app.exception
    (line,) = app.error
    assert "\n" not in line.value and "nothing was changed" in line.value
    assert all_of(app) == before
    sound(app.run())


@pytest.mark.parametrize(
    "told", [{"id": "99", "locked": True}, {"id": 0, "locked": True}, {"id": "0"}, {"locked": 1}, {}]
)
def test_bad_locks_lock_nothing(home, hands, told):
    app = sound(visit("sliders.py", model="digits"))
    hands.send(app, "lock", **told)
    assert not app.exception and len(app.error) == 1
    assert not state_of(app).locked.get("digits")


# ---- strength ------------------------------------------------------------------------------------------------------


def test_a_strength_is_kept_and_tried_on_the_picture(home, hands):
    app = sound(visit("attributes.py", model="digits", image="test/7"))
    place, knob = state_of(app).place, hands.knob()
    assert (knob["id"], knob["value"], knob["low"], knob["high"]) == ("strength", 1.0, -2.0, 2.0)
    assert hands.data["base"] == list(place.code) and hands.data["tools"] == {}
    sound(hands.send(app, "settled", values={"strength": -1.25}))
    assert app.session_state["attributes.strength"] == -1.25 == hands.knob()["value"]
    assert state_of(app).place == place
    app.switch_page("map.py").run()
    assert app.switch_page("attributes.py").run().session_state["attributes.strength"] == -1.25 == hands.knob()["value"]


@pytest.mark.parametrize("value", [math.nan, -math.inf, 1e30, "1", None, True, [1]])
def test_a_bad_strength_changes_nothing(home, hands, value):
    app = sound(visit("attributes.py", model="digits"))
    hands.send(app, "settled", values={"strength": value})
    assert not app.exception and len(app.error) == 1
    assert app.session_state["attributes.strength"] == 1.0
