"""What can be chosen before a data set is made: offered only where it changes something."""

import html
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from pages.ui.train_fields import given
from pages.ui.widgets import uri
from vae.data.intake import Channel, Choice, Column, Understood
from vae.data.intake.fit import own_shapes
from vae.data.intake.histogram import drawn
from vae.data.intake.limits import MAX_KINDS
from vae.data.intake.windows import Histogram

SIDES = (16, 28, 32, 48, 64, 96, 128)
FITS = {"crop": "cut what stands over", "pad": "add a border"}
COLOURS = {"keep": "as they are", "grey": "grey", "colour": "colour"}
SCALES = {"column": "each column", "together": "all together"}
PLAIN = (0, 255)  # the window of a picture that is one already
NONE = ""
NOTHING = Choice()
LABELS = ("label", "yes/no", "text", "number")  # kinds of columns that can be a label
FEW = 1000  # classes at most
MANY = 200  # columns that can be chosen one by one
SAID = 40  # columns of which can be said what they are
SHAPES = 3  # shapes of the images themselves that are offered
LONGEST = 40  # characters of a channel's name
READINGS = {"number": "a number", "kinds": "kinds", "leave": "leave it"}
YES_NO = READINGS | {"number": "yes or no"}


def draw_first(base: Understood, key: str) -> Choice:
    """What decides how the rest is read: which array, which kind of thing."""
    asked = NOTHING
    if len(base.arrays) > 1:
        asked = replace(asked, array=_choose("Which array", base.arrays, f"{key}.array", base.suggested.array))
    return asked


def draw_choices(base: Understood, key: str) -> Choice:
    """The controls, each as it is suggested until somebody changes it.

    Args:
        base: what was understood with nothing chosen but `draw_first`.
        key: begins the keys of all of them.
    """
    choice = base.suggested
    if base.kind == "images":
        choice = _draw_pictures(base, key, choice)
    if base.columns:
        choice = _draw_columns(base, key, choice)
    if base.kind == "vectors":
        choice = _draw_vectors(base, key, choice)
    return choice


def _draw_pictures(base: Understood, key: str, choice: Choice) -> Choice:
    assert choice.side is not None
    own = own_shapes([(width, height) for width, height, _ in base.sizes[:SHAPES]])
    sides = list(dict.fromkeys([choice.side, *own, *((side, side) for side in SIDES)]))
    side = _choose("Size", sides, f"{key}.side", choice.side, lambda one: f"{one[1]} by {one[0]} pixels", _SIZE_HELP)
    choice = replace(choice, side=side)
    if any(width * side[0] != height * side[1] for width, height, _ in base.sizes):
        fit = _one("Where the shape differs", FITS, f"{key}.fit", choice.fit, "What does not fit into that size.")
        choice = replace(choice, fit=fit)
    if base.flat:
        words = "Leave out the image of one value" if base.flat == 1 else f"Leave out the {base.flat:,} of one value"
        choice = replace(choice, without_flat=st.checkbox(words, key=given(f"{key}.flat", False), help=_FLAT_HELP))
    if len(base.channels) > 1 or base.shape[0] > 1:
        colour = _one("Colour", COLOURS, f"{key}.colour", choice.colour, _COLOUR_HELP)
        choice = replace(choice, colour=colour)
    if len(base.channels) > 1 or any((each.low, each.high) != PLAIN for each in base.channels):
        with st.expander(f"Channels ({len(base.channels)})" if len(base.channels) > 1 else "Brightness"):
            st.caption("What is darker than the window is black, what is brighter is full.")
            drawings = base.histograms or (None,) * len(base.channels)
            found = [
                _draw_channel(channel, drawing, f"{key}.{place}")
                for place, (channel, drawing) in enumerate(zip(base.channels, drawings, strict=True))
            ]
        choice = replace(choice, channels=tuple(found))
    return choice


def _draw_channel(channel: Channel, histogram: Histogram | None, key: str) -> Channel:
    paint, name = st.columns([1, 4], vertical_alignment="bottom")
    colour = paint.color_picker("Colour", key=given(f"{key}.paint", channel.colour), persist_state="session")
    called = name.text_input(
        "Name of the channel",
        key=given(f"{key}.name", channel.name),
        max_chars=LONGEST,
        help="Such as DAPI or actin: what this channel is called wherever it is shown.",
        persist_state="session",
    )
    place, (low, high) = st.empty(), st.columns(2, vertical_alignment="bottom")
    step = (channel.high - channel.low) / 50
    least = low.number_input("Black at", key=given(f"{key}.low", channel.low), step=step, persist_state="session")
    most = high.number_input("Full at", key=given(f"{key}.high", channel.high), step=step, persist_state="session")
    if least >= most:
        st.warning("Black lies below full: this window is not used.")
        least, most = channel.low, channel.high
    if histogram is not None:
        image = uri(drawn(histogram, least, most, colour), "svg+xml")
        alt = f"How often each brightness occurs in {html.escape(called, quote=True)}, and the window over it"
        place.html(f'<img class="mu-histogram" data-muscope="histogram" alt="{alt}" src="{image}">')
    return Channel(called.strip() or channel.name, colour, least, most)


def _draw_columns(base: Understood, key: str, choice: Choice) -> Choice:
    counts = {column.name: column.distinct for column in base.columns}
    named = {name: f"{name} ({count:,} different)" for name, count in counts.items()}
    labels = [column.name for column in base.columns if column.kind in LABELS and column.distinct <= FEW]
    label = _choose(
        "Labels",
        [NONE, *labels],
        f"{key}.label",
        choice.label_column or NONE,
        ({NONE: "none"} | named).get,
        _LABEL_HELP,
    )
    # Where every row differs nothing belongs together.
    splits = [each.name for each in base.columns if 1 < each.distinct < base.count and each.name != label]
    split = _choose(
        "Set apart for testing",
        [NONE, *splits],
        f"{key}.split",
        choice.split_column or NONE,
        ({NONE: "at random"} | named).get,
        _SPLIT_HELP,
    )
    choice = replace(choice, label_column=label, split_column=split)
    paths = [column.name for column in base.columns if column.kind == "path"]
    if base.kind == "images" and len(paths) > 1:
        path = _choose("File names", paths, f"{key}.path", choice.path_column or paths[0])
        choice = replace(choice, path_column=path)
    taken = {label, split, choice.path_column, *choice.values}
    asked = [each for each in base.columns if each.name not in taken and each.distinct > 1 and len(_readings(each)) > 1]
    if not asked:
        return choice
    with st.expander("What the columns are"):
        st.caption(_READINGS_HELP)
        said = [(each.name, _draw_reading(each, key)) for each in asked[:SAID]]
        if len(asked) > SAID:
            st.caption(f"The other {len(asked[SAID:]):,} columns are read as they look.")
    usual = {each.name: each.reading for each in asked}
    return replace(choice, readings=tuple((name, reading) for name, reading in said if reading != usual[name]))


def _readings(column: Column) -> list[str]:
    """What a column can be."""
    found = ["number"] if column.numeric or column.kind == "yes/no" else []
    return [*found, *(["kinds"] if column.distinct <= MAX_KINDS else []), "leave"]


def _draw_reading(column: Column, key: str) -> str:
    words = YES_NO if column.kind == "yes/no" else READINGS
    return str(_choose(column.name, _readings(column), f"{key}.is.{column.name}", column.reading, words.get))


def _draw_vectors(base: Understood, key: str, choice: Choice) -> Choice:
    numbers = [column.name for column in base.columns if column.kind in ("number", "yes/no")]
    if 1 < len(numbers) <= MANY:
        taken = [name for name in choice.values or numbers if name in numbers and name != choice.label_column]
        with st.expander(f"Numbers of a row ({len(taken)})"):
            used = st.multiselect(
                "The model sees", numbers, key=given(f"{key}.values", taken), help=_VALUES_HELP, persist_state="session"
            )
        choice = replace(choice, values=tuple(used or taken))
    scale = _one("Scale to 0 to 1", SCALES, f"{key}.scale", choice.scale or "column", _SCALE_HELP)
    return replace(choice, scale=scale)


def _choose(label: str, options: Sequence[Any], key: str, first: Any, words: Any = str, help: str | None = None) -> Any:
    options = list(options) if first in options else [first, *options]
    if st.session_state.get(key, first) not in options:
        del st.session_state[key]
    return st.selectbox(label, options, format_func=words, key=given(key, first), help=help, persist_state="session")


def _one(label: str, words: dict[str, str], key: str, first: str, help: str) -> str:
    return str(
        st.segmented_control(
            label,
            list(words),
            format_func=words.__getitem__,
            key=given(key, first),
            required=True,
            help=help,
            persist_state="session",
        )
    )


_SIZE_HELP = "Of every picture, width by height. More: finer pictures, slower training."
_COLOUR_HELP = "Grey trains faster. Colour makes one picture of red, green and blue, each channel in its own colour."
_LABEL_HELP = "What a picture is called. It colours the map; the model never sees it."
_SPLIT_HELP = (
    "A column that says train or test, or what belongs together, such as a patient: then all pictures of a patient are "
    "on one side, and what is measured holds for new patients."
)
_FLAT_HELP = "Images in which nothing is to be seen, such as an empty well. A model learns them as a kind of its own."
_READINGS_HELP = (
    "A number colours the map from low to high. Kinds have a colour each. Both give directions on Attributes. "
    "What is left comes back when codes are taken home."
)
_VALUES_HELP = "The columns that the model sees. The others stay beside the rows, for the map and for taking home."
_SCALE_HELP = (
    "A model sees numbers from 0 to 1. Each column by its own range, or, where all are of one kind as in a "
    "time series, all together."
)
