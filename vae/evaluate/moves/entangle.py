"""What the direction of each attribute does to every other one, measured in the pictures that the decoder makes of it.

Held-out images step over to the other side: those without a hat get one, those with one lose it. What else changes is
spill-over. Pictures are read by a network that looks at pixels and never saw the model (`regressors.py`).

Three directions for each attribute: the difference of the two sides' mean codes; the same with all other attributes
locked, by what is known of the codes (`vae.conditional`); and with them locked by what shows in decoded pictures of
training images, seen by another reader than the one that judges (`settled.py`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

import numpy as np

from vae.checkpoint import Checkpoint
from vae.conditional import freed, sides_of, step_between
from vae.data.images import Images
from vae.encodings import encode
from vae.errors import VAEError
from vae.evaluate.estimate import bootstrapped, resampled
from vae.evaluate.figures import Stage
from vae.evaluate.moves.regressors import Reader, Traits, reader_for, traits_of
from vae.evaluate.moves.settled import Scene, changes, seen, settled

TRAIN = 12_000  # training images that directions are made from, at most
IMAGES = 2000  # held-out images that they are measured on, at most
LEAST = 100
SPILL = 0.1  # standard deviations from which on spill-over is worth a word
WAYS = ("effect", "locked", "settled")
ENDS = ("", "low", "high", "scatter")

TABLES = ("effect", *ENDS[1:], *("_".join(filter(None, (way, end))) for way in WAYS[1:] for end in ENDS))
Table = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Entangled:
    """What `measure_directions` found. A row for each direction, a column for each attribute.

    Attributes:
        attributes: names of the columns. directions: names of the rows, all of them or a few.
        gap: for each direction, how far its two sides really lie apart, in standard deviations of the attribute.
        effect: what the whole step does, in standard deviations of the attribute over real images, counted towards
            the step, mean over images; `low` and `high` its 95 % interval over images, `scatter` its standard
            deviation over them: single pictures may change much where the mean does not.
        locked: the same with all other attributes locked in the codes. NaN where that leaves nothing.
        settled: the same with them locked in the pictures. NaN where the attribute itself is read weakly.
        reliability: of the reader on real held-out images: AUC of a yes or no, R2 of what flows.
        binary, weak: for each attribute, whether it is a yes or no; whether it is read too badly to be believed.
        steps: for each of WAYS, the steps in the code themselves.
        images: held-out images behind it.
    """

    attributes: tuple[str, ...]
    directions: tuple[str, ...]
    gap: tuple[float, ...]
    effect: Table
    low: Table
    high: Table
    scatter: Table
    locked: Table
    locked_low: Table
    locked_high: Table
    locked_scatter: Table
    settled: Table
    settled_low: Table
    settled_high: Table
    settled_scatter: Table
    reliability: tuple[float, ...]
    binary: tuple[bool, ...]
    weak: tuple[bool, ...]
    images: int
    steps: dict[str, Table] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """What `to_json` gave and a report kept. VAEError: it is of another form."""
        try:
            values = {one.name: kept[one.name] for one in fields(cls)}
            tables = {name: _read(rows) for name, rows in values.items() if name in TABLES}
            steps = {way: _read(rows) for way, rows in values["steps"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise VAEError("What was kept of directions is of another version: measure them again.") from error
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**(values | lists | tables | {"steps": steps}))

    def share(self, direction: str, way: str = "effect") -> float:
        """How much of the real gap a direction covers in the pictures: 1 all of it."""
        row, column = self.directions.index(direction), self.attributes.index(direction)
        return float(getattr(self, way)[row][column] / self.gap[row])

    def spills(self, direction: str, way: str = "effect") -> dict[str, float]:
        """What a direction does to the attributes that it is not about and that are read well."""
        row = getattr(self, way)[self.directions.index(direction)]
        columns = zip(self.attributes, row, self.weak, strict=True)
        return {name: value for name, value, weak in columns if name != direction and not weak}

    def step(self, direction: str, way: str) -> tuple[float, ...]:
        """The step in the code, (L,); () where there is none, or it was not found."""
        if direction not in self.directions or way not in self.steps:
            return ()
        row = self.steps[way][self.directions.index(direction)]
        return row if np.isfinite(row).all() and any(row) else ()

    def sentence(self, direction: str, way: str) -> str:
        """What a direction does in decoded pictures, for a person."""
        told = {name: value for name, value in self.spills(direction, way).items() if abs(value) >= SPILL}
        others = ", ".join(f"{name} by {value:+.2f}" for name, value in told.items()).replace("-", "−")
        return (
            f"in {self.images:,} decoded images it makes {100 * self.share(direction, way):.0f}\u00a0% of the real "
            f"difference in {direction}, and changes {others or f'no other attribute by {SPILL}'} standard deviations."
        ).replace("_", " ")

    def lines(self) -> list[str]:
        """For a terminal: for each direction what it does, and what is left of that under lock."""
        wide = max(map(len, self.directions))
        said = []
        for name in self.directions:
            told = [f"{name:<{wide}}  {self.share(name):.0%} of the real gap; {_spilt(self.spills(name))}"]
            for way, words in (("locked", "locked in codes"), ("settled", "locked in pictures")):
                if np.isfinite(share := self.share(name, way)):
                    told.append(f"{words} {share:.0%}; {_spilt(self.spills(name, way))}")
            said.append(" | ".join(told))
        weak = [name for name, flag in zip(self.attributes, self.weak, strict=True) if flag]
        return [*said, f"read too weakly to be believed: {', '.join(weak) or 'none'}", f"images {self.images:,}"]


def _spilt(spills: dict[str, float]) -> str:
    told = sorted(
        ((value, name) for name, value in spills.items() if abs(value) >= SPILL), key=lambda one: -abs(one[0])
    )
    return "brings " + ", ".join(f"{name} {value:+.2f} sd" for value, name in told) if told else "brings nothing"


def measure_directions(
    model: Checkpoint,
    train: Images,
    test: Images,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
    images: int = IMAGES,
    only: Sequence[str] = (),
) -> Entangled:
    """The whole matrix of a model, in minutes: two readers are trained first.

    Args:
        train: images with attributes, or else labels. test: held-out images with the same.
        images: held-out images, at most, chosen by the seed; at least 100. More: narrower intervals.
        only: directions of these attributes; of all where none is named.

    Raises:
        VAEError: images without attributes and labels, too few of them, or a name that is none of the attributes.
    """
    name = test.name
    judge = reader_for(name, train, test, seed=seed, stage=stage)
    other = reader_for(name, train, test, seed=seed + 1, stage=stage)
    return of_readers(model, train, test, judge, other, seed=seed, stage=stage, images=images, only=only)


def of_readers(
    model: Checkpoint,
    train: Images,
    test: Images,
    judge: Reader,
    other: Reader,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
    images: int = IMAGES,
    only: Sequence[str] = (),
) -> Entangled:
    """As `measure_directions`, with readers that are there: `judge` measures, `other` settles the lock."""
    generator = np.random.default_rng(seed)
    whole = traits_of(test)  # standard deviations and slopes are of all held-out images
    train, test = (_some(split, most, generator) for split, most in ((train, TRAIN), (test, images)))
    if len(test) < LEAST:
        raise VAEError(f"Directions need at least {LEAST} held-out images, and there are {len(test)}: give more.")
    known, asked = traits_of(train), traits_of(test)
    rows = _rows(known, asked, only)
    mu = encode(model.vae, train, progress=stage("encoding training images")).mu.astype(np.float64)
    held_out = encode(model.vae, test, progress=stage("encoding held-out images")).mu.astype(np.float64)
    judging, looking = (Scene(model.vae, reader, _unit(reader, whole)) for reader in (judge, other))
    found: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
    steps: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
    before = seen(judging, held_out)  # (N, A)
    gap = []
    progress = stage("directions")
    for done, row in enumerate(rows):
        own = np.arange(len(known.names)) == row
        sides, test_sides = sides_of(known.values[:, row]), sides_of(asked.values[:, row])
        gap.append(float(step_between(asked.values[:, row, None], test_sides)[0] / whole.sd[row]))
        plain = step_between(mu, sides)
        locked = _locked(mu, sides, known.values, own)
        here = {"effect": plain, "locked": locked}
        here["settled"] = _settled(looking, mu, sides, plain, locked, own, generator)
        chosen = test_sides != 0
        for way, step in here.items():
            steps[way].append(step)
            signs = -test_sides[chosen].astype(np.float64)
            found[way].append(_measured(judging, held_out[chosen], before[chosen], signs, step, generator))
        progress(done + 1, len(rows))
    tables = {way: np.stack(parts) for way, parts in found.items()}  # (rows, 4, A)
    return Entangled(
        attributes=known.names,
        directions=tuple(known.names[row] for row in rows),
        gap=tuple(gap),
        **{
            _field(way, end): _table(table[:, place]) for way, table in tables.items() for place, end in enumerate(ENDS)
        },
        reliability=tuple(judge.scores.tolist()),
        binary=tuple(known.binary.tolist()),
        weak=tuple(judge.weak.tolist()),
        images=len(test),
        steps={way: _table(np.stack(parts)) for way, parts in steps.items()},
    )


def _read(rows: Sequence[Sequence[float | None]]) -> Table:
    """A table from JSON, where what could not be had is null."""
    return tuple(tuple(math.nan if value is None else float(value) for value in row) for row in rows)


def _field(way: str, end: str) -> str:
    return end if way == "effect" and end else "_".join(filter(None, (way, end)))


def _table(rows: np.ndarray) -> Table:
    return tuple(tuple(round(value, 5) for value in row) for row in rows.tolist())


def _some(images: Images, most: int, generator: np.random.Generator) -> Images:
    return images if len(images) <= most else images.take(np.sort(generator.permutation(len(images))[:most]))


def _rows(known: Traits, asked: Traits, only: Sequence[str]) -> list[int]:
    """The attributes to make directions of: those asked for, or all that both splits have images of on both sides."""
    if strange := [name for name in only if name not in known.names]:
        raise VAEError(f"“{strange[0]}” is none of the attributes: choose {', '.join(known.names)}.")
    rows = []
    for row, name in enumerate(known.names):
        if only and name not in only:
            continue
        try:
            sides_of(known.values[:, row])
            sides_of(asked.values[:, row])
        except VAEError as error:
            if only:
                raise VAEError(f"“{name}”: {error}") from error
            continue
        rows.append(row)
    if not rows:
        raise VAEError("No attribute has at least 5 images on both of its sides: give more images.")
    return rows


def _unit(reader: Reader, traits: Traits) -> np.ndarray:
    """(A,): the reading's growth for one standard deviation of the truth; infinite, so no change, where unknown."""
    unit = reader.slope * traits.sd
    return np.where(np.isfinite(unit) & (unit > 1e-6), unit, np.inf)


def _locked(mu: np.ndarray, sides: np.ndarray, values: np.ndarray, own: np.ndarray) -> np.ndarray:
    try:
        return step_between(freed(mu, sides, values, ~own), sides)
    except VAEError:  # what is left is nothing
        return np.full(mu.shape[1], np.nan)


def _settled(
    scene: Scene,
    mu: np.ndarray,
    sides: np.ndarray,
    plain: np.ndarray,
    locked: np.ndarray,
    own: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """The step whose effect on its own attribute is that of the plain one, and on the well-read others none."""
    held = ~scene.reader.weak
    if not held[own].all() or not np.isfinite(locked).all():
        return np.full(mu.shape[1], np.nan)
    return settled(scene, mu, sides, plain, locked, own, held, generator)


def _measured(
    scene: Scene,
    mu: np.ndarray,
    before: np.ndarray,
    signs: np.ndarray,
    step: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """(4, A): the mean change of each attribute, both ends of its interval, its standard deviation over images."""
    if not np.isfinite(step).all():
        return np.full((len(ENDS), len(scene.unit)), np.nan)
    each = changes(scene, mu, before, signs, step)  # (n, A)
    again = np.stack([times @ each / len(each) for times in resampled(len(each), generator)])  # (resamples, A)
    ends = [bootstrapped(float(mean), column) for mean, column in zip(each.mean(axis=0), again.T, strict=True)]
    return np.array([*zip(*((one.value, one.low, one.high) for one in ends), strict=True), each.std(axis=0)])
