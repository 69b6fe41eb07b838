"""Tickets: which models a visitor may ask for. A page mints one; the visitor's socket shows it."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from secrets import token_urlsafe
from threading import Lock

VISITORS = 4096  # tickets held; the one not shown for longest is given up first, and its page mints another


def files_of(model_id: str) -> str:
    """What a ticket opens besides a model: the names that the owner of its images gave them."""
    return f"files of {model_id}"


@dataclass(frozen=True)
class _Ticket:
    visitor: str
    owner: str
    models: frozenset[str]


_NONE = _Ticket("", "", frozenset())


class Tickets:
    """A token for each visitor, and the models it opens. Any thread may ask.

    Args:
        capacity: visitors known at a time.
    """

    def __init__(self, capacity: int = VISITORS) -> None:
        self._capacity = capacity
        self._lock = Lock()
        self._tokens: OrderedDict[str, str] = OrderedDict()  # visitor to token, the last seen at the end
        self._tickets: dict[str, _Ticket] = {}  # by their tokens

    def issue(self, visitor: str, model_ids: Iterable[str], owner: str = "") -> str:
        """The token of a visitor, the same each time; from now on it opens these models and no others.

        Args:
            owner: who that is in the books, so that `withdraw` can tell whose tickets stay as they are.
        """
        ticket = _Ticket(visitor, owner, frozenset(model_ids))
        with self._lock:
            token = self._tokens.setdefault(visitor, token_urlsafe(24))
            self._tokens.move_to_end(visitor)
            self._tickets[token] = ticket
            while len(self._tokens) > self._capacity:
                _, oldest = self._tokens.popitem(last=False)
                del self._tickets[oldest]
            return token

    def withdraw(self, model_id: str, may: Callable[[str], bool]) -> None:
        """Have a model in no ticket any more but in those of the owners who `may`: pages that are open lose it too."""
        with self._lock:
            holders = [(token, ticket) for token, ticket in self._tickets.items() if model_id in ticket.models]
        kept = {
            owner: may(owner) for owner in {ticket.owner for _, ticket in holders}
        }  # reads files: not under the lock
        with self._lock:
            for token, ticket in holders:
                if not kept[ticket.owner] and self._tickets.get(token) is ticket:  # else its page has run again
                    self._tickets[token] = replace(ticket, models=ticket.models - {model_id})

    def known(self, token: str) -> bool:
        """Whether a page of this server minted it."""
        with self._lock:
            return token in self._tickets

    def visitor(self, token: str) -> str:
        """Who holds this ticket; "" where nobody does."""
        with self._lock:
            return self._tickets.get(token, _NONE).visitor

    def allows(self, token: str, model_id: str) -> bool:
        """Whether the ticket opens this model."""
        with self._lock:
            ticket = self._tickets.get(token, _NONE)
            if ticket.visitor in self._tokens:
                self._tokens.move_to_end(ticket.visitor)
            return model_id in ticket.models


@lru_cache(maxsize=1)
def shared_tickets() -> Tickets:
    """The tickets of this server."""
    return Tickets()
