"""What the browser may send when a knob is let go: anything. What is not a sound number leaves everything as it was."""

import math
from copy import deepcopy

import pytest

from pages.ui import cache
from tests.pages.conftest import parts, sound, visit


def state_of(app):
    return app.session_state["muscope"]


def knobs_of(app):
    """What the browser is told of the knobs on the page."""
    return parts(app, "console")[0]


def all_of(app):
    """Whatever a hand can change, as it is now."""
    state = state_of(app)
    return deepcopy((state.model, state.places, state.before, state.after, state.locked, state.origins, state.draws))


# ---- sliders: what is told -----------------------------------------------------------------------------------------


def test_every_dimension_is_a_knob_and_together_they_are_the_code(home, models):
    for model in models:
        app = sound(visit("sliders.py", model=model))
        told, code = knobs_of(app), state_of(app).place.code
        assert sorted(knob["dim"] for knob in told["knobs"]) == list(range(len(code)))
        assert {knob["dim"]: knob["value"] for knob in told["knobs"]} == dict(enumerate(code))
        assert told["base"] == [0.0] * len(code)
        assert all(knob["low"] < knob["high"] <= knob["reach"] for knob in told["knobs"])


def test_knobs_stand_by_kl_eight_shown_the_rest_and_the_dead_folded(home):
    app = sound(visit("sliders.py", model="many"))
    ranked = cache.knobs(knobs_of(app)["model"])
    active = [knob for knob in ranked if knob.active]
    assert [knob["dim"] for knob in knobs_of(app)["knobs"] if knob["fold"] != "dead"] == [knob.dim for knob in active]
    folds = [knob["fold"] for knob in knobs_of(app)["knobs"]]
    assert folds[: len(active)] == ["" if i < 8 else "more" for i in range(len(active))]
    wanted = {"more": len(active) > 8, "dead": len(active) < len(ranked)}
    assert [fold["id"] for fold in knobs_of(app)["folds"]] == [name for name, there in wanted.items() if there]


def test_a_collapsed_model_has_dead_knobs_only_and_says_so(home):
    app = sound(visit("sliders.py", model="collapsed"))
    assert {knob["fold"] for knob in knobs_of(app)["knobs"]} == {"dead"}
    assert knobs_of(app)["folds"][0]["label"] == "3 dead dimensions"
    assert "The codes collapsed" in app.info[0].value


def test_a_plain_autoencoder_claims_no_kl_and_stands_by_how_its_codes_vary(home):
    app = sound(visit("sliders.py", model="autoencoder"))
    told = knobs_of(app)
    assert [knob["kl"] for knob in told["knobs"]] == [None] * 3
    variance = cache.encodings(told["model"]).mu.var(axis=0)
    assert [knob["dim"] for knob in told["knobs"]] == (-variance).argsort().tolist()
    assert "KL is how much" not in told["note"] and "no KL" in told["note"]
    assert "KL" not in cache.figures_of(told["model"], "test/1")
    app = sound(visit("map.py", model="autoencoder"))
    (colour,) = [box for box in app.selectbox if box.label == "Colour"]
    assert not [option for option in colour.options if "KL" in option]
    app = sound(visit("map.py", model="digits"))
    (colour,) = [box for box in app.selectbox if box.label == "Colour"]
    assert [option for option in colour.options if "KL" in option]


def test_each_level_is_named_and_drawn_anew_alone(home):
    app = sound(visit("sliders.py", model="levels"))
    told = {knob["dim"]: knob["label"] for knob in knobs_of(app)["knobs"]}
    assert told == {0: "Level 1 · 0", 1: "Level 1 · 1", 2: "Level 2 · 0", 3: "Level 2 · 1", 4: "Level 2 · 2"}
    state = state_of(app)
    state.locked[state.model] = frozenset({3})
    before = state.place.code
    sound(app.button(key="sliders.do.level.1").click().run())
    after = state_of(app).place.code
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False, True, False]
    sound(app.button(key="sliders.do.level.0").click().run())
    assert [old == new for old, new in zip(after, state_of(app).place.code, strict=True)] == [False, False] + [True] * 3
    assert not [button for button in visit("sliders.py", model="digits").button if "level" in (button.key or "")]


def test_the_images_own_values_are_marked_until_it_is_another_image(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    own = {knob["dim"]: knob["own"] for knob in knobs_of(app)["knobs"]}
    assert own == dict(enumerate(state_of(app).place.code))
    hands.tell(app, "console", "settled", values={knobs_of(app)["knobs"][0]["id"]: 0.25})
    assert {knob["dim"]: knob["own"] for knob in knobs_of(app)["knobs"]} == own


# ---- sliders: what is heard ----------------------------------------------------------------------------------------


def test_what_a_hand_leaves_is_the_code_and_the_turn_comes_back(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    before, knob = state_of(app).place, knobs_of(app)["knobs"][0]
    sound(hands.tell(app, "console", "settled", turn=4, values={knob["id"]: 0.25}))
    code = state_of(app).place.code
    assert code == tuple(0.25 if dim == knob["dim"] else z for dim, z in enumerate(before.code))
    assert knobs_of(app)["turn"] == 4 and knobs_of(app)["knobs"][0]["value"] == 0.25
    assert "image" not in app.query_params  # no image is like this: the link does not claim one
    assert knobs_of(app)["tools"] == {"undo": True, "redo": False, "back": True, "random": True}

    sound(hands.tell(app, "console", "undo"))
    assert state_of(app).place == before and knobs_of(app)["tools"]["redo"] and not knobs_of(app)["tools"]["back"]
    sound(hands.tell(app, "console", "redo"))
    assert state_of(app).place.code == code
    sound(hands.tell(app, "console", "back"))
    assert state_of(app).place == before
    sound(hands.tell(app, "console", "random"))
    assert state_of(app).place.caption == "random code 1" and knobs_of(app)["turn"] == 8


def test_back_on_its_own_value_the_place_is_the_image_again(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    before, knob = state_of(app).place, knobs_of(app)["knobs"][0]
    hands.tell(app, "console", "settled", values={knob["id"]: 0.25})
    sound(hands.tell(app, "console", "settled", values={knob["id"]: knob["own"]}))
    assert state_of(app).place == before and app.query_params["image"] == "test/7"


def test_back_from_a_random_code_is_to_the_image_that_was_left(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    before = state_of(app).place
    sound(hands.tell(app, "console", "random"))
    assert [knob["own"] for knob in knobs_of(app)["knobs"]] == [before.code[k["dim"]] for k in knobs_of(app)["knobs"]]
    sound(hands.tell(app, "console", "back"))
    assert state_of(app).place == before


def test_locked_knobs_keep_their_value(home, hands):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    image, knob = state_of(app).place, knobs_of(app)["knobs"][0]
    hands.tell(app, "console", "settled", values={knob["id"]: 0.25})
    sound(hands.tell(app, "console", "lock", id=knob["id"], locked=True))
    assert knobs_of(app)["knobs"][0]["locked"] and state_of(app).locked == {"digits": {knob["dim"]}}
    sound(hands.tell(app, "console", "random"))
    random = state_of(app).place.code
    assert random[knob["dim"]] == 0.25 and random != image.code
    sound(hands.tell(app, "console", "back"))
    kept = state_of(app).place
    assert kept.code == tuple(0.25 if dim == knob["dim"] else z for dim, z in enumerate(image.code))
    assert kept.image_id is None and "image" not in app.query_params  # not quite that image
    sound(hands.tell(app, "console", "settled", values={knob["id"]: -0.5}))  # a hand on its own knob may
    assert state_of(app).place.code[knob["dim"]] == -0.5
    hands.tell(app, "console", "lock", id=knob["id"], locked=False)
    sound(hands.tell(app, "console", "back"))
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


@pytest.mark.parametrize("kind", BAD)
def test_bad_numbers_change_nothing_and_are_told_in_a_line(home, hands, kind):
    app = sound(visit("sliders.py", model="digits", image="test/7"))
    before = all_of(app)
    hands.tell(app, "console", "settled", **BAD[kind])
    assert not app.exception
    (line,) = app.error
    assert "\n" not in line.value and "nothing was changed" in line.value
    assert all_of(app) == before
    sound(app.run())


@pytest.mark.parametrize("told", [[1, 2], "undo", 3, {}])
def test_what_is_no_record_at_all_is_refused(home, hands, told):
    app = sound(visit("sliders.py", model="digits"))
    before = app.session_state["muscope"].place
    hands.tell_raw(app, "console", "settled", told)
    assert not app.exception and ["nothing was changed" in line.value for line in app.error] == [True]
    assert app.session_state["muscope"].place == before


@pytest.mark.parametrize(
    "told", [{"id": "99", "locked": True}, {"id": 0, "locked": True}, {"id": "0"}, {"locked": 1}, {}]
)
def test_bad_locks_lock_nothing(home, hands, told):
    app = sound(visit("sliders.py", model="digits"))
    hands.tell(app, "console", "lock", **told)
    assert not app.exception and len(app.error) == 1
    assert not state_of(app).locked.get("digits")


# ---- strength ------------------------------------------------------------------------------------------------------


def test_a_strength_is_kept_and_tried_on_the_picture(home, hands):
    app = sound(visit("attributes.py", model="digits", image="test/7"))
    place, knob = state_of(app).place, knobs_of(app)["knobs"][0]
    assert (knob["id"], knob["value"], knob["low"], knob["high"]) == ("strength", 1.0, -1.0, 2.0)
    assert knobs_of(app)["base"] == list(place.code) and knobs_of(app)["tools"] == {}
    sound(hands.tell(app, "console", "settled", values={"strength": -1.25}))
    assert app.session_state["attributes.strength"] == -1.25 == knobs_of(app)["knobs"][0]["value"]
    assert state_of(app).place == place
    app.switch_page("map.py").run()
    app.switch_page("attributes.py").run()
    assert app.session_state["attributes.strength"] == -1.25 == knobs_of(app)["knobs"][0]["value"]


@pytest.mark.parametrize("value", [math.nan, -math.inf, 1e30, "1", None, True, [1]])
def test_a_bad_strength_changes_nothing(home, hands, value):
    app = sound(visit("attributes.py", model="digits"))
    hands.tell(app, "console", "settled", values={"strength": value})
    assert not app.exception and len(app.error) == 1
    assert app.session_state["attributes.strength"] == 1.0
