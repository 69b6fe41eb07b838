"""The map's figure: every image once, in its colour, and what a press on it means."""

from types import SimpleNamespace

import numpy as np
import pytest

from pages.ui import cache, chart
from pages.ui.state import State


def traces(model, view="pca", colour="label"):
    return chart.dots(cache.entry(model).model_id, view, colour)


@pytest.mark.parametrize("colour", ["label", "split", "kl", "error"])
def test_every_image_is_drawn_once_where_its_code_lies(home, colour):
    known = cache.encodings(cache.entry("digits").model_id)
    drawn = traces("digits", "0,2", colour)
    rows = np.concatenate([trace.customdata for trace in drawn])
    assert sorted(rows) == list(range(len(known)))
    xy = np.concatenate([np.stack([trace.x, trace.y], axis=1) for trace in drawn])
    assert np.array_equal(xy, known.mu[rows][:, [0, 2]])


def test_a_class_has_one_colour_everywhere(home):
    known = cache.encodings(cache.entry("digits").model_id)
    for model in ("digits", "flat"):
        for number, trace in enumerate(traces(model)):
            assert trace.name == str(number)
            assert trace.marker.color == chart.CLASS_COLOURS[number]
            assert set(known.labels[trace.customdata]) == {number}
    assert len(set(chart.CLASS_COLOURS)) == 10


def test_a_quantity_has_a_scale_that_outliers_do_not_stretch(home):
    (trace,) = traces("digits", colour="kl")
    kl = cache.encodings(cache.entry("digits").model_id).kl()
    assert np.allclose(trace.marker.color, kl)
    assert kl.min() <= trace.marker.cmin < trace.marker.cmax <= kl.max()
    assert trace.marker.showscale and "nats" in trace.marker.colorbar.title.text


def test_a_yes_or_no_attribute_is_two_classes_and_a_measure_is_a_scale(home):
    assert [trace.name for trace in traces("faces", colour="attribute:hat")] == ["no hat", "hat"]
    (turn,) = traces("faces", colour="attribute:turn")
    assert turn.marker.showscale and turn.marker.colorbar.title.text == "turn"


def test_an_own_map_is_used_and_pca_is_made_where_there_is_none(home):
    for model in ("digits", "collapsed"):
        xy = cache.xy(cache.entry(model).model_id, "pca")
        assert xy.shape == (360, 2) and np.isfinite(xy).all()


@pytest.mark.parametrize(
    ("points", "lands_on"),
    [
        ([{"customdata": 17}], 17),
        ([{"customdata": [17]}], 17),
        ([{"customdata": 5}, {"customdata": 6}], 5),
        ([], None),
        ([{"x": 1.0, "y": 2.0}], None),  # the ring around the current picture is no image
    ],
)
def test_a_press_moves_to_the_image_under_it(home, monkeypatch, points, lands_on):
    session = {"map.chart": {"selection": {"points": points}}}
    monkeypatch.setattr(chart, "st", SimpleNamespace(session_state=session))
    state = State("digits")
    before = state.place
    chart._pressed(state)
    known = cache.encodings(state.entry.model_id)
    assert state.place.image_id == (before.image_id if lands_on is None else known.image_id(lands_on))
