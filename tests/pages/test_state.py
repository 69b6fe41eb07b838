"""The object a visit is about."""

import numpy as np
import pytest

from pages.ui import cache
from pages.ui.state import SHELF_LIMIT, Group, Place, State
from vae.errors import VAEError


@pytest.fixture
def state(home):
    return State("digits")


def made(number):
    return Place((float(number), 0.0, 0.0), None, f"made {number}")


def test_undo_goes_back_step_by_step_and_then_does_nothing(state):
    start = state.place
    for number in range(3):
        state.go(made(number))
    for expected in (made(1), made(0), start, start):
        state.undo()
        assert state.place == expected


def test_undo_remembers_a_hundred_steps(state):
    for number in range(150):
        state.go(made(number))
    assert len(state.before["digits"]) == 100
    for _ in range(200):
        state.undo()
    assert state.place == made(49)


def test_each_model_has_its_own_place_and_its_own_past(state):
    state.go(made(1))
    state.choose("flat")
    flat = state.place
    assert len(flat.code) == 2
    state.undo()
    assert state.place == flat
    state.choose("digits")
    assert state.place == made(1)


def test_a_turned_code_knows_the_way_back_to_its_image(state):
    image = state.of_image("test/9")
    state.go(image)
    state.turn((image.code[0], 0.25, image.code[2]))
    state.turn((image.code[0], 0.25, -0.5))
    assert state.place.code == (image.code[0], 0.25, -0.5)
    assert state.place.image_id is None and state.place.caption == f"{image.caption}, turned"
    state.back_to_image()
    assert state.place == image


def test_a_turned_code_knows_the_way_back_to_a_picture_of_ones_own(state):
    image, own = state.of_image("test/9"), made(5)
    state.go(image)
    state.start_from(own)
    assert state.home == own
    state.turn((own.code[0], 0.25, own.code[2]))
    state.back_to_image()
    assert state.place == own
    state.undo()
    state.undo()
    state.undo()
    assert state.place == image == state.home
    state.turn((image.code[0], 0.5, image.code[2]))
    state.back_to_image()
    assert state.place == image


def test_what_was_undone_can_be_done_again_until_something_else_is(state):
    first = state.place
    state.go(made(1))
    state.go(made(2))
    state.undo()
    state.undo()
    assert state.place == first
    state.redo()
    assert state.place == made(1)
    state.go(made(3))
    state.redo()
    assert state.place == made(3)
    state.undo()
    assert state.place == made(1)


def test_going_where_one_stands_is_no_step_to_undo(state):
    state.go(made(1))
    state.go(made(1))
    state.undo()
    assert state.place != made(1)


def test_a_locked_dimension_keeps_its_value_in_a_random_code(state):
    state.go(made(1))
    state.locked["digits"] = frozenset({1})
    state.go_random()
    code = state.place.code
    assert code[1] == made(1).code[1]
    assert code[0] != made(1).code[0] and code[2] != made(1).code[2]


def test_a_group_of_the_same_name_takes_the_place_of_the_older_one(state):
    for name in ("one", "two", "one"):
        state.gather(Group(name, np.arange(3), "pca", ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))))
    assert [group.name for group in state.groups["digits"]] == ["two", "one"]


def test_the_shelf_holds_each_code_once_the_newest_first_and_not_for_ever(state):
    for number in (*range(SHELF_LIMIT + 5), SHELF_LIMIT + 4):
        state.keep(made(number))
    assert len(state.shelf) == SHELF_LIMIT
    assert state.shelf[0].place == made(SHELF_LIMIT + 4)
    assert len({kept.number for kept in state.shelf}) == SHELF_LIMIT


def test_an_emptied_shelf_comes_back_behind_what_was_kept_since(state):
    state.keep(made(1))
    state.empty_shelf()
    state.keep(made(2))
    state.refill_shelf()
    assert {kept.place for kept in state.shelf} == {made(1), made(2)} and state.emptied == []


def test_what_belonged_to_a_replaced_model_is_forgotten_and_nothing_else(state):
    ids = {name: cache.entry(name).model_id for name in ("digits", "flat")}
    state.see(ids)
    state.go(made(1))
    state.keep(made(1))
    state.choose("flat")
    flat = state.place
    state.keep(flat)
    state.see(ids | {"digits": "another"})
    assert [kept.model for kept in state.shelf] == ["flat"] and state.place == flat
    state.choose("digits")
    assert state.place.image_id == "test/0"
    state.see({"flat": ids["flat"]})
    assert state.model == "flat"
    state.see({})
    with pytest.raises(VAEError, match="No model was found"):
        _ = state.entry
