"""Figures as a page shows them: tables with units, bars, and points on a plane. HTML, so that the theme colours them.

All words are escaped here: names of models are a person's own.
"""

import html
from collections.abc import Sequence

import streamlit as st

from vae.evaluate.compared import Axis, names_apart

HEIGHT = 330  # pixels, of a plane, as the style sheet has it
NAME = (0.45, 0.06)  # of a plane's width and height, that a name may take on a phone


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str, key: str) -> None:
    """A table whose first column names the row. It scrolls by itself where a phone is too narrow."""
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    wide = max((len(row) for row in (head, *rows)), default=1)
    body = "".join(f"<tr>{_cells(row, wide)}</tr>" for row in rows)
    thead = f"<thead><tr>{top}</tr></thead>" if any(head) else ""
    st.html(
        f'<div class="mu-table" tabindex="0" role="region" aria-label="{html.escape(caption, quote=True)}" '
        f'data-muscope="{key}"><table><caption class="mu-hidden">{html.escape(caption)}</caption>'
        f"{thead}<tbody>{body}</tbody></table></div>"
    )


def _cells(row: Sequence[str], wide: int) -> str:
    """A row's cells, the last as wide as the table leaves it."""
    name, *values = (html.escape(cell) for cell in row)
    rest = f' colspan="{wide - len(values)}"' if len(values) < wide - 1 else ""
    marked = [f"<td{rest if place == len(values) else ''}>{cell}</td>" for place, cell in enumerate(values, start=1)]
    return f'<th scope="row">{name}</th>' + "".join(marked)


def show_bars(bars: Sequence[tuple[str, float, str, bool]], alt: str, key: str) -> None:
    """Upright bars: (name, height 0 to 1, words for it, whether it counts). One that does not is an outline."""
    marked = "".join(
        f'<li class="{"mu-full" if full else "mu-idle"}" title="{html.escape(words, quote=True)}">'
        f'<i style="height:{100 * height:.1f}%"></i><span>{html.escape(name)}</span></li>'
        for name, height, words, full in bars
    )
    crowd = " mu-crowd" if len(bars) > 32 else ""
    st.html(
        f'<div role="img" aria-label="{html.escape(alt, quote=True)}" data-muscope="{key}">'
        f'<ul class="mu-bars{crowd}" aria-hidden="true">{marked}</ul></div>'
    )


def show_split(parts: Sequence[tuple[str, float]], alt: str, key: str) -> None:
    """One bar, laid flat, in parts: (words, share of the whole)."""
    marked = "".join(
        f'<span style="flex:{max(share, 0.001):.4f} 1 0" title="{html.escape(words, quote=True)}"></span>'
        for words, share in parts
    )
    words = "".join(f"<li>{html.escape(words)}</li>" for words, _ in parts)
    st.html(
        f'<div data-muscope="{key}"><div class="mu-split" role="img" aria-label="{html.escape(alt, quote=True)}">'
        f'{marked}</div><ul class="mu-split-words">{words}</ul></div>'
    )


def show_plane(
    points: Sequence[tuple[str, float, float, bool]],
    across: Axis,
    up: Axis,
    names: tuple[str, str],
    key: str,
) -> None:
    """Points on a plane: (name, x, y, whether it is one of those the page is about). Each says its own figures."""
    ticks = "".join(
        f'<b class="mu-x" style="left:{100 * across.at(tick):.2f}%">{tick:g}</b>' for tick in across.ticks
    ) + "".join(f'<b class="mu-y" style="bottom:{100 * up.at(tick):.2f}%">{tick:g}</b>' for tick in up.ticks)
    places = [(across.at(x), up.at(y)) for _, x, y, _ in points]
    moved = names_apart(places, *NAME)
    dots = "".join(
        f'<span class="mu-dot{" mu-ours" if ours else ""}{" mu-west" if across.at(x) > 0.6 else ""}" '
        f'style="left:{100 * across.at(x):.2f}%;bottom:{100 * up.at(y):.2f}%" '
        f'title="{html.escape(f"{name}: {names[0]} {x:.1f}, {names[1]} {y:.1f}", quote=True)}">'
        f'<em style="transform:translateY({-HEIGHT * up_by:.0f}px)">{html.escape(name)}</em></span>'
        for (name, x, y, ours), up_by in zip(points, moved, strict=True)
    )
    alt = f"{names[1]} against {names[0]}. " + ". ".join(f"{name}: {x:.1f}, {y:.1f}" for name, x, y, _ in points)
    st.html(
        f'<figure class="mu-plane" data-muscope="{key}"><div role="img" aria-label="{html.escape(alt, quote=True)}">'
        f"{ticks}{dots}</div><figcaption><span>↑ {html.escape(names[1])}</span>"
        f"<span>{html.escape(names[0])} →</span></figcaption></figure>"
    )
