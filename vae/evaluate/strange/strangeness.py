"""How strange an image is to a model: six scores. All grow with strangeness, and none sees a label.

A likelihood alone misleads: a picture with little in it, a thin 1 or an empty field, is cheap for any model, however
strange (Nalisnick et al. 2019; Serra et al. 2020). `relative` therefore asks what share of the picture's own contrast
the model leaves unexplained or has to pay for, and `combined` adds how far its code is from those of training images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.batches import as_x, stored
from vae.checkpoint import ENCODINGS, Checkpoint
from vae.config import Config
from vae.data.images import Images
from vae.encodings import SPLITS, encode, load_encodings
from vae.errors import VAEError
from vae.evaluate.figures import Stage, likelihood_phrase
from vae.likelihoods import recon_nll, seen
from vae.model import VAE
from vae.posterior import log_prior

DRAWS = 16  # of the likelihood: it ranks images as 5,000 do, nearly, at a few hundredths of the price
NEIGHBOURS = 5  # the distance to the fifth nearest training code: no single odd image decides
REFERENCE = 20_000  # training codes that are looked at, at most
ROWS = 4_096  # codes decoded at once: 13 MB of 28 x 28 pictures
CHUNK = 2**24  # distances held at once: 128 MB
NAMES = {
    "recon": "reconstruction error",
    "elbo": "-ELBO",
    "iwae": "-log p(x), importance-weighted",
    "density": "distance from training codes",
    "relative": "share of the picture unexplained",
    "combined": "share unexplained and distance",
}


@dataclass(frozen=True, eq=False)
class AnomalyScores:
    """How strange each of N images is. More is stranger.

    Attributes:
        recon: (N,) float32, mean squared error per pixel of the reconstruction at mu, as the encodings keep it.
        elbo: (N,) float32, -ELBO in nats per image, the mean over the draws; None where the model has no likelihood
            (squared error) or no posterior (a plain autoencoder).
        iwae: (N,) float32, -log p(x) in nats per image by importance weights (Burda et al. 2015, eq. 8); None likewise.
        density: (N,) float32, distance from mu to the fifth nearest code of a training image; where no training code
            is known, the length of mu: its distance from the middle of the prior.
        relative: (N,) float32, see `unexplained`. About 0 for a picture that costs nothing, 1 for one that the model
            explains no better than a flat grey.
        combined: (N,) float32, the geometric mean of relative and density: strange in its looks or in its code.
        against: what density compares with, in words.
        draws: codes drawn for each image.
        likelihood: what elbo and iwae are under, in words.
    """

    recon: np.ndarray
    elbo: np.ndarray | None
    iwae: np.ndarray | None
    density: np.ndarray
    relative: np.ndarray
    combined: np.ndarray
    against: str
    draws: int
    likelihood: str

    def __post_init__(self) -> None:
        for name in NAMES:
            array = getattr(self, name)
            if array is not None and array.shape != self.recon.shape:
                raise VAEError(f"There are {len(self.recon)} images and the score {name} is {array.shape}.")

    def __len__(self) -> int:
        return len(self.recon)

    def known(self) -> dict[str, np.ndarray]:
        """The scores that this model has, by field name."""
        return {name: array for name in NAMES if (array := getattr(self, name)) is not None}


def scores(
    model: Checkpoint,
    images: Images,
    *,
    reference: np.ndarray | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    stage: Stage = lambda what: lambda done, total: None,
) -> AnomalyScores:
    """Score images. 10,000 of MNIST take about a minute with a convolutional model on two cores.

    Args:
        images: N, of the model's shape.
        reference: (M, L) codes that the density compares with; None: `training_codes` of the model's folder, and where
            there are none the prior.
        seed: of the draws. The same gives the same scores, whatever else was drawn.
        draws: codes for each image. More: a likelihood closer to the truth, and as many times longer.

    Raises:
        VAEError: images of another shape, or none.
    """
    if draws < 1:
        raise VAEError(f"{draws} draws are too few: give at least 1.")
    codes = encode(model.vae, images, progress=stage("encoding images"))
    elbo, iwae = None, None
    if _has_likelihood(model.config):
        elbo, iwae = _likelihoods(model.vae, images, seed, draws, stage("likelihood of images"))
    if reference is None:
        reference = training_codes(model, seed=seed)
    if reference is None:
        density, against = np.linalg.norm(codes.mu, axis=1).astype(np.float32), "the prior"
    else:
        density = distances(reference, codes.mu, progress=stage("distances from training codes"))
        against = f"{len(reference):,} training codes"
    relative = unexplained(model.vae, images, progress=stage("contrast of images"))
    return AnomalyScores(
        recon=codes.recon_error,
        elbo=elbo,
        iwae=iwae,
        density=density,
        relative=relative,
        combined=np.sqrt(relative * density),
        against=against,
        draws=draws,
        likelihood=likelihood_phrase(model.config),
    )


@torch.inference_mode()
def unexplained(
    vae: VAE, images: Images, progress: Callable[[int, int], None] = lambda done, total: None
) -> np.ndarray:
    """What a picture costs through its code, over what it costs without one; (N,) float32, from 0 up.

    Above: -log p(x|mu) beyond that of the picture itself as the mean, the least there is, plus the KL. Below: the same
    for a flat grey of the picture's own mean, plus one nat, so that a blank picture has a value. Nothing is drawn.
    """
    device = next(vae.parameters()).device
    found = []
    for batch in stored(images).split(ROWS):
        x = as_x(batch.to(device))  # (B, *shape)
        q = vae.encode(x)
        flat = x.flatten(1).mean(dim=1).view(-1, *[1] * (x.ndim - 1)).expand_as(x)
        least = recon_nll(vae, _as_params(vae.config, x), x)  # (B,)
        paid = recon_nll(vae, vae.decode_params(q.mode()), x) - least
        if _has_posterior(vae.config):
            paid = paid + q.kl()
        without = recon_nll(vae, _as_params(vae.config, flat), x) - least
        found.append((paid.clamp(min=0) / (without.clamp(min=0) + 1)).cpu().numpy())
        progress(sum(map(len, found)), len(images))
    return np.concatenate(found)


def _as_params(config: Config, x: Tensor) -> Tensor:
    """What a decoder would have to say so that the mean of p(x|z) is x."""
    return torch.logit(x, eps=1e-6) if config.likelihood == "bernoulli" else x


def training_codes(
    model: Checkpoint,
    train: Images | None = None,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
) -> np.ndarray | None:
    """(M, L) codes that the density compares with, at most 20,000, chosen by the seed.

    Args:
        train: images the model learned from; None: those whose codes are kept in its folder.

    Returns:
        None where no training code is known.
    """
    generator = np.random.default_rng(seed)
    if train is not None:
        rows = np.sort(generator.permutation(len(train))[:REFERENCE])
        return encode(model.vae, train.take(rows), progress=stage("encoding training images")).mu
    if not (model.folder / ENCODINGS).is_file():
        return None
    kept = load_encodings(model.folder)
    mu = kept.mu[kept.split == SPLITS.index("train")]
    return mu[np.sort(generator.permutation(len(mu))[:REFERENCE])] if len(mu) else None


@torch.inference_mode()
def error_maps(model: Checkpoint, images: Images) -> np.ndarray:
    """(N, H, W) float32: of each pixel, how far the reconstruction at mu is off, the mean over its colours, 0 to 1.

    Raises:
        VAEError: flat vectors, which have no map, or images of another shape.
    """
    if len(images.shape) != 3:
        raise VAEError("Rows of a table have no error map: it is drawn for images.")
    device = next(model.vae.parameters()).device
    maps = [np.empty((0, *images.shape[1:]), np.float32)]
    for batch in stored(images).split(ROWS):
        x = as_x(batch.to(device))  # (B, C, H, W)
        maps.append((model.vae.decode(model.vae.encode(x).mode()) - x).abs().mean(dim=1).cpu().numpy())
    return np.concatenate(maps)


def distances(
    reference: np.ndarray,
    asked: np.ndarray,
    k: int = NEIGHBOURS,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """How far each row is from its k-th nearest of the reference (Ramaswamy et al. 2000).

    Args:
        reference: (M, D). asked: (N, D). k: of fewer than k, the farthest.

    Returns:
        (N,) float32.
    """
    # The differences themselves: the product in `nearest` has lost the last digits of a small distance.
    far = reference[nearest(reference, asked, k, progress)[:, -1]].astype(np.float64)
    return np.linalg.norm(far - asked, axis=1).astype(np.float32)


def nearest(
    reference: np.ndarray, asked: np.ndarray, k: int, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """(N, k) int64: the rows of the reference (M, D) nearest to each row of asked (N, D), nearest first; M if fewer."""
    # In float64, from a common centre: |a - b|^2 is a small difference of large numbers.
    centre = reference.mean(axis=0, dtype=np.float64)
    known, new = torch.from_numpy(reference - centre), torch.from_numpy(asked - centre)  # (M, D), (N, D)
    lengths = known.square().sum(dim=1)  # (M,)
    found = []
    for part in new.split(max(1, CHUNK // len(known))):
        short = torch.addmm(lengths, part, known.T, alpha=-2)  # (B, M), less |part|^2, which changes no order
        found.append(short.topk(min(k, len(known)), largest=False).indices.numpy())
        if progress:
            progress(sum(map(len, found)), len(new))
    return np.concatenate(found)


def _has_posterior(config: Config) -> bool:
    return config.posterior != "point"


def _has_likelihood(config: Config) -> bool:
    return config.likelihood != "mse" and _has_posterior(config)


@torch.inference_mode()
def _likelihoods(
    vae: VAE, images: Images, seed: int, draws: int, progress: Callable[[int, int], None]
) -> tuple[np.ndarray, np.ndarray]:
    """(-ELBO, -log p(x) by importance weights), (N,) each."""
    device = next(vae.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    elbo, iwae = [], []
    for batch in stored(images).split(max(1, ROWS // draws)):
        x = as_x(batch.to(device))  # (B, *shape)
        x = seen(vae.config, x, generator)
        q, z = vae.draw(x, generator, draws)  # (k * B, L)
        again = x.repeat(draws, *[1] * (x.ndim - 1))  # row j * B + i is image i
        recon = recon_nll(vae, vae.decode_params(z), again)  # (k * B,)
        weights = (log_prior(z) - q.log_prob(z) - recon).view(draws, len(x))
        iwae.append(np.log(draws) - weights.logsumexp(dim=0).cpu().numpy())
        # The KL in closed form: less chance in it than in log q - log p of the draws.
        elbo.append((recon + q.kl()).view(draws, len(x)).mean(dim=0).cpu().numpy())
        progress(sum(map(len, elbo)), len(images))
    return np.concatenate(elbo).astype(np.float32), np.concatenate(iwae).astype(np.float32)
