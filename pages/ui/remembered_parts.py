"""What pages keep in the session besides the values of widgets: how each is written as plain JSON, and read again.

A page that comes to keep something more, on which its picture depends, adds a Part here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from pages.ui import builder, cache, own_picture, pen, samples, unlabelled
from pages.ui.anomaly_grid import Pressed
from pages.ui.builder import Built
from pages.ui.direction_picks import MOST as MOST_PICKED
from pages.ui.direction_picks import SIDES
from pages.ui.documents import (
    each,
    fields,
    items,
    named,
    number,
    read_code,
    read_image,
    read_place,
    refused,
    text,
    whole,
    write_code,
    write_place,
)
from pages.ui.knobs import REACH
from pages.ui.own_picture import HELD, Own
from pages.ui.pen import Drawn
from pages.ui.samples import Draw
from pages.ui.state import State
from vae.data.faces import FACTORS

EVERYWHERE = "*"  # of a part that several pages show
NAME = re.compile(r"[\w.:,;()/ +-]{1,200}")  # of what is kept in the session
OWN_BYTES = 1 << 20  # of pictures of one's own: `live.links.LARGEST` has room for them and for everything else
_TURNS = 10**6


@dataclass(frozen=True)
class Part:
    """Something that a page keeps in the session.

    Attributes:
        page: whose it is, as `remembered.PAGES` has it.
        name: of it in the session; {id} and {model} stand for those of the chosen model.
        write: what to say of it, None for nothing. It is given the state and the value.
        read: the value again. VAEError: there is no such thing.
        private: in no link and no file, like what is typed into forms.
    """

    page: str
    name: str
    write: Callable[[State, Any], Any]
    read: Callable[[State, Any], Any]
    private: bool = False

    def key(self, state: State) -> str:
        return self.name.replace("{id}", state.entry.model_id).replace("{model}", state.model)


def _count(page: str, name: str) -> Part:
    return Part(page, name, lambda _, value: int(value) or None, lambda _, said: whole(said, "a count", 0, _TURNS))


def _turns(page: str, name: str) -> Part:
    """How often other pictures were asked for, box by box."""

    def write(state: State, value: Mapping[str, int]) -> dict[str, int] | None:
        return {box: turn for box, turn in value.items() if turn and NAME.fullmatch(box)} or None

    def read(state: State, said: object) -> dict[str, int]:
        if not isinstance(said, dict) or len(said) > 200 or not all(NAME.fullmatch(box) for box in said):
            raise refused("other pictures were asked for in a place that is none")
        return {box: whole(turn, "a turn", 0, _TURNS) for box, turn in said.items()}

    return Part(page, name, write, read)


def _write_draw(state: State, value: Draw) -> Any:
    """A draw, as Python shows it at first: a browser that comes anew asks for its pictures itself."""
    drawn = replace(value, live=False)
    return None if drawn == Draw() else asdict(drawn)


def _write_kept_sample(state: State, value: Any) -> Any:
    (model_id, drawn), place = value
    if model_id != state.entry.model_id:
        return None
    return {"draw": asdict(drawn), "place": write_place(place)}


def _read_kept_sample(state: State, said: object) -> Any:
    about = fields(said, "a kept sample", ("draw", "place"))
    drawn = samples.read_draw(_object(about["draw"]))
    return (state.entry.model_id, drawn), read_place(about["place"], state.entry)


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refused("a draw is none")
    return value


def _write_turned(state: State, value: Any) -> Any:
    """How far the knobs of Directions are turned, while they are those of this picture."""
    key, values = value
    ways = [way for way in unlabelled.TITLES if key == unlabelled.key_of(state, way)]
    return {"way": ways[0], "values": list(values)} if ways and any(values) else None


def _read_turned(state: State, said: object) -> Any:
    about = fields(said, "turned knobs", ("way", "values"))
    way = named(about["way"], "a way to find directions", unlabelled.TITLES)
    most = min(unlabelled.SHOWN, state.entry.latent_dim)
    values = each(lambda one: number(one, "a knob", 5 * unlabelled.REACH), about["values"], "turned knobs", most)
    return unlabelled.key_of(state, way), tuple(values)


def _write_spot(state: State, value: Any) -> Any:
    model_id, view, code, spot = value
    here = (model_id, code) == (state.entry.model_id, state.place.code)
    return {"view": view, "spot": list(spot)} if here else None


def _read_spot(state: State, said: object) -> Any:
    about = fields(said, "a point of the map", ("view", "spot"))
    across, up = (number(at, "a point of the map") for at in items(about["spot"], "a point of the map", 2))
    return state.entry.model_id, text(about["view"], "a view", 40), state.place.code, (across, up)


def _write_path(state: State, value: Any) -> Any:
    model_id, codes = value
    return [write_code(code) for code in codes[:60]] if model_id == state.entry.model_id else None


def _read_path(state: State, said: object) -> Any:
    size = state.entry.latent_dim
    return state.entry.model_id, tuple(each(lambda code: read_code(code, size), said, "the path on the map", 60))


def _write_drawn(state: State, value: Any) -> Any:
    return value[1] if value and value[0] == state.entry.model_id else None


def _write_pressed(state: State, value: Pressed) -> Any:
    here = value.model_id == state.entry.model_id
    return {"data": value.data, "name": value.name} if here else None


def _read_pressed(state: State, said: object) -> Pressed:
    about = fields(said, "a strange image", ("data", "name"))
    if not isinstance(about["name"], str) or not re.fullmatch(r"(train|test)/\d{1,9}", about["name"]):
        raise refused("it names no image")
    return Pressed(state.entry.model_id, text(about["data"], "a data set", 300), about["name"])


def _read_picks(state: State, said: object) -> dict[str, list[str]]:
    about = fields(said, "picked pictures", SIDES)
    picked = {
        side: each(lambda name: read_image(name, state.entry), about[side], "a tray", MOST_PICKED) for side in SIDES
    }
    if len({*picked[SIDES[0]], *picked[SIDES[1]]}) < sum(len(names) for names in picked.values()):
        raise refused("a picture was picked twice")
    return picked


def _write_built(state: State, value: Mapping[str, Built]) -> Any:
    built = value.get(state.entry.model_id, Built())
    if built.face is None:
        return None
    face = [getattr(built.face, name) for name in FACTORS]
    return {"face": face, "origin": built.origin, "surprises": built.surprises}


def _read_built(state: State, said: object) -> dict[str, Built]:
    about = fields(said, "a face", ("face", "origin", "surprises"))
    origin = None if about["origin"] is None else read_image(about["origin"], state.entry)
    surprises = whole(about["surprises"], "surprises", 0, _TURNS)
    return {state.entry.model_id: Built(builder.read_face(about["face"]), origin, surprises)}


def _write_ink(state: State, value: Mapping[str, Drawn]) -> Any:
    drawn = value.get(state.entry.model_id)
    return drawn.text if drawn is not None and drawn.code is not None else None


def _read_ink(state: State, said: object) -> dict[str, Drawn]:
    if not isinstance(said, str) or len(said) > 4 * pen.SIDE * pen.SIDE:
        raise refused("a drawing is none")
    code = pen.encoded(state.entry, pen.seen(state.entry, pen.read_ink(said)))
    return {state.entry.model_id: Drawn(said, code)}


def _write_own(state: State, value: Mapping[str, list[Own]]) -> Any:
    """The last ones of each model, as many as OWN_BYTES hold: first the newest of each, and the chosen model before."""
    held = {id_: value[id_][-own_picture.REMEMBERED :] for id_ in state.ids.values() if value.get(id_)}
    chosen = sorted(held, key=lambda id_: id_ != state.entry.model_id)
    said: dict[str, list[list[str]]] = {}
    left = OWN_BYTES
    for age in range(own_picture.REMEMBERED):
        for id_ in chosen:
            if age < len(held[id_]):
                own = held[id_][-1 - age]
                one = [own_picture.as_text(own), write_code(own.code)]
                if sum(map(len, one)) <= left:
                    left -= sum(map(len, one))
                    said.setdefault(id_, []).insert(0, one)  # the newest stands last
    return said or None


def _read_own(state: State, said: object) -> dict[str, list[Own]]:
    if not isinstance(said, dict):
        raise refused("pictures that were brought belong to no model")
    known = [id_ for id_ in state.ids.values() if id_ in said]  # the others are of models that are gone
    return {id_: each(partial(_read_one, id_), said[id_], "pictures that were brought", HELD) for id_ in known}


def _read_one(model_id: str, said: object) -> Own:
    entry, both = cache.by_id(model_id), items(said, "a picture that was brought", 2)
    if len(both) != 2:
        raise refused("a picture that was brought has no code")
    return own_picture.of_text(entry, both[0], read_code(both[1], entry.latent_dim))


PARTS = (
    _count("start", "muscope.start.turn"),
    _count("paths", "muscope.paths.keyframe"),
    _count("compare", "compare.turn.{model}"),
    _count("anomalies", "anomalies.first.{model}"),
    _turns(EVERYWHERE, "muscope.turns"),
    _turns("board", "board.turns"),
    Part("paths", "muscope.paths.share", lambda _, value: value or None,
         lambda _, said: abs(number(said, "a share of the way", 1.0))),
    Part("attributes", "attributes.strength", lambda _, value: None if value == 1 else value,
         lambda _, said: number(said, "a strength", REACH)),
    Part("attributes", "attributes.picks.{id}", lambda _, value: dict(value) if any(value.values()) else None,
         _read_picks),
    Part("sample", "muscope.sample.now", _write_draw, lambda _, said: samples.read_draw(_object(said))),
    Part("sample", "muscope.sample.kept", _write_kept_sample, _read_kept_sample),
    Part("directions", "muscope.unlabelled", _write_turned, _read_turned),
    Part("map", "muscope.map.spot", _write_spot, _read_spot),
    Part("map", "muscope.map.path", _write_path, _read_path),
    Part("map", "muscope.map.drawn", _write_drawn,
         lambda state, said: (state.entry.model_id, read_image(said, state.entry))),
    Part("anomalies", "muscope.anomalies.pressed", _write_pressed, _read_pressed),
    Part(EVERYWHERE, "muscope.builder", _write_built, _read_built),
    Part(EVERYWHERE, "muscope.pen", _write_ink, _read_ink),
    Part(EVERYWHERE, "muscope.own", _write_own, _read_own, private=True),
)  # fmt: skip
