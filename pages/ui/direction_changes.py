"""What a lock changed, and what changed because each kind of image counts the same: figures from before and after."""

import math
from dataclasses import replace

import streamlit as st

from pages.ui import direction_asked
from pages.ui.direction_asked import CLASS, Asked
from pages.ui.direction_matrix import measured
from pages.ui.figures import show_table
from pages.ui.state import State
from pages.ui.widgets import literal
from vae.explore.directions.angles import degrees
from vae.explore.directions.found import Direction
from vae.explore.directions.groups import images

SAID = 3  # of what comes along
MINUS = "\u2212"
WITH = {False: "pictures, all fixed", True: "pictures, after"}
PICTURES = (
    " Pictures: the same in decoded held-out images, read by a network that looks at pixels, with all other attributes "
    "fixed at once. The decoder bends what is straight in the codes: the two need not agree."
)


def draw_kinds(model_id: str, asked: Asked, found: Direction) -> None:
    """What changed because each kind counts the same."""
    every = replace(asked, kinds=())
    kinds = direction_asked.kinds_of(model_id, asked)
    before = {one.name: one.apart for one in direction_asked.comes_along(model_id, every)}
    after = {one.name: one.apart for one in direction_asked.comes_along(model_id, asked)}
    others = [name for name in before if name not in asked.kinds][:SAID]
    rows = [
        (name.replace("_", " "), number(before.get(name, 0.0)), number(after.get(name, 0.0)))
        for name in (*(name for name in asked.kinds if name in before), *others)
    ]
    whole = direction_asked.direction(model_id, every)
    turned = degrees(float(whole.vector @ found.vector))
    of = " and ".join(asked.kinds).replace("_", " ")
    several = f"({kinds.count} kinds)" if kinds.count > 1 else "(both groups have only one kind)"
    said = (
        f"Each kind of {of} counts the same {several}. The whole step is {found.gap:.2f} long, with every image "
        f"counting the same {whole.gap:.2f}, and turned by {turned:.0f}°."
    )
    if kinds.left_out:
        said += f" {images(kinds.left_out)} of kinds that one group has too few of do not count."
    st.caption(literal(said))
    if rows:
        head = ("the groups differ in", "every image the same", "each kind the same")
        show_table(head, rows, "What counting each kind the same changes", "kinds")
        st.caption("In standard deviations; 0.00 is no more than chance, or too little to speak of.")


def draw_lock(state: State, asked: Asked, found: Direction, whole: Direction) -> None:
    """What the lock took and what it left: read off the codes, and seen in pictures where that was measured."""
    model_id = state.entry.model_id
    if asked.step:
        kept = "All other attributes are kept as they are, as far as can be seen in pictures"
    elif len(asked.held) > 2:
        kept = f"These {len(asked.held)} are kept as they are"
    else:
        kept = " and ".join(asked.held).replace("_", " ") + (" is" if len(asked.held) == 1 else " are")
        kept = f"{kept[0].upper()}{kept[1:]} kept as {'it is' if len(asked.held) == 1 else 'they are'}"
    st.caption(literal(f"{kept}. The whole step is {found.gap:.2f} long, without the lock {whole.gap:.2f}."))
    before, after = (direction_asked.done_by(model_id, one.step) for one in (whole, found))
    own = [asked.kind] if asked.kind in before else []
    rows = []
    for name in (*own, *_locked(asked, tuple(before))):
        told = [_read(*before[name]), _read(*after[name])]
        rows.append((_called(name, asked.kind), *told, *_seen(state, asked, name)))
    if not rows:
        return
    wide = max(len(row) for row in rows)
    head = ("effect on", "before", "after", "pictures, before", WITH[asked.step != ()])
    show_table(head[:wide], rows, "What the lock changes", "lock")
    st.caption(
        "What the whole step does, before and after the lock, in standard deviations over the model's images: read off "
        "the codes by a straight line; in brackets where codes tell too little of it." + PICTURES * (wide > 3)
    )


def _locked(asked: Asked, known: tuple[str, ...]) -> list[str]:
    """What is kept fixed, of all that can be read off codes; kept directions cannot."""
    if asked.step:
        return [name for name in known if name != asked.kind]
    labels = [f"label:{name.removeprefix(f'{CLASS} ')}" for name, _ in asked.apart if name.startswith(f"{CLASS} ")]
    return [name for name in (*(f"attribute:{name}" for name in asked.fixed), *labels) if name in known]


def _called(name: str, own: str) -> str:
    what, _, name = name.partition(":")
    said = name.replace("_", " ") if what == "attribute" else f"{CLASS} {name}"
    return f"{said}, itself" if f"{what}:{name}" == own else said


def _seen(state: State, asked: Asked, name: str) -> tuple[str, ...]:
    """What pictures showed of it, without the lock and with all others fixed; () where nothing was measured."""
    seen, about, name = measured(state), direction_asked.about(asked), name.partition(":")[2]
    if seen is None or not about or about[0] not in seen.directions:
        return ()
    if name not in seen.attributes:
        return ("–", "–")
    row, column = seen.directions.index(about[0]), seen.attributes.index(name)
    ways = (seen.effect, seen.settled if asked.step else seen.locked)
    return tuple(_read(table[row][column], not seen.weak[column]) for table in ways)


def _read(value: float, trusted: bool) -> str:
    shown = "–" if math.isnan(value) else number(value)
    return shown if trusted else f"({shown})"


def number(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.2f}".replace("-", MINUS)
