"""How good the samples of a model are, drawn from N(0, I), from a mixture and by diffusion: the suite "samples".

What is judged is the mean of p(x|z), as pages show it, against grey test images; never a draw of pixels.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

from vae.batches import as_x, stored
from vae.checkpoint import Checkpoint
from vae.data.images import Images
from vae.errors import VAEError
from vae.evaluate.figures import Stage
from vae.evaluate.pictures.fidelity import (
    Manifold,
    Moments,
    copied,
    frechet,
    manifold,
    moments,
    precision_recall,
    sharpness,
)
from vae.evaluate.pictures.judge import Judge, load_judge
from vae.model import VAE
from vae.posterior import normal
from vae.priors import KINDS, fit_prior

PICTURES = 5_000  # test images that samples are compared with, or as many as there are
SETS = 4  # samples of each seed for each of those: of 5,000 a distance of 140 still varies by 3 from draw to draw
COPIES = 500  # of those that are compared with the images learned from, pixel by pixel
COPYING = 0.1  # from it on `copied` is worth a warning: by chance it stays within 0.06
SEEDS = 3
BATCH = 500
STANDARD = "N(0, I)"

Progress = Callable[[int, int], None]  # (done, total)


def _quiet(done: int, total: int) -> None: ...


@dataclass(frozen=True)
class Quality:
    """What was measured of one set of pictures.

    Attributes:
        frechet: distance to real test images in the judge's features; too large by about a constant over `pictures`.
        precision: share of pictures that lie where real ones do. recall: share of real ones where pictures lie.
        recognised: share that the judge takes for one of its classes.
        sharpness: mean variance of the Laplacian, over that of real test images: 1 as sharp, below it blurred.
        copied: how many more of 500 pictures look like copies of images that the model learned from than of held-out
            ones, a share: about 0 where nothing is copied. None where it says nothing.
        pictures: how many. Precision and recall are of the first of them, as many as there are real ones.
    """

    frechet: float
    precision: float
    recall: float
    recognised: float
    sharpness: float
    copied: float | None
    pictures: int


@dataclass(frozen=True, eq=False)
class Reference:
    """Real test images, looked at once, which pictures are compared with. Made by `reference`.

    Attributes:
        seen, where: of their features. sharpness: mean over them.
        train, held_out: (M, C, H, W) uint8, all there are, for copies.
    """

    judge: Judge
    seen: Moments
    where: Manifold
    sharpness: float
    train: Tensor
    held_out: Tensor


def reference(train: Images, test: Images, n: int, generator: torch.Generator) -> Reference:
    """Look at the real images.

    Args:
        train, test: images of data that have a judge.
        n: test images, drawn by `generator` where there are more.

    Raises:
        VAEError: data without a judge, or too few images.
    """
    judge = load_judge(test.name)
    if not 0 < n <= len(test):
        raise VAEError(f"{n:,} samples are compared with as many test images: ask for 1 to {len(test):,}.")
    x = _some(test, n, generator)
    features = judge.look(x).features
    return Reference(
        judge, moments(features), manifold(features), float(sharpness(x).mean()), stored(train), stored(test)
    )


def judged(x: Tensor, real: Reference, *, made_of_test: bool = False) -> Quality:
    """Judge pictures (N, C, H, W) in [0, 1] against real ones; whether they copy, unless they are of test images."""
    x = x.clamp(0, 1)
    looks = real.judge.look(x)
    precision, recall = precision_recall(real.where, manifold(looks.features[: len(real.where.radii)]))
    return Quality(
        frechet=frechet(moments(looks.features), real.seen),
        precision=precision,
        recall=recall,
        recognised=float(looks.recognised.double().mean()),
        sharpness=float(sharpness(x).mean()) / real.sharpness,
        copied=None if made_of_test else copied(x[:COPIES], as_x(real.train), as_x(real.held_out)),
        pictures=len(x),
    )


@dataclass(frozen=True)
class Source:
    """Samples from one place, one entry for each seed in each tuple.

    Attributes:
        name: "N(0, I)", "mixture", "diffusion".
        fit_seconds: to fit the prior model; 0 where there is none.
        images_per_second: drawn and decoded, on the machine that measured.
    """

    name: str
    quality: tuple[Quality, ...]
    fit_seconds: tuple[float, ...]
    images_per_second: tuple[float, ...]

    def values(self, field: str) -> tuple[float, ...]:
        """One figure of each seed."""
        return tuple(float(getattr(each, field)) for each in self.quality)

    def to_json(self) -> dict[str, Any]:
        """Each figure as {"mean", "sd", "values"} over the seeds."""
        names = [name for name in Quality.__dataclass_fields__ if name != "pictures"]
        found = {name: spread(self.values(name)) for name in names}
        found |= {"fit_seconds": spread(self.fit_seconds), "images_per_second": spread(self.images_per_second)}
        return {"name": self.name} | found


@dataclass(frozen=True)
class SampleQuality:
    """The suite "samples".

    Attributes:
        sources: N(0, I), then each prior model. seeds: how many of each, with a fit of its own.
        train_images: as many training images as samples, or all, measured as if they were: what real ones reach.
        reconstructions: of test images, from draws of q(z|x): what the decoder can do if codes are right.
        judge_accuracy, judge_recognised: of the judge, on test images.
    """

    sources: tuple[Source, ...]
    train_images: Quality
    reconstructions: Quality
    judge: str
    judge_accuracy: float
    judge_recognised: float
    pictures: int
    seeds: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"sources": [source.to_json() for source in self.sources]}

    def lines(self) -> list[str]:
        """For a terminal: a row for each place samples come from."""
        head = f"{'samples from':<17}{'Frechet':>16}{'precision':>11}{'recall':>8}{'known':>8}{'sharp':>7}{'copied':>8}"
        rows = []
        for source in self.sources:
            first, rest = source.values("frechet"), [mean(source.values(name)) for name in _SHOWN]
            found = spread(first)
            rows.append(_row(source.name, f"{found['mean']:.2f} ± {found['sd']:.2f}", rest))
        for name, quality in (("training images", self.train_images), ("reconstructions", self.reconstructions)):
            rows.append(_row(name, f"{quality.frechet:.2f}", [getattr(quality, each) for each in _SHOWN]))
        told = (
            f"{SETS * self.pictures:,} samples against {self.pictures:,} test images, mean and standard deviation over "
            f"{self.seeds} seeds; judge of {self.judge}, {100 * self.judge_accuracy:.1f} % right, knows "
            f"{100 * self.judge_recognised:.0f} % of real test images; sharp: 1 is as real; copied: 0 is none."
        )
        warnings = [
            f"Samples from {source.name} look like copies of training images: {100 * share:.0f} in 100 beyond chance."
            for source in self.sources
            if (share := mean(source.values("copied"))) > COPYING
        ]
        return [head, *rows, told, *warnings]


_SHOWN = ("precision", "recall", "recognised", "sharpness", "copied")


def _row(name: str, first: str, rest: list[Any]) -> str:
    precision, recall, known, sharp, copies = rest
    shown = "-" if copies is None else f"{copies:.3f}"
    return f"{name:<17}{first:>16}{precision:>11.3f}{recall:>8.3f}{known:>8.3f}{sharp:>7.2f}{shown:>8}"


def spread(values: tuple[float, ...]) -> dict[str, Any]:
    """{"mean", "sd", "values"}; sd is 0 of a single value."""
    return {"mean": mean(values), "sd": stdev(values) if len(values) > 1 else 0.0, "values": list(values)}


def measure_samples(
    model: Checkpoint,
    train: Images,
    test: Images,
    *,
    seed: int = 0,
    images: int | None = None,
    seeds: int = SEEDS,
    kinds: tuple[str, ...] = KINDS,
    stage: Stage = lambda what: lambda done, total: None,
) -> SampleQuality:
    """Sample from N(0, I) and from prior models fitted afresh for each seed, and judge what is decoded.

    Args:
        train: images whose codes the priors learn. test: images that samples are compared with.
        seed: of the first; those after it count up.
        images: test images; None: 5,000, or as many as there are. Samples of each seed are four times as many. More:
            less bias, more time.
        seeds: at least 1. kinds: of `vae.priors.KINDS`.
        stage: told what begins, gives a progress callback.

    Raises:
        VAEError: data without a judge, images the model does not read, more samples than test images.
    """
    if not len(train) or not len(test) or seeds < 1:
        raise VAEError("Samples are measured with training and with test images and at least one seed: give them.")
    if tuple(test.shape) != model.config.shape:
        raise VAEError(f"This model draws images of shape {model.config.shape} and the data have {test.shape}.")
    n = min(PICTURES, len(test)) if images is None else images
    stage("looking at real images")
    generator = torch.Generator().manual_seed(seed)
    real = reference(train, test, n, generator)
    many = SETS * n
    floor = judged(_some(train, min(many, len(train)), generator), real)
    codes = draw_codes(model.vae, test, generator, stage("encoding test images"))
    again = torch.randperm(len(codes), generator=generator)[:many]
    remade = judged(decoded(model.vae, codes[again]), real, made_of_test=True)
    found: dict[str, list[tuple[Quality, float, float]]] = {name: [] for name in (STANDARD, *kinds)}
    for number in range(seeds):
        generator = torch.Generator().manual_seed(seed + number)
        note = f" (seed {number + 1} of {seeds})" if seeds > 1 else ""
        codes = draw_codes(model.vae, train, generator, stage("encoding train images" + note)) if kinds else codes
        for name in found:
            began = time.perf_counter()
            prior = None
            if name != STANDARD:
                prior = fit_prior(name, codes.cpu(), generator, progress=stage(f"fitting a {name}{note}"))
            fitted = time.perf_counter()
            place = torch.device("cpu")
            z = prior.sample(many, generator) if prior else normal((many, model.config.latent_dim), generator, place)
            x = decoded(model.vae, z, stage(f"samples: {name}{note}"))
            ended = time.perf_counter()
            found[name].append((judged(x, real), fitted - began if prior else 0.0, many / (ended - fitted)))
    return SampleQuality(
        sources=tuple(Source(name, *map(tuple, zip(*parts, strict=True))) for name, parts in found.items()),
        train_images=floor,
        reconstructions=remade,
        judge=real.judge.name,
        judge_accuracy=real.judge.card["accuracy"],
        judge_recognised=real.judge.card["recognised"],
        pictures=n,
        seeds=seeds,
    )


@torch.no_grad()  # no inference mode: a prior learns from these
def draw_codes(
    vae: VAE,
    images: Images,
    generator: torch.Generator,
    progress: Progress = _quiet,
) -> Tensor:
    """(N, L), on the CPU: one draw of q(z|x) for each image. Together they follow the aggregate posterior."""
    device = next(vae.parameters()).device
    parts = []
    for part in stored(images).split(BATCH):
        parts.append(vae.draw(as_x(part.to(device)), generator)[1].cpu())
        progress(min(len(parts) * BATCH, len(images)), len(images))
    return torch.cat(parts)


@torch.inference_mode()
def decoded(vae: VAE, z: Tensor, progress: Progress = _quiet) -> Tensor:
    """(N, *shape) in [0, 1], on the CPU: what codes (N, L) decode to."""
    device = next(vae.parameters()).device
    parts = []
    for part in z.split(BATCH):
        parts.append(vae.decode(part.to(device)).clamp(0, 1).cpu())
        progress(min(len(parts) * BATCH, len(z)), len(z))
    return torch.cat(parts)


def _some(images: Images, n: int, generator: torch.Generator) -> Tensor:
    """(n, C, H, W), drawn without repeats."""
    return as_x(stored(images.take(torch.randperm(len(images), generator=generator)[:n].numpy())))
