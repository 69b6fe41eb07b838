"""The views of a map by their names: one that was kept, "pca", or two dimensions of the codes as "3,0"."""

from collections.abc import Mapping

import numpy as np

from vae.errors import VAEError
from vae.explore import projection
from vae.explore.codes import Floats


def view_xy(mu: Floats, maps: Mapping[str, Floats], view: str) -> Floats:
    """Map coordinates (N, 2).

    Args:
        mu: (N, L), the codes of the images.
        maps: those that were kept, (N, 2) each.
        view: a name of `maps`, "pca", or two dimensions.

    Raises:
        VAEError: there is no such view, or the map is damaged.
    """
    if view in maps:
        xy = maps[view]
        if not np.isfinite(xy).all():
            raise VAEError(f"The map {view} of this model holds numbers that are not finite: make it again.")
        return xy
    if view == "pca":
        return projection.pca(mu).xy
    return np.ascontiguousarray(mu[:, dims_of(view, mu.shape[1])])


def dims_of(view: str, latent_dim: int) -> list[int]:
    """The two dimensions of a view such as "3,0". VAEError: it is none, or the codes do not have them."""
    dims = [int(dim) for dim in view.split(",") if dim.isascii() and dim.isdecimal() and len(dim) < 6]
    if len(dims) != 2 or view.count(",") != 1 or max(dims) >= latent_dim:
        raise VAEError(f"This model has no view of its map called “{view[:40]}”: choose another.")
    return dims
