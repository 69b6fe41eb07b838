"""What a process is told so that it trains fast: how its threads wait, and what becomes of memory that is freed.

Imports nothing: the first must be said before torch is imported.
"""

import ctypes
from functools import cache

# A thread that has nothing to do sleeps. It spins for some microseconds before: a step has a hundred short pauses, and
# to be woken after each costs more than a second thread brings. Longer, and it would take its neighbour's time.
WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}

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
