"""The code at any point of a map, against `umap.inverse_transform`.

A UMAP is fitted on the codes of some training images of the model. 2,000 held-out images get their place on it from
`umap.transform`: their own codes are not on the map. At each place we ask for the code, decode it, and compare the
picture with the image: by the mean squared error per pixel, and by the cross entropy in nats per image; and how many
of the codes read as usual (`vae.explore.density`). In the tables:

* **its own code** decoded: no map can do better;
* **ours**: `vae.explore.anywhere.code_at`, the code from the nearest images on the map;
* **umap.inverse_transform** of the same places, warm (it compiles at its first call, which is not counted).

Seconds are for all places in one call; hovering asks for one at a time, so that is measured, too. How many images ours
asks was chosen on other held-out images (`--choose` prints that table).
"""

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from benchmarks.report import measured_on, section
from live.engine import SHIPPED
from vae import data
from vae.checkpoint import load
from vae.encodings import load_encodings
from vae.explore.anywhere import code_at, ground
from vae.explore.density import fit_density, unusual
from vae.model import VAE

COMMAND = "python -m benchmarks.live anywhere"
FASTER = 20  # times: the bar


@dataclass(frozen=True)
class Found:
    """One way to get codes at the places: the error of their pictures, the share that read as usual, and the time."""

    mse: float  # per pixel
    nats: float  # per image
    usual: float
    seconds: float


class Bench:
    """A map of training images, and held-out images that are not on it."""

    def __init__(self, name: str, seed: int, on_map: int, images: int, choosing: bool) -> None:
        self.vae: VAE = load(SHIPPED / name, "cpu").vae
        encodings = load_encodings(SHIPPED / name)
        test = data.load(str(name.removesuffix("-2d")), "test")
        generator = np.random.default_rng(seed)
        train = np.flatnonzero(encodings.split == 0)
        held_out = np.flatnonzero(encodings.split == 1)
        # Half of the held-out images are for choosing, the others for the table; always the same halves.
        halves = np.split(np.random.default_rng(0).permutation(held_out), 2)
        rows = generator.choice(halves[0] if choosing else halves[1], images, replace=False)
        self.mu = encodings.mu[generator.choice(train, on_map, replace=False)]
        self.own = encodings.mu[rows]
        x = np.asarray(test.pixels)[encodings.index[rows]].reshape(images, -1)  # (images, D)
        self.x = torch.from_numpy(x.astype(np.float32) / 255)

        started = time.perf_counter()
        self.umap = _umap().UMAP(n_neighbors=15, min_dist=0.1, init="pca", random_state=seed, n_jobs=1).fit(self.mu)
        self.fitted = time.perf_counter() - started
        self.ground = ground(self.mu, self.umap.embedding_)
        self.density = fit_density(encodings.mu, encodings.split, generator=np.random.default_rng(0))
        self.xy = np.asarray(self.umap.transform(self.own), np.float32)  # (images, 2)

    def found(self, codes_at: Callable[[], np.ndarray]) -> Found:
        started = time.perf_counter()
        codes = codes_at()
        seconds = time.perf_counter() - started
        with torch.inference_mode():
            drawn = self.vae.decode(torch.from_numpy(np.array(codes, np.float32))).flatten(1)
        p = drawn.clamp(1e-6, 1 - 1e-6)
        nats = -(self.x * p.log() + (1 - self.x) * (1 - p).log()).sum(dim=1).mean()
        usual = np.mean([each.usual for each in unusual(self.density, codes)])
        return Found(float((drawn - self.x).square().mean()), float(nats), float(usual), seconds)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Decode anywhere, against umap.inverse_transform.")
    parser.add_argument("--models", nargs="+", default=["mnist", "fashion-mnist"])
    parser.add_argument("--on-map", type=int, default=10_000, help="training images the map is fitted on (10,000)")
    parser.add_argument("--images", type=int, default=2_000, help="held-out images (2,000)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="print the table that k and the weights were chosen by")
    asked = parser.parse_args(arguments)
    if asked.choose:
        for name in asked.models:
            _choose(Bench(name, 100, asked.on_map, asked.images, choosing=True), name)
        return 0
    lines = [
        "## Decode anywhere",
        "",
        measured_on(COMMAND),
        f"UMAP of {asked.on_map:,} training images, {asked.images:,} held-out images placed on it by `umap.transform`; "
        f"medians over {asked.seeds} maps, lowest to highest in brackets.",
        "",
        "| model | code from | MSE per pixel | nats per image | usual, of 100 | seconds for all | ms for one |",
        "|---|---|---|---|---|---|---|",
    ]
    passed = True
    for name in asked.models:
        rounds = []
        for seed in range(asked.seeds):
            rounds.append(_round(Bench(name, seed, asked.on_map, asked.images, choosing=False)))
            print(name, seed, rounds[-1], flush=True)
        for way in rounds[0]:
            results = [each[way] for each in rounds]
            cells = [
                _spread([found.mse for found, _ in results], ".4f"),
                _spread([found.nats for found, _ in results], ".1f"),
                _spread([100 * found.usual for found, _ in results], ".0f"),
                "" if way == OWN else _spread([found.seconds for found, _ in results], ".3g"),
                "" if way == OWN else _spread([one * 1e3 for _, one in results], ".3g"),
            ]
            lines.append(f"| {name} | {way} | {' | '.join(cells)} |")
        times = median(each[THEIRS][0].seconds / each[OURS][0].seconds for each in rounds)
        better = all(each[OURS][0].mse < each[THEIRS][0].mse for each in rounds)
        passed &= better and times >= FASTER
        verdict = "lower on every map" if better else "**not lower on every map**"
        lines.append(f"| {name} | | {verdict} | | | {times:,.0f} times faster | |")
    lines += ["", f"Bar: a lower error, at least {FASTER} times faster. {'Met.' if passed else '**Not met.**'}"]
    section("live", "anywhere", "\n".join(lines))
    return 0 if passed else 1


OWN, OURS, THEIRS = "its own code", "ours", "umap.inverse_transform"


def _round(bench: Bench) -> dict[str, tuple[Found, float]]:
    """Each way: what it found, and the median seconds for a single place."""
    inverse: Callable[[np.ndarray], np.ndarray] = bench.umap.inverse_transform
    inverse(bench.xy[:5])  # compiles
    code_at(bench.ground, bench.xy[:5])  # sorts the map
    return {
        OWN: (bench.found(lambda: bench.own), 0.0),
        OURS: (
            bench.found(lambda: code_at(bench.ground, bench.xy).codes),
            _one(bench, lambda p: code_at(bench.ground, p)),
        ),
        THEIRS: (bench.found(lambda: inverse(bench.xy)), _one(bench, inverse, times=5)),
    }


def _one(bench: Bench, ask: Callable[[np.ndarray], object], times: int = 100) -> float:
    taken = []
    for place in bench.xy[:times]:
        started = time.perf_counter()
        ask(place[None])
        taken.append(time.perf_counter() - started)
    return median(taken)


def _choose(bench: Bench, name: str) -> None:
    print(f"{name}: map fitted in {bench.fitted:.0f} s, own code {bench.found(lambda: bench.own)}")
    for k in (1, 2, 4, 6, 9, 16, 24, 32, 51, 101):
        ours = bench.found(lambda k=k: code_at(bench.ground, bench.xy, k).codes)  # type: ignore[misc]
        print(f"k {k:3}: {ours}", flush=True)


def _umap():  # type: ignore[no-untyped-def]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap
    return umap


def _spread(values: list[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"
