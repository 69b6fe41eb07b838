"""The board: whatever is put on it, the picture is the sum; nothing is lost; nonsense changes nothing."""

import io
import math
from copy import deepcopy

import numpy as np
import pytest
from PIL import Image

from live import engine
from pages.ui import board_offers, cache
from pages.ui.board_terms import KEPT_LIMIT, LIMIT, MOST, Board, Boards, Term
from pages.ui.state import Group, KeptDirection, State
from tests.pages.conftest import parts, pictures, sound, stage, visit
from tests.pages.hands import NONSENSE, told_in_one_line
from vae.errors import VAEError


def boards_of(app):
    state = app.session_state["muscope"]
    return state.boards[state.model]


def console(app):
    return parts(app, "console")[0]


def sum_in_browser(app):
    """The code that the browser makes of what it is told: base + the sum of value * vector."""
    told = console(app)
    return np.array(told["base"]) + sum(knob["value"] * np.array(knob["vector"]) for knob in told["knobs"])


def drawn(model, code):
    pixels = engine.shared().decode(cache.entry(model), np.array(code, np.float32)[None])[0]
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def alike(png, pixels):
    return np.abs(np.array(Image.open(io.BytesIO(png))).astype(int) - pixels).max() <= 1


def choose(app, source):
    (box,) = [box for box in app.selectbox if box.label == "From"]
    return sound(box.set_value(source).run())


def offers(app):
    return [each for each in app.button if "offer" in (each.key or "")]


def add(app, place=0):
    return offers(app)[place].click().run()


def term(value, weight=1.0, step=False, number=0):
    return Term((float(value), 0.0), f"term {value}", weight, step=step, number=number)


# ---- the sum -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["digits", "faces", "table", "autoencoder", "collapsed"])
def test_with_models_of_every_kind_an_example_stands_there_and_the_picture_is_its_sum(home, model):
    app = sound(visit("sums.py", model=model))
    told = console(app)
    assert [knob["value"] for knob in told["knobs"]] == [1.0, -1.0, 1.0]
    assert alike(stage(app), drawn(model, sum_in_browser(app)))
    assert [len(pictures(app, f"term-{name}")) for name in "ABC"] == [1, 1, 1]


def test_a_minus_a_plus_c_is_c(home, hands):
    app = visit("sums.py", model="digits", image="test/9")
    app = sound(app.button(key="board.do.empty").click().run())
    choose(app, "label:4")
    add(app), add(app)
    choose(app, board_offers.CURRENT)
    app = sound(add(app))
    app = sound(hands.tell(app, "console", "settled", values={"2": -1.0}))
    assert alike(stage(app), drawn("digits", app.session_state["muscope"].place.code))
    assert [term.weight for term in boards_of(app).now.terms] == [1.0, -1.0, 1.0]
    assert "A − B + C" in [each.value.strip("*") for each in app.markdown]


def test_a_term_can_be_anything_that_is_a_code_or_a_direction(home, hands):
    app = visit("sums.py", model="faces", image="test/3")
    state = app.session_state["muscope"]
    known = cache.encodings(state.entry.model_id)
    rows = np.array([3, 8, 11])
    state.gather(Group("mine", rows, "", ()))
    state.keep(state.of_image("test/7"))
    direction = KeptDirection("wide", (1.0, 0.0, 0.0, 0.0), 2.5, "It rests on nothing.")
    state.keep_direction(direction)
    app.button(key="board.do.empty").click().run()
    smile = known.attributes[:, known.attribute_names.index("smile")] == 1
    wanted = {
        board_offers.CURRENT: np.array(state.place.code),
        board_offers.GROUPS: known.mu[rows].mean(axis=0),
        board_offers.KEPT: np.array(cache.code_of(state.entry.model_id, "test/7")),
        board_offers.MEANS: known.mu[smile].mean(axis=0),
        board_offers.DIRECTIONS: 2.5 * np.eye(4)[0],
        board_offers.ATTRIBUTES: known.mu[smile].mean(axis=0) - known.mu[~smile].mean(axis=0),
    }
    for source in wanted:
        app = sound(add(choose(app, source)))
    for knob, vector in zip(console(app)["knobs"], wanted.values(), strict=True):
        assert np.allclose(knob["vector"], vector, atol=1e-5), knob["label"]
    assert alike(stage(app), drawn("faces", sum(wanted.values())))
    assert any("It rests on nothing." in each.value for each in app.caption)


def test_an_image_that_was_added_is_told_apart_from_the_same_image_again(home, hands):
    app = visit("sums.py", model="digits")
    app.button(key="board.do.empty").click().run()
    add(app), add(app)
    app = sound(hands.tell(app, "console", "settled", values={"2": 0.25}))
    assert [(each.number, each.weight) for each in boards_of(app).now.terms] == [(1, 1.0), (2, 0.25)]
    app = sound(app.button(key="board.do.drop.1").click().run())
    assert [(each.number, each.weight) for each in boards_of(app).now.terms] == [(2, 0.25)]
    add(app)
    assert [each.number for each in boards_of(app).now.terms] == [2, 3]


def test_directions_alone_start_at_the_average_of_all_images(home):
    app = visit("sums.py", model="digits")
    app.button(key="board.do.empty").click().run()
    known = cache.encodings(console_model(app))
    app = sound(add(choose(app, board_offers.ATTRIBUTES)))
    assert np.allclose(console(app)["base"], known.mu.mean(axis=0), atol=1e-5)
    assert alike(stage(app), drawn("digits", sum_in_browser(app)))
    assert any("average of all images" in each.value for each in app.caption)


def console_model(app):
    return app.session_state["muscope"].entry.model_id


def test_a_sign_turns_and_turns_back(home):
    app = visit("sums.py", model="digits")
    app = sound(app.button(key="board.do.flip.2").click().run())
    assert [knob["value"] for knob in console(app)["knobs"]] == [1.0, 1.0, 1.0]
    assert alike(stage(app), drawn("digits", sum_in_browser(app)))
    app = sound(app.button(key="board.do.flip.2").click().run())
    assert [knob["value"] for knob in console(app)["knobs"]] == [1.0, -1.0, 1.0]


def test_weights_that_do_not_sum_to_one_are_told_and_mended(home):
    app = visit("sums.py", model="digits")
    assert "board.do.balance" not in {each.key for each in app.button}
    app = sound(add(choose(app, board_offers.CURRENT)))
    app = sound(app.button(key="board.do.balance").click().run())
    assert [knob["value"] for knob in console(app)["knobs"]] == [0.5, -0.5, 0.5, 0.5]
    app.button(key="board.do.empty").click().run()
    app = add(choose(app, board_offers.CURRENT))
    app = sound(add(app))
    app = sound(app.button(key="board.do.flip.2").click().run())
    assert any("sum to 0" in each.value for each in app.caption)
    assert "board.do.balance" not in {each.key for each in app.button}


# ---- nothing is lost -----------------------------------------------------------------------------------------------


def test_every_step_can_be_taken_back_and_made_again(home, hands):
    app = visit("sums.py", model="digits")
    seen = [sum_in_browser(app)]
    app = hands.tell(app, "console", "settled", values={"1": 0.5})
    seen.append(sum_in_browser(app))
    app = app.button(key="board.do.drop.3").click().run()
    seen.append(sum_in_browser(app))
    for wanted in reversed(seen[:-1]):
        app = sound(hands.tell(app, "console", "undo"))
        assert np.allclose(sum_in_browser(app), wanted)
    for wanted in seen[1:]:
        app = sound(hands.tell(app, "console", "redo"))
        assert np.allclose(sum_in_browser(app), wanted)


def test_an_empty_board_says_what_to_do_and_can_be_taken_back(home):
    app = sound(visit("sums.py", model="digits").button(key="board.do.empty").click().run())
    assert "Press a picture below" in app.info[0].value
    assert parts(app, "console") == []
    known = cache.encodings(console_model(app))
    assert alike(stage(app), drawn("digits", known.mu.mean(axis=0)))
    app = sound(app.button(key="board.do.undo").click().run())
    assert len(console(app)["knobs"]) == 3


def test_a_board_is_kept_under_a_name_opened_deleted_and_brought_back(home, hands):
    app = visit("sums.py", model="digits")
    first = sum_in_browser(app)
    name = next(box for box in app.text_input if box.label == "Name of this sum")
    app = sound(name.set_value("  my   sum ").run())
    app = sound(app.button(key="board.do.keep").click().run())
    assert [board.name for board in boards_of(app).kept] == ["my sum"]
    app = hands.tell(app, "console", "settled", values={"1": 2.0})
    assert not np.allclose(sum_in_browser(app), first)
    app = sound(app.button(key="board.do.open.0").click().run())
    assert np.allclose(sum_in_browser(app), first)
    app = app.switch_page("sliders.py").run().switch_page("sums.py").run()
    assert np.allclose(sum_in_browser(sound(app)), first)
    app = sound(app.button(key="board.do.delete.0").click().run())
    assert boards_of(app).kept == []
    app = sound(app.button(key="board.do.restore").click().run())
    assert [board.name for board in boards_of(app).kept] == ["my sum"]


def test_what_a_kept_board_holds_stays_when_its_group_and_its_code_are_gone(home):
    app = visit("sums.py", model="digits")
    state = app.session_state["muscope"]
    state.gather(Group("mine", np.array([0, 1, 2, 3, 4]), "", ()))
    state.keep(state.of_image("test/4"))
    app.button(key="board.do.empty").click().run()
    add(choose(app, board_offers.GROUPS))
    add(choose(app, board_offers.KEPT))
    app = sound(app.button(key="board.do.keep").click().run())
    before = sum_in_browser(app)
    state.groups.clear()
    state.empty_shelf()
    app = sound(app.run())
    assert np.allclose(sum_in_browser(app), before)


def test_a_replaced_model_takes_its_boards_along(own, library):
    state = State(model="digits", ids={"digits": "old"})
    state.boards["digits"] = Boards(now=Board((term(1),)))
    state.see({"digits": "new"})
    assert state.boards == {}


def test_the_example_follows_the_picture_until_something_is_changed(home):
    app = visit("sums.py", model="digits", image="test/5")
    state = app.session_state["muscope"]
    state.go(state.of_image("test/8"))
    app = sound(app.run())
    assert console(app)["knobs"][2]["vector"] == list(state.place.code)
    app = app.button(key="board.do.flip.1").click().run()
    held = state.place.code
    state.go(state.of_image("test/9"))
    assert console(sound(app.run()))["knobs"][2]["vector"] == list(held)


def test_the_result_can_be_where_every_page_starts(home):
    app = visit("sums.py", model="digits")
    wanted = sum_in_browser(app)
    app = sound(app.button(key="board.do.go").click().run())
    place = app.session_state["muscope"].place
    assert np.allclose(place.code, wanted, atol=1e-5) and place.image_id is None


# ---- what cannot be ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [2.01, -3, math.nan, math.inf, "1", True, None, [1.0]])
def test_a_weight_that_cannot_be_changes_nothing(home, hands, value):
    app = visit("sums.py", model="digits")
    app = hands.tell(app, "console", "settled", values={"1": value})
    assert "value that it cannot have" in told_in_one_line(app)
    assert boards_of(app) == Boards()


def test_a_term_that_is_not_there_or_nonsense_changes_nothing(home, hands):
    app = visit("sums.py", model="digits")
    app = hands.tell(app, "console", "settled", values={"4": 1.0})
    told_in_one_line(app)
    for told in NONSENSE[::3]:
        app = hands.tell_raw(app, "console", "settled", deepcopy(told))
        assert boards_of(app) == Boards(), told


def test_a_board_holds_twelve_terms_and_says_so():
    board = Board()
    for number in range(MOST):
        board = board.with_term(term(number))
    with pytest.raises(VAEError, match="at most: take one away"):
        board.with_term(term(99))
    assert board.equation().endswith("+ L")


def test_a_full_board_offers_nothing_more(home):
    app = visit("sums.py", model="faces")
    boards, code = boards_of(app), app.session_state["muscope"].place.code
    board = Board()
    for number in range(MOST):
        board = board.with_term(Term(code, f"term {number}", 0.25))
    boards.change(board)
    app = app.run()
    assert offers(sound(app)) == [] and len(console(app)["knobs"]) == MOST
    assert any("The sum is full" in each.value for each in app.caption)


def test_names_are_needed_and_not_given_twice():
    boards, board = Boards(), Board((term(1),))
    for name in ("", "   "):
        with pytest.raises(VAEError, match="needs a name"):
            boards.keep(board, name)
    with pytest.raises(VAEError, match="nothing to keep"):
        boards.keep(Board(), "empty")
    boards.keep(board, "one")
    with pytest.raises(VAEError, match="called “one” already"):
        boards.keep(Board((term(2),)), "one")
    changed = boards.now.weighed({0: 0.5})
    boards.keep(changed, "one")  # the board that was opened gives way to itself
    assert [kept.terms[0].weight for kept in boards.kept] == [0.5]
    for number in range(KEPT_LIMIT - 1):
        boards.keep(board, f"another {number}")
    with pytest.raises(VAEError, match="delete one"):
        boards.keep(board, "one too many")


def test_a_deleted_board_does_not_come_back_over_another():
    boards = Boards()
    boards.keep(Board((term(1),)), "one")
    boards.delete("one")
    boards.keep(Board((term(2),)), "one")
    with pytest.raises(VAEError, match="Another sum is called “one”"):
        boards.restore()
    boards.delete("one")
    boards.restore()
    assert [board.terms[0].words for board in boards.kept] == ["term 2"]
    boards.delete("nobody")
    assert len(boards.kept) == 1


# ---- how a sum is read ---------------------------------------------------------------------------------------------


def test_a_sum_reads_as_people_write_it():
    board = Board((term(1), term(2, -1.0), term(3, 0.5), term(4, -0.25)))
    assert board.equation() == "A − B + 0.5 × C − 0.25 × D"
    assert Board((term(1, -1.0), term(2))).equation() == "−A + B"
    assert Board((term(1), term(2, -1.0))).words() == "term 1 − term 2"
    assert len(Board(tuple(term(n) for n in range(12))).words()) < 60


def test_balancing_touches_the_pictures_only():
    board = Board((term(1, 1.0, number=1), term(2, 1.0, number=2), term(3, 1.5, step=True, number=3)))
    assert [each.weight for each in board.balance().terms] == [0.5, 0.5, 1.5]
    assert board.balance().balance() is None
    assert LIMIT == 2.0 and board.code((9.0, 9.0)) == (1 + 2 + 4.5, 0.0)
    assert Board((term(3, 1.5, step=True),)).code((9.0, 9.0)) == (13.5, 9.0)
