"""Paths: from code to code through any number of keyframes, in several ways; how long and how even they are."""

from vae.explore.paths.follow import Roads, follow, lay_roads
from vae.explore.paths.pace import Pace, cross_fade, even_pace, measure_pace
from vae.explore.paths.ways import MOST, WAYS, spline, through

__all__ = [
    "MOST",
    "WAYS",
    "Pace",
    "Roads",
    "cross_fade",
    "even_pace",
    "follow",
    "lay_roads",
    "measure_pace",
    "spline",
    "through",
]
