"""Paths between held-out images: how near to others of them they stay, how even they are, how soon they are there.

For each model pairs of test images are drawn, and walked from one to the other with 64 frames. The frames between the
ends are asked how far the nearest held-out encoding is (the two ends are left out of these). The net that `follow`
walks on is laid through training images only. Two things that the bar does not ask for are told beside it: how many
frames read as unusual, since a path drawn towards the middle of images is nearer to all of them, and, where a judge
ships, how many of the pictures it recognises.

"Ready" is the time for the first path of a model (its net included) and for any other, the slowest of all pairs.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.report import measured_on, section
from live.engine import Engine, ModelEntry, shared
from vae.batches import as_x
from vae.evaluate.estimate import Estimate, bootstrapped, resampled
from vae.evaluate.pictures.judge.classifier import has_judge, load_judge
from vae.explore.density import Density, fit_density, unusual
from vae.explore.neighbours import nearest
from vae.explore.paths import lay_roads, measure_pace, through

COMMAND = "python -m benchmarks.directions paths"
FRAMES = 64
CLOSER, LARGEST, READY = 0.25, 2.0, 1.0  # the bars, for `follow` on mnist
WAYS = ("lerp", "slerp", "follow")


@dataclass(frozen=True)
class Walked:
    """What was measured of one way through a model, over all pairs.

    Attributes:
        near: (pairs,) mean distance of a path's frames to the nearest held-out encoding.
        largest: the largest step by the mean step, in codes, of the worst path.
        far, plain: shares of frames that read as stranger, or as closer to the average, than 97.5 % of images.
        length: mean length in pictures, by that of the cross-fade.
        recognised: share of the frames' pictures that a judge recognises; None without one.
        exact: whether all ends were the images' codes to the bit.
        first, ready: seconds for the first path, and for the slowest of the others.
    """

    near: np.ndarray
    largest: float
    far: float
    plain: float
    length: float
    recognised: float | None
    exact: bool
    first: float
    ready: float


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="How near to the data paths stay.")
    parser.add_argument("--models", nargs="+", default=["mnist", "fashion-mnist", "mnist-2d", "faces", "faces-fair"])
    parser.add_argument("--pairs", type=int, default=100)
    options = parser.parse_args(arguments)
    missed: list[str] = []
    lines = [
        "## Paths",
        "",
        f"{measured_on(f'{COMMAND} -- --pairs {options.pairs}')} {options.pairs} pairs of test images, {FRAMES} "
        "frames, ends left out. Distance: of a frame to the nearest held-out encoding, mean; in brackets how much "
        "closer than lerp, with the 95 % interval over pairs. Stranger, closer to the average: shares of frames that "
        "are so more than 97.5 % of held-out images. Recognised: by the judge that ships. Pixels: length in pictures, "
        "by that of a cross-fade. Largest step: by the mean step, in codes, the worst path. Seconds: a model's first "
        "path, and the slowest other, by the clock beside other work.",
        "",
        "| model | way | distance | stranger | closer to the average | recognised | pixels | largest step | seconds |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in options.models:
        walked = _model(name, options.pairs)
        lines += [_row(name, way, walked) for way in WAYS]
        follow, gain = walked["follow"], _closer(walked, "follow")
        if not all(each.exact for each in walked.values()):
            missed.append(f"{name}: ends are not exact")
        if name == "mnist" and gain.value < CLOSER:
            missed.append(f"{name}: {gain.value:.1%} closer")
        if follow.largest > LARGEST:
            missed.append(f"{name}: largest step {follow.largest:.2f}")
        if follow.first > READY:
            missed.append(f"{name}: ready in {follow.first:.2f} s")
    verdict = f"**Missed: {'; '.join(missed)}.**" if missed else "All met."
    lines += [
        "",
        f"Bars: ends exact for all; `follow` on mnist at least {CLOSER:.0%} closer than lerp, its largest step at most "
        f"{LARGEST:g} times the mean and its first path ready within {READY:g} s, on every model. {verdict}",
        "",
        "`follow` pays for being near: it is longer, and its frames lie closer to the average than images do, because "
        "it keeps to what neighbours have in common. Its pictures are the typical ones.",
    ]
    section("directions", "paths", "\n".join(lines))
    return int(bool(missed))


def _model(name: str, pairs: int) -> dict[str, Walked]:
    engine = shared()
    entry = next(one for one in engine.models() if one.name == name)
    known = engine.encodings(entry)
    held_out = known.mu[known.split != 0]
    ends = np.random.default_rng(0).permutation(len(held_out))[: 2 * pairs].reshape(-1, 2)
    density = fit_density(known.mu, known.split, generator=np.random.default_rng(0))
    follow_once = through(held_out[:2], 2, "follow", roads=lay_roads(held_out[:500], np.zeros(500), generator=_seed()))
    assert len(follow_once) == 3  # SciPy is imported now, as it is in a server that has shown its map

    started = time.perf_counter()
    roads = lay_roads(known.mu, known.split, generator=_seed())
    laid = time.perf_counter() - started
    found = {}
    for way in WAYS:
        paths, taken = [], []
        for a, b in held_out[ends]:
            started = time.perf_counter()
            paths.append(through([a, b], FRAMES - 1, way, roads=roads))
            taken.append(time.perf_counter() - started)
        first = taken[0] + (laid if way == "follow" else 0)
        found[way] = _walked(engine, entry, density, held_out, ends, np.stack(paths), first, max(taken[1:]))
    return found


def _seed() -> np.random.Generator:
    return np.random.default_rng(0)


def _walked(
    engine: Engine,
    entry: ModelEntry,
    density: Density,
    held_out: np.ndarray,
    ends: np.ndarray,
    paths: np.ndarray,  # (pairs, FRAMES, L)
    first: float,
    ready: float,
) -> Walked:
    near = [nearest(held_out, path[1:-1], 1, pair).distances.mean() for path, pair in zip(paths, ends, strict=True)]
    steps = np.linalg.norm(np.diff(paths.astype(np.float64), axis=1), axis=2)  # (pairs, FRAMES - 1)
    said = unusual(density, paths[:, 1:-1].reshape(-1, paths.shape[2]))
    films = [engine.decode(entry, path) for path in paths]
    paces = [measure_pace(film, [0, len(film) - 1]) for film in films]
    recognised = None
    if has_judge(entry.data):
        shown = np.concatenate([film[1:-1] for film in films])
        looks = load_judge(entry.data).look(as_x(torch.from_numpy(np.moveaxis(shown, 3, 1).copy())))
        recognised = float(looks.recognised.float().mean())
    return Walked(
        near=np.array(near, np.float64),
        largest=float((steps.max(axis=1) / steps.mean(axis=1)).max()),
        far=float(np.mean([one.percentile > 97.5 for one in said])),
        plain=float(np.mean([one.percentile < 2.5 for one in said])),
        length=float(np.mean([pace.length / pace.fade for pace in paces])),
        recognised=recognised,
        exact=bool((paths[:, [0, -1]] == held_out[ends]).all()),
        first=first,
        ready=ready,
    )


def _closer(walked: dict[str, Walked], way: str) -> Estimate:
    """By which share of lerp's distance a way is nearer to the data, resampled over pairs."""
    near, straight = walked[way].near, walked["lerp"].near
    drawn = resampled(len(near), np.random.default_rng(0))
    again = np.array([1 - (counts @ near) / (counts @ straight) for counts in drawn])
    return bootstrapped(float(1 - near.mean() / straight.mean()), again)


def _row(name: str, way: str, walked: dict[str, Walked]) -> str:
    one = walked[way]
    gain = "" if way == "lerp" else f" ({_closer(walked, way).phrase('.1%')})"
    seconds = f"{one.first:.2f}, {one.ready:.2f}" if way == "follow" else f"{one.ready:.3f}"
    recognised = "" if one.recognised is None else f"{one.recognised:.1%}"
    return (
        f"| {name} | {way} | {one.near.mean():.3f}{gain} | {one.far:.1%} | {one.plain:.1%} | {recognised} "
        f"| {one.length:.2f} | {one.largest:.2f} | {seconds} |"
    )
