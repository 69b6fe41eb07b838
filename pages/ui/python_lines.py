"""Copy as Python: the few lines that make the picture of a page in a notebook, to the byte.

The lines stand on `vae.notebook`. Where something has a name (an image, a kind, a draw) they name it; a code that was
made by hand is written out in its numbers. Nothing a person typed gets into them but as a string of its own.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from live import own_models
from live.engine import ModelEntry
from pages.ui import (
    anomaly_grid,
    cache,
    compare_pair,
    history,
    judged,
    samples,
    seen,
    set_pictures,
    train_run,
    unlabelled,
)
from pages.ui.anomaly_grid import Asked
from pages.ui.board import shown as board_shown
from pages.ui.board_terms import Term
from pages.ui.direction_hand import SHOWN, STRENGTH
from pages.ui.errors import plain_errors
from pages.ui.judged import Ranking
from pages.ui.player import Walk
from pages.ui.python_directions import direction
from pages.ui.python_words import LAST, code, drawn, head, listed, numbers, opened, text
from pages.ui.samples import Draw
from pages.ui.state import Place, State
from pages.ui.visitor import brought_sets
from pages.ui.widgets import row_of_pictures

T = TypeVar("T")

ABOUT = (
    "Runs where Muscope is, started in its folder. On another machine: take the model's folder home on Report, and "
    "give its path in place of the name."
)
ABOUT_SET = "Runs on this machine, started in Muscope’s folder, as long as the data set is kept."


def draw_lines(state: State, page: str, *made: Any) -> None:
    """The lines, folded. `made`: what the page has made, as `PAGES` takes it."""
    with st.expander("Copy as Python", icon=":material/code:"), plain_errors():
        _draw(PAGES[page](state, *made))


def draw_more_lines(state: State, page: str) -> None:
    """The same of what a page tells of and does not show: read when the fold is opened, for it may be large."""
    fold = st.expander("Copy as Python", icon=":material/code:", key=f"{page}.fold.python", on_change="rerun")
    with fold, plain_errors():
        if fold.open:
            _draw(MORE[page](state), ABOUT_SET if page == "bring" else ABOUT)


def _draw(lines: list[str], about: str = ABOUT) -> None:
    if not lines:
        st.caption("There is no picture to copy yet.")
        return
    st.code("\n".join(lines), language="python")
    st.caption(about)


# ---- pages ---------------------------------------------------------------------------------------------------------


def of_place(state: State, place: Place) -> list[str]:
    """One code and its picture."""
    return [*head(state), *code(state, place), *drawn()]


def of_path(state: State, path: Walk) -> list[str]:
    """A path, the picture where the hand let go, and its strip."""
    lines = [*head(state), "keyframes = ["]
    for keyframe in path.keyframes:
        *most, last = code(state, keyframe, "")
        lines += [f"    {line}" for line in (*most, f"{last},")]
    route = path.route
    asked = [str(path.per_leg), text(route.way)]
    asked += [f"{name}=True" for name, on in (("closed", route.closed), ("even", route.even)) if on]
    lines += ["]", f"path = model.path(keyframes, {', '.join(asked)})"]
    return [*lines, f"strip = model.strip(path[{list(path.shown)}])", *drawn(f"path[{path.frame}]")]


def of_direction(state: State, result: Place | None) -> list[str]:
    """A picture moved along a direction."""
    of, asked, found = st.session_state.get(SHOWN, ("", None, None))
    if result is None or found is None or of != state.entry.model_id:
        return of_place(state, state.place if result is None else result)
    made = direction(state, asked, found)
    needs = ["as_direction"] if any("as_direction(" in line for line in made) else []
    strength = float(st.session_state.get(STRENGTH, 1.0))
    lines = [*head(state, "move", *needs), *code(state, state.place), *made]
    return [*lines, f"z = move(z, direction, {strength!r})", *drawn()]


def of_axes(state: State, result: Place) -> list[str]:
    """A picture moved along directions that nobody named."""
    way, turned = unlabelled.turned_now(state)
    if result is state.place or not any(turned):
        return of_place(state, result)
    here = ", z" if way == unlabelled.HERE else ""
    lines = [*head(state, "add"), *code(state, state.place), f"axes = model.axes({text(way)}{here})"]
    terms = ", ".join(f"({value!r}, axes[{place}])" for place, value in enumerate(turned))
    return [*lines, f"z = add([{terms}], z)", *drawn()]


def of_sum(state: State, result: Place) -> list[str]:
    """A sum, term by term."""
    board = board_shown(state)
    if not board.terms:
        return of_place(state, result)
    lines = [*head(state, "add"), "terms = ["]
    for term in board.terms:
        *most, last = _term(state, term)
        first, *more = [*most, f"{last}),"]
        lines += [f"    ({term.weight!r}, {first}", *(f"    {line}" for line in more)]
    lines.append("]")
    if board.pictures:
        return [*lines, "z = add(terms)", *drawn()]
    return [*lines, "z = add(terms, model.average())", *drawn()]


def _term(state: State, term: Term) -> list[str]:
    if not term.step:
        return code(state, Place(term.vector, term.image_id, term.words), "")
    if term.kind:
        return [f"model.direction({text(term.kind)})"]
    return numbers(term.vector)


def of_samples(state: State, draw: Draw, place: Place) -> list[str]:
    """One of a draw, by its number in it where it is still there; a kept one by its numbers."""
    found = samples.number_of(state, draw, place)
    if found is None:
        return of_place(state, place)
    index, count = found
    asked = [str(count), str(draw.draw)]
    asked += [f"temperature={draw.temperature!r}"] if draw.temperature != 1 else []
    asked += [f"limit={draw.limit!r}"] if draw.limit else []
    asked += [f"prior={text(draw.prior)}"] if draw.prior != samples.STANDARD else []
    asked += [f"of={text(draw.of)}"] if draw.of else []
    return [*head(state), f"z = model.samples({', '.join(asked)})[{index}]", *drawn()]


def of_strange(state: State, asked: Asked, ranked: Ranking) -> list[str]:
    """The image that is shown large, and what the model draws of it."""
    pressed = anomaly_grid.shown(state, ranked)
    if pressed.data == state.entry.data:
        return of_place(state, anomaly_grid.place_of(state, pressed))
    what = f"{text(pressed.data)}, {text(pressed.name)}"
    lines = [*head(state, "original"), f"image = original({what})", f"z = model.encode({what})[0]"]
    return [*lines, *drawn()]


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
    return [*lines, *LAST]


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
    return [*head, "frame = history.frames[-1]", "picture = Picture(frame.pictures)", *LAST]


def of_set(state: State) -> list[str]:
    """The first pictures of a set that was brought, as models are trained on them."""
    one = _chosen(brought_sets(state), "bring.python", lambda one: one.title)
    if one is None:
        return []
    set_pictures.draw_pictures(one)
    lines = ["from vae.notebook import original, sheet", ""]
    lines += listed([text(name) for name in set_pictures.images_of(one)], "images = ")
    lines.append(f"picture = sheet([[original({text(one.name)}, image) for image in images]])")
    return [*lines, *LAST]


def of_brought(state: State) -> list[str]:
    """What a model that was brought makes of the image that it opens with."""
    one = _chosen([each for each in seen.models() if own_models.is_brought(each)], "models.python", judged.label)
    if one is None:
        return []
    name = cache.first_image(one.model_id)
    png = cache.picture(one.model_id, cache.code_of(one.model_id, name))
    row_of_pictures(state, [png], "model", [f"What {one.title} draws for {cache.caption_of(one.model_id, name)}"])
    return ["from vae.notebook import open_model", "", opened(one), f"z = model.code({text(name)})", *drawn()]


def _chosen(found: Sequence[T], key: str, title: Callable[[T], str]) -> T | None:
    """The one that the lines are about; a choice where there are several."""
    if len(found) < 2:
        return found[0] if found else None
    names = [title(each) for each in found]
    at: int = st.selectbox("Of", range(len(found)), format_func=names.__getitem__, key=key)
    return found[at]


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
MORE: dict[str, Callable[[State], list[str]]] = {"bring": of_set, "models": of_brought}
