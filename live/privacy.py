"""Who may see what: a model or a training made of data that a visitor brought is theirs until they share it.

Where the server answers this machine alone, whoever looks has its rights anyway, and sees everything.
"""

from collections.abc import Iterable
from functools import partial

from live import components
from live.engine import ModelEntry, shared
from live.tickets import files_of, shared_tickets
from vae.checkpoint import Owner
from vae.data import brought, source_of
from vae.errors import VAEError
from vae.train.run import Run


def may_see(entry: ModelEntry, visitor: str) -> bool:
    """Whether a model is this visitor's to see: what its folder says of its owner, else whose its images are."""
    if entry.shipped:
        return True
    return may_use(entry.data, visitor) if entry.owner == Owner() else entry.owner.lets(visitor)


def is_private(entry: ModelEntry) -> bool:
    """Whether a model is hidden from everybody but its owner."""
    return not may_see(entry, "")


def withdraw(entries: Iterable[ModelEntry]) -> None:
    """After something is shared no longer, or is deleted: the pages that are open lose these models and the names of
    their images at once, but those of visitors who may still see them."""
    if components.this_machine_only():
        return
    now = shared().models()
    for gone in entries:
        same = [entry for entry in now if entry.model_id == gone.model_id]  # another may hold the same network
        shared_tickets().withdraw(gone.model_id, partial(_may_see_one, same))
        shared_tickets().withdraw(files_of(gone.model_id), partial(may_read_rows, gone.data))


def _may_see_one(entries: list[ModelEntry], visitor: str) -> bool:
    return any(may_see(entry, visitor) for entry in entries)


def made_of(set_id: str) -> list[ModelEntry]:
    """The models that are made of a set that was brought."""
    return [entry for entry in shared().models() if source_of(entry.data) == f"{brought.KIND}:{set_id}"]


def may_watch(owner: str, data: str, visitor: str) -> bool:
    """Whether a training by `owner` is this visitor's to watch: their own, or of data that are everybody's."""
    return (bool(visitor) and owner == visitor) or may_use(data, visitor)


def may_use(name: str, visitor: str) -> bool:
    """Whether a data set is this visitor's to see. What was brought and is gone was its owner's, and nobody's now."""
    return not _is_brought(name) or _lets(_brought(name), visitor)


def may_read_rows(name: str, visitor: str) -> bool:
    """Whether a data set came with rows of its owner's, file names and columns, and they are this visitor's to read."""
    one = _brought(name) if _is_brought(name) else None
    return one is not None and (components.this_machine_only() or _lets(one, visitor))


def _is_brought(name: str) -> bool:
    return source_of(name).startswith(f"{brought.KIND}:")


def _brought(name: str) -> brought.BroughtSet | None:
    """What is known of a set; None where it is gone."""
    try:
        return brought.get(source_of(name).partition(":")[2])
    except VAEError:
        return None


def _lets(one: brought.BroughtSet | None, visitor: str) -> bool:
    # A set of nobody's name is whoever's runs the server.
    return one is not None and (one.shared or (bool(visitor) and one.owner == visitor))


def data_of(run: Run) -> str:
    """The name of the data set that a run is of; "" where it does not say."""
    words = list(run.arguments)
    for place, word in enumerate(words):
        if word.startswith("--data="):
            return word.partition("=")[2]
        if word == "--data":
            return words[place + 1] if place + 1 < len(words) else ""
    return ""
