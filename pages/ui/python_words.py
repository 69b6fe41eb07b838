"""Words of Python: strings, numbers and codes as `vae.notebook` reads them, whatever a person typed."""

from collections.abc import Sequence

import numpy as np

from live.engine import ModelEntry
from pages.ui import cache
from pages.ui.state import Place, State

WIDTH = 100  # columns of a line of numbers
LAST = ['picture  # picture.save("picture.png") keeps it']
Z = "z = "  # how the line of a code begins that stands by itself
BY_HAND = "# made by hand, so here are its numbers"


def text(words: str) -> str:
    """A string as Python reads it, whatever is in it."""
    simple = words.isascii() and words.isprintable() and not set(words) & set("\"'\\")
    return f'"{words}"' if simple else ascii(words)


def numbers(values: Sequence[float], begin: str = "") -> list[str]:
    """Numbers of 32 bits in a list, with as many digits as they need, in lines that are not too long."""
    return listed([str(np.float32(value)) for value in values], begin)


def listed(parts: Sequence[str], begin: str = "") -> list[str]:
    """A list of these in Python, on one line where that is short, else on several."""
    whole = f"{begin}[{', '.join(parts)}]"
    if len(whole) <= WIDTH:
        return [whole]
    lines, line = [f"{begin}["], "   "
    for part in parts:
        if len(line) + len(part) + 2 > WIDTH and line.strip():
            lines.append(line)
            line = "   "
        line += f" {part},"
    return [*lines, line, "]"]


def opened(entry: ModelEntry, name: str = "model") -> str:
    """The line that opens a model."""
    return f"{name} = open_model({text(entry.name)}, {text(entry.model_id)})"


def head(state: State, *more: str) -> list[str]:
    """The first lines: what is imported, `more` beside `open_model`, and the model."""
    return [f"from vae.notebook import {', '.join(sorted([*more, 'open_model']))}", "", opened(state.entry)]


def code(state: State, place: Place, begin: str = Z) -> list[str]:
    """The lines that make a code: by its image, by its image with some numbers turned, or by all its numbers."""
    model_id = state.entry.model_id
    near = place.image_id or state.origin
    if near is not None and cache.has_image(model_id, near):
        start = cache.code_of(model_id, near)
        turned = [dim for dim, (a, b) in enumerate(zip(start, place.code, strict=True)) if a != b]
        line = f"{begin}model.code({text(near)})"
        if not turned:
            return [line]
        if begin == Z and 4 * len(turned) <= len(start):
            return [line, *(f"z[{dim}] = {np.float32(place.code[dim])}" for dim in turned)]
    written = numbers(place.code, begin)
    return [BY_HAND, *written] if begin == Z else written


def drawn(what: str = "z") -> list[str]:
    """The last lines: the picture of a code."""
    return [f"picture = model.picture({what})", *LAST]
