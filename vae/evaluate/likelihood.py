"""The suite "likelihood": how probable a model finds images it has never seen, and what its code costs and carries.

Published numbers are -log p(x) estimated with 5,000 importance samples (Burda et al. 2015, section 5.1). They compare
only under the same likelihood and binarisation, which is why both stand beside every figure.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from vae.batches import as_x, stored
from vae.checkpoint import Checkpoint
from vae.config import Config
from vae.data.images import Images
from vae.errors import VAEError
from vae.evaluate.codes.aggregate import aggregate
from vae.evaluate.figures import Stage, likelihood_phrase
from vae.evaluate.importance import weigh
from vae.likelihoods import seen
from vae.measure import ACTIVE
from vae.model import VAE

DRAWS = 5000  # of each image: what papers use
MAX_DRAWS = 1_000_000


@dataclass(frozen=True)
class Likelihood:
    """What was measured, in nats per image unless it says otherwise.

    Attributes:
        nll: -log p(x), estimated with `draws` importance samples of each image; on average an upper bound.
        nll_error: its standard error over images. draw_error: that of the draws alone, the images being what they are.
        exact_nll: -log p(x) in closed form, of a linear VAE with a Gaussian likelihood; None of any other.
        elbo, elbo_error: the lower bound with one draw, estimated from all of them, and its standard error over images.
        rate: KL of the posterior to the prior. distortion: the reconstruction term. elbo = -(rate + distortion).
        effective_draws: of each image's draws, how many carry its estimate, the median; a few are too few.
        kl_per_dim: the rate, latent by latent. active_units: those whose mu varies by more than 0.01 over images.
        levels: latents of each level, the most abstract first; empty for one level. kl_per_level: the rate of each.
        information: how much of the rate tells which image it was; at most log(images), where it saturates.
        marginal_kl: the rest, the distance of all codes together from the prior; with it of each latent alone.
            These three are None of several levels, whose posteriors hang on what was drawn above.
        likelihood, binarisation: in words; figures compare only where both agree.
        images: test images. draws: k. seed: of everything drawn.
    """

    nll: float
    nll_error: float
    draw_error: float
    exact_nll: float | None
    elbo: float
    elbo_error: float
    rate: float
    distortion: float
    effective_draws: float
    kl_per_dim: tuple[float, ...]
    active_units: int
    latent_dim: int
    levels: tuple[int, ...]
    kl_per_level: tuple[float, ...]
    information: float | None
    marginal_kl: float | None
    marginal_kl_per_dim: tuple[float, ...] | None
    likelihood: str
    binarisation: str
    images: int
    draws: int
    seed: int

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def lines(self) -> list[str]:
        """For a terminal."""
        how = f"{self.likelihood}, {self.images:,} images, k = {self.draws:,}"
        spread = f"± {self.nll_error:.2f} over images, ± {self.draw_error:.3f} over draws"
        lines = [
            f"NLL                  {self.nll:.2f} nats per image ({spread}; {how})",
            f"ELBO                 {self.elbo:.2f} ± {self.elbo_error:.2f} nats per image",
            f"rate (KL)            {self.rate:.2f} nats per image",
            f"distortion           {self.distortion:.2f} nats per image",
            f"effective draws      {self.effective_draws:.1f} of {self.draws:,}",
            f"active units         {self.active_units} of {self.latent_dim}",
        ]
        if self.exact_nll is not None:
            lines.insert(1, f"exact NLL            {self.exact_nll:.2f} nats per image, in closed form")
        if self.levels:
            each = ", ".join(f"{nats:.2f}" for nats in self.kl_per_level)
            lines.append(f"KL of each level     {each} nats, the most abstract first")
        if self.information is not None:
            most = math.log(self.images)
            full = ", all that so many images can show" if self.information > most - 0.1 else ""
            lines.append(f"information          {self.information:.2f} nats of at most {most:.2f}{full}")
            lines.append(f"codes against prior  {self.marginal_kl:.2f} nats")
        return lines


def measure_likelihood(
    model: Checkpoint,
    train: Images,
    test: Images,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
    k: int = DRAWS,
    images: int | None = None,
) -> Likelihood:
    """Estimate log p(x) of test images and take the ELBO apart.

    Args:
        train: not looked at.
        test: images the model reads. Binarised once, by the seed, where the model sees binarised pixels.
        seed: of that and of every draw: the same seed gives the same bytes.
        stage: told what begins, gives a progress callback.
        k: draws of each image. More: a tighter bound, and as much longer; memory stays the same.
        images: how many, chosen by the seed; None or more than there are: all.

    Raises:
        VAEError: a model without a likelihood or a posterior, images of another shape, or too few; a k out of range.
    """
    _check(model.config, test, k, images)
    pixels = stored(test if images is None else test.take(_rows(len(test), images, seed)))
    device = next(model.vae.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    x = _as_judged(model.config, pixels.to(device), generator)
    found = weigh(model.vae, x, generator, k, progress=stage("importance weights"))
    count = len(x)
    over_images = lambda values: float(values.std(ddof=1) / math.sqrt(count))  # noqa: E731
    kl_per_dim = found.kl_per_dim.mean(axis=0)  # (L,)
    level_of = np.array(model.config.level_of)
    parts = None
    if found.logvar is not None:
        stage("codes against the prior")
        parts = aggregate(found.mu, found.logvar, seed)
    return Likelihood(
        nll=-float(found.log_likelihood.mean()),
        nll_error=over_images(found.log_likelihood),
        draw_error=math.sqrt(found.draw_variance.sum()) / count,
        exact_nll=_exact_nll(model.vae, x),
        elbo=float(found.elbo.mean()),
        elbo_error=over_images(found.elbo),
        rate=float(kl_per_dim.sum()),
        distortion=float(found.recon_nll.mean()),
        effective_draws=float(np.median(found.effective)),
        kl_per_dim=tuple(kl_per_dim.tolist()),
        active_units=int((found.mu.var(axis=0) > ACTIVE).sum()),
        latent_dim=model.config.latent_dim,
        levels=model.config.levels,
        kl_per_level=tuple(float(kl_per_dim[level_of == level].sum()) for level in range(level_of[-1] + 1)),
        information=parts.information if parts else None,
        marginal_kl=parts.marginal_kl if parts else None,
        marginal_kl_per_dim=parts.marginal_kl_per_dim if parts else None,
        likelihood=likelihood_phrase(model.config),
        binarisation=model.config.binarise,
        images=count,
        draws=k,
        seed=seed,
    )


def _check(config: Config, test: Images, k: object, images: object) -> None:
    if config.posterior == "point":
        raise VAEError("A plain autoencoder has one code for an image and no likelihood to estimate: choose a VAE.")
    if config.likelihood == "mse":
        raise VAEError(
            "This model was trained on the bare squared error, which is no likelihood: "
            "train one with likelihood gaussian or bernoulli."
        )
    if test.shape != config.shape:
        raise VAEError(f"This model reads images of shape {config.shape}, not {test.shape}: choose other data.")
    for name, value, low, high, usual in (
        ("k", k, 1, MAX_DRAWS, "5,000 is what papers use"),
        ("images", images, 2, 10**9, "leave it out for all"),
    ):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and low <= value <= high):  # type: ignore[operator]
            raise VAEError(f"{name} is {value!r}: give a whole number from {low} to {high:,}; {usual}.")
    if len(test) < 2:
        raise VAEError("A likelihood needs at least two test images, for its error: choose more data.")


def _rows(count: int, wanted: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(count)[:wanted])


def _as_judged(config: Config, pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Pixels as this model is judged by: where it sees 0 and 1, drawn here once and kept as 0 and 255."""
    if config.binarise == "none":
        return pixels
    drawn = [seen(config, as_x(batch), generator) for batch in pixels.split(1000)]
    return torch.cat([(part * 255).to(torch.uint8) if pixels.dtype == torch.uint8 else part for part in drawn])


@torch.no_grad()
def _exact_nll(vae: VAE, x: torch.Tensor) -> float | None:
    config = vae.config
    if (config.network, config.likelihood, config.output) != ("linear", "gaussian", "linear"):
        return None
    return -float(vae.log_likelihood_exact(as_x(x)).mean())
