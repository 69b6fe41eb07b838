"""A small convolutional classifier of one data set, which judges pictures that a model made.

What it is for: its 64 features stand in for the Inception network of a Frechet distance, which knows photographs and
no digits; and its verdict tells whether a picture is recognised as anything. It was trained on pictures, on blends of
two with the blend as its answer (mixup, Zhang et al. 2018), and on pictures that are none with "any class alike" as
its answer (outlier exposure, Hendrycks et al. 2019): without those a classifier is sure of everything.

Kept here as `NAME.safetensors`, float16, beside `NAME.json`, its card: accuracy, command, how sure it is of real ones.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_tensors
from torch import Tensor, nn
from torch.nn import functional as F

from vae.data.images import public_name
from vae.dense import Dense
from vae.errors import VAEError

FOLDER = Path(__file__).resolve().parent
JUDGED = ("mnist", "fashion-mnist")
FEATURES = 64
SHAPE = (1, 28, 28)
BATCH = 500  # pictures looked at in one pass


class Classifier(nn.Module):
    """x (B, 1, 28, 28) in [0, 1] to features (B, 64) and logits (B, classes). 126 thousand weights."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=3, padding=1),  # (B, 16, 28, 28)
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),  # (B, 32, 14, 14)
            nn.ReLU(),
            nn.Conv2d(32, 64, kernel_size=3, stride=2, padding=1),  # (B, 64, 7, 7)
            nn.ReLU(),
            nn.Conv2d(64, 64, kernel_size=3, stride=2, padding=1),  # (B, 64, 4, 4)
            nn.ReLU(),
        )
        self.features = Dense(64 * 4 * 4, FEATURES)
        self.head = Dense(FEATURES, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        # Before the last rectifier: after it pictures that are none would all look the same, and nothing is Gaussian.
        features = self.features(self.body(x).flatten(1))  # (B, 64)
        return features, self.head(F.relu(features))


@dataclass(frozen=True, eq=False)
class Looks:
    """What a judge says of N pictures.

    Attributes:
        features: (N, 64) float32, what a Frechet distance is measured in.
        probabilities: (N, classes) float32, each row sums to 1.
        sure: how probable the likeliest class must be for a picture to be recognised.
    """

    features: Tensor
    probabilities: Tensor
    sure: float

    @property
    def label(self) -> Tensor:
        """(N,) int64, the likeliest class."""
        return self.probabilities.argmax(dim=1)

    @property
    def recognised(self) -> Tensor:
        """(N,) bool: the likeliest class is as probable as that of 95 in 100 real images."""
        return self.probabilities.amax(dim=1) >= self.sure


@dataclass(frozen=True, eq=False)
class Judge:
    """A classifier in evaluation mode, frozen: it may be shared.

    Attributes:
        name: the data set it knows.
        card: the command that made it, `sure`, the probability of the likeliest class that 95 of 100 held-out images
            reach, and, of test images, its `accuracy`, and how many are `recognised`, and of half-and-half `blends` of
            two classes. Clothes look alike, so the judge of those is easily sure, of blends too.
    """

    name: str
    network: Classifier
    card: dict[str, Any]

    @property
    def sure(self) -> float:
        return float(self.card["sure"])

    @torch.inference_mode()
    def look(self, x: Tensor) -> Looks:
        """Look at pictures.

        Args:
            x: (N, 1, 28, 28) float32 in [0, 1]; anything outside is clipped. On any device.

        Returns:
            On the CPU.

        Raises:
            VAEError: pictures of another shape, or none.
        """
        if tuple(x.shape[1:]) != SHAPE or not len(x):
            raise VAEError(f"The judge of {self.name} looks at pictures of shape {SHAPE}: got {tuple(x.shape)}.")
        device = next(self.network.parameters()).device
        parts = [self.network(part.to(device).clamp(0, 1)) for part in x.split(BATCH)]
        features, logits = (torch.cat(column).cpu() for column in zip(*parts, strict=True))
        return Looks(features, logits.softmax(dim=1), self.sure)


def has_judge(data: str) -> bool:
    """Whether a judge ships for a data set of this name."""
    return public_name(data) in JUDGED


@cache
def load_judge(data: str) -> Judge:
    """The judge of a data set, on the CPU. Read once.

    Raises:
        VAEError: none ships for these data.
    """
    if not has_judge(data):
        raise VAEError(
            f"No judge ships for {public_name(data) or 'these data'}: samples are judged where the data are "
            f"{' or '.join(JUDGED)}."
        )
    card = json.loads((FOLDER / f"{data}.json").read_bytes())
    network = Classifier(len(card["classes"]))
    tensors = load_tensors((FOLDER / f"{data}.safetensors").read_bytes())
    network.load_state_dict({name: value.float() for name, value in tensors.items()})
    return Judge(data, network.eval().requires_grad_(False), card)
