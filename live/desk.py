"""Who answers: the tickets, the answers and the queue of one server, made when the first visitor comes."""

import atexit
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from live.tickets import Tickets, shared_tickets

if TYPE_CHECKING:
    from live.answers import Answers
    from live.queue import DecodeQueue


@dataclass(frozen=True)
class Desk:
    """What a socket needs."""

    tickets: Tickets
    answers: "Answers"
    queue: "DecodeQueue"


@lru_cache(maxsize=1)
def shared_desk() -> Desk:
    """The desk of this server. Ask for it in a thread: it imports torch, which takes seconds."""
    import torch

    from live.answers import Answers
    from live.engine import shared
    from live.queue import BATCH, CARD_BATCH, DecodeQueue

    # One thread for each batch: two take 1.3 ms for a single MNIST picture instead of 0.3, and gain nothing below 16.
    torch.set_num_threads(1)
    queue = DecodeQueue(shared(), BATCH if shared().device.type == "cpu" else CARD_BATCH)
    atexit.register(queue.close)  # a thread inside torch while Python goes away would end in a crash
    return Desk(shared_tickets(), Answers(shared()), queue)
