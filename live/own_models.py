"""Models that people brought: to share, to delete, to take back, and to go when their time is over."""

import shutil
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from live import privacy, takeaways
from live.engine import SHIPPED, ModelEntry
from live.uploads import shared_uploads
from vae.checkpoint import OWNER, Owner, read_owner, save_owner
from vae.data import allowed
from vae.errors import VAEError
from vae.files import plain_disk_errors, size_of
from vae.home import home

GONE = ".gone"  # at the end of the hidden name of one that was deleted
BACK = 3600.0  # seconds in which it can be taken back


def is_brought(entry: ModelEntry) -> bool:
    """Whether it is a person's: one that came from elsewhere, or was trained here for nobody else to see."""
    return not entry.shipped and ((entry.folder / OWNER).is_file() or isinstance(entry.card.get("origin"), str))


def is_from_elsewhere(entry: ModelEntry) -> bool:
    """Whether it was trained elsewhere: the card of a training here says its settings."""
    return is_brought(entry) and "settings" not in entry.card


def share(entry: ModelEntry, shared: bool) -> None:
    """Let others see a model, or no longer."""
    _check(entry.folder)
    save_owner(entry.folder, replace(read_owner(entry.folder), shared=shared))
    if not shared:
        privacy.withdraw([entry])


def remove(entry: ModelEntry) -> str:
    """Take a model away.

    Returns:
        What `restore` takes, for as long as BACK.
    """
    _check(entry.folder)
    with plain_disk_errors("The model"):
        hidden = entry.folder.with_name(f".{entry.name}{GONE}")
        if hidden.exists():
            shutil.rmtree(hidden)
        entry.folder.rename(hidden)
        hidden.touch()  # from now on its time runs
    takeaways.sweep()
    privacy.withdraw([entry])
    return entry.name


def restore(name: str) -> None:
    """Take a model back that was deleted. VAEError: it is gone, or another has its name."""
    hidden = _models() / f".{Path(name).name}{GONE}"
    if not hidden.is_dir() or (_models() / name).exists():
        raise VAEError("That model is gone for good: bring it again.")
    with plain_disk_errors("The model"):
        hidden.rename(_models() / Path(name).name)


def sweep(now: float | None = None) -> None:
    """Delete for good what was deleted an hour ago, and what has had its time, with the files that were made of it."""
    now = time.time() if now is None else now
    with suppress(OSError):
        for folder in list(_models().iterdir()):
            with suppress(OSError):
                deleted = folder.name.startswith(".") and folder.name.endswith(GONE)
                if (deleted and now - folder.stat().st_mtime > BACK) or (
                    not deleted and _over(read_owner(folder), now)
                ):
                    shutil.rmtree(folder, ignore_errors=True)
    takeaways.sweep(now)


def size(entry: ModelEntry) -> int:
    """Bytes on the disk."""
    return size_of(entry.folder)


def check_room(owner: str) -> None:
    """Refuse one more set or model where uploads, sets and models take all the room, of everybody or of this visitor.

    How large it will be is not known before it is made, so what is there may pass the limit once, by that one.

    Raises:
        VAEError: with what to delete.
    """
    used = shared_uploads().used()
    allowed.check_room(sum(used.values()), used.get(owner, 0), 0)


def _over(owner: Owner, now: float) -> bool:
    if not owner.expires:
        return False
    with suppress(ValueError):
        then = datetime.fromisoformat(owner.expires)
        return (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() <= now
    return False


def _models() -> Path:
    return home() / "models"


def _check(folder: Path) -> None:
    if folder.parent == SHIPPED or folder.parent != _models():
        raise VAEError("Only a model that was brought here can be shared or deleted here.")
