"""The visitors of the measurements: they ask what a page asks, and what they say of the waiting is true."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosedOK

from benchmarks.live import class_room, hostile
from benchmarks.live.visitors import FRAME, Line, Trace, percentiles, strokes
from live.wire import Decode, Kind, Reply, parse, refusal

MODEL = "0123456789abcdef"


def test_a_stroke_wanders_slowly_among_codes_of_the_prior():
    requests = [parse(message) for message in strokes(MODEL, 4, 4000, seed=1, first=10)]
    codes = np.concatenate([request.ask.codes for request in requests])
    assert all(isinstance(request.ask, Decode) and request.model_id == MODEL for request in requests)
    assert [request.number for request in requests] == list(range(10, 4010))
    assert [request.unusual for request in requests[:4]] == [True, False, True, False]
    assert np.linalg.norm(np.diff(codes, axis=0), axis=1).max() < 1 and 0.7 < codes.std() < 1.3


class Socket:
    """A server that answers some numbers, each at once, and may hang up."""

    def __init__(self, answered, hang_up_after=None):
        self.answered, self.hang_up_after = answered, hang_up_after
        self.answers = asyncio.Queue()

    async def send(self, message):
        request = parse(message)
        if request.number == self.hang_up_after:
            self.answers.put_nowait(None)
        elif request.number in self.answered:
            self.answers.put_nowait(Reply(Kind.DECODE, 0, request.number).write())
        elif request.number < 0 or request.number >= 90:
            self.answers.put_nowait(refusal(request, "No."))

    async def recv(self, decode=False):
        answer = await self.answers.get()
        if answer is None:
            raise ConnectionClosedOK(None, None)
        return answer


def drag(socket, count, first=0, rate=1000.0):
    async def run():
        return await Line(socket()).drag(strokes(MODEL, 2, count, seed=0, first=first), rate, first)

    return asyncio.run(run())


def test_a_picture_of_a_newer_request_ends_the_wait_for_the_older_ones():
    trace = drag(lambda: Socket({2, 5, 9}), 10, rate=100.0)
    assert (len(trace.waits), trace.answers, trace.unanswered, trace.lost, trace.refused) == (10, 3, 0, 0, 0)
    # Of the first three the last is answered at once: the first has waited for longest.
    assert trace.waits[0] > trace.waits[1] > trace.waits[2]
    assert trace.sent == 10 * (20 + 8 + FRAME) and trace.received == 3 * (20 + FRAME)


def test_refusals_and_lost_lines_are_counted():
    assert drag(lambda: Socket(set()), 3, first=90).refused == 3
    lost = drag(lambda: Socket({0, 1}, hang_up_after=2), 3)
    assert (lost.lost, lost.unanswered) == (1, 1)


def test_percentiles_are_in_milliseconds():
    assert percentiles([0.001 * i for i in range(101)]) == pytest.approx((50, 95, 99))
    assert np.isnan(percentiles([])).all()


def lesson(**changes):
    trace = Trace(waits=[0.01] * 100, answers=100, received=10_000, sent=1_000)
    return replace(class_room.Lesson("mnist", 2, 1.0, trace, 1.0, 0.5, 0.1, {1: 4, 16: 6}), **changes)


def test_a_class_says_what_it_met_and_what_it_missed():
    good = lesson()
    assert good.mbit == pytest.approx(11_000 * 8e-6 / 2) and not good.missed()
    assert good.row() == "| mnist | 2 | 0 | 10.0 / 10.0 / 10.0 | 100 | 0.04 | 0.50 | 10.0, 16 | 50% | 10% |"
    for bad in (
        lesson(trace=Trace(waits=[0.2] * 9)),
        lesson(trace=Trace(waits=[0.01], unanswered=1)),
        lesson(trace=Trace(waits=[0.01], received=10**6)),
        lesson(growth=5.0),
    ):
        assert bad.missed()
    arrivals = [class_room.Arrival(1.0, 1.5, 10**6), class_room.Arrival(2.0, 2.5, 10**6)]
    text = class_room.report("Told.", [good], arrivals, 20, 60)
    assert good.row() in text and "2.00 s (last)" in text and "2.50 s (last)" in text


def test_a_hostile_clients_page_says_each_attempt():
    found = [hostile.Attempt("no origin", "HTTP 403", "HTTP 403")]
    settings = [hostile.Neighbours(name, Trace(waits=[0.01 * n]), 5.0, 0.5) for n, name in enumerate(("a", "b"), 1)]
    text = hostile.report("Told.", found, settings)
    assert "| no origin | HTTP 403 | HTTP 403 |" in text and "| 2.00 |" in text


def test_a_frame_by_hand_is_a_masked_one():
    assert hostile._frame(b"hi") == b"\x82\x82\0\0\0\0hi"
    assert hostile._frame(b"x" * 300)[:4] == b"\x82\xfe\x01\x2c"
    assert hostile._frame(b"", text=True)[0] == 0x81
