"""The sums that stand on the board of a model that ships come out as they should, and so do those of others' data."""

import numpy as np
import pytest

from live import engine
from pages.ui import board_effects, board_offers, cache
from pages.ui.board_terms import Board, Term
from pages.ui.state import State


@pytest.fixture(autouse=True)
def ships(monkeypatch, tmp_path):
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path))
    engine.shared.cache_clear()
    yield
    engine.shared.cache_clear()


def near(model, code, count=20):
    """The rows of the images nearest to a code."""
    known = cache.encodings(cache.entry(model).model_id)
    return known, np.argsort(((known.mu - np.array(code)) ** 2).sum(axis=1))[:count]


def ink(model, code):
    """The light in the picture of a code."""
    return engine.shared().decode(cache.entry(model), np.array([code], np.float32)).astype(float).sum()


def example(model):
    """The example of a model: the code of its picture to start from, and the code it comes to."""
    board = board_offers.example(State(model=model))
    assert len(board.terms) >= 3 and sum(term.weight for term in board.pictures) == 1
    return board, board.terms[-1].vector, board.code(board_offers.average(cache.entry(model).model_id))


def test_a_t_shirt_gets_long_sleeves():
    board, start, found = example("fashion-mnist")
    known, rows = near("fashion-mnist", start)
    assert (known.labels[rows] == known.label_names.index("T-shirt/top")).mean() > 0.5
    known, rows = near("fashion-mnist", found)
    assert (known.labels[rows] == known.label_names.index("Pullover")).mean() > 0.5
    assert [term.words for term in board.terms][:2] == ["the mean of Pullover", "the mean of T-shirt/top"]


def test_a_three_gets_as_bold_as_a_seven_and_stays_a_three():
    board, start, found = example("mnist")
    bold, thin, _ = (ink("mnist", term.vector) for term in board.terms)
    assert bold > 2 * thin  # what a class can see
    assert ink("mnist", found) > 2 * ink("mnist", start)
    for code, label in zip((*(term.vector for term in board.terms), found), (7, 7, 3, 3), strict=True):
        known, rows = near("mnist", code)
        assert (known.labels[rows] == label).mean() > 0.8


@pytest.mark.parametrize(("model", "image", "gets"), [("faces", "test/0", True), ("faces-fair", "test/0", False)])
def test_a_face_gets_glasses_or_loses_those_it_has(model, image, gets):
    _, start, found = example(model)
    known, before = near(model, start)
    glasses = known.attributes[:, known.attribute_names.index("glasses")]
    assert glasses[known.row_of(image)] == (not gets)  # the picture that the model opens with
    more = glasses[near(model, found)[1]].mean() - glasses[before].mean()
    assert (more if gets else -more) > 0.4


def test_where_side_effects_were_measured_they_are_told(monkeypatch):
    entry = cache.entry("faces")
    measured = {"directions": {"attributes": ["smile", "glasses", "hat", "long hair"]}}
    measured["directions"]["effect"] = [[1.9, 0, 0, 0], [0.02, 2.0, 0.8, -0.3], [0, 0, 2, 0], [0, 0, 0, 2]]
    monkeypatch.setattr(board_effects, "report", lambda entry: measured)

    def told(*terms):
        return board_effects.side_effects(entry, Board(terms))

    code = (0.0,) * entry.latent_dim
    glasses = Term(code, "glasses", 0.5, step=True, kind="attribute:glasses")
    (line,) = told(glasses)
    assert "hat by +0.4, long hair by −0.1 standard deviations" in line and "smile" not in line
    (line,) = told(Term(code, "smile", step=True, kind="attribute:smile"))
    assert "moves no other attribute" in line
    (line,) = told(glasses, Term(code, "hat", -0.2, step=True, kind="attribute:hat"))
    assert "hat" not in line  # which is what the board is about
    measured["directions"]["weak"] = [False, False, True, False]  # of these, hats cannot be read off pictures
    assert "hat" not in told(glasses)[0] and "long hair by −0.1" in told(glasses)[0]
    assert told(Term(code, "an image")) == told() == []
    assert told(Term(code, "odd", step=True, kind="attribute:never measured")) == []
    for broken in ({}, {"directions": []}, {"directions": {"attributes": ["glasses"], "effect": []}}):
        monkeypatch.setattr(board_effects, "report", lambda entry, broken=broken: broken)
        assert told(glasses) == []
