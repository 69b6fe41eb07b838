"""What a process is told so that it trains fast: how its threads wait, and what becomes of memory that is freed.

Imports no torch: the first must be said before torch is.
"""

import ctypes
import os
from functools import cache

SPIN = 5000  # rounds, some tens of microseconds

# Variables of the environment, for whoever trains beside others: a thread that waits sleeps at once.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


def how_to_wait() -> dict[str, str]:
    """The same for a process that may have the machine to itself; asked before torch is imported.

    A step of a small network has a hundred pauses of microseconds, and to be woken after each costs more than a second
    thread brings. So on an idle machine threads spin for a moment before they sleep. On a busy one they sleep at once:
    spinning beside others who need the core takes several times as long, for all.
    """
    try:
        idle = os.getloadavg()[0] < 0.5 * (os.cpu_count() or 1)
    except OSError:  # a system that does not say
        idle = False
    return WAITING | {"GOMP_SPINCOUNT": str(SPIN)} if idle else WAITING


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as mallopt(3) numbers them


@cache
def keep_freed_memory() -> bool:
    """Have the C library keep what is freed, up to 1 GiB, instead of handing it back to the system at every step.

    The system would hand out the same pages again, each cleared: a third of the time of a small convolutional network.
    True where that could be said (glibc); elsewhere nothing happens. It holds for the whole process.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or none that can be asked
        return False
    return bool(mallopt(_TRIM_THRESHOLD, 1 << 30) and mallopt(_MMAP_THRESHOLD, 1 << 25))
