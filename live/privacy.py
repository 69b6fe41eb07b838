"""Who may see what: a model or a training made of data that a visitor brought is theirs until they share it.

Where the server answers this machine alone, whoever looks has its rights anyway, and sees everything.
"""

from live.engine import ModelEntry
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


def may_watch(owner: str, data: str, visitor: str) -> bool:
    """Whether a training by `owner` is this visitor's to watch: their own, or of data that are everybody's."""
    return (bool(visitor) and owner == visitor) or may_use(data, visitor)


def may_use(name: str, visitor: str) -> bool:
    """Whether a data set is this visitor's to see. What was brought and is gone was its owner's, and nobody's now."""
    kind, _, set_id = source_of(name).partition(":")
    if kind != brought.KIND:
        return True
    try:
        one = brought.get(set_id)
    except VAEError:
        return False
    return one.shared or (bool(visitor) and one.owner == visitor)  # of nobody's name: whoever runs the server's


def data_of(run: Run) -> str:
    """The name of the data set that a run is of; "" where it does not say."""
    words = list(run.arguments)
    for place, word in enumerate(words):
        if word.startswith("--data="):
            return word.partition("=")[2]
        if word == "--data":
            return words[place + 1] if place + 1 < len(words) else ""
    return ""
