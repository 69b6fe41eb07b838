"""What can be put on a board: images, means, kept codes, a drawing, directions; and what stands there first."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from pages.ui import builder, cache, groups, pen
from pages.ui.board_terms import Board, Term
from pages.ui.cache import Code
from pages.ui.doors import favourite
from pages.ui.state import Place, State
from pages.ui.widgets import words
from vae.explore.gathered import gathered

SHOWN = 8  # images offered at once
OWN = (pen.CAPTION, builder.CAPTION)
CURRENT, IMAGES, MEANS, GROUPS, KEPT, DRAWING = "current", "images", "means", "groups", "kept", "drawing"
ATTRIBUTES, DIRECTIONS = "attributes", "directions"
TITLES = {
    CURRENT: "this picture",
    IMAGES: "any image",
    MEANS: "the mean of a kind",
    GROUPS: "groups from the map",
    KEPT: "kept codes",
    DRAWING: "your own picture",
    ATTRIBUTES: "directions of labels and attributes",
    DIRECTIONS: "kept directions",
}

# Sums that come out well, by the model's name: a source and a weight. They are tested.
EXAMPLES = {
    "fashion-mnist": (("mean:label:Pullover", 1.0), ("mean:label:T-shirt/top", -1.0), ("image:test/35", 1.0)),
    "mnist": (("image:test/1143", 1.0), ("image:test/1507", -1.0), ("image:test/614", 1.0)),  # 7 - 7 + 3: it gets bold
}


# ---- what can be added ---------------------------------------------------------------------------------------------


def sources(state: State) -> list[str]:
    """Where a term can come from now."""
    model_id = state.entry.model_id
    kinds = list(cache.kinds(model_id))
    there = {
        CURRENT: True,
        IMAGES: True,
        MEANS: bool(kinds),
        GROUPS: bool(groups.of(state)),
        KEPT: any(kept.model == state.model for kept in state.shelf),
        DRAWING: drawn(state) is not None,
        ATTRIBUTES: bool(cache.directions(model_id)),
        DIRECTIONS: bool(state.directions.get(state.model)),
    }
    found = [source for source in TITLES if there[source]]
    return found[:2] + kinds + found[2:]


def title(source: str) -> str:
    """What a source is called: "images with glasses", "images labelled 3", or as TITLES says."""
    if source in TITLES:
        return TITLES[source]
    return f"images {'with' if source.startswith('attribute') else 'labelled'} {words(source)}"


def turns(source: str) -> bool:
    """Whether there are more images where these came from."""
    return source == IMAGES or source not in TITLES


def offered(state: State, source: str, turn: int) -> list[Term]:
    """The terms that a source offers; another `turn`, other images."""
    model_id = state.entry.model_id
    if source == CURRENT:
        return [_of_place(state.place)]
    if source == MEANS:
        return [term for kind in cache.kinds(model_id) for term in _means(model_id, kind)]
    if source == GROUPS:
        return [_of_group(model_id, group.name, group.rows) for group in reversed(groups.of(state))]
    if source == KEPT:
        return [_of_place(kept.place) for kept in state.shelf if kept.model == state.model]
    if source == DRAWING:
        return [Term(place.code, place.caption) for place in (drawn(state),) if place is not None]
    if source == ATTRIBUTES:
        return [_of_kind(model_id, kind) for kind in cache.directions(model_id)]
    if source == DIRECTIONS:
        return kept_directions(state)
    if source == IMAGES:
        return [_of_place(state.of_image(image)) for image in cache.some_images(model_id, SHOWN, turn)]
    images = dict.fromkeys(cache.image_of_kind(model_id, source, turn * SHOWN + place) for place in range(SHOWN))
    return [_of_place(state.of_image(image)) for image in images]


def kept_directions(state: State) -> list[Term]:
    """The directions of the chosen model that were kept, the newest first, as whole steps."""
    return [
        Term(_long(kept.vector, kept.gap), kept.name, step=True, rests=kept.words)
        for kept in reversed(state.directions.get(state.model, []))
    ]


def drawn(state: State) -> Place | None:
    """This visitor's newest drawing or built face, for the chosen model; None without one."""
    been = (state.place, *reversed(state.before.get(state.model, [])))
    return next((place for place in been if place.image_id is None and place.caption in OWN), None)


def average(model_id: str) -> Code:
    """The mean code of all images: where directions start when no picture is on the board."""
    return _mean(model_id, "", True)


def face_of(model_id: str, term: Term) -> tuple[Code, ...]:
    """The codes whose pictures show what a term is: its own; of a direction, from half a step before the average on."""
    if not term.step:
        return (term.vector,)
    low, high = (replace(term, weight=weight) for weight in (-1.0, 1.0))
    return tuple(Board((each,)).code(average(model_id)) for each in (low, high))


def _of_place(place: Place) -> Term:
    return Term(place.code, place.caption, image_id=place.image_id)


def _of_kind(model_id: str, kind: str) -> Term:
    direction = cache.direction(model_id, kind)
    return Term(_long(tuple(direction.vector.tolist()), direction.gap), words(kind), step=True, kind=kind)


def _of_group(model_id: str, name: str, rows: np.ndarray) -> Term:
    mean = gathered(cache.encodings(model_id).mu, rows).mean
    return Term(tuple(mean.tolist()), f"the mean of {name}")


def _means(model_id: str, kind: str) -> list[Term]:
    """The mean of a kind; of an attribute, that of the others too."""
    names = [name.replace("_", " ") for name in cache.groups(model_id, kind).names]
    sides = (True,) if kind.startswith("label") else (True, False)
    return [Term(_mean(model_id, kind, side), f"the mean of {names[not side]}") for side in sides]


def _long(vector: Sequence[float], gap: float) -> Code:
    return tuple(gap * number for number in vector)


@lru_cache(maxsize=256)
def _mean(model_id: str, kind: str, side: bool) -> Code:
    """The mean of the images of a kind, or of the others; of all where it is ""."""
    known = cache.encodings(model_id)
    rows = np.arange(len(known))
    if kind:
        found = cache.groups(model_id, kind)
        rows = np.flatnonzero(found.positive if side else found.negative)
    return tuple(gathered(known.mu, rows).mean.tolist())


# ---- what stands there first ---------------------------------------------------------------------------------------


def example(state: State) -> Board:
    """A sum that shows something: of those that are known to, else what two groups differ in, added to this picture."""
    model_id, here = state.entry.model_id, _of_place(state.place)
    board = Board()
    for source, weight in EXAMPLES.get(state.model, ()) if state.entry.shipped else ():
        board = board.with_term(replace(_from(state, source), weight=weight))
    if board.terms:
        return board
    kind = favourite(model_id)
    if kind is None:
        any_two = [state.of_image(image) for image in cache.some_images(model_id, 2, 0)]
        a, b = (_of_place(place) for place in (any_two * 2)[:2])
    elif kind.startswith("attribute"):
        a, b = _means(model_id, kind)
        if _has(state, kind):
            a, b = b, a  # taken away: more of it would show nothing
    else:
        a, b = _two_classes(state, kind)
    for term, weight in ((a, 1.0), (b, -1.0), (here, 1.0)):
        board = board.with_term(replace(term, weight=weight))
    return board


def _has(state: State, kind: str) -> bool:
    """Whether the current picture is an image that has an attribute already."""
    model_id, image_id = state.entry.model_id, state.place.image_id
    return image_id is not None and bool(cache.groups(model_id, kind).positive[cache.row_of(model_id, image_id)])


def _two_classes(state: State, kind: str) -> tuple[Term, Term]:
    """Another class than this picture's, and its own: what turns the one into the other."""
    model_id, image_id = state.entry.model_id, state.place.image_id
    known = cache.encodings(model_id)
    row = None if image_id is None else known.row_of(image_id)
    own = kind if row is None or known.labels is None else f"label:{known.label_names[known.labels[row]]}"
    other = cache.another_kind(model_id, image_id)
    if other is None or other == own:
        other = next((each for each in cache.kinds(model_id) if each != own), kind)
    return _means(model_id, other)[0], _means(model_id, own)[0]


def _from(state: State, source: str) -> Term:
    what, _, name = source.partition(":")
    return _of_place(state.of_image(name)) if what == "image" else _means(state.entry.model_id, name)[0]
