"""What a person does on the pages, and that nothing is lost on the way."""

import io
import json

import numpy as np
from PIL import Image

from live import engine
from live.samples import STANDARD
from pages.ui import cache
from tests.pages.conftest import parts, pictures, sound, stage, unpacked, visit
from vae import data
from vae.explore import render


def place_of(app):
    return app.session_state["muscope"].place


def drawn(model, code):
    """The decoder's own picture of a code, asked of the engine."""
    return render.png(engine.shared().decode(cache.entry(model), np.array([code], np.float32))[0])


def knob(app, at=0):
    """What the browser is told of a dimension, the strongest first."""
    return parts(app, "console")[0]["knobs"][at]


# ---- start ---------------------------------------------------------------------------------------------------------


def test_a_tap_shows_that_image_and_writes_it_into_the_link(home):
    app = sound(visit("start.py", model="digits"))
    wanted = cache.some_images(cache.entry("digits").model_id, 15, 0)[4]
    app.button(key="start.tap.4").click().run()
    assert place_of(app).image_id == wanted
    assert app.query_params == {"model": "digits", "image": wanted}
    assert stage(app) == drawn("digits", place_of(app).code)
    ((_, original),) = pictures(app, "original")
    split, _, index = wanted.partition("/")
    assert original == render.png(data.originals("digits", split, [int(index)])[0])


def test_show_others_shows_others_and_comes_round(home):
    app = visit("start.py", model="digits")
    first = [app.button(key=f"start.tap.{i}").label for i in range(15)]
    app.button(key="start.do.others").click().run()
    second = [app.button(key=f"start.tap.{i}").label for i in range(15)]
    assert len(set(first)) == len(first) and not set(first) & set(second)


def test_the_first_picture_is_the_first_test_image(home):
    app = visit("start.py", model="digits")
    assert place_of(app).image_id == "test/0"
    known = cache.encodings(cache.entry("digits").model_id)
    assert place_of(app).code == tuple(known.mu[known.row_of("test/0")].tolist())


# ---- sliders -------------------------------------------------------------------------------------------------------


def test_a_knob_changes_its_dimension_and_no_other_and_the_picture_follows(home, hands):
    app = visit("sliders.py", model="digits", image="test/7")
    before, old = place_of(app), stage(app)
    dim, target = knob(app)["dim"], knob(app)["low"]
    hands.tell(app, "console", "settled", values={str(dim): target})
    code = place_of(sound(app)).code
    assert code[dim] == target
    assert [z for at, z in enumerate(code) if at != dim] == [z for at, z in enumerate(before.code) if at != dim]
    assert stage(app) == drawn("digits", code) != old
    assert place_of(app).image_id is None
    assert "image" not in app.query_params  # no image is like this: the link does not claim one

    hands.tell(app, "console", "back")
    assert place_of(app) == before and stage(app) == old
    hands.tell(app, "console", "undo")
    assert place_of(app).code == code and knob(app)["value"] == target
    hands.tell(app, "console", "undo")
    assert place_of(app) == before
    tools = parts(app, "console")[0]["tools"]
    assert not tools["undo"] and tools["redo"]
    hands.tell(app, "console", "redo")
    assert place_of(app).code == code


def test_random_codes_differ_each_time_and_keep_what_is_locked(home, hands):
    app = visit("sliders.py", model="digits")
    dim, codes = knob(app)["dim"], []
    hands.tell(app, "console", "lock", id=str(dim), locked=True)
    held = place_of(app).code[dim]
    for _ in range(3):
        hands.tell(app, "console", "random")
        codes.append(place_of(app).code)
        assert codes[-1][dim] == held
    assert len(set(codes)) == 3


def test_a_press_on_a_near_image_goes_there(home):
    app = visit("sliders.py", model="digits", image="test/7")
    box = app.session_state["muscope"].entry.model_id
    ((nearest, _),) = cache.neighbours(box, place_of(app).code, 1, "test/7")
    app.button(key="near-crisp-tap-0").click().run()
    assert place_of(sound(app)).image_id == nearest and app.query_params["image"] == nearest


# ---- the shelf -----------------------------------------------------------------------------------------------------


def test_keep_use_empty_and_put_back(home, hands):
    app = visit("sliders.py", model="digits", image="test/5")
    kept = place_of(app)
    app.button(key="sliders.do.keep").click().run()
    app.button(key="sliders.do.keep").click().run()  # once is enough
    hands.tell(app, "console", "random")
    app.button(key="sliders.do.keep").click().run()
    assert [each.place.caption for each in app.session_state["muscope"].shelf] == ["random code 1", kept.caption]
    app.switch_page("map.py").run()
    app.button(key="shelf.tap.1").click().run()
    assert place_of(sound(app)) == kept
    app.button(key="shelf.do.empty").click().run()
    assert "shelf.tap.0" not in [button.key for button in app.button]
    app.button(key="shelf.do.refill").click().run()
    assert len(app.session_state["muscope"].shelf) == 2
    assert "shelf.do.refill" not in [button.key for button in app.button]


def test_a_kept_code_of_another_model_brings_its_model(home):
    app = visit("sliders.py", model="digits", image="test/5")
    app.button(key="sliders.do.keep").click().run()
    app.selectbox(key="frame.model").select("faces").run()
    app.button(key="sliders.do.keep").click().run()
    app.button(key="shelf.tap.1").click().run()
    assert app.selectbox(key="frame.model").value == "digits"
    assert place_of(sound(app)).image_id == "test/5"
    app.selectbox(key="frame.model").select("faces").run()
    assert place_of(app).image_id == "test/0"


def test_a_kept_code_chosen_for_a_path_stays_that_code_when_others_are_kept(home, hands):
    app = visit("sliders.py", model="digits", image="test/5")
    app.button(key="sliders.do.keep").click().run()
    app.switch_page("paths.py").run()
    box = app.session_state["muscope"].entry.model_id
    app.selectbox(key=f"paths.next.{box}").select("kept 1").run()
    first = pictures(sound(app), "next")
    assert first[0][1] == drawn("digits", cache.code_of(box, "test/5"))
    app.switch_page("sliders.py").run()
    hands.tell(app, "console", "random")
    app.button(key="sliders.do.keep").click().run()
    app.switch_page("paths.py").run()
    assert app.selectbox(key=f"paths.next.{box}").value == "kept 1"
    assert pictures(app, "next") == first
    app.button(key="shelf.do.empty").click().run()  # the choice is gone with it, the page is not
    assert app.selectbox(key=f"paths.next.{box}").value != "kept 1"
    sound(app)


# ---- paths ---------------------------------------------------------------------------------------------------------


def strip(app):
    """The frames of the path as files."""
    return [unpacked(frame["png"]) for frame in parts(app, "player")[0]["strip"]]


def keyframes(app):
    """The keyframes of the path as files."""
    return [unpacked(frame["png"]) for frame in parts(app, "keyframes")[0]["frames"]]


def put(app, hands, at, kind):
    """Another picture, of a kind, in the place of a keyframe."""
    box = app.session_state["muscope"].entry.model_id
    row = parts(app, "keyframes")[0]
    hands.tell(app, "keyframes", "settled", order=[0, 1], chosen=at, base=row["base"])
    app.selectbox(key=f"paths.next.{box}").select(kind).run()
    app.button(key="paths.do.replace").click().run()


def test_a_path_has_its_frames_and_ends_on_its_ends(home, hands):
    app = visit("paths.py", model="digits")
    box = app.session_state["muscope"].entry.model_id
    put(app, hands, 0, "label:3")
    put(app, hands, 1, "label:8")
    middles = {}
    for way in ("slerp", "lerp", "spline", "follow"):
        app.segmented_control(key="paths.way").set_value(way).run()
        frames = strip(sound(app))
        assert len(frames) == 12
        middles[way] = frames[5]
        ends = keyframes(app)
        assert [frames[0], frames[-1]] == ends
        ids = [cache.image_of_kind(box, kind, 0) for kind in ("label:3", "label:8")]
        assert ends == [drawn("digits", cache.code_of(box, image_id)) for image_id in ids]
    assert len({middles[way] for way in ("slerp", "lerp", "follow")}) == 3
    assert middles["spline"] == middles["lerp"]  # through two
    app.button(key="paths.next.do.another").click().run()
    assert pictures(app, "next")[0][1] != ends[1]


def test_where_the_hand_let_go_of_a_path_is_shown_large_and_can_be_kept(home, hands):
    app = visit("paths.py", model="digits")
    last = parts(app, "player")[0]["count"] - 1
    hands.tell(app, "player", "settled", frame=last)
    assert stage(sound(app)) == keyframes(app)[-1]
    app.slider(key="paths.steps").set_value(3).run()  # another fineness, the same place on the way
    told = parts(sound(app), "player")[0]
    assert told["frame"] == told["count"] - 1 and len(told["strip"]) == 3
    hands.tell(app, "player", "keep", frame=0)
    (kept,) = app.session_state["muscope"].shelf
    assert kept.place.code == place_of(app).code


# ---- attributes ----------------------------------------------------------------------------------------------------


def test_strength_none_is_the_picture_itself(home, hands):
    app = visit("attributes.py", model="faces", image="test/4")
    hands.tell(app, "console", "settled", values={"strength": 0.0})
    code = place_of(app).code
    assert stage(sound(app)) == drawn("faces", code)
    box = app.session_state["muscope"].entry.model_id
    app.selectbox(key=f"attributes.kind.{box}").select("attribute:smile").run()
    hands.tell(app, "console", "settled", values={"strength": 1.0})
    known = cache.encodings(box)
    smile = known.attributes[:, known.attribute_names.index("smile")] == 1
    moved = np.array(code) + known.mu[smile].mean(axis=0) - known.mu[~smile].mean(axis=0)
    shown = render_of(stage(app)).astype(int)
    wanted = engine.shared().decode(cache.entry("faces"), moved[None])[0]
    assert np.abs(shown - wanted).max() <= 1
    assert place_of(app).code == code  # a strength is tried on the picture, not done to it


def render_of(png):
    return np.array(Image.open(io.BytesIO(png)))


# ---- sample --------------------------------------------------------------------------------------------------------


DRAWN = {"draw": 1, "count": 36, "temperature": 1.0, "limit": 0.0, "pace": 2.0, "live": False}
DRAWN |= {"prior": STANDARD, "of": ""}


def grid(app):
    """What the browser is told of the samples."""
    return parts(app, "shower")[0]


def settle(hands, app, **asked):
    """The hand leaves the samples like that."""
    return sound(hands.tell(app, "shower", "settled", **DRAWN | asked))


def test_samples_are_as_many_as_asked_and_differ(home, hands):
    app = visit("sample.py", model="many")
    for count in (4, 64):
        settle(hands, app, count=count)
        assert len(grid(app)["pictures"]) == count
    first = set(grid(app)["pictures"])
    assert len(first) == 64
    settle(hands, app, count=64, draw=2)
    assert not first & set(grid(app)["pictures"])


def test_temperature_zero_draws_the_middle_each_time(home, hands):
    app = settle(hands, visit("sample.py", model="digits"), temperature=0.0)
    assert len(set(grid(app)["pictures"])) == 1
    told = DRAWN | {"temperature": 0.0, "from": 1, "at": 0.0, "within": 0.0, "index": 3}
    hands.tell(app, "shower", "keep", **told)
    (kept,) = sound(app).session_state["muscope"].shelf
    assert set(kept.place.code) == {0.0}


def test_a_kept_sample_is_the_very_code_of_its_draw(home, hands):
    app = visit("sample.py", model="digits")
    told = DRAWN | {"draw": 7, "temperature": 0.5, "live": True, "from": 7, "at": 0.5, "within": 0.0, "index": 11}
    hands.tell(app, "shower", "keep", **told)
    (kept,) = sound(app).session_state["muscope"].shelf
    codes = cache.random_codes(app.session_state["muscope"].entry.model_id, 36, 0.5, 7)
    assert kept.place.code == codes[11] and stage(app) == drawn("digits", codes[11])


# ---- all together --------------------------------------------------------------------------------------------------


def test_moving_between_pages_loses_nothing(home, hands):
    app = visit("sliders.py", model="digits", image="test/7")
    box = app.session_state["muscope"].entry.model_id
    hands.tell(app, "console", "settled", values={str(knob(app)["dim"]): knob(app)["low"]})
    turned = place_of(app)
    app.button(key="sliders.do.keep").click().run()
    app.switch_page("paths.py").run()
    app.selectbox(key=f"paths.next.{box}").select("label:8").run()
    app.button(key="paths.next.do.another").click().run()
    app.button(key="paths.do.add").click().run()
    app.slider(key="paths.steps").set_value(7).run()
    hands.tell(app, "player", "settled", frame=20)
    path = parts(app, "player")[0]
    app.switch_page("sample.py").run()
    settle(hands, app, count=16, temperature=0.5, draw=3)
    app.switch_page("attributes.py").run()
    hands.tell(app, "console", "settled", values={"strength": -1.5})
    app.switch_page("map.py").run()
    app.selectbox(key="map.colour.digits").select("kl").run()
    app.switch_page("train.py").run()
    app.number_input(key="train.conv.digits.epochs").set_value(3).run()
    app.text_input(key="train.name").set_value("my own").run()
    app.selectbox(key="frame.model").select("flat").run()
    for page in ("start.py", "map.py", "sliders.py", "paths.py", "attributes.py", "sample.py"):
        sound(app.switch_page(page).run())
    app.selectbox(key="frame.model").select("digits").run()

    app.switch_page("sliders.py").run()
    assert place_of(app) == turned and knob(app)["value"] == knob(app)["low"]
    assert parts(app, "console")[0]["tools"]["undo"]
    app.switch_page("paths.py").run()
    assert app.selectbox(key=f"paths.next.{box}").value == "label:8" and len(keyframes(app)) == 3
    assert app.slider(key="paths.steps").value == 7
    again = parts(app, "player")[0]
    assert [again[name] for name in ("codes", "strip", "frame")] == [path[name] for name in ("codes", "strip", "frame")]
    app.switch_page("sample.py").run()
    assert [grid(app)[name] for name in ("draw", "count", "temperature")] == [3, 16, 0.5]
    app.switch_page("attributes.py").run()
    assert knob(app)["value"] == -1.5
    app.switch_page("map.py").run()
    assert app.selectbox(key="map.colour.digits").value == "kl"
    app.switch_page("train.py").run()
    assert app.number_input(key="train.conv.digits.epochs").value == 3
    assert app.text_input(key="train.name").value == "my own"
    assert len(app.session_state["muscope"].shelf) == 1


def test_two_visitors_do_not_see_each_other(home, hands):
    one, other = visit("sliders.py", model="digits"), visit("sliders.py", model="digits")
    hands.tell(one, "console", "random")
    one.button(key="sliders.do.keep").click().run()
    other.run()
    assert place_of(other).image_id == "test/0" and other.session_state["muscope"].shelf == []


def test_a_link_leads_to_the_same_picture(home):
    one = visit("start.py", model="digits")
    one.button(key="start.tap.6").click().run()
    other = sound(visit("map.py", **one.query_params))
    assert stage(other) == stage(one)


def test_two_models_of_one_title_can_be_told_apart_and_chosen(own, library):
    place = own("digits", "flat")
    for name in ("digits", "flat"):
        card = json.loads((place / name / "card.json").read_text())
        (place / name / "card.json").write_text(json.dumps(card | {"title": "my digits"}))
    for name in ("digits", "flat"):
        app = sound(visit("sliders.py", model=name))
        box = app.selectbox(key="frame.model")
        assert sorted(box.options) == ["my digits (digits)", "my digits (flat)"]
        assert box.value == name == app.session_state["muscope"].model
