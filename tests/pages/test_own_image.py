"""A picture or a row of one's own, as Python hears of it: anything may come, only a sound one moves the tools."""

import base64
import zlib

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from live import engine, links
from pages.ui import cache, own_picture, remembered, remembered_parts, sessions
from pages.ui.documents import write_code
from pages.ui.state import State
from tests.pages.conftest import sound, visit, words_on
from tests.pages.hands import NONSENSE, Hand, everything, packed, place_of, told_in_one_line
from vae import data
from vae.encodings import SPLITS
from vae.errors import VAEError


def page() -> None:
    from pages.ui import own_image, sessions, state
    from pages.ui.errors import plain_errors

    with plain_errors():
        sessions.wake("sliders")
        own_image.offer_own(state.here())


def open_page(model):
    app = AppTest.from_function(page, default_timeout=60)
    app.query_params["model"] = model
    return sound(app.run())


@pytest.fixture
def hand(home, hands):
    return Hand("bring_image", hands)


def a_picture(entry, seed=0):
    channels, height, width = entry.shape
    return np.random.default_rng(seed).integers(0, 256, (1, height, width, channels), np.uint8)


@pytest.mark.parametrize("model", ["digits", "faces", "levels", "autoencoder"])
def test_a_picture_becomes_the_place_of_every_tool(hand, model):
    app, entry = open_page(model), cache.entry(model)
    pixels = a_picture(entry)
    hand.send(app, "settled", picture=packed(pixels))
    sound(app)
    wanted = engine.shared().encode(entry, pixels)[0]
    assert place_of(app).code == tuple(wanted.tolist())
    assert (place_of(app).image_id, place_of(app).caption) == (None, "your picture")
    assert hand.data["turn"] == 1 and hand.data["given"] and hand.data["made"]
    near = cache.neighbours(entry.model_id, tuple(wanted.tolist()), 3, None)
    assert hand.data["near"] == [cache.caption_of(entry.model_id, name) for name, _ in near]
    app.session_state["muscope"].undo()
    assert place_of(app).image_id == "test/0"


def test_it_stands_beside_its_reconstruction_on_every_page_until_another_is_chosen(home, hands):
    app = visit("sliders.py", model="digits")
    entry, hand = cache.entry("digits"), Hand("bring_image", hands)
    pixels = a_picture(entry)
    hand.send(app, "settled", picture=packed(pixels))
    for name in ("sliders.py", "map.py", "sliders.py"):
        shown = hands.data["stage"]
        assert shown["caption"] == "reconstruction of your picture" and shown["original"]
        sound(app.switch_page(name).run())
    app.session_state["muscope"].go(app.session_state["muscope"].of_image("test/3"))
    app.run()
    assert hands.data["stage"]["caption"].startswith("reconstruction of test image 3")


def test_draws_of_its_posterior_and_their_spread_repeat_and_an_autoencoder_has_none(hand):
    app, entry = open_page("digits"), cache.entry("digits")
    hand.send(app, "settled", picture=packed(a_picture(entry)))
    assert "Draws from its posterior" in words_on(sound(app))
    first = own_picture.as_own(entry, own_picture.x_of_pixels(a_picture(entry)))
    seen = own_picture.seen(entry.model_id, first)
    own_picture.seen.cache_clear()
    again = own_picture.seen(entry.model_id, first)
    assert seen.draws == again.draws and len(seen.draws) == 6 and len(set(seen.draws)) == 6
    assert seen.unsure == again.unsure and 0 < seen.unsure[1] <= 0.5
    x = own_picture.x_of_pixels(a_picture(entry))
    codes = engine.shared().drawn(entry, x, 4000, seed=1)
    assert np.allclose(codes.mean(axis=0), first.code, atol=0.1)  # they lie around mu
    app = open_page("autoencoder")
    hand.send(app, "settled", picture=packed(a_picture(entry)))
    assert "one code" in words_on(sound(app)) and "Draws from" not in words_on(app)


def test_how_well_it_is_redrawn_is_counted_among_test_images(hand):
    entry = cache.entry("digits")
    known = cache.encodings(entry.model_id)
    test = data.load("digits", "test", limit=60)
    found = []
    board = np.indices((8, 8)).sum(axis=0) % 2 * np.uint8(255)
    for pixels in (test.pixels[:1], board[None, :, :, None].astype(np.uint8)):
        own = own_picture.as_own(entry, own_picture.x_of_pixels(pixels))
        found.append(own_picture.seen(entry.model_id, own).fit)
    assert np.isclose(found[0].error, known.recon_error[(known.split == SPLITS.index("test"))][0], rtol=1e-2)
    assert found[0].compared == 60 and not found[0].odd
    assert found[1].percentile == 100  # a chequerboard is no digit; 60 images are too few to say it
    assert not found[1].odd


def test_the_ground_of_a_models_images_is_known(home):
    assert own_picture.ground(cache.entry("faces").model_id) == ""
    assert own_picture.ground(cache.entry("digits").model_id) in ("", "dark")


@pytest.mark.parametrize("model", ["digits", "table"])
def test_after_a_reload_it_is_still_there_with_what_it_rests_on(home, hands, monkeypatch, model):
    monkeypatch.setattr(sessions, "owner_of", lambda _: "c0ffee" * 2)
    app, entry = visit("sliders.py", model=model), cache.entry(model)
    if model == "table":
        app.text_area[0].set_value("0.1, 0.9, 0.3, 0.5, 1")
        app = app.button(key="own.do.row").click().run()
    else:
        for seed in range(2):
            app = Hand("bring_image", hands).send(app, "settled", picture=packed(a_picture(entry, seed)))
    before, place = own_picture_of(app, entry), place_of(sound(app))
    app.selectbox(key="frame.model").select("flat").run()  # another model is chosen meanwhile
    app.selectbox(key="frame.model").select(model).run()
    asked = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    for _ in range(2):
        again = sound(visit("sliders.py", **asked))
        assert own_picture_of(again, entry) == before and place_of(again) == place
        assert "Draws from its posterior" in words_on(again) and "It is redrawn with an error" in words_on(again)
        (own,) = [each for each in again.expander if each.label.startswith("Bring a")]
        assert hands.data["stage"]["original"] and own.proto.expanded
    monkeypatch.setattr(sessions, "owner_of", lambda _: "b" * 12)
    other = sound(visit("sliders.py", **asked))  # the same link, somebody else: a code, and no picture of hers
    assert "muscope.own" not in other.session_state and place_of(other).code == place.code
    assert hands.data["stage"]["original"] is None


def own_picture_of(app, entry):
    return app.session_state["muscope.own"][entry.model_id][-1]


@pytest.mark.parametrize("said", [5, "a", {}, [5], [["a"]], [["a", "b"]], [["", "f4:AAAAAAAAAAAAAAAA"]]])
def test_a_memory_of_pictures_that_makes_no_sense_is_refused(home, said):
    state = State("digits", ids={"digits": cache.entry("digits").model_id})
    for odd in (said, {state.entry.model_id: said}):
        if odd != {}:
            with pytest.raises(VAEError):
                remembered.check(state, {"muscope.own": odd}, forms=True)
    found = remembered.check(state, {"muscope.own": {"0" * 16: said}}, forms=True)
    assert found == {"muscope.own": {}}  # of a model that is gone


@pytest.mark.parametrize("exact", [False, True])
def test_what_is_remembered_is_the_same_to_the_bit(home, exact):
    entry = cache.entry("digits")
    x = np.random.default_rng(0).random((1, 1, 8, 8), np.float32)
    own = own_picture.as_own(entry, x if exact else own_picture.x_of_pixels(a_picture(entry)))
    text = own_picture.as_text(own)
    assert own_picture.of_text(entry, text, own.code) == own and len(text) < (400 if exact else 120)


def test_many_large_pictures_do_not_end_the_memory_of_a_visit(home, monkeypatch):
    """What is remembered fits: the newest ones of every model, the chosen model's first, in the order they had."""
    assert 3 * remembered_parts.OWN_BYTES < links.LARGEST
    ids = {name: cache.entry(name).model_id for name in ("digits", "flat")}
    state = State("flat", ids=ids)
    owns = {
        id_: [own_picture.Own(np.random.default_rng(seed).bytes(64 * 4), (0.0,)) for seed in range(8)]
        for id_ in ids.values()
    }
    monkeypatch.setattr(own_picture, "as_text", lambda own: str(owns[ids["digits"]].index(own)).ljust(100, "x"))
    one = 100 + len(write_code((0.0,)))

    def kept(room: int) -> list[str]:
        monkeypatch.setattr(remembered_parts, "OWN_BYTES", room)
        said = remembered_parts._write_own(state, owns) or {}
        return ["".join(text[0] for text, _ in said.get(ids[name], ())) for name in ("flat", "digits")]

    assert [kept(room) for room in (one - 1, one, 3 * one, 99 * one)] == [
        ["", ""],
        ["7", ""],
        ["67", "7"],
        ["234567", "234567"],
    ]


NO_PICTURES = (
    None,
    7,
    ["x"],
    "not base64 !",
    "ümläut",
    base64.b64encode(b"not packed").decode(),
    base64.b64encode(zlib.compress(bytes(64))[:-9]).decode(),  # cut short
    packed(np.zeros(63)),
    packed(np.zeros(65)),
    packed(np.zeros(4_000_000)),  # a few kilobytes that unpack to four million
    "",
)


def test_what_is_no_picture_is_told_in_one_line_and_changes_nothing(hand):
    app = open_page("digits")
    before = everything(app)
    for turn, picture in enumerate(NO_PICTURES, start=1):
        hand.send(app, "settled", picture=picture)
        told_in_one_line(app)
        assert everything(app) == before and hand.data["turn"] == turn
    for told in NONSENSE:
        hand.send_raw(app, "settled", told)
        told_in_one_line(app)
        assert everything(app) == before
    hand.send(app, "settled", picture=packed(np.zeros(64)), model=cache.entry("flat").model_id)
    assert "another model" in told_in_one_line(app)
    assert everything(app) == before and "given" not in hand.data


def test_a_model_is_offered_what_it_reads(home):
    assert [each.label for each in open_page("faces").expander] == ["Bring a picture"]
    assert [each.label for each in open_page("table").expander] == ["Bring a row"]
    with pytest.raises(VAEError, match="does not read pictures"):
        own_picture.unpack(cache.entry("table"), packed(np.zeros(5)))


def test_a_row_becomes_the_place_of_every_tool(home):
    app, entry = open_page("table"), cache.entry("table")
    box, use = app.text_area[0], app.button(key="own.do.row")
    box.set_value("0.1, 0.9, 0.3, 0.5, 1")
    use.click()
    sound(app.run())
    wanted = engine.shared().mu_of(entry, np.array([[0.1, 0.9, 0.3, 0.5, 1]], np.float32))[0]
    assert place_of(app).code == tuple(wanted.tolist()) and place_of(app).caption == "your row"
    assert "Closest: " in words_on(app) and "Draws from its posterior" in words_on(app)
    before = everything(app)
    for text, said in (
        ("0.1 0.2", "2 numbers"),
        ("a b c d e", "Number 1"),
        ("", "0 numbers"),
        ("1 2 3 4 5", "Number 2"),
    ):
        app.text_area[0].set_value(text)
        app.button(key="own.do.row").click()
        app.run()
        assert said in told_in_one_line(app) and everything(app) == before
