"""What was understood of what was given: pictures as they will be trained on, and plain sentences."""

import html
import json
import time

import streamlit as st

from live import takings
from live.errands import Standing
from pages.ui.bring_given import Given
from pages.ui.measuring import waiting
from pages.ui.state import State
from pages.ui.visitor import me
from pages.ui.widgets import literal, uri
from vae.data.intake import Choice, Column, Understood
from vae.data.intake.meanings import KEPT
from vae.errors import VAEError
from vae.train.watch import duration

FLASH = 0.4  # seconds; a bar that is gone sooner only blinks
HELD = 8  # of what was understood, the newest
CLASSES = 8  # that are named
ATTRIBUTES = 12  # that are named
COLUMNS = 4  # that are not on the map, and are named
NAMES = 12  # of files that are left out for one reason
COLUMN_WORDS = {"label": "names", "number": "numbers", "yes/no": "yes or no", "text": "words", "path": "file names"}


def understand(state: State, given: Given, choice: Choice) -> Understood:
    """What is understood of it with this choice; looked at once, when it is this visitor's turn.

    Raises:
        VAEError: nothing in it can be used; looked at once, too.
    """
    held: dict[str, Understood | str] = st.session_state.setdefault("muscope.bring.seen", {})
    key = f"{given.key} {json.dumps(choice.to_json(), sort_keys=True)}"
    if key not in held:
        place, began = st.empty(), time.monotonic()

        def told(now: Standing) -> None:  # Streamlit ends the page here when somebody has left it
            if time.monotonic() - began < FLASH:
                return
            if now.how == "waiting":
                place.progress(0.0, waiting(now))
            else:
                left = f", about {duration(now.left)} left" if now.left else ""
                place.progress(now.fraction, f"Looking at what came{left}.")

        try:
            held[key] = takings.look(given.where, choice, me(state), told)
        except VAEError as error:
            held[key] = str(error)
        place.empty()
        for old in list(held)[:-HELD]:
            del held[old]
    found = held[key]
    if isinstance(found, str):
        raise VAEError(found)
    return found


def draw_seen(seen: Understood) -> None:
    """The pictures, then what is to be said of them."""
    st.subheader("What was understood", anchor="seen")
    st.write(f"**{_count(seen)}**, {_size(seen)}. From {literal(seen.source)}.")
    _draw_previews(seen)
    said = [_classes(seen), _attributes(seen), _beside(seen), literal(seen.split), literal(seen.crops)]
    st.caption("  \n".join(line for line in said if line))
    for line in seen.warnings:
        st.warning(literal(line))
    _draw_left_out(seen)
    if seen.columns:
        many = len(seen.columns) > 1
        with st.expander(
            f"{len(seen.columns)} columns came along, and all are kept" if many else "A column came along"
        ):
            for column in seen.columns[:60]:
                some = ", ".join(literal(one[:40]) for one in column.examples[:3])
                st.caption(
                    f"**{literal(column.name)}**: {_words(column)}, {column.distinct:,} different"
                    + (f", such as {some}" if some else "")
                    + f": {literal(column.use)}."
                )


def _words(column: Column) -> str:
    return COLUMN_WORDS["number" if column.numeric and column.kind == "label" else column.kind]


def _draw_previews(seen: Understood) -> None:
    crisp = "mu-crisp" if seen.kind == "images" and max(seen.shape[1:]) <= 32 else "mu-smooth"
    names = seen.preview_names or ("",) * len(seen.previews)
    images = "".join(
        f'<img class="{crisp}" data-muscope="preview" alt="{html.escape(name or "one of them", quote=True)}" '
        f'title="{html.escape(name, quote=True)}" src="{uri(png)}">'
        for name, png in zip(names, seen.previews, strict=True)
    )
    wide = " mu-wide-previews" if seen.kind == "vectors" else ""
    st.html(f'<div class="mu-row mu-previews{wide}">{images}</div>')


def _draw_left_out(seen: Understood) -> None:
    if not seen.left_out_count:
        return
    words = "1 file is left out" if seen.left_out_count == 1 else f"{seen.left_out_count:,} files are left out"
    with st.expander(words, icon=":material/block:"):
        reasons: dict[str, list[str]] = {}
        for name, why in seen.left_out:
            reasons.setdefault(why, []).append(name)
        for why, names in sorted(reasons.items(), key=lambda one: -len(one[1])):
            few = f"{len(names):,} files" if len(names) > 1 else "1 file"
            more = f" and {len(names[NAMES:]):,} more" if names[NAMES:] else ""
            st.caption(f"**{few}**: {literal(why)}. {', '.join(map(literal, names[:NAMES]))}{more}")
        if seen.left_out_count > len(seen.left_out):
            st.caption(f"and {seen.left_out_count - len(seen.left_out):,} more that are not listed")


def _count(seen: Understood) -> str:
    what = "image" if seen.kind == "images" else "row"
    return f"{seen.count:,} {what}{'' if seen.count == 1 else 's'}"


def _size(seen: Understood) -> str:
    if seen.kind == "vectors":
        return f"{seen.shape[0]:,} numbers each"
    channels, height, width = seen.shape
    kind = {1: "grey", 3: "in colour"}.get(channels, f"{channels} channels")
    return f"{width} by {height} pixels, {kind}"


def _classes(seen: Understood) -> str:
    if not seen.classes:
        return "No labels: the map will have one colour, and everything else works."
    named = ", ".join(f"{literal(name)} ({count:,})" for name, count in seen.classes[:CLASSES])
    more = f" and {len(seen.classes) - CLASSES:,} more" if len(seen.classes) > CLASSES else ""
    return f"{len(seen.classes):,} labels: {named}{more}."


def _attributes(seen: Understood) -> str:
    if not seen.attributes:
        return ""
    more = f" and {len(seen.attributes) - ATTRIBUTES:,} more" if len(seen.attributes) > ATTRIBUTES else ""
    named = ", ".join(literal(name) for name in seen.attributes[:ATTRIBUTES])
    return f"To colour the map and to look for on Attributes: {named}{more}."


def _beside(seen: Understood) -> str:
    """The columns that are not on the map, and why."""
    kept = [column for column in seen.columns if column.use.startswith(KEPT)]
    if not kept:
        return ""
    said = "; ".join(f"{literal(one.name)} ({literal(one.use.removeprefix(f'{KEPT}: '))})" for one in kept[:COLUMNS])
    more = f"; and {len(kept) - COLUMNS:,} more" if len(kept) > COLUMNS else ""
    return f"Kept, and not on the map: {said}{more}."
