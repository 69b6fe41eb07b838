"""What an administrator allows: read from the environment whenever it is asked, so that a server need not be restarted.

MUSCOPE_MAX_QUEUED   trainings of one visitor that wait or run at a time; 3 unless set
MUSCOPE_MAX_MINUTES  of training in one run; no limit unless set
MUSCOPE_QUOTA_GB     all runs together on the disk; 10 unless set, and half of it for one visitor
"""

import os

from vae.data.allowed import number
from vae.errors import VAEError

GB = 10**9
SHARE = 0.5  # of the quota, for one visitor


def max_queued() -> int:
    """Trainings that one visitor may have waiting or running."""
    return int(number("MUSCOPE_MAX_QUEUED", 3, 1))


def max_minutes() -> float | None:
    """Minutes that one training may take, or None."""
    return None if not os.environ.get("MUSCOPE_MAX_MINUTES") else number("MUSCOPE_MAX_MINUTES", 0, 0.01)


def quota() -> int:
    """Bytes that all runs may take together."""
    return int(number("MUSCOPE_QUOTA_GB", 10, 0) * GB)


def check_queue(mine: int) -> None:
    """Refuse one more training of somebody who has `mine` waiting or under way."""
    most = max_queued()
    if mine >= most:
        raise VAEError(f"You have {mine} trainings waiting or under way, and {most} are allowed: wait, or cancel one.")


def check_minutes(asked: float | None) -> float | None:
    """The minutes that a training may take: those asked for, or as many as are allowed."""
    most = max_minutes()
    if most is not None and asked is not None and asked > most:
        raise VAEError(f"A training may take {most:g} minutes here and {asked:g} were asked for: choose fewer.")
    return most if asked is None else asked


def check_disk(used: int, mine: int | None) -> None:
    """Refuse one more training where runs take all the room they may; `mine` is one visitor's part, None for nobody's.

    Raises:
        VAEError: with what to delete.
    """
    most = quota()
    if used >= most:
        raise VAEError(f"All trainings together take {_gb(used)} of the {_gb(most)} they may: delete some first.")
    if mine is not None and mine >= most * SHARE:
        raise VAEError(f"Your trainings take {_gb(mine)} of the {_gb(most * SHARE)} they may: delete some first.")


def _gb(size: float) -> str:
    return f"{size / GB:.1f} GB" if size >= GB / 10 else f"{size / 1e6:.1f} MB"
