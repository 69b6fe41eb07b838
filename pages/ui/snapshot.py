"""What a visitor looks at, as a document of plain JSON, and back.

The same document is a link, a session file, and what is kept for a visitor who comes back. It names models by their
content, so what belonged to a model that is gone, or is another by now, is left out, and said to be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from live.engine import ModelEntry
from pages.ui import cache
from pages.ui.board_terms import KEPT_LIMIT, LIMIT, MOST, Board, Boards, Term
from pages.ui.documents import (
    each,
    fields,
    items,
    named,
    number,
    read_code,
    read_image,
    read_place,
    read_rows,
    refused,
    text,
    whole,
    write_code,
    write_place,
    write_places,
    write_rows,
)
from pages.ui.state import DIRECTION_LIMIT, GROUP_LIMIT, SHELF_LIMIT, Group, Kept, KeptDirection, Place, State
from vae.explore.paths import MOST as MOST_KEYFRAMES

SCHEMA = 1
MODELS = 200  # in one document
STEPS_BACK = 20  # of undo
WORDS = 600  # letters of a sentence that a direction or a term rests on
_COUNTS = 10**9  # how often something can have been done
Named = TypeVar("Named", Group, KeptDirection, Board)


# ---- into a document -----------------------------------------------------------------------------------------------


def snapshot(state: State, whole: bool = False) -> dict[str, Any]:
    """Everything about the chosen model; with `whole`, about every model, and the way back as well."""
    names = sorted(state.known_models()) if whole else [state.model] if state.model else []
    models = {name: _model(state, name, whole) for name in names if name in state.ids}
    shelf = [_kept(kept) for kept in state.shelf if kept.model in models]
    document: dict[str, Any] = {"muscope": SCHEMA, "chosen": state.model, "models": models}
    if shelf:
        document["shelf"] = shelf
    if state.draws and whole:
        document["draws"] = state.draws
    if state.run and whole:
        document["run"] = state.run
    return document


def _model(state: State, name: str, whole: bool) -> dict[str, Any]:
    """What is known of one model; nothing is said of what is as usual."""
    said: dict[str, Any] = {"id": state.ids[name]}
    if name in state.places:
        said["place"] = write_place(state.places[name])
    if name in state.origins and (name not in state.places or state.places[name].image_id is None):
        said["origin"] = state.origins[name]
    if whole and state.before.get(name):
        said["before"] = write_places(state.before[name][-STEPS_BACK:])
    if state.locked.get(name):
        said["locked"] = sorted(state.locked[name])
    if state.groups.get(name):
        images = len(cache.encodings(state.ids[name]))
        said["groups"] = [_group(group, images) for group in state.groups[name]]
    if state.directions.get(name):
        said["directions"] = [_direction(kept) for kept in state.directions[name]]
    if state.keyframes.get(name):
        said["keyframes"] = write_places(state.keyframes[name][-1])
    boards = state.boards.get(name, Boards())
    if boards.now is not None:
        said["sum"] = _board(boards.now)
    if boards.kept:
        said["sums"] = [_board(board) for board in boards.kept]
    return said


def _kept(kept: Kept) -> dict[str, Any]:
    return {"model": kept.model, "number": kept.number, "place": write_place(kept.place)}


def _group(group: Group, images: int) -> dict[str, Any]:
    polygon = [list(corner) for corner in group.polygon]
    return {"name": group.name, "rows": write_rows(group.rows, images), "view": group.view, "polygon": polygon}


def _direction(kept: KeptDirection) -> dict[str, Any]:
    return {"name": kept.name, "vector": write_code(kept.vector), "gap": kept.gap, "words": kept.words}


def _board(board: Board) -> dict[str, Any]:
    return {"name": board.name, "terms": [_term(term) for term in board.terms]}


def _term(term: Term) -> dict[str, Any]:
    said: dict[str, Any] = {"vector": write_code(term.vector), "words": term.words, "weight": term.weight}
    said |= {"number": term.number, "step": term.step, "kind": term.kind, "rests": term.rests}
    return said if term.image_id is None else said | {"image": term.image_id}


# ---- and back ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Here:
    """The models that this visitor may see, and those of a document that are none of them."""

    ids: Mapping[str, str]
    lost: list[str]

    def find(self, name: str, model_id: str) -> str:
        """What a model of that content is called here; "" where there is none."""
        if self.ids.get(name) == model_id:
            return name
        return next((other for other, found in self.ids.items() if found == model_id), "")


def restore(document: object, ids: Mapping[str, str]) -> State:
    """What `snapshot` wrote.

    Args:
        document: anything at all.
        ids: name and model_id of every model that this visitor may see.

    Returns:
        A new visit. Its notice says what had to be left out because a model is not here.

    Raises:
        VAEError: one line; it is no such document, or of a later version.
    """
    may = ("shelf", "draws", "run", "values")
    if isinstance(document, dict) and type(document.get("muscope")) is int and document["muscope"] > SCHEMA:
        raise refused("it was written by a later version; update Muscope to open it")
    said = fields(document, "the document", ("muscope", "chosen", "models"), may)
    whole(said["muscope"], "its version", SCHEMA, SCHEMA)
    if not isinstance(said["models"], dict) or len(said["models"]) > MODELS:
        raise refused(f"it does not name up to {MODELS} models")
    here, names = _Here(ids, []), {}
    state = State(next(iter(ids), ""), ids=dict(ids), run=_run(said.get("run", "")))
    for name, about in said["models"].items():
        names[name] = _restore_model(state, here, name, about)
    chosen = said["chosen"]
    if not isinstance(chosen, str) or (chosen and chosen not in names):
        raise refused("it does not say which model is chosen")
    state.model = names.get(chosen) or state.model
    shelf = items(said.get("shelf", []), "what was kept", SHELF_LIMIT)
    state.shelf = [kept for one in shelf if (kept := _restore_kept(names, one)) is not None]
    if len({kept.number for kept in state.shelf}) < len(state.shelf):
        raise refused("two kept codes have one number")
    state.keeps = max((kept.number for kept in state.shelf), default=0)
    state.draws = whole(said.get("draws", 0), "the number of draws", 0, _COUNTS)
    if here.lost:
        which = ", ".join(text(name, "a model's name", 200)[:40] for name in here.lost[:3])
        more = f" and {len(here.lost) - 3} more" if len(here.lost) > 3 else ""
        state.notice = f"Left out, because the model is not here, not shared, or another one now: {which}{more}."
    return state


def _run(value: object) -> str:
    """The name of a training; whether there is one is seen when it is looked for."""
    said = text(value, "the training", 200)
    if said and not all(letter.isalnum() or letter in "-_.:" for letter in said):
        raise refused("it names no training")
    return said


def _restore_model(state: State, here: _Here, name: str, about: object) -> str:
    """Everything about one model; its name here, "" where it is not here."""
    may = ("place", "origin", "before", "locked", "groups", "directions", "keyframes", "sum", "sums")
    said = fields(about, "a model", ("id",), may)
    found = here.find(name, text(said["id"], "a model's id", 100))
    if not found:
        here.lost.append(name)
        return ""
    entry = cache.entry(found)
    places: Callable[[object, str, int], list[Place]] = partial(each, lambda one: read_place(one, entry))
    if "place" in said:
        state.places[found] = read_place(said["place"], entry)
    if "origin" in said:
        state.origins[found] = read_image(said["origin"], entry)
    if "before" in said:
        state.before[found] = places(said["before"], "the way back", STEPS_BACK)
    if "locked" in said:
        dims = each(
            lambda dim: whole(dim, "a lock", 0, entry.latent_dim - 1), said["locked"], "locks", entry.latent_dim
        )
        state.locked[found] = frozenset(dims)
    if "groups" in said:
        state.groups[found] = _apart(each(partial(_read_group, entry), said["groups"], "groups", GROUP_LIMIT), "groups")
    if "directions" in said:
        kept = each(partial(_read_direction, entry), said["directions"], "directions", DIRECTION_LIMIT)
        state.directions[found] = _apart(kept, "directions")
    if "keyframes" in said:
        frames = places(said["keyframes"], "keyframes", MOST_KEYFRAMES)
        if len(frames) < 2:
            raise refused("a path has fewer than two keyframes")
        state.keyframes[found] = [tuple(frames)]
    if "sum" in said or "sums" in said:
        now = _read_board(entry, said["sum"]) if "sum" in said else None
        sums = each(partial(_read_board, entry), said.get("sums", []), "sums", KEPT_LIMIT)
        state.boards[found] = Boards(now=now, kept=_apart(sums, "sums"))
    return found


def _apart(kept: list[Named], what: str) -> list[Named]:
    """The same, each with a name of its own."""
    names = [one.name for one in kept]
    if "" in names or len(set(names)) < len(names):
        raise refused(f"two {what} have one name, or one has none")
    return kept


def _restore_kept(names: Mapping[str, str], value: object) -> Kept | None:
    said = fields(value, "a kept code", ("model", "number", "place"))
    model = names[named(said["model"], "the model of a kept code", names)]
    if not model:
        return None
    return Kept(model, read_place(said["place"], cache.entry(model)), whole(said["number"], "a number", 0, _COUNTS))


def _read_group(entry: ModelEntry, value: object) -> Group:
    said = fields(value, "a group", ("name", "rows", "view", "polygon"))
    polygon = tuple(_read_corner(corner) for corner in items(said["polygon"], "the line around a group", 1000))
    rows = read_rows(said["rows"], len(cache.encodings(entry.model_id)))
    return Group(text(said["name"], "the name of a group", 100), rows, text(said["view"], "a view", 40), polygon)


def _read_corner(value: object) -> tuple[float, float]:
    corner = items(value, "a corner", 2)
    if len(corner) != 2:
        raise refused("a corner of a line is no point")
    return number(corner[0], "a corner"), number(corner[1], "a corner")


def _read_direction(entry: ModelEntry, value: object) -> KeptDirection:
    said = fields(value, "a direction", ("name", "vector", "gap", "words"))
    vector = read_code(said["vector"], entry.latent_dim)
    if abs(float(np.linalg.norm(vector)) - 1) > 1e-3:
        raise refused("a direction is not of length 1")
    name, words = text(said["name"], "the name of a direction", 100), text(said["words"], "its words", WORDS)
    return KeptDirection(name, vector, number(said["gap"], "the step of a direction"), words)


def _read_board(entry: ModelEntry, value: object) -> Board:
    said = fields(value, "a sum", ("name", "terms"))
    terms = tuple(each(partial(_read_term, entry), said["terms"], "the terms of a sum", MOST))
    if len({term.number for term in terms}) < len(terms):
        raise refused("two terms of a sum have one number")
    return Board(terms, text(said["name"], "the name of a sum", 100))


def _read_term(entry: ModelEntry, value: object) -> Term:
    must = ("vector", "words", "weight", "number", "step", "kind", "rests")
    said = fields(value, "a term", must, ("image",))
    if type(said["step"]) is not bool:
        raise refused("a term is neither a picture nor a direction")
    return Term(
        read_code(said["vector"], entry.latent_dim),
        text(said["words"], "the words of a term", 400),
        number(said["weight"], "a weight", LIMIT),
        read_image(said["image"], entry) if "image" in said else None,
        said["step"],
        named(said["kind"], "what a term is about", ("", *cache.kinds(entry.model_id))),
        text(said["rests"], "what a term rests on", WORDS),
        whole(said["number"], "the number of a term", 0, _COUNTS),
    )
