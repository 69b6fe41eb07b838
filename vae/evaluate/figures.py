"""The figures of a model, by one protocol.

Likelihoods and losses on test data are estimated with z drawn from q by a fixed generator, never at mu: at mu the same
network reads several nats better and compares with nothing published. Everything about the codes uses mu.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch

from vae.batches import stored
from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data.images import Images
from vae.encodings import SPLITS, Encodings, encode
from vae.errors import VAEError
from vae.measure import measure

NEIGHBOURS = 5  # that vote
MAP_NEIGHBOURS = 15  # trustworthiness
MAP_IMAGES = 5000  # test images it is measured on, at most
SEED = 0
CHUNK = 2**24  # distances held at once: 128 MB
ACTIVE_VARIANCE = 0.01  # of mu over images: a unit below it says the same of every image (Burda et al. 2015)


class Stage(Protocol):
    """Called with the name of what begins; gives a callback for (done, total)."""

    def __call__(self, what: str) -> Callable[[int, int], None]: ...


@dataclass(frozen=True)
class Figures:
    """What was measured, on test images.

    Attributes:
        recon_nll, kl, elbo: nats per image, z drawn from q. With likelihood "squared error" recon_nll is no
            likelihood. A plain autoencoder draws nothing: its kl and elbo are None.
        test_loss: per image, with the recipe's own reductions over pixels and latents.
        recon_mse: mean squared error per pixel of reconstructions at mu, pixels in [0, 1].
        active_units: latents whose mu varies over images by more than 0.01; `latent_dim` is how many there are.
        knn_accuracy: share of test images whose 5 nearest training codes vote for their label, or None without labels.
        trustworthiness: scikit-learn's, 15 neighbours, of the UMAP map against mu; None with too few images.
        likelihood, binarisation: in words; figures compare only where both agree.
        images: test images; `mapped` of them are behind the trustworthiness.
    """

    recon_nll: float
    kl: float | None
    elbo: float | None
    test_loss: float
    recon_mse: float
    active_units: int
    latent_dim: int
    knn_accuracy: float | None
    trustworthiness: float | None
    likelihood: str
    binarisation: str
    images: int
    mapped: int

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)


def evaluate(
    model: Checkpoint,
    train: Images,
    test: Images,
    encodings: Encodings | None = None,
    *,
    embed: Callable[[np.ndarray], np.ndarray] | None = None,
    stage: Stage = lambda what: lambda done, total: None,
) -> Figures:
    """Measure a model.

    Args:
        train: images whose codes vote on the labels of test images.
        test: images everything is measured on.
        encodings: what is kept in the model's folder. Its UMAP map is used if it shows the test images in question.
        embed: mu (N, L) to a map (N, 2), for when it does not. Without it the trustworthiness is then None.
        stage: told what begins, gives a progress callback.

    Raises:
        VAEError: images that the model does not read.
    """
    if not len(train) or not len(test):
        raise VAEError("A model is measured on training and on test images: give at least one of each.")
    stage("test likelihood")
    device = next(model.vae.parameters()).device
    found = measure(model.vae, stored(test, device), seed=SEED)
    codes = encode(model.vae, test, progress=stage("encoding test images"))
    accuracy = None
    if train.labels is not None and test.labels is not None:
        voters = encode(model.vae, train, progress=stage("encoding train images"))
        guesses = knn_labels(voters.mu, train.labels, codes.mu, progress=stage("nearest neighbours"))
        accuracy = float((guesses == test.labels).mean())
    rows = np.random.default_rng(SEED).permutation(len(test))[:MAP_IMAGES]
    stage("trustworthiness")
    point = model.config.posterior == "point"
    trust = _trust(codes.take(rows), encodings, embed)
    return Figures(
        recon_nll=found.recon_nll,
        kl=None if point else found.kl,
        elbo=None if point else -(found.recon_nll + found.kl),
        test_loss=found.loss,
        recon_mse=float(codes.recon_error.mean(dtype=np.float64)),
        active_units=int((codes.mu.var(axis=0, dtype=np.float64) > ACTIVE_VARIANCE).sum()),
        latent_dim=model.config.latent_dim,
        knn_accuracy=accuracy,
        trustworthiness=trust,
        likelihood=likelihood_phrase(model.config),
        binarisation=model.config.binarise,
        images=len(test),
        mapped=len(rows) if trust is not None else 0,
    )


def likelihood_phrase(config: Config) -> str:
    """What recon_nll is, in plain words: figures under different ones do not compare."""
    if config.likelihood == "gaussian":
        return f"Gaussian, {'one learned std' if config.std is None else f'std {config.std:g}'} (a density, in nats)"
    if config.likelihood == "logistic":
        return "discretised logistic over 256 grey levels (a probability, in nats)"
    if config.likelihood == "mse":
        return "squared error (no likelihood)"
    if config.binarise == "dynamic":
        return "Bernoulli on pixels binarised afresh each time"
    if config.binarise == "static":
        return "Bernoulli on pixels binarised once"
    return "Bernoulli on grey pixels (a pseudo-likelihood)"


def knn_labels(
    mu: np.ndarray,
    labels: np.ndarray,
    asked: np.ndarray,
    k: int = NEIGHBOURS,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """The label that most of the k nearest codes have; of labels with equally many, the lowest.

    Args:
        mu: (N, L), codes whose labels are known. labels: (N,) integers from 0 up.
        asked: (M, L). k: how many vote; all of them where there are fewer.
        progress: called with (codes done, M).

    Returns:
        (M,) int64.
    """
    # In float64, from a common centre: |a - b|^2 is a small difference of large numbers.
    centre = mu.mean(axis=0, dtype=np.float64)
    known, new = torch.from_numpy(mu - centre), torch.from_numpy(asked - centre)  # (N, L), (M, L)
    lengths = known.square().sum(dim=1)  # (N,)
    classes = torch.from_numpy(np.array(labels, np.int64))  # (N,)
    guesses = []
    for part in new.split(max(1, CHUNK // len(known))):
        distances = torch.addmm(lengths, part, known.T, alpha=-2)  # (B, N), less |part|^2, which changes no order
        nearest = distances.topk(min(k, len(known)), largest=False, sorted=False).indices  # (B, k)
        votes = torch.nn.functional.one_hot(classes[nearest], int(classes.max()) + 1).sum(dim=1)  # (B, classes)
        guesses.append(votes.numpy().argmax(axis=1))  # the first of equals
        if progress:
            progress(sum(map(len, guesses)), len(new))
    return np.concatenate(guesses)


def _trust(codes: Encodings, kept: Encodings | None, embed: Callable[[np.ndarray], np.ndarray] | None) -> float | None:
    if len(codes) <= 2 * MAP_NEIGHBOURS:  # not defined
        return None
    xy = _kept_map(codes, kept)
    if xy is None and embed is not None:
        xy = embed(codes.mu)
    return None if xy is None else trustworthiness(codes.mu, xy)


def trustworthiness(mu: np.ndarray, xy: np.ndarray) -> float:
    """How far neighbours on a map (N, 2) are neighbours among the codes (N, L): 1 all, 0 none (Venna 2001)."""
    from sklearn.manifold import trustworthiness as measured  # a second to import

    return float(measured(mu, xy, n_neighbors=MAP_NEIGHBOURS))


def _kept_map(codes: Encodings, kept: Encodings | None) -> np.ndarray | None:
    """The kept UMAP map of just these test images, in their order, or None if one of them is not on it."""
    if kept is None or "umap" not in kept.maps:
        return None
    rows = np.flatnonzero(kept.split == SPLITS.index("test"))
    where = {index: row for index, row in zip(kept.index[rows].tolist(), rows.tolist(), strict=True)}
    found = [where.get(index) for index in codes.index.tolist()]
    return None if None in found else kept.maps["umap"][np.array(found)]
