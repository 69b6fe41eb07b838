"""What was understood of what was given: pictures as they will be trained on, and plain sentences."""

import html
import json

import streamlit as st

from live import takings
from pages.ui.bring_given import Given
from pages.ui.widgets import literal, uri
from vae.data.intake import Choice, Understood
from vae.errors import VAEError

HELD = 8  # of what was understood, the newest
CLASSES = 8  # that are named
COLUMN_WORDS = {"label": "names", "number": "numbers", "yes/no": "yes or no", "text": "words", "path": "file names"}


def understand(given: Given, choice: Choice) -> Understood:
    """What is understood of it with this choice; looked at once.

    Raises:
        VAEError: nothing in it can be used; looked at once, too.
    """
    held: dict[str, Understood | str] = st.session_state.setdefault("muscope.bring.seen", {})
    key = f"{given.key} {json.dumps(choice.to_json(), sort_keys=True)}"
    if key not in held:
        with st.spinner("Looking at what came"):
            try:
                held[key] = takings.look(given.where, choice)
            except VAEError as error:
                held[key] = str(error)
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
    said = [_classes(seen), _attributes(seen), literal(seen.split), literal(seen.crops)]
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
                    f"**{literal(column.name)}**: {COLUMN_WORDS[column.kind]}, {column.distinct:,} different"
                    + (f", such as {some}" if some else "")
                )


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
        for name, why in seen.left_out:
            st.caption(f"{literal(name)}: {literal(why)}")
        if seen.left_out_count > len(seen.left_out):
            st.caption(f"and {seen.left_out_count - len(seen.left_out):,} more")


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
    return f"Attributes, for directions: {', '.join(literal(name) for name in seen.attributes[:12])}."
