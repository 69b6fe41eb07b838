"""The map: what Python gives to the browser, and what a hand that lets go leaves behind."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from pages.ui import cache, chart, groups, places, turns
from pages.ui.state import Group, State
from tests.pages.conftest import KINDS, parts, sound, stage, visit
from vae.errors import VAEError
from vae.explore.anywhere import code_at, ground
from vae.explore.projection import place

FAR = 1e4  # a corner beyond every map of these models
WHOLE = [[-FAR, -FAR], [FAR, -FAR], [FAR, FAR], [-FAR, FAR]]


@pytest.fixture
def session(monkeypatch):
    """A visitor's session without a page: what the callbacks keep there."""
    kept = {}
    fake = SimpleNamespace(session_state=kept, toast=lambda words: None)
    for module in (chart, places, groups, turns):
        monkeypatch.setattr(module, "st", fake)
    return kept


@pytest.fixture
def state(home):
    return State("digits")


def known(state):
    return cache.encodings(state.entry.model_id)


def tell(state, act, **value):
    told = {"turn": 1, "model": state.entry.model_id, "view": "pca", **value}
    turns.heard(state, "map", partial(act, state))(told)


# ---- what the browser is given -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", KINDS)
def test_the_map_is_given_what_it_needs_for_every_kind_of_model(home, model):
    app = sound(visit("map.py", model=model))
    (data,) = parts(app, "map")
    entry = cache.entry(model)
    assert data["model"] == entry.model_id and data["turn"] == 0
    assert len(data["code"]) == entry.latent_dim
    first = cache.first_image(entry.model_id)
    assert cache.encodings(entry.model_id).image_id(data["row"]) == first
    (now,) = data["marks"]
    assert now["kind"] == "now"
    assert np.allclose(now["xy"], cache.xy(entry.model_id, data["view"])[data["row"]])
    assert 1 <= data["most"] <= 128
    count = len(cache.encodings(entry.model_id))
    what = "rows" if len(entry.shape) == 1 else "images"
    assert any(f"{count:,} {what}, all drawn." in caption.value for caption in app.caption)


def test_a_kept_code_lies_among_its_nearest_encodings(state, session):
    state.go_random()
    state.keep(state.place)
    state.go(state.of_image("test/3"))
    kept, now = places.marks(state, "pca")
    assert (kept["kind"], now["kind"]) == ("kept", "now")
    xy = cache.xy(state.entry.model_id, "pca")
    assert np.allclose(kept["xy"], place([kept["code"]], known(state).mu, xy)[0])
    assert np.allclose(now["xy"], xy[known(state).row_of("test/3")])
    kept, _ = places.marks(state, "2,0")
    assert kept["xy"] == [kept["code"][2], kept["code"][0]]


def test_a_path_lies_on_its_models_map(state, session):
    codes = cache.path(state.of_image("test/1").code, state.of_image("test/2").code, 5, "slerp")
    places.lay_path(state, codes)
    drawn = [mark["xy"] for mark in places.marks(state, "0,1") if mark["kind"] == "path"]
    assert np.allclose(drawn, np.array(codes)[:, :2])
    state.choose("faces")
    assert [mark["kind"] for mark in places.marks(state, "pca")] == ["now"]


def test_another_models_kept_code_is_not_on_this_map(state, session):
    state.keep(state.place)
    state.choose("faces")
    assert [mark["kind"] for mark in places.marks(state, "pca")] == ["now"]


def test_draws_from_a_posterior_come_and_go_and_belong_to_their_image(state, session):
    def drawn():
        return [mark["xy"] for mark in places.marks(state, "1,2") if mark["kind"] == "draw"]

    assert drawn() == []
    places.draw_from_posterior(state)
    first = drawn()
    assert len(first) == places.DRAWS and first == drawn()
    row = known(state).row_of(state.place.image_id)
    assert np.allclose(np.mean(first, axis=0), known(state).mu[row][[1, 2]], atol=0.5)
    before = state.place
    state.go(state.of_image("test/3"))
    assert drawn() == []
    state.go(before)
    places.draw_from_posterior(state)
    assert drawn() == []


# ---- a press -------------------------------------------------------------------------------------------------------


def test_a_press_on_a_dot_goes_to_its_image(state, session):
    tell(state, chart.go, row=17, xy=[0.0, 0.0])
    assert state.place == state.of_image(known(state).image_id(17))
    assert session["muscope.map.turn"] == turns.last("map") == 1  # the browser is told that this press was seen


@pytest.mark.parametrize("spot", [(0.3, -0.4), (2.0, 5.0)])
def test_a_press_beside_the_dots_goes_to_the_code_that_the_map_has_there(state, session, spot):
    tell(state, chart.go, row=None, xy=list(spot))
    truth = code_at(ground(known(state).mu, cache.xy(state.entry.model_id, "pca")), [spot]).codes[0]
    assert state.place.image_id is None and np.allclose(state.place.code, truth)
    assert places.marks(state, "pca")[-1]["xy"] == list(spot)  # and lies where it was pressed


def test_on_two_dimensions_a_press_turns_these_two_and_no_other(state, session):
    before = state.place.code
    tell(state, chart.go, view="2,0", row=None, xy=[1.5, -0.5])
    assert state.place.code == pytest.approx((-0.5, before[1], 1.5))


def test_a_double_press_keeps_what_is_there(state, session):
    tell(state, chart.keep, row=5, xy=[0, 0])
    assert [kept.place for kept in state.shelf] == [state.of_image(known(state).image_id(5))]
    assert state.place == state.shelf[0].place


@pytest.mark.parametrize(
    "value",
    [
        {"row": -1},
        {"row": 360},
        {"row": 1.5},
        {"row": "3"},
        {"row": None, "xy": None},
        {"row": None, "xy": [1]},
        {"row": None, "xy": ["a", "b"]},
        {"row": None, "xy": [1, 2, 3]},
        {"row": None, "xy": [float("nan"), 0]},
        {"row": None, "xy": [1e300, 0]},
        {"row": None, "xy": [float("inf"), 0], "view": "0,1"},
        {"row": None, "xy": [0, 0], "view": "tsne"},
        {"row": None, "xy": [0, 0], "view": "7,0"},
        {"row": None, "xy": [0, 0], "view": None},
        {},
        {"row": 3, "turn": None},
        {"row": 3, "model": "0123456789abcdef"},
    ],
)
def test_a_press_that_no_map_of_ours_sends_is_refused_and_changes_nothing(state, session, value):
    before = state.place
    with pytest.raises(VAEError):
        tell(state, chart.go, **value)
    assert state.place == before


# ---- a line around dots --------------------------------------------------------------------------------------------


def around(xy, half=0.4):
    x, y = (float(at) for at in xy)
    return [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]]


def test_a_line_gathers_the_images_inside_it_under_a_name(state, session):
    xy = cache.xy(state.entry.model_id, "pca")
    tell(state, groups.gather, polygon=around(xy[9]), colour="label", hidden=[])
    (group,) = groups.of(state)
    truth = np.flatnonzero((np.abs(xy - xy[9]) < 0.4).all(axis=1))
    assert group.name == "group 1" and 9 in group.rows and np.array_equal(group.rows, truth)
    assert [each["name"] for each in groups.outlines(state, "pca")] == ["group 1"]
    assert groups.outlines(state, "0,1") == []


def test_classes_that_the_legend_hides_are_not_gathered(state, session):
    tell(state, groups.gather, polygon=WHOLE, colour="label", hidden=[0, 3])
    (group,) = groups.of(state)
    labels = known(state).labels
    assert np.array_equal(group.rows, np.flatnonzero((labels != 0) & (labels != 3)))
    tell(state, groups.gather, polygon=WHOLE, colour="kl", hidden=[0])  # an amount hides nothing
    assert len(groups.of(state)[1].rows) == len(labels)


@pytest.mark.parametrize(
    "value",
    [
        {"polygon": None},
        {"polygon": []},
        {"polygon": WHOLE[:2]},
        {"polygon": WHOLE * 300},
        {"polygon": [[0, 0], [1, 0], [float("nan"), 1]]},
        {"polygon": [[0, 0], [1], [1, 1]]},
        {"polygon": [[0, 0, 0], [1, 0, 0], [1, 1, 0]]},
        {"polygon": "abc"},
        {"polygon": around((FAR, FAR))},  # nobody is there
        {"polygon": WHOLE, "view": "tsne"},
        {"polygon": WHOLE, "hidden": list(range(10))},
        {"polygon": WHOLE, "colour": "hue", "hidden": [1]},
    ],
)
def test_a_line_around_nobody_is_one_plain_line(state, session, value):
    with pytest.raises(VAEError) as refused:
        tell(state, groups.gather, **{"colour": "label", "hidden": [], **value})
    assert "\n" not in str(refused.value) and groups.of(state) == []


def test_a_group_is_named_renamed_and_given_up(state, session):
    for _ in range(3):
        tell(state, groups.gather, polygon=WHOLE)
    assert [group.name for group in groups.of(state)] == ["group 1", "group 2", "group 3"]
    session["box"] = "  bent sevens "
    groups._rename(state, 1, "box")
    groups._delete(state, 0)
    assert [group.name for group in groups.of(state)] == ["bent sevens", "group 3"]
    tell(state, groups.gather, polygon=WHOLE)
    assert groups.of(state)[-1].name == "group 1"
    for taken in ("group 3", "", "   "):
        session["box"] = taken
        with pytest.raises(VAEError, match="no other has"):
            groups._rename(state, 0, "box")


def test_the_list_of_groups_leads_to_a_groups_mean(home):
    app = visit("map.py", model="digits")
    state = app.session_state["muscope"]
    rows = np.flatnonzero(known(state).labels == 4)
    state.gather(Group("fours", rows, "pca", tuple((float(x), float(y)) for x, y in WHOLE)))
    sound(app.run())
    words = next(caption.value for caption in app.caption if "are 4" in caption.value)
    assert f"{len(rows)} images. 100% are 4" in words
    before = stage(app)
    sound(app.button(key="map.group.do.mean.0").click().run())
    assert state.place.caption == "the mean of fours"
    assert np.allclose(state.place.code, known(state).mu[rows].mean(axis=0), atol=1e-6)
    assert stage(app) != before
    sound(app.button(key="map.do.undo").click().run())
    assert stage(app) == before
    sound(app.text_input(key="map.group.name.0").set_value("chairs").run())
    assert parts(app, "map")[0]["groups"][0]["name"] == "chairs"
    sound(app.button(key="map.group.do.delete.0").click().run())
    assert parts(app, "map")[0]["groups"] == []
