"""A direction from twenty pictures inside two lines on the map, beside the one from all labels."""

import argparse
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.report import measured_on, section
from vae.encodings import Encodings, load_encodings
from vae.errors import VAEError
from vae.explore.directions.found import difference
from vae.explore.directions.groups import Groups, picked_groups

COMMAND = "python -m benchmarks.directions lasso"
CHECKPOINTS = Path(__file__).resolve().parents[2] / "checkpoints"
MODELS = ("mnist", "fashion-mnist", "mnist-2d", "faces", "faces-fair")
INSIDE = 10  # pictures of each line
REACHES = (10, 100)  # images inside a line: a tight one, and one around as much as a hand circles
BAR = 0.9


@dataclass(frozen=True)
class Row:
    """One model: the area under the curve on held-out images, of many pairs of lines."""

    model: str
    what: str
    reach: int
    pairs: int
    inside: float  # share of the pictures inside a line that are of the kind it was drawn for
    all_labels: float
    lasso: float
    ratio: float
    worst: float  # the ratio of the worst twentieth


def sides_of(known: Encodings) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(name, images of one kind, of the other): pairs of classes, or those with an attribute and those without."""
    if known.labels is not None:
        return [
            (f"{known.label_names[a]} and {known.label_names[b]}", known.labels == a, known.labels == b)
            for a, b in combinations(range(len(known.label_names)), 2)
        ]
    values = dict(zip(known.attribute_names, np.asarray(known.attributes).T, strict=True))
    yes = {name: column == 1 for name, column in values.items() if np.isin(column, (0, 1)).all()}
    return [(name.replace("_", " "), mask, ~mask) for name, mask in yes.items()]


def lassoed(
    xy: np.ndarray, among: np.ndarray, kind: np.ndarray, reach: int, generator: np.random.Generator
) -> np.ndarray:
    """Ten of the `reach` images nearest on the map to one of a kind, whatever they are themselves."""
    rows = np.flatnonzero(among)
    middle = xy[generator.choice(np.flatnonzero(among & kind))]
    inside = np.argpartition(((xy[rows] - middle) ** 2).sum(axis=1), reach)[:reach]
    return rows[generator.choice(inside, INSIDE, replace=False)]


def auc(along: np.ndarray, mine: np.ndarray) -> float:
    """How often one of `mine` lies further along than one of the rest; ties count half."""
    ordered = np.sort(along[~mine])
    left, right = (np.searchsorted(ordered, along[mine], side) for side in ("left", "right"))
    return float((left + right).mean() / 2 / len(ordered))


def measured(name: str, reach: int, seeds: int) -> list[Row]:
    known = load_encodings(CHECKPOINTS / name)
    xy, train, test = known.maps["umap"], known.split == 0, known.split == 1
    sides = sides_of(known)
    # Classes lie apart on a map, attributes of faces do not: each of those is a row of its own.
    named = [("pairs of classes", sides)] if known.labels is not None else [(side[0], [side]) for side in sides]
    rows = []
    for what, some in named:
        found, pure = [], []
        for _, mine, others in some:
            judged = test & (mine | others)
            whole = difference(known.mu, Groups(train & mine, train & others, ("a", "b")))
            best = auc(known.mu[judged] @ whole.vector, mine[judged])
            for seed in range(seeds):
                generator = np.random.default_rng(seed)
                ours, theirs = (lassoed(xy, train, kind, reach, generator) for kind in (mine, others))
                pure.append((mine[ours].mean() + others[theirs].mean()) / 2)
                try:
                    few = difference(known.mu, picked_groups(ours, theirs, len(known), ("a", "b")))
                    found.append((best, auc(known.mu[judged] @ few.vector, mine[judged])))
                except VAEError:  # both lines hold the same pictures: no direction, so a guess
                    found.append((best, 0.5))
        bests, small = np.array(found).T
        ratio = small / bests
        rows.append(
            Row(
                name,
                what,
                reach,
                len(found),
                float(np.mean(pure)),
                float(bests.mean()),
                float(small.mean()),
                float(ratio.mean()),
                float(np.quantile(ratio, 0.05)),
            )
        )
    return rows


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="A direction from twenty pictures on the map.")
    parser.add_argument("--seeds", type=int, default=10, help="pairs of lines for each pair of kinds (10)")
    options = parser.parse_args(arguments)
    rows = [row for name in MODELS for reach in REACHES for row in measured(name, reach, options.seeds)]
    section("directions", "lasso", _page(options, rows))
    return int(any(row.ratio < BAR for row in rows if row.what == "pairs of classes"))


def _page(options: argparse.Namespace, rows: list[Row]) -> str:
    lines = [
        f"| {row.model} | {row.what} | {row.reach} | {row.pairs} | {row.inside:.0%} "
        f"| {row.all_labels:.3f} | {row.lasso:.3f} | {row.ratio:.1%} | {row.worst:.1%} |"
        for row in rows
    ]
    labelled = [row for row in rows if row.what == "pairs of classes"]
    met = sum(row.ratio >= BAR for row in labelled)
    return f"""## A direction from twenty pictures on the map

{measured_on(f"{COMMAND} -- --seeds {options.seeds}")} A line is drawn around the {REACHES[0]} or {REACHES[1]} images
nearest, on the UMAP map, to a random training image of a kind, whatever they are, and {INSIDE} of them are taken; so
with the other kind. The difference of the two means is tried on the test images of both kinds, and so is that of all
training labels. Bar, where classes lie apart on the map: {BAR:.0%} of the AUC of all labels on average; met in {met} of
{len(labelled)} rows. Attributes of faces do not lie apart on a map: those rows say by how much that costs.

| model | kinds | inside a line | pairs of lines | of the kind | AUC, all labels | AUC, 20 pictures | ratio | worst |
|---|---|---:|---:|---:|---:|---:|---:|---:|
{chr(10).join(lines)}
"""
