"""What takes of the room for everything that people bring: uploads, the data sets made of them, and models.

One quota holds for all three together (`vae.data.allowed`); here is who has how much of it, in one line too.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from threading import Lock

from vae.checkpoint import OWNER, read_owner
from vae.data import allowed
from vae.errors import VAEError
from vae.files import size_of

ADDRESSES, HOUR = 10_000, 3600.0  # remembered at most, the newest; seconds
NEW = 0.5  # of all the room, for the new visitors of one address


def sets(root: Path) -> Iterator[tuple[str, int]]:
    """The owner and the bytes of every data set that was made here of an upload."""
    for folder in _folders(root):
        with suppress(OSError, ValueError, AttributeError):
            yield str(json.loads((folder / "set.json").read_text()).get("owner")), size_of(folder)


def models(root: Path) -> Iterator[tuple[str, int]]:
    """The owner and the bytes of every model that has one; one that can still be taken back counts."""
    for folder in _folders(root):
        with suppress(OSError):
            if (folder / OWNER).is_file():
                yield read_owner(folder).owner, size_of(folder)


class Comers:
    """Visitors who brought something for the first time within the hour, by the address of their machine.

    A visitor is a cookie, and a program can make up as many as it likes, each with a share of the room. So only so many
    new ones come from one address, and they have half of the room together: enough for classes that share an address,
    and a server is not filled from one place before anybody sees it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, Lock()
        self._came: OrderedDict[str, dict[str, float]] = OrderedDict()  # network to its visitors, and when each came

    def check(self, address: str, owner: str, size: int, used: Mapping[str, int]) -> None:
        """Refuse `size` bytes of a visitor who is new where many are, or who have much.

        Args:
            used: bytes that each visitor has here by now.

        Raises:
            VAEError: with when to come again.
        """
        with self._lock:
            place = network(address)
            now, came = self._clock(), self._came.setdefault(place, {})
            self._came.move_to_end(place)
            while len(self._came) > ADDRESSES:
                self._came.popitem(last=False)
            for old in [each for each, then in came.items() if now - then > HOUR]:
                del came[old]
            if owner not in came and owner in used:
                return  # somebody who was here before
            if owner not in came and len(came) >= allowed.comers():
                raise VAEError("Too many new visitors of your network bring something at the moment: try in an hour.")
            theirs = sum(used.get(each, 0) for each in came)
            if theirs + size > allowed.room() * NEW:
                raise VAEError(
                    f"The new visitors of your network may bring {allowed.plain(allowed.room() * NEW)} within an hour, "
                    f"and {allowed.plain(theirs)} of it is taken: try in an hour."
                )
            came.setdefault(owner, now)


def network(address: str) -> str:
    """What stands for all the addresses of one machine: of IPv6 its /64, in which it may take any (RFC 4291)."""
    with suppress(ValueError):
        found = ip_address(address.partition("%")[0])  # what follows a % names this machine's own interface
        if isinstance(found, IPv6Address):
            return str(found.ipv4_mapped or ip_network((int(found), 64), strict=False))
    return address


def line(mine: int) -> str:
    """How much of the room a visitor has, and how much that may be."""
    return f"Your uploads, data and models take {allowed.plain(mine)} of the {allowed.plain(allowed.share())} they may."


def _folders(root: Path) -> list[Path]:
    with suppress(OSError):
        return [each for each in root.iterdir() if each.is_dir()]
    return []
