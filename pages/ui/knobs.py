"""Knobs: what the browser is told of them, and what becomes of the numbers that a hand leaves."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.ui import cache, judged, live, turns
from pages.ui.cache import Code
from pages.ui.errors import plain
from pages.ui.state import KeptDirection, Place, State
from pages.ui.widgets import small
from vae.errors import VAEError
from vae.explore.latents import Knob
from vae.explore.sums import weighted_sum

SHOWN = 8  # more sliders are harder to search by hand
REDRAWS = 20_000  # seeds of levels drawn anew: none of another random code
REACH = 10.0  # how far a value may be typed, where the images themselves go no further
NOTE = (
    "KL is how much a dimension tells about an image, in nats. Each line runs over the middle 99\u00a0% of the data's "
    "codes, in standard deviations of the prior: its darker part holds nine tenths of the images, the box the middle "
    "half. The triangle is the image's own value: press twice, or Delete, to go back to it."
)
AXES_NOTE = "Its code is turned along principal axes: images differ most along the first, then the second. "
POINT_NOTE = (
    "A plain autoencoder has no prior and no KL: the dimensions stand in the order of how far images differ. "
    "Each line runs over the middle 99\u00a0% of the data's codes: its darker part holds nine tenths of the images, "
    "the box the middle half. The triangle is the image's own value: press twice, or Delete, to go back to it."
)


# ---- the dimensions of a code --------------------------------------------------------------------------------------


def draw_knobs(state: State) -> None:
    """A knob for each dimension of the current code: the strongest shown, the rest and the dead ones folded."""
    knobs = cache.knobs(state.entry.model_id)
    active = [knob for knob in knobs if knob.active]
    more, dead = len(active[SHOWN:]), len(knobs) - len(active)
    if not active:
        why = judged.idle(state.entry) or "The codes collapsed. Train with a smaller beta."
        st.info(f"No latent is in use: mu is almost the same for every image. {plain(why)}")
    folds = []
    if more:
        folds.append(_fold("more", f"{more} more that carr{'ies' if more == 1 else 'y'} less", ""))
    if dead:
        label = "1 dead dimension" if dead == 1 else f"{dead} dead dimensions"
        what = "Its mu is almost the same for every image: the decoder has learned to do without."
        folds.append(_fold("dead", label, what))
    told = [_dimension(state, knob, "" if place < SHOWN else "more") for place, knob in enumerate(active)]
    told += [_dimension(state, knob, "dead") for knob in knobs if not knob.active]
    if kept := state.directions.get(state.model):
        what = "Each turns several numbers at once, and is then at 0 again."
        folds.insert(0, _fold("kept", "Kept directions", what, unfolded=True))  # somebody wanted them at hand
        told += [_kept(place, each) for place, each in enumerate(kept)]
    mount_knobs(
        state,
        "sliders.knobs",
        base=(0.0,) * len(knobs),
        knobs=told,
        folds=folds,
        tools={
            "undo": bool(state.before.get(state.model)),
            "redo": bool(state.after.get(state.model)),
            "back": state.place.image_id is None,
            "random": True,
        },
        note=POINT_NOTE if _is_point(state) else AXES_NOTE + NOTE if state.entry.axes else NOTE,
        settled=lambda told: _turn(state, told),
        undo=lambda _: state.undo(),
        redo=lambda _: state.redo(),
        back=lambda _: state.back_to_image(),
        random=lambda _: state.go_random(),
        lock=lambda told: _lock(state, told),
    )
    if state.entry.config.levels:
        _draw_levels(state)


def _draw_levels(state: State) -> None:
    """A button for each level of a hierarchical model: that level drawn anew, the others kept."""
    st.caption("Draw one level anew and keep the others. Level 1 is the most abstract, the last one nearest to pixels.")
    for level, column in enumerate(st.columns(len(state.entry.config.levels))):
        column.button(
            f"Level {level + 1}",
            key=f"sliders.do.level.{level}",
            icon=":material/casino:",
            on_click=_redraw,
            args=(state, level),
            help=f"{state.entry.config.levels[level]} latents from their prior, given those above. Locked ones stay.",
            width="stretch",
        )


def _redraw(state: State, level: int) -> None:
    state.draws += 1
    drawn = cache.random_codes(state.entry.model_id, 1, 1.0, REDRAWS + state.draws)[0]
    kept, locked = state.place.code, state.locked.get(state.model, frozenset())
    mine = {dim for dim, of in enumerate(state.entry.config.level_of) if of == level} - locked
    code = tuple(z if dim in mine else kept[dim] for dim, z in enumerate(drawn))
    state.go(Place(code, None, f"level {level + 1} drawn anew ({state.draws})"))


def _is_point(state: State) -> bool:
    return state.entry.config.posterior == "point"


def name_of(levels: Sequence[int], dim: int) -> str:
    """What a latent is called: "Dimension 7", or its place in its level, "Level 2 · 5"."""
    for level, size in enumerate(levels, start=1):
        if dim < size:
            return f"Level {level} · {dim}"
        dim -= size
    return f"Dimension {dim}"


def _fold(name: str, label: str, words: str, unfolded: bool = False) -> dict[str, Any]:
    return {"id": name, "label": label, "words": words, "open": unfolded}


def _dimension(state: State, knob: Knob, fold: str) -> dict[str, Any]:
    between = f"Half of all images lie between {knob.quantiles[1]:.2f} and {knob.quantiles[3]:.2f}."
    home = state.home
    return {
        "id": str(knob.dim),
        "label": name_of(state.entry.config.levels, knob.dim),
        "words": between.replace("-", "\u2212") if knob.active else "The images do not differ in it.",
        "dim": knob.dim,
        "value": state.place.code[knob.dim],
        "low": knob.low,
        "high": knob.high,
        "reach": _reach(knob),
        "ticks": list(knob.quantiles) if knob.active else None,
        "own": home.code[knob.dim] if home else None,
        "kl": None if _is_point(state) else knob.kl,
        "share": knob.kl / max(1e-9, *(each.kl for each in cache.knobs(state.entry.model_id))),
        "locked": knob.dim in state.locked.get(state.model, frozenset()),
        "film": "everything else as it is",
        "fold": fold,
    }


def _kept(place: int, kept: KeptDirection) -> dict[str, Any]:
    """A knob along a kept direction, from where the code is now: what it turns is in the numbers of the code."""
    step = [kept.gap * number for number in kept.vector]
    words = kept.words or "A direction that you kept."
    return along(f"kept-{place}", kept.name, words, step, 0.0, reach=REACH, film="on this picture", fold="kept")


def _reach(knob: Knob) -> float:
    return max(REACH, 2 * math.ceil(max(-knob.low, knob.high)))


# ---- what a hand leaves --------------------------------------------------------------------------------------------


def _turn(state: State, told: Mapping[str, Any]) -> None:
    """Set the dimensions that were turned, and go along kept directions. Back on an image's own numbers, it is it."""
    kept = {f"kept-{place}": each for place, each in enumerate(state.directions.get(state.model, []))}
    reach = {str(knob.dim): _reach(knob) for knob in cache.knobs(state.entry.model_id)}
    values = numbers(told, reach | dict.fromkeys(kept, REACH))
    code = tuple(values.get(str(dim), z) for dim, z in enumerate(state.place.code))
    for name in kept.keys() & values.keys():
        code = tuple(weighted_sum([kept[name].vector], [values[name] * kept[name].gap], code).tolist())
    home = state.home
    if home and code == home.code:
        state.go(home)
    elif code != state.place.code:
        state.turn(code)


def _lock(state: State, told: Mapping[str, Any]) -> None:
    """A locked dimension keeps its value until a hand turns its own knob."""
    dims = {str(dim): dim for dim in range(state.entry.latent_dim)}
    if told.get("id") not in dims or not isinstance(told.get("locked"), bool):
        raise VAEError("A lock named no dimension of this model, so nothing was changed: press it again.")
    locked, dim = state.locked.get(state.model, frozenset()), dims[told["id"]]
    state.locked[state.model] = locked | {dim} if told["locked"] else locked - {dim}


def numbers(told: Mapping[str, Any], reach: Mapping[str, float]) -> dict[str, float]:
    """The values of the knobs that were turned, as the browser sent them: it may send anything.

    Args:
        told: with "values", from a knob's id to a number.
        reach: from the id of every knob there is to how far from zero it goes.

    Raises:
        VAEError: a knob that is not there, or a value that is no number or out of its reach.
    """
    values = told.get("values")
    if not isinstance(values, dict) or not values:
        raise VAEError("The knobs sent no values, so nothing was changed: turn one again.")
    for name, value in values.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name not in reach or not number or not abs(value) <= reach[name]:  # not a number is not within it either
            raise VAEError("A knob sent a value that it cannot have, so nothing was changed: turn it again.")
    return {name: float(value) for name, value in values.items()}


def along(
    name: str,
    label: str,
    words: str,
    step: Sequence[float],
    value: float,
    *,
    ends: float | None = None,
    reach: float,
    stops: Sequence[float] | None = None,
    marks: Sequence[float] | None = None,
    film: str,
    fold: str = "",
) -> dict[str, Any]:
    """A knob that adds `value` times a step (L,) to the code: a direction, an axis, a term of a sum.

    Args:
        name: its id. label, words: what people read of it.
        ends: how far the line goes to either side, by default as far as the stops; reach: how far a value may be typed.
        stops: of the film; marks: on the line. film: what stays as it is in the film.
        fold: the id of the fold it lies in.
    """
    low, high = (stops[0], stops[-1]) if ends is None and stops else (-(ends or 2.0), ends or 2.0)
    return {
        "id": name,
        "label": label,
        "words": words,
        "vector": list(step),
        "value": value,
        "low": low,
        "high": high,
        "reach": reach,
        "stops": stops,
        "marks": marks,
        "film": film,
        "fold": fold,
    } | dict.fromkeys(("ticks", "own", "kl", "share", "locked"))


# ---- for every page with knobs -------------------------------------------------------------------------------------


def mount_knobs(
    state: State,
    key: str,
    *,
    base: Code,
    knobs: Sequence[dict[str, Any]],
    folds: Sequence[dict[str, Any]] = (),
    tools: Mapping[str, bool] | None = None,
    note: str = "",
    **on: Callable[[Mapping[str, Any]], None],
) -> None:
    """Put knobs on the page. The code that they show is base + the sum of value * direction over all of them.

    Args:
        base: L numbers.
        knobs: id, label, words (its help), dim or vector (its direction), value, low, high, reach (how far from zero it
            may be set), ticks (5, 25, 50, 75 and 95 % of the images, or None), own (the image's value, or None), kl in
            nats and its share of the largest (or None), locked (None: it cannot be), fold (an id, or ""),
            film (what to say of the pictures of where it leads).
            Optional: stops, the seven values to show pictures of; marks, values to mark.
        folds: id, label and words of each group that can be folded away, and whether it is open at first.
        tools: of undo, redo, back and random, whether they can be pressed now; those not named are not there.
        note: a few words below.
        on: for each event, what to do with what the browser says. VAEErrors of these are told on the page.
    """
    data = {"base": list(base), "knobs": list(knobs), "folds": list(folds), "tools": dict(tools or {}), "note": note}
    data |= {"crisp": small(state), "turn": turns.last(key)}
    live.mount("console", state, key, data, **{event: turns.heard(state, key, do) for event, do in on.items()})
