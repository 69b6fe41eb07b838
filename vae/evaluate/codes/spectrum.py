"""What each latent carries, which of them carry nothing, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vae.encodings import SPLITS, Encodings
from vae.errors import VAEError
from vae.evaluate.figures import ACTIVE_VARIANCE

LITTLE = 0.5  # of the latents active: fewer, and most of the code is idle


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The latents of a model, each with what it carries over a set of images.

    Attributes:
        kl: (L,) nats per image, or None of a plain autoencoder, whose codes have no spread.
        variance: (L,) of mu over the images.
        order: (L,) the latents, the one that carries most first: by KL, of an autoencoder by variance.
    """

    kl: np.ndarray | None
    variance: np.ndarray
    order: np.ndarray

    @property
    def active(self) -> np.ndarray:
        """(L,) bool: mu varies by more than 0.01 over the images (Burda et al. 2015, section 5.2)."""
        return np.asarray(self.variance > ACTIVE_VARIANCE)

    @property
    def collapsed(self) -> tuple[int, ...]:
        """Latents that say the same of every image."""
        return tuple(np.flatnonzero(~self.active).tolist())

    @property
    def full(self) -> float:
        """What a bar of full height carries: the largest, and of KL at least 1 nat, or nothing would look like much."""
        if self.kl is None:
            return float(self.variance.max()) or 1.0
        return max(1.0, float(self.kl.max()))

    @property
    def bars(self) -> tuple[tuple[int, float, float, bool], ...]:
        """In `order`: the latent, what it carries (KL, else variance), the same as a part of `full`, active."""
        height = self.variance if self.kl is None else self.kl
        top = self.full
        active = self.active
        return tuple((int(i), float(height[i]), max(0.0, float(height[i]) / top), bool(active[i])) for i in self.order)

    def per_level(self, level_of: Sequence[int]) -> tuple[float, ...]:
        """What the latents of each level carry together; `level_of`: (L,) the level of each latent, from 0."""
        carried = self.variance if self.kl is None else self.kl
        return tuple(np.bincount(np.asarray(level_of), carried).tolist())

    def advice(self, beta: float | None, barely: str = "") -> str:
        """What the number of active latents means, and what to do about it, for people.

        Args:
            beta: the effective weight of the KL, per image in nats; None where it is not known.
            barely: that it has hardly been trained, in words: then that comes first; "" of one that has.
        """
        total, idle = len(self.variance), len(self.collapsed)
        if not idle:
            return "" if total == 1 else f"All {total} latents tell images apart."
        named = _names(self.collapsed)
        if barely:
            return f"{named}. {barely}"
        if self.kl is None:
            return f"{named}: the model does without. Fewer latents would do."
        if idle == total:
            first = "It learned to ignore its code (posterior collapse). "
            if beta is not None and beta > 2:
                first += f"Its KL weighs {beta:.3g} times as much as in the ELBO: look at how its loss is averaged. "
            return f"{first}Train it again with a lower beta, a warm-up, or free bits of 0.5 to 1 nat per latent."
        if total - idle < LITTLE * total:
            return (
                f"{named}. At this beta the model needs {total - idle} of {total}. For more, train "
                "with free bits of 0.5 to 1 nat per latent, a warm-up, or a lower beta; else give it fewer latents."
            )
        return f"{named}: that costs nothing and carries nothing. A lower beta or free bits may wake more."


def _names(latents: tuple[int, ...], most: int = 8) -> str:
    words = ", ".join(map(str, latents[:most])) + (f" and {len(latents) - most} more" if len(latents) > most else "")
    return (
        f"Latents {words} say the same of every image"
        if len(latents) > 1
        else f"Latent {words} says the same of every image"
    )


def spectrum(mu: np.ndarray, kl_per_dim: np.ndarray | None) -> Spectrum:
    """Sum up the encodings of N images.

    Args:
        mu: (N, L). kl_per_dim: (N, L) nats, or None of a plain autoencoder.

    Raises:
        VAEError: no images.
    """
    if not len(mu):
        raise VAEError("There are no encodings to look at: run `python -m vae encode` on the model.")
    kl = None if kl_per_dim is None else kl_per_dim.mean(axis=0, dtype=np.float64)  # (L,)
    variance = mu.var(axis=0, dtype=np.float64)  # (L,)
    order = np.argsort(-(variance if kl is None else kl), kind="stable")
    return Spectrum(kl, variance, order)


@dataclass(frozen=True)
class Free:
    """What kept encodings tell of their test images (of all, where none is of a test): nothing has to be computed anew.

    Attributes:
        recon_mse: mean squared error per pixel, at mu. active_units: latents whose mu varies by more than 0.01.
        chance: 0 to 1, the share of the commonest label, which a guess reaches; None without labels.
        images: how many.
    """

    recon_mse: float
    active_units: int
    chance: float | None
    images: int


def free_figures(known: Encodings) -> Free:
    """Those of encodings. Raises VAEError: no images."""
    tested = known.split == SPLITS.index("test")
    rows = np.flatnonzero(tested) if tested.any() else np.arange(len(known))
    active = spectrum(known.mu[rows], None).active
    chance = None if known.labels is None else float(np.bincount(known.labels[rows]).max() / len(rows))
    return Free(float(known.recon_error[rows].mean(dtype=np.float64)), int(active.sum()), chance, len(rows))
