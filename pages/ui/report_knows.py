"""What the codes of a model know, as a table; and how it stands beside PCA."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from live.engine import ModelEntry
from live.reported import signed
from pages.ui import judged
from pages.ui.figures import show_table
from pages.ui.widgets import literal
from vae.evaluate.against_pca import AgainstPCA, read_against_pca
from vae.evaluate.codes.knows import Told, figure, phrase, read_knows

HEAD = ("", "How", "Whole code, by a line", "By 5 neighbours", "Best single dimension", "Chance")


def draw_knows(entry: ModelEntry, part: Mapping[str, Any]) -> bool:
    """What was measured, in sentences and as a table. False where it cannot be read: then its own lines are shown."""
    found = read_knows(part)
    if found is None:
        return False
    for sentence in found.sentences:
        st.write(literal(sentence))
    if found.told:
        show_table(HEAD, [_row(one) for one in found.told], f"What the codes of {entry.title} know", "suite-columns")
    st.caption(
        "Per cent: test images whose value is read rightly. Other figures: share of variance, 1 all, 0 no better than "
        f"the mean. In brackets 95% intervals. Chance: the same after dealing the values out anew. {found.train:,} "
        f"images to fit, {found.test:,} to score."
    )
    if found.left_out:
        st.caption(literal("Left out: " + "; ".join(f"{name} ({why})" for name, why in found.left_out) + "."))
    return True


def _row(one: Told) -> tuple[str, ...]:
    single = f"{phrase(one.single, one.measure)}, dimension {one.best}"
    cells = (phrase(one.line, one.measure), phrase(one.near, one.measure), single, figure(one.chance, one.measure))
    return (one.name, one.how, *map(signed, cells))


def against_pca(entry: ModelEntry) -> AgainstPCA | None:
    """How the model stands beside PCA: measured since, or when its training ended; None where nobody has looked."""
    return read_against_pca(judged.report(entry).get("pca")) or read_against_pca(entry.card.get("against_pca"))


def draw_against_pca(entry: ModelEntry) -> None:
    """One sentence: whether a network was worth it."""
    found = against_pca(entry)
    if found is None:
        return
    told = found.sentence(judged.barely(entry))
    (st.warning if found.better == "pca" else st.write)(literal(told))
