"""Tickets: which models a visitor may ask for. A page mints one; the visitor's socket shows it."""

from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from secrets import token_urlsafe
from threading import Lock

VISITORS = 4096  # tickets held; the one not shown for longest is given up first, and its page mints another


def files_of(model_id: str) -> str:
    """What a ticket opens besides a model: the names that the owner of its images gave them."""
    return f"files of {model_id}"


class Tickets:
    """A token for each visitor, and the models it opens. Any thread may ask.

    Args:
        capacity: visitors known at a time.
    """

    def __init__(self, capacity: int = VISITORS) -> None:
        self._capacity = capacity
        self._lock = Lock()
        self._tokens: OrderedDict[str, str] = OrderedDict()  # visitor to token, the last seen at the end
        self._models: dict[str, tuple[str, frozenset[str]]] = {}  # token to visitor and model_ids

    def issue(self, visitor: str, model_ids: Iterable[str]) -> str:
        """The token of a visitor, the same each time; from now on it opens these models and no others."""
        models = frozenset(model_ids)
        with self._lock:
            token = self._tokens.setdefault(visitor, token_urlsafe(24))
            self._tokens.move_to_end(visitor)
            self._models[token] = (visitor, models)
            while len(self._tokens) > self._capacity:
                _, oldest = self._tokens.popitem(last=False)
                del self._models[oldest]
            return token

    def known(self, token: str) -> bool:
        """Whether a page of this server minted it."""
        with self._lock:
            return token in self._models

    def visitor(self, token: str) -> str:
        """Who holds this ticket; "" where nobody does."""
        with self._lock:
            return self._models.get(token, ("", frozenset()))[0]

    def allows(self, token: str, model_id: str) -> bool:
        """Whether the ticket opens this model."""
        with self._lock:
            visitor, models = self._models.get(token, ("", frozenset()))
            if visitor in self._tokens:
                self._tokens.move_to_end(visitor)
            return model_id in models


@lru_cache(maxsize=1)
def shared_tickets() -> Tickets:
    """The tickets of this server."""
    return Tickets()
