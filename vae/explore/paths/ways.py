"""One path through several keyframes. `lerp` and `slerp`, from one code to the next, are in `vae.explore.latents`."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes
from vae.explore.latents import lerp, slerp
from vae.explore.paths.follow import Roads, follow

WAYS = ("slerp", "lerp", "spline", "follow")
MOST = 24  # keyframes: more are a film of their own, and a row nobody overlooks


def through(
    keyframes: ArrayLike, per_leg: int, way: str, *, closed: bool = False, roads: Roads | None = None
) -> Floats:
    """Walk through keyframes in their order, with the same number of frames from each to the next.

    Args:
        keyframes: (K, L) float32, 2 to 24 codes of one model. Two that are alike make a pause.
        per_leg: frames from one keyframe to the next, at least 1. More: smoother, same path.
        way: "slerp" turns around the origin while the length changes evenly; "lerp" goes in straight lines; "spline"
            bends so that no keyframe is a corner; "follow" keeps to where images are, and needs `roads`.
        closed: whether it goes on from the last keyframe to the first.
        roads: of the model (`lay_roads`).

    Returns:
        (legs * per_leg + 1, L) float32, legs being K - 1, or K where closed. Row i * per_leg is keyframe i exactly.

    Raises:
        VAEError: too few or too many keyframes, codes that are not finite, per_leg below 1, no such way, or roads that
            are missing or of another model.
    """
    if len(np.shape(keyframes)) == 2 and len(np.asarray(keyframes)) < 2:
        raise VAEError("A path of one keyframe goes nowhere: add another one.")
    codes = many_codes(keyframes, "the keyframes")
    if len(codes) > MOST:
        raise VAEError(f"A path of {len(codes)} keyframes is too long: at most {MOST} find room, so take some out.")
    if per_leg < 1:
        raise VAEError(f"A path with {per_leg} frames from one keyframe to the next stands still: ask for at least 1.")
    if way not in WAYS:
        raise VAEError(f"There is no way called {way}: choose one of {', '.join(WAYS)}.")
    if way == "spline":
        return spline(codes, per_leg, closed=closed)
    stops = [*codes, codes[0]] if closed else list(codes)
    legs = [_leg(way, roads)(a, b, per_leg + 1) for a, b in pairwise(stops)]
    return np.concatenate([legs[0], *(leg[1:] for leg in legs[1:])])


def _leg(way: str, roads: Roads | None) -> Callable[[Floats, Floats, int], Floats]:
    if way != "follow":
        return slerp if way == "slerp" else lerp
    if roads is None:
        raise VAEError("A path that follows the data needs the codes of images: encode the data first.")
    return lambda a, b, steps: follow(roads, a, b, steps)


def spline(keyframes: ArrayLike, per_leg: int, *, closed: bool = False) -> Floats:
    """A smooth curve through keyframes: the centripetal Catmull-Rom spline (Yuksel 2011, with alpha 1/2).

    Its pace follows the square root of the distances, so it neither overshoots nor forms loops where keyframes lie at
    uneven distances. The ends continue straight, so through two keyframes it is `lerp`; where closed, the curve has no
    corner at the first keyframe either.

    Args:
        keyframes: (K, L) float32, at least 2. per_leg, closed: as in `through`.

    Returns:
        (legs * per_leg + 1, L) float32. Row i * per_leg is keyframe i exactly; alike neighbours make a pause.

    Raises:
        VAEError: fewer than 2 codes, or codes that are not finite.
    """
    codes = many_codes(keyframes, "the keyframes")
    if len(codes) < 2:
        raise VAEError("A path of one keyframe goes nowhere: add another one.")
    points = codes.astype(np.float64)
    moves = np.flatnonzero((np.diff(points, axis=0) != 0).any(axis=1)) + 1
    apart = points[[0, *moves]]  # without repetitions: they have no direction
    if closed and len(apart) > 1 and (apart[0] == apart[-1]).all():
        apart = apart[:-1]  # the last is the first again already
    if closed and len(apart) < 3:
        return through(codes, per_leg, "lerp", closed=True)  # there and back: no curve turns around by itself
    slopes = _slopes(apart, closed)
    stops = [*codes, codes[0]] if closed else list(codes)
    path, at = [codes[:1]], 0
    for a, b in pairwise(stops):
        if (a == b).all():
            path.append(np.repeat(b[None], per_leg, axis=0))
            continue
        ahead = (at + 1) % len(apart)
        leg = _hermite(apart[at], apart[ahead], slopes[at], slopes[ahead], per_leg)
        leg[-1] = b
        path.append(leg)
        at = ahead
    return np.concatenate(path)


def _slopes(points: np.ndarray, closed: bool) -> np.ndarray:
    """The velocity at each point, (K, L), in units of the square root of distance."""
    if len(points) < 2:
        return np.zeros_like(points)
    before = points[-1:] if closed else 2 * points[:1] - points[1:2]
    after = points[:1] if closed else 2 * points[-1:] - points[-2:-1]
    moves = np.diff(np.concatenate([before, points, after]), axis=0)  # (K + 1, L)
    times = np.sqrt(np.linalg.norm(moves, axis=1, keepdims=True))
    paces = moves / times
    return paces[:-1] + paces[1:] - (moves[:-1] + moves[1:]) / (times[:-1] + times[1:])


def _hermite(a: np.ndarray, b: np.ndarray, slope_a: np.ndarray, slope_b: np.ndarray, frames: int) -> Floats:
    """The cubic from a (left out) to b with these velocities at its ends, (frames, L)."""
    t = np.linspace(0, 1, frames + 1)[1:, None]
    time = np.sqrt(np.linalg.norm(b - a))
    rise = t * t * (3 - 2 * t)
    curve = (1 - rise) * a + rise * b + time * (t * (1 - t) ** 2 * slope_a - t * t * (1 - t) * slope_b)
    return curve.astype(np.float32)
