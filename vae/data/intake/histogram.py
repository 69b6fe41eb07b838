"""How often each brightness occurs in a channel, and its window over it, as a small drawing."""

import math

from vae.data.intake.windows import Histogram

_BARS = "#808080"  # seen on a light and on a dark page
_HIGH = 100  # of the drawing, in its own units; it is stretched to its place


def drawn(histogram: Histogram, low: float, high: float, colour: str) -> bytes:
    """An SVG file: bars of the square root of the counts, as rare ones are what one looks for, and the window shaded.

    Args:
        low, high: the window. colour: "#rrggbb" of what lies inside it.
    """
    least, most, counts = histogram
    left, right = min(least, low), max(most, high)
    step = (most - least) / len(counts)
    tallest = math.sqrt(max(*counts, 1))

    def across(value: float) -> float:
        return round(1000 * (value - left) / (right - left), 1)

    wide = across(left + step)
    bars = "".join(
        f'<rect x="{across(least + at * step)}" y="{_HIGH - tall}" width="{wide}" height="{tall}"/>'
        for at, count in enumerate(counts)
        if (tall := math.ceil(_HIGH * math.sqrt(count) / tallest))
    )
    window = f'x="{across(low)}" y="0" width="{round(across(high) - across(low), 1)}" height="{_HIGH}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 {_HIGH}" preserveAspectRatio="none">'
        f'<rect {window} fill="{colour}" fill-opacity="0.25"/>'
        f'<g fill="{_BARS}">{bars}</g></svg>'
    ).encode()
