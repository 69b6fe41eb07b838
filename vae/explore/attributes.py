"""Directions that mean something: what separates the codes of two groups of images."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Floats, Mask, many_codes, one_code

FEWEST = 5  # images in a group: fewer say more about themselves than about the group
FEW = 50  # fewer than this and the sentence says so


# ---- two groups of images ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Groups:
    """Two groups of images to compare.

    Attributes:
        positive, negative: (N,) bool over the same N images; none is in both, some may be in neither.
        names: what to call them, the positive one first.
    """

    positive: Mask
    negative: Mask
    names: tuple[str, str]

    def __post_init__(self) -> None:
        if self.positive.ndim != 1 or self.positive.shape != self.negative.shape:
            raise VAEError(f"The groups are over {self.positive.shape} and {self.negative.shape} images: use one set.")
        for name, group in zip(self.names, (self.positive, self.negative), strict=True):
            count = int(group.sum())
            if count < FEWEST:
                raise VAEError(f"The group “{name}” has {_images(count)}: a direction needs at least {FEWEST}.")
        shared = int((self.positive & self.negative).sum())
        if shared:
            raise VAEError(f"The two groups share {_images(shared)}: put each image in one group only.")


def label_groups(labels: ArrayLike, label: int, name: str = "") -> Groups:
    """One class against all the others.

    Args:
        labels: (N,) integers.
        label: the class to step towards.
        name: what to call it.

    Raises:
        VAEError: labels are not (N,), or a group has fewer than 5 images.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise VAEError(f"The labels have the shape {labels.shape}: there should be one for each image.")
    return Groups(labels == label, labels != label, (name or str(label), "the others"))


def attribute_groups(values: ArrayLike, name: str) -> Groups:
    """Images that have an attribute against those that have not.

    Args:
        values: (N,). Of zeros and ones: the ones against the zeros. Anything else is a continuous attribute: its
            upper third against its lower third, the middle left out.
        name: of the attribute.

    Raises:
        VAEError: values are not (N,) or not finite, hardly vary, or leave a group with fewer than 5 images.
    """
    values = one_code(values, f"the attribute “{name}”")
    if np.isin(values, (0, 1)).all():
        return Groups(values == 1, values == 0, (name, f"no {name}"))
    lower, upper = np.quantile(values, (1 / 3, 2 / 3))
    if lower == upper:
        raise VAEError(f"The attribute “{name}” is {lower:g} for most images: it has no upper and lower third.")
    return Groups(values >= upper, values <= lower, (f"most {name}", f"least {name}"))


# ---- the direction between them ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Direction:
    """The step from one group's mean code to the other's, and how far to trust it.

    Attributes:
        vector: (L,) float32, a unit vector.
        gap: length of the whole step, in standard deviations of the prior.
        chance: length that two random groups of these sizes and spreads would give. A gap near it means nothing.
        effect: Cohen's d of the two groups along the vector: the gap in standard deviations of the groups
            themselves. Above 2 the groups hardly overlap.
        counts: images in the positive and the negative group.
        names: of the groups, the positive one first.
    """

    vector: Floats
    gap: float
    chance: float
    effect: float
    counts: tuple[int, int]
    names: tuple[str, str]

    @property
    def sentence(self) -> str:
        """What the direction rests on, for a person."""
        (with_name, without_name), (with_count, without_count) = self.names, self.counts
        sentence = f"Measured on {_images(with_count)} of “{with_name}” and {without_count:,} of “{without_name}”."
        if self.gap < 2 * self.chance:
            return sentence + " The difference is hardly larger than chance would make it: do not rely on it."
        if min(self.counts) < FEW:
            return sentence + " The smaller group is small: other images could give another direction."
        return sentence


def direction(mu: ArrayLike, groups: Groups) -> Direction:
    """The difference of the two groups' mean codes (Larsen 2016): add it, and the picture gains the attribute.

    It carries along whatever else differs between the groups: if most hats come with glasses, so does this one.

    Args:
        mu: (N, L), the codes of the images.
        groups: over the same N images.

    Raises:
        VAEError: not (N, L) with the N of the groups, not finite, or groups with the same mean.
    """
    mu = many_codes(mu)
    if len(mu) != len(groups.positive):
        raise VAEError(f"The groups are over {len(groups.positive)} images but there are {len(mu)} codes: use one set.")
    ours, theirs = mu[groups.positive].astype(np.float64), mu[groups.negative].astype(np.float64)
    step = ours.mean(axis=0) - theirs.mean(axis=0)  # (L,)
    gap = float(np.linalg.norm(step))
    if gap <= 1e-7 * float(np.abs(mu).max()):  # float32's own rounding
        names = f"“{groups.names[0]}” and “{groups.names[1]}”"
        raise VAEError(f"{names} have the same mean code, so no direction leads from one to the other.")
    unit = step / gap
    return Direction(
        vector=unit.astype(np.float32),
        gap=gap,
        chance=math.sqrt((ours.var(axis=0, ddof=1) / len(ours) + theirs.var(axis=0, ddof=1) / len(theirs)).sum()),
        effect=_cohens_d(ours @ unit, theirs @ unit),
        counts=(len(ours), len(theirs)),
        names=groups.names,
    )


def apply(z: ArrayLike, direction: Direction, strength: float) -> Floats:
    """Step from z along a direction.

    Args:
        z: (L,) or (B, L).
        direction: where to.
        strength: 1 is the whole step between the groups' means; 0 stays exactly where z is; negative goes back.

    Returns:
        The shape of z, float32.

    Raises:
        VAEError: z is of another length than the direction, or z, strength or the result is not finite.
    """
    codes = many_codes(np.atleast_2d(np.asarray(z, dtype=np.float32)), "the code")
    if codes.shape[1] != len(direction.vector):
        raise VAEError(f"The code has {codes.shape[1]} numbers, the direction {len(direction.vector)}: use one model.")
    if not math.isfinite(strength):
        raise VAEError(f"The strength is {strength}: choose a number, 1 is the whole step.")
    moved = codes + strength * direction.gap * direction.vector.astype(np.float64)
    return many_codes(moved, "the code after the step").reshape(np.shape(z))


def analogy(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Floats:
    """a - b + c: what a has and b has not, given to c (Mikolov 2013, Radford 2016).

    Args:
        a, b, c: (L,), codes of one model.

    Returns:
        (L,) float32.

    Raises:
        VAEError: the codes differ in length, or are not finite.
    """
    a, b, c = one_code(a, "A"), one_code(b, "B"), one_code(c, "C")
    if not len(a) == len(b) == len(c):
        raise VAEError(f"A, B and C have {len(a)}, {len(b)} and {len(c)} numbers: take all three from one model.")
    return one_code(a.astype(np.float64) - b + c, "A - B + C")


def _cohens_d(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Difference of the means over the pooled standard deviation (Cohen 1988); infinite when neither group spreads."""
    freedom = len(ours) + len(theirs) - 2
    squares = ((ours - ours.mean()) ** 2).sum() + ((theirs - theirs.mean()) ** 2).sum()
    spread = math.sqrt(squares / freedom)
    return float(ours.mean() - theirs.mean()) / spread if spread > 0 else math.inf


def _images(count: int) -> str:
    return f"{count:,} image" + ("" if count == 1 else "s")
