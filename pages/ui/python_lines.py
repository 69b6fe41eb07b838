"""Copy as Python: the few lines that make the picture of a page in a notebook, to the byte.

The lines stand on `vae.notebook`. Where something has a name (an image, a kind, a draw) they name it; a code that was
made by hand is written out in its numbers. Nothing a person typed gets into them but as a string of its own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from live.engine import ModelEntry
from pages.ui import (
    anomaly_grid,
    board_offers,
    cache,
    compare_pair,
    direction_asked,
    history,
    samples,
    train_run,
    unlabelled,
)
from pages.ui.anomaly_grid import Asked
from pages.ui.board import shown as board_shown
from pages.ui.board_terms import Term
from pages.ui.direction_asked import NUMBER
from pages.ui.direction_hand import ASKED, STRENGTH
from pages.ui.errors import plain_errors
from pages.ui.judged import Ranking
from pages.ui.player import Walk
from pages.ui.samples import Draw
from pages.ui.state import Place, State
from vae.explore.directions.steps import apply

HANDFUL = 40  # images that are named one by one
WIDTH = 100  # columns of a line of numbers
ABOUT = (
    "Runs where Muscope is, started in its folder. On another machine: take the model's folder home on Report, and "
    "give its path in place of the name."
)
_LAST = ['picture  # picture.save("picture.png") keeps it']


def draw_lines(state: State, page: str, *made: Any) -> None:
    """The lines, folded. `made`: what the page has made, as `PAGES` takes it."""
    with st.expander("Copy as Python", icon=":material/code:"), plain_errors():
        lines = PAGES[page](state, *made)
        if not lines:
            st.caption("There is no picture to copy yet.")
            return
        st.code("\n".join(lines), language="python")
        st.caption(ABOUT)


# ---- words of Python -----------------------------------------------------------------------------------------------


def text(words: str) -> str:
    """A string as Python reads it, whatever is in it."""
    simple = words.isascii() and words.isprintable() and not set(words) & set("\"'\\")
    return f'"{words}"' if simple else ascii(words)


def numbers(values: Sequence[float], begin: str = "") -> list[str]:
    """Numbers of 32 bits in a list, with as many digits as they need, in lines that are not too long."""
    found = [str(np.float32(value)) for value in values]
    whole = f"{begin}[{', '.join(found)}]"
    if len(whole) <= WIDTH:
        return [whole]
    lines, line = [f"{begin}["], ""
    for number in found:
        if len(line) + len(number) + 6 > WIDTH:
            lines.append(f"    {line}")
            line = ""
        line += f"{', ' if line else ''}{number}" if not line else f" {number}"
        line += "," if not line.endswith(",") else ""
    return [*lines, f"    {line}", "]"]


def opened(entry: ModelEntry, name: str = "model") -> str:
    """The line that opens a model."""
    return f"{name} = open_model({text(entry.name)}, {text(entry.model_id)})"


def _head(state: State, *more: str) -> list[str]:
    return [f"from vae.notebook import {', '.join(sorted([*more, 'open_model']))}", "", opened(state.entry)]


def code(state: State, place: Place, begin: str = "z = ") -> list[str]:
    """The lines that make a code: by its image, by its image with some numbers turned, or by all its numbers."""
    model_id = state.entry.model_id
    near = place.image_id or state.origin
    if near is not None and cache.has_image(model_id, near):
        start = cache.code_of(model_id, near)
        turned = [dim for dim, (a, b) in enumerate(zip(start, place.code, strict=True)) if a != b]
        line = f"{begin}model.code({text(near)})"
        if not turned:
            return [line]
        if begin == "z = " and 4 * len(turned) <= len(start):
            return [line, *(f"z[{dim}] = {np.float32(place.code[dim])}" for dim in turned)]
    return numbers(place.code, begin)


def _drawn(what: str = "z") -> list[str]:
    return [f"picture = model.picture({what})", *_LAST]


# ---- pages ---------------------------------------------------------------------------------------------------------


def of_place(state: State, place: Place) -> list[str]:
    """One code and its picture."""
    return [*_head(state), *code(state, place), *_drawn()]


def of_path(state: State, path: Walk) -> list[str]:
    """A path, the picture where the hand let go, and its strip."""
    lines = [*_head(state), "keyframes = ["]
    for keyframe in path.keyframes:
        *most, last = code(state, keyframe, "")
        lines += [f"    {line}" for line in (*most, f"{last},")]
    route = path.route
    asked = [str(path.per_leg), text(route.way)]
    asked += [f"{name}=True" for name, on in (("closed", route.closed), ("even", route.even)) if on]
    lines += ["]", f"path = model.path(keyframes, {', '.join(asked)})"]
    return [*lines, f"strip = model.strip(path[{list(path.shown)}])", *_drawn(f"path[{path.frame}]")]


def of_direction(state: State, result: Place | None) -> list[str]:
    """A picture moved along a direction, with the direction by its name where that makes the same one."""
    if result is None:
        return of_place(state, state.place)
    strength = float(st.session_state.get(STRENGTH, 1.0))
    found = _direction(state, result, strength)
    if found is None:
        return of_place(state, result)
    lines = [*_head(state, "move"), *code(state, state.place), *found]
    return [*lines, f"z = move(z, direction, {strength!r})", *_drawn()]


def _direction(state: State, result: Place, strength: float) -> list[str] | None:
    """The lines that make the direction of the page; None where no few lines lead to what is on the screen."""
    model_id, (of, asked) = state.entry.model_id, st.session_state.get(ASKED, ("", None))
    if of != model_id or asked is None or asked.step or asked.kinds or asked.apart:
        return None
    found = direction_asked.direction(model_id, asked)
    if tuple(apply(np.array(state.place.code, np.float32), found, strength).tolist()) != result.code:
        return None  # a kept one is on the screen
    how = "" if asked.estimator == "difference" else f", {text(asked.estimator)}"
    how += f", fixed=[{', '.join(map(text, asked.fixed))}]" if asked.fixed else ""
    if asked.kind:
        return (
            None
            if asked.fixed and asked.estimator == NUMBER
            else [f"direction = model.direction({text(asked.kind)}{how})"]
        )
    rows = [np.frombuffer(side, np.int64).tolist() for side in asked.rows]
    if sum(map(len, rows)) > HANDFUL:
        return None
    known, lines = cache.encodings(model_id), []
    for side, name in zip(rows, ("these", "others"), strict=True):
        lines += [f"{name} = [", *(f"    {text(known.image_id(row))}," for row in side), "]"]
    return [*lines, f"direction = model.direction_between(these, others{how})"]


def of_axes(state: State, result: Place) -> list[str]:
    """A picture moved along directions that nobody named."""
    way, turned = unlabelled.turned_now(state)
    if result is state.place or not any(turned):
        return of_place(state, result)
    here = ", z" if way == unlabelled.HERE else ""
    lines = [*_head(state, "add"), *code(state, state.place), f"axes = model.axes({text(way)}{here})"]
    terms = ", ".join(f"({value!r}, axes[{place}])" for place, value in enumerate(turned))
    return [*lines, f"z = add([{terms}], z)", *_drawn()]


def of_sum(state: State, result: Place) -> list[str]:
    """A sum, term by term."""
    board = board_shown(state)
    if not board.terms:
        return of_place(state, result)
    lines = [*_head(state, "add"), "terms = ["]
    for term in board.terms:
        *most, last = _term(state, term)
        first, *more = [*most, f"{last}),"]
        lines += [f"    ({term.weight!r}, {first}", *(f"    {line}" for line in more)]
    lines.append("]")
    if board.pictures:
        return [*lines, "z = add(terms)", *_drawn()]
    lines += numbers(board.base(board_offers.average(state.entry.model_id)), "average = ")
    return [*lines, "z = add(terms, average)", *_drawn()]


def _term(state: State, term: Term) -> list[str]:
    if not term.step:
        return code(state, Place(term.vector, term.image_id, term.words), "")
    if term.kind:
        return [f"model.direction({text(term.kind)})"]
    return numbers(term.vector)


def of_samples(state: State, drawn: Draw, place: Place) -> list[str]:
    """One of a draw, by its number in it where it is still there; a kept one by its numbers."""
    found = None if drawn.of else samples.number_of(state, drawn, place)
    if found is None:
        return of_place(state, place)
    index, count = found
    asked = [str(count), str(drawn.draw)]
    asked += [f"temperature={drawn.temperature!r}"] if drawn.temperature != 1 else []
    asked += [f"limit={drawn.limit!r}"] if drawn.limit else []
    asked += [f"prior={text(drawn.prior)}"] if drawn.prior != samples.STANDARD else []
    return [*_head(state), f"z = model.samples({', '.join(asked)})[{index}]", *_drawn()]


def of_strange(state: State, asked: Asked, ranked: Ranking) -> list[str]:
    """The image that is shown large, and what the model draws of it."""
    pressed = anomaly_grid.shown(state, ranked)
    if pressed.data == state.entry.data:
        return of_place(state, anomaly_grid.place_of(state, pressed))
    what = f"{text(pressed.data)}, {text(pressed.name)}"
    lines = [*_head(state, "original"), f"image = original({what})", f"z = model.encode({what})[0]"]
    return [*lines, *_drawn()]


def of_pair(state: State, other: ModelEntry | None) -> list[str]:
    """The same images as two models draw them."""
    if other is None:
        return []
    names = compare_pair.images_now(state, other)
    if not names:
        return []
    lines = ["from vae.notebook import open_model, sheet", "", opened(state.entry, "one"), opened(other, "other")]
    lines += ["images = [", *(f"    {text(name)}," for name in names), "]"]
    lines += ["rows = [model.pictures(model.codes(images)) for model in (one, other)]", "picture = sheet(rows)"]
    return [*lines, *_LAST]


def of_training(state: State) -> list[str]:
    """What a training showed last: test images above their reconstructions."""
    found = train_run.chosen(state)
    if found is None:
        return []
    if isinstance(found, ModelEntry):
        head = ["from vae.notebook import Picture, open_model", "", f"history = open_model({text(found.name)}, "]
        head[-1] += f"{text(found.model_id)}).history"
    elif history.has_frames(found):
        head = ["from vae.notebook import Picture, open_run", "", f"history = open_run({text(found.id)})"]
    else:
        return []
    return [*head, "frame = history.frames[-1]", "picture = Picture(frame.pictures)", *_LAST]


PAGES: dict[str, Callable[..., list[str]]] = {
    "start": of_place,
    "map": of_place,
    "sliders": of_place,
    "report": of_place,
    "paths": of_path,
    "attributes": of_direction,
    "directions": of_axes,
    "sums": of_sum,
    "sample": of_samples,
    "anomalies": of_strange,
    "compare": of_pair,
    "train": of_training,
}
