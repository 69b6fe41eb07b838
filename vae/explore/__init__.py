"""What can be done with codes: make them, edit them, map them, and turn what they decode to into pictures.

NumPy in and NumPy out. Nothing here owns a model, and nothing heavy is imported before it is needed.
"""

from vae.explore import attributes, codes, latents, neighbours, projection, render

__all__ = ["attributes", "codes", "latents", "neighbours", "projection", "render"]
