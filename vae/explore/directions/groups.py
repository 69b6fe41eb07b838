"""Two groups of images to compare: by label, by attribute, or picked by hand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from vae.errors import VAEError
from vae.explore.codes import Mask, Rows, one_code

FEWEST = 5  # images in a group: fewer say more about themselves than about the group


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
        shared = int((self.positive & self.negative).sum())
        if shared and (self.positive == self.negative).all():
            both = f"“{self.names[0]}” and “{self.names[1]}” are the same {images(shared)}"
            raise VAEError(f"{both}: put what should be different into the other group.")
        for name, count in zip(self.names, self.counts, strict=True):
            if count < FEWEST:
                raise VAEError(
                    f"The group “{name}” has {images(count)}: a direction needs at least {FEWEST} in each group."
                )
        if shared:
            raise VAEError(f"The two groups share {images(shared)}: put each image in one group only.")

    @property
    def counts(self) -> tuple[int, int]:
        """Images in the positive and in the negative group."""
        return int(self.positive.sum()), int(self.negative.sum())

    def among(self, kept: Mask) -> "Groups":
        """The same groups, of the images in `kept` ((N,) bool) only. VAEError: too few are left."""
        return Groups(self.positive & kept, self.negative & kept, self.names)


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
    if (values == values[0]).all():
        raise VAEError(f"The attribute “{name}” is {values[0]:g} for every image: choose one in which images differ.")
    if np.isin(values, (0, 1)).all():
        return Groups(values == 1, values == 0, (name, f"no {name}"))
    lower, upper = np.quantile(values, (1 / 3, 2 / 3))
    if lower == upper:
        raise VAEError(f"The attribute “{name}” is {lower:g} for most images: it has no upper and lower third.")
    return Groups(values >= upper, values <= lower, (f"most {name}", f"least {name}"))


def picked_groups(rows_a: ArrayLike, rows_b: ArrayLike, count: int, names: tuple[str, str]) -> Groups:
    """Images picked one by one, gathered on a map, or found by a condition.

    Args:
        rows_a, rows_b: (K,) and (M,) row numbers of the positive and the negative group; twice the same counts once.
        count: N, how many images there are.
        names: of the groups, the positive one first.

    Raises:
        VAEError: a row that is none, a group with fewer than 5 images, or an image in both.
    """
    masks = []
    for name, rows in zip(names, (rows_a, rows_b), strict=True):
        chosen: Rows = np.asarray(rows, dtype=np.int64).reshape(-1)
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < count:
            raise VAEError(f"The group “{name}” names an image that is not among the {count:,}: pick it once more.")
        mask = np.zeros(count, bool)
        mask[chosen] = True
        masks.append(mask)
    return Groups(masks[0], masks[1], names)


def images(count: int) -> str:
    """ "1 image", "1,200 images"."""
    return f"{count:,} image" + ("" if count == 1 else "s")


def percent(share: float) -> str:
    """ "92 %", which no line breaks."""
    return f"{100 * share:.0f}\u00a0%"
