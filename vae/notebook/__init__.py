"""Muscope in a notebook: a model by its name, codes, directions, paths, samples, and pictures to the byte.

    from vae.notebook import open_model

    model = open_model("mnist")
    z = model.code("test/17")
    model.picture(z)

A page's "Copy as Python" is written in these, and makes the picture of the page. All arrays are NumPy; a code is (L,)
float32, in standard deviations of the prior.
"""

from vae.notebook.model import Model
from vae.notebook.opening import open_model, open_run
from vae.notebook.pictures import Picture, original, sheet
from vae.notebook.steps import add, as_direction, move

__all__ = ["Model", "Picture", "add", "as_direction", "move", "open_model", "open_run", "original", "sheet"]
