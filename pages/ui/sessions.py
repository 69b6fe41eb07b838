"""How a visit comes back: by its address, by a file, or by this machine's memory of the browser.

The address says what the page shows, so a copy of it shows the same to anybody. What is too long for an address is kept
under an id (`live.links`). A browser that keeps cookies finds its whole visit again after a reload or a restart. A file
holds the same, to take along. What a link or a file brings is checked word by word (`snapshot`, `remembered`).
"""

import base64
import binascii
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from live import links
from live.visitor import owner_of
from pages.ui import cache, remembered, seen
from pages.ui.board_terms import Board, Boards
from pages.ui.documents import packed, refused, unpacked
from pages.ui.snapshot import restore, snapshot
from pages.ui.state import Group, Kept, KeptDirection, Place, State
from pages.ui.visitor import me
from vae.errors import VAEError

LONGEST = 1800  # letters of an address's state; some mail and chat programs break longer ones
FILE = "muscope-session.json"
_UNPACKED = 1 << 20  # bytes of the state in an address
_WRITTEN = "muscope.written"  # the last document that was kept for this visitor, by its id
_BEFORE = "muscope.before"  # what was on the screen before a session was opened
T = TypeVar("T", Group, KeptDirection, Board)


# ---- at the beginning of a visit -----------------------------------------------------------------------------------


def wake(page: str) -> None:
    """Make the state of a new visit: what this browser had last, and over it what the address says.

    Args:
        page: the one that is opened, as in its address.
    """
    if "muscope" in st.session_state:
        return
    ids = {entry.name: entry.model_id for entry in seen.models()}
    asked = st.query_params.to_dict()
    linked = any(asked.get(name) for name in ("model", "image", "view", "link"))
    state = _last(ids, page, linked)
    state.run = asked.get("run", state.run)
    if linked and ids:
        state = _by_link(state, ids, asked)
    st.session_state["muscope"] = state


def _last(ids: Mapping[str, str], page: str, linked: bool) -> State:
    """What this browser had last; where it had nothing, the first model that ships."""
    document = links.shared().remembered(owner_of(st.context.cookies))
    if document is not None:
        try:
            said = unpacked(document)
            values = said.pop("values", {})
            state = restore(said, ids)
            if linked and isinstance(values, dict):
                values = remembered.without(state, values, page)
            remembered.put_back(state, values, forms=True)
            return replace(state, notice="")  # that a model is gone is no news to whoever deleted it
        except VAEError:
            links.shared().forget(owner_of(st.context.cookies))
    return State(next(iter(ids), ""), ids=dict(ids))


def _by_link(state: State, ids: Mapping[str, str], asked: Mapping[str, str]) -> State:
    """A visit with what an address says; its notice says what could not be had."""
    name = asked.get("model") or state.model
    try:
        if said := _document(asked):
            values = said.pop("values", {})
            theirs = restore(said, ids)
            if theirs.notice and theirs.model not in theirs.places:
                return replace(state, notice=theirs.notice)
            state = joined(state, theirs)
            remembered.put_back(state, values)
            return state
    except VAEError as error:
        state.notice = f"The link could not be opened as it was made. {error}"
    if name not in ids:
        state.notice = f"The link names a model that is not here, or not shared ({name[:40]}), so another is shown."
        return state
    state.model = name
    state.places.pop(name, None)
    image_id = asked.get("image", "")
    try:
        if image_id and cache.has_image(ids[name], image_id):
            state.places[name] = state.of_image(image_id)
        elif image_id:
            state.notice = f"The link names an image that this model does not know ({image_id[:40]})."
    except VAEError:  # a model that cannot say what it knows is told about on the page
        pass
    return state


def _document(asked: Mapping[str, str]) -> dict[str, Any] | None:
    """The document that an address holds or names; None where it does neither. VAEError: it cannot be read."""
    if "link" in asked:
        return unpacked(links.shared().find(asked["link"]))
    if "view" not in asked:
        return None
    try:
        reader = zlib.decompressobj()
        data = reader.decompress(base64.b64decode(asked["view"], altchars=b"-_", validate=True), _UNPACKED)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise refused("the address was cut off or changed") from error
    if not reader.eof:
        raise refused("the address was cut off or changed")
    return unpacked(data)


def joined(mine: State, theirs: State) -> State:
    """My visit with what a link shows: its model as it is there; what is kept there beside what I kept.

    Where a name stands for two things, the link's keeps it and mine is numbered: the page names what it shows.
    """
    name = theirs.model
    found = replace(mine, model=name, notice=theirs.notice, run=theirs.run or mine.run)
    _take(name, found.places, theirs.places)
    _take(name, found.locked, theirs.locked)
    _take(name, found.origins, theirs.origins)
    _take(name, found.keyframes, theirs.keyframes)
    found.groups[name] = _beside(mine.groups.get(name, []), theirs.groups.get(name, []), _same_group)
    found.directions[name] = _beside(mine.directions.get(name, []), theirs.directions.get(name, []), _equal)
    ours, others = mine.boards.get(name, Boards()), theirs.boards.get(name, Boards())
    found.boards[name] = replace(ours, now=others.now, kept=_beside(ours.kept, others.kept, _equal))
    own = [kept for kept in mine.shelf if kept not in theirs.shelf]
    taken = {kept.number for kept in theirs.shelf}
    free = iter(number for number in range(1, len(own) + len(taken) + 2) if number not in taken)
    found.shelf = [*theirs.shelf, *(Kept(kept.model, kept.place, next(free)) for kept in own)]
    found.keeps = max((kept.number for kept in found.shelf), default=0)
    return found


def _take(name: str, mine: dict[str, Any], theirs: Mapping[str, Any]) -> None:
    """What is said of one model as they have it: nothing where they have nothing."""
    mine.pop(name, None)
    if name in theirs:
        mine[name] = theirs[name]


def _beside(mine: list[T], theirs: list[T], same: Callable[[T, T], bool]) -> list[T]:
    """Both, the link's last; mine under another name where the link's is taken by something else."""
    own: list[T] = [one for one in mine if not any(same(one, other) for other in theirs)]
    taken = {one.name for one in (*own, *theirs)}
    for place, one in enumerate(own):
        if any(one.name == other.name for other in theirs):
            number = next(n for n in range(2, len(taken) + 3) if f"{one.name} ({n})" not in taken)
            own[place] = replace(one, name=f"{one.name} ({number})")
            taken.add(own[place].name)
    return own + theirs


def _equal(one: object, other: object) -> bool:
    return one == other


def _same_group(one: Group, other: Group) -> bool:
    return one.name == other.name and one.rows.tolist() == other.rows.tolist()


# ---- at the end of every run ---------------------------------------------------------------------------------------


def keep(state: State, page: str) -> None:
    """Write what the page shows into the address, and the whole visit where this browser finds it again."""
    remembered.see_first(page)
    wanted = _address(state, page)
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)
    owner = owner_of(st.context.cookies)
    if owner:
        document = packed(whole_visit(state, forms=True))
        name = links.id_of(document)
        if st.session_state.get(_WRITTEN) != name:
            st.session_state[_WRITTEN] = name
            links.shared().remember(owner, document)


def whole_visit(state: State, forms: bool = False) -> dict[str, Any]:
    """Everything, of every model and every page. `forms`: with what is typed into forms."""
    return snapshot(state, whole=True) | {"values": remembered.values(state, forms=forms)}


def _shown(state: State, page: str) -> dict[str, Any]:
    """What a link to the page has to say."""
    return snapshot(state) | {"values": remembered.values(state, page)}


def _address(state: State, page: str) -> dict[str, str]:
    """The query of the address: short where the page is as it opens, else with all that was changed."""
    wanted = {"model": state.model} if state.model else {}
    place = state.places.get(state.model)
    if place is not None and place.image_id is not None:
        wanted["image"] = place.image_id
    wanted |= state.link
    document = _shown(state, page)
    if not state.model or (_as_usual(document, state.model, place) and not document["values"]):
        return wanted
    data = packed(document)
    short = base64.urlsafe_b64encode(zlib.compress(data, 9)).decode()
    if len(short) <= LONGEST:
        return wanted | {"view": short}
    try:
        return wanted | {"link": links.shared().keep(me(state), data, copied=False)}
    except VAEError:  # a full disk: the page goes on, and says so where something is to be saved
        return wanted


def _as_usual(document: Mapping[str, Any], model: str, place: Place | None) -> bool:
    """Whether the name of the model and of its image say it all."""
    about = document["models"].get(model, {})
    return "shelf" not in document and about.keys() <= {"id", "place"} and (place is None or place.image_id is not None)


# ---- a link that was copied ----------------------------------------------------------------------------------------


def copied(state: State) -> None:
    """The address was copied: what it names stays. VAEError: it cannot."""
    if name := st.query_params.get("link", ""):
        links.shared().keep(me(state), links.shared().find(name), copied=True)


# ---- a file --------------------------------------------------------------------------------------------------------


def session_file(state: State) -> bytes:
    """Everything, to take along. The models themselves stay where they are."""
    return packed(whole_visit(state))


def open_file(state: State, data: bytes) -> None:
    """Go on with what a file holds; `close_file` leads back. VAEError: one line; nothing was changed."""
    if len(data) > links.LARGEST:
        raise refused(f"it is larger than {links.LARGEST >> 20} MB")
    before = whole_visit(state, forms=True)
    _open(state, unpacked(data))
    st.session_state[_BEFORE] = before


def can_close() -> bool:
    return _BEFORE in st.session_state


def close_file(state: State) -> None:
    """Back to what was on the screen before a session was opened."""
    before = st.session_state.pop(_BEFORE)
    _open(state, before, forms=True)


def _open(state: State, said: dict[str, Any], forms: bool = False) -> None:
    values = said.get("values", {})
    found = restore({key: value for key, value in said.items() if key != "values"}, state.ids)
    remembered.check(found, values, forms)
    remembered.clear(state)
    remembered.put_back(found, values, forms)
    # The same visitor: what the server knows them by, and what was heard of this page, stay.
    st.session_state["muscope"] = replace(found, name=state.name, presses=state.presses + 1)
