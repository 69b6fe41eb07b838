"""A drawing and a face of one's own, as Python hears of them: anything may come, only a sound one moves the tools."""

import base64
import zlib

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from live import engine
from pages.ui import builder, cache, pen
from pages.ui.pen import SIDE
from tests.pages.conftest import sound
from tests.pages.hands import NONSENSE, Hand, everything, packed, place_of, told_in_one_line
from vae.data import faces
from vae.data.faces import FACTORS, FaceFactors
from vae.errors import VAEError
from vae.explore.drawing import centred


def page() -> None:
    from pages.ui import pen, sessions, state
    from pages.ui.errors import plain_errors

    with plain_errors():
        sessions.wake("sliders")
        pen.offer_start(state.here())


def open_page(model):
    app = AppTest.from_function(page, default_timeout=60)
    app.query_params["model"] = model
    return sound(app.run())


def a_one():
    ink = np.zeros((SIDE, SIDE), np.uint8)
    ink[20:90, 50:60] = 255
    return ink


@pytest.fixture
def pad(home, hands):
    return Hand("pen", hands)


@pytest.fixture
def face(home, hands):
    return Hand("builder", hands)


# ---- the pen -------------------------------------------------------------------------------------------------------


def test_a_drawing_becomes_the_place_of_every_tool(pad):
    app = open_page("digits")
    pad.send(app, "settled", ink=packed(a_one()))
    sound(app)
    entry = cache.entry("digits")
    wanted = engine.shared().encode(entry, centred(a_one(), 8)[None, :, :, None])[0]
    assert place_of(app).code == tuple(wanted.tolist())
    assert (place_of(app).image_id, place_of(app).caption) == (None, "your drawing")
    assert pad.data["turn"] == 1 and pad.data["ink"] == packed(a_one()) and pad.data["given"]
    assert pad.data["near"] == [cache.caption_of(entry.model_id, name) for name, _ in _near(entry, wanted)]
    app.session_state["muscope"].undo()
    assert place_of(app).image_id == "test/0"


def _near(entry, code):
    return cache.neighbours(entry.model_id, tuple(code.tolist()), 3, None)


def test_a_wiped_drawing_is_forgotten_and_moves_nothing(pad):
    app = open_page("digits")
    pad.send(app, "settled", ink=packed(a_one()))
    before = everything(app)
    pad.send(app, "settled", ink="")
    assert everything(sound(app)) == before
    assert pad.data["ink"] == "" and "given" not in pad.data and pad.data["turn"] == 2


NO_DRAWINGS = (
    None,
    7,
    ["x"],
    "not base64 !",
    "ümläut",
    base64.b64encode(b"not packed").decode(),
    base64.b64encode(zlib.compress(bytes(SIDE * SIDE))[:-9]).decode(),  # cut short
    packed(np.zeros((SIDE, SIDE - 1))),
    packed(np.zeros((SIDE, SIDE + 1))),
    packed(np.zeros((28, 28))),
    packed(np.zeros((2000, 2000))),  # a few kilobytes that unpack to four million
    packed(np.zeros((SIDE, SIDE))),  # nothing drawn
)


def test_what_is_no_drawing_is_told_in_one_line_and_changes_nothing(pad):
    app = open_page("digits")
    before = everything(app)
    for turn, ink in enumerate(NO_DRAWINGS, start=1):
        pad.send(app, "settled", ink=ink)
        told_in_one_line(app)
        assert everything(app) == before
        assert pad.data["turn"] == turn  # the pad hears that it was heard, and does not wait for ever
    pad.send(app, "settled", ink=packed(a_one()))
    assert place_of(sound(app)).caption == "your drawing"


def test_what_no_pad_would_tell_changes_nothing(pad):
    app = open_page("digits")
    before = everything(app)
    for told in NONSENSE:
        pad.send_raw(app, "settled", told)
        told_in_one_line(app)
        assert everything(app) == before


def test_a_drawing_for_another_model_changes_nothing(pad):
    app = open_page("digits")
    before = everything(app)
    pad.send(app, "settled", ink=packed(a_one()), model=cache.entry("flat").model_id)
    assert "another model" in told_in_one_line(app)
    assert everything(app) == before


def test_ink_survives_being_packed():
    ink = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    assert np.array_equal(pen.read_ink(packed(ink)), ink)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("digits", ["Draw one", "Bring a picture"]),
        ("faces", ["Build a face", "Bring a picture"]),
        ("table", ["Bring a row"]),
    ],
)
def test_a_model_is_offered_what_it_reads(home, model, words):
    assert [each.label for each in open_page(model).expander] == words


def test_a_model_that_reads_no_ink_refuses_it(home):
    with pytest.raises(VAEError, match="does not read drawings"):
        pen.seen(cache.entry("faces"), a_one())


# ---- the builder ---------------------------------------------------------------------------------------------------


def factors_of(found):
    return [getattr(found, name) for name in FACTORS]


def code_of(found):
    return tuple(engine.shared().encode(cache.entry("faces"), faces.draw(found)[None])[0].tolist())


def test_it_starts_from_the_image_and_leaves_a_face_for_every_tool(face):
    app = open_page("faces")
    start = faces.factors("test", 0)[0]
    assert face.data["values"] == {name: float(getattr(start, name)) for name in FACTORS}
    built = FaceFactors(**{name: getattr(start, name) for name in FACTORS} | {"smile": 1, "skin": 0.25, "turn": -1.0})
    face.send(app, "settled", factors=factors_of(built))
    sound(app)
    assert place_of(app).code == code_of(built) and place_of(app).caption == "a face you built"
    assert face.data["values"] == {name: float(getattr(built, name)) for name in FACTORS}
    assert face.data["turn"] == 1


def test_start_again_goes_back_to_the_image_it_was_made_from(face):
    app = open_page("faces")
    image = app.session_state["muscope"].of_image("test/3")
    app.session_state["muscope"].go(image)
    sound(app.run())
    for skin in (0.1, 0.9):
        face.send(app, "settled", factors=[*factors_of(faces.factors("test", 3)[0])[:8], skin, *[0.5] * 3, 0, 0.5, 0.5])
    assert place_of(sound(app)).image_id is None
    face.send(app, "again")
    assert place_of(sound(app)) == image
    assert face.data["values"]["skin"] == faces.factors("test", 3)[0].skin


def test_surprises_differ_and_can_be_had_again(face):
    def some(count):
        app = open_page("faces")
        for _ in range(count):
            face.send(app, "surprise")
            yield place_of(sound(app)).code

    first, again = list(some(3)), list(some(3))
    assert first == again and len(set(first)) == 3


GOOD = factors_of(FaceFactors())


NO_NUMBERS = (float("nan"), float("inf"), 1.01, -1.01, "1", None, True, [0])
NO_FACES = (
    *(None, "smile", {"smile": 1}, [], GOOD[:-1], [*GOOD, 0]),
    *([*GOOD[:at], bad, *GOOD[at + 1 :]] for at in (0, 6, 8) for bad in NO_NUMBERS),
    [*GOOD[:8], -0.5, *GOOD[9:]],  # skin has one side only
)


def test_what_is_no_face_is_told_in_one_line_and_changes_nothing(face):
    app = open_page("faces")
    before = everything(app)
    for turn, factors in enumerate(NO_FACES, start=1):
        face.send(app, "settled", factors=factors)
        told_in_one_line(app)
        assert everything(app) == before and face.data["turn"] == turn, factors


def test_what_no_builder_would_tell_changes_nothing(face):
    app = open_page("faces")
    before = everything(app)
    for event in ("settled", "again", "surprise"):
        for told in NONSENSE:
            face.send_raw(app, event, told)
            told_in_one_line(app)
            assert everything(app) == before


def test_every_factor_has_a_control_once():
    named = [name for group in builder.GROUPS.values() for name in group]
    assert sorted(named) == sorted(FACTORS)
    for group in builder.GROUPS.values():
        for name, (_, low, high) in group.items():
            assert bool(low and high) == (FACTORS[name] != "binary")
