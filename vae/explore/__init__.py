"""What can be done with codes: make them, edit them, map them, and turn what they decode to into pictures.

NumPy in and NumPy out. Nothing here owns a model, and nothing heavy is imported before it is needed.
"""

from vae.explore import (
    anywhere,
    attributes,
    codes,
    density,
    drawing,
    gathered,
    latents,
    neighbours,
    projection,
    regions,
    render,
)

__all__ = [
    "anywhere",
    "attributes",
    "codes",
    "density",
    "drawing",
    "gathered",
    "latents",
    "neighbours",
    "projection",
    "regions",
    "render",
]
