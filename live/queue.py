"""The decode queue: the wishes of all visitors meet here, and one thread makes their pictures, many in one batch.

Rules, in this order:

* A visitor's newer request on a lane takes the place of the older one that waits there.
* Small requests come first: in each round at most one of each visitor, the visitors in turn.
* When none waits, or after a few such rounds, there is a slice of one long request, the long ones in turn: so short
  that nobody waits long for it to end.

There is no pause to let a batch fill: whatever waits when the thread is free is the next batch.
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from time import perf_counter
from typing import Protocol

import numpy as np

from live.engine import ModelEntry
from vae.errors import VAEError
from vae.explore.codes import Floats
from vae.explore.render import Pixels

SMALL = 2  # pictures: a request of so many or fewer is answered in one piece
BATCH = 16  # pictures decoded at once; on a CPU more are no cheaper each, and all wait for the last
CARD_BATCH = 128  # the same on a graphics card, where a batch costs about what one picture does
ROUNDS = 4  # of small requests, before a long one has a slice although small ones wait
SLICE_SECONDS = 0.008  # what a slice of a long request may take

log = logging.getLogger(__name__)


class Decoder(Protocol):
    """What the queue needs of an engine."""

    def decode(self, entry: ModelEntry, z: np.ndarray) -> Pixels: ...


class Job(Protocol):
    """A request on its way. Both steps run in the queue's thread, and may raise VAEError.

    Attributes:
        size: pictures to decode.
    """

    size: int

    def prepare(self) -> tuple[ModelEntry, Floats]:
        """The model, and the codes (size, L) to decode with it."""
        ...

    def finish(self, pixels: Pixels) -> bytes:
        """The answer, from the decoded pictures (size, H, W, C)."""
        ...


@dataclass
class Statistics:
    """What the queue has done so far.

    Attributes:
        batches: how often each batch size was decoded, in pictures.
        seconds: spent decoding.
        answered, refused, replaced: requests.
    """

    batches: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    answered: int = 0
    refused: int = 0
    replaced: int = 0


@dataclass(eq=False)
class _Place:
    """One request in the line."""

    job: Job
    future: Future[bytes]
    entry: ModelEntry | None = None
    codes: Floats | None = None
    pixels: list[Pixels] = field(default_factory=list)
    turn: int = 0  # when it last had a slice

    @property
    def small(self) -> bool:
        return self.job.size <= SMALL

    def prepare(self) -> tuple[ModelEntry, Floats]:
        if self.entry is None or self.codes is None:
            self.entry, self.codes = self.job.prepare()
        return self.entry, self.codes


class DecodeQueue:
    """One thread that decodes for everybody. Any thread may submit.

    Args:
        engine: decodes; it alone owns the models.
        batch: pictures at once. A graphics card wants more.
    """

    def __init__(self, engine: Decoder, batch: int = BATCH) -> None:
        self._engine = engine
        self._batch = batch
        self._something = Condition()
        # visitor -> lane -> request; visitors and their lanes in the order in which they are served.
        self._line: OrderedDict[Hashable, OrderedDict[Hashable, _Place]] = OrderedDict()
        self._turn = 0
        self._cost: dict[str, float] = {}  # model_id -> seconds a picture, lately
        self._statistics = Statistics()
        self._thread: Thread | None = None
        self._closed = False

    def submit(self, visitor: Hashable, lane: Hashable, job: Job) -> Future[bytes]:
        """Put a request in the line.

        Args:
            visitor: whom it is for; visitors are served in turn.
            lane: an older request of this visitor on the same lane is cancelled, and this one stands in its place.

        Returns:
            The answer to come. It fails with VAEError (a refusal) or with whatever else went wrong. Whoever cancels
            it gives the request up; it may be cancelled at any time.
        """
        place = _Place(job, Future())
        with self._something:
            if self._closed:
                raise VAEError("The server is closing: reload the page in a moment.")
            if self._thread is None:
                self._thread = Thread(target=self._work, name="decode", daemon=True)
                self._thread.start()
            lanes = self._line.setdefault(visitor, OrderedDict())
            older, lanes[lane] = lanes.get(lane), place
            self._something.notify()
        if older is not None:
            older.future.cancel()
            self._statistics.replaced += 1
        return place.future

    def statistics(self) -> Statistics:
        return self._statistics

    def close(self) -> None:
        """End the thread; what waits is cancelled."""
        with self._something:
            self._closed = True
            left = [place for lanes in self._line.values() for place in lanes.values()]
            self._line.clear()
            self._something.notify()
        for place in left:
            place.future.cancel()
        if self._thread is not None:
            self._thread.join()

    # ---- the thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        rounds = 0  # of small requests since the last slice
        while True:
            with self._something:
                while not self._line and not self._closed:
                    self._something.wait()
                if self._closed:
                    return
                small = self._take_small() if rounds < ROUNDS else []
                long = None if small else self._longest_waiting()
            if long is not None:
                rounds = 0
                self._serve_slice(*long)
            elif small:
                rounds += 1
                self._serve(small)
            else:
                rounds = 0
            del small, long  # or the last answers stay in memory for as long as nobody asks again

    def _take_small(self) -> list[_Place]:
        """At most one small request of each visitor, out of the line; those served go to its end."""
        taken: list[_Place] = []
        for visitor in list(self._line):
            lanes = self._line[visitor]
            for lane, place in list(lanes.items()):
                if place.future.cancelled():
                    del lanes[lane]
                elif place.small:
                    taken.append(lanes.pop(lane))
                    self._line.move_to_end(visitor)
                    break
            if not lanes:
                del self._line[visitor]
            if len(taken) == self._batch:
                break
        return taken

    def _longest_waiting(self) -> tuple[Hashable, Hashable, _Place] | None:
        """The long request whose last slice is longest ago. It stays in the line: a newer one may still replace it."""
        long = [
            (visitor, lane, place)
            for visitor, lanes in self._line.items()
            for lane, place in lanes.items()
            if not place.small
        ]
        return min(long, key=lambda one: one[2].turn, default=None)

    def _serve(self, places: list[_Place]) -> None:
        """Answer small requests: one batch for each model among them."""
        batches: dict[str, list[tuple[_Place, ModelEntry, Floats]]] = {}
        for place in places:
            try:
                entry, codes = place.prepare()
            except Exception as error:
                self._refuse(place, error)
            else:
                batches.setdefault(entry.model_id, []).append((place, entry, codes))
        for batch in batches.values():
            try:
                pixels = self._decode(batch[0][1], np.concatenate([codes for _, _, codes in batch]))
            except Exception as error:
                for place, _, _ in batch:
                    self._refuse(place, error)
                continue
            start = 0
            for place, _, codes in batch:
                self._finish(place, pixels[start : start + len(codes)])
                start += len(codes)

    def _serve_slice(self, visitor: Hashable, lane: Hashable, place: _Place) -> None:
        """Decode the next few pictures of a long request, and answer it when they were the last."""
        done = place.future.cancelled()
        if not done:
            try:
                entry, codes = place.prepare()
                start = sum(map(len, place.pixels))
                place.pixels.append(self._decode(entry, codes[start : start + self._slice(entry)]))
                if start + len(place.pixels[-1]) >= len(codes):
                    self._finish(place, np.concatenate(place.pixels))
                    done = True
            except Exception as error:
                self._refuse(place, error)
                done = True
        with self._something:
            self._turn += 1
            place.turn = self._turn
            lanes = self._line.get(visitor, OrderedDict())
            if done and lanes.get(lane) is place:
                del lanes[lane]
                if not lanes:
                    del self._line[visitor]

    def _slice(self, entry: ModelEntry) -> int:
        """Pictures of a model in SLICE_SECONDS, at least one and at most a batch."""
        cost = self._cost.get(entry.model_id, 0.0)
        return self._batch if cost * self._batch <= SLICE_SECONDS else max(1, int(SLICE_SECONDS / cost))

    def _decode(self, entry: ModelEntry, codes: Floats) -> Pixels:
        if not len(codes):
            return np.zeros((0, 0, 0, 0), np.uint8)
        began = perf_counter()
        pixels = self._engine.decode(entry, codes)
        seconds = perf_counter() - began
        self._statistics.batches[len(codes)] += 1
        self._statistics.seconds += seconds
        cost, known = seconds / len(codes), self._cost.get(entry.model_id, float("inf"))
        # Down at once and up slowly: the first batch also opened the model, and one may have met a busy moment.
        self._cost[entry.model_id] = cost if cost < known else known + 0.2 * (cost - known)
        return pixels

    def _finish(self, place: _Place, pixels: Pixels) -> None:
        if place.future.cancelled():
            return
        try:
            answer = place.job.finish(pixels)
        except Exception as error:
            self._refuse(place, error)
            return
        if place.future.set_running_or_notify_cancel():
            self._statistics.answered += 1
            place.future.set_result(answer)

    def _refuse(self, place: _Place, error: Exception) -> None:
        if not isinstance(error, VAEError):
            log.error("A picture could not be made", exc_info=error)
        if place.future.set_running_or_notify_cancel():
            self._statistics.refused += 1
            place.future.set_exception(error)
