"""Two models side by side: what differs, the same images, what lies between them, what each invents."""

import html
from collections.abc import Sequence

import streamlit as st

from live.engine import ModelEntry
from pages.ui import cache, judged
from pages.ui.figures import show_table
from pages.ui.state import State
from pages.ui.widgets import literal, row_of_pictures, small, uri
from vae.evaluate.compared import differences
from vae.evaluate.pictures.between import contrast

IMAGES = 12
SAMPLES = 12
CROSSINGS = 2


def choose_other(state: State) -> ModelEntry | None:
    """The model to compare with; None, and what to do about it, where there is none."""
    entry = state.entry
    options = {other.name: other for other in judged.partners(entry)}
    if not options:
        st.info("No other model of these images is here. Train one on the Train page, or choose a model in the list.")
        return None
    box = f"compare.with.{state.model}"
    if st.session_state.get(box, "") not in options:
        st.session_state.pop(box, None)
    asked = st.query_params.get("with", "")
    names = list(options)
    chosen = st.selectbox(
        f"Compare “{literal(judged.label(entry))}” with",
        names,
        index=names.index(asked) if asked in options else 0,
        format_func=lambda name: judged.label(options[name]),
        key=box,
        persist_state="session",
    )
    state.link = {"with": chosen}
    return options[chosen]


def draw_differences(state: State, other: ModelEntry) -> None:
    """What differs between the figures of their cards, a sentence for each thing."""
    said = differences(judged.sums(state.entry), judged.sums(other))
    if not said:
        st.info("One of them has no figures on its card, so nothing can be said of their difference.")
    st.html('<ul class="mu-said">' + "".join(f"<li>{html.escape(line)}</li>" for line in said) + "</ul>")


def images_now(state: State, other: ModelEntry) -> tuple[str, ...]:
    """Names of the images that both models are shown on."""
    turn = int(st.session_state.get(f"compare.turn.{state.model}", 0))
    return judged.same_images(state.entry.model_id, other.model_id, IMAGES, turn)


def draw_images(state: State, other: ModelEntry) -> None:
    """The same test images, and what each model keeps of them."""
    st.subheader("The same images")
    turns = f"compare.turn.{state.model}"
    turn, names = int(st.session_state.get(turns, 0)), images_now(state, other)
    if not names:
        st.caption("They know no image in common.")
        return
    rows = [[cache.original(state.entry.data, name) for name in names]]
    for entry in (state.entry, other):
        rows.append([*cache.pictures(entry.model_id, tuple(cache.code_of(entry.model_id, name) for name in names))])
    kinds = ["the image", judged.label(state.entry), judged.label(other)]
    captions = [cache.caption_of(state.entry.model_id, name) for name in names]
    shown = [(kind, row) for kind, row in zip(kinds, rows, strict=True) if all(row)]
    trios = [
        [(f"{caption}, {kind}", picture) for kind, row in shown if (picture := row[place])]
        for place, caption in enumerate(captions)
    ]
    _show_stacks(state, trios, "same")
    order = ", then ".join(literal(kind) for kind, _ in shown)
    st.caption(f"From top to bottom: {order}. Reconstructions are drawn at mu.")
    st.button(
        "Other images",
        key="compare.do.images",
        icon=":material/refresh:",
        on_click=st.session_state.update,
        args=({turns: turn + 1},),
    )


def draw_between(state: State, other: ModelEntry) -> None:
    """What each draws between two classes, and how much of that anybody would recognise."""
    st.subheader("Between the clusters")
    st.write(
        "A code half way between two images of different classes belongs to no image, nor does a code drawn from "
        "N(0, I). Does what is drawn there look like anything? What a classifier recognises of it:"
    )
    with st.spinner("Looking between the clusters."):
        found = [(judged.label(entry), judged.between(entry.model_id)) for entry in (state.entry, other)]
    rows = [
        (
            title,
            each.halfway.phrase(".1%"),
            each.prior.phrase(".1%"),
            f"{each.kinds:.1f} of {each.classes}",
            each.at.phrase(".1%"),
        )
        for title, each in found
        if each is not None
    ]
    if len(rows) == len(found):
        head = (
            "",
            "Recognised half way",
            "Recognised from N(0, I)",
            "Kinds from N(0, I)",
            "Recognised at images’ codes",
        )
        show_table(head, rows, "Share of decoded points that a classifier recognises", "between")
        names = [literal(title) for title, _ in found]
        whole = [each for _, each in found if each is not None]
        st.write(" ".join(contrast(names[0], whole[0], names[1], whole[1])))
        st.caption(
            "Half way between two codes says little where classes touch, as on a plane: often a third class lies "
            "there. What the KL is to buy is that draws of N(0, I) land where images are."
        )
        st.caption(
            "Of 1,000 decoded points each, the share that a classifier is as sure of as of 95 in 100 real images, with "
            "the interval that holds the true share 95 times in 100. Blur counts against it: compare with the last "
            "column. Kinds: over how many classes the pictures are spread."
        )
    else:
        st.caption("Measured where the images have classes and a classifier of them ships: MNIST, Fashion-MNIST.")
    _draw_crossings(state, other)


def _draw_crossings(state: State, other: ModelEntry) -> None:
    """Straight ways between the same two images, the first model's above the second's."""
    above, below = judged.label(state.entry), judged.label(other)
    for turn in range(CROSSINGS):
        found = judged.crossing(state.entry.model_id, other.model_id, turn)
        if found is None:
            return
        pairs = zip((state.entry, other), found.ways, strict=True)
        drawn = [cache.pictures(entry.model_id, way) for entry, way in pairs]
        start, end = (_one(kind) for kind in found.kinds)
        st.caption(
            f"**From {start} to {end}**, straight between the codes of the same two images. Above: {literal(above)}. "
            f"Below: {literal(below)}. At its ends each draws the two images as well as it can."
        )
        stacks = [
            [
                (f"step {step} from {found.kinds[0]} to {found.kinds[1]}, {above}", one),
                (f"step {step} from {found.kinds[0]} to {found.kinds[1]}, {below}", two),
            ]
            for step, (one, two) in enumerate(zip(*drawn, strict=True), start=1)
        ]
        _show_stacks(state, stacks, "crossing")


def _one(kind: str) -> str:
    """A class in a sentence: "a 3", "Sandal"."""
    if not kind.isdecimal():
        return literal(kind)
    return f"an {kind}" if kind.startswith("8") else f"a {kind}"


def draw_inventions(state: State, other: ModelEntry) -> None:
    """Samples and traversals of both, in two columns."""
    st.subheader("What each invents")
    for entry, column in zip((state.entry, other), st.columns(2, gap="large"), strict=True):
        with column:
            st.markdown(f"**{literal(judged.label(entry))}**")
            codes = cache.random_codes(entry.model_id, SAMPLES, 1.0, 1)
            alts = [f"sample {number} of {judged.label(entry)}" for number in range(1, SAMPLES + 1)]
            row_of_pictures(state, cache.pictures(entry.model_id, codes), "compare-sample", alts, size=56)
            st.caption("Samples: codes from N(0, I).")
            start = cache.code_of(entry.model_id, cache.first_image(entry.model_id))
            for latent, way in judged.traversals(entry.model_id, start):
                alts = [f"latent {latent}, step {number}" for number in range(1, len(way) + 1)]
                row_of_pictures(state, cache.pictures(entry.model_id, way), "compare-traversal", alts, size=56)
            st.caption("Traversals: the latents that carry most, each turned from its low to its high end.")


def _show_stacks(state: State, stacks: Sequence[Sequence[tuple[str, bytes]]], handle: str) -> None:
    """Pictures that belong together, one above the other, in a row that wraps: (words, picture) each."""
    crisp = "mu-crisp" if small(state) else "mu-smooth"
    columns = "".join(
        "<div>"
        + "".join(
            f'<img class="{crisp}" data-muscope="{handle}" alt="{html.escape(alt, quote=True)}" src="{uri(png)}">'
            for alt, png in stack
        )
        + "</div>"
        for stack in stacks
    )
    st.html(f'<div class="mu-stacks">{columns}</div>')
