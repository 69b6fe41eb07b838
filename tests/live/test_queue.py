"""The line in front of the decoder: who is served when, with whom, and what happens when something goes wrong."""

import logging
import threading
from concurrent.futures import CancelledError, wait
from types import SimpleNamespace

import numpy as np
import pytest

from live import queue as live
from live.queue import DecodeQueue
from vae.errors import VAEError

PATIENCE = 20  # seconds: a test that hangs says where


class Engine:
    """A decoder that notes its batches, draws the code itself, and can be held in the middle of a batch."""

    def __init__(self):
        self.batches = []
        self.inside = threading.Semaphore(0)
        self.going = threading.Event()
        self.going.set()
        self.during = lambda batch: None

    def decode(self, entry, z):
        self.batches.append((entry.model_id, z[:, 0].tolist()))
        self.inside.release()
        assert self.going.wait(PATIENCE)
        self.during(self.batches[-1])
        return z.astype(np.uint8)[:, None, None, :]  # (B, 1, 1, L)


class Job:
    """A wish for the pictures of some codes of one number each."""

    def __init__(self, *codes, model="m", fails=None):
        self.codes = np.array(codes, np.float32).reshape(-1, 1)
        self.size = len(codes)
        self.entry = SimpleNamespace(model_id=model)
        self.fails = fails or {}
        self.prepared = 0

    def prepare(self):
        self.prepared += 1
        if "prepare" in self.fails:
            raise self.fails["prepare"]
        return self.entry, self.codes

    def finish(self, pixels):
        if "finish" in self.fails:
            raise self.fails["finish"]
        return bytes(pixels.ravel())


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Time that passes only where a test lets it: how long a slice is depends on it."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(live, "perf_counter", lambda: clock.now)
    return clock


@pytest.fixture
def queue(engine):
    queue = DecodeQueue(engine)
    yield queue
    engine.going.set()
    queue.close()


@pytest.fixture
def busy(engine, queue):
    """The thread is in the middle of another visitor's picture, so whatever is submitted now waits together."""
    engine.going.clear()
    first = queue.submit("busy", 0, Job(0))
    assert engine.inside.acquire(timeout=PATIENCE)

    def free():
        engine.going.set()
        first.result(PATIENCE)

    return free


def after(engine):
    """The batches after the one that kept the thread busy."""
    return engine.batches[1:]


# ---- batches -------------------------------------------------------------------------------------------------------


def test_an_answer_is_made_of_its_own_pictures(queue):
    assert queue.submit("ada", 0, Job(7)).result(PATIENCE) == b"\x07"
    assert queue.submit("ada", 0, Job(1, 2)).result(PATIENCE) == b"\x01\x02"
    assert queue.submit("ada", 0, Job(*range(40))).result(PATIENCE) == bytes(range(40))


def test_what_waits_together_is_decoded_together(engine, queue, busy):
    futures = [queue.submit(f"visitor {i}", 0, Job(i)) for i in range(1, 11)]
    busy()
    assert [future.result(PATIENCE) for future in futures] == [bytes([i]) for i in range(1, 11)]
    assert after(engine) == [("m", [float(i) for i in range(1, 11)])]


def test_each_model_has_a_batch_of_its_own(engine, queue, busy):
    futures = [queue.submit(i, 0, Job(i, model="even" if i % 2 == 0 else "odd")) for i in range(1, 7)]
    busy()
    assert [future.result(PATIENCE) for future in futures] == [bytes([i]) for i in range(1, 7)]
    assert after(engine) == [("odd", [1, 3, 5]), ("even", [2, 4, 6])]


def test_a_batch_has_a_largest_size_and_visitors_come_in_turn(engine, queue, busy):
    futures = [queue.submit(i, 0, Job(i)) for i in range(1, 41)]
    busy()
    wait(futures, PATIENCE)
    assert [codes for _, codes in after(engine)] == [
        [float(i) for i in range(1, 17)],
        [float(i) for i in range(17, 33)],
        [float(i) for i in range(33, 41)],
    ]


def test_a_request_without_pictures_is_answered_without_the_decoder(engine, queue):
    assert queue.submit("ada", 0, Job()).result(PATIENCE) == b""
    assert engine.batches == []


def test_the_statistics_count_batches_and_requests(engine, queue, busy, clock):
    def pass_time(batch):
        clock.now += 2.0

    engine.during = pass_time
    futures = [queue.submit(i, 0, Job(i)) for i in range(3)]
    older = queue.submit("ada", 0, Job(1))
    refused = queue.submit("ada", 0, Job(1, fails={"prepare": VAEError("No.")}))
    busy()
    wait([*futures, refused], PATIENCE)
    assert older.cancelled()
    found = queue.statistics()
    assert found.batches == {1: 1, 3: 1}
    assert (found.answered, found.refused, found.replaced) == (4, 1, 1)
    assert found.seconds == 4.0  # both batches


# ---- newest wins ---------------------------------------------------------------------------------------------------


def test_a_newer_request_takes_the_place_of_the_one_that_waits(engine, queue, busy):
    jobs = [Job(i) for i in range(1, 6)]
    futures = [queue.submit("ada", 0, job) for job in jobs]
    busy()
    assert futures[-1].result(PATIENCE) == b"\x05"
    assert all(future.cancelled() for future in futures[:-1])
    assert after(engine) == [("m", [5])] and [job.prepared for job in jobs] == [0, 0, 0, 0, 1]


def test_it_takes_the_place_in_the_line_too(engine, queue, busy):
    for visitor in ("ada", "bob", "ada"):
        future = queue.submit(visitor, 0, Job(1 if visitor == "bob" else 2))
    busy()
    future.result(PATIENCE)
    assert after(engine) == [("m", [2, 1])]


def test_another_lane_and_another_visitor_are_left_alone(queue, busy):
    futures = [queue.submit(visitor, lane, Job(1)) for visitor in ("ada", "bob") for lane in (0, 1)]
    busy()
    assert [future.result(PATIENCE) for future in futures] == [b"\x01"] * 4


def test_one_that_is_being_decoded_is_answered(engine, queue):
    engine.going.clear()
    older = queue.submit("ada", 0, Job(1))
    assert engine.inside.acquire(timeout=PATIENCE)
    newer = queue.submit("ada", 0, Job(2))
    engine.going.set()
    assert older.result(PATIENCE) == b"\x01" and newer.result(PATIENCE) == b"\x02"


def test_a_newer_request_stops_a_long_one_between_two_slices(engine, queue):
    engine.going.clear()
    older = queue.submit("ada", 2, Job(*range(64)))
    assert engine.inside.acquire(timeout=PATIENCE)  # in its first slice
    newer = queue.submit("ada", 2, Job(*range(100, 120)))
    engine.going.set()
    assert newer.result(PATIENCE) == bytes(range(100, 120))
    assert older.cancelled()
    assert sum(len(codes) for _, codes in engine.batches if codes[0] < 100) == live.BATCH


# ---- fairness ------------------------------------------------------------------------------------------------------


def test_in_each_round_at_most_one_request_of_each_visitor(engine, queue, busy):
    greedy = [queue.submit("ada", lane, Job(lane)) for lane in range(4)]
    modest = queue.submit("bob", 0, Job(100))
    busy()
    wait([*greedy, modest], PATIENCE)
    assert [codes for _, codes in after(engine)] == [[0, 100], [1], [2], [3]]


def test_small_requests_come_before_long_ones(engine, queue, busy):
    long = queue.submit("ada", 2, Job(*range(32)))
    small = queue.submit("bob", 0, Job(100))
    busy()
    wait([long, small], PATIENCE)
    assert after(engine)[0] == ("m", [100])


def test_a_small_request_waits_for_one_slice_at_most(engine, queue):
    small = []

    def ask(batch):
        if len(small) < 3:
            small.append(queue.submit("bob", 0, Job(100 + len(small))))

    engine.during = ask
    assert queue.submit("ada", 2, Job(*range(64))).result(PATIENCE) == bytes(range(64))
    wait(small, PATIENCE)
    # bob asks in the middle of a slice and of his own pictures; he is always next.
    assert [len(codes) for _, codes in engine.batches] == [16, 1, 1, 1, 16, 16, 16]


def test_a_long_request_has_its_slices_although_small_ones_never_end(engine, queue):
    small = []

    def ask(batch):
        small.append(queue.submit("bob", 0, Job(100)))

    engine.during = ask
    assert queue.submit("ada", 2, Job(*range(32))).result(PATIENCE) == bytes(range(32))
    assert [len(codes) for _, codes in engine.batches[:6]] == [16, 1, 1, 1, 1, 16]
    engine.during = lambda batch: None
    wait([future for future in small if not future.cancelled()], PATIENCE)


def test_long_requests_take_turns(engine, queue, busy):
    futures = [queue.submit(visitor, 2, Job(*[visitor] * 48)) for visitor in (1, 2, 3)]
    busy()
    wait(futures, PATIENCE)
    assert [int(codes[0]) for _, codes in after(engine)] == [1, 2, 3, 1, 2, 3, 1, 2, 3]


def test_the_slices_of_a_slow_model_are_short(engine, queue, clock):
    def pass_time(batch):
        clock.now += 0.004 * len(batch[1])  # 4 ms a picture: two fit a slice

    engine.during = pass_time
    queue.submit("ada", 0, Job(1)).result(PATIENCE)
    queue.submit("ada", 2, Job(*range(8))).result(PATIENCE)
    assert [len(codes) for _, codes in engine.batches] == [1, 2, 2, 2, 2]


def test_a_slow_start_does_not_make_slices_short_for_long(engine, queue, clock):
    def pass_time(batch):
        clock.now += 5.0 if len(engine.batches) == 1 else 0.0001 * len(batch[1])  # the first one opens the model

    engine.during = pass_time
    queue.submit("ada", 0, Job(1)).result(PATIENCE)
    queue.submit("ada", 0, Job(1)).result(PATIENCE)
    queue.submit("ada", 2, Job(*range(32))).result(PATIENCE)
    assert [len(codes) for _, codes in engine.batches] == [1, 1, 16, 16]


# ---- what goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["prepare", "finish"])
@pytest.mark.parametrize("size", [1, 20])
def test_a_refused_request_spoils_no_other(queue, busy, step, size):
    bad = queue.submit("ada", 0, Job(*[1] * size, fails={step: VAEError("Not this one.")}))
    good = queue.submit("bob", 0, Job(2))
    busy()
    with pytest.raises(VAEError, match="Not this one"):
        bad.result(PATIENCE)
    assert good.result(PATIENCE) == b"\x02"
    assert queue.submit("ada", 0, Job(3)).result(PATIENCE) == b"\x03"


@pytest.mark.parametrize("size", [1, 20])
def test_a_decoder_that_fails_refuses_that_batch_and_the_thread_lives(engine, queue, caplog, size):
    def fail(batch):
        raise RuntimeError("out of memory")

    engine.during = fail
    with caplog.at_level(logging.ERROR), pytest.raises(RuntimeError, match="out of memory"):
        queue.submit("ada", 0, Job(*[1] * size)).result(PATIENCE)
    assert "could not be made" in caplog.text
    engine.during = lambda batch: None
    assert queue.submit("ada", 0, Job(2)).result(PATIENCE) == b"\x02"


def test_what_is_given_up_is_never_prepared(engine, queue, busy):
    jobs = [Job(1), Job(*range(40))]
    given_up = [queue.submit("ada", lane, job) for lane, job in enumerate(jobs)]
    last = queue.submit("bob", 0, Job(3))
    for future in given_up:
        assert future.cancel()
    busy()
    last.result(PATIENCE)
    queue.submit("bob", 0, Job(4)).result(PATIENCE)
    assert [job.prepared for job in jobs] == [0, 0] and after(engine) == [("m", [3]), ("m", [4])]


def test_closing_cancels_what_waits_and_ends_the_thread(engine, queue):
    engine.going.clear()
    running = queue.submit("busy", 0, Job(1))
    assert engine.inside.acquire(timeout=PATIENCE)
    waiting = [queue.submit("ada", 0, Job(2)), queue.submit("ada", 1, Job(*range(20)))]
    threading.Timer(0.05, engine.going.set).start()
    queue.close()
    assert running.result(0) == b"\x01"
    for future in waiting:
        with pytest.raises(CancelledError):
            future.result(0)
    assert not any(thread.name == "decode" and thread.is_alive() for thread in threading.enumerate())
    with pytest.raises(VAEError, match="closing"):
        queue.submit("ada", 0, Job(3))


def test_a_queue_nobody_asked_has_no_thread():
    before = threading.active_count()
    DecodeQueue(Engine()).close()
    assert threading.active_count() == before


def test_many_threads_at_once_each_get_their_own(queue):
    generator = np.random.default_rng(0)
    wishes = [(i, generator.integers(0, 255, size=int(size))) for i, size in enumerate(generator.integers(1, 40, 60))]
    answers = {}

    def visit(who, part):
        for i, codes in part:
            answers[i] = queue.submit(who, i, Job(*codes)).result(PATIENCE)

    threads = [threading.Thread(target=visit, args=(who, wishes[who::6])) for who in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == {i: bytes(codes.astype(np.uint8)) for i, codes in wishes}
