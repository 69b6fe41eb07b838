"""A few large things in memory: each made once for all who ask, and never more of them than there is room for."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Condition
from typing import Any


class Recent:
    """A few things, the one not asked for longest given up first; one larger than the room is held alone.

    Any thread may ask. Each thing is made by one of them, and nobody waits for what another one needs, but where both
    together would not fit: what is being made has its room from the start, and cannot be put away.

    Args:
        capacity: things held. room: bytes of them, of what is being made too.
    """

    def __init__(self, capacity: int, room: int) -> None:
        self.capacity, self.room = capacity, room
        self._changed = Condition()
        self._things: OrderedDict[Hashable, Any] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}  # of those, and of what is being made
        self._making: set[Hashable] = set()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._things

    def get(self, key: Hashable, make: Callable[[], Any], size: int) -> Any:
        """The thing of that key; made where it is not there.

        Args:
            make: called outside the lock. What it raises is raised here, and the next one who asks tries again.
            size: bytes that it takes.
        """
        with self._changed:
            self._changed.wait_for(lambda: key in self._things or self._may_make(key, size))
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key]
            self._making.add(key)
            self._make_room(key, size)
        try:
            made = make()
        except BaseException:
            with self._changed:
                self._making.remove(key)
                del self._sizes[key]
                self._changed.notify_all()
            raise
        with self._changed:
            self._making.remove(key)
            self._things[key] = made
            self._changed.notify_all()
        return made

    def _may_make(self, key: Hashable, size: int) -> bool:
        if key in self._making:
            return False
        return not self._making or sum(self._sizes[each] for each in self._making) + size <= self.room

    def _make_room(self, key: Hashable, size: int) -> None:
        self._sizes[key] = size
        while self._things and (len(self._sizes) > self.capacity or sum(self._sizes.values()) > self.room):
            old, _ = self._things.popitem(last=False)  # before the new one is read: both together may not fit
            del self._sizes[old]
