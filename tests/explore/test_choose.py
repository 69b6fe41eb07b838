"""Which images are shown: mixed, fixed, and others when others are asked for."""

import numpy as np
import pytest

from vae.errors import VAEError
from vae.explore.choose import mixed_rows, rows_in_turn

MASK = np.arange(40) % 2 == 0  # 20 rows to choose from
LABELS = np.arange(40) // 2 % 4


def test_turns_go_round_all_rows_before_any_comes_again():
    seen = np.concatenate([rows_in_turn(MASK, 5, turn) for turn in range(4)])
    assert sorted(seen) == list(np.flatnonzero(MASK))
    assert np.array_equal(rows_in_turn(MASK, 5, 4), rows_in_turn(MASK, 5, 0))
    assert not np.array_equal(np.sort(rows_in_turn(MASK, 5)), np.flatnonzero(MASK)[:5])  # mixed, not the first ones


def test_a_turn_in_the_middle_of_the_round_goes_over_its_end():
    rows = [rows_in_turn(MASK, 7, turn) for turn in range(3)]
    assert all(len(set(r)) == 7 for r in rows)
    assert set(rows[2]) & set(rows[0])


def test_fewer_come_back_when_fewer_are_there():
    assert sorted(rows_in_turn(MASK, 100)) == list(np.flatnonzero(MASK))
    only = np.zeros(9, bool)
    only[4] = True
    assert rows_in_turn(only, 3, turn=7).tolist() == [4]


def test_nothing_to_choose_from_is_told():
    with pytest.raises(VAEError, match="no image of that kind"):
        rows_in_turn(np.zeros(5, bool), 1)


def test_classes_take_turns():
    rows = mixed_rows(LABELS, MASK, 8)
    assert MASK[rows].all() and len(set(rows)) == 8
    assert LABELS[rows].tolist() == [0, 1, 2, 3] * 2
    assert LABELS[mixed_rows(LABELS, MASK, 6)].tolist() == [0, 1, 2, 3, 0, 1]
    assert not set(rows) & set(mixed_rows(LABELS, MASK, 8, turn=1))


def test_a_class_with_few_images_leaves_its_place_to_none():
    labels = np.array([0] * 10 + [1])
    rows = mixed_rows(labels, np.ones(11, bool), 8)
    assert labels[rows].tolist().count(1) == 1 and len(set(rows)) == len(rows)


def test_without_labels_any_will_do():
    assert np.array_equal(mixed_rows(None, MASK, 6, 1), rows_in_turn(MASK, 6, 1))


@pytest.mark.parametrize("turn", [0, 1, 5])
def test_the_same_question_has_the_same_answer(turn):
    assert np.array_equal(mixed_rows(LABELS, MASK, 6, turn), mixed_rows(LABELS, MASK, 6, turn))
