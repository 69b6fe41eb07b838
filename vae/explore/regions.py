"""Which points of a map lie inside a region drawn by hand."""

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Rows, many_codes


def inside(xy: ArrayLike, polygon: ArrayLike) -> Rows:
    """The points inside a polygon, by the even-odd rule: in, when a ray from the point crosses its edge an odd number
    of times (Shimrat 1962), so that where a lasso crosses itself the doubly enclosed part is out.

    The points are sorted by height once, and each edge looks only at those of its own heights: a lasso of hundreds of
    corners over a million points takes about as long as one of four.

    Args:
        xy: (N, 2), the map.
        polygon: (P, 2), its corners in order, in map units; the last is joined to the first. P at least 3.

    Returns:
        Rows of xy, ascending. A point on an edge belongs to one of the two sides of it, to the same one for every
        polygon with that edge: regions that touch share no point and lose none.

    Raises:
        VAEError: shapes other than these, values that are not finite, or fewer than 3 corners.
    """
    points = many_codes(xy, "the map")
    corners = many_codes(polygon, "the region").astype(np.float64)
    if points.shape[1] != 2 or corners.shape[1] != 2:
        raise VAEError("A region and its map are flat: each point needs two numbers, x and y.")
    if len(corners) < 3:
        raise VAEError(f"A region needs at least 3 corners and this one has {len(corners)}: draw around some points.")

    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    x, y = points.T
    near = np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top))
    rows = near[np.argsort(y[near])]
    x, y = x[rows].astype(np.float64), y[rows].astype(np.float64)  # (n,) each, y ascending
    odd = np.zeros(len(rows), bool)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        (x_low, y_low), (x_high, y_high) = (a, b) if a[1] <= b[1] else (b, a)
        first, last = np.searchsorted(y, (y_low, y_high))  # heights in [y_low, y_high): a corner is met once
        if first < last:
            share = (y[first:last] - y_low) / (y_high - y_low)
            odd[first:last] ^= x[first:last] < x_low + share * (x_high - x_low)
    return np.sort(rows[odd])
