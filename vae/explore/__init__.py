"""What can be done with codes: make them, edit them, map them, and turn what they decode to into pictures.

NumPy in and NumPy out. Nothing here owns a model, and nothing heavy is imported before it is needed.
"""

from vae.explore import (
    anywhere,
    codes,
    density,
    directions,
    drawing,
    film,
    gathered,
    latents,
    neighbours,
    paths,
    projection,
    regions,
    render,
)

__all__ = [
    "anywhere",
    "codes",
    "density",
    "directions",
    "drawing",
    "film",
    "gathered",
    "latents",
    "neighbours",
    "paths",
    "projection",
    "regions",
    "render",
]
