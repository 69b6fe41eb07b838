"""A visit that comes back: by its address, by this machine's memory of a browser, by a file."""

import base64
import json
import re
import zlib

import numpy as np
import pytest

from live import links
from pages.ui import cache, remembered, sessions
from pages.ui.documents import packed
from pages.ui.snapshot import snapshot
from pages.ui.state import Group, KeptDirection, Place, State
from tests.core.histories import a_history
from tests.pages.conftest import parts, pictures, serve_others, sound, stage, visit, words_on
from vae.checkpoint import Owner, save_owner
from vae.errors import VAEError
from vae.history import save_history

BROWSER = "c0ffee" * 2
ROWS = np.array([1, 4, 9])


def state_of(app):
    return app.session_state["muscope"]


def follow(app, page):
    """Another browser opens the address of this page."""
    asked = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    return sound(visit(page, **asked))


def shown(app):
    """Everything that Python has drawn on a page, and what its knobs and grids were given."""
    boards = [{key: value for key, value in part.items() if key not in ("live", "turn", "tools")}
              for name in ("console", "player", "shower", "map", "keyframes") for part in parts(app, name)]  # fmt: skip
    taps = [button.label for button in app.button if ".tap." in str(button.key)]
    return [pictures(app, handle) for handle in ("stage", "original", "next", "axis", "same")], boards, taps


# ---- the address ---------------------------------------------------------------------------------------------------


def test_a_page_as_it_opens_has_a_short_address(home):
    for page in ("start.py", "map.py", "sliders.py", "paths.py", "attributes.py", "sums.py", "sample.py"):
        app = sound(visit(page, model="digits", image="test/7"))
        app.run()
        assert app.query_params == {"model": "digits", "image": "test/7"}, page


def turn(app, hands):
    data = hands.data["console"]["knobs"][0]
    hands.tell(app, "console", "settled", values={data["id"]: 0.3})


def walk(app, hands):
    app.slider(key="paths.steps").set_value(7).run()
    app.toggle(key="paths.closed").set_value(True).run()
    hands.tell(app, "player", "settled", frame=5)


def colour(app, hands):
    app.selectbox(key="map.colour.digits").select("kl").run()
    hands.tell(app, "map", "settled", view="pca", row=None, xy=[0.1, 0.2])


def draw(app, hands):
    now = {name: hands.data["shower"][name] for name in ("count", "temperature", "limit", "pace", "prior", "of")}
    hands.tell(app, "shower", "settled", **(now | {"draw": 5, "temperature": 0.5, "live": True}))


def others(app, hands):
    app.button(key="start.do.others").click().run()


CHANGES = {"start": others, "map": colour, "sliders": turn, "paths": walk, "attributes": turn, "directions": turn,
           "sums": turn, "sample": draw}  # fmt: skip


@pytest.mark.parametrize("page", CHANGES)
def test_the_address_says_all_that_was_changed(home, hands, page):
    app = sound(visit(f"{page}.py", model="digits", image="test/7"))
    before = shown(app)
    CHANGES[page](app, hands)
    after = shown(sound(app))
    assert after != before
    there = follow(app, f"{page}.py")
    if page == "sample":
        mine, yours = parts(app, "shower")[0], parts(there, "shower")[0]
        assert mine["pictures"] is None and len(yours["pictures"]) == yours["count"]
        assert [mine[name] for name in ("draw", "count", "temperature")] == [5, yours["count"], 0.5]
        assert (yours["draw"], yours["temperature"], stage(there)) == (5, 0.5, stage(app))
    else:
        assert shown(there) == after


def test_what_was_kept_comes_along_with_a_link_of_any_length(home, monkeypatch):
    app = visit("sliders.py", model="digits", image="test/5")
    state = state_of(app)
    state.keep(Place((0.1, 0.2, 0.3), None, "mine"))
    state.keep_direction(KeptDirection("smile", (1.0, 0.0, 0.0), 2.0, "It rests on nothing."))
    short = app.run().query_params
    assert "view" in short and "link" not in short
    monkeypatch.setattr(sessions, "LONGEST", 100)
    long = app.run().query_params
    assert "link" in long and "view" not in long
    for asked in (short, long):
        other = state_of(follow(app, "sliders.py") if asked is long else sound(visit("sliders.py", **_plain(asked))))
        assert [kept.place for kept in other.shelf] == [Place((0.1, 0.2, 0.3), None, "mine")]
        assert other.directions["digits"] == state.directions["digits"]


def _plain(asked):
    return {name: value if isinstance(value, str) else value[0] for name, value in asked.items()}


def address(document):
    return base64.urlsafe_b64encode(zlib.compress(packed(document))).decode()


BOMB = base64.urlsafe_b64encode(zlib.compress(b'{"a":"' + b"x" * (64 << 20) + b'"}')).decode()


@pytest.mark.parametrize(
    "asked",
    [
        {"view": "x"},
        {"view": "%%%"},
        {"view": BOMB},
        {"view": address({"muscope": 1})[:-8]},
        {"view": address({"muscope": 1, "chosen": "digits", "models": {}, "values": {"os.system": 1}})},
        {"view": address({"muscope": 9, "chosen": "digits", "models": {}})},
        {"link": "0" * 20},
        {"link": "../../runs"},
    ],
)
def test_an_address_that_cannot_be_read_is_one_line_and_opens_what_it_can(home, asked):
    app = sound(visit("sliders.py", model="digits", image="test/9", **asked))
    (line,) = (each.value for each in app.warning)
    assert line.startswith("The link could not be opened as it was made.") and "\n" not in line
    assert state_of(app).place.image_id == "test/9"


@pytest.mark.parametrize("page", ["sliders.py", "train.py", "models.py"])
def test_a_link_to_what_is_not_shared_is_one_line_and_tells_nothing_of_it(own, hands, monkeypatch, page):
    """The owner's link, opened by somebody else: before it was shared, and after."""
    place = own("digits", "faces")
    save_history(place / "faces", a_history())
    save_owner(place / "faces", Owner("another", shared=False))
    app = sound(visit("sliders.py", model="faces"))  # on this machine everything is seen
    turn(app, hands)
    asked = {name: "".join(value) for name, value in app.query_params.items()} | {"run": "model:faces"}
    assert "view" in asked
    serve_others(monkeypatch)
    title = cache.entry("faces").title
    for link in (asked, {"model": "faces", "image": "test/3"}):
        app = sound(visit(page, **link))
        assert state_of(app).model == "digits"
        lines = [each.value for each in app.warning]
        assert "not shared" in lines[0] and title not in words_on(app)
        assert len(lines) == (2 if page == "train.py" and "run" in link else 1) and "\n" not in "".join(lines)
    save_owner(place / "faces", Owner("another", shared=True))
    app = sound(visit(page, **asked))
    assert state_of(app).model == "faces" and not [each for each in app.warning if "not shared" in each.value]


def test_a_link_cannot_fill_in_a_form(home):
    with pytest.raises(VAEError, match="control that there is not"):
        remembered.check(State("digits"), {"train.path": "/etc"})
    assert remembered.check(State("digits"), {"train.path": "/home/ada"}, forms=True)


@pytest.mark.parametrize(
    "key", ["muscope", "muscope.first", "frame.model", "paths.do.add", "start.tap.3", "x" * 300, ""]
)
def test_nothing_but_controls_of_pages_can_be_set(home, key):
    with pytest.raises(VAEError, match="control that there is not"):
        remembered.check(State("digits"), {key: 1}, forms=True)


def test_a_value_that_a_page_cannot_take_is_as_usual_again(home):
    app = visit("paths.py", model="digits", image="test/7")
    app.slider(key="paths.steps").set_value(9).run()
    document = sessions_document(app) | {"values": {"paths.steps": "nine", "paths.way": "sideways"}}
    there = sound(visit("paths.py", model="digits", image="test/7", view=address(document)))
    assert there.slider(key="paths.steps").value == 12
    assert any("as usual" in each.value for each in there.warning)


def sessions_document(app):
    view = _plain(app.query_params)["view"]
    return json.loads(zlib.decompress(base64.b64decode(view, altchars=b"-_")))


# ---- what this machine remembers of a browser ----------------------------------------------------------------------


@pytest.fixture
def browser(monkeypatch):
    monkeypatch.setattr(sessions, "owner_of", lambda _: BROWSER)


def test_a_browser_finds_its_visit_again_and_no_other_does(home, hands, browser, monkeypatch):
    app = visit("sliders.py", model="digits", image="test/5")
    app.button(key="sliders.do.keep").click().run()
    state_of(app).gather(Group("those", ROWS, "pca", ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))))
    turn(app, hands)
    app.switch_page("map.py").run()
    app.selectbox(key="map.colour.digits").select("kl").run()
    app.selectbox(key="frame.model").select("flat").run()
    place = state_of(app).place
    links.shared.__globals__["_of"].cache_clear()  # a restart
    again = sound(visit("map.py"))
    assert state_of(again).model == "flat" and state_of(again).place == place
    assert [kept.place.image_id for kept in state_of(again).shelf] == ["test/5"]
    assert [group.name for group in state_of(again).groups["digits"]] == ["those"]
    again.selectbox(key="frame.model").select("digits").run()
    assert state_of(again).place == state_of(app).places["digits"]
    assert again.selectbox(key="map.colour.digits").value == "kl"
    assert not any(each.value for each in again.warning)
    monkeypatch.setattr(sessions, "owner_of", lambda _: "b" * 12)
    other = sound(visit("map.py"))
    assert state_of(other).shelf == [] and not state_of(other).groups.get("digits")


def test_a_link_shows_what_it_says_whatever_this_browser_had_on_that_page(home, browser, monkeypatch):
    app = visit("map.py", model="digits", image="test/5")
    app.selectbox(key="map.colour.digits").select("kl").run()
    app.switch_page("paths.py").run()
    app.slider(key="paths.steps").set_value(7).run()
    there = sound(visit("map.py", model="digits", image="test/5"))
    assert there.selectbox(key="map.colour.digits").value == "label"
    there.switch_page("paths.py").run()
    assert there.slider(key="paths.steps").value == 7


def test_a_memory_that_cannot_be_read_is_forgotten_and_the_visit_is_new(home, browser):
    links.shared().remember(BROWSER, b"\x80\x04nonsense")
    app = sound(visit("sliders.py"))
    assert state_of(app).shelf == []


def test_what_stands_on_both_sides_keeps_its_name_and_nothing_of_mine_is_lost(home):
    mine, theirs = State("digits"), State("digits")
    for state, first in ((mine, 1.0), (theirs, -1.0)):
        state.keep_direction(KeptDirection("smile", (first, 0.0, 0.0), 1.0, ""))
        state.keep_direction(KeptDirection("both", (0.0, 1.0, 0.0), 1.0, ""))
        state.keep(Place((first, 0.0, 0.0), None, "made"))
        state.places["flat"] = Place((first, 0.0), None, "made")
    found = sessions.joined(mine, theirs)
    vectors = {kept.name: kept.vector[0] for kept in found.directions["digits"]}
    assert vectors == {"smile": -1.0, "smile (2)": 1.0, "both": 0.0}
    assert len(found.shelf) == 2 and len({kept.number for kept in found.shelf}) == 2
    assert found.places["flat"].code[0] == 1.0  # a link is about its own model


# ---- a file --------------------------------------------------------------------------------------------------------


def given(app, data):
    app.file_uploader[0].set_value(("session.json", data, "application/json"))
    return app.run()


def test_a_session_file_is_opened_and_closed_again(home, hands):
    app = visit("sliders.py", model="digits", image="test/5")
    app.button(key="sliders.do.keep").click().run()
    turn(app, hands)
    document = packed(snapshot(state_of(app), whole=True))
    other = visit("paths.py", model="flat", image="test/3")
    other.slider(key="paths.steps").set_value(9).run()
    name, before = state_of(other).name, state_of(other).place
    given(other, document)
    opened = state_of(sound(other))
    assert (opened.shelf, opened.place) == (state_of(app).shelf, state_of(app).place)
    assert (opened.model, opened.name) == ("digits", name)
    assert other.slider(key="paths.steps").value == 12
    other.button(key="frame.do.close").click().run()
    assert (state_of(sound(other)).model, state_of(other).place, state_of(other).shelf) == ("flat", before, [])
    assert other.slider(key="paths.steps").value == 9
    given(other, document[:-9])
    (line,) = (each.value for each in other.error)
    assert line.startswith("This is no session that Muscope wrote") and "\n" not in line
    assert (state_of(other).model, state_of(other).place) == ("flat", before)


@pytest.mark.parametrize("data", [b"", b"{}", b"\x80\x04K\x01.", b"x" * (links.LARGEST + 1)])
def test_a_file_that_is_no_session_changes_nothing(home, data):
    with pytest.raises(VAEError, match="so nothing was changed") as told:
        sessions.open_file(State("digits"), data)
    assert "\n" not in str(told.value)


# ---- what was kept, on every page ----------------------------------------------------------------------------------


def test_kept_things_are_at_hand_on_every_page_and_removed_one_by_one(home):
    app = visit("sliders.py", model="digits", image="test/5")
    state = state_of(app)
    state.keep(state.place)
    state.gather(Group("those", ROWS, "", ()))
    state.keep_direction(KeptDirection("smile", (1.0, 0.0, 0.0), 2.0, ""))
    for page in ("map.py", "train.py", "report.py"):
        app.switch_page(page).run()
        assert {"shelf.tap.0", "shelf.thing.0.tap", "shelf.thing.1.tap"} <= {button.key for button in app.button}
    app.button(key="shelf.thing.0.tap").click().run()
    assert state.place.caption == "the mean of those"
    app.toggle(key="shelf.tidy").set_value(True).run()
    app.button(key="shelf.thing.1.tap").click().run()
    app.button(key="shelf.tap.0").click().run()
    assert state.shelf == [] and state.directions["digits"] == []
    app.button(key="shelf.do.bring_back").click().run()
    app.button(key="shelf.do.bring_back").click().run()
    assert [kept.name for kept in state.directions["digits"]] == ["smile"] and len(state.shelf) == 1
    app.toggle(key="shelf.tidy").set_value(False).run()
    app.button(key="shelf.thing.1.tap").click().run()
    assert sound(app).title[0].value == "Attributes"
    assert app.session_state["attributes.source"] == "Kept"
    assert "smile" in words_on(app)


@pytest.mark.parametrize("name", ["![](//evil.example/a.png)", "[press](//evil.example)", "\\\\![](//evil.example/a)"])
def test_what_a_link_says_makes_no_picture_and_no_link(name):
    (line,) = [each.value for each in visit("map.py", model=name).warning]
    assert "evil.example" in line
    # A mark counts unless an odd number of backslashes stand before it.
    assert all(len(marks) % 2 for marks in re.findall(r"(\\*)\[", line)), line
