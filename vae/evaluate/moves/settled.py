"""A lock that is settled by looking: a step in the code that leaves the other attributes alone in the pictures.

A lock that knows only codes holds the codes' averages still; the decoder bends, and a smile may open the eyes all the
same. Here the step d is corrected by what a reader of pixels sees in decoded pictures: its effects E(d) on the held
attributes should be none, that on its own as before. Gauss and Newton's method, each move the shortest one in the
metric of the data's covariance S (Levenberg 1944): d + S J' (J S J' + lambda I)^-1 (wanted - E(d)), J = dE/dd.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.evaluate.moves.regressors import Reader
from vae.model import VAE

ROUNDS = 5
COARSE = 3  # rounds of them that look at few images
FEW, SOME, MANY = 96, 768, 3072  # pictures behind a Jacobian, and behind effects in the first and the last rounds
DAMPING = 0.02
REACH = 0.5  # of the step's own length is the most a move may be, in the metric
SLICE = 256  # pictures decoded at once


@dataclass(frozen=True, eq=False)
class Scene:
    """What a step is looked at with.

    Attributes:
        vae, reader: both frozen.
        unit: (A,) by how much a reading grows for one standard deviation of the true attribute.
    """

    vae: VAE
    reader: Reader
    unit: np.ndarray

    @property
    def device(self) -> torch.device:
        return next(self.vae.parameters()).device


def seen(scene: Scene, mu: np.ndarray) -> np.ndarray:
    """(n, A) float64: what the reader says of the decoded pictures of codes (n, L)."""
    with torch.inference_mode():
        parts = torch.tensor(mu, dtype=torch.float32, device=scene.device).split(SLICE)
        return np.concatenate([scene.reader.read(scene.vae.decode(part).cpu()) for part in parts])


def changes(scene: Scene, mu: np.ndarray, before: np.ndarray, signs: np.ndarray, step: np.ndarray) -> np.ndarray:
    """What a step does to each attribute, image by image.

    Args:
        mu: (n, L), codes of images. before: (n, A), what is `seen` of them.
        signs: (n,), 1 where the step is added, -1 where it is taken away. step: (L,).

    Returns:
        (n, A) float64, in standard deviations of the attribute over real images, counted towards the step.
    """
    return (seen(scene, mu + signs[:, None] * step) - before) * signs[:, None] / scene.unit


def settled(
    scene: Scene,
    mu: np.ndarray,
    sides: np.ndarray,
    plain: np.ndarray,
    start: np.ndarray,
    own: np.ndarray,
    held: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """The step near `start` that does to its own attribute what `plain` does, and nothing to the others.

    Args:
        mu: (N, L), codes of images that nothing is measured on later. sides: (N,), 1, -1 or 0.
        plain: (L,), the step without a lock. start: (L,), the step to begin with.
        own, held: (A,) bool: the attribute that the step is about; those that are looked at, it among them.

    Returns:
        (L,): of all steps on the way the one that comes nearest.
    """
    covariance = np.cov(mu, rowvar=False, dtype=np.float64).reshape(mu.shape[1], -1)
    metric = np.linalg.pinv(covariance, rcond=1e-4, hermitian=True)
    step, best, least = start.astype(np.float64), start, np.inf
    for turn in range(ROUNDS + 1):
        if turn in (0, COARSE):  # what came nearest among few may not among many: it is looked at afresh
            codes, signs = _draw(mu, sides, MANY if turn else SOME, generator)
            before, step, least = seen(scene, codes), best if turn else step, np.inf
            wanted = np.where(own, changes(scene, codes, before, signs, plain).mean(axis=0), 0.0)
        missing = (wanted - changes(scene, codes, before, signs, step).mean(axis=0))[held]
        if (off := float(np.square(missing).sum())) < least:
            best, least = step, off
        if turn < ROUNDS:
            step = step + _move(scene, *_draw(mu, sides, FEW, generator), step, held, missing, covariance, metric)
    return best


def _move(
    scene: Scene,
    codes: np.ndarray,
    signs: np.ndarray,
    step: np.ndarray,
    held: np.ndarray,
    missing: np.ndarray,
    covariance: np.ndarray,
    metric: np.ndarray,
) -> np.ndarray:
    """(L,): the shortest change of the step that should bring what is missing (H,), as far as REACH lets it."""
    slope = _slopes(scene, codes, signs, step, np.flatnonzero(held))  # (H, L)
    spread = slope @ covariance
    move: np.ndarray = spread.T @ np.linalg.solve(spread @ slope.T + DAMPING * np.eye(len(slope)), missing)
    long, most = np.sqrt(move @ metric @ move), REACH * np.sqrt(step @ metric @ step)
    return move * min(1.0, most / max(long, 1e-12))


def _draw(
    mu: np.ndarray, sides: np.ndarray, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Codes of as many images of each side, and whether the step is added to them or taken away."""
    picked = [np.flatnonzero(sides == side) for side in (1, -1)]
    each = min(count // 2, *map(len, picked))
    rows = np.concatenate([generator.choice(found, each, replace=False) for found in picked])
    return mu[rows], -sides[rows].astype(np.float64)


def _slopes(scene: Scene, codes: np.ndarray, signs: np.ndarray, step: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    """(H, L): how the mean change of each of these attributes grows with each number of the step."""
    z = torch.tensor(codes, dtype=torch.float32, device=scene.device)
    sign = torch.tensor(signs[:, None], dtype=torch.float32, device=scene.device)
    moved = torch.tensor(step, dtype=torch.float32, device=scene.device).requires_grad_(True)
    said: Tensor = scene.reader.said(scene.vae.decode(z + sign * moved).cpu())  # (n, A)
    means = (said * sign.cpu()).mean(dim=0)
    rows = [torch.autograd.grad(means[place], moved, retain_graph=True)[0] for place in attributes.tolist()]
    return torch.stack(rows).double().cpu().numpy() / scene.unit[attributes, None]
