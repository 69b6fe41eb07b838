"""How well a model's scores tell images that it should find strange from those that it should not."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from vae import data
from vae.checkpoint import Checkpoint
from vae.data.images import Images
from vae.errors import VAEError
from vae.evaluate.estimate import Estimate
from vae.evaluate.figures import Stage
from vae.evaluate.strange.detection import Threshold, auroc_estimate, caught, threshold
from vae.evaluate.strange.strangeness import DRAWS, NAMES, AnomalyScores, error_maps, scores, training_codes

__all__ = [
    "NAMES",
    "Anomaly",
    "AnomalyScores",
    "Told",
    "damaged",
    "error_maps",
    "measure_anomaly",
    "scores",
    "threshold",
    "training_codes",
]

LIMIT = 2_000  # images on each side of a measurement, at most
FALSE_ALARMS = 0.05  # at which the share that is caught is said
OTHERS = {"mnist": "fashion-mnist", "fashion-mnist": "mnist", "kmnist": "mnist"}  # the same shape, other things


@dataclass(frozen=True)
class Told:
    """How well one score tells one kind of strange images from usual ones.

    Attributes:
        score: a field of `AnomalyScores`. strange: what the strange images are, in words; `images` of them.
        auroc: the chance that a strange image scores above a usual one.
        caught: the share of strange images above the threshold.
    """

    score: str
    strange: str
    images: int
    auroc: Estimate
    caught: Estimate


@dataclass(frozen=True)
class Anomaly:
    """What `measure_anomaly` found.

    Attributes:
        told: for each kind of strange images and each score.
        thresholds: of each score, at 5 % false alarms; drawn from half of the usual test images, while `told` is
            measured on the other half.
        usual: usual images behind the AUROCs. draws, against, likelihood: as in `AnomalyScores`.
        skipped: what could not be asked, a line each.
    """

    told: tuple[Told, ...]
    thresholds: dict[str, Threshold]
    usual: int
    draws: int
    against: str
    likelihood: str
    skipped: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal: a name, a value, its unit."""
        said = [f"usual images         {self.usual:,}; density against {self.against}; {self.likelihood}"]
        for one in self.told:
            said.append(
                f"AUROC                {one.auroc.phrase()} of {NAMES[one.score]}, {one.images:,} {one.strange}; "
                f"{one.caught.value:.1%} caught at {FALSE_ALARMS:.0%} false alarms"
            )
        return said + list(self.skipped)


def measure_anomaly(
    model: Checkpoint,
    train: Images,
    test: Images,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
    other: Images | str | None = None,
    normal: Sequence[int] | None = None,
    draws: int = DRAWS,
    limit: int = LIMIT,
) -> Anomaly:
    """How well each score tells images that the model should find strange from test images that it should not.

    Strange are: images of another data set; labels that were left out of the training, where there are any; and test
    images damaged on purpose, a square of a third of the side turned negative.

    Args:
        train: what the density compares with. test: half of the usual ones draw the thresholds, half are measured.
        other: another data set of the same shape, or its name; None: the usual counterpart, where it is on the machine.
        normal: labels that count as usual; None: those that the training images have.
        draws: see `scores`. limit: images on each side, at most. More: narrower intervals, longer.

    Raises:
        VAEError: fewer than two usual images, an `other` of another shape, labels asked of data without.
    """
    generator = np.random.default_rng(seed)
    usual, left_out = _split_by_label(train, test, normal)
    if len(usual) < 2:
        raise VAEError("Anomalies are told from usual test images, and there are fewer than 2: give more.")
    usual = _some(usual, 2 * limit, generator)
    sides: dict[str, Images] = {}
    skipped = []
    if len(left_out):
        sides["images of labels left out"] = _some(left_out, limit, generator)
    strange = _other(test, other)
    if strange is None:
        skipped.append(f"No data set of other things is at hand for {data.public_name(test.name)}: none is scored.")
    else:
        sides[f"images of {data.public_name(strange.name)}"] = _some(strange, limit, generator)
    if len(test.shape) == 3:
        sides["damaged images"] = damaged(_some(usual, limit, generator), generator)
    if not sides:
        raise VAEError(
            "There is nothing strange to compare with: name another data set with as many columns, or labels to leave "
            "out of the training."
        )
    reference = training_codes(model, _kept(train, normal), seed=seed, stage=stage)
    ours = scores(model, usual, reference=reference, seed=seed, draws=draws, stage=stage)
    half = generator.permutation(len(usual)) < len(usual) // 2
    lines = {name: threshold(values[half], FALSE_ALARMS) for name, values in ours.known().items()}
    told = []
    for what, images in sides.items():
        theirs = scores(model, images, reference=reference, seed=seed + 1, draws=draws, stage=stage).known()
        for name, values in ours.known().items():
            found = auroc_estimate(values[~half], theirs[name], seed=seed)
            told.append(Told(name, what, len(images), found, caught(theirs[name], lines[name])))
    return Anomaly(tuple(told), lines, int((~half).sum()), draws, ours.against, ours.likelihood, tuple(skipped))


def damaged(images: Images, generator: np.random.Generator) -> Images:
    """The same images, each with a square of a third of its side turned negative at a place of its own."""
    pixels = images.pixels.copy()
    height, width = pixels.shape[1:3]
    side = max(2, min(height, width) // 3)
    tops = generator.integers(0, height - side + 1, len(pixels))
    lefts = generator.integers(0, width - side + 1, len(pixels))
    for picture, top, left in zip(pixels, tops, lefts, strict=True):
        picture[top : top + side, left : left + side] = 255 - picture[top : top + side, left : left + side]
    return replace(images, pixels=pixels)


def _split_by_label(train: Images, test: Images, normal: Sequence[int] | None) -> tuple[Images, Images]:
    """(usual, left out) of the test images."""
    if test.labels is None or train.labels is None:
        if normal is not None:
            raise VAEError("Labels were named as usual, and these images have none: leave them out.")
        return test, test.take(slice(0))
    wanted = np.unique(train.labels) if normal is None else np.asarray(sorted(set(normal)), np.int64)
    if len(wanted) and (wanted.min() < 0 or wanted.max() >= len(test.label_names)):
        raise VAEError(f"Labels run from 0 to {len(test.label_names) - 1}: name usual ones among them.")
    mine = np.isin(test.labels, wanted)
    return test.take(mine), test.take(~mine)


def _kept(train: Images, normal: Sequence[int] | None) -> Images:
    return train if normal is None or train.labels is None else train.take(np.isin(train.labels, list(normal)))


def _some(images: Images, most: int, generator: np.random.Generator) -> Images:
    return images.take(np.sort(generator.permutation(len(images))[:most]))


def _other(test: Images, other: Images | str | None) -> Images | None:
    if isinstance(other, str):
        other = data.load(other, "test")
    elif other is None:
        name = OTHERS.get(test.name)
        if name is None or not data.on_machine(name):
            return None
        other = data.load(name, "test", download=False)
    if other.shape != test.shape:
        raise VAEError(
            f"Images of {data.public_name(other.name)} are {other.shape} and these {test.shape}: choose one shape."
        )
    return other
