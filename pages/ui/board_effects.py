"""What the directions on a board do to attributes they are not about, where that was measured on decoded pictures."""

from collections.abc import Mapping
from typing import Any

from live.engine import ModelEntry
from live.reported import find, report
from pages.ui.board_terms import Board
from pages.ui.widgets import words
from vae.errors import VAEError

LEAST = 0.1  # standard deviations of an attribute over real images: less is not worth a word
MOST = 4  # attributes named


def side_effects(entry: ModelEntry, board: Board) -> list[str]:
    """One line on what the directions of a board do to other attributes; none where nothing was measured."""
    try:
        measured = find(report(entry), "directions")
    except VAEError:  # the Report page says what is wrong with the file
        return []
    if not isinstance(measured, Mapping):
        return []
    moved: dict[str, float] = {}
    about = set()
    for term in board.terms:
        for name, effect in _row(measured, words(term.kind)).items() if term.kind and term.weight else ():
            about.add(words(term.kind))
            moved[name] = moved.get(name, 0.0) + term.weight * effect
    aside = [(name, value) for name, value in moved.items() if name not in about and abs(value) >= LEAST]
    if not moved:
        return []
    if not aside:
        return [f"Measured on decoded pictures, this moves no other attribute by {LEAST} standard deviations or more."]
    aside.sort(key=lambda each: -abs(each[1]))
    said = ", ".join(f"{name} by {value:+.1f}".replace("-", "−") for name, value in aside[:MOST])
    return [f"Measured on decoded pictures, this also moves {said} standard deviations of real images."]


def _row(measured: Mapping[str, Any], name: str) -> dict[str, float]:
    """What the direction of an attribute does to every attribute at its whole step; {} where it was not measured."""
    names, table, weak = (measured.get(part, []) for part in ("attributes", "effect", "weak"))
    rows = measured.get("directions", names)
    if not (isinstance(names, list) and isinstance(table, list) and isinstance(weak, list) and isinstance(rows, list)):
        return {}
    plain, about = ([str(each).replace("_", " ") for each in some] for some in (names, rows))
    if name not in about or len(table) != len(about):
        return {}
    row, unread = table[about.index(name)], [*weak, *[False] * len(plain)]
    return {
        other: float(value)
        for other, value, blind in zip(plain, row, unread, strict=False)
        if isinstance(value, int | float) and not blind  # where the judge of pictures cannot read it, nothing is said
    }
