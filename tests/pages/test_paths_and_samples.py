"""Paths and Sample as Python hears of them: anything may come, and only what is sound changes anything."""

import base64

import numpy as np
import pytest

from pages.ui import cache
from pages.ui.player import walk
from pages.ui.samples import COUNTS
from pages.ui.state import Place
from tests.pages.conftest import pictures, sound, stage, visit
from tests.pages.hands import NONSENSE, Hand, everything, told_in_one_line
from vae.explore import latents


def shelf(app):
    return app.session_state["muscope"].shelf


# ---- paths ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def player(home, hands):
    return Hand("player", hands)


def codes_of(player):
    flat = np.frombuffer(base64.b64decode(player.data["codes"]), "<f4")
    return flat.reshape(player.data["count"], -1)


@pytest.mark.parametrize("steps", [2, 3, 7, 12, 36])
def test_a_path_is_finer_than_its_strip_and_holds_its_frames(home, steps):
    start, end = (Place(code, None, "x") for code in ((1.0, 0.5, -2.0), (-0.5, 1.0, 0.25)))
    for way, through in (("slerp", latents.slerp), ("lerp", latents.lerp)):
        path = walk(start, end, steps, way)
        assert len(path.codes) >= 61 and len(path.strip) == steps
        assert (path.codes[0], path.codes[-1]) == (start.code, end.code)
        assert np.allclose(path.strip, through(start.code, end.code, steps), atol=1e-6)
        assert path.place(0) == start and path.place(len(path.codes) - 1) == end


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


DRAW = {"draw": 4, "count": 16, "temperature": 0.5, "pace": 3.0, "live": True}


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
    shower.send(app, "keep", **DRAW, of=5, index=7, at=0.5)
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
    shower.send(app, "keep", **DRAW | {"temperature": 0}, of=4, index=2, at=0)
    assert set(shelf(sound(app))[0].place.code) == {0.0}


def bad(**values):
    return [{name: value} for name, each in values.items() for value in each]


NAN, INFINITE = float("nan"), float("inf")
NO_DRAWS = bad(
    draw=(None, -1, 2**32, 1.0, True, "1", NAN),
    count=(None, 0, 5, 64.0, 10**9, "16", [16]),
    temperature=(None, -0.1, 2.1, NAN, INFINITE, "1", True),
    pace=(None, 0, -1, 1e9, NAN, "2"),
    live=(None, 1, "yes"),
)
NO_SAMPLES = bad(index=(None, -1, 64, 1.0, True, "3"), of=(None, -1, 2**32, "4"), at=(None, -1, 3, NAN, "1"))


@pytest.mark.parametrize(("event", "wrong"), [("settled", NO_DRAWS), ("keep", NO_DRAWS), ("keep", NO_SAMPLES)])
def test_what_cannot_be_drawn_changes_nothing(shower, event, wrong):
    app = visit("sample.py", model="digits")
    before, picture = everything(app), stage(app)
    for turn, each in enumerate(wrong, start=1):
        shower.send(app, event, **{**DRAW, "of": 4, "index": 0, "at": 0.5, **each})
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
