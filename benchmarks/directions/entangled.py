"""What the direction of each attribute does to the others, and what is left of that under lock: the drawn faces.

Measures what `python -m vae evaluate checkpoints/faces --suite directions` does, and keeps it beside the model, where
the next call finds it. Readers of pixels learn from faces drawn apart, every feature by itself; one settles the lock on
training images, the other judges on held-out ones.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import measured_on, section
from vae import checkpoint, data
from vae.conditional import sides_of, step_between
from vae.data.images import Images
from vae.encodings import encode
from vae.evaluate.moves.entangle import IMAGES, SPILL, Entangled, of_readers
from vae.evaluate.moves.regressors import Reader, reader_for, traits_of
from vae.evaluate.moves.settled import Scene, changes, seen
from vae.explore.directions.found import difference
from vae.explore.directions.groups import attribute_groups
from vae.explore.directions.lock import covariance_of, lock
from vae.reports import keep_suite, read_report

COMMAND = "python -m benchmarks.directions entangled"
CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
MODELS = ("faces", "faces-fair")
MOVES, FALLS, STAYS = 0.8, 0.7, 0.9  # the bars: of the real gap, of spill-over, of the effect
ASKED = ("smile", "glasses")  # that the bars are about


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="What directions of faces bring along, and the lock.")
    parser.add_argument("--afresh", action="store_true", help="measure again what is kept")
    parser.add_argument("--images", type=int, default=IMAGES, help=f"held-out images ({IMAGES})")
    options = parser.parse_args(arguments)
    kept = {name: measured(name, options.images, options.afresh) for name in MODELS}
    found = {name: Entangled.from_json(values) for name, values in kept.items()}
    missed = [
        *(f"{name}: smile moves {share:.0%}" for name in MODELS if (share := found[name].share("smile")) < MOVES),
        *(f"{name}: {line}" for name in MODELS for one in ASKED for line in broken(found[name], one)),
    ]
    along = {name: found[name].spills("glasses").get("hat", np.nan) for name in MODELS}
    if not (along["faces"] >= SPILL and abs(along["faces-fair"]) < SPILL):
        missed.append("glasses bring a hat on faces-fair, or none on faces")
    section(
        "directions",
        "entangled",
        _page(found, missed, along, {name: values["angles"] for name, values in kept.items()}),
    )
    return int(bool(missed))


def measured(name: str, images: int, afresh: bool) -> dict[str, Any]:
    """What is kept of a model that ships, or measured now and kept: the suite, and locks by angle beside it."""
    model = checkpoint.load(CHECKPOINTS / name)
    kept = read_report(model.folder, model.model_id).get("directions", {})
    if "angles" in kept and not afresh:
        return kept
    began = time.perf_counter()
    train, test = (data.load(name, split) for split in ("train", "test"))
    judge, other = (reader_for(name, train, test, seed=seed, stage=_said) for seed in (0, 1))
    found = of_readers(model, train, test, judge, other, images=images, stage=_said)
    more = {
        "data": name,
        "angles": angles(model, train.take(slice(4000)), test.take(slice(images)), judge),
        "seconds": round(time.perf_counter() - began, 1),
        "command": f"python -m vae evaluate checkpoints/{name} --suite directions",
        "lines": found.lines(),
    }
    keep_suite(model.folder, model.model_id, "directions", found.to_json() | more)
    return found.to_json() | more


def angles(model: checkpoint.Checkpoint, train: Images, test: Images, judge: Reader) -> list[list[Any]]:
    """Locks that know directions only, of yes-or-no attributes.

    Returns:
        Rows: direction, lock, share of the real gap, the attribute that most is left on, and how much.
    """
    mu, held_out = (encode(model.vae, images).mu for images in (train, test))
    known, asked = traits_of(train), traits_of(test)
    columns = zip(known.names, known.values.T, strict=True)
    every = {name: difference(mu, attribute_groups(values, name)) for name, values in columns}
    scene = Scene(model.vae, judge, judge.slope * asked.sd)
    before, rows = seen(scene, held_out), []
    for name in ASKED:
        own = known.names.index(name)
        sides = sides_of(asked.values[:, own])
        others = [each for word, each in every.items() if word != name]
        for words, metric in (("orthogonal", None), ("orthogonal in the data's covariance", covariance_of(mu))):
            step = lock(every[name], others, metric).step
            mean = changes(scene, held_out, before, -sides.astype(np.float64), step).mean(axis=0)
            worst = int(np.abs(np.where(np.arange(len(mean)) == own, 0, mean)).argmax())
            gap = float(step_between(asked.values[:, own, None], sides)[0] / asked.sd[own])
            rows.append([name, words, float(mean[own] / gap), known.names[worst], float(mean[worst])])
    return rows


def _said(what: str) -> Callable[[int, int], None]:
    print(what, file=sys.stderr, flush=True)
    return lambda done, total: None


def broken(found: Entangled, direction: str, way: str = "settled") -> list[str]:
    """In words, which bars of the lock a direction misses."""
    kept = found.share(direction, way) / found.share(direction)
    left = found.spills(direction, way)
    lines = [] if kept >= STAYS else [f"{direction} keeps {kept:.0%} of its effect"]
    for name, before in found.spills(direction).items():
        if abs(before) >= SPILL and not abs(left[name]) <= (1 - FALLS) * abs(before):
            lines.append(f"{direction} on {name} {before:+.2f} to {left[name]:+.2f}")
    return lines


def table(found: Entangled, directions: Sequence[str]) -> list[str]:
    """Markdown rows: what each direction moves, what it brings along, and the same under both locks."""
    head = "| direction | of the real gap | brings, sd | locked in codes | left, sd | locked in pictures | left, sd |"
    rows = [head, "|---|---:|---|---:|---|---:|---|"]
    for name in directions:
        cells = []
        for way in ("effect", "locked", "settled"):
            share = found.share(name, way)
            kept = f"{share:.0%}" if way == "effect" else f"{share:.0%}, {share / found.share(name):.0%} of it"
            cells += [kept if share == share else "-", _brings(found, name, way)]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _brings(found: Entangled, direction: str, way: str) -> str:
    """What a direction brings in one way: what it brought to begin with, and what is new."""
    row = found.directions.index(direction)
    low, high = ((end, f"{way}_{end}")[way != "effect"] for end in ("low", "high"))
    before, said = found.spills(direction), []
    for name, value in sorted(found.spills(direction, way).items(), key=lambda one: -abs(one[1])):
        if abs(value) >= SPILL or abs(before[name]) >= SPILL:
            column = found.attributes.index(name)
            ends = f"{getattr(found, low)[row][column]:+.2f} to {getattr(found, high)[row][column]:+.2f}"
            said.append(f"{name} {value:+.2f} ({ends})")
    return ", ".join(said) or "none"


def _page(
    found: dict[str, Entangled], missed: list[str], along: dict[str, float], angled: dict[str, list[list[Any]]]
) -> str:
    parts = []
    for name, one in found.items():
        read = ", ".join(
            f"{word} {value:.3f}{' (R2)' if not binary else ''}"
            for word, value, binary in zip(one.attributes, one.reliability, one.binary, strict=True)
        )
        others = [word for word in one.directions if word not in ASKED]
        still = sum(not broken(one, word) for word in others)
        parts.append(
            f"`{name}`, {one.images:,} held-out images. How well pixels are read, AUC or R2: {read}. "
            f"Of the {len(others)} other directions {still} meet the bars of the lock.\n\n"
            + "\n".join(table(one, one.directions))
            + "\n\nLocks that know the directions only, all others locked: "
            + "; ".join(f"{row[0]} {row[1]} {row[2]:.0%}, left {row[3]} {row[4]:+.2f} sd" for row in angled[name])
            + "."
        )
    gist = f"Glasses bring {along['faces']:+.2f} sd of hat on `faces`, {along['faces-fair']:+.2f} on `faces-fair`"
    bars = "Missed: " + "; ".join(missed) + "." if missed else "All met."
    return f"""## What a direction brings along, and the lock

{measured_on(COMMAND)} The whole step: images on one side of an attribute step over to the other (a continuous one: \
between its outer thirds), are decoded, and read by a network that sees pixels only. Figures: mean change in standard \
deviations of the attribute over real images, 95 % interval over images; spill-over below {SPILL} is left out unless \
it was more before. Bars, for {" and ".join(ASKED)}: smile moves at least {MOVES:.0%} of the real gap; locked in \
pictures, spill-over of {SPILL} sd or more falls by at least {FALLS:.0%} while at least {STAYS:.0%} of the effect \
stays; glasses bring a hat on `faces` only. {gist}: it was the data. {bars}

{(chr(10) * 2).join(parts)}
"""
