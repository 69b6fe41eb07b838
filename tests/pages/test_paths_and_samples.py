"""Paths and Sample as Python hears of them: anything may come, and only what is sound changes anything."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pages.ui import cache, films, routes
from pages.ui.player import walk
from pages.ui.samples import COUNTS
from pages.ui.state import Place
from tests.pages.conftest import parts, pictures, sound, stage, visit
from tests.pages.hands import NONSENSE, Hand, everything, told_in_one_line
from vae.explore import latents
from vae.explore.film import Cut


def shelf(app):
    return app.session_state["muscope"].shelf


# ---- paths ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def player(home, hands):
    return Hand("player", hands)


def codes_of(player):
    flat = np.frombuffer(base64.b64decode(player.data["codes"]), "<f4")
    return flat.reshape(player.data["count"], -1)


ENDS = tuple(Place(code, None, "x") for code in ((1.0, 0.5, -2.0), (-0.5, 1.0, 0.25)))


@pytest.mark.parametrize("steps", [2, 3, 7, 12, 36])
def test_a_path_is_finer_than_its_strip_and_holds_its_frames(home, steps):
    for way, through in (("slerp", latents.slerp), ("lerp", latents.lerp)):
        path = walk(ENDS, cache.entry("digits").model_id, steps, way, closed=False, even=False)
        assert len(path.codes) >= 61 and len(path.strip) == steps
        assert (path.codes[0], path.codes[-1]) == (ENDS[0].code, ENDS[1].code)
        assert np.allclose(path.strip, through(ENDS[0].code, ENDS[1].code, steps), atol=1e-6)
        assert path.place(0) == ENDS[0] and path.place(path.last) == ENDS[1]


@pytest.mark.parametrize("way", ["slerp", "lerp", "spline", "follow"])
@pytest.mark.parametrize("closed", [False, True])
def test_a_path_meets_all_its_keyframes_and_says_between_which_it_is(home, way, closed):
    places = (*ENDS, Place((0.5, -1.0, 0.0), "test/3", "a three"))
    path = walk(places, cache.entry("digits").model_id, 12, way, closed, even=False)
    met = [path.place(frame) for frame in range(len(path.codes)) if path.track.at[frame] % 1 == 0]
    assert met == [*places, places[0]] if closed else met == list(places)
    assert path.place(path.per_leg * 3 // 2).caption == "50 % of the way from x to a three"
    assert len(path.shown) == 12 and (path.shown[0], path.shown[-1]) == (0, path.last)


def test_at_an_even_pace_the_pictures_change_by_as_much_each_time(home):
    model_id = cache.entry("digits").model_id
    paths = [walk(ENDS, model_id, 12, "lerp", False, even) for even in (False, True)]
    uneven, even = (routes.pace(path.route, path.per_leg).evenness for path in paths)
    assert even < min(uneven, 1.35)
    assert (paths[1].codes[0], paths[1].codes[-1]) == (ENDS[0].code, ENDS[1].code)


# ---- keyframes -----------------------------------------------------------------------------------------------------


def captions(app):
    return [frame["alt"] for frame in parts(app, "keyframes")[0]["frames"]]


def test_keyframes_are_added_put_in_order_taken_out_and_brought_back(home, hands):
    app = sound(visit("paths.py", model="digits"))
    first = captions(app)
    assert len(first) == 2 and first[0].startswith("test image 0")
    app.button(key="paths.do.add").click().run()
    app.button(key="paths.next.do.another").click().run()
    app.button(key="paths.do.add").click().run()
    four = captions(sound(app))
    assert four[:2] == first and len(set(four)) == 4 and parts(app, "keyframes")[0]["chosen"] == 3
    hands.tell(app, "keyframes", "settled", order=[3, 0, 1, 2], chosen=0, base=2)
    assert captions(sound(app)) == [four[3], *four[:3]]
    hands.tell(app, "keyframes", "settled", order=[0, 2, 3], chosen=1, base=3)
    assert captions(app) == [four[3], *four[1:3]]
    app.button(key="paths.do.replace").click().run()
    assert captions(app)[0] == four[3] and len(captions(app)) == 3
    for left in ([four[3], *four[1:3]], [four[3], *four[:3]], four, four[:3], first):
        hands.tell(app, "keyframes", "undo")
        assert captions(sound(app)) == left
    hands.tell(app, "keyframes", "undo")
    assert captions(app) == first and not parts(app, "keyframes")[0]["base"]


def test_a_change_that_was_made_before_the_last_one_was_heard_counts_from_the_same_row(home, hands):
    app = visit("paths.py", model="digits")
    app.button(key="paths.do.add").click().run()
    three = captions(app)
    hands.tell(app, "keyframes", "settled", order=[1, 0, 2], chosen=0, base=1)
    hands.tell(app, "keyframes", "settled", order=[1, 2, 0], chosen=2, base=1)
    assert captions(sound(app)) == [three[1], three[2], three[0]]


def test_a_row_that_makes_no_path_changes_nothing(home, hands):
    app = visit("paths.py", model="digits")
    before = captions(app)
    for told in (
        {"order": [0], "chosen": 0, "base": 0},
        {"order": [0, 0], "chosen": 0, "base": 0},
        {"order": [0, 2], "chosen": 0, "base": 0},
        {"order": [1, 0], "chosen": 0, "base": 1},
        {"order": "10", "chosen": 0, "base": 0},
        {},
    ):
        hands.tell(app, "keyframes", "settled", **told)
        told_in_one_line(app)
        assert captions(app) == before, told
    hands.tell(app, "keyframes", "settled", order=[0], chosen=0, base=0)
    assert "goes nowhere" in told_in_one_line(app)


def test_there_is_room_for_24_keyframes_and_the_page_draws_them(home, hands):
    app = visit("paths.py", model="digits")
    state = app.session_state["muscope"]
    state.keyframes["digits"] = [tuple(state.of_image(f"test/{i}") for i in range(24))]
    app.segmented_control(key="paths.way").set_value("follow").run()
    assert app.button(key="paths.do.add").disabled
    told = parts(sound(app), "player")[0]
    assert told["count"] == 23 * 12 + 1 and len(told["strip"]) == len(told["shown"]) == 12
    assert len(told["map"]["stops"]) == 24


def test_a_cross_fade_ends_on_the_same_pictures_and_has_no_code(home, hands):
    app = visit("paths.py", model="digits")
    assert parts(app, "player")[0]["fade"] == []
    app.toggle(key="paths.fade").set_value(True).run()
    told = parts(sound(app), "player")[0]
    strip = [frame["png"] for frame in told["strip"]]
    assert (told["fade"][0], told["fade"][-1]) == (strip[0], strip[-1]) and told["fade"][6] != strip[6]


# ---- films ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4", "png"])
def test_a_film_of_five_keyframes_is_a_file_that_opens(home, kind):
    if kind == "mp4":
        pytest.importorskip("av")
    known = cache.encodings(cache.entry("digits").model_id)
    codes = tuple(tuple(code) for code in known.mu[:5].tolist())
    route = routes.Route(cache.entry("digits").model_id, codes, "spline", closed=True, even=True)
    if kind == "png":
        assert Image.open(io.BytesIO(routes.long_strip(route, 12, (0, 12, 60), 64))).size == (3 * 64 + 4, 64)
        return
    file = routes.film(route, Cut(kind, 64, 1.0, "once"), tuple("abcde"))
    if kind == "mp4":
        assert file[4:8] == b"ftyp"
    else:
        film = Image.open(io.BytesIO(file))
        wanted = Cut(kind, 64, 1.0, "once").frames if kind == "gif" else 9  # WebP keeps what is alike as one, longer
        assert film.size == (64, 64 + 14) and film.n_frames >= wanted - 3


def test_what_cannot_be_made_is_said_before_anybody_presses(home, monkeypatch):
    app = visit("paths.py", model="digits")
    app.segmented_control(key="paths.kind").set_value("gif").run()
    app.slider(key="paths.side").set_value(1024).run()
    assert any("too large" in each.value for each in sound(app).info)
    monkeypatch.setattr(films, "has_mp4", lambda: False)
    app.segmented_control(key="paths.kind").set_value("mp4").run()
    assert any("pip install av" in each.value for each in sound(app).info)


# ---- the player ----------------------------------------------------------------------------------------------------


def test_the_frame_where_the_hand_lets_go_is_the_large_picture_and_stays(player):
    app = sound(visit("paths.py", model="digits"))
    codes = codes_of(player)
    assert stage(app) == cache.picture(player.data["model"], tuple(codes[0].tolist()))
    player.send(app, "settled", frame=33)
    wanted = cache.picture(player.data["model"], tuple(codes[33].tolist()))
    assert stage(sound(app)) == wanted
    assert (player.data["frame"], player.data["turn"]) == (33, 1)
    app.switch_page("sample.py").run()
    assert stage(app.switch_page("paths.py").run()) == wanted
    app.slider(key="paths.steps").set_value(3).run()
    assert player.data["frame"] == player.data["count"] // 2  # the same place on the way


def test_what_is_kept_is_the_frame(player):
    app = visit("paths.py", model="digits")
    codes = codes_of(player)
    for _ in range(2):  # once is enough
        player.send(app, "keep", frame=33)
    (kept,) = shelf(sound(app))
    assert kept.place.code == tuple(codes[33].tolist())
    assert kept.place.caption.startswith("50 % of the way from test image 0")
    player.send(app, "keep", frame=0)
    assert shelf(app)[0].place.image_id == "test/0"


def test_a_frame_that_is_not_there_changes_nothing(player):
    app = visit("paths.py", model="digits")
    before, picture = everything(app), stage(app)
    for event in ("settled", "keep"):
        for frame in (None, -1, 67, 2**70, 1.5, float("nan"), True, "3", [3]):
            player.send(app, event, frame=frame)
            told_in_one_line(app)
            assert (everything(app), stage(app), player.data["frame"]) == (before, picture, 0), frame
    assert player.data["turn"] == 18  # heard all the same: the hand is free again


def test_what_no_player_would_tell_changes_nothing(player):
    app = visit("paths.py", model="digits")
    before = everything(app)
    for told in NONSENSE:
        player.send_raw(app, "keep", told)
        told_in_one_line(app)
        assert everything(app) == before


# ---- samples -------------------------------------------------------------------------------------------------------


@pytest.fixture
def shower(home, hands):
    return Hand("shower", hands)


DRAW = {
    "draw": 4,
    "count": 16,
    "temperature": 0.5,
    "limit": 0.0,
    "prior": "standard",
    "of": "",
    "pace": 3.0,
    "live": True,
}


def drawn(model, draw, temperature=1.0):
    latent_dim = cache.entry(model).latent_dim
    codes = latents.prior(64, latent_dim, temperature, generator=np.random.default_rng(draw))
    return [tuple(code) for code in codes.tolist()]


def test_the_first_draw_comes_with_the_page(shower):
    app = sound(visit("sample.py", model="digits"))
    wanted = [cache.picture(shower.data["model"], code) for code in drawn("digits", 1)[:36]]
    assert (shower.data["draw"], shower.data["count"], shower.data["counts"]) == (1, 36, list(COUNTS))
    assert [base64.b64decode(each.partition("base64,")[2]) for each in shower.data["pictures"]] == wanted
    assert stage(app) == wanted[0]


def test_python_sends_pictures_only_where_the_wire_does_not(shower):
    app = visit("sample.py", model="digits")
    shower.send(app, "settled", **DRAW)
    assert shower.data["pictures"] is None and shower.data["turn"] == 1
    shower.send(app, "settled", **DRAW | {"live": False})
    assert len(shower.data["pictures"]) == 16
    assert stage(sound(app)) == cache.picture(shower.data["model"], drawn("digits", 4, 0.5)[0])
    app.switch_page("paths.py").run()
    app.switch_page("sample.py").run()
    assert (shower.data["draw"], shower.data["count"], shower.data["temperature"]) == (4, 16, 0.5)


def test_a_press_keeps_exactly_that_code_and_shows_it(shower):
    app = visit("sample.py", model="digits")
    shower.send(app, "keep", **DRAW, **{"from": 5}, index=7, at=0.5, within=0.0)
    (kept,) = shelf(sound(app))
    assert kept.place.code == drawn("digits", 5, 0.5)[7]
    assert kept.place.caption == "sample 8 of draw 5 at temperature 0.50"
    assert stage(app) == cache.picture(shower.data["model"], kept.place.code)
    shower.send(app, "settled", **DRAW | {"draw": 6})
    assert stage(app) == cache.picture(shower.data["model"], drawn("digits", 6, 0.5)[0])


def test_temperature_zero_draws_the_middle_each_time(shower):
    app = visit("sample.py", model="digits")
    shower.send(app, "settled", **DRAW | {"temperature": 0, "live": False})
    assert len(set(shower.data["pictures"])) == 1
    shower.send(app, "keep", **DRAW | {"temperature": 0}, **{"from": 4}, index=2, at=0, within=0)
    assert set(shelf(sound(app))[0].place.code) == {0.0}


def bad(**values):
    return [{name: value} for name, each in values.items() for value in each]


NAN, INFINITE = float("nan"), float("inf")
NO_DRAWS = bad(
    draw=(None, -1, 2**32, 1.0, True, "1", NAN),
    count=(None, 0, 5, 64.0, 10**9, "16", [16]),
    temperature=(None, -0.1, 2.1, NAN, INFINITE, "1", True),
    pace=(None, 0, -1, 1e9, NAN, "2"),
    limit=(None, -0.1, 4.1, NAN, INFINITE, "1", True),
    prior=(None, 1, ["mixture"]),
    of=(None, 1, {}),
    live=(None, 1, "yes"),
)
NO_SAMPLES = bad(
    **{"index": (None, -1, 64, 1.0, True, "3"), "from": (None, -1, 2**32, "4")},
    at=(None, -1, 3, NAN, "1"),
    within=(None, -1, 4.1, NAN, "1", True),
)


@pytest.mark.parametrize(("event", "wrong"), [("settled", NO_DRAWS), ("keep", NO_DRAWS), ("keep", NO_SAMPLES)])
def test_what_cannot_be_drawn_changes_nothing(shower, event, wrong):
    app = visit("sample.py", model="digits")
    before, picture = everything(app), stage(app)
    for turn, each in enumerate(wrong, start=1):
        shower.send(app, event, **{**DRAW, "from": 4, "index": 0, "at": 0.5, "within": 0.0, **each})
        told_in_one_line(app)
        assert (everything(app), stage(app), shower.data["draw"]) == (before, picture, 1), each
        assert shower.data["turn"] == turn


def test_what_no_grid_would_tell_changes_nothing(shower):
    app = visit("sample.py", model="digits")
    before = everything(app)
    for told in NONSENSE:
        shower.send_raw(app, "settled", told)
        told_in_one_line(app)
        assert everything(app) == before


def test_every_model_has_samples_and_the_large_picture(home, models):
    for model in models:
        app = sound(visit("sample.py", model=model))
        assert len(pictures(app, "stage")) == 1
