"""Paths that follow the data: around the places where no images are, rather than across them.

The shortest path through the encodings where a step costs its length to a high power (Hwang, Damelin and Hero 2016,
"Shortest path through random points": as images get denser this is a geodesic of a metric in which sparse regions are
long). Many short steps among images cost less than one across a gap. The encodings themselves are scattered about what
they have in common, so the path is then drawn towards the mean of the images around it and kept evenly spaced, as a
principal curve is (Hastie and Stuetzle 1989).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, Mask, Rows, many_codes, one_code
from vae.explore.latents import active_units, lerp

POWER = 6  # of a step's length: the higher, the less it will cross a gap. 2 hardly bends, beyond 8 it wanders
STATIONS = 2_500  # encodings a path may step on: a quarter of a second for all their distances
IMAGES = 20_000  # encodings it is drawn towards
DEGREE = 16  # steps from each station
POINTS = 64  # of the curve while it is drawn
ROUNDS = 20  # after them it hardly moves
PULL = 0.3  # towards the images, the rest towards the middle between its neighbours on the path
AROUND = 8  # images that pull on a point

_NEARBY = 64  # images looked at around each point
_FAR = 1e12  # beyond it all images are as far, and squares stay finite


@dataclass(frozen=True, eq=False)
class Roads:
    """The encodings as a net of steps. Built by `lay_roads`.

    Attributes:
        active: (L,) bool, the A dimensions in use; in the others a path goes straight.
        images: (N, A) float32, encodings.
        starts, ends: (E,), steps between the first `stations` of them.
        costs: (E,) float64, their lengths to the power of POWER.
        stations: how many images can be stepped on.
    """

    active: Mask
    images: Floats
    starts: Rows
    ends: Rows
    costs: np.ndarray
    stations: int

    def __post_init__(self) -> None:
        if not (len(self.starts) == len(self.ends) == len(self.costs)) or self.stations > len(self.images):
            raise VAEError(f"{len(self.starts)} steps do not go with {len(self.costs)} costs.")


def lay_roads(mu: ArrayLike, split: ArrayLike, *, generator: np.random.Generator) -> Roads:
    """Learn where a path may go. About a quarter of a second, once for a model.

    Args:
        mu: (N, L), the codes of the images.
        split: (N,), 0 for images the model learned from. Only these are used where there are any, so that held-out
            images can judge the path.
        generator: chooses among more than 20,000 of them.

    Raises:
        VAEError: shapes that do not agree, or values that are not finite.
    """
    mu, split = many_codes(mu), np.asarray(split)
    if split.shape != (len(mu),):
        raise VAEError(f"{len(mu)} codes need one split each, and there are {split.shape}: encode the data again.")
    rows = np.flatnonzero(split == 0) if (split == 0).any() else np.arange(len(mu))
    active = active_units(mu[rows])
    images = np.ascontiguousarray(mu[generator.permutation(rows)[:IMAGES]][:, active])
    stations = images[:STATIONS]
    degree = min(DEGREE, len(stations) - 1)
    squared = _squares(stations, stations)
    np.fill_diagonal(squared, np.inf)
    ends = np.argpartition(squared, degree - 1, axis=1)[:, :degree] if degree else np.empty((len(stations), 0), int)
    steps = stations.astype(np.float64)[:, None] - stations.astype(np.float64)[ends]  # (stations, degree, A), exact
    costs = (steps**2).sum(axis=2) ** (POWER / 2)
    starts = np.repeat(np.arange(len(stations)), degree)
    return Roads(active, images, starts, ends.ravel(), costs.ravel(), len(stations))


def follow(roads: Roads, z_a: ArrayLike, z_b: ArrayLike, steps: int) -> Floats:
    """Walk from z_a to z_b where images are, at an even pace. About 0.05 s.

    Args:
        roads: of the model the codes belong to.
        z_a, z_b: (L,) float32.
        steps: frames, both ends included, at least 2. More frames: smoother, same path.

    Returns:
        (steps, L) float32. The first row is z_a and the last is z_b exactly. It is longer than `lerp`, and the pictures
        on it are more typical than those of real images: see `benchmarks/directions.md`.

    Raises:
        VAEError: codes of another length, not finite, or steps below 2.
    """
    a, b = one_code(z_a, "the first code"), one_code(z_b, "the second code")
    path = lerp(a, b, steps)
    if len(a) != len(roads.active):
        raise VAEError(f"The codes have {len(a)} numbers and the images' have {len(roads.active)}: use one model.")
    if not roads.active.any() or (a == b)[roads.active].all():
        return path
    ends = np.stack([a, b])[:, roads.active].astype(np.float64)
    curve = _drawn(_evenly(_shortest(roads, ends), POINTS), roads.images)
    path[:, roads.active] = _evenly(curve, steps)
    path[0], path[-1] = a, b
    return path


def _shortest(roads: Roads, ends: np.ndarray) -> np.ndarray:
    """The cheapest way between two points (2, A) by the stations, (V, A), both ends included.

    An end may step to any station, and straight to the other end: so there always is a way.
    """
    from scipy.sparse import csr_matrix  # here, because SciPy takes long to import
    from scipy.sparse.csgraph import dijkstra

    count = roads.stations
    stations = roads.images[:count].astype(np.float64)
    every, first, last = np.arange(count), count, count + 1
    out, home = (((stations - end) ** 2).sum(axis=1) ** (POWER / 2) for end in ends)
    straight = ((ends[0] - ends[1]) ** 2).sum() ** (POWER / 2)
    starts = np.concatenate([roads.starts, np.full(count, first), every, [first]])
    stops = np.concatenate([roads.ends, every, np.full(count, last), [last]])
    costs = np.concatenate([roads.costs, out, home, [straight]])
    net = csr_matrix((costs, (starts, stops)), shape=(count + 2, count + 2))
    _, before = dijkstra(net, directed=False, indices=first, return_predecessors=True)
    way = [last]
    while way[-1] != first:
        way.append(int(before[way[-1]]))
    return np.concatenate([stations, ends])[way[::-1]]


def _drawn(curve: np.ndarray, images: Floats) -> np.ndarray:
    """A curve (P, A) drawn towards the images (N, A) around it, its ends where they are."""
    nearby = min(_NEARBY, len(images)) - 1
    squared = _squares(curve.clip(-_FAR, _FAR).astype(np.float32), images)
    near = images[np.unique(np.argpartition(squared, nearby, axis=1)[:, : nearby + 1])].astype(np.float64)
    around = min(AROUND, len(near) - 1)
    for _ in range(ROUNDS):
        squared = _squares(curve, near)
        reach = np.partition(squared, around, axis=1)[:, around, None]
        # Measured from the nearest, so that one far from all images still has a weight that is no zero.
        closest = squared.min(axis=1, keepdims=True)
        weights = np.exp(-2 * (squared - closest) / np.maximum(reach, 1e-30))
        means = (weights @ near) / weights.sum(axis=1, keepdims=True)
        between = (curve[:-2] + curve[2:]) / 2
        curve = np.concatenate([curve[:1], (1 - PULL) * between + PULL * means[1:-1], curve[-1:]])
        curve = _evenly(curve, len(curve))
    return curve


def _evenly(curve: np.ndarray, count: int) -> np.ndarray:
    """`count` points on a chain of points (P, A), at even distances along it; the ends are its ends."""
    lengths = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    along = np.concatenate([[0], lengths.cumsum()])
    asked = np.linspace(0, along[-1], count)
    points = np.stack([np.interp(asked, along, axis) for axis in curve.T], axis=1)
    points[0], points[-1] = curve[0], curve[-1]
    return points


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances (A, B), short of their last digits, none negative."""
    squared = -2 * (a @ b.T)
    squared += (a**2).sum(axis=1)[:, None]
    squared += (b**2).sum(axis=1)
    return np.maximum(squared, 0, out=squared)
