"""Readers of pictures: a small network that says of each picture which attributes it has, from its pixels alone.

What a direction does is judged by what shows in the decoded pictures, never by the model's own encoder: that would
only say where the code went. For drawn faces the reader learns from faces drawn apart for it, every feature by itself,
so that it cannot read a hat off the glasses. For other data it learns from training images as they are, and what goes
together in them it may read off one another: its figures on held-out images say how far to believe it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.batches import as_x, stored
from vae.data.images import Images
from vae.dense import Dense
from vae.errors import VAEError
from vae.evaluate.figures import Stage
from vae.evaluate.strange.detection import auroc
from vae.posterior import uniform

APART = 8_000  # faces drawn for the reader
LIMIT = 16_000  # training images that it learns from otherwise, at most
EPOCHS = 8
COMMITTEE = 2
BATCH = 64
RATE = 2e-3
WIDTHS = (24, 32, 48, 64)
FEATURES = 64
WEAK_AUC = 0.9  # a yes-or-no that is told apart worse than this is read weakly
WEAK_R2 = 0.5  # likewise the share of variance of what flows
SLICE = 256  # pictures looked at in one pass
BLURRED = 0.5  # share of the pictures it learns from that are blurred: decoded pictures are
FACES = ("faces", "faces-fair")


@dataclass(frozen=True, eq=False)
class Traits:
    """What can be read of N images.

    Attributes:
        names: A. values: (N, A) float32; 0 or 1 where `binary` (A,) says so.
    """

    names: tuple[str, ...]
    values: np.ndarray
    binary: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def sd(self) -> np.ndarray:
        """(A,) standard deviation of each over these images."""
        found: np.ndarray = self.values.std(axis=0, dtype=np.float64)
        return found


def traits_of(images: Images) -> Traits:
    """The attributes of images; where there are none, each label as a yes or no.

    Raises:
        VAEError: images with neither.
    """
    if images.attributes is not None:
        names, values = images.attribute_names, images.attributes
    elif images.labels is not None:
        names = images.label_names
        values = (images.labels[:, None] == np.arange(len(names))).astype(np.float32)
    else:
        raise VAEError(
            "These images have neither attributes nor labels: there is nothing that a direction could be of."
        )
    return Traits(names, values, _yes_or_no(values))


def _yes_or_no(values: np.ndarray) -> np.ndarray:
    return np.array([np.isin(column, (0, 1)).all() for column in values.T])


class Network(nn.Module):
    """x (B, C, H, W) in [0, 1] to a number for each attribute (B, A): a logit, or standardised where it flows."""

    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        channels, height, width = shape
        layers: list[nn.Module] = []
        for wide in WIDTHS:
            layers += [nn.Conv2d(channels, wide, kernel_size=3, stride=2, padding=1), nn.ReLU()]
            channels, height, width = wide, math.ceil(height / 2), math.ceil(width / 2)
        self.body = nn.Sequential(*layers, nn.Flatten(), Dense(channels * height * width, FEATURES), nn.ReLU())
        self.head = Dense(FEATURES, outputs)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.body(x - 0.5))
        return found


@dataclass(frozen=True, eq=False)
class Reader:
    """A trained reader, and how well it reads real images that it did not learn from.

    Attributes:
        networks: a small committee, whose mean counts: where one leans to one side, another does not.
        names, binary: of the attributes, as in `Traits`.
        scores: (A,) AUC of a yes or no, R2 (share of variance) of what flows.
        slope: (A,) by how much its reading grows where the truth grows by one: a weak reader says less than there is.
        centre, scale: (A,) of what flows.
    """

    networks: tuple[nn.Module, ...]
    names: tuple[str, ...]
    binary: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    scores: np.ndarray
    slope: np.ndarray

    @property
    def weak(self) -> np.ndarray:
        """(A,) bool: read too badly to be believed."""
        found: np.ndarray = ~(self.scores >= np.where(self.binary, WEAK_AUC, WEAK_R2))
        return found

    def said(self, x: Tensor) -> Tensor:
        """(N, A) of pictures x (N, C, H, W): a probability, or the attribute's own unit where it flows."""
        scale, centre = (torch.tensor(one, dtype=torch.float32) for one in (self.scale, self.centre))
        binary, shown = torch.from_numpy(self.binary), x.clamp(0, 1)
        each = [network(shown) for network in self.networks]
        return torch.stack([torch.where(binary, one.sigmoid(), one * scale + centre) for one in each]).mean(dim=0)

    @torch.inference_mode()
    def read(self, x: Tensor) -> np.ndarray:
        """(N, A) float64: as `said`, for any number of pictures."""
        return np.concatenate([self.said(part).double().numpy() for part in x.split(SLICE)])


def reader_for(
    name: str, train: Images, test: Images, *, seed: int = 0, stage: Stage = lambda what: lambda done, total: None
) -> Reader:
    """The reader of a data set: of faces drawn apart where the data are drawn faces, else of its training images.

    Args:
        name: of the data. train: to learn from. test: held-out images that say how well it reads.

    Raises:
        VAEError: data with neither attributes nor labels, or that are no pictures.
    """
    if name in FACES:
        pixels, traits = faces_apart(APART, seed, stage("drawing faces for the reader"))
    else:
        rows = np.sort(np.random.default_rng(seed).permutation(len(train))[:LIMIT])
        taken = train.take(rows)
        pixels, traits = taken.pixels, traits_of(taken)
    return train_reader(pixels, traits, test, seed=seed, progress=stage("training the reader"))


def faces_apart(
    count: int, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[np.ndarray, Traits]:
    """Faces that are in no data set: every feature by itself, halves yes and no, the rest even over its range.

    Returns:
        Pixels (count, 64, 64, 3) uint8, and their attributes.
    """
    from vae.data import faces

    # Another stream than that of the data sets, whose seeds are three numbers long.
    chances = np.random.default_rng([seed, 7]).random((count, len(faces.FACTORS)))
    drawn = []
    for row in chances.tolist():
        kinds = zip(faces.FACTORS.items(), row, strict=True)
        factors: dict[str, Any] = {name: _factor(kind, chance) for (name, kind), chance in kinds}
        drawn.append(faces.FaceFactors(**factors))
    pixels = np.empty((count, faces.SIZE, faces.SIZE, 3), np.uint8)
    for start in range(0, count, 200):
        pixels[start : start + 200] = faces.draw_many(drawn[start : start + 200])
        progress(min(start + 200, count), count)
    values = faces.attributes(drawn)
    return pixels, Traits(faces.ATTRIBUTE_NAMES, values, _yes_or_no(values))


def _factor(kind: str, chance: float) -> float:
    return int(chance < 0.5) if kind == "binary" else chance if kind == "continuous" else 2 * chance - 1


def train_reader(
    pixels: np.ndarray,
    traits: Traits,
    test: Images,
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Reader:
    """Train a reader by Adam, and see how well it reads held-out images.

    Args:
        pixels: (N, H, W, C) uint8. traits: of the same images. test: images with the same attributes.

    Raises:
        VAEError: images that are no pictures.
    """
    if pixels.ndim != 4:
        raise VAEError("Only pictures can be read, and these data are rows of numbers: choose data with pictures.")
    images = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).contiguous()  # (N, C, H, W)
    centre = np.where(traits.binary, 0.0, traits.values.mean(axis=0, dtype=np.float64))
    scale = np.where(traits.binary | (traits.sd == 0), 1.0, traits.sd)
    wanted = torch.from_numpy(((traits.values - centre) / scale).astype(np.float32))  # (N, A)
    binary = torch.from_numpy(traits.binary)
    networks = []
    for place in range(COMMITTEE):
        generator = torch.Generator().manual_seed(COMMITTEE * seed + place)
        networks.append(_trained(images, wanted, binary, epochs, generator))
        progress(place + 1, COMMITTEE)
    reader = Reader(tuple(networks), traits.names, traits.binary, centre, scale, np.ones(0), np.ones(0))
    said = reader.read(as_x(stored(test)))
    scores, slope = scores_of(said, traits_of(test).values.astype(np.float64), traits.binary)
    return replace(reader, scores=scores, slope=slope)


def _trained(images: Tensor, wanted: Tensor, binary: Tensor, epochs: int, generator: torch.Generator) -> Network:
    """One of the committee, frozen; its rate falls along a cosine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())
        network = Network(tuple(images.shape[1:]), wanted.shape[1])
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    batches = max(1, len(images) // BATCH)
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for place in range(batches):
            for group in optimiser.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * (epoch + place / batches) / epochs))
            rows = order[place * BATCH : (place + 1) * BATCH]
            loss = _loss(network(_blurred(as_x(images[rows]), generator)), wanted[rows], binary)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network.eval().requires_grad_(False)


def scores_of(
    said: np.ndarray, truth: np.ndarray, binary: Sequence[bool] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How well readings (N, A) tell the truth (N, A): AUC or R2, and slopes, both (A,); NaN where nothing varies."""
    scores, slope = np.full((2, truth.shape[1]), np.nan)
    for place, yes_or_no in enumerate(binary):
        mine, true = said[:, place], truth[:, place]
        if true.std() == 0:
            continue
        off = true - true.mean()
        slope[place] = (mine * off).sum() / np.square(off).sum()
        if yes_or_no:
            scores[place] = auroc(mine[true == 0], mine[true == 1])
        else:
            scores[place] = 1 - np.square(mine - true).sum() / np.square(off).sum()
    return scores, slope


def _loss(said: Tensor, wanted: Tensor, binary: Tensor) -> Tensor:
    """Cross-entropy of yes and no, half the squared error of what flows; the mean over attributes."""
    yes_or_no = F.binary_cross_entropy_with_logits(said, wanted, reduction="none")
    return torch.where(binary, yes_or_no, 0.5 * (said - wanted).square()).mean()


def _blurred(x: Tensor, generator: torch.Generator) -> Tensor:
    """A share of the pictures softened, with a little noise over all."""
    soft = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    chosen = uniform((len(x), 1, 1, 1), generator, x.device) < BLURRED
    noise = uniform(x.shape, generator, x.device) - 0.5
    return torch.where(chosen, soft, x) + 0.05 * noise
