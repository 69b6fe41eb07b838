"""The one object that a visitor's session is about.

Pages read it, and change it in callbacks, which run before the next page is drawn. What a widget shows is kept under
"<page>.<name>" by Streamlit (`persist_state="session"`), so that moving between pages loses nothing. How it comes back
after a reload, and by a link, is in `sessions.py`.
"""

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from live.engine import ModelEntry
from pages.ui import cache, seen
from pages.ui.board_terms import Board, Boards
from pages.ui.cache import Code
from vae.errors import VAEError

SHELF_LIMIT = 60
GROUP_LIMIT = 20
DIRECTION_LIMIT = 40
REMOVED_LIMIT = 50


@dataclass(frozen=True)
class Place:
    """A code and where it came from: an image by its id, or None for a code that was made here."""

    code: Code
    image_id: str | None
    caption: str


@dataclass(frozen=True)
class Kept:
    """A code on the shelf: of which model, what to call it, and the how-manieth it was, by which a choice finds it."""

    model: str
    place: Place
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, eq=False)
class Group:
    """Images gathered on the map, or sent there.

    Attributes:
        rows: (K,) of the model's encodings, in order.
        view: of the map it was drawn on; "" of a group that was sent there from another page.
        polygon: corners in the map's coordinates; () likewise.
    """

    name: str
    rows: np.ndarray
    view: str
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class KeptDirection:
    """A direction that was kept and named: a unit vector, the length of a whole step along it, and what it rests on."""

    name: str
    vector: Code
    gap: float
    words: str


@dataclass(frozen=True, eq=False)
class Removed:
    """Something that was kept and was removed: of which model, in which place of its list, and what it is called."""

    model: str
    place: int
    thing: "Kept | Group | KeptDirection | Board"
    name: str


@dataclass
class State:
    """What a visitor is looking at.

    Attributes:
        model: name of the chosen model.
        places: for each model, where its tools stand now.
        before: for each model, the places that led there, for undo.
        after: for each model, the places that were undone, for redo.
        locked: for each model, the dimensions that nothing but a hand on their own knob may turn.
        groups: for each model, images gathered on the map, newest last.
        directions: for each model, directions that were kept and named, newest last.
        keyframes: for each model, what its path went through, each arrangement for undo; the last one counts.
        boards: for each model, the sum that is worked on, and those that were kept.
        shelf: kept codes, of any model, newest first.
        emptied: what the shelf held before it was emptied, for undo.
        removed: what was removed one by one, with the place it stood at, the newest last, for undo.
        origins: for each model, the image that the tools stood on last.
        brought: for each model, the picture, drawing or face of one's own they stood on since then.
        draws: random codes drawn so far.
        keeps: codes kept so far.
        ids: the model_id of each model when it was last seen.
        notice: something to say once, such as that a link led nowhere.
        run: the training that Train shows: its id, "model:NAME" for a model's history, or "" for whichever is nearest.
        link: what this page adds to the address.
        presses: of buttons that must be heard once, however often they are pressed.
        below: where on this page a phone finds the picker and the shelf; None where the page has no picture.
        name: of this visitor, for the server's own books: nobody can guess it.
    """

    model: str
    places: dict[str, Place] = field(default_factory=dict)
    before: dict[str, list[Place]] = field(default_factory=dict)
    after: dict[str, list[Place]] = field(default_factory=dict)
    locked: dict[str, frozenset[int]] = field(default_factory=dict)
    groups: dict[str, list[Group]] = field(default_factory=dict)
    directions: dict[str, list[KeptDirection]] = field(default_factory=dict)
    keyframes: dict[str, list[tuple[Place, ...]]] = field(default_factory=dict)
    boards: dict[str, Boards] = field(default_factory=dict)
    shelf: list[Kept] = field(default_factory=list)
    emptied: list[Kept] = field(default_factory=list)
    removed: list["Removed"] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    brought: dict[str, Place] = field(default_factory=dict)
    draws: int = 0
    keeps: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    run: str = ""
    link: dict[str, str] = field(default_factory=dict)
    presses: int = 0
    below: DeltaGenerator | None = None
    name: str = field(default_factory=lambda: token_hex(16))

    @property
    def entry(self) -> ModelEntry:
        """The chosen model. VAEError: there is none."""
        if not self.model:
            raise VAEError("No model was found: put a model's folder into checkpoints/, or make one on the Train page.")
        return cache.entry(self.model)

    @property
    def place(self) -> Place:
        """Where the tools stand: at first, on the model's first test image."""
        if self.model not in self.places:
            self.places[self.model] = self.of_image(cache.first_image(self.entry.model_id))
        return self.places[self.model]

    def of_image(self, image_id: str) -> Place:
        """The mu of one image of the chosen model's data."""
        code = cache.code_of(self.entry.model_id, image_id)
        return Place(code, image_id, cache.caption_of(self.entry.model_id, image_id))

    def go(self, place: Place) -> None:
        """Move all tools of the chosen model there."""
        if place == self.place:
            return
        if self.place.image_id is not None:
            self.origins[self.model] = self.place.image_id
            self.brought.pop(self.model, None)
        self.before.setdefault(self.model, []).append(self.place)
        del self.before[self.model][:-100]
        self.after.pop(self.model, None)
        self.places[self.model] = place

    def start_from(self, place: Place) -> None:
        """Move all tools to a picture of one's own: from here on it is what a hand turns, and goes back to."""
        self.go(place)
        self.brought[self.model] = place

    def turn(self, code: Code) -> None:
        """Replace the numbers of the current code: what a hand on the knobs leaves."""
        place = self.place
        caption = place.caption if place.image_id is None else f"{place.caption}, turned"
        self.go(Place(code, None, caption))

    @property
    def origin(self) -> str | None:
        """The image that the tools stand on, or stood on last; None where they never did."""
        return self.place.image_id or self.origins.get(self.model)

    @property
    def home(self) -> Place | None:
        """Where the hand began: one's own picture, or else the image of `origin`."""
        if self.place.image_id is None and self.model in self.brought:
            return self.brought[self.model]
        return self.of_image(self.origin) if self.origin else None

    def back_to_image(self) -> None:
        """To the mu of what was left last, or of the first image. Locked dimensions keep their value."""
        place = self.home or self.of_image(cache.first_image(self.entry.model_id))
        code = self._with_locked(place.code)
        self.go(place if code == place.code else Place(code, None, f"{place.caption}, turned"))
        if place.image_id is not None:
            self.origins[self.model] = place.image_id

    def go_random(self) -> None:
        """To a code drawn from the prior, another one each time. Locked dimensions keep their value."""
        self.draws += 1
        drawn = cache.random_codes(self.entry.model_id, 1, 1.0, 10_000 + self.draws)[0]
        self.go(Place(self._with_locked(drawn), None, f"random code {self.draws}"))

    def _with_locked(self, code: Code) -> Code:
        """A code with the current values of the locked dimensions."""
        locked = self.locked.get(self.model, frozenset())
        return tuple(self.place.code[dim] if dim in locked else z for dim, z in enumerate(code))

    def undo(self) -> None:
        if self.before.get(self.model):
            self.after.setdefault(self.model, []).append(self.place)
            self.places[self.model] = self.before[self.model].pop()

    def redo(self) -> None:
        if self.after.get(self.model):
            self.before.setdefault(self.model, []).append(self.place)
            self.places[self.model] = self.after[self.model].pop()

    def gather(self, group: Group) -> None:
        """Keep a group of images under its name; an older one of that name gives way."""
        kept = [other for other in self.groups.get(self.model, []) if other.name != group.name]
        self.groups[self.model] = [*kept, group][-GROUP_LIMIT:]

    def keep_direction(self, kept: KeptDirection) -> None:
        """Keep a direction of the chosen model under its name; an older one of that name gives way."""
        others = [other for other in self.directions.get(self.model, []) if other.name != kept.name]
        self.directions[self.model] = [*others, kept][-DIRECTION_LIMIT:]

    def choose(self, model: str) -> None:
        """Make another model the chosen one; each keeps its own place."""
        self.model = model

    def keep(self, place: Place) -> None:
        """Put a code on the shelf, once."""
        kept = Kept(self.model, place, self.keeps + 1)
        if kept not in self.shelf:
            self.keeps += 1
            self.shelf.insert(0, kept)
            del self.shelf[SHELF_LIMIT:]

    def take_out(self, kept: Kept) -> None:
        """Make a kept code, and its model, the current one."""
        self.choose(kept.model)
        self.go(kept.place)

    def empty_shelf(self) -> None:
        self.emptied, self.shelf = self.shelf, []

    def refill_shelf(self) -> None:
        self.shelf, self.emptied = self.emptied + self.shelf, []

    def remove(self, model: str, thing: "Kept | Group | KeptDirection | Board", name: str) -> None:
        """Give up one thing that was kept; `bring_back` leads back. What is there no more is no mistake."""
        held = self._list_of(model, thing)
        place = next((place for place, other in enumerate(held) if other is thing or other == thing), -1)
        if place >= 0:
            self.removed.append(Removed(model, place, held.pop(place), name))
            del self.removed[:-REMOVED_LIMIT]

    def bring_back(self) -> None:
        """Put back what was removed last, where it stood; one of the same name gives way."""
        if not self.removed:
            return
        gone = self.removed.pop()
        held = self._list_of(gone.model, gone.thing)
        if isinstance(gone.thing, Kept):
            held[:] = [other for other in held if other != gone.thing]
        else:
            held[:] = [other for other in held if other.name != gone.thing.name]
        held.insert(gone.place, gone.thing)

    def _list_of(self, model: str, thing: "Kept | Group | KeptDirection | Board") -> list[Any]:
        if isinstance(thing, Kept):
            return self.shelf
        if isinstance(thing, Group):
            return self.groups.setdefault(model, [])
        if isinstance(thing, KeptDirection):
            return self.directions.setdefault(model, [])
        return self.boards.setdefault(model, Boards()).kept

    def known_models(self) -> set[str]:
        """The models of which anything is known."""
        of_each = (self.places, self.before, self.locked, self.groups, self.directions, self.keyframes, self.boards)
        return {name for held in of_each for name in held} | {kept.model for kept in self.shelf} | {self.model} - {""}

    def see(self, ids: dict[str, str]) -> None:
        """Forget what belonged to models that are gone or have been replaced; `ids` names those there are."""
        lost = {name for name, model_id in self.ids.items() if ids.get(name) != model_id}
        for kept in (self.places, self.before, self.after, self.origins, self.brought, self.locked):
            for name in lost & kept.keys():
                del kept[name]
        for name in lost:
            self.groups.pop(name, None)
            self.directions.pop(name, None)
            self.boards.pop(name, None)
            self.keyframes.pop(name, None)
        self.shelf = [kept for kept in self.shelf if kept.model not in lost]
        self.emptied = [kept for kept in self.emptied if kept.model not in lost]
        self.removed = [gone for gone in self.removed if gone.model not in lost]
        self.ids = ids
        if self.model not in ids:
            self.model = next(iter(ids), "")


def here() -> State:
    """This visitor's state. `sessions.wake` has put it into the session; without it, the first model that ships."""
    state: State = st.session_state.setdefault("muscope", State(""))
    state.see({entry.name: entry.model_id for entry in seen.models()})
    return state


def turn_page() -> None:
    """Another dozen on the first page."""
    st.session_state["muscope.start.turn"] = st.session_state.get("muscope.start.turn", 0) + 1
