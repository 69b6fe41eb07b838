"""Whether a network was worth it: how well a model redraws test images beside PCA with as many numbers.

PCA is the best that straight lines can do (Eckart and Young 1936): its components are fitted on the same training
images, and both are scored on the same test images, by the squared error per pixel. With few images a network often
does worse, and a person should hear that from the program.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vae.batches import as_x
from vae.checkpoint import Checkpoint
from vae.data.images import Images
from vae.encodings import encode
from vae.errors import VAEError
from vae.evaluate.estimate import Estimate, mean_of
from vae.evaluate.figures import Stage

BATCH = 1024  # images at a time: only they and the components are in memory
EXACT = 1024  # so many pixels, or images: the whole matrix of their products is small
MORE, ROUNDS = 10, 4  # components beyond those asked for, and passes over the images, where it is not
FEW = 5_000  # training images below which a network has little to learn from
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Principal:
    """The first S principal components of images.

    Attributes:
        mean: (D,) float32, the mean image, its pixels in a row. axes: (S, D) float32, orthonormal, the widest first.
    """

    mean: Tensor
    axes: Tensor

    @torch.inference_mode()
    def errors(self, images: Images) -> np.ndarray:
        """(N,) float64: mean squared error per pixel of each image as PCA redraws it, cut off at black and white."""
        found = []
        for x in _rows(images):
            drawn = ((x - self.mean) @ self.axes.T @ self.axes + self.mean).clamp(0, 1)  # (B, D)
            found.append((drawn - x).square().mean(dim=1).double().numpy())
        return np.concatenate(found)


@dataclass(frozen=True)
class AgainstPCA:
    """What `against_pca` found. Errors are squared, per pixel, of test images; pixels run from 0 to 1.

    Attributes:
        model, pca: mean error of each. lead: by how much PCA's is larger, image by image: above 0 the model is better.
        numbers: of the model's code. components: of PCA, as many, or all there are.
        train, test: images behind it.
    """

    model: Estimate
    pca: Estimate
    lead: Estimate
    numbers: int
    components: int
    train: int
    test: int

    @property
    def better(self) -> str:
        """ "model", "pca", or "" where these test images cannot tell."""
        return "model" if self.lead.low > 0 else "pca" if self.lead.high < 0 else ""

    def sentence(self, barely: str = "") -> str:
        """Which does better, and what to do where it is PCA.

        Args:
            barely: that the model has hardly been trained, in words, where that is so.
        """
        few = self.components < self.numbers
        equal = f"{self.components:,} components, all there are," if few else "as many numbers"
        errors = f"{self.pca.value:.4f} per pixel against {self.model.value:.4f}"
        if self.better == "model":
            return (
                f"It redraws test images better than PCA with {equal}: squared error "
                f"{self.model.value:.4f} per pixel against {self.pca.value:.4f}."
            )
        if not self.better:
            return f"PCA with {equal} redraws test images as well (squared error {errors})."
        said = f"PCA with {equal} does better (squared error {errors})"
        if barely:
            return f"{said}. {barely}"
        if self.train < FEW:
            return f"{said}: there are too few images ({self.train:,}). Bring more of them, or trust PCA here."
        return f"{said}: train longer, with a wider network or a smaller beta."

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal: a name, a value, its unit."""
        return [
            f"this model   {self.model.phrase('.5f')}, squared error per pixel",
            f"PCA          {self.pca.phrase('.5f')}, {self.components:,} components",
            f"lead         {self.lead.phrase('.5f')}",
            f"images       {self.train:,} to fit PCA, {self.test:,} to score",
            self.sentence(),
        ]


def read_against_pca(kept: Any) -> AgainstPCA | None:
    """What was kept by `to_json`; None of anything else."""
    if not isinstance(kept, Mapping):
        return None
    try:
        figures = {name: Estimate(*(float(kept[name][end]) for end in ("value", "low", "high"))) for name in PARTS}
        counts = {name: int(kept[name]) for name in COUNTS}
        mine, theirs, lead = (figures[name] for name in PARTS)
        return AgainstPCA(mine, theirs, lead, *(counts[name] for name in COUNTS))
    except (KeyError, TypeError, ValueError, OverflowError, VAEError):
        return None


PARTS, COUNTS = ("model", "pca", "lead"), ("numbers", "components", "train", "test")


def against_pca(
    errors: np.ndarray,
    train: Images,
    test: Images,
    numbers: int,
    *,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> AgainstPCA:
    """Put a model's errors beside those of PCA.

    Args:
        errors: (N,) of the model on the N test images, squared, per pixel, at mu (`Encodings.recon_error`).
        train: what PCA is fitted on, the model's own training images. numbers: of the model's code.
        seed: of the search for components, where there are too many pixels to do it outright.
        progress: called with (images gone through, of how many).

    Raises:
        VAEError: fewer than two images on either side, or errors that are not those of the test images.
    """
    if len(train) < 2 or len(test) < 2:
        raise VAEError("PCA needs at least two training images and two test images: give more.")
    if len(errors) != len(test):
        raise VAEError(f"{len(errors)} errors are not those of {len(test)} test images: give one for each.")
    found = principal(train, numbers, seed=seed, progress=progress)
    theirs, mine = found.errors(test), np.asarray(errors, np.float64)
    lead = mean_of(theirs - mine)
    return AgainstPCA(mean_of(mine), mean_of(theirs), lead, numbers, len(found.axes), len(train), len(test))


def measure_pca(
    model: Checkpoint,
    train: Images,
    test: Images,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
) -> AgainstPCA:
    """The suite: a model's test images redrawn at mu, and by PCA of the same size. Raises as `against_pca`."""
    errors = encode(model.vae, test, progress=stage("encoding")).recon_error
    return against_pca(errors, train, test, model.config.latent_dim, seed=seed, progress=stage("PCA"))


@torch.inference_mode()
def principal(images: Images, size: int, *, seed: int = 0, progress: Progress = lambda done, total: None) -> Principal:
    """The first principal components, as many as asked for and as there are.

    Outright where pixels or images are few: the eigenvectors of their products. Else by passes over the images that
    turn a random subspace towards the widest one (Halko, Martinsson and Tropp 2011, algorithm 4.4).

    Args:
        size: components. seed: of that subspace. progress: called with (images gone through, of how many).
    """
    count, width = len(images), int(np.prod(images.shape))
    size = min(size, width, count - 1)
    mean = torch.zeros(width, dtype=torch.float64)
    for x in _rows(images):
        mean += x.sum(dim=0, dtype=torch.float64)
    centre = (mean / count).float()
    if width <= EXACT:
        products = torch.zeros(width, width, dtype=torch.float64)
        for done, x in _counted(images):
            products += ((x - centre).T @ (x - centre)).double()
            progress(done, count)
        axes = torch.linalg.eigh(products)[1].flip(1)[:, :size].T.float()
        return Principal(centre, axes.contiguous())
    if count <= EXACT:
        rows = torch.cat(list(_rows(images))) - centre  # (N, D)
        values, vectors = torch.linalg.eigh((rows @ rows.T).double())
        axes = (
            vectors.flip(1)[:, :size].T.float() @ rows / values.flip(0)[:size].clamp(min=1e-12).sqrt().float()[:, None]
        )
        progress(count, count)
        return Principal(centre, _orthonormal(axes))
    return Principal(centre, _widest(images, centre, size, seed, progress))


def _widest(images: Images, centre: Tensor, size: int, seed: int, progress: Progress) -> Tensor:
    """(S, D) by passes over the images; the last one sorts what was found."""
    generator = torch.Generator().manual_seed(seed)
    wide = min(size + MORE, len(centre), len(images) - 1)
    axes = torch.linalg.qr(torch.randn(len(centre), wide, generator=generator))[0]  # (D, S + MORE)
    for turn in range(1, ROUNDS + 1):
        turned = torch.zeros_like(axes)
        products = torch.zeros(wide, wide, dtype=torch.float64)
        for done, x in _counted(images, (turn - 1) * len(images)):
            codes = (x - centre) @ axes  # (B, S + MORE)
            turned += (x - centre).T @ codes
            products += (codes.T @ codes).double()
            progress(done, ROUNDS * len(images))
        if turn == ROUNDS:
            return (axes @ torch.linalg.eigh(products)[1].flip(1)[:, :size].float()).T.contiguous()
        axes = torch.linalg.qr(turned)[0]
    raise AssertionError("there is a last round")


def _orthonormal(axes: Tensor) -> Tensor:
    """Rows (S, D) that rounding has turned a little, at right angles again."""
    q, r = torch.linalg.qr(axes.T)
    return (q * torch.sign(torch.diagonal(r))).T.contiguous()


def _rows(images: Images) -> Iterator[Tensor]:
    """x in [0, 1], its pixels in a row, (B, D), a batch at a time."""
    for pixels in images.batches(BATCH):
        yield as_x(torch.from_numpy(pixels.reshape(len(pixels), -1).copy()))


def _counted(images: Images, before: int = 0) -> Iterator[tuple[int, Tensor]]:
    """The same, each with how many images there were so far."""
    for x in _rows(images):
        before += len(x)
        yield before, x
