"""Channels in their colours: the same light on every page, whatever a card says of itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.data.intake import Channel, fit
from vae.data.paint import LIGHTS, PAIR, RGB, Paint, lights, lit, on_screen, unknown

LETTERS = "0123456789abcdefABCDEF"
colours = st.text(LETTERS, min_size=6, max_size=6).map("#{}".format)


def slowly(pixel, colours):
    """The light of one pixel, counted by hand: red, green and blue, 0 to 255."""
    sums = [0.0, 0.0, 0.0]
    for value, colour in zip(pixel, colours, strict=True):
        for at in range(3):
            sums[at] += value * int(colour[1 + 2 * at : 3 + 2 * at], 16) / 255
    return [int(min(total, 255) + 0.5) for total in sums]


@given(st.lists(colours, min_size=2, max_size=8), st.data())
def test_every_pixel_is_the_sum_of_its_channels_light(chosen, data):
    pixel = data.draw(st.lists(st.integers(0, 255), min_size=len(chosen), max_size=len(chosen)))
    shown = lit(np.array([[pixel]], np.uint8), chosen)
    assert shown.shape == (1, 1, 3) and shown.dtype == np.uint8
    assert (
        np.abs(shown[0, 0].astype(int) - slowly(pixel, chosen)).max() <= 1
    )  # a sum that ends in a half may go either way
    assert (
        fit.painted(np.array([[pixel]], np.uint8), [Channel("a", one, 0, 1) for one in chosen]).tolist()
        == shown.tolist()
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 12])
def test_the_preview_of_the_files_is_what_every_page_shows(count):
    pixels = np.random.default_rng(count).integers(0, 256, (5, 6, count), np.uint8)
    for chosen in (lights(count), tuple(reversed(LIGHTS * 2))[:count], RGB[:count] if count == 3 else None):
        if chosen is None:
            continue
        channels = [Channel(f"c{at}", colour, 0, 255) for at, colour in enumerate(chosen)]
        shown = on_screen(pixels[None], Paint.of(channels, count))[0]
        assert shown.shape == (5, 6, 1 if count == 1 else 3)
        assert np.array_equal(np.broadcast_to(shown, (5, 6, 3)), fit.preview(pixels, channels))


def test_grey_and_coloured_pictures_stay_as_they_are():
    for count in (1, 3):
        pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, count), np.uint8)
        assert np.array_equal(on_screen(pixels), pixels)
    rgb = [Channel("red", "#FF0000", 0, 9), Channel("green", "#00ff00", 0, 9), Channel("blue", "#0000ff", 0, 9)]
    assert Paint.of(rgb, 3) is None and Paint.of(rgb[:1], 1) is None
    assert Paint.of([*rgb, rgb[0]], 3) is None and Paint.of([*rgb, rgb[0]], 1) is None  # painted before they were kept


def test_a_channel_alone_is_grey_and_whole():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 4), np.uint8)
    for channel in range(4):
        alone = on_screen(pixels, unknown(4), channel)
        assert alone.shape == (2, 4, 5, 1) and np.array_equal(alone[..., 0], pixels[..., channel])
    assert np.array_equal(on_screen(pixels, unknown(4), 4), on_screen(pixels))  # there is no such channel


def test_what_is_known_of_channels_travels_in_a_card():
    paint = Paint(("DNA", "actin"), ("#ff8800", "#0000ff"))
    assert Paint.of_card({"data": {"channels": paint.to_json()}}, (2, 8, 8)) == paint
    magenta = Paint(("a", "b", "c"), ("#ff00ff", "#00ff00", "#0000ff"))
    assert Paint.of_card({"data": {"channels": magenta.to_json()}}, (3, 8, 8)) == magenta
    assert Paint.of_card({}, (2, 8, 8)) == Paint(("channel 1", "channel 2"), PAIR)
    assert Paint.of_card({}, (3, 8, 8)) is None and Paint.of_card({}, (1, 8, 8)) is None
    assert Paint.of_card({"data": {"channels": paint.to_json()}}, (5,)) is None


NO_CARDS = (
    None, 5, "card", [], {"data": None}, {"data": []}, {"data": {"channels": None}}, {"data": {"channels": "ab"}},
    {"data": {"channels": [1, 2]}}, {"data": {"channels": [{}, {}]}}, {"data": {"channels": {"name": "a"}}},
    {"data": {"channels": [{"name": "a", "colour": "#ff0000"}]}},
    {"data": {"channels": [{"name": "a", "colour": "#ff0000"}] * 3}},
    {"data": {"channels": [{"name": "a", "colour": "red"}] * 2}},
    {"data": {"channels": [{"name": "a", "colour": "#ff00zz"}] * 2}},
    {"data": {"channels": [{"name": ["a"], "colour": "#ff0000"}] * 2}},
    {"data": {"channels": [{"name": "a", "colour": 7}] * 2}},
)  # fmt: skip


@pytest.mark.parametrize("card", NO_CARDS)
def test_a_card_that_makes_no_sense_leaves_numbered_channels(card):
    assert Paint.of_card(card, (2, 8, 8)) == unknown(2)


def test_a_long_name_is_cut():
    card = {"data": {"channels": [{"name": "x" * 999, "colour": "#ff0000"}] * 2}}
    found = Paint.of_card(card, (2, 8, 8))
    assert found is not None and [len(name) for name in found.names] == [60, 60]
