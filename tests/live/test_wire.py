"""The bytes: what is written is read again, and no message can do more than be refused."""

import json
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from live import wire
from live.socket import MESSAGE
from live.wire import Kind, Reply, Request, parse, read_reply, refusal
from vae.config import MAX_SIDE
from vae.data.faces import FACTORS
from vae.errors import VAEError

MODEL = "0123456789abcdef"
f32 = st.floats(width=32, allow_nan=False)
views = st.text(st.characters(codec="utf-8"), max_size=12)


def floats(*shape):
    return arrays.arrays(np.float32, shape, elements=f32)


asks = st.one_of(
    st.tuples(st.integers(1, 6), st.integers(1, 5)).flatmap(lambda s: floats(*s)).map(wire.Decode),
    st.builds(wire.Point, f32, f32, views),
    st.integers(1, 20).flatmap(floats).map(wire.Measure),
    st.builds(wire.Drawing, arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9)), views),
    st.builds(wire.Sample, st.integers(1, 65_535), st.integers(0, 2**32 - 1), f32),
    arrays.arrays(np.int64, st.integers(1, 9), elements=st.integers(0, 2**32 - 1)).map(wire.RowsOf),
    st.builds(wire.Face, floats(len(FACTORS)), views),
    st.builds(wire.Picture, arrays.arrays(np.uint8, arrays.array_shapes(min_dims=3, max_dims=3, max_side=9)), views),
)
requests = st.builds(
    Request,
    asks,
    st.binary(min_size=8, max_size=8).map(bytes.hex),
    st.integers(0, wire.LANES - 1),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


# ---- requests ------------------------------------------------------------------------------------------------------


@given(requests)
def test_a_request_that_is_written_is_read_again(request_):
    read = parse(request_.write())
    assert type(read.ask) is type(request_.ask)
    for name in ("model_id", "lane", "number", "unusual"):
        assert getattr(read, name) == getattr(request_, name)
    for name in vars(request_.ask):
        assert same(getattr(request_.ask, name), getattr(read.ask, name)), name


def test_the_bytes_are_those_of_the_contract():
    # Written by hand from the table in live/wire.py, as a browser's DataView does it.
    head = struct.pack("<BBHI", 1, 4, 2, 77) + bytes.fromhex(MODEL) + struct.pack("<I", 1)
    codes = np.array([[0.5, -1, 2], [3, 4, 5]], "<f4")
    read = parse(head + codes.tobytes())
    assert (read.ask.kind, read.lane, read.number, read.model_id, read.unusual) == (1, 4, 77, MODEL, True)
    assert np.array_equal(read.ask.codes, codes)
    point = parse(struct.pack("<BBHI", 2, 0, 1, 1) + bytes(8) + bytes(4) + struct.pack("<2f", 1.5, -2) + b"umap")
    assert point.ask == wire.Point(1.5, -2.0, "umap")
    drawing = parse(struct.pack("<BBHI", 4, 0, 2, 1) + bytes(12) + struct.pack("<2H", 1, 3) + b"\x00\x80\xffpca")
    assert drawing.ask.ink.tolist() == [[0, 128, 255]] and drawing.ask.view == "pca"
    sample = parse(struct.pack("<BBHI", 5, 0, 36, 1) + bytes(12) + struct.pack("<Iff", 9, 0.5, 2) + b"mixture\nlabel:3")
    assert sample.ask == wire.Sample(36, 9, 0.5, 2.0, "mixture", "label:3")
    rows = parse(struct.pack("<BBHI", 6, 0, 2, 1) + bytes(12) + struct.pack("<2I", 7, 70_000))
    assert rows.ask.rows.tolist() == [7, 70_000]


@given(st.binary(max_size=200))
def test_garbage_is_refused_in_one_plain_line(message):
    try:
        parse(message)
    except VAEError as error:
        assert str(error) and "\n" not in str(error)


@given(st.integers(0, 9), st.integers(0, 255), st.integers(0, 65_535), st.integers(0, 3), st.binary(max_size=99))
@example(4, 0, 1, 0, struct.pack("<2H", 65_535, 65_535))
@example(4, 0, 1, 0, struct.pack("<2H", 0, 5) + bytes(5))
@example(1, 0, 0, 0, b"")
@example(1, 0, 65_535, 0, bytes(4))
@example(2, 0, 1, 0, bytes(8) + b"\xff\xfe")
def test_a_good_head_with_garbage_behind_it_is_read_or_refused(kind, lane, count, flags, payload):
    message = wire.REQUEST_HEAD.pack(kind, lane, count, 1, bytes(8), flags) + payload
    try:
        read = parse(message)
    except VAEError:
        return
    assert read.ask.kind == kind and read.lane < wire.LANES


@pytest.mark.parametrize("kind", [0, 9, 255])
def test_an_unknown_kind_is_refused(kind):
    with pytest.raises(VAEError, match="no request of kind"):
        parse(wire.REQUEST_HEAD.pack(kind, 0, 1, 1, bytes(8), 0) + bytes(12))


def test_the_largest_picture_and_drawing_follow_a_hand():
    picture = np.zeros((MAX_SIDE, MAX_SIDE, 3), np.uint8)
    for ask in (wire.Picture(picture, "x" * wire.VIEW_BYTES), wire.Drawing(picture[..., 0], "x" * wire.VIEW_BYTES)):
        message = Request(ask, MODEL, 0, 1, unusual=True).write()
        assert len(message) <= MESSAGE  # more than that, and the socket is closed
        assert type(parse(message).ask) is type(ask)


def test_the_name_of_a_view_is_short():
    with pytest.raises(VAEError, match="view"):
        parse(Request(wire.Point(0, 0, "x" * (wire.VIEW_BYTES + 1)), MODEL, 0, 1).write())


@given(requests)
def test_a_request_cut_short_is_never_taken_for_another_kind(request_):
    whole = request_.write()
    for end in range(0, len(whole), 7):
        with suppress(VAEError):
            assert parse(whole[:end]).ask.kind == request_.ask.kind


# ---- replies -------------------------------------------------------------------------------------------------------

shapes = st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))
notes = st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=5), st.booleans(), st.integers(0, 9)))


@given(shapes.flatmap(lambda shape: arrays.arrays(np.uint8, shape)), notes, st.integers(0, 2**32 - 1))
def test_a_reply_that_is_written_is_read_again(pixels, said, number):
    read = read_reply(Reply(Kind.DECODE, 3, number, pixels, said).write())
    assert (read.kind, read.lane, read.number, read.notes) == (Kind.DECODE, 3, number, said)
    assert np.array_equal(read.pixels, pixels)


def smooth(count=2, side=48, channels=3):
    y, x = np.mgrid[:side, :side]
    return np.stack([np.stack([(3 * x + 2 * y + 40 * c + i) % 256 for c in range(channels)], -1) for i in range(count)])


def test_what_pays_is_packed_as_differences_from_the_left():
    pixels = smooth().astype(np.uint8)
    message = Reply(Kind.DECODE, 0, 1, pixels).write()
    assert message[13] == wire.DIFFERENCES and len(message) < pixels.nbytes / 4
    left = pixels.copy()
    left[:, :, 1:] -= pixels[:, :, :-1]
    assert zlib.decompress(message[20:]) == left.tobytes()


def test_noise_is_sent_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    message = Reply(Kind.DECODE, 0, 1, pixels).write()
    assert message[13] == wire.RAW and message[20:] == pixels.tobytes()


def test_what_fits_one_packet_is_not_worth_packing():
    assert Reply(Kind.DECODE, 0, 1, np.zeros((1, 28, 28, 1), np.uint8)).write()[13] == wire.RAW
    assert Reply(Kind.DECODE, 0, 1, np.zeros((2, 28, 28, 1), np.uint8)).write()[13] == wire.DIFFERENCES


def test_the_head_of_a_reply_is_that_of_the_contract():
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4, 1)
    message = Reply(Kind.SAMPLE, 2, 5, pixels, {"a": 1}).write()
    assert struct.unpack_from("<BBHIHHBBHI", message) == (5, 2, 2, 5, 3, 4, 1, 0, 0, 7)
    assert message[20:27] == b'{"a":1}' and message[27:] == pixels.tobytes()


def test_a_refusal_carries_the_lane_and_number_of_its_request_and_one_line():
    message = refusal(Request(wire.Point(0, 0, ""), MODEL, 4, 99), "No.")
    assert struct.unpack_from("<BBHI", message) == (0, 4, 0, 99)
    assert json.loads(message[20:]) == {"error": "No."}
    assert read_reply(message).pixels.shape[0] == 0
