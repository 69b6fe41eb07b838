"""Components for a page: what each of them needs to know of the wire, added once."""

from collections.abc import Callable
from typing import Any

from live import components
from live.tickets import files_of, shared_tickets
from pages.ui import seen
from pages.ui.errors import careful
from pages.ui.state import State


def wire(state: State) -> dict[str, Any]:
    """Where the wire is, and this visitor's ticket for it."""
    models = seen.models()
    ids = [entry.model_id for entry in models]
    ids += [files_of(entry.model_id) for entry in models if seen.has_files(entry.data)]
    token = shared_tickets().issue(state.name, ids, seen.visitor())
    return {"live": components.addresses() | {"token": token}}


def live_data(state: State) -> dict[str, Any]:
    """The same, and the model that a component may ask about."""
    return wire(state) | {"model": state.entry.model_id}


def mount(name: str, state: State, key: str, data: dict[str, Any], **on: Callable[..., None]) -> None:
    """Put the component `name` on the page; its callbacks' errors are told as a page's own are."""
    events = {event: careful(callback) for event, callback in on.items()}
    components.mount(name, key, live_data(state) | data, **events)
